//! The card of the driver and its lane in the timeline, by accessible name.

use super::executors::picture;
use super::harness::{World, window};
use crate::command::{AppCommand, EngineCommand, Focus};
use crate::scene::timeline::Stretch;
use crate::theme::Theme;
use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline_engine::command::SuperviseMode;
use faultline_engine::event::*;
use faultline_engine::ids::*;

fn fold(world: &mut World, at: Timestamp, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let seq = world.model.revision;
        world.model.apply(&Envelope { seq, at, event });
    }
}

/// Milliseconds after the start of the demo, whose last moment is 8412.
fn ms(after: u64) -> Timestamp {
    VIRTUAL_EPOCH.plus(Millis(after))
}

fn written(batch: u32) -> Event {
    let (after, path) = (CheckpointedAfter::Completion, format!("checkpoint/checkpoint-{}", batch * 1000));
    let (bytes, pending, epoch, backup, deleted) = (2_100, 1, 1, None, Vec::new());
    let checkpoint = GraphCheckpointInfo { batch: BatchId(batch), after, path, bytes, pending, epoch, backup, deleted };
    Event::GraphCheckpointWritten { checkpoint }
}

/// The demo with a driver that began, took an epoch and wrote a checkpoint of batch 7.
fn up() -> World {
    let mut world = World::demo();
    let name = world.model.application.name.clone();
    fold(&mut world, ms(0), [Event::ApplicationStart { name, id: "app".into() }]);
    world.model.story = super::demo::model().story;
    fold(
        &mut world,
        ms(8_412),
        [Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: 1, continues: false }, written(7)],
    );
    world
}

fn down() -> World {
    let mut world = up();
    let executors = [1, 3].map(|id| Event::ExecutorRemoved { executor: ExecutorId(id), reason: "Driver lost".into() });
    fold(&mut world, ms(8_500), [Event::DriverLost { attempt: 1, reason: "Command exited with code 137".into() }]);
    fold(&mut world, ms(8_500), executors);
    world
}

fn recovering() -> World {
    let mut world = down();
    let recovery = RecoveryInfo {
        path: "checkpoint/checkpoint-7000".into(),
        epoch: 1,
        batch: BatchId(7),
        pending: vec![BatchId(8)],
        restart: BatchId(9),
        states: Vec::new(),
        saved: Vec::new(),
        damaged: vec!["checkpoint/checkpoint-8000".into()],
    };
    let added = (4..=6).map(|id| Event::ExecutorAdded { executor: ExecutorId(id), cores: 2, replaces: None });
    fold(&mut world, ms(9_500), [Event::DriverStarted { attempt: 2, delay: Millis(1000) }]);
    fold(&mut world, ms(9_500), added);
    let begun = [
        Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: 2, continues: true },
        Event::StreamingRecovered { recovery },
    ];
    fold(&mut world, ms(9_520), begun);
    let batch = BatchInfo { id: BatchId(7), time: ms(7_000), records: 120, output_ops: Vec::new(), inputs: [].into() };
    let (batch, id) = (Event::BatchSubmitted { batch }, BatchId(7));
    let done = Event::BatchCompleted { batch: id, scheduling_delay_ns: 0, processing_ns: 9, failure: None };
    fold(&mut world, ms(9_700), [batch, Event::BatchStarted { batch: id }, done]);
    world
}

fn shown(world: World) -> Harness<'static, World> {
    let mut harness = window(world);
    harness.run();
    harness
}

fn sent(harness: &Harness<'_, World>) -> Vec<AppCommand> {
    harness.state().received.clone()
}

/// Without this the driver could be killed on the command line only, and nobody would know what it would go on from.
#[test]
fn a_driver_that_runs_is_killed_and_supervised_from_its_card() {
    let mut harness = shown(up());
    harness.get_by_label("Driver 1 up");
    harness.get_by_label("life 1 · epoch 1");
    harness.get_by_label("Checkpoint of batch 7, 1 batch old");
    harness.get_by_role_and_label(Role::CheckBox, "Supervised").click();
    harness.run();
    harness.get_by_role_and_label(Role::Button, "Kill driver").click();
    harness.run();
    harness.key_press(Key::S);
    harness.key_press(Key::D);
    harness.run();
    let supervise = AppCommand::Engine(EngineCommand::SuperviseDriver { mode: SuperviseMode::On });
    let kill = AppCommand::Engine(EngineCommand::KillDriver);
    assert_eq!(sent(&harness), [supervise.clone(), kill.clone(), supervise, kill]);
    picture(&mut harness, "driver-up");
}

/// Without this the lane would show that a driver came back, and not from what, nor why the one before ended.
#[test]
fn a_life_is_selected_in_its_lane_and_says_what_it_read() {
    let mut harness = shown(recovering());
    let lane = "Driver 2 recovering from the checkpoint of batch 7, from 9.500 s";
    harness.get_by_label(lane).click();
    harness.run();
    assert_eq!(sent(&harness), [AppCommand::Focus(Focus::Driver(2))]);
    harness.state_mut().shell.ui.focus = Some(Focus::Driver(2));
    harness.state_mut().shell.ui.selection = None;
    harness.run();
    harness.get_by_label("Why did driver 2 begin, and from what?");
    harness.get_by_label("driver 1 was lost: Command exited with code 137");
    harness.get_by_label("checkpoint-8000 could not be used");
    harness.get_by_label("it read checkpoint-7000, of batch 7, written in epoch 1");
    harness.get_by_label("batches 7 – 8 run again, 1 of 2 so far");
}

/// Without this a loss would leave the user alone with cards of executors that nobody can restart.
#[test]
fn while_it_is_gone_only_its_start_and_the_switch_act() {
    let mut harness = shown(down());
    harness.get_by_label("Driver 1 lost");
    harness.get_by_label("Down since 8.500 s");
    harness.get_by_label("Nobody starts it again");
    harness.get_by_label("From checkpoint of batch 7");
    assert!(harness.query_by_label("Restart executor 2 as executor 4").is_none());
    assert!(harness.get_by_role_and_label(Role::Button, "Faults…").accesskit_node().is_disabled());
    harness.get_by_label("Start driver 2, from checkpoint of batch 7").click();
    harness.run();
    harness.key_press(Key::Num1);
    harness.key_press(Key::D);
    harness.run();
    let start = AppCommand::Engine(EngineCommand::RestartDriver);
    assert_eq!(sent(&harness), [start.clone(), start]);
    picture(&mut harness, "driver-down");

    let mut world = down();
    world.model.driver.supervised = SuperviseMode::On;
    let at = ms(9_500);
    fold(&mut world, ms(8_500), [Event::DriverRestartScheduled(ScheduledRestart { attempt: 2, at })]);
    let mut harness = shown(world);
    harness.get_by_label("Driver 1 restarting");
    harness.get_by_label("Starts again at 9.500 s");
    picture(&mut harness, "driver-waiting");
}

/// Without this nobody would see how far the next life is, or that its lane keeps what was.
#[test]
fn the_next_life_shows_what_runs_again_and_the_lane_keeps_the_lives() {
    let mut harness = shown(recovering());
    harness.get_by_label("Driver 2 recovering");
    harness.get_by_label("1 of 2 batches again");
    harness.get_by_label("Executors 1 – 3 went with driver 1");
    harness.get_by_label("Executor 4");
    let drawn = harness.state().shell.panels.timeline.drawn().expect("drawn");
    let lane: Vec<(u32, Stretch)> = drawn.driver.iter().map(|span| (span.life, span.stretch)).collect();
    let again = Stretch::Recovering { checkpoint: BatchId(7) };
    assert_eq!(lane, [(1, Stretch::Up), (1, Stretch::Down), (2, again)]);
    let [first, .., last] = drawn.lanes.as_slice() else { panic!("{:?}", drawn.lanes) };
    assert_eq!((first.executor, last.executor), (ExecutorId(4), ExecutorId(3)), "who works is on top");
    harness.get_by_label("Driver down after life 1, from 8.500 s to 9.500 s");
    harness.get_by_label("Driver 2 recovering from the checkpoint of batch 7, from 9.500 s");
    picture(&mut harness, "driver-recovering");
}

/// Without this the lane could lie over the names of batches, or the card leave its panel.
#[test]
fn card_and_lane_keep_their_places() {
    for theme in Theme::ALL {
        for make in [up, down, recovering] {
            let mut world = make();
            world.shell.ui.theme = theme;
            let harness = shown(world);
            let name = harness.query_all_by_label_contains("Driver ").next().expect("the lane has names").rect();
            assert!(name.is_positive());
            let buttons = ["Kill driver", "Start driver 2, from checkpoint of batch 7"];
            let button = buttons.iter().find_map(|label| harness.query_by_label(label)).expect("something can be done");
            let switch = harness.get_by_role_and_label(Role::CheckBox, "Supervised");
            for rect in [button.rect(), switch.rect()] {
                assert!(rect.left() >= 12.0 && rect.right() <= 232.0, "{theme:?}: {rect}");
            }
            assert!(!button.rect().intersects(switch.rect()), "{theme:?}");
        }
    }
}
