//! Cards of executors: what is special about them, and what can be done to them.

use super::harness::{World, window};
use crate::command::{AppCommand, EngineCommand};
use crate::platform::Picture;
use crate::platform::screenshot::write_png;
use crate::theme::Theme;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::command::RddTarget;
use faultline_engine::event::*;
use faultline_engine::ids::*;

fn fold(world: &mut World, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let (seq, at) = (world.model.revision, world.model.now);
        world.model.apply(&Envelope { seq, at, event });
    }
}

fn applied(command: EngineCommand) -> Event {
    Event::CommandApplied { command, before_input: 0 }
}

/// Executor 1 leaves, 3 is slow and excluded, 2 is dead.
fn special() -> World {
    let mut world = World::demo();
    let stage = Some(StageAttempt { stage: StageId(14), attempt: 0 });
    let properties = [("spark.shuffle.service.enabled".to_owned(), "true".to_owned())].into();
    let events = [
        Event::EnvironmentUpdate { properties },
        Event::DecommissionStarted { executor: ExecutorId(1) },
        applied(EngineCommand::SlowExecutor { executor: ExecutorId(3), factor: 10.0 }),
        Event::ExecutorExcluded { executor: ExecutorId(3), task_failures: 2, stage },
    ];
    fold(&mut world, events);
    world
}

fn chosen(world: World, executor: u32, item: &str) -> Vec<AppCommand> {
    let mut harness = window(world);
    harness.run();
    harness.get_by_label(&format!("Actions on executor {executor}")).click();
    harness.run();
    harness.get_by_label(item).click();
    harness.run();
    assert!(harness.query_by_label(item).is_none(), "the menu is closed");
    harness.state().received.clone()
}

/// Without this a teacher needs the command line for anything but a kill.
#[test]
fn the_menu_of_a_card_sends_what_it_says() {
    let executor = ExecutorId(3);
    let check = |item: &str, expect: EngineCommand| {
        assert_eq!(chosen(World::demo(), 3, item), [AppCommand::Engine(expect)], "{item}");
    };
    check("Decommission executor 3", EngineCommand::DecommissionExecutor { executor });
    check("Pause executor 3", EngineCommand::PauseExecutor { executor });
    check("Slow executor 3", EngineCommand::SlowExecutor { executor, factor: 10.0 });
    check("Kill executor 3", EngineCommand::KillExecutor { executor });
}

/// Without this what was done cannot be undone from the window.
#[test]
fn the_menu_offers_the_way_back() {
    let executor = ExecutorId(3);
    let heal = EngineCommand::SlowExecutor { executor, factor: 1.0 };
    assert_eq!(chosen(special(), 3, "Heal executor 3"), [AppCommand::Engine(heal)]);
    let mut world = World::demo();
    fold(&mut world, [applied(EngineCommand::PauseExecutor { executor })]);
    let resume = EngineCommand::ResumeExecutor { executor };
    assert_eq!(chosen(world, 3, "Resume executor 3"), [AppCommand::Engine(resume)]);
}

/// Without this an executor that gets no tasks looks like one that has nothing to do.
#[test]
fn cards_say_what_is_special() {
    let mut harness = window(special());
    harness.run();
    for words in [
        "leaving",
        "Finishes 1 task, then moves 4",
        "no tasks",
        "Excluded from stage 14",
        "Its tasks take 10 times as long",
        "Map outputs: shuffle service",
    ] {
        harness.get_by_label(words);
    }
    picture(&mut harness, "executors-special");
}

/// For the eye, when `FAULTLINE_PICTURES` names a directory.
pub(super) fn picture(harness: &mut Harness<'static, World>, name: &str) {
    let Ok(directory) = std::env::var("FAULTLINE_PICTURES") else { return };
    for (theme, size) in
        [(Theme::Dark, [1280.0, 800.0]), (Theme::Light, [1280.0, 800.0]), (Theme::Dark, [2560.0, 1440.0])]
    {
        harness.state_mut().shell.ui.theme = theme;
        harness.set_size(egui::Vec2::from(size));
        harness.run();
        let image = harness.render().unwrap();
        let (width, height) = image.dimensions();
        let picture = Picture { width, height, pixels: image.into_raw() };
        let file = format!("{name}-{}-{width}.png", theme.name().to_lowercase());
        write_png(&picture, &std::path::Path::new(&directory).join(file)).unwrap();
    }
}

/// Without this nobody could keep an RDD, forget it or cut its lineage without the command line.
#[test]
fn keeping_is_a_wish_with_an_answer() {
    let target = || RddTarget::Rdd(RddId(8 * 3 + 2));
    let check = |buttons: &[&str], expect: EngineCommand| {
        let mut harness = window(World::demo());
        for button in buttons {
            harness.run();
            harness.get_by_role_and_label(egui::accesskit::Role::Button, button).click();
        }
        harness.run();
        assert_eq!(harness.state().received, [AppCommand::Engine(expect)], "{buttons:?}");
    };
    let level = "DISK_ONLY".to_owned();
    check(&["Persist…", "DISK_ONLY"], EngineCommand::PersistRdd { target: target(), level });
    check(&["Unpersist"], EngineCommand::UnpersistRdd { target: target() });
    check(&["Checkpoint"], EngineCommand::CheckpointRdd { target: target() });

    let mut world = World::demo();
    let reason = "rdd 26 was computed before".to_owned();
    fold(&mut world, [Event::CommandRejected { command: EngineCommand::CheckpointRdd { target: target() }, reason }]);
    let mut harness = window(world);
    harness.run();
    let refused = harness.query_all_by_label("Refused, rdd 26 was computed before").count();
    assert_eq!(refused, 2, "in the inspector and at the bottom");
    picture(&mut harness, "keeping-refused");
    fold(harness.state_mut(), [applied(EngineCommand::UnpersistRdd { target: target() })]);
    harness.run();
    assert!(harness.query_by_label_contains("Refused").is_none(), "the next answer takes its place");
}

/// Without this the text of the inspector hides marks and partly cached RDDs, or cannot be Spark's own.
#[test]
fn the_lineage_text_is_full_or_exact() {
    let mut world = World::demo();
    fold(&mut world, [Event::CheckpointMarked { rdd: RddId(8 * 3 + 2), local: false }]);
    world.shell.dock.arrange(crate::ui::dock::Preset::Teach);
    let mut harness = window(world);
    harness.set_size(egui::vec2(1280.0, 1800.0));
    harness.run();
    assert!(harness.query_by_label_contains("marked for checkpoint, not written").is_some());
    harness.get_by_label("As in Spark").click();
    harness.run();
    assert!(harness.query_by_label_contains("marked for checkpoint").is_none());
}
