//! Records one partition at a time.

use crate::error::Result;
use crate::ids::PartitionId;
use crate::rdd::Rdd;
use crate::storage::Data;
use std::panic::Location;
use std::vec::IntoIter;

/// What [`Rdd::to_local_iterator`] gives. After an error there is nothing more.
pub struct LocalIterator<T: Data> {
    rdd: Rdd<T>,
    at: &'static Location<'static>,
    /// Partitions that are still to be computed.
    left: std::ops::Range<u32>,
    records: IntoIter<T>,
}

impl<T: Data> Iterator for LocalIterator<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(record) = self.records.next() {
                return Some(Ok(record));
            }
            let part = vec![PartitionId(self.left.next()?)];
            match self.rdd.run_job("toLocalIterator", self.at, part, Rdd::collect_partition) {
                Ok(parts) => self.records = parts.into_iter().flatten().collect::<Vec<_>>().into_iter(),
                Err(error) => {
                    self.left = 0..0;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<T: Data> Rdd<T> {
    /// All records, in partition order, a job for each partition when the one before is used up: no more
    /// than the largest partition is held at a time. What is computed more than once should be persisted.
    #[track_caller]
    pub fn to_local_iterator(&self) -> LocalIterator<T> {
        let left = 0..self.num_partitions();
        LocalIterator { rdd: self.clone(), at: Location::caller(), left, records: Vec::new().into_iter() }
    }
}
