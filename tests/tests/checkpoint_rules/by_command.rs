//! Levels and marks from outside, while a program runs.

use super::{calls, counted};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_tests::{Loop, in_batches, log, run, settings};

/// Reasons of refused commands, in order.
fn refusals(log: &[Envelope]) -> Vec<String> {
    let all = log.iter().filter_map(|e| match &e.event {
        Event::CommandRejected { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    all.collect()
}

/// Computes the counted map once per batch. Returns how often it was called before each batch's end.
fn counts_per_batch(loop_: Loop, batches: u32, faults: &[&str]) -> (Vec<u32>, Vec<Envelope>) {
    let (result, log) = run(loop_, settings(batches, faults), |sc| {
        sc.set_checkpoint_dir("checkpoints");
        let (rdd, counter) = counted(sc);
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let inside = std::sync::Arc::clone(&seen);
        in_batches(sc, move |_| {
            assert_eq!(rdd.collect()?, (0..16).collect::<Vec<_>>());
            inside.lock().expect("no test panics while it holds this").push(calls(&counter));
            Ok(())
        })?;
        let seen = seen.lock().expect("no test panics while it holds this").clone();
        Ok(seen)
    });
    (result.expect("no error"), log)
}

/// Without it a level set while a program runs would do nothing, or too early.
#[test]
fn persist_and_unpersist_by_command() {
    for &loop_ in Loop::ALL {
        let faults = ["persist:op=map,level=MEMORY_ONLY@batch=2", "unpersist:op=map@batch=4"];
        let (seen, log) = counts_per_batch(loop_, 5, &faults);
        assert_eq!(seen, [16, 32, 32, 48, 64], "{loop_:?}: kept by batch 2, read in 3, gone in 4");
        assert_eq!(refusals(&log), Vec::<String>::new(), "{loop_:?}");
        let changed = log
            .iter()
            .any(|e| matches!(&e.event, Event::PersistChanged { level, .. } if *level == StorageLevel::MEMORY_ONLY));
        assert!(changed && log.iter().any(|e| matches!(e.event, Event::UnpersistRdd { .. })), "{loop_:?}");
        assert!(log::stored(&log).is_empty(), "{loop_:?}");
    }
}

/// Without it what runs would change its mind half-way, and half a stage be cached.
#[test]
fn a_level_counts_from_the_next_stage() {
    let faults = ["persist:rdd=1,level=MEMORY_ONLY@stage=1.task=0"];
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &faults), |sc| {
            let (rdd, counter) = counted(sc);
            rdd.count()?;
            rdd.count()?;
            let second = calls(&counter);
            rdd.count()?;
            let third = calls(&counter);
            rdd.count()?;
            Ok((second, third, calls(&counter)))
        });
        assert_eq!(result, Ok((32, 48, 48)), "{loop_:?}");
        let before_third =
            &log[..log.iter().position(|e| matches!(e.event, Event::JobStart { job, .. } if job.0 == 2)).expect("ran")];
        assert!(log::stored(before_third).is_empty(), "{loop_:?}: the running stage keeps nothing");
        assert_eq!(log::stored(&log).len(), 4, "{loop_:?}");
    }
}

/// Without it a checkpoint asked for from outside would be marked too late for ever (R9.5).
#[test]
fn checkpoint_by_command() {
    for &loop_ in Loop::ALL {
        let (seen, log) = counts_per_batch(loop_, 4, &["checkpoint:op=map@batch=2"]);
        assert_eq!(seen, [16, 48, 48, 48], "{loop_:?}: batch 2 computes and writes, then files are read");
        let done = log.iter().filter(|e| matches!(e.event, Event::CheckpointCompleted { .. })).count();
        assert_eq!(done, 1, "{loop_:?}");
    }
}

/// Without it a refused wish would leave its user without a way out.
#[test]
fn refusals_name_the_way_out() {
    let faults = [
        "persist:op=map,level=MEMORY_ONLY@batch=2",
        "persist:op=map,level=DISK_ONLY@batch=3",
        "persist:op=map,level=NONE@batch=3",
        "unpersist:rdd=0@batch=3",
        "persist:rdd=99,level=DISK_ONLY@batch=3",
        "checkpoint:op=map@batch=3",
        "checkpoint:op=map@batch=4",
    ];
    for &loop_ in Loop::ALL {
        let (_, log) = counts_per_batch(loop_, 4, &faults);
        let told = refusals(&log);
        let expected = [
            "Cannot change storage level of an RDD after it was already assigned a level",
            "NONE keeps nothing; to keep nothing: unpersist:op=map",
            "is not persisted; persist it first: persist:rdd=0,level=MEMORY_ONLY",
            "the program holds no RDD rdd=99",
            "is marked or checkpointed already",
        ];
        assert_eq!(told.len(), expected.len(), "{loop_:?}: {told:?}");
        for (text, part) in told.iter().zip(expected) {
            assert!(text.contains(part), "{loop_:?}: {text}");
        }
        assert!(told[0].contains("unpersist it first: unpersist:rdd="), "{told:?}");
    }
}

/// Without it a second level would be taken although the first still holds, or a level never be changed
/// again (R8.2).
#[test]
fn b24_a_level_is_set_once_until_it_is_taken_back() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let rdd = counted(sc).0.persist(StorageLevel::MEMORY_ONLY)?;
        rdd.persist(StorageLevel::MEMORY_ONLY)?;
        let Err(error) = rdd.persist(StorageLevel::DISK_ONLY) else { panic!("another level") };
        rdd.unpersist();
        rdd.persist(StorageLevel::DISK_ONLY)?;
        Ok((error.to_string(), rdd.info().level, rdd.id()))
    });
    let (error, level, id) = result.expect("no error");
    assert_eq!(error, "Cannot change storage level of an RDD after it was already assigned a level");
    assert_eq!((level, id), (StorageLevel::DISK_ONLY, RddId(1)));
}
