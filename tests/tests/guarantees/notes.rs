//! What the table hides.

use super::run::{Ran, Twist, run_twisted};
use super::table::{Cell, Failure, Source, TABLE, first_cell};
use faultline_engine::config::BatchFailurePolicy;
use faultline_engine::event::{Event, ReadTier, SinkOutcome};
use faultline_engine::ids::*;
use faultline_engine::receiver::Delivery;
use faultline_tests::quiet::silence_deliberate_panics;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Records of blocks that the driver accepted, and of which no batch gave anything.
fn stored_and_lost(ran: &Ran) -> BTreeSet<u64> {
    let given = ran.given();
    let accepted = ran.events().filter_map(|(_, event)| match event {
        Event::ReceivedBlockAdded(added) => ran.blocks.get(&added.block),
        _ => None,
    });
    accepted.flatten().filter(|record| !given.contains(record)).copied().collect()
}

/// Note 1. Without it a learner would believe that two copies survive every two losses: blocks of receivers are not
/// copied again, so the second executor in a row takes the last copy with it (R8.14).
#[test]
fn note_1_two_executors_in_a_row_take_both_copies() {
    for row in [4, 8] {
        let cell = first_cell(row, Failure::Re);
        let mut lost = 0;
        for seed in 0..40 {
            let first = 210 + 7 * seed;
            let kill = |executor: u32, at: u64| format!("kill:executor={executor}@time={at}ms");
            let alone = |executor| {
                let faults = Some(vec![kill(executor, first)]);
                run_twisted(cell, seed, Twist { faults, executors: 4, ..Twist::default() })
            };
            for executor in [1, 2] {
                assert_eq!(
                    stored_and_lost(&alone(executor)),
                    BTreeSet::new(),
                    "row {row}, seed {seed}: one is survived"
                );
            }
            let faults = Some(vec![kill(1, first), kill(2, first + 3 + seed % 20)]);
            let both = run_twisted(cell, seed, Twist { faults, executors: 4, ..Twist::default() });
            let gone = stored_and_lost(&both);
            let told = both.findings("received-blocks-lost").count() + both.findings("batch-skipped").count();
            assert!(gone.is_empty() || told > 0, "row {row}, seed {seed}: {gone:?} are lost, and nothing says so");
            lost += gone.len();
        }
        assert!(lost > 0, "row {row}: the second loss costs data");
    }
}

/// Note 2. Without it one would take an acknowledgement for two copies: with one executor left there is one, the
/// receiver acknowledges all the same (R8.13), and its executor takes it along.
#[test]
fn note_2_an_acknowledgement_may_stand_for_one_copy() {
    let cell = first_cell(8, Failure::Re);
    let mut lost = 0;
    for seed in 0..40 {
        let at = 300 + 9 * seed;
        let faults = [
            "kill:executor=2@time=0ms".to_owned(),
            format!("kill:executor=1@time={at}ms"),
            format!("restart:executor=1@time={}ms", at + 40),
        ];
        let ran = run_twisted(cell, seed, Twist { faults: Some(faults.to_vec()), executors: 2, ..Twist::default() });
        let mut holders: BTreeMap<InputBlockId, BTreeSet<ExecutorId>> = BTreeMap::new();
        for (_, event) in ran.events() {
            if let Event::InputBlockUpdated { executor, block, level, .. } = event
                && level.is_valid()
            {
                holders.entry(*block).or_default().insert(*executor);
            }
        }
        assert!(holders.values().all(|at| at.len() == 1), "seed {seed}: one executor is one copy");
        let gone: BTreeSet<u64> = stored_and_lost(&ran).intersection(&ran.acknowledged).copied().collect();
        let told = ran.findings("received-blocks-lost").count() + ran.findings("batch-skipped").count();
        assert!(gone.is_empty() || told > 0, "seed {seed}: {gone:?} are lost, and nothing says so");
        lost += gone.len();
    }
    assert!(lost > 0, "what was acknowledged is lost in some runs");
}

/// Note 3. Without it the one copy that a log leaves would look like less: its loss costs a read of the log.
#[test]
fn note_3_with_a_log_the_loss_of_the_only_copy_costs_a_read() {
    for row in [7, 10] {
        let cell = first_cell(row, Failure::Re);
        let mut reads = 0;
        for seed in 0..40 {
            let faults = Some(vec![format!("kill:executor=1@event=BatchSubmitted#{}", 2 + seed % 5)]);
            let ran = run_twisted(cell, seed, Twist { faults, ..Twist::default() });
            let copies = ran.events().filter_map(|(_, event)| match event {
                Event::InputBlockUpdated { level, .. } if level.is_valid() => Some(level.replication),
                _ => None,
            });
            assert!(copies.into_iter().all(|copies| copies == 1), "row {row}, seed {seed}: R18.3");
            assert_eq!(stored_and_lost(&ran), BTreeSet::new(), "row {row}, seed {seed}");
            let tiers = ran.events().filter_map(|(_, event)| match event {
                Event::TaskEnd { metrics, .. } => Some(metrics.reads.iter().map(|row| row.tier)),
                _ => None,
            });
            reads += tiers.flatten().filter(|tier| *tier == ReadTier::WriteAheadLog).count();
        }
        assert!(reads > 0, "row {row}: the log is read");
    }
}

/// Note 4. Without it a batch that failed would be forgotten: its input goes with the batches after it, which run on
/// (R11.7). Unlike Spark a log keeps it until the batch has run again, after the next start of the driver.
#[test]
fn note_4_a_failed_batch_is_lost_without_a_log_and_kept_with_one() {
    silence_deliberate_panics();
    for seed in 0..10 {
        let broken = 2 + u32::try_from(seed).expect("a small number") % 3;
        let twist = |faults: Vec<String>| Twist {
            faults: Some(faults),
            broken: Some(broken),
            policy: BatchFailurePolicy::Continue,
            ..Twist::default()
        };
        for row in [4, 8] {
            let ran = run_twisted(first_cell(row, Failure::Re), seed, twist(Vec::new()));
            let failed: Vec<u32> = ran
                .events()
                .filter_map(|(_, event)| match event {
                    Event::BatchCompleted { batch, failure: Some(_), .. } => Some(batch.0),
                    _ => None,
                })
                .collect();
            assert_eq!(failed, [broken], "row {row}, seed {seed}: later ones go on, and the failure is told");
            assert!(
                ran.result.is_err() && !stored_and_lost(&ran).is_empty(),
                "row {row}, seed {seed}: its input is lost"
            );
        }
        for row in [7, 10] {
            let kill = vec![format!("kill:driver@batch={}", broken + 4)];
            let ran = run_twisted(first_cell(row, Failure::D), seed, twist(kill));
            assert_eq!(stored_and_lost(&ran), BTreeSet::new(), "row {row}, seed {seed}: it ran again with its input");
            let again = ran.outputs.iter().any(|output| output.life == 2 && output.batch == broken);
            assert!(again, "row {row}, seed {seed}: {:?}", ran.result);
        }
    }
}

/// How often each record is in the batches of a sink.
fn in_sink(path: &Path) -> BTreeMap<u64, u32> {
    let mut counts = BTreeMap::new();
    let Ok(batches) = fs::read_dir(path) else { return counts };
    for batch in batches.map(|entry| entry.expect("the sink can be listed").path()) {
        if !batch.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("batch-")) {
            continue;
        }
        for part in fs::read_dir(batch).expect("a batch can be listed") {
            let part = part.expect("a part can be listed");
            if part.file_name().to_str().is_some_and(|name| name.starts_with("part-")) {
                for line in fs::read_to_string(part.path()).expect("a part can be read").lines() {
                    let (key, _) = line.split_once('\t').expect("a line is a key and a value");
                    *counts.entry(key.parse().expect("a key is a record")).or_default() += 1;
                }
            }
        }
    }
    counts
}

/// Note 5 and row 14. Without it output would be exactly once on paper only: batches run again, and a sink that knows
/// the time of the batch has each record once all the same, because a batch is made of the same records each time.
#[test]
fn note_5_a_sink_that_knows_its_batches_has_each_record_once() {
    let exact = |cell: &&Cell| match cell.source {
        Source::Receiver { delivery, .. } => cell.row == 7 || delivery == Delivery::Numbered,
        _ => matches!(cell.row, 2 | 13),
    };
    let cells: Vec<&Cell> =
        TABLE.iter().filter(exact).filter(|cell| matches!(cell.failure, Failure::D | Failure::De)).collect();
    assert_eq!(cells.len(), 8);
    for cell in cells {
        let mut again = 0;
        for seed in 0..4 {
            let directory = tempfile::tempdir().expect("a directory for a sink");
            let path = directory.path().join("out");
            let ran = run_twisted(cell, seed, Twist { sink: Some(path.clone()), ..Twist::default() });
            assert_eq!(ran.result, Ok(()), "seed {seed}, {cell:?}");
            let counts = in_sink(&path);
            let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
            assert!(twice.is_empty(), "seed {seed}, {cell:?}: {twice:?}");
            let given: BTreeSet<u64> = counts.into_keys().collect();
            let missing: Vec<u64> = match cell.row {
                7 => stored_and_lost(&ran).into_iter().collect(),
                _ => ran.sent.keys().filter(|record| !given.contains(record)).copied().collect(),
            };
            assert!(missing.is_empty(), "seed {seed}, {cell:?}: {missing:?} are not in the sink");
            assert!(ran.given().is_subset(&given), "seed {seed}, {cell:?}: what ran is there");
            let there = |event: &Event| matches!(event, Event::OutputCommitted { output } if output.outcome == SinkOutcome::AlreadyThere);
            again += ran.events().filter(|(_, event)| there(event)).count();
        }
        assert!(again > 0, "{cell:?}: some batch was there already when it ran again");
    }
}
