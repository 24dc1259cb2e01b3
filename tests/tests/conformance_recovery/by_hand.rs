//! Under a window somebody may start a driver again that nobody supervises, and supervise one that runs.

use super::lab::*;
use crossbeam_channel::unbounded;
use faultline_engine::clock::SystemClock;
use faultline_engine::command::{Command, SuperviseMode};
use faultline_engine::event::{Envelope, Event};
use faultline_engine::ids::*;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::runtime::run_attended;
use faultline_engine::sim::{Control, Pacing, simulate_paced};
use faultline_engine::streaming::StreamingContext;
use faultline_tests::{Loop, checker, settings as quick};
use std::sync::Arc;

/// Runs a stream for 12 batches; `wish` says what its user sends when an event arrives.
fn attended(loop_: Loop, wish: impl Fn(usize, &Event) -> Vec<Command>) -> (Vec<Envelope>, Given<(Line, u64)>) {
    let given = Given::default();
    let program = {
        let given = given.clone();
        Box::new(move |sc: &SparkContext| {
            let given = given.clone();
            let ssc = StreamingContext::get_or_create(sc, DIR, |sc| {
                let ssc = StreamingContext::new(sc, faultline_tests::lab::INTERVAL);
                ssc.checkpoint(DIR);
                gather(&count_every(&ssc.text_replay_stream(text(), 2), Millis(100))?, &given);
                Ok(ssc)
            })?;
            ssc.start()?;
            ssc.await_termination()
        })
    };
    let (controls, inbox) = unbounded();
    let (mut log, mut losses): (Vec<Envelope>, usize) = (Vec::new(), 0);
    let mut sink = |events: &[Envelope]| {
        for envelope in events {
            losses += usize::from(matches!(envelope.event, Event::DriverLost { .. }));
            for command in wish(losses, &envelope.event) {
                controls.send(Control::Command(command)).expect("the engine listens");
            }
            if envelope.event == Event::ApplicationEnd {
                controls.send(Control::Quit).expect("the engine listens");
            }
        }
        log.extend_from_slice(events);
    };
    let config = quick(12, &["kill:driver@batch=4", "kill:driver@batch=8"]);
    match loop_ {
        Loop::Sim => {
            let pacing = Pacing::new(inbox, Arc::new(SystemClock::default()), f64::INFINITY);
            simulate_paced(config, &memory(), program, pacing, &mut sink)
        }
        Loop::Threads => run_attended(config, &memory(), program, inbox, &mut sink),
    };
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "{loop_:?}: the log breaks its grammar:\n{}", broken.join("\n"));
    (log, given)
}

/// Without it the window could not go on after a driver that nobody supervises, or a switch that is moved while the
/// driver runs, or while it is gone, would mean nothing in one of the loops.
#[test]
fn a_driver_is_started_by_hand_and_supervised_from_then_on() {
    let (on, off) = (SuperviseMode::On, SuperviseMode::Off);
    let executor = ExecutorId(1);
    let mut results = Vec::new();
    for &loop_ in Loop::ALL {
        let (log, given) = attended(loop_, |losses, event| match event {
            Event::DriverLost { .. } if losses == 1 => {
                vec![Command::KillExecutor { executor }, Command::SuperviseDriver { mode: on }, Command::RestartDriver]
            }
            // The supervisor would start it: it is told not to, and then somebody does.
            Event::DriverRestartScheduled { .. } => {
                vec![Command::SuperviseDriver { mode: off }, Command::KillDriver, Command::RestartDriver]
            }
            Event::DriverStarted { attempt: 3, .. } => vec![Command::RestartDriver],
            _ => Vec::new(),
        });
        let told: Vec<String> = log
            .iter()
            .filter_map(|e| match &e.event {
                Event::DriverLost { attempt, .. } => Some(format!("{attempt} lost")),
                Event::DriverRestartScheduled(restart) => Some(format!("{} scheduled", restart.attempt)),
                Event::DriverStarted { attempt, .. } => Some(format!("{attempt} started")),
                Event::CommandApplied { command, .. } => Some(command.to_string()),
                Event::CommandRejected { command, reason } => Some(format!("{command} refused: {reason}")),
                _ => None,
            })
            .collect();
        let expected = [
            "kill:driver",
            "1 lost",
            "kill:executor=1 refused: the driver is gone, and nobody supervises it; restart it first",
            "supervise:on",
            "restart:driver",
            "2 started",
            "kill:driver",
            "2 lost",
            "3 scheduled",
            "supervise:off",
            "kill:driver refused: the driver is gone, and nobody supervises it; restart it first",
            "restart:driver",
            "3 started",
            "restart:driver refused: the driver runs; kill it first",
        ];
        assert_eq!(told, expected, "{loop_:?}");
        assert_eq!(log.iter().filter(|e| matches!(e.event, Event::StreamingRecovered { .. })).count(), 2);
        let batches = by_batch(&given);
        assert_eq!(batches.keys().copied().collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>(), "{loop_:?}");
        results.push(batches);
    }
    assert_eq!(results[0], results[1]);
}

/// As in Spark: who is not there cannot start it, so the run ends. Without it a run of the command line would wait
/// for ever.
#[test]
fn a_switch_that_is_off_before_the_loss_leaves_it_lost() {
    let (log, _) = attended(Loop::Sim, |losses, event| match event {
        Event::BatchCompleted { batch: BatchId(2), .. } if losses == 0 => {
            vec![Command::SuperviseDriver { mode: SuperviseMode::On }]
        }
        Event::BatchCompleted { batch: BatchId(6), .. } if losses == 1 => {
            vec![Command::SuperviseDriver { mode: SuperviseMode::Off }]
        }
        Event::DriverLost { .. } if losses == 2 => vec![Command::RestartDriver],
        _ => Vec::new(),
    });
    let scheduled = log.iter().filter(|e| matches!(e.event, Event::DriverRestartScheduled { .. })).count();
    assert_eq!(scheduled, 1, "only the first loss was supervised");
    assert_eq!(log.iter().filter(|e| matches!(e.event, Event::DriverStarted { .. })).count(), 2);
}
