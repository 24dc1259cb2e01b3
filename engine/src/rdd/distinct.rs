//! Equal records once: `distinct`.

use super::narrow::PreservesPartitioning;
use super::{Rdd, TaskError};
use crate::shuffle::Combined;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;

impl<T: Data + Hash + Eq> Rdd<T> {
    /// Each record once, in as many partitions as before.
    #[track_caller]
    pub fn distinct(&self) -> Self {
        let _scope = self.context().open("distinct", Location::caller());
        self.distinct_in(self.num_partitions())
    }

    /// As [`Rdd::distinct`], in `partitions` partitions. An RDD with a partitioner of as many has equal
    /// records together, and needs no shuffle.
    #[track_caller]
    pub fn distinct_in(&self, partitions: u32) -> Self {
        let _scope = self.context().open("distinct", Location::caller());
        let info = self.info();
        if info.partitioner.is_some() && info.num_partitions == partitions {
            return self.map_partitions_with_context(PreservesPartitioning::Yes, |_, _, values| {
                let mut seen = Combined::default();
                values.for_each(|value| seen.merge(value, (), |(), ()| {}, |()| ()));
                Ok::<_, TaskError>(seen.into_entries().into_iter().map(|(value, ())| value))
            });
        }
        self.map(|value| (value, ())).reduce_by_key_in(partitions, |(), ()| ()).keys()
    }
}
