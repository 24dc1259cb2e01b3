//! The eframe application: pump, fold, handle commands; then paint.

use crate::command::{AppCommand, CommandSender, Page};
use crate::handlers::{FileDesk, Guide, OpenedLog, RaceDesk, RunShown, handle};
use crate::opening;
use crate::platform::dialogs::Dialogs;
use crate::platform::system_fonts::SystemFonts;
use crate::race::RaceState;
use crate::scene::{Filter, Scene, SceneCache, column_of_batch, visible_batches};
use crate::session::{Pumped, Session};
use crate::source::Start;
use crate::state::Playback;
use crate::theme::Theme;
use crate::ui::dock::Pane;
use crate::ui::storage_panel::StorageTab;
use crate::ui::{ShellState, TimeCtx, ViewCtx, saved, shell_ui};
use faultline_engine::config::EngineConfig;
use faultline_engine::ids::BatchId;
use faultline_engine::programs::{self, InputSource};
use std::sync::Arc;

/// The window.
pub struct App {
    session: Session,
    shell: ShellState,
    commands: CommandSender,
    scenes: SceneCache,
    scene: Arc<Scene>,
    guide: Guide,
    race: RaceDesk,
    files: FileDesk,
    fonts: SystemFonts,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl App {
    /// A window over an open session. `wake` asks for a frame; engines call it.
    pub fn new(session: Session, theme: Theme, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let mut shell = ShellState::default();
        shell.ui.theme = theme;
        shell.ui.programs = programs::ALL.iter().map(|p| p.name.to_owned()).collect();
        Self {
            session,
            shell,
            commands: CommandSender::default(),
            scenes: SceneCache::default(),
            scene: Arc::default(),
            guide: Guide::default(),
            race: RaceDesk::default(),
            files: FileDesk::default(),
            fonts: SystemFonts::default(),
            wake,
        }
    }

    /// Opens a program or a log in a new window.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(name: &str, start: Start, theme: Theme, wake: Arc<dyn Fn() + Send + Sync>) -> anyhow::Result<Self> {
        let session = opening::open(name, start, Arc::clone(&wake))?;
        Ok(Self::begun(session, start, theme, wake))
    }

    /// Opens a program with these settings in a new window, with its lines from `source`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_with(
        name: &str,
        source: &InputSource,
        config: EngineConfig,
        start: Start,
        theme: Theme,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> anyhow::Result<Self> {
        let session = opening::open_with(name, source, config, start, Arc::clone(&wake))?;
        Ok(Self::begun(session, start, theme, wake))
    }

    fn begun(session: Session, start: Start, theme: Theme, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let mut app = Self::new(session, theme, wake);
        match start {
            Start::Running { speed } => app.shell.ui.speed = speed,
            Start::Paused => {
                app.shell.ui.playback = Playback::Paused;
                app.shell.ui.speed = f64::INFINITY;
            }
        }
        app
    }

    /// Chooses the panel below the lineage, and the table in that of storage.
    pub fn show_below(&mut self, below: Pane, storage: StorageTab) {
        self.shell.dock.bring_forward(below);
        self.shell.panels.storage.tab = storage;
    }

    /// Shows a race that was computed elsewhere.
    pub fn show_race(&mut self, race: RaceState) {
        self.race = RaceDesk::with(race);
        self.shell.ui.page = Page::Race;
    }

    /// The race, as far as it is.
    pub const fn race(&self) -> &RaceState {
        self.race.state()
    }

    /// Asks for paths in another way than with the desktop's dialogs.
    #[must_use]
    pub fn with_dialogs(self, dialogs: Box<dyn Dialogs>) -> Self {
        Self { files: FileDesk::new(dialogs), ..self }
    }

    /// What is open.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Takes over choices and arrangement of an earlier window.
    pub fn restore(&mut self, text: &str) {
        saved::restore(&mut self.shell, text);
    }

    /// Choices of the user and state of the panels.
    pub const fn shell(&self) -> &ShellState {
        &self.shell
    }

    /// Wishes something as a panel would.
    #[track_caller]
    pub fn send(&self, command: AppCommand) {
        self.commands.send(command);
    }

    /// Before painting: takes events and commands. Returns whether more events wait.
    pub fn update(&mut self) -> Pumped {
        for sent in self.commands.drain() {
            self.carry_out(sent.command);
        }
        if let Some(opened) = self.files.poll(&self.session, &mut self.shell.ui, &self.wake) {
            self.install(opened);
        }
        self.shell.ui.pacing = self.session.capabilities().pacing;
        let pumped = self.session.pump();
        self.race.observe(&self.session);
        self.guide.observe(&self.session, &mut self.shell.ui);
        let filter = self.visible();
        self.scene = self.scenes.get(self.session.model(), &filter);
        pumped
    }

    fn carry_out(&mut self, command: AppCommand) {
        let Self { session, shell, guide, race, files, wake, .. } = self;
        let mut shown = RunShown::Same;
        shell.apply(&command);
        if let AppCommand::ShowBatch(batch) = command {
            shell.panels.lineage.show_column(column_of_batch(session.model(), batch));
        }
        if matches!(command, AppCommand::OpenProgram(_) | AppCommand::Input(_)) {
            // What is replaced is the live run, not the lane in its place.
            shown = race.back_to_run(session, &mut shell.ui);
            files.forget_opening();
        }
        let before = session.generation();
        handle(command.clone(), session, &mut shell.ui, guide, files, wake);
        let another = race.handle(&command, session, &mut shell.ui, wake) == RunShown::Another;
        if another || shown == RunShown::Another || session.generation() != before {
            self.forget_views();
        }
    }

    /// Puts an opened log into the place of the live run.
    fn install(&mut self, opened: OpenedLog) {
        let state = &mut self.shell.ui;
        self.race.back_to_run(&mut self.session, state);
        self.session.replace(Session::new(Box::new(opened.log)));
        self.guide = Guide::default();
        state.forget_run();
        state.playback = Playback::Running;
        state.page = Page::Run;
        state.recent.add(opened.path);
        self.forget_views();
    }

    /// Another run is shown from now on: nothing of the one before may stay.
    fn forget_views(&mut self) {
        self.scenes.clear();
        self.shell.forget_run();
    }

    /// The batches that the lineage view shows, and one more on each side.
    fn visible(&self) -> Filter {
        let model = self.session.model();
        let Some((left, right)) = self.shell.panels.lineage.visible_x() else { return Filter::default() };
        if model.streams.streams.is_empty() {
            return Filter::default();
        }
        let range = visible_batches(model, left, right);
        let window = 2;
        let last = BatchId(range.end().0.saturating_add(window));
        // While the camera follows, the newest batch is about to be visible.
        let last = if self.shell.ui.follow { model.latest_batch().map_or(last, |b| last.max(b)) } else { last };
        Filter::batches(BatchId(range.start().0.saturating_sub(window))..=last)
    }

    /// Paints the window.
    pub fn paint(&mut self, ui: &mut egui::Ui) {
        self.fonts.serve(ui.ctx(), &self.wake);
        let model = self.session.model();
        let ctx = ViewCtx {
            model,
            scene: &self.scene,
            selection: self.shell.ui.selection,
            focus: self.shell.ui.focus,
            now: model.now,
            race: self.race.state(),
            controllable: self.session.is_controllable(),
            time: TimeCtx {
                timeline: self.session.timeline(),
                shown: self.session.shown(),
                running: self.session.is_running(),
            },
            send: &self.commands,
        };
        shell_ui(ui, &ctx, &mut self.shell);
    }
}

/// The name under which choices and arrangement are kept.
pub const SAVED: &str = "faultline.window";

impl eframe::App for App {
    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        if let Some(text) = saved::save(&self.shell) {
            storage.set_string(SAVED, text);
        }
    }

    /// Camera and widgets begin anew with every run.
    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        if self.update() == Pumped::More {
            ctx.request_repaint();
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.paint(ui);
        // What panels sent is carried out before the next frame.
        if !self.commands.is_empty() {
            ui.ctx().request_repaint();
        }
    }
}
