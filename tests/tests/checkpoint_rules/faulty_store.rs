//! A store that can be told to refuse.

use faultline_engine::object_store::*;
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::Environment;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A store in memory that refuses the next writes of files whose name begins with a given text.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: MemoryObjectStore,
    refused: Arc<Mutex<String>>,
    left: Arc<AtomicU32>,
}

impl FaultyStore {
    pub fn new() -> Self {
        let (inner, refused, left) = (MemoryObjectStore::new(), Arc::default(), Arc::default());
        Self { inner, refused, left }
    }

    /// The next `times` writes of files whose name begins with `prefix` fail.
    pub fn refuse(&self, prefix: &str, times: u32) {
        prefix.clone_into(&mut self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        self.left.store(times, Ordering::SeqCst);
    }

    pub fn environment(&self) -> Environment {
        Environment { files: Arc::new(SystemFiles), store: Arc::new(self.clone()) }
    }
}

impl ObjectStore for FaultyStore {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        let prefix = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let take = |left: u32| left.checked_sub(1);
        let name = key.rsplit('/').next().unwrap_or(key);
        let refused =
            name.starts_with(&prefix) && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
        if refused {
            return Err(StoreError::Io { key: key.to_owned(), message: "no space left on device".into() });
        }
        self.inner.put(key, bytes, mode)
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.inner.get(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(prefix)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key)
    }

    fn open_log(&self, key: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        self.inner.open_log(key)
    }
}
