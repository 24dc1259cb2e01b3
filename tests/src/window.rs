//! A window over a real engine, without a display: opened, stepped and driven by accessible name.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::source::Start;
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

/// Clicks a button.
pub fn press(window: &mut Window, name: &str) {
    window.get_by_role_and_label(Role::Button, name).click();
    window.run_steps(2);
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
            window.get_by_label("Step size").click();
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

/// Steps until a batch has ended; a step is a batch.
pub fn step_to_batch(window: &mut Window, last: u32) {
    for batch in 1..=last {
        if !completed(window.state(), batch) {
            window.get_by_label("Step").click();
            until(window, &format!("batch {batch} completes"), |app| completed(app, batch) && described(app, batch));
        }
    }
}
