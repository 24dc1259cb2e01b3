//! A store that does not answer: whoever waits for it is told in time, and what it does later is not believed.

use super::life::{Life, Program, store};
use faultline_engine::config::BatchFailurePolicy;
use faultline_engine::event::Event;
use faultline_engine::ids::*;
use faultline_tests::scripted::findings;

/// A block and a batch wait for a log that does not answer, until their patience ends.
fn given_up(life: &mut Life) {
    life.add([1]);
    life.ask(1);
    life.lab.pass(4999);
    assert!(life.answers().is_empty() && life.lab.received.is_empty(), "there is still time");
    life.lab.pass(1);
    assert_eq!(life.answers(), [(1, false)]);
    assert!(life.lab.received[0].values().all(Vec::is_empty), "the batch is generated without blocks");
    let told = findings(&life.lab.log, "write-ahead-log-does-not-answer");
    assert!(told.len() == 1 && told[0].contains("within 5000 ms"), "{told:?}");
    assert!(told[0].contains("spark.streaming.driver.writeAheadLog.batchingTimeout"), "{told:?}");
    assert_eq!(findings(&life.lab.log, "received-blocks-refused").len(), 1);
    assert_eq!(findings(&life.lab.log, "allocation-failed").len(), 1);
}

/// R18.8. Without it a store that hangs would stop receivers and batches for ever and without a word, or a block
/// that was refused would count when the store comes back, beside the one that its source sends again.
#[test]
fn r18_8_what_a_log_does_too_late_does_not_count() {
    let store = store();
    let mut life = Life::new(&store);
    let writer = life.lab.log_writer.take();
    given_up(&mut life);
    life.add([2]);
    assert_eq!(life.lab.log_operations.len(), 1, "nothing is written behind what hangs");
    life.lab.log_writer = writer;
    life.lab.write_log_once();
    assert_eq!(life.answers(), [(1, false)], "it is durable, and does not count");
    life.lab.write_log_once();
    assert_eq!(life.answers(), [(1, false), (2, true)]);
    assert_eq!(life.allocate(2), [2]);
    assert_eq!(findings(&life.lab.log, "write-ahead-log-does-not-answer").len(), 1, "once for each time");
    drop(life);
    assert_eq!([1, 2].map(|batch| Life::recover(&store).allocate(batch)), [vec![], vec![2]], "nor afterwards");
}

/// Without it a crash between would lose what the log has: nobody knows then that it was refused, and its source may
/// not send it again.
#[test]
fn what_a_log_did_too_late_is_found_by_the_next_driver() {
    let store = store();
    let mut life = Life::new(&store);
    let writer = life.lab.log_writer.take();
    given_up(&mut life);
    life.lab.log_writer = writer;
    life.lab.write_log_once();
    drop(life);
    assert_eq!(Life::recover(&store).allocate(1), [1]);
}

/// R15.3. Without it a batch would wait for ever for a description of what it reads, and nobody would know for what.
#[test]
fn r15_3_a_description_that_is_not_answered_has_failed() {
    for policy in [BatchFailurePolicy::Continue, BatchFailurePolicy::Stop] {
        let mut life = Life::new_of(&store(), Program { policy, remembered: 1 });
        life.generate(1);
        let failures = |life: &Life| {
            let errors = life.lab.log.iter().filter_map(|e| match &e.event {
                Event::GraphCheckpointFailed { attempt, error, .. } => Some((*attempt, error.clone())),
                _ => None,
            });
            errors.collect::<Vec<_>>()
        };
        let started = |life: &Life| life.lab.log.iter().any(|e| matches!(e.event, Event::BatchStarted { .. }));
        for attempt in 1..=3 {
            assert!(!started(&life), "{policy:?}: what it reads is not durable");
            life.lab.pass(30_000);
            let told = failures(&life);
            assert_eq!((told.len(), told[told.len() - 1].0), (attempt, attempt as u32), "{policy:?}");
            let error = &told[attempt - 1].1;
            assert!(error.contains("within 30000 ms, which is faultline.streaming.checkpointWriteTimeout"), "{error}");
            assert_eq!(life.lab.graph_writes.len(), 1, "{policy:?}: another one would wait behind it");
        }
        let goes_on = policy == BatchFailurePolicy::Continue;
        assert_eq!(findings(&life.lab.log, "batch-not-planned").len(), usize::from(goes_on), "{policy:?}");
        assert_eq!(started(&life), goes_on, "{policy:?}");
        // It ends well after all: it stands.
        assert_eq!(life.verify().pending, [BatchId(1)].into());
        let stands = |e: &Event| matches!(e, Event::GraphCheckpointWritten { .. });
        assert!(life.lab.log.iter().any(|e| stands(&e.event)), "{policy:?}");
    }
}
