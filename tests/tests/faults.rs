//! Injected faults: every kind at every moment in both loops leaves results right, and does what it says.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::SparkContext;
use faultline_tests::{Loop, in_batches, log, run, settings};

const BATCHES: u32 = 6;

const TEXT: [&str; 8] = [
    "the engine announces facts",
    "the app folds them",
    "wishes go back as commands",
    "every decision is a function of its inputs",
    "results are always computed",
    "the driver has no threads",
    "no clock and no io",
    "the same seed gives the same bytes",
];

/// Words of the text with their counts, sorted.
fn expected() -> Vec<(String, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for word in TEXT.iter().flat_map(|line| line.split(' ')) {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// A word count over a stored RDD (`flatMap`), once before the batches and once in each of them; each batch
/// also stores and checkpoints an RDD of its own.
fn word_counts(sc: &SparkContext, level: StorageLevel) -> Result<Vec<Vec<(String, u64)>>> {
    sc.set_checkpoint_dir("checkpoints");
    let lines = sc.parallelize(TEXT.map(str::to_owned).to_vec(), 4);
    let words = lines.flat_map(|line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>()).persist(level)?;
    let counts = move || {
        let mut counts = words.map(|word| (word, 1u64)).reduce_by_key_in(3, |a, b| a + b).collect()?;
        counts.sort_unstable();
        let own = words.map(|word: String| word.len() as u64).persist(level)?;
        own.checkpoint()?;
        own.count()?;
        Ok(counts)
    };
    let all = std::sync::Arc::new(std::sync::Mutex::new(vec![counts()?]));
    let inside = std::sync::Arc::clone(&all);
    in_batches(sc, move |_| {
        let counts = counts()?;
        inside.lock().expect("no thread panicked").push(counts);
        Ok(())
    })?;
    let all = all.lock().expect("no thread panicked").clone();
    Ok(all)
}

fn strike(loop_: Loop, level: StorageLevel, faults: &[&str]) -> Vec<Envelope> {
    // More attempts than the faults of a test use up: what is counted is tested by itself.
    let config = EngineConfig { task_max_failures: 8, ..settings(BATCHES, faults) };
    let (result, log) = run(loop_, config, move |sc| word_counts(sc, level));
    let all = result.unwrap_or_else(|error| panic!("{loop_:?} {faults:?}: {error}"));
    assert_eq!(all.len(), BATCHES as usize + 1, "{loop_:?} {faults:?}");
    assert!(all.iter().all(|counts| *counts == expected()), "{loop_:?} {faults:?}: {all:?}");
    log
}

fn injected(log: &[Envelope]) -> Vec<&str> {
    let faults = log.iter().filter_map(|e| match &e.event {
        Event::FaultInjected { fault, .. } => Some(fault.as_str()),
        _ => None,
    });
    faults.collect()
}

fn count(log: &[Envelope], what: impl Fn(&Event) -> bool) -> usize {
    log.iter().filter(|e| what(&e.event)).count()
}

const ACTIONS: [&str; 20] = [
    "kill:executor=2",
    "slow:executor=1,factor=5",
    "pause:executor=3",
    "drop:block=flatMap/1",
    "corrupt:block=flatMap/2",
    "fail:task=flatMap/1,times=2",
    "fail:store,times=3",
    "slow:store,factor=3",
    "fill:store",
    "lose:message=task-end,nth=2",
    "lose:message=launch,nth=3",
    "lose:message=block-report,nth=1",
    "delay:message=task-end,nth=2,by=70ms",
    "delay:message=launch,nth=3,by=70ms",
    "delay:message=block-report,nth=1,by=70ms",
    "repeat:message=task-end,nth=2",
    "repeat:message=launch,nth=3",
    "repeat:message=block-report,nth=1",
    "pause:driver,for=70ms",
    "fail:task=2.1,times=1",
];

/// Without it a fault would change a result, hang, or not strike at some moment under some loop.
#[test]
fn every_fault_at_every_moment_leaves_results_right() {
    for &loop_ in Loop::ALL {
        for action in ACTIONS {
            for moment in ["batch=2", "stage=1.task=0", "time=60ms", "event=JobEnd#3", "event=BatchStarted:batch=3"] {
                let fault = format!("{action}@{moment}");
                let log = strike(loop_, StorageLevel::MEMORY_AND_DISK_SER, &[&fault]);
                let answered =
                    count(&log, |e| matches!(e, Event::CommandApplied { .. } | Event::CommandRejected { .. }));
                assert_eq!(answered, 1, "{loop_:?} {fault}");
                // What names a stage may come too late for it, and on threads a time may come before the block.
                let may_miss = action.contains("task=2.1") || loop_ == Loop::Threads && moment.starts_with("time");
                let struck = injected(&log).contains(&action);
                assert!(struck || may_miss, "{loop_:?} {fault} did not strike");
            }
        }
    }
}

/// Without it a long pause would go unnoticed for ever, or what a lost executor says late would count
/// (R5.1, R5.4).
#[test]
fn a_paused_executor_is_lost_and_comes_back_as_a_zombie() {
    for &loop_ in Loop::ALL {
        let faults = ["pause:executor=2@stage=1.task=0", "resume:executor=2@event=ExecutorRemoved#1"];
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &faults);
        let removed: Vec<(&ExecutorId, &str)> = log
            .iter()
            .filter_map(|e| match &e.event {
                Event::ExecutorRemoved { executor, reason } => Some((executor, reason.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(removed, [(&ExecutorId(2), "Executor heartbeat timed out after 60 ms")], "{loop_:?}");
        let after = log::since(&log, |e| matches!(e, Event::ExecutorRemoved { .. }));
        let late =
            log::task_ends(after).filter(|(task, reason, _)| task.executor == ExecutorId(2) && reason.is_success());
        assert_eq!(late.count(), 0, "{loop_:?}: the late success of a zombie counted");
        let resumed = |e: &Event| matches!(e, Event::CommandApplied { command, .. } if command.to_string() == "resume:executor=2");
        assert_eq!(count(&log, resumed), 1, "{loop_:?}");
    }
}

/// Without it a short pause would cost an executor, or what its tasks had done before would be lost.
#[test]
fn a_short_pause_only_costs_time() {
    for &loop_ in Loop::ALL {
        let faults = ["pause:executor=2@stage=0.task=1", "resume:executor=2@event=TaskEnd#2"];
        let config = {
            let mut config = settings(BATCHES, &faults);
            config.scheduler.network_timeout = Millis(60_000);
            config
        };
        let (result, log) = run(loop_, config, |sc| word_counts(sc, StorageLevel::MEMORY_ONLY));
        assert!(result.is_ok_and(|all| all.iter().all(|counts| *counts == expected())), "{loop_:?}");
        assert_eq!(count(&log, |e| matches!(e, Event::ExecutorRemoved { .. })), 0, "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert_eq!(failed, 0, "{loop_:?}");
    }
}

/// Without it damaged bytes would become records, or the block would fail every attempt of every task
/// (R8.9).
#[test]
fn a_damaged_block_is_found_removed_and_computed_again() {
    for &loop_ in Loop::ALL {
        for level in [StorageLevel::MEMORY_ONLY_SER, StorageLevel::DISK_ONLY] {
            let log = strike(loop_, level, &["corrupt:block=flatMap/2@batch=3"]);
            let failures: Vec<&str> = log::task_ends(&log)
                .filter_map(|(_, reason, _)| match reason {
                    TaskEndReason::ExceptionFailure { message } => Some(message.as_str()),
                    _ => None,
                })
                .collect();
            let [failure] = failures[..] else { panic!("{loop_:?} {level}: {failures:?}") };
            assert!(failure.contains("could not be read") && failure.contains("checksum"), "{failure}");
            let unreadable = |e: &Event| {
                matches!(e, Event::BlockUpdated { removal: Some(BlockRemoval::Unreadable), block, .. }
                    if block.partition == PartitionId(2))
            };
            assert_eq!(count(&log, unreadable), 1, "{loop_:?} {level}");
            let after = log::since(&log, |e| matches!(e, Event::FaultInjected { .. }));
            let again = log::task_ends(after).flat_map(|(_, _, m)| &m.reads);
            let again = again.filter(|row| row.cause == Some(RecomputeCause::Dropped)).count();
            assert!(again > 0, "{loop_:?} {level}: nothing was computed again because of it");
        }
        // Values have no bytes.
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &["corrupt:block=flatMap/2@batch=3"]);
        let refused =
            |e: &Event| matches!(e, Event::CommandRejected { reason, .. } if reason.contains("MEMORY_ONLY_SER"));
        assert_eq!((count(&log, refused), injected(&log).len()), (1, 0), "{loop_:?}");
    }
}

/// Without it one copy of a replicated block that is damaged would fail more than the task that read it.
#[test]
fn the_other_copy_of_a_damaged_block_is_read() {
    for &loop_ in Loop::ALL {
        let log = strike(loop_, StorageLevel::DISK_ONLY_2, &["corrupt:block=flatMap/2@batch=3"]);
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert!(failed <= 1, "{loop_:?}: {failed}");
    }
}

/// Without it a task that is to fail n times would fail more often, less often, or for ever; and too many
/// failures would not end in Spark's words.
#[test]
fn a_task_fails_as_often_as_planned() {
    for &loop_ in Loop::ALL {
        for (target, times) in [("0.1", 1), ("0.1", 3), ("flatMap/1", 3), ("flatMap/1", 4)] {
            let fault = format!("fail:task={target},times={times}");
            let planned = format!("{fault}@time=0ms");
            let (result, log) =
                run(loop_, settings(BATCHES, &[&planned]), |sc| word_counts(sc, StorageLevel::MEMORY_ONLY));
            let failed = |(task, reason, _): &(&TaskInfo, &TaskEndReason, &TaskMetrics)| {
                matches!(reason, TaskEndReason::ExceptionFailure { message } if message.contains(&fault))
                    && task.index == 1
            };
            assert_eq!(log::task_ends(&log).filter(failed).count(), times, "{loop_:?} {fault}");
            assert_eq!(injected(&log), vec![fault.as_str(); times], "{loop_:?}");
            match result {
                Ok(all) => assert!(times < 4 && all.iter().all(|counts| *counts == expected()), "{loop_:?} {fault}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(times == 4 && text.contains("failed 4 times, most recent failure"), "{loop_:?} {text}");
                }
            }
        }
    }
}

/// Without it an attempt that is already running would escape its fault.
#[test]
fn a_running_attempt_fails_at_once() {
    for &loop_ in Loop::ALL {
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &["fail:task=0.1,times=1@stage=0.task=1"]);
        let first = log::task_ends(&log).find(|(task, ..)| task.stage.stage == StageId(0) && task.index == 1);
        let (task, reason, _) = first.expect("the task ran");
        assert!(task.attempt == 0 && matches!(reason, TaskEndReason::ExceptionFailure { .. }), "{loop_:?} {reason:?}");
    }
}

fn checkpoints(log: &[Envelope]) -> (usize, Vec<&str>) {
    let failures = log.iter().filter_map(|e| match &e.event {
        Event::CheckpointFailed { error, .. } => Some(error.as_str()),
        _ => None,
    });
    (count(log, |e| matches!(e, Event::CheckpointCompleted { .. })), failures.collect())
}

/// Without it a store that fails for a moment would cost a checkpoint, or a full one would cost a result.
#[test]
fn a_store_that_fails_is_tried_again_and_a_full_one_loses_checkpoints_only() {
    for &loop_ in Loop::ALL {
        let jobs = BATCHES as usize + 1;
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &["fail:store,times=2@batch=2"]);
        assert_eq!(checkpoints(&log), (jobs, vec![]), "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert_eq!(failed, 2, "{loop_:?}");

        let faults = ["fill:store@batch=2", "free:store@batch=4"];
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &faults);
        let (completed, failures) = checkpoints(&log);
        assert_eq!((completed, failures.len()), (jobs - 2, 2), "{loop_:?}: batches 2 and 3 have none");
        assert!(failures.iter().all(|error| error.contains("No space left on device")), "{loop_:?} {failures:?}");
    }
}

/// Without it a slow store would cost nothing under the virtual clock.
#[test]
fn a_slow_store_makes_checkpoints_slower() {
    let took = |faults: &[&str]| {
        let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, faults);
        log::task_ends(&log).filter(|(_, _, m)| m.checkpoint_bytes_written > 0).map(|(_, _, m)| m.run_ns).sum::<u64>()
    };
    assert!(took(&["slow:store,factor=10@batch=1"]) > 3 * took(&[]));
}

/// Without it a message that gets lost would hang the run: the next heartbeat tells (R5.1), and the task runs
/// again.
#[test]
fn a_lost_start_or_end_of_a_task_is_noticed_by_a_heartbeat() {
    for &loop_ in Loop::ALL {
        for message in ["task-end", "launch"] {
            let fault = format!("lose:message={message},nth=2");
            let log = strike(loop_, StorageLevel::MEMORY_ONLY, &[&format!("{fault}@batch=2")]);
            let lost: Vec<&TaskInfo> = log::task_ends(&log)
                .filter_map(|(task, reason, _)| (*reason == TaskEndReason::TaskResultLost).then_some(task))
                .collect();
            let [lost] = lost[..] else { panic!("{loop_:?} {message}: {lost:?}") };
            assert!(lost.finished.ns_since(lost.launched) >= 20_000_000, "{loop_:?}: before the heartbeat");
            let again = log::task_ends(&log).any(|(task, reason, _)| {
                reason.is_success()
                    && (task.stage, task.index) == (lost.stage, lost.index)
                    && task.attempt > lost.attempt
            });
            assert!(again, "{loop_:?} {message}: it ran again");
            assert_eq!(injected(&log), [fault.as_str()], "{loop_:?}");
        }
    }
}

/// Without it a message that comes twice would be taken for two: a task would run, or end, once more.
#[test]
fn what_comes_twice_counts_once() {
    for &loop_ in Loop::ALL {
        let ends = |log: &[Envelope]| log::task_ends(log).map(|(_, reason, _)| reason.clone()).collect::<Vec<_>>();
        let calm = ends(&strike(loop_, StorageLevel::MEMORY_ONLY, &[]));
        for message in ["task-end", "launch"] {
            let fault = format!("repeat:message={message},nth=2");
            let log = strike(loop_, StorageLevel::MEMORY_ONLY, &[&format!("{fault}@batch=2")]);
            assert_eq!(injected(&log), [fault.as_str()], "{loop_:?}");
            assert_eq!(ends(&log), calm, "{loop_:?} {message}");
        }
    }
}

/// Without it the end of an attempt that was given up long ago would count, or a late start would run beside the
/// attempt that took its place.
#[test]
fn what_comes_too_late_does_not_count() {
    for message in ["task-end", "launch"] {
        let delay = format!("delay:message={message},nth=1,by=900ms@batch=2");
        let killed = "kill:executor=1@event=FaultInjected#1";
        let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, &[&delay, killed, "kill:executor=2@event=JobEnd#4"]);
        let mut ended = std::collections::BTreeSet::new();
        for (task, reason, _) in log::task_ends(&log) {
            assert!(ended.insert(task.id), "{message}: {} ended twice, then with {reason:?}", task.id);
        }
        let started = count(&log, |e| matches!(e, Event::TaskStart { .. }));
        assert_eq!(started, ended.len(), "{message}: every attempt that started ended");
    }
}

/// Without it a driver that stands still would make progress, or would forget what reached it meanwhile.
#[test]
fn a_driver_that_stands_still_hears_everything_afterwards() {
    for &loop_ in Loop::ALL {
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &["pause:driver,for=300ms@stage=1.task=0"]);
        let at = log.iter().position(|e| matches!(e.event, Event::FaultInjected { .. })).expect("it struck");
        let struck = log[at].at;
        let next = log[at..].iter().find(|e| e.at > struck).expect("it goes on").at.ns_since(struck);
        // What it had decided in the same moment is announced under the wall clock a moment later.
        let silent = if loop_ == Loop::Sim { next } else { 300_000_000 };
        assert!(silent >= 300_000_000, "{loop_:?}: {silent}");
        let during = log[at..].iter().filter(|e| e.at.ns_since(struck) < 250_000_000);
        assert!(during.clone().all(|e| !matches!(e.event, Event::TaskEnd { .. })), "{loop_:?}: nothing is heard");
        assert!(log::task_ends(&log).all(|(_, reason, _)| reason.is_success()), "{loop_:?}: nothing was lost");
    }
}

/// Without it of two faults that name one message the second would strike another kind of message, or none.
#[test]
fn equal_faults_strike_one_after_the_other() {
    for &loop_ in Loop::ALL {
        let faults = [
            "lose:message=block-report,nth=1",
            "lose:message=block-report,nth=1",
            "lose:message=task-end,nth=2",
            "lose:message=task-end,nth=2",
            "lose:message=task-end,nth=3",
        ];
        let planned = faults.map(|fault| format!("{fault}@batch=2"));
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &planned.each_ref().map(String::as_str));
        let mut struck = injected(&log);
        struck.sort_unstable();
        assert_eq!(struck, faults, "{loop_:?}");
        let lost = log::task_ends(&log).filter(|(_, reason, _)| **reason == TaskEndReason::TaskResultLost).count();
        assert_eq!(lost, 3, "{loop_:?}: the ends of tasks, and nothing else");
    }
}

/// Without it the slowest that can be asked for would overflow the virtual clock.
#[test]
fn the_slowest_run_ends() {
    let slow = ["slow:executor=1,factor=1000000@batch=1", "slow:store,factor=1000000@batch=1"];
    let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, &slow);
    assert_eq!(injected(&log).len(), 2);
}

/// Without it the driver would learn of a block although nobody told it, or the run would depend on it.
#[test]
fn a_lost_report_leaves_a_block_unknown() {
    let blocks = |faults: &[&str]| {
        let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, faults);
        count(&log, |e| matches!(e, Event::BlockUpdated { level, .. } if level.is_valid()))
    };
    assert_eq!(blocks(&["lose:message=block-report,nth=1@batch=2"]) + 1, blocks(&[]));
}

/// Without it a fault would strike before or long after the event that it waits for, or after another one.
#[test]
fn a_fault_strikes_right_after_its_event() {
    for &loop_ in Loop::ALL {
        let log = strike(loop_, StorageLevel::MEMORY_ONLY, &["kill:executor=2@event=BlockUpdated:operator=flatMap#2"]);
        let rdds: Vec<RddId> = log
            .iter()
            .filter_map(|e| match &e.event {
                Event::RddRegistered { rdd } if rdd.op.operator.as_str() == "flatMap" => Some(rdd.id),
                _ => None,
            })
            .collect();
        let killed = log.iter().position(|e| matches!(e.event, Event::FaultInjected { .. })).expect("it struck");
        let before =
            count(&log[..killed], |e| matches!(e, Event::BlockUpdated { block, .. } if rdds.contains(&block.rdd)));
        assert!(before >= 2, "{loop_:?}: {before}");
        let input = log[..killed].iter().rev().position(|e| matches!(e.event, Event::BlockUpdated { .. }));
        assert!(input.is_some_and(|n| n < 8), "{loop_:?}: {input:?} events later");
    }
    let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, &["slow:executor=1,factor=2@time=45ms"]);
    let began = log[0].at;
    let struck = log.iter().find(|e| matches!(e.event, Event::FaultInjected { .. })).expect("it struck");
    assert_eq!(struck.at, began.plus(Millis(45)));
}

/// Without it a fault that cannot strike would be silent.
#[test]
fn what_cannot_strike_says_why() {
    for (fault, reason) in [
        ("pause:executor=9@batch=2", "executor 9 is not alive"),
        ("resume:executor=1@batch=2", "executor 1 is not paused; pause it first"),
        ("corrupt:block=flatMap/99@batch=2", "no executor holds partition 99 of flatMap"),
    ] {
        let log = strike(Loop::Sim, StorageLevel::MEMORY_ONLY, &[fault]);
        let refused = |e: &Event| matches!(e, Event::CommandRejected { reason: text, .. } if text.contains(reason));
        assert_eq!(count(&log, refused), 1, "{fault}");
    }
}

/// Without it a run that a fault never hit would look like one that survived it.
#[test]
fn a_fault_that_struck_nothing_is_said_at_the_end() {
    for &loop_ in Loop::ALL {
        let check = |fault: &str, expect: Option<&str>| {
            let log = strike(loop_, StorageLevel::MEMORY_AND_DISK_SER, &[fault]);
            let said: Vec<&Finding> = log
                .iter()
                .filter_map(|e| match &e.event {
                    Event::FindingReported { finding } if finding.kind == "fault-without-target" => Some(finding),
                    _ => None,
                })
                .collect();
            match expect {
                Some(words) => {
                    assert!(said.len() == 1 && said[0].message.contains(words), "{loop_:?} {fault}: {said:?}")
                }
                None => assert!(said.is_empty(), "{loop_:?} {fault}: {said:?}"),
            }
            assert!(matches!(log.last().map(|e| &e.event), Some(Event::ApplicationEnd)), "{loop_:?} {fault}");
        };
        check("kill:executor=2@batch=99", Some("its moment never came"));
        check("kill:executor=2@event=JobEnd#999", Some("its moment never came"));
        check("fail:task=99.0,times=2@batch=2", Some("2 failures are left"));
        check("lose:message=launch,nth=4000@batch=2", Some("more such messages"));
        check("kill:executor=2@batch=2", None);
        check("fail:task=flatMap/1,times=2@batch=2", None);
    }
}
