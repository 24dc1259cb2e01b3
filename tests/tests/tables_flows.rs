//! Batches and storage in the window, over a real engine, without a display.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::source::Start;
use faultline::theme::Theme;
use faultline::ui::dock::Pane;
use faultline::ui::storage_panel::StorageTab;
use faultline_engine::ids::*;
use std::sync::Arc;

/// Frames that a flow may take before it counts as stuck.
const PATIENCE: u32 = 200_000;

fn window(program: &str) -> Harness<'static, App> {
    let app = App::open(program, Start::Paused, Theme::Dark, Arc::new(|| {})).expect("the program opens");
    Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_max_steps(64).build_ui_state(
        |ui, app: &mut App| {
            app.update();
            app.paint(ui);
        },
        app,
    )
}

fn until(window: &mut Harness<'static, App>, what: &str, awaited: impl Fn(&App) -> bool) {
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

fn choose_step(window: &mut Harness<'static, App>, grain: &str) {
    window.get_by_label("Step size").click();
    window.step();
    window.step();
    window.get_by_role_and_label(Role::Button, grain).click();
    window.step();
    window.step();
}

fn completed(app: &App, batch: u32) -> bool {
    app.session().model().batches.get(&BatchId(batch)).is_some_and(|b| b.completed.is_some())
}

fn step_to_batch(window: &mut Harness<'static, App>, last: u32) {
    for batch in 1..=last {
        if !completed(window.state(), batch) {
            window.get_by_label("Step").click();
            until(window, &format!("batch {batch} completes"), |app| completed(app, batch));
        }
    }
}

fn frames(window: &mut Harness<'static, App>, count: u32) {
    for _ in 0..count {
        window.step();
    }
}

/// Word count with its executors, one step a batch.
fn word_count() -> Harness<'static, App> {
    let mut window = window("word-count");
    until(&mut window, "the executors register", |app| app.session().model().executors.len() == 3);
    choose_step(&mut window, "batch");
    window
}

/// Without this the storage table says what was meant to be kept, and what died is still drawn as kept.
#[test]
fn what_died_is_lost_in_the_matrix() {
    let mut window = word_count();
    step_to_batch(&mut window, 5);
    window.state_mut().show_below(Pane::Storage, StorageTab::Partitions);
    frames(&mut window, 3);
    let stored = |window: &Harness<'static, App>, words: &str| window.query_all_by_label_contains(words).count();
    assert_eq!(stored(&window, "updateStateByKey, batch 5, MEMORY_ONLY_SER, 6 of 6 cached"), 1);
    let kept = stored(&window, "in memory, executor 2");
    assert!(kept > 0, "executor 2 holds partitions");

    window.get_by_label("Kill 2").click();
    until(&mut window, "executor 2 is gone", |app| {
        app.session().model().executors.get(&ExecutorId(2)).is_some_and(|e| !e.alive)
    });
    frames(&mut window, 3);
    assert_eq!(stored(&window, "in memory, executor 2"), 0);
    assert_eq!(stored(&window, "lost, executor 2"), kept, "what it held is lost in its column");
    assert!(stored(&window, "Executor 2, lost") > 0);
    assert_eq!(stored(&window, "updateStateByKey, batch 5, MEMORY_ONLY_SER, 4 of 6 cached, 2 lost"), 1);
    assert!(stored(&window, "batch 5, 6 checkpoint part, reliable store") > 0, "the checkpoint outlives it");

    window.get_by_label_contains("updateStateByKey, batch 5, partition 0,").click();
    frames(&mut window, 3);
    assert!(window.state().shell().ui.focus.is_some(), "a click asks why that partition was computed");
}

/// Without this the batch that paid for a kill looks like any other, or its numbers are not the model's.
#[test]
fn the_batch_that_paid_is_told_as_recovered() {
    let mut window = word_count();
    step_to_batch(&mut window, 6);
    window.get_by_label("Kill 2").click();
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    step_to_batch(&mut window, 8);
    window.state_mut().show_below(Pane::Batches, StorageTab::default());
    frames(&mut window, 3);
    let tally = window.state().session().model().batches[&BatchId(7)].tally;
    assert!(tally.computed_again > 0, "{tally:?}");
    let numbers = format!("{} computed again, {} read back", tally.computed_again, tally.checkpoint_partitions_read);
    for (batch, status) in [(6, "complete"), (7, "recovered"), (8, "complete")] {
        let told = window.query_all_by_label_contains(&format!("Batch {batch}, {status},")).count();
        assert_eq!(told, 1, "batch {batch} is {status}");
    }
    assert_eq!(window.query_all_by_label_contains(&numbers).count(), 1, "{numbers}");

    // The camera goes to the batch, and no longer follows the newest one.
    let before = window.state().shell().panels.lineage.visible_x();
    window.get_by_label_contains("Batch 2, complete").click();
    frames(&mut window, 240);
    assert!(!window.state().shell().ui.follow);
    assert_ne!(window.state().shell().panels.lineage.visible_x(), before);
    assert!(window.query_all_by_label_contains("updateStateByKey, batch 2").count() > 0, "batch 2 is in view");
}

/// Without this a program without batches shows an empty panel.
#[test]
fn a_program_without_batches_shows_its_jobs() {
    let mut window = window("page-rank");
    until(&mut window, "the executors register", |app| app.session().model().executors.len() == 3);
    choose_step(&mut window, "stage");
    window.state_mut().show_below(Pane::Batches, StorageTab::default());
    frames(&mut window, 2);
    assert!(
        window.query_all_by_label_contains("No job has run yet").count()
            + window.query_all_by_label_contains("Job 0, ").count()
            > 0
    );
    window.get_by_label("Play").click();
    until(&mut window, "a job ends", |app| app.session().model().jobs.values().any(|j| j.ended.is_some()));
    frames(&mut window, 3);
    assert!(window.query_all_by_label_contains("Job 0, succeeded").count() > 0);
}
