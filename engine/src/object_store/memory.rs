//! A reliable store in memory, for simulations and tests. Clones share their objects.

use super::key::{validate_key, validate_prefix};
use super::{
    LogWriter, ObjectStore, PutMode, PutOutcome, StoreError, segment_key, segments_of, too_short, usize_range,
};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Objects in memory, each durable as soon as it is written.
#[derive(Clone, Debug, Default)]
pub struct MemoryObjectStore {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl MemoryObjectStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl ObjectStore for MemoryObjectStore {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        validate_key(key)?;
        let mut objects = self.objects.lock();
        if mode == PutMode::Create && objects.contains_key(key) {
            return Ok(PutOutcome::AlreadyExists);
        }
        objects.insert(key.to_owned(), bytes.to_vec());
        Ok(PutOutcome::Created)
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        validate_key(key)?;
        self.objects.lock().get(key).cloned().ok_or_else(|| StoreError::NotFound { key: key.to_owned() })
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        validate_prefix(prefix)?;
        let objects = self.objects.lock();
        let from_prefix = objects.range(prefix.to_owned()..);
        Ok(from_prefix.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        validate_key(key)?;
        self.objects.lock().remove(key);
        Ok(())
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        validate_key(key)?;
        let objects = self.objects.lock();
        let object = objects.get(key).ok_or_else(|| StoreError::NotFound { key: key.to_owned() })?;
        let part = usize_range(&range).and_then(|range| object.get(range));
        part.map(<[u8]>::to_vec).ok_or_else(|| too_short(key, &range))
    }

    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        validate_key(&segment_key(log, u64::MAX))?;
        let last = segments_of(self, log)?.last().copied().unwrap_or(0);
        let mut writer = MemoryLog { store: self.clone(), log: log.to_owned(), segment: last };
        writer.roll()?;
        Ok(Box::new(writer))
    }
}

#[derive(Debug)]
struct MemoryLog {
    store: MemoryObjectStore,
    log: String,
    segment: u64,
}

impl LogWriter for MemoryLog {
    fn segment(&self) -> u64 {
        self.segment
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let key = segment_key(&self.log, self.segment);
        match self.store.objects.lock().get_mut(&key) {
            Some(object) => object.extend_from_slice(bytes),
            None => return Err(StoreError::NotFound { key }),
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        loop {
            self.segment += 1;
            let key = segment_key(&self.log, self.segment);
            if self.store.put(&key, &[], PutMode::Create)? == PutOutcome::Created {
                return Ok(());
            }
        }
    }
}
