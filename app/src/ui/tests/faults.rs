//! The dialog of faults: targets from the selection, words of the command line, by name and keyboard.

use super::executors::picture;
use super::harness::{World, window};
use crate::command::{AppCommand, EngineCommand, Focus, Overlay};
use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::command::{Message, TaskTarget};
use faultline_engine::ids::*;

/// The state of batch 7, partition 2, is selected.
fn partition() -> World {
    let mut world = World::demo();
    world.shell.ui.focus = Some(Focus::Partition(BlockId::new(RddId(7 * 3 + 2), PartitionId(2))));
    world
}

fn opened(world: World) -> Harness<'static, World> {
    let mut harness = window(world);
    harness.run();
    harness.key_press(Key::X);
    harness.run();
    assert_eq!(
        harness.state_mut().received.drain(..).collect::<Vec<_>>(),
        [AppCommand::ShowOverlay(Some(Overlay::Faults))]
    );
    harness
}

/// Without this a teacher needs the command line for a damaged block, a failing task or a full disk.
#[test]
fn every_fault_strikes_what_is_selected() {
    let operator = || OperatorName::from("updateStateByKey");
    let (batch, partition_id) = (Some(BatchId(7)), PartitionId(2));
    let check = |button: &str, expect: EngineCommand| {
        let mut harness = opened(partition());
        harness.get_by_role_and_label(Role::Button, button).click();
        harness.run();
        let sent = [AppCommand::Engine(expect), AppCommand::ShowOverlay(None)];
        assert_eq!(harness.state().received, sent, "{button}");
        assert!(harness.query_by_label("Fill it").is_none(), "the dialog is closed");
    };
    check("Drop its copies", EngineCommand::DropBlock { operator: operator(), batch, partition: partition_id });
    check("Corrupt a copy", EngineCommand::CorruptBlock { operator: operator(), batch, partition: partition_id });
    let task = TaskTarget::Operator { operator: operator(), batch, partition: partition_id };
    check("Fail its attempts", EngineCommand::FailTask { task, times: 1 });
    check("Fail its next writes", EngineCommand::FailStore { times: 1 });
    check("Slow it down", EngineCommand::SlowStore { factor: 10.0 });
    check("Fill it", EngineCommand::FillStore);
    check("Free it", EngineCommand::FreeStore);
    check("Lose it", EngineCommand::LoseMessage { message: Message::TaskEnd, nth: 1 });
    check("Delay it", EngineCommand::DelayMessage { message: Message::TaskEnd, nth: 1, by: Millis(5000) });
    check("Repeat it", EngineCommand::RepeatMessage { message: Message::TaskEnd, nth: 1 });
    check("Pause it", EngineCommand::PauseDriver { time: Millis(5000) });
}

/// Without this the words shown are not those that the command line takes.
#[test]
fn the_dialog_shows_the_words_of_the_command_line() {
    let mut harness = opened(partition());
    for words in [
        "corrupt:block=updateStateByKey/7/2",
        "fail:task=updateStateByKey/7/2,times=1",
        "fail:store,times=1",
        "slow:store,factor=10",
        "lose:message=task-end,nth=1",
        "delay:message=task-end,nth=1,by=5000ms",
        "repeat:message=task-end,nth=1",
        "pause:driver,for=5000ms",
    ] {
        harness.get_by_label(words);
    }
    picture(&mut harness, "faults-partition");
    let mut world = World::demo();
    let task = *world.model.tasks.keys().next().expect("the demo has tasks");
    world.shell.ui.focus = Some(Focus::Task(task));
    let info = world.model.tasks[&task].info.clone();
    let harness = opened(world);
    harness.get_by_label(&format!("fail:task={}.{},times=1", info.stage.stage, info.index));
}

/// Without this a fault without a target could be sent, or nobody knows how to give it one.
#[test]
fn what_has_no_target_says_how_to_choose_one() {
    let mut harness = opened(World::demo());
    assert_eq!(harness.query_all_by_label_contains("Select a partition first").count(), 2);
    harness.get_by_label("Corrupt a copy").click();
    harness.run();
    assert_eq!(harness.state().received, []);
    picture(&mut harness, "faults-nothing");
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(harness.state().received, [AppCommand::ShowOverlay(None)]);
}
