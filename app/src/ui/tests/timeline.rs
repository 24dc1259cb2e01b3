//! The timeline by accessible name, pointer and keyboard.

use super::demo;
use super::harness::{World, window};
use crate::command::{AppCommand, Focus};
use crate::model::TaskState;
use crate::scene::timeline::BarState;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, TouchPhase, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::ids::*;

/// The first result task that recovers.
fn recovering(world: &World) -> &TaskState {
    let recovers = |task: &&std::sync::Arc<TaskState>| task.metrics.reads.len() == 4;
    world.model.tasks.values().find(recovers).expect("the demo has one")
}

const RECOVERY: &str = "Task 85, executor 1, read back 1 partition, computed again 2 partitions, computed 1 partition";

fn bars(harness: &Harness<'_, World>) -> usize {
    harness.state().shell.panels.timeline.drawn().expect("drawn").bars.len()
}

/// Without this a task can be seen and not selected, or another one is.
#[test]
fn clicking_a_task_selects_it() {
    let mut harness = window(World::demo());
    harness.run();
    let id = recovering(harness.state()).info.id;
    harness.get_by_label(RECOVERY).click();
    harness.run();
    assert_eq!(harness.state().received, [AppCommand::Focus(Focus::Task(id))]);
    let drawn = harness.state().shell.panels.timeline.drawn().expect("drawn");
    let selected: Vec<TaskId> = drawn.bars.iter().filter(|bar| bar.selected).map(|bar| bar.task).collect();
    assert_eq!(selected, [id]);
}

/// Without this the selection of the lineage does not show in the timeline.
#[test]
fn the_selected_node_lights_its_tasks() {
    let lit = |batch: u32, row: u32| {
        let mut world = World::demo();
        world.shell.ui.selection = Some(demo::key(batch, row));
        let mut harness = window(world);
        harness.run();
        let drawn = harness.state().shell.panels.timeline.drawn().expect("drawn");
        drawn.bars.iter().filter(|bar| bar.lit).count()
    };
    assert_eq!(lit(6, 2), 6 + 2, "computed by six tasks, and again by two");
    assert_eq!(lit(8, 2), 3, "two that recover, one that does not; the running one is not known to");
    assert_eq!(lit(4, 0), 0);
}

/// Without this a running task has no bar, or stands among those that ended.
#[test]
fn every_state_is_drawn() {
    let mut harness = window(World::demo());
    harness.run();
    let drawn = harness.state().shell.panels.timeline.drawn().expect("drawn");
    let count = |state: BarState| drawn.bars.iter().filter(|bar| bar.state == state).count();
    assert_eq!(count(BarState::Running), 1);
    assert_eq!(drawn.bars.iter().filter(|bar| bar.checkpoint_job).count(), 6);
    assert_eq!(drawn.bars.iter().filter(|bar| bar.pieces.iter().any(|p| p.again)).count(), 4 + 2);
    assert_eq!((drawn.faults.len(), drawn.lost.len()), (1, 1));
    harness.get_by_label("Fault kill:executor=2 at 7.990 s");
    harness.get_by_label_contains("running");
}

/// Without this the timeline burns time in every frame, or shows an old state.
#[test]
fn shapes_are_made_only_when_something_changed() {
    let mut harness = window(World::demo());
    harness.run();
    let builds = harness.state().shell.panels.timeline.builds();
    for _ in 0..4 {
        harness.step();
    }
    assert_eq!(harness.state().shell.panels.timeline.builds(), builds);
    harness.state_mut().model.revision += 1;
    harness.step();
    assert_eq!(harness.state().shell.panels.timeline.builds(), builds + 1);
}

fn wheel(harness: &mut Harness<'_, World>, at: Pos2, y: f32) {
    harness.event(Event::PointerMoved(at));
    harness.step();
    harness.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, y),
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    harness.run();
}

/// Without this the wheel zooms around another place than the pointer, or nothing shows everything.
#[test]
fn the_wheel_zooms_and_buttons_bring_back() {
    let mut harness = window(World::demo());
    harness.run();
    let before = bars(&harness);
    let place = harness.get_by_label(RECOVERY).rect();
    harness.get_by_label("Fit the timeline").click();
    harness.run();
    assert!(bars(&harness) >= before);
    let there = harness.get_by_label(RECOVERY).rect();
    wheel(&mut harness, there.center(), 400.0);
    assert!(bars(&harness) < before, "{} of {before}", bars(&harness));
    let zoomed = harness.get_by_label(RECOVERY).rect();
    assert!(zoomed.x_range().contains(there.center().x) && zoomed.width() > 2.0 * there.width());
    harness.get_by_label("Follow in the timeline").click();
    harness.run();
    assert_eq!(harness.get_by_label(RECOVERY).rect(), place);
}

/// Without this the timeline cannot be used without a pointer.
#[test]
fn arrows_walk_and_enter_selects() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_role_and_label(Role::Unknown, "Timeline").focus();
    harness.run();
    for key in [Key::ArrowRight, Key::ArrowLeft, Key::Enter] {
        harness.key_press(key);
        harness.run();
    }
    let [AppCommand::Focus(Focus::Task(task))] = harness.state().received[..] else {
        panic!("{:?}", harness.state().received)
    };
    let task = &harness.state().model.tasks[&task];
    assert_eq!(task.info.executor, ExecutorId(1));
    assert!(harness.query_by_label_contains(&format!("Timeline, Task {}", task.info.id)).is_some());
}

/// Without this an empty timeline leaves the reader alone.
#[test]
fn an_empty_timeline_says_what_comes() {
    let mut world = World::demo();
    world.model.slots = crate::model::Slots::default();
    let mut harness = window(world);
    harness.run();
    harness.get_by_label("Tasks appear here with the first job");
    harness.state_mut().model = demo::model();
    harness.run();
    assert!(harness.query_by_label(RECOVERY).is_some(), "the room for tasks is kept while there are none");
}

/// Without this nobody can look up what a sign of the timeline means.
#[test]
fn the_legend_opens_and_esc_closes_it() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_label("Legend of the timeline").click();
    harness.run();
    let room = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 800.0));
    for words in ["killed, another attempt succeeded", "computed again, because of a loss", "executor excluded"] {
        assert!(room.contains_rect(harness.get_by_label(words).rect()), "{words}");
    }
    super::executors::picture(&mut harness, "timeline-legend");
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("executor excluded").is_none());
}
