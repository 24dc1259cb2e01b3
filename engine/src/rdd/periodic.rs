//! `PeriodicRDDCheckpointer` (R9.18): for programs that replace an RDD by its successor many times.

use super::Rdd;
use super::context::Notice;
use crate::error::Result;
use crate::event::StorageLevel;
use crate::storage::Data;
use std::collections::VecDeque;

/// Keeps the lineage of an iterative program short: persists every update, marks every k-th for
/// checkpointing, forgets what is older.
///
/// Call [`Self::update`] with each new RDD before the first action on it. At most three updates stay
/// persisted, because the newest needs the one before it. An older checkpoint is deleted only once the
/// next one is really written.
pub struct PeriodicRddCheckpointer<T: Data> {
    interval: Option<u32>,
    level: StorageLevel,
    updates: u64,
    persisted: VecDeque<Rdd<T>>,
    checkpoints: VecDeque<Rdd<T>>,
}

/// Updates that stay persisted.
const PERSISTED: usize = 3;

impl<T: Data> PeriodicRddCheckpointer<T> {
    /// Marks every `interval`-th update; `None` marks none. Updates without a level get `level`.
    pub fn new(interval: Option<u32>, level: StorageLevel) -> Self {
        let (persisted, checkpoints) = (VecDeque::new(), VecDeque::new());
        Self { interval, level, updates: 0, persisted, checkpoints }
    }

    /// Takes the next RDD, before anything computed it. Without a checkpoint directory it is persisted only.
    ///
    /// # Errors
    /// When the RDD refuses its level.
    #[track_caller]
    pub fn update(&mut self, rdd: &Rdd<T>) -> Result<()> {
        if !rdd.core().level().is_valid() {
            rdd.persist(self.level)?;
        }
        self.persisted.push_back(rdd.clone());
        while self.persisted.len() > PERSISTED {
            self.persisted.pop_front().iter().for_each(Rdd::unpersist);
        }
        self.updates += 1;
        let due = self.interval.is_some_and(|k| self.updates.is_multiple_of(u64::from(k.max(1))));
        if !due || rdd.context().checkpoint_dir().is_none() {
            return Ok(());
        }
        rdd.checkpoint()?;
        self.checkpoints.push_back(rdd.clone());
        while self.checkpoints.get(1).is_some_and(Rdd::is_checkpointed) {
            self.delete_oldest();
        }
        Ok(())
    }

    /// Unpersists every update that still is persisted.
    pub fn unpersist_all(&mut self) {
        self.persisted.drain(..).for_each(|rdd| rdd.unpersist());
    }

    /// Deletes the files of every checkpoint. What still reads them fails.
    pub fn delete_all_checkpoints(&mut self) {
        while !self.checkpoints.is_empty() {
            self.delete_oldest();
        }
    }

    /// Deletes the files of every checkpoint but the last.
    pub fn delete_all_checkpoints_but_last(&mut self) {
        while self.checkpoints.len() > 1 {
            self.delete_oldest();
        }
    }

    /// How many updates are persisted.
    pub fn persisted(&self) -> usize {
        self.persisted.len()
    }

    fn delete_oldest(&mut self) {
        let Some(oldest) = self.checkpoints.pop_front() else { return };
        if oldest.checkpoint_file().is_some() {
            oldest.context().tell(Notice::DeleteCheckpoint(oldest.id()));
        }
    }
}
