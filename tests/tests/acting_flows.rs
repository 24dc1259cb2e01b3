//! What can be done to a running program besides a kill, by accessible name over a real engine.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline::app::App;
use faultline::command::{AppCommand, Scrub};
use faultline::model::Condition;
use faultline::scene::node_of;
use faultline::ui::dock::Pane;
use faultline_engine::command::{Command, StopMode};
use faultline_engine::event::{Event, StorageLevel};
use faultline_engine::ids::*;
use faultline_tests::window::{
    Window, alive, choose_step, click, click_until, completed, open, press, registered, step_to_batch, unfold, until,
};

/// A streaming program after its batch `batch`, paused.
fn after_batch(batch: u32) -> Window {
    let mut window = open("word-count");
    registered(&mut window);
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, batch);
    window
}

fn step(window: &mut Window, batch: u32) {
    click(window, "Step");
    until(window, &format!("batch {batch} completes"), |app| completed(app, batch));
}

/// Chooses from the menu of an executor's card.
fn act(window: &mut Window, executor: u32, item: &str) {
    unfold(window, &format!("Actions on executor {executor}"), item);
    press(window, item);
}

fn is(app: &App, executor: u32, condition: Condition) -> bool {
    app.session().model().executors.get(&ExecutorId(executor)).is_some_and(|e| e.standing.is(condition))
}

fn applied(app: &App, wanted: impl Fn(&Command) -> bool) -> bool {
    app.session().envelopes().any(|e| matches!(&e.event, Event::CommandApplied { command, .. } if wanted(command)))
}

/// Without this a graceful leave looks like a crash, or cannot be asked for from the window.
#[test]
fn a_decommissioned_executor_leaves_in_order() {
    let mut window = after_batch(3);
    act(&mut window, 2, "Decommission executor 2");
    until(&mut window, "it is leaving", |app| {
        app.session().envelopes().any(|e| matches!(e.event, Event::DecommissionStarted { .. }))
    });
    step(&mut window, 4);
    step(&mut window, 5);
    let model = window.state().session().model();
    assert!(!alive(window.state(), 2) && model.left_in_order(ExecutorId(2)));
    let leaving = model.executors[&ExecutorId(2)].standing.leaving.expect("it was decommissioned");
    assert!(leaving.blocks_moved > 0, "{leaving:?}");
    assert_eq!(model.run_tally().computed_again, 0, "nothing was lost");
    let moved = format!("{} stored partition", leaving.blocks_moved);
    assert!(window.query_by_label_contains(&moved).is_some(), "the card says what moved");
    press(&mut window, "Restart executor 2 as executor 4");
    until(&mut window, "executor 4 registers", |app| alive(app, 4));
}

/// Without this a paused executor cannot go on, and a slow one never heals.
#[test]
fn pause_and_slow_have_their_ways_back() {
    let mut window = after_batch(1);
    for (item, back, condition) in [
        ("Pause executor 3", "Resume executor 3", Condition::Paused),
        ("Slow executor 3", "Heal executor 3", Condition::Slow),
    ] {
        act(&mut window, 3, item);
        until(&mut window, item, |app| is(app, 3, condition));
        act(&mut window, 3, back);
        until(&mut window, back, |app| !is(app, 3, condition));
    }
    step(&mut window, 2);
    assert!(alive(window.state(), 3));
}

/// The state of a batch, once it is kept.
fn state_of(app: &App, batch: u32) -> Option<RddId> {
    let mut rdds = app.session().model().rdds.values();
    rdds.rfind(|r| r.info.op.batch == Some(BatchId(batch)) && r.info.level.is_valid()).map(|r| r.info.id)
}

fn select_state(window: &mut Window, batch: u32) -> RddId {
    until(window, "the state is kept", |app| state_of(app, batch).is_some());
    window.run_steps(120);
    let rdd = state_of(window.state(), batch).expect("it is still kept");
    click_until(window, &format!("updateStateByKey, batch {batch}"), "the state is selected", |app| {
        app.shell().ui.selection == node_of(app.session().model(), rdd)
    });
    rdd
}

/// Without this a lesson about levels needs a new program for each, and a refusal is silent.
#[test]
fn an_rdd_is_kept_forgotten_and_marked_from_the_inspector() {
    let mut window = after_batch(2);
    let rdd = select_state(&mut window, 2);
    press(&mut window, "Unpersist");
    until(&mut window, "it is forgotten", |app| app.session().model().rdds[&rdd].info.level == StorageLevel::NONE);
    window.run_steps(2);
    assert!(
        window.get_by_role_and_label(Role::Button, "Unpersist").accesskit_node().is_disabled(),
        "what is not persistent cannot be unpersisted"
    );
    unfold(&mut window, "Persist…", "DISK_ONLY");
    press(&mut window, "DISK_ONLY");
    let level = |app: &App| app.session().model().rdds[&rdd].info.level;
    until(&mut window, "it has a level", |app| level(app) == StorageLevel::DISK_ONLY);
    press(&mut window, "Checkpoint");
    until(&mut window, "the engine answers", |app| {
        let model = app.session().model();
        model.rdds[&rdd].checkpoint_marked || model.last_refusal().is_some()
    });
    window.state().send(AppCommand::Scrub(Scrub::To(40)));
    window.run_steps(4);
    assert!(window.query_by_label("Faults…").is_some_and(|button| button.accesskit_node().is_disabled()));
}

/// Without this a damaged block has to be planned on the command line before the run.
#[test]
fn a_selected_partition_is_damaged_and_the_task_that_reads_it_fails() {
    let mut window = after_batch(3);
    select_state(&mut window, 3);
    click_until(&mut window, "Cell 2, in memory, updateStateByKey, batch 3", "the cell is asked about", |app| {
        app.shell().ui.focus.is_some()
    });
    window.key_press(egui::Key::X);
    window.run_steps(3);
    press(&mut window, "Corrupt a copy");
    until(&mut window, "it is damaged", |app| applied(app, |c| matches!(c, Command::CorruptBlock { .. })));
    step(&mut window, 4);
    let model = window.state().session().model();
    assert_eq!(model.faults.back().map(|f| f.fault.as_str()), Some("corrupt:block=updateStateByKey/3/2"));
    assert!(model.tasks.values().any(|t| t.end.as_ref().is_some_and(|end| !end.is_success())), "its reader failed");
    assert!(window.query_by_label("Fill it").is_none(), "the dialog is closed");
}

/// Without this a stream can only be cut off.
#[test]
fn a_stream_is_stopped_gracefully() {
    let mut window = after_batch(2);
    window.state().send(AppCommand::Layout(faultline::command::LayoutCommand::Show(Pane::Batches)));
    window.run_steps(4);
    press(&mut window, "Stop the stream");
    window.run_steps(2);
    press(&mut window, "Stop gracefully");
    click(&mut window, "Play");
    until(&mut window, "the application ends", |app| app.session().live().application.ended.is_some());
    let streams = &window.state().session().live().streams;
    assert_eq!((streams.stopping, streams.stopped), (Some(StopMode::Graceful), true));
}
