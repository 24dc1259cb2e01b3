//! Batches and storage in the window, over a real engine, without a display.

use egui_kittest::kittest::{NodeT, Queryable};
use faultline::app::App;
use faultline::theme::Theme;
use faultline::ui::dock::Pane;
use faultline::ui::storage_panel::StorageTab;
use faultline_engine::ids::*;
use faultline_tests::window::{
    Window, choose_step, click, click_until, paused, registered, step_to_batch, until, window,
};

/// A window with this panel below the lineage.
fn window_with(program: &str, below: Pane) -> Window {
    let mut app = paused(program, Theme::Dark);
    app.show_below(below, StorageTab::Partitions);
    window(app)
}

/// Word count with its executors, one step a batch.
fn word_count(below: Pane) -> Window {
    let mut window = window_with("word-count", below);
    registered(&mut window);
    choose_step(&mut window, "batch");
    window
}

/// Without this the storage table says what was meant to be kept, and what died is still drawn as kept.
#[test]
fn what_died_is_lost_in_the_matrix() {
    let mut window = word_count(Pane::Storage);
    step_to_batch(&mut window, 5);
    let stored = |window: &Window, words: &str| window.query_all_by_label_contains(words).count();
    assert_eq!(stored(&window, "updateStateByKey, batch 5, MEMORY_ONLY_SER, 6 of 6 cached"), 1);
    assert!(stored(&window, "in memory, executor 2") > 0, "executor 2 holds partitions");

    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    // Time stands still until a step, and the driver learns of the loss in the next batch.
    choose_step(&mut window, "task");
    let gone = |app: &App| app.session().model().executors.get(&ExecutorId(2)).is_some_and(|e| !e.alive);
    let ended = |app: &App| app.session().model().tasks.values().filter(|t| t.end.is_some()).count();
    while !gone(window.state()) {
        let before = ended(window.state());
        click(&mut window, "Step");
        until(&mut window, "a task ends", |app| ended(app) > before);
    }
    window.run_steps(3);
    assert_eq!(stored(&window, "in memory, executor 2"), 0);
    assert!(stored(&window, "Executor 2, lost") > 0);
    // Batch 4 is behind the cut: nobody computes it again.
    let held = |window: &Window| stored(window, "updateStateByKey, batch 4, partition");
    assert_eq!(held(&window), 6, "four are kept, and two are lost in the column of executor 2");
    assert_eq!(stored(&window, "updateStateByKey, batch 4, MEMORY_ONLY_SER, 4 of 6 cached, 2 lost"), 1);
    let lost = window.query_all_by_label_contains("lost, executor 2");
    let of_batch_4 = lost.filter(|n| n.accesskit_node().label().is_some_and(|l| l.contains("batch 4"))).count();
    assert_eq!(of_batch_4, 2);
    // Counts are words, and words are the value of their node.
    let files = window.query_all_by_label_contains("reliable store").map(|n| n.accesskit_node());
    let told: Vec<String> = files.filter_map(|n| n.label().or(n.value())).collect();
    assert!(told.iter().any(|l| l.contains("batch 5")), "the checkpoint outlives executors: {told:#?}");

    click_until(
        &mut window,
        "updateStateByKey, batch 5, partition 0,",
        "a click asks why that partition was computed",
        |app| app.shell().ui.focus.is_some(),
    );
}

/// Without this the batch that paid for a kill looks like any other, or its numbers are not the model's.
#[test]
fn the_batch_that_paid_is_told_as_recovered() {
    let mut window = word_count(Pane::Batches);
    step_to_batch(&mut window, 6);
    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    step_to_batch(&mut window, 8);
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
    click_until(&mut window, "Batch 4, complete", "the camera no longer follows", |app| !app.shell().ui.follow);
    window.run_steps(240);
    assert_ne!(window.state().shell().panels.lineage.visible_x(), before);
    assert!(window.query_all_by_label_contains("updateStateByKey, batch 4").count() > 0, "batch 4 is in view");
}

/// Without this a program without batches shows an empty panel.
#[test]
fn a_program_without_batches_shows_its_jobs() {
    let mut window = window_with("page-rank", Pane::Batches);
    registered(&mut window);
    click(&mut window, "Play");
    until(&mut window, "a job ends", |app| app.session().model().jobs.values().any(|j| j.ended.is_some()));
    window.run_steps(3);
    assert!(window.query_all_by_label_contains("Job 0, succeeded").count() > 0);
}
