//! Jobs whose tasks read, compute, keep and lose the same blocks.

use super::explore;
use super::runs::{computed, removed, run, stored, successes, told};
use faultline_engine::command::{Command, RddTarget};
use faultline_engine::config::{EngineConfig, StorageSettings};
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::lab;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Records of a block, and its bytes in memory.
const RECORDS: u64 = 40;

fn one_executor(cores: u32, memory: u64) -> EngineConfig {
    let storage = StorageSettings { unroll_memory_threshold: 64, ..StorageSettings::default() };
    EngineConfig { executors: 1, cores, memory, chunk_len: 16, storage, ..lab::settings(1, &[]) }
}

/// One partition, and how often it is computed.
fn counted(sc: &SparkContext, first: u64) -> (Rdd<u64>, Arc<AtomicUsize>) {
    let times = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&times);
    let rdd = sc.parallelize((first..first + RECORDS).collect(), 1).map(move |x| {
        counter.fetch_add(usize::from(x == first), Ordering::Relaxed);
        x * 2
    });
    (rdd, times)
}

/// The records of [`counted`], once per copy.
fn expected(firsts: &[u64]) -> Vec<u64> {
    firsts.iter().flat_map(|first| (*first..first + RECORDS).map(|x| x * 2)).collect()
}

/// Two tasks would compute what one of them could have read from the other, or wait for each other for ever.
#[test]
fn many_tasks_get_or_compute_one_block() {
    explore(&["0 computes", "1 computes", "2 computes"], || {
        let (result, log) = run(one_executor(3, 1 << 20), Vec::new(), |sc| {
            let (rdd, times) = counted(sc, 0);
            rdd.cache()?;
            let records = sc.union(&[rdd.clone(), rdd.clone(), rdd.clone()]).collect()?;
            Ok((records, times.load(Ordering::Relaxed), rdd.id()))
        });
        let (records, times, rdd) = result.unwrap();
        assert_eq!(records, expected(&[0, 0, 0]));
        assert_eq!((times, computed(&log, rdd)), (1, 1), "{}", told(&log));
        let computes =
            |metrics: &TaskMetrics| metrics.reads.iter().any(|r| r.rdd == rdd && r.tier == ReadTier::Computed);
        let who = successes(&log).find(|(_, metrics)| computes(metrics)).map(|(task, _)| task.partition.0);
        vec![["0 computes", "1 computes", "2 computes"][who.unwrap() as usize]]
    });
}

/// The same when there is room for one block only: whoever finds it gone computes it again and says why.
#[test]
fn tasks_evict_what_others_read_and_unroll() {
    explore(&["computed twice", "computed more often", "evicted"], || {
        let (result, log) = run(one_executor(3, 500), Vec::new(), |sc| {
            let (a, times_a) = counted(sc, 0);
            let (b, times_b) = counted(sc, 1_000);
            a.persist(StorageLevel::MEMORY_ONLY)?;
            b.persist(StorageLevel::MEMORY_AND_DISK)?;
            let records = sc.union(&[a.clone(), b.clone(), a.clone(), b.clone()]).collect()?;
            let times = times_a.load(Ordering::Relaxed) + times_b.load(Ordering::Relaxed);
            a.unpersist();
            b.unpersist();
            // Nothing that was set aside or locked is left: one block fills the memory.
            let (c, _) = counted(sc, 2_000);
            c.cache()?;
            let all = c.collect()?;
            Ok((records, all, times, [a.id(), b.id()], c.id()))
        });
        let (records, all, times, [a, b], c) = result.unwrap();
        assert_eq!(records, expected(&[0, 1_000, 0, 1_000]));
        assert_eq!(all, expected(&[2_000]));
        assert_eq!(times, computed(&log, a) + computed(&log, b), "{}", told(&log));
        let left: Vec<BlockId> = stored(&log).into_keys().collect();
        assert_eq!(left, [BlockId::new(c, PartitionId(0))], "{}", told(&log));
        let mut seen = vec![if times == 2 { "computed twice" } else { "computed more often" }];
        seen.extend(removed(&log, BlockRemoval::Evicted).then_some("evicted"));
        seen
    });
}

/// What is unpersisted while tasks unroll, store and read it would stay for ever, or tear what they read.
#[test]
fn a_block_is_unpersisted_while_tasks_read_it() {
    explore(&["computed once", "computed again"], || {
        let unpersist = |rdd| Command::UnpersistRdd { target: RddTarget::Rdd(RddId(rdd)) };
        // The RDD that is kept is the second; a command that comes before it is there is refused.
        let commands = vec![unpersist(1), unpersist(1)];
        let (result, log) = run(one_executor(2, 500), commands, |sc| {
            let (rdd, times) = counted(sc, 0);
            rdd.cache()?;
            let read = |sc: &SparkContext| -> Result<Vec<u64>> { sc.union(&[rdd.clone(), rdd.clone()]).collect() };
            let records = [read(sc)?, read(sc)?];
            rdd.unpersist();
            // A request, so that the driver has handled the notice before the end.
            let end = sc.parallelize(vec![1u64], 1).collect()?;
            Ok((records, end, times.load(Ordering::Relaxed), rdd.id()))
        });
        let (records, end, times, rdd) = result.unwrap();
        assert_eq!(rdd, RddId(1), "the commands mean this RDD");
        assert_eq!(records, [expected(&[0, 0]), expected(&[0, 0])]);
        assert_eq!(end, [1]);
        assert_eq!(times, computed(&log, rdd), "{}", told(&log));
        assert!(stored(&log).is_empty(), "{}", told(&log));
        vec![if times == 1 { "computed once" } else { "computed again" }]
    });
}
