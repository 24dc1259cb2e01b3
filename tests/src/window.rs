//! A window over a real engine, without a display: opened, stepped and driven by accessible name.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline::app::App;
use faultline::source::Start;
use faultline::state::Playback;
use faultline::theme::Theme;
use faultline_engine::event::{CheckpointedAfter, Event, GraphCheckpointInfo};
use faultline_engine::ids::*;
use std::sync::Arc;

/// A window without a display.
pub type Window = Harness<'static, App>;

/// Frames that a flow may take before it counts as stuck.
pub const PATIENCE: u32 = 200_000;

/// The size of a small screen.
pub const SMALL: egui::Vec2 = egui::vec2(1280.0, 800.0);

/// A program, paused at its start.
///
/// # Panics
/// When there is no such program.
pub fn paused(program: &str, theme: Theme) -> App {
    let opened = App::open(program, Start::Paused, theme, Arc::new(|| {}));
    opened.unwrap_or_else(|error| panic!("{program} does not open: {error}"))
}

/// The window of an app, of `size` pixels at a scale.
pub fn sized(app: App, size: egui::Vec2, scale: f32) -> Window {
    Harness::builder().with_size(size / scale).with_pixels_per_point(scale).with_max_steps(64).build_ui_state(
        |ui, app: &mut App| {
            app.update();
            app.paint(ui);
        },
        app,
    )
}

/// The window of an app on a small screen.
pub fn window(app: App) -> Window {
    sized(app, SMALL, 1.0)
}

/// The window of a program, paused at its start.
pub fn open(program: &str) -> Window {
    window(paused(program, Theme::Dark))
}

/// Runs frames until the app shows what is awaited, and one more, so that the panels show it too.
///
/// # Panics
/// When it never happens.
pub fn until(window: &mut Window, what: &str, awaited: impl Fn(&App) -> bool) {
    for _ in 0..PATIENCE {
        window.step();
        if awaited(window.state()) {
            window.step();
            return;
        }
        std::thread::yield_now();
    }
    let app = window.state();
    let story = &app.session().model().story;
    panic!("never happened: {what}; story {story:?}, race {:?}, {:?}", app.race().phase, app.shell().ui);
}

/// Frames for which a widget keeps its place before it is clicked.
const STILL: u32 = 5;

/// Frames after which a click that changed nothing is repeated, as a user would.
const CLICKED_IN_VAIN: u32 = 300;

/// Runs frames until `found` gives the same place several times in a row, and clicks there. What the engine still
/// announces moves rows and nodes, and a click between two frames would miss them.
fn click_at(window: &mut Window, what: &str, found: impl Fn(&Window) -> Option<egui::Rect>) {
    let mut place = None;
    let mut still = 0;
    for _ in 0..PATIENCE {
        let now = found(window);
        still = if now.is_some() && now == place { still + 1 } else { 0 };
        place = now;
        if let Some(rect) = place.filter(|_| still == STILL) {
            window.hover_at(rect.center());
            window.drag_at(rect.center());
            let released = egui::Event::PointerButton {
                pos: rect.center(),
                button: egui::PointerButton::Primary,
                pressed: false,
                modifiers: egui::Modifiers::NONE,
            };
            window.event(released);
            window.step();
            return;
        }
        window.step();
        std::thread::yield_now();
    }
    panic!("{what} is not there, or never rests: {place:?}; {:?}", window.state().shell().ui);
}

/// Buttons that a pointer must not miss: beside each other, they let the run go or hold it.
const TRANSPORT: [&str; 3] = ["Step", "Play", "Pause"];

/// Clicks the first widget of this name, or else the first one whose name holds these words, once it rests. The
/// buttons of the transport are pressed by name, wherever they are.
///
/// # Panics
/// When there is none.
pub fn click(window: &mut Window, words: &str) {
    if TRANSPORT.contains(&words) {
        until(window, words, |_| true);
        window.get_by_label(words).click_accesskit();
        window.run_steps(2);
        return;
    }
    click_at(window, words, |window| {
        let named = window.query_all_by_label(words).next();
        named.or_else(|| window.query_all_by_label_contains(words).next()).map(|node| node.rect())
    });
}

/// Clicks as [`click`] does, again and again until the app shows what is awaited: for choices, which a second click
/// does not change.
///
/// # Panics
/// When it never happens.
pub fn click_until(window: &mut Window, words: &str, what: &str, awaited: impl Fn(&App) -> bool) {
    for _ in 0..20 {
        click(window, words);
        for _ in 0..CLICKED_IN_VAIN {
            if awaited(window.state()) {
                window.run_steps(2);
                return;
            }
            window.step();
            std::thread::yield_now();
        }
    }
    panic!("never happened after clicks on {words}: {what}; {:?}", window.state().shell().ui);
}

/// Clicks a button that can be pressed, once it rests.
///
/// # Panics
/// When there is none.
pub fn press(window: &mut Window, name: &str) {
    click_at(window, name, |window| {
        let buttons = window.query_all_by_role_and_label(Role::Button, name);
        buttons.filter(|node| !node.accesskit_node().is_disabled()).map(|node| node.rect()).next()
    });
    window.run_steps(2);
}

/// Opens a menu, a list or a dialog by its button, until one of its items is there.
///
/// # Panics
/// When the item never appears.
pub fn unfold(window: &mut Window, opener: &str, item: &str) {
    let there = |window: &Window| {
        let exact = window.query_all_by_label(item).next();
        exact.or_else(|| window.query_all_by_label_contains(item).next()).is_some()
    };
    for _ in 0..20 {
        click(window, opener);
        for _ in 0..CLICKED_IN_VAIN {
            if there(window) {
                return;
            }
            window.step();
            std::thread::yield_now();
        }
    }
    panic!("{opener} does not show {item}; {:?}", window.state().shell().ui);
}

/// Chooses what one step is.
pub fn choose_step(window: &mut Window, grain: &str) {
    window.run_steps(3);
    // The largest step is called a batch only once the first stream is known, which may be later; a list that
    // closed meanwhile is opened again.
    for frame in 0..PATIENCE {
        if window.query_by_role_and_label(Role::Button, grain).is_some() {
            break;
        }
        if frame % 60 == 0 && window.query_by_role_and_label(Role::Button, "stage").is_none() {
            click(window, "Step size");
        }
        window.step();
        std::thread::yield_now();
    }
    // The popup has found its place.
    window.run_steps(2);
    press(window, grain);
}

/// Runs until the executors of the demo are there.
pub fn registered(window: &mut Window) {
    until(window, "the executors register", |app| app.session().live().executors.len() == 3);
}

/// Whether an executor lives.
pub fn alive(app: &App, executor: u32) -> bool {
    app.session().model().executors.get(&ExecutorId(executor)).is_some_and(|e| e.alive)
}

/// Whether a batch has ended.
pub fn completed(app: &App, batch: u32) -> bool {
    app.session().live().batches.get(&BatchId(batch)).is_some_and(|b| b.completed.is_some())
}

/// Whether what follows a batch has happened: the second checkpoint of its stream.
fn described(app: &App, batch: u32) -> bool {
    let of_batch = |checkpoint: &GraphCheckpointInfo| {
        checkpoint.after == CheckpointedAfter::Completion && checkpoint.batch == BatchId(batch)
    };
    let mut events = app.session().envelopes().map(|e| &e.event);
    events.any(|event| matches!(event, Event::GraphCheckpointWritten { checkpoint } if of_batch(checkpoint)))
}

/// Frames without news after which a run that is paused has said everything.
const QUIET_FRAMES: u32 = 30;

/// Steps until a batch has ended; a step is a batch.
pub fn step_to_batch(window: &mut Window, last: u32) {
    for batch in 1..=last {
        if !completed(window.state(), batch) {
            click(window, "Step");
            until(window, &format!("batch {batch} completes"), |app| completed(app, batch) && described(app, batch));
            let ui = &window.state().shell().ui;
            assert_eq!(ui.playback, Playback::Paused, "a step leaves the window paused: {ui:?}");
            let after = window.state().session().live().batches.keys().max().copied();
            assert!(after <= Some(BatchId(batch + 1)), "a step is one batch, not up to {after:?}: {ui:?}");
        }
    }
    // What the batch let go is told after its checkpoint.
    let (mut quiet, mut len) = (0, window.state().session().len());
    while quiet < QUIET_FRAMES {
        window.step();
        std::thread::yield_now();
        let now = window.state().session().len();
        quiet = if now == len { quiet + 1 } else { 0 };
        len = now;
    }
}
