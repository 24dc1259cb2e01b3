//! The eframe application: pump, fold, handle commands; then paint.

use crate::command::CommandSender;
use crate::handlers::{FileDesk, Guide, handle};
use crate::opening;
use crate::platform::dialogs::Dialogs;
use crate::platform::system_fonts::SystemFonts;
use crate::scene::{Filter, Scene, SceneCache, visible_batches};
use crate::session::{Pumped, Session};
use crate::source::Start;
use crate::state::Playback;
use crate::theme::Theme;
use crate::ui::{ShellState, ViewCtx, shell_ui};
use faultline_engine::ids::BatchId;
use faultline_engine::programs;
use std::sync::Arc;

/// The window.
pub struct App {
    session: Session,
    shell: ShellState,
    commands: CommandSender,
    scenes: SceneCache,
    scene: Arc<Scene>,
    guide: Guide,
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
        let mut app = Self::new(session, theme, wake);
        match start {
            Start::Running { speed } => app.shell.ui.speed = speed,
            Start::Paused => {
                app.shell.ui.playback = Playback::Paused;
                app.shell.ui.speed = f64::INFINITY;
            }
        }
        Ok(app)
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

    /// Choices of the user and state of the panels.
    pub const fn shell(&self) -> &ShellState {
        &self.shell
    }

    /// Before painting: takes events and commands. Returns whether more events wait.
    pub fn update(&mut self) -> Pumped {
        for sent in self.commands.drain() {
            let (state, guide) = (&mut self.shell.ui, &mut self.guide);
            handle(sent.command, &mut self.session, state, guide, &mut self.files, &self.wake);
        }
        self.files.poll(&mut self.session, &mut self.shell.ui, &mut self.guide, &self.wake);
        let pumped = self.session.pump();
        self.guide.observe(&self.session, &mut self.shell.ui);
        let filter = self.visible();
        self.scene = self.scenes.get(self.session.model(), &filter);
        pumped
    }

    /// The batches that the lineage view shows, and one more on each side.
    fn visible(&self) -> Filter {
        let model = self.session.model();
        let Some((left, right)) = self.shell.lineage.visible_x() else { return Filter::default() };
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
            controllable: self.session.capabilities().commands && model.application.ended.is_none(),
            send: &self.commands,
        };
        shell_ui(ui, &ctx, &mut self.shell);
    }
}

impl eframe::App for App {
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
