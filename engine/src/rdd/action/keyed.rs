//! Actions that answer by key.

use super::empty_collection;
use crate::error::Result;
use crate::ids::PartitionId;
use crate::rdd::Rdd;
use crate::storage::{Data, estimate_encoded_bytes};
use indexmap::IndexMap;
use std::hash::Hash;
use std::panic::Location;

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// The values of one key. With a partitioner only the partition of the key is computed.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn lookup(&self, key: K) -> Result<Vec<V>> {
        let at = Location::caller();
        let partitions = match self.partitioner().and_then(|partitioner| partitioner.partition_of(&key)) {
            Some(partition) => vec![PartitionId(partition)],
            None => self.all_partitions(),
        };
        let parts = self.run_job("lookup", at, partitions, move |rdd, part, ctx| {
            let mut values = Vec::new();
            rdd.fold_partition(part, ctx, |chunk| {
                values.extend(chunk.as_slice().iter().filter(|(k, _)| *k == key).map(|(_, v)| v.clone()));
            })?;
            ctx.count_result(estimate_encoded_bytes(&values));
            Ok(values)
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// How many records each key has.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count_by_key(&self) -> Result<IndexMap<K, u64>> {
        let at = Location::caller();
        let scope = self.context().open("countByKey", at);
        let counts = self.map_values(|_| 1u64).reduce_by_key(|a, b| a + b);
        drop(scope);
        counts.collect_map("countByKey", at)
    }

    /// Everything as a map; of the values of one key the last stays.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn collect_as_map(&self) -> Result<IndexMap<K, V>> {
        self.collect_map("collectAsMap", Location::caller())
    }

    /// As `reduce_by_key`, merged where the program runs: no shuffle, and everything must fit there.
    ///
    /// # Errors
    /// When the job fails, or there is no partition (`empty collection`).
    #[track_caller]
    pub fn reduce_by_key_locally(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + Clone + 'static,
    ) -> Result<IndexMap<K, V>> {
        let merge = f.clone();
        let at = Location::caller();
        if self.num_partitions() == 0 {
            return Err(empty_collection());
        }
        let parts = self.run_job("reduceByKeyLocally", at, self.all_partitions(), move |rdd, part, ctx| {
            let mut map = IndexMap::new();
            rdd.fold_partition(part, ctx, |chunk| chunk.for_each(|(k, v)| merge_entry(&mut map, k, v, &f)))?;
            let entries: Vec<(K, V)> = map.into_iter().collect();
            ctx.count_result(estimate_encoded_bytes(&entries));
            Ok(entries)
        })?;
        let mut all = IndexMap::new();
        parts.into_iter().flatten().for_each(|(k, v)| merge_entry(&mut all, k, v, &merge));
        Ok(all)
    }

    fn collect_map(&self, action: &str, at: &Location<'_>) -> Result<IndexMap<K, V>> {
        let parts = self.run_job(action, at, self.all_partitions(), Self::return_partition)?;
        Ok(parts.into_iter().flatten().collect())
    }
}

fn merge_entry<K: Hash + Eq, V: Clone>(map: &mut IndexMap<K, V>, key: K, value: V, f: impl Fn(V, V) -> V) {
    match map.get_mut(&key) {
        Some(old) => *old = f(old.clone(), value),
        None => drop(map.insert(key, value)),
    }
}

impl<T: Data + Hash + Eq> Rdd<T> {
    /// How often each record occurs.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count_by_value(&self) -> Result<IndexMap<T, u64>> {
        let at = Location::caller();
        let scope = self.context().open("countByValue", at);
        let counts = self.map(|value| (value, 1u64)).reduce_by_key(|a, b| a + b);
        drop(scope);
        counts.collect_map("countByValue", at)
    }
}
