//! The window by accessible name.

use super::demo;
use super::harness::{World, window};
use crate::command::{AppCommand, EngineCommand, StepGrain, Transport};
use crate::scene::NodeKey;
use crate::state::Playback;
use egui::Key;
use egui_kittest::kittest::Queryable;
use faultline_engine::ids::ExecutorId;

const STATE_7: &str = "updateStateByKey, batch 7, 2 computing again, 4 in memory";

/// Without this a window left alone burns half a core for ever, because egui_graphs asks for a
/// repaint whenever it is shown.
#[test]
fn a_window_left_alone_paints_nothing() {
    let mut harness = window(World::demo());
    harness.run();
    let (frames, shows) = (harness.state().frames, harness.state().shell.panels.lineage.shows());
    let delay = |h: &egui_kittest::Harness<'_, World>| {
        h.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap()
    };
    assert!(delay(&harness) > std::time::Duration::from_secs(2), "asks for a frame in {:?}", delay(&harness));
    // Frames that others cause, for example by moving the pointer, must not start it again.
    for _ in 0..8 {
        harness.step();
        assert!(delay(&harness) > std::time::Duration::from_secs(2));
    }
    assert_eq!(harness.state().frames, frames + 8);
    assert_eq!(harness.state().shell.panels.lineage.shows(), shows, "egui_graphs was shown although nothing changed");
}

/// Without this the kept shapes could be stale: what is repainted must be what was shown.
#[test]
fn a_repaint_gives_the_same_picture() {
    let mut harness = window(World::demo());
    harness.run();
    let first = harness.render().unwrap();
    harness.step();
    assert!(harness.render().unwrap() == first);
}

/// Without this nodes cannot be reached by tests, keyboards and screen readers.
#[test]
fn clicking_a_node_by_its_name_selects_it() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_label(STATE_7).click();
    harness.run();
    assert_eq!(harness.state().shell.ui.selection, Some(demo::key(7, 2)));
    harness.get_by_label("updateStateByKey of batch 7");
    harness.get_by_label_contains("checkpoint file of updateStateByKey").click();
    harness.run();
    assert_eq!(harness.state().shell.ui.selection, Some(NodeKey(999)));
}

fn sent_after(act: impl FnOnce(&mut egui_kittest::Harness<'_, World>)) -> Vec<AppCommand> {
    let mut harness = window(World::demo());
    harness.run();
    act(&mut harness);
    harness.run();
    harness.state().received.clone()
}

/// Without this a button could look alive and do nothing.
#[test]
fn controls_send_what_they_say() {
    let kill = |id: u32| AppCommand::Engine(EngineCommand::KillExecutor { executor: ExecutorId(id) });
    let check = |label: &str, expect: AppCommand| {
        assert_eq!(sent_after(|h| h.get_by_label(label).click()), [expect], "{label}");
    };
    check("Kill 1", kill(1));
    check("Kill 3", kill(3));
    let restart = AppCommand::Engine(EngineCommand::RestartExecutor { executor: ExecutorId(2) });
    check("Restart executor 2 as executor 4", restart);
    check("Pause", AppCommand::Transport(Transport::Pause));
    check("Step", AppCommand::Transport(Transport::Step(StepGrain::Task)));
}

/// Without this keys stop working, or a dead executor is killed twice.
#[test]
fn keys_send_commands() {
    let kill = AppCommand::Engine(EngineCommand::KillExecutor { executor: ExecutorId(3) });
    let check = |key: Key, expect: &[AppCommand]| assert_eq!(sent_after(|h| h.key_press(key)), expect, "{key:?}");
    check(Key::Num3, &[kill]);
    check(Key::Num2, &[]);
    check(Key::Space, &[AppCommand::Transport(Transport::Pause)]);
    check(Key::ArrowRight, &[AppCommand::Transport(Transport::Step(StepGrain::Task))]);
    check(Key::F, &[AppCommand::FollowCamera]);
}

/// Without this the camera fights the user, or never comes back.
#[test]
fn zooming_ends_following_and_the_button_returns() {
    let mut harness = window(World::demo());
    harness.run();
    assert!(harness.query_by_label("Follow").is_none());
    harness.get_by_label("Zoom out").click();
    harness.run();
    assert!(!harness.state().shell.ui.follow);
    harness.get_by_label("Follow").click();
    harness.run();
    assert!(harness.state().shell.ui.follow);
}

/// Without this the lineage cannot be dragged, or snaps back, or never rests again afterwards.
#[test]
fn dragging_moves_the_lineage_and_then_it_rests() {
    let mut harness = window(World::demo());
    harness.run();
    let place = |h: &egui_kittest::Harness<'_, World>| h.get_by_label(STATE_7).rect().left();
    let before = place(&harness);
    // Below the node, inside its column.
    let node = harness.get_by_label(STATE_7).rect();
    let from = egui::pos2(node.right() - 8.0, node.bottom() + 16.0);
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.run();
    for step in 1..=5 {
        harness.hover_at(from - egui::vec2(20.0 * step as f32, 0.0));
        harness.step();
    }
    harness.drop_at(from - egui::vec2(100.0, 0.0));
    harness.run();
    let moved = place(&harness) - before;
    assert!((moved + 100.0).abs() < 2.0, "moved by {moved}");
    assert!(!harness.state().shell.ui.follow);
    let shows = harness.state().shell.panels.lineage.shows();
    harness.run_steps(3);
    assert_eq!(harness.state().shell.panels.lineage.shows(), shows);
}

/// Without this the picture of a paused engine shows the wrong button.
#[test]
fn pause_becomes_play() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_label("Pause").click();
    harness.run();
    assert_eq!(harness.state().shell.ui.playback, Playback::Paused);
    harness.get_by_label("Play");
}

/// Without this the menu of a card lies over its button, or the button over the menu.
#[test]
fn a_right_click_on_an_executor_offers_to_kill_it() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_label("Executor 3").click_secondary();
    harness.run();
    harness.get_by_label("Kill executor 3").click();
    harness.run();
    let kill = AppCommand::Engine(EngineCommand::KillExecutor { executor: ExecutorId(3) });
    assert_eq!(harness.state().received, [kill]);
}

/// Without this the camera approaches a new batch for ever, a hair closer in every frame.
#[test]
fn a_moving_camera_comes_to_rest() {
    let ctx = egui::Context::default();
    let mut world = World::demo();
    let mut frames = 0..;
    let mut run = |world: &mut World, count: usize| {
        let mut waits = Vec::new();
        for frame in frames.by_ref().take(count) {
            let input = egui::RawInput {
                screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 1100.0))),
                time: Some(f64::from(frame) / 60.0),
                ..Default::default()
            };
            let output = ctx.run_ui(input, |ui| world.frame(ui));
            waits.push(output.viewport_output.values().map(|v| v.repaint_delay).min().unwrap());
            output.drop_without_applying_deltas();
        }
        waits
    };
    run(&mut world, 20);
    let scene = std::sync::Arc::make_mut(&mut world.scene);
    let shift = egui::vec2(-300.0, 0.0);
    scene.focus = scene.focus.map(|focus| focus.translate(shift));
    scene.revision += 1;
    let waits = run(&mut world, 120);
    let moving = waits.iter().filter(|wait| wait.is_zero()).count();
    assert!((5..100).contains(&moving), "the camera moved in {moving} of 120 frames");
    assert!(waits[110..].iter().all(|wait| wait.as_secs() > 2), "{:?}", &waits[110..]);
}
