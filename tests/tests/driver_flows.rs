//! The driver from the window, over real engines: killed, supervised, started again, by accessible name.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline::app::App;
use faultline::command::{AppCommand, Transport};
use faultline::model::{DriverPhase, StoryPhase};
use faultline::scene::timeline::Stretch;
use faultline_engine::command::{Command, StepGrain, SuperviseMode};
use faultline_engine::event::Event;
use faultline_engine::programs;
use faultline_tests::window::{Window, choose_step, click_until, completed, open, registered, step_to_batch, until};

fn phase(app: &App) -> DriverPhase {
    app.session().live().driver_phase()
}

fn is_said(window: &Window, words: &str) -> bool {
    window.query_all_by_label_contains(words).count() > 0
}

/// A streaming program after its batch `batch`, paused.
fn after_batch(program: &str, batch: u32) -> Window {
    let mut window = open(program);
    registered(&mut window);
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, batch);
    window
}

fn kill_driver(window: &mut Window) {
    click_until(window, "Kill driver", "the driver is gone", |app| app.session().live().driver.lost.is_some());
}

/// Without it the window would end with its driver, say nothing of what to do next, or lose what was computed.
#[test]
fn a_driver_that_nobody_supervises_is_started_from_its_checkpoint() {
    for program in programs::ALL.iter().filter(|program| program.streaming) {
        let name = program.name;
        let mut window = after_batch(name, 4);
        kill_driver(&mut window);
        assert_eq!(phase(window.state()), DriverPhase::Lost, "{name}");
        assert!(is_said(&window, "nobody supervises it: start it again from the checkpoint of batch 4"), "{name}");
        assert!(is_said(&window, "Driver lost"), "{name}");
        assert!(is_said(&window, "Executors 1 – 3 went with driver 1"), "{name}");
        let faults = window.get_by_role_and_label(Role::Button, "Faults…");
        assert!(faults.accesskit_node().is_disabled(), "nothing else acts while there is no driver");
        let start = "Start driver 2, from checkpoint of batch 4";
        click_until(&mut window, start, "driver 2 runs", |app| app.session().live().driver.lost.is_none());
        // The batch of the checkpoint runs again.
        window.state().send(AppCommand::Transport(Transport::Step(StepGrain::Batch)));
        until(&mut window, "it has recovered", |app| {
            app.session().live().driver.recovery.as_ref().is_some_and(|recovery| recovery.is_over())
        });
        let closing = "Driver 2 recovered from the checkpoint of batch 4: 1 batch ran again";
        assert!(is_said(&window, closing), "{name}: {}", window.state().session().live().story.detail);
        let drawn = window.state().shell().panels.timeline.drawn().expect("the timeline is shown");
        let stretches: Vec<Stretch> = drawn.driver.iter().map(|span| span.stretch).collect();
        assert!(stretches.contains(&Stretch::Down), "{name}: {stretches:?}");
        window.state().send(AppCommand::Transport(Transport::Resume));
        until(&mut window, "it goes on", |app| completed(app, 7));
        window.state().send(AppCommand::Transport(Transport::Pause));
        window.run_steps(2);
        let model = window.state().session().live();
        let recovery = model.driver.recovery.as_ref().expect("it went on");
        assert_eq!((recovery.done, recovery.of()), (1, 1), "{name}");
        assert_eq!((model.driver_life(), model.driver.epoch), (2, Some(2)), "{name}");
        assert!(model.batches.values().all(|batch| batch.failure.is_none()), "{name}");
    }
}

/// Without it the switch of the card would be a picture, or the supervisor would start what it is told not to.
#[test]
fn a_supervised_driver_comes_back_by_itself_and_the_switch_is_obeyed() {
    let mut window = after_batch("word-count", 2);
    assert!(is_said(&window, "Checkpoint of batch 2, newest"));
    let mode = |app: &App| app.session().live().driver.supervised;
    click_until(&mut window, "Supervised", "it is supervised", |app| mode(app) == SuperviseMode::On);
    kill_driver(&mut window);
    until(&mut window, "its supervisor waits", |app| app.session().live().driver.starts_at.is_some());
    assert!(is_said(&window, "its supervisor starts it again"));
    assert!(is_said(&window, "Starts again at"));
    assert_eq!(phase(window.state()), DriverPhase::Waiting);
    window.state().send(AppCommand::Transport(Transport::Speed(f64::INFINITY)));
    window.state().send(AppCommand::Transport(Transport::Resume));
    until(&mut window, "driver 2 recovers", |app| {
        app.session().live().story.phase == StoryPhase::Recovered || completed(app, 6)
    });
    assert_eq!(window.state().session().live().driver_life(), 2);
    window.state().send(AppCommand::Transport(Transport::Pause));

    // By key: killed, no longer supervised, so that it stays away until it is started.
    window.key_press(egui::Key::D);
    until(&mut window, "driver 2 is gone", |app| app.session().live().driver.lost.is_some());
    window.key_press(egui::Key::S);
    until(&mut window, "nobody supervises it", |app| phase(app) == DriverPhase::Lost);
    window.key_press(egui::Key::Num4);
    window.run_steps(4);
    window.key_press(egui::Key::D);
    until(&mut window, "driver 3 runs", |app| {
        app.session().live().driver_life() == 3 && app.session().live().driver.lost.is_none()
    });
    let applied = |command: &Command| {
        let mut events = window.state().session().envelopes().map(|e| &e.event);
        events.any(|event| matches!(event, Event::CommandApplied { command: applied, .. } if applied == command))
    };
    assert!(applied(&Command::RestartDriver) && applied(&Command::SuperviseDriver { mode: SuperviseMode::Off }));
}

/// Without it a program without batches, or one whose driver dies before its first checkpoint, would be promised to
/// go on from one.
#[test]
fn without_a_checkpoint_it_begins_from_nothing() {
    let mut window = open("page-rank");
    registered(&mut window);
    kill_driver(&mut window);
    assert!(is_said(&window, "there is no checkpoint: started again, it begins from nothing"));
    let start = "Start driver 2, from nothing: no checkpoint";
    click_until(&mut window, start, "driver 2 runs", |app| app.session().live().driver.lost.is_none());
    window.state().send(AppCommand::Transport(Transport::Speed(f64::INFINITY)));
    window.state().send(AppCommand::Transport(Transport::Resume));
    until(&mut window, "the program ends", |app| app.session().live().application.ended.is_some());
    assert!(window.state().session().error().is_none());
    assert!(!window.state().session().live().output.is_empty(), "it printed its result");
}
