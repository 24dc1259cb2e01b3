//! A window over a real engine, without a display.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::source::Start;
use faultline::theme::Theme;
use faultline_engine::ids::*;
use std::sync::Arc;

/// Frames that a flow may take before it counts as stuck.
const PATIENCE: u32 = 200_000;

/// The demo, paused at its start.
pub fn window() -> Harness<'static, App> {
    let app = App::open("word-count", Start::Paused, Theme::Dark, Arc::new(|| {})).expect("the demo opens");
    Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_max_steps(64).build_ui_state(
        |ui, app: &mut App| {
            app.update();
            app.paint(ui);
        },
        app,
    )
}

/// Runs frames until the model shows what is awaited.
pub fn until(window: &mut Harness<'static, App>, what: &str, awaited: impl Fn(&App) -> bool) {
    for _ in 0..PATIENCE {
        window.step();
        if awaited(window.state()) {
            // One more frame, so that the panels show it too.
            window.step();
            return;
        }
        std::thread::yield_now();
    }
    panic!("never happened: {what}; the story is {:?}", window.state().session().model().story);
}

/// Chooses what one step is.
pub fn choose_step(window: &mut Harness<'static, App>, grain: &str) {
    window.get_by_label("Step size").click();
    window.step();
    window.step();
    window.get_by_role_and_label(Role::Button, grain).click();
    window.step();
    window.step();
}

/// Whether a batch has ended.
pub fn completed(app: &App, batch: u32) -> bool {
    app.session().model().batches.get(&BatchId(batch)).is_some_and(|b| b.completed.is_some())
}

/// Steps until a batch has ended.
pub fn step_to_batch(window: &mut Harness<'static, App>, last: u32) {
    for batch in 1..=last {
        if !completed(window.state(), batch) {
            window.get_by_label("Step").click();
            until(window, &format!("batch {batch} completes"), |app| completed(app, batch));
        }
    }
}
