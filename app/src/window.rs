//! Opening the native window, and painting it without one.

use crate::app::{App, SAVED};
use crate::command::{AppCommand, CommandSender, Focus, LayoutCommand};
use crate::model::{Model, Shown, Timeline};
use crate::platform::Picture;
use crate::platform::screenshot::{Shot, paint};
use crate::race::RaceState;
use crate::scene::Scene;
use crate::session::{Pumped, Session};
use crate::source::Start;
use crate::theme::Theme;
use crate::ui::dock::{Pane, Preset};
use crate::ui::storage_panel::StorageTab;
use crate::ui::{ShellState, TimeCtx, ViewCtx, whole_lineage_ui};
use anyhow::{Context as _, anyhow};
use faultline_engine::config::EngineConfig;
use faultline_engine::programs::InputSource;
use std::sync::{Arc, OnceLock};

/// Whether the environment names a display.
pub fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// What to do when no window can be opened.
pub const WITHOUT_WINDOW: &str = "A window needs a display and these libraries (Debian): libx11-6 libx11-xcb1 libxcursor1 \
libxi6 libxkbcommon0 libxkbcommon-x11-0 libgl1 libegl1 libgl1-mesa-dri";

/// Opens the window on a program or a log, and returns when it is closed.
///
/// # Errors
/// When there is no display, a library is missing, or `name` cannot be opened.
pub fn open(name: &str, theme: Theme) -> anyhow::Result<()> {
    open_app(theme, |wake| App::open(name, Start::Running { speed: 1.0 }, theme, wake))
}

/// Opens the window on a program with these settings, whose lines come from `source`.
///
/// # Errors
/// As [`open`], and when the source cannot be read.
pub fn open_with(name: &str, source: &InputSource, config: EngineConfig, theme: Theme) -> anyhow::Result<()> {
    open_app(theme, |wake| App::open_with(name, source, config, Start::Running { speed: 1.0 }, theme, wake))
}

fn open_app(theme: Theme, make: impl FnOnce(Arc<dyn Fn() + Send + Sync>) -> anyhow::Result<App>) -> anyhow::Result<()> {
    // The window that the engine wakes exists only later.
    let window: Arc<OnceLock<egui::Context>> = Arc::default();
    let waker = Arc::clone(&window);
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        if let Some(ctx) = waker.get() {
            ctx.request_repaint();
        }
    });
    let app = make(wake)?;
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id("faultline")
            .with_title("Faultline")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([960.0, 600.0]),
        ..Default::default()
    };
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        theme.apply(&cc.egui_ctx);
        let mut app = app;
        if let Some(text) = cc.storage.and_then(|storage| storage.get_string(SAVED)) {
            app.restore(&text);
        }
        // Set once: this window is the only one.
        drop(window.set(cc.egui_ctx.clone()));
        Ok(Box::new(app))
    });
    eframe::run_native("Faultline", options, create)
        .map_err(|error| anyhow!("{error}"))
        .context(format!("Cannot open the window. {WITHOUT_WINDOW}"))
}

/// Frames after which the camera rests.
const SETTLED: u32 = 120;

/// How a picture of the window looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Colours.
    pub theme: Theme,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Pixels per point.
    pub scale: f32,
    /// How the panels are arranged.
    pub layout: Preset,
    /// The panel in front below the lineage, and the table in that of storage.
    pub below: (Pane, StorageTab),
}

/// Paints the window over a session without a display; with a race, its page. `focus` chooses what is
/// selected once every event is folded.
///
/// # Errors
/// What `focus` could not find.
pub fn picture(
    mut session: Session,
    race: Option<RaceState>,
    look: Look,
    focus: impl FnOnce(&Model) -> anyhow::Result<Option<Focus>>,
) -> anyhow::Result<Picture> {
    let ctx = egui::Context::default();
    look.theme.apply(&ctx);
    // Every event is folded before the first frame, however long that takes.
    while session.pump() == Pumped::More {}
    let focus = focus(session.model())?;
    let mut app = App::new(session, look.theme, Arc::new(|| {}));
    app.send(AppCommand::Layout(LayoutCommand::Arrange(look.layout)));
    app.update();
    app.show_below(look.below.0, look.below.1);
    if let Some(focus) = focus {
        app.send(AppCommand::Focus(focus));
    }
    if let Some(race) = race {
        app.show_race(race);
    }
    let background = look.theme.tokens().background;
    let shot = Shot { size: look.size, pixels_per_point: look.scale, frames: SETTLED, background };
    Ok(paint(&ctx, shot, |ui| {
        app.update();
        app.paint(ui);
    }))
}

/// The widest and highest picture of a lineage, in pixels; a larger lineage is painted smaller.
const PICTURE_MAX: f32 = 12_000.0;
/// Pixels per point of a lineage that fits.
const PICTURE_SCALE: f32 = 2.0;
/// Room for the sentence above and the legend below the lineage, in points.
const AROUND: egui::Vec2 = egui::vec2(40.0, 212.0);
/// The sentence and the legend need so much.
const WIDTH_MIN: f32 = 960.0;

/// Paints the lineage alone, whole, with the sentence above and the legend below.
pub fn lineage_picture(model: &Model, scene: &Arc<Scene>, theme: Theme) -> Picture {
    let ctx = egui::Context::default();
    theme.apply(&ctx);
    let drawn = scene.bounds.map_or(egui::Vec2::ZERO, |bounds| bounds.size());
    let points = egui::vec2((drawn.x + AROUND.x).max(WIDTH_MIN), drawn.y + AROUND.y);
    let scale = (PICTURE_MAX / points.max_elem()).min(PICTURE_SCALE);
    let size = [(points.x * scale).ceil() as u32, (points.y * scale).ceil() as u32];
    let background = theme.tokens().background;
    // Below one pixel per point the view is zoomed out, so that it draws what can be read.
    let shot = Shot { size, pixels_per_point: scale.max(1.0), frames: 8, background };
    let (mut shell, commands, timeline) = (ShellState::default(), CommandSender::default(), Timeline::new());
    let race = RaceState::default();
    paint(&ctx, shot, |ui| {
        let view = ViewCtx {
            race: &race,
            model,
            scene,
            selection: None,
            focus: None,
            now: model.now,
            controllable: false,
            time: TimeCtx { timeline: &timeline, shown: Shown::Live, running: false },
            send: &commands,
        };
        whole_lineage_ui(ui, &view, &mut shell.panels.lineage);
    })
}
