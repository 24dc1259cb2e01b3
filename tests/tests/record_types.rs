//! What the types of records implement may panic, wherever a store happens to call it: in both loops the task
//! that meets it fails, or a block is lost, and the run goes on.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, run, settings};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const WRITTEN: u32 = 13;
const READ: u32 = 14;
const SHOWN: u32 = 15;

/// A number that panics: [`WRITTEN`] when it is encoded, [`READ`] when it is decoded, [`SHOWN`] when it is shown.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Brittle(u32);

impl Brittle {
    fn touch(&self, breaks: u32) -> u32 {
        assert!(self.0 != breaks, "deliberate {breaks}");
        self.0
    }
}

impl Serialize for Brittle {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_u32(self.touch(WRITTEN))
    }
}

impl<'de> Deserialize<'de> for Brittle {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let read = Self(u32::deserialize(from)?);
        read.touch(READ);
        Ok(read)
    }
}

impl fmt::Debug for Brittle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.touch(SHOWN))
    }
}

/// 40 numbers in two partitions, with `odd` among them.
fn brittle(sc: &SparkContext, odd: u32) -> Rdd<Brittle> {
    sc.parallelize((0..40u32).collect(), 2).map(move |n| Brittle(if n == 3 { odd } else { 100 + n }))
}

fn small(memory: u64) -> EngineConfig {
    EngineConfig { executors: 2, cores: 1, memory, shuffle_memory: 0, previews: true, ..settings(0, &[]) }
}

/// Without it a panic while an effect of a task is applied would end the simulation, and on threads leave a store
/// half changed.
#[test]
fn a_record_that_panics_when_encoded_fails_the_task_that_stores_it() {
    silence_deliberate_panics();
    let levels =
        [StorageLevel::DISK_ONLY, StorageLevel::MEMORY_ONLY_SER, StorageLevel::MEMORY_ONLY_2, StorageLevel::NONE];
    for &loop_ in Loop::ALL {
        for level in levels {
            let (result, _) = run(loop_, small(1 << 20), move |sc| {
                let numbers = brittle(sc, WRITTEN);
                let numbers = if level.is_valid() { numbers.persist(level)? } else { numbers };
                let stored = numbers.count();
                numbers.unpersist();
                let shuffled = numbers.map(|n| (n.0, n)).reduce_by_key(|a, _| a).count();
                let after = brittle(sc, 7).persist(level).and_then(|good| good.count());
                Ok((stored, shuffled, after))
            });
            let (stored, shuffled, after) = result.unwrap_or_else(|e| panic!("{loop_:?} {level}: {e}"));
            let said = |result: &Result<u64>| result.as_ref().err().map(ToString::to_string);
            let stored = said(&stored);
            assert_eq!(stored.is_some(), level.is_valid(), "{loop_:?} {level}: {stored:?}");
            assert!(stored.is_none_or(|error| error.contains("cannot be encoded: deliberate 13")), "{loop_:?} {level}");
            let shuffled = said(&shuffled).expect("map outputs are spilled");
            assert!(shuffled.contains("deliberate 13"), "{loop_:?} {level}: {shuffled}");
            assert!(after.is_ok() || !level.is_valid(), "{loop_:?} {level}: {after:?}");
        }
    }
}

/// Without it the block would take the task that needs its room with it, or the block's own reader the run.
#[test]
fn a_record_that_panics_elsewhere_costs_its_block_or_its_reader() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, small(150), |sc| {
            // Evicted to disk, which does not take it.
            let evicted = brittle(sc, WRITTEN).persist(StorageLevel::MEMORY_AND_DISK)?;
            let counted = evicted.count()?;
            let shown = brittle(sc, SHOWN).persist(StorageLevel::MEMORY_AND_DISK)?;
            let all = [shown.count()?, evicted.count()?];
            // What is kept on disk is read back by the task that put it.
            let unread = brittle(sc, READ).persist(StorageLevel::DISK_ONLY)?.count().expect_err("never read");
            let after = brittle(sc, 7).persist(StorageLevel::DISK_ONLY)?.count()?;
            Ok((counted, all, unread.to_string(), after))
        });
        let (counted, all, unread, after) = result.unwrap_or_else(|e| panic!("{loop_:?}: {e}"));
        assert_eq!((counted, all, after), (40, [40; 2], 40), "{loop_:?}");
        assert!(unread.contains("could not be read") && unread.contains("deliberate 14"), "{loop_:?}: {unread}");
        let previews = log.iter().filter_map(|e| match &e.event {
            Event::BlockUpdated { preview: Some(preview), .. } => Some(preview.records.join(" ")),
            _ => None,
        });
        let dropped =
            |e: &&Envelope| matches!(e.event, Event::BlockUpdated { removal: Some(BlockRemoval::Dropped), .. });
        assert!(log.iter().filter(dropped).count() > 0, "{loop_:?}: the disk does not take what cannot be encoded");
        let hidden = previews.filter(|text| text.contains("cannot be shown: deliberate 15")).count();
        assert_eq!(hidden, 1, "{loop_:?}: one partition has the record");
    }
}
