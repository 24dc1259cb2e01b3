//! The window driven by accessible name, over a real engine, without a display.

use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::model::Sign;
use faultline_engine::ids::*;
use faultline_tests::window::{
    PATIENCE, alive, choose_step, click, click_until, completed, open, step_to_batch, until,
};
use std::time::Duration;

/// A step would run on, or not at all: nobody could show one task after the other.
#[test]
fn a_step_of_a_task_ends_with_that_task() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    let ended = |app: &App| app.session().model().tasks.values().filter(|t| t.end.is_some()).count();
    click(&mut window, "Step");
    until(&mut window, "a task ends", |app| ended(app) > 0);
    for _ in 0..50 {
        window.step();
    }
    assert_eq!(ended(window.state()), 1);
    assert!(window.query_by_label("Play").is_some(), "after a step the window is paused");
}

/// The heart of the product: kill by button, see what is lost, step through the recovery, restart.
#[test]
fn kill_and_restart_by_button() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 6);
    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    click(&mut window, "Step");
    until(&mut window, "batch 7 completes", |app| completed(app, 7));
    assert!(!alive(window.state(), 2));
    let tally = window.state().session().model().batches[&BatchId(7)].tally;
    assert!(tally.computed_again > 0, "{tally:?}");
    assert_eq!(tally.checkpoint_partitions_read, 2, "state 5 comes back from the checkpoint: {tally:?}");
    let state_7 = window.query_all_by_label_contains("updateStateByKey, batch 7").count();
    assert!(state_7 > 0, "the state of batch 7 has an accessible node");

    click(&mut window, "Restart executor 2 as executor 4");
    until(&mut window, "executor 4 registers", |app| alive(app, 4));
    assert!(window.query_by_label("Kill 4").is_some(), "the new executor can be killed");
}

/// The keys that the hint promises.
#[test]
fn a_digit_kills_that_executor() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 5);
    assert_eq!(window.state().shell().ui.hint.as_deref(), Some("Press 2 to kill executor 2"));
    window.key_press(egui::Key::Num2);
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    click(&mut window, "Step");
    until(&mut window, "batch 6 completes", |app| completed(app, 6));
    assert!(!alive(window.state(), 2));
}

/// A node that can be seen but not selected: the inspector would stay empty.
#[test]
fn clicking_a_node_shows_its_facts() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 2);
    for _ in 0..120 {
        window.step();
    }
    click_until(&mut window, "updateStateByKey, batch 2", "it is selected", |app| app.shell().ui.selection.is_some());
    let lineage = window.query_all_by_label_contains("CoGroupedRDD").count();
    assert!(lineage > 0, "toDebugString of the selected node is shown");
    let model = window.state().session().model();
    let state = model.rdds.values().rfind(|r| r.info.op.batch == Some(BatchId(2)) && r.info.level.is_valid());
    let state = state.expect("the state of batch 2 is kept");
    assert!((0..6).all(|p| state.cell(PartitionId(p)).sign == Sign::InMemory));
}

/// A window left alone would burn a core: egui_graphs asks for a repaint whenever it is shown.
#[test]
fn a_paused_window_left_alone_paints_no_frame_for_two_seconds() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 3);
    // Camera and animations come to rest.
    for _ in 0..600 {
        window.step();
    }
    let shows = window.state().shell().panels.lineage.shows();
    window.step();
    let next = window.output().viewport_output.values().map(|v| v.repaint_delay).min();
    assert!(next.is_none_or(|delay| delay >= Duration::from_secs(2)), "the next frame is due in {next:?}");
    assert_eq!(window.state().shell().panels.lineage.shows(), shows, "egui_graphs is not shown again");
}

/// Play would not start the stream, or pause would not hold it.
#[test]
fn play_runs_and_pause_holds() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    click(&mut window, "Play");
    until(&mut window, "batch 3 completes", |app| completed(app, 3));
    click(&mut window, "Pause");
    // What the engine had announced before it heard of the pause is still folded.
    let mut quiet = 0;
    let mut revision = window.state().session().model().revision;
    for _ in 0..PATIENCE {
        window.step();
        std::thread::yield_now();
        let now = window.state().session().model().revision;
        quiet = if now == revision { quiet + 1 } else { 0 };
        revision = now;
        if quiet == 100 {
            break;
        }
    }
    assert_eq!(quiet, 100, "the model still changes after the pause");
    assert!(window.query_by_label("Play").is_some());
}
