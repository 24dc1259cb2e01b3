//! A reliable store in memory, for simulations and tests. Clones share their objects.

use super::key::{validate_key, validate_prefix};
use super::{LogWriter, ObjectStore, PutMode, PutOutcome, StoreError};
use crate::sync::Mutex;
use std::collections::BTreeMap;
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

    fn open_log(&self, key: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        validate_key(key)?;
        self.objects.lock().entry(key.to_owned()).or_default();
        Ok(Box::new(MemoryLog { store: self.clone(), key: key.to_owned() }))
    }
}

#[derive(Debug)]
struct MemoryLog {
    store: MemoryObjectStore,
    key: String,
}

impl LogWriter for MemoryLog {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match self.store.objects.lock().get_mut(&self.key) {
            Some(object) => object.extend_from_slice(bytes),
            None => return Err(StoreError::NotFound { key: self.key.clone() }),
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
