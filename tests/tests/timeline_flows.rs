//! The timeline and the loom over a real engine: what is selected in one shows in the other.

use faultline::command::Focus;
use faultline::scene::node_of;
use faultline::scene::timeline::task_words;
use faultline_engine::event::ReadTier;
use faultline_engine::ids::*;
use faultline_tests::window::{choose_step, click, click_until, completed, open, step_to_batch, until};
use std::collections::BTreeSet;

/// Without this a recovering task is a bar that leads nowhere, and a node does not say who computed it.
#[test]
fn a_recovering_task_and_its_node_find_each_other() {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| app.session().model().executors.len() == 3);
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 6);
    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    click(&mut window, "Step");
    until(&mut window, "batch 7 completes", |app| completed(app, 7));
    for _ in 0..120 {
        window.step();
    }
    let model = window.state().session().model();
    let recovers = |words: &String| words.contains("read back 1 partition") && words.contains("computed again");
    let names = model.tasks.values().map(|task| task_words(model, task)).collect::<Vec<_>>();
    let name = names.iter().rfind(|words| recovers(words));
    let name = name.unwrap_or_else(|| panic!("no task reads the checkpoint and computes again: {names:#?}"));
    let name = name.clone();
    click_until(&mut window, &name, "the task is asked about", |app| app.shell().ui.focus.is_some());
    let shell = window.state().shell();
    let model = window.state().session().model();
    let Some(Focus::Task(task)) = shell.ui.focus else { panic!("{:?}", shell.ui.focus) };
    let task = &model.tasks[&task];
    let stage = &model.stages[&task.info.stage.stage];
    assert_eq!(shell.ui.selection, node_of(model, stage.info.rdd));
    assert!(shell.ui.selection.is_some());
    let drawn = shell.panels.timeline.drawn().expect("drawn");
    assert!(drawn.bars.iter().any(|bar| bar.selected && bar.task == task.info.id));
    assert_eq!(drawn.lost.len(), 1, "executor 2 is gone");

    let label = "updateStateByKey, batch 6";
    let before = window.state().shell().ui.selection;
    click_until(&mut window, label, "another node is selected", |app| {
        app.shell().ui.selection.is_some_and(|node| Some(node) != before)
    });
    window.run_steps(4);
    let shell = window.state().shell();
    let model = window.state().session().model();
    let of_node = |rdd: RddId| node_of(model, rdd) == shell.ui.selection;
    let computed = |row: &faultline_engine::event::ReadRow| {
        matches!(row.tier, ReadTier::Computed | ReadTier::Checkpoint) && of_node(row.rdd)
    };
    let drawn = shell.panels.timeline.drawn().expect("drawn");
    let in_view: BTreeSet<TaskId> = drawn.bars.iter().map(|bar| bar.task).collect();
    let tasks = model.tasks.values().filter(|t| t.metrics.reads.iter().any(computed)).map(|t| t.info.id);
    let expect: BTreeSet<TaskId> = tasks.filter(|id| in_view.contains(id)).collect();
    let lit: BTreeSet<TaskId> = drawn.bars.iter().filter(|bar| bar.lit).map(|bar| bar.task).collect();
    assert!(expect.len() > 6, "computed first by six tasks, then again: {expect:?}");
    assert_eq!(lit, expect);
}
