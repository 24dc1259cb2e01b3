//! The shuffle outputs of one executor: one bucket per reduce partition of every map task.
//!
//! Outputs count against a byte budget. Beyond it the oldest outputs are spilled to disk, each as one
//! file of frames, and decoded again bucket by bucket when they are fetched. Which output is spilled
//! depends on the order of puts only. One whose records cannot be encoded stays in memory.

use crate::ids::{PartitionId, ShuffleId, TaskId};
use crate::storage::{BlockCodec, BlockError, DiskDamage, DiskStore, StoredBlock};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The shuffle outputs of one executor.
#[derive(Debug)]
pub struct ShuffleStore {
    budget: u64,
    memory_bytes: u64,
    disk: DiskStore,
    outputs: BTreeMap<MapOutputId, Written>,
    /// Outputs in memory that may be spilled, oldest first.
    spillable: BTreeMap<u64, MapOutputId>,
    puts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MapOutputId {
    shuffle: ShuffleId,
    map: PartitionId,
}

/// An output, and the attempt that wrote it.
#[derive(Debug)]
struct Written {
    by: TaskId,
    output: Output,
}

#[derive(Debug)]
enum Output {
    Memory { age: u64, bytes: u64, buckets: Vec<Arc<dyn StoredBlock>> },
    Disk { buckets: Vec<Spilled> },
}

/// Where a bucket is in its output's file, and what reads it.
#[derive(Debug)]
struct Spilled {
    range: Range<u64>,
    codec: Arc<dyn BlockCodec>,
}

impl ShuffleStore {
    /// An empty store that keeps up to `memory_budget` bytes in memory.
    pub fn new(memory_budget: u64, disk: DiskStore) -> Self {
        Self {
            budget: memory_budget,
            memory_bytes: 0,
            disk,
            outputs: BTreeMap::new(),
            spillable: BTreeMap::new(),
            puts: 0,
        }
    }

    /// Keeps the output of one map partition, one bucket per reduce partition, replacing that of an earlier
    /// attempt. One that was given up and still writes does not replace that of its successor: attempts are
    /// numbered in the order of their launch. On error the output is not kept.
    pub fn put(
        &mut self,
        shuffle: ShuffleId,
        map: PartitionId,
        by: TaskId,
        buckets: Vec<Arc<dyn StoredBlock>>,
    ) -> Result<(), BlockError> {
        let id = MapOutputId { shuffle, map };
        if self.outputs.get(&id).is_some_and(|there| there.by > by) {
            return Ok(());
        }
        self.remove(id);
        let bytes = buckets.iter().map(|bucket| bucket.memory_bytes()).sum();
        self.puts += 1;
        self.spillable.insert(self.puts, id);
        self.memory_bytes += bytes;
        self.outputs.insert(id, Written { by, output: Output::Memory { age: self.puts, bytes, buckets } });
        let spilled = self.spill_to_budget(id);
        if spilled.is_err() {
            self.remove(id);
        }
        spilled
    }

    /// The bucket of `map` for `reduce`, if its output is here. A spilled bucket comes as bytes; one that
    /// cannot be read is an error, which to the reader is a failed fetch.
    pub fn get(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        reduce: PartitionId,
    ) -> Result<Option<Arc<dyn StoredBlock>>, BlockError> {
        let id = MapOutputId { shuffle, map };
        match self.outputs.get(&id).map(|there| &there.output) {
            None => Ok(None),
            Some(Output::Memory { buckets, .. }) => Ok(buckets.get(reduce.0 as usize).map(Arc::clone)),
            Some(Output::Disk { buckets }) => buckets.get(reduce.0 as usize).map(|b| self.read(id, b)).transpose(),
        }
    }

    /// Who wrote the output of a map partition, and how many buckets it has, if it is here.
    pub fn written(&self, shuffle: ShuffleId, map: PartitionId) -> Option<(TaskId, u32)> {
        let there = self.outputs.get(&MapOutputId { shuffle, map })?;
        let count = match &there.output {
            Output::Memory { buckets, .. } => buckets.len(),
            Output::Disk { buckets } => buckets.len(),
        };
        Some((there.by, u32::try_from(count).ok()?))
    }

    /// Whether the output of a map task is here.
    pub fn contains(&self, shuffle: ShuffleId, map: PartitionId) -> bool {
        self.outputs.contains_key(&MapOutputId { shuffle, map })
    }

    /// Forgets the output of one map task. Returns whether it was here.
    pub fn remove_output(&mut self, shuffle: ShuffleId, map: PartitionId) -> bool {
        self.remove(MapOutputId { shuffle, map })
    }

    /// Forgets every output of a shuffle and returns the map partitions they were of.
    pub fn remove_shuffle(&mut self, shuffle: ShuffleId) -> Vec<PartitionId> {
        let first = MapOutputId { shuffle, map: PartitionId(0) };
        let last = MapOutputId { shuffle, map: PartitionId(u32::MAX) };
        let ids: Vec<MapOutputId> = self.outputs.range(first..=last).map(|(id, _)| *id).collect();
        ids.into_iter().filter(|id| self.remove(*id)).map(|id| id.map).collect()
    }

    /// Bytes of all outputs, in memory and on disk.
    pub fn bytes(&self) -> u64 {
        self.memory_bytes + self.disk.bytes()
    }

    /// Bytes of the outputs in memory.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Damages a spilled output behind the store's back. Returns whether it was on disk.
    pub fn damage_on_disk(&mut self, shuffle: ShuffleId, map: PartitionId, damage: DiskDamage) -> bool {
        self.disk.damage(&MapOutputId { shuffle, map }.file_name(), damage)
    }

    /// What cannot be encoded is passed over: its task succeeded long ago, and the one that puts `newest`
    /// is not at fault. Only for `newest` itself is it an error.
    fn spill_to_budget(&mut self, newest: MapOutputId) -> Result<(), BlockError> {
        while self.memory_bytes > self.budget {
            let Some((&age, &id)) = self.spillable.first_key_value() else { break };
            let Some(there) = self.outputs.get_mut(&id) else { break };
            let Output::Memory { bytes, buckets, .. } = &there.output else { break };
            match encode(buckets) {
                Ok((file, spilled)) => {
                    self.disk.put(&id.file_name(), &file)?;
                    self.memory_bytes -= bytes;
                    there.output = Output::Disk { buckets: spilled };
                }
                Err(error) if id == newest => return Err(error),
                Err(_) => {}
            }
            self.spillable.remove(&age);
        }
        Ok(())
    }

    fn read(&self, id: MapOutputId, bucket: &Spilled) -> Result<Arc<dyn StoredBlock>, BlockError> {
        bucket.codec.wrap(self.disk.get_range(&id.file_name(), bucket.range.clone())?)
    }

    fn remove(&mut self, id: MapOutputId) -> bool {
        match self.outputs.remove(&id).map(|there| there.output) {
            None => return false,
            Some(Output::Memory { age, bytes, .. }) => {
                self.spillable.remove(&age);
                self.memory_bytes -= bytes;
            }
            Some(Output::Disk { .. }) => {
                self.disk.remove(&id.file_name());
            }
        }
        true
    }
}

/// The buckets one after another, and where each is.
fn encode(buckets: &[Arc<dyn StoredBlock>]) -> Result<(Arc<[u8]>, Vec<Spilled>), BlockError> {
    let mut file = Vec::new();
    let mut spilled = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let start = file.len() as u64;
        file.extend_from_slice(&bucket.encode()?);
        spilled.push(Spilled { range: start..file.len() as u64, codec: bucket.codec() });
    }
    Ok((file.into(), spilled))
}

impl MapOutputId {
    fn file_name(self) -> String {
        format!("shuffle_{}_{}", self.shuffle, self.map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ValuesBlock, values_of};

    const REDUCERS: u32 = 3;
    const SHUFFLE: ShuffleId = ShuffleId(4);
    const ATTEMPT: TaskId = TaskId(30);

    /// Each map output takes about 3000 B, so three of them fit.
    fn each_store() -> [ShuffleStore; 2] {
        [DiskStore::in_memory(), DiskStore::temporary().unwrap()].map(|disk| ShuffleStore::new(10_000, disk))
    }

    fn content(map: u32, reduce: u32) -> Vec<(String, u32)> {
        vec![("k".repeat(960), map * 100 + reduce)]
    }

    fn put(store: &mut ShuffleStore, map: u32) -> Result<(), BlockError> {
        let buckets = (0..REDUCERS).map(|reduce| ValuesBlock::shared(content(map, reduce))).collect();
        store.put(SHUFFLE, PartitionId(map), ATTEMPT, buckets)
    }

    fn check(store: &ShuffleStore, map: u32, in_memory: bool) {
        for reduce in 0..REDUCERS {
            let block = store.get(SHUFFLE, PartitionId(map), PartitionId(reduce)).unwrap().unwrap();
            assert_eq!(block.is_values(), in_memory, "map {map}");
            assert_eq!(values_of::<(String, u32)>(block.as_ref()).unwrap().as_slice(), content(map, reduce));
        }
    }

    #[test]
    fn oldest_outputs_are_spilled_and_still_readable() {
        // Without it a shuffle larger than memory would either fail or lose its first outputs.
        for mut store in each_store() {
            for map in 0..5 {
                put(&mut store, map).unwrap();
                assert!(store.memory_bytes() <= 10_000);
            }
            (0..2).for_each(|map| check(&store, map, false));
            (2..5).for_each(|map| check(&store, map, true));
            assert!(store.bytes() > store.memory_bytes() + 5000);
            assert!(store.get(SHUFFLE, PartitionId(9), PartitionId(0)).unwrap().is_none());
            assert!(store.get(SHUFFLE, PartitionId(0), PartitionId(REDUCERS)).unwrap().is_none());
        }
    }

    #[test]
    fn outputs_end_with_their_shuffle() {
        // Without it the outputs of finished batches would fill every executor.
        for mut store in each_store() {
            (0..5).for_each(|map| put(&mut store, map).unwrap());
            store.put(ShuffleId(5), PartitionId(0), ATTEMPT, vec![ValuesBlock::shared(vec![1_u8])]).unwrap();
            assert!(store.remove_output(SHUFFLE, PartitionId(1)) && !store.remove_output(SHUFFLE, PartitionId(1)));
            assert_eq!(store.remove_shuffle(SHUFFLE), [0, 2, 3, 4].map(PartitionId));
            assert!(!store.contains(SHUFFLE, PartitionId(4)) && store.contains(ShuffleId(5), PartitionId(0)));
            store.remove_shuffle(ShuffleId(5));
            assert_eq!(store.bytes(), 0);
        }
    }

    #[test]
    fn a_second_attempt_replaces_the_output() {
        // Without it a retried map task would be counted twice against the budget.
        for mut store in each_store() {
            (0..5).for_each(|map| put(&mut store, map).unwrap());
            let bytes = store.memory_bytes();
            put(&mut store, 4).unwrap();
            assert_eq!(store.memory_bytes(), bytes);
            put(&mut store, 0).unwrap();
            check(&store, 0, true);
        }
    }

    #[test]
    fn an_attempt_that_was_given_up_replaces_nothing() {
        // Without it reducers that come late would merge other records than those that came before.
        for mut store in each_store() {
            (0..5).for_each(|map| put(&mut store, map).unwrap());
            for map in [0, 4] {
                let late = (0..REDUCERS).map(|_| ValuesBlock::shared(vec![("late".to_owned(), 0_u32)])).collect();
                store.put(SHUFFLE, PartitionId(map), TaskId(ATTEMPT.0 - 1), late).unwrap();
            }
            check(&store, 0, false);
            check(&store, 4, true);
            assert_eq!(store.written(SHUFFLE, PartitionId(4)), Some((ATTEMPT, REDUCERS)));
        }
    }

    #[test]
    fn a_damaged_spill_is_an_error() {
        // Without it a reducer would merge corrupt records, or take a lost bucket for an empty one.
        for damage in [DiskDamage::Deleted, DiskDamage::Truncated, DiskDamage::BitFlipped] {
            for mut store in each_store() {
                (0..5).for_each(|map| put(&mut store, map).unwrap());
                assert!(!store.damage_on_disk(SHUFFLE, PartitionId(4), damage), "it is in memory");
                assert!(store.damage_on_disk(SHUFFLE, PartitionId(0), damage));
                assert!(store.get(SHUFFLE, PartitionId(0), PartitionId(REDUCERS - 1)).is_err(), "{damage:?}");
                check(&store, 1, false);
            }
        }
    }

    #[test]
    fn an_output_larger_than_the_budget_goes_to_disk() {
        // Without it a budget of zero would refuse every shuffle.
        let mut store = ShuffleStore::new(0, DiskStore::in_memory());
        put(&mut store, 0).unwrap();
        check(&store, 0, false);
        assert_eq!(store.memory_bytes(), 0);
        store.put(ShuffleId(7), PartitionId(0), ATTEMPT, Vec::new()).unwrap();
        assert!(store.get(ShuffleId(7), PartitionId(0), PartitionId(0)).unwrap().is_none());
    }

    /// A record that has no encoding: the length of its sequence is not known.
    #[derive(Clone, Debug, serde::Deserialize)]
    struct Endless(Vec<u8>);

    impl serde::Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut sequence = serializer.serialize_seq(None)?;
            self.0.iter().try_for_each(|byte| sequence.serialize_element(byte))?;
            sequence.end()
        }
    }

    #[test]
    fn an_output_that_cannot_be_spilled_fails_nobody_else() {
        // Without it every map task that comes after it would fail, and the job with its innocent stages.
        for mut store in each_store() {
            let endless = |count: usize| vec![ValuesBlock::shared(vec![Endless(vec![1, 2, 3]); count])];
            let odd = ShuffleId(9);
            store.put(odd, PartitionId(0), ATTEMPT, endless(4)).unwrap();
            (0..6).for_each(|map| put(&mut store, map).unwrap());
            assert!(store.memory_bytes() <= 10_000 && store.contains(odd, PartitionId(0)));
            let block = store.get(odd, PartitionId(0), PartitionId(0)).unwrap().unwrap();
            assert_eq!(values_of::<Endless>(block.as_ref()).unwrap().as_slice().len(), 4);
            check(&store, 0, false);
            assert!(
                store.put(odd, PartitionId(1), ATTEMPT, endless(10_000)).is_err(),
                "its own task is the one to fail"
            );
            assert!(!store.contains(odd, PartitionId(1)));
            put(&mut store, 6).unwrap();
            store.remove_shuffle(odd);
            store.remove_shuffle(SHUFFLE);
            assert_eq!(store.bytes(), 0);
        }
    }
}
