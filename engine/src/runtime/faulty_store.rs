//! The reliable store as faults see it: it can fail, be slow and be full.

use crate::clock::Clock;
use crate::driver::StoreFault;
use crate::ids::Timestamp;
use crate::object_store::{LogWriter, ObjectStore, PutMode, PutOutcome, StoreError, segment_key};
use crate::sync::{Condvar, Mutex};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A store around the real one, for both loops. Clones share what was done to them.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Mutex<Faults>>,
    /// Wakes calls that take their time.
    ended: Arc<Condvar>,
    /// Set where time is measured: there a slow store takes its time. Elsewhere it is modelled.
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug)]
struct Faults {
    failing: u32,
    full: bool,
    slowness: f64,
    /// The run is over: nobody waits for what is slow.
    ended: bool,
}

/// What a call takes at least before slowness multiplies it: stores in memory take no time at all.
const CALL_NS: u64 = 1_000_000;

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("inner", &self.inner).field("faults", &*self.faults.lock()).finish()
    }
}

impl FaultyStore {
    /// A healthy store.
    pub fn new(inner: Arc<dyn ObjectStore>, clock: Option<Arc<dyn Clock>>) -> Self {
        let faults = Faults { failing: 0, full: false, slowness: 1.0, ended: false };
        Self { inner, faults: Arc::new(Mutex::new(faults)), ended: Arc::default(), clock }
    }

    /// Does what the driver asks.
    pub fn apply(&self, op: StoreFault) {
        let mut faults = self.faults.lock();
        match op {
            StoreFault::Fail { times } => faults.failing = faults.failing.saturating_add(times),
            StoreFault::Slow { factor } => faults.slowness = factor,
            StoreFault::Fill => faults.full = true,
            StoreFault::Free => faults.full = false,
        }
    }

    /// The run is over: calls take no longer than they must.
    pub fn end(&self) {
        self.faults.lock().ended = true;
        self.ended.notify_all();
    }

    /// Another driver runs on it: what is slow takes its time again.
    pub fn begin_again(&self) {
        self.faults.lock().ended = false;
    }

    /// How many times slower than modelled.
    pub fn slowness(&self) -> f64 {
        self.faults.lock().slowness
    }

    /// Whether a write to `key` fails, which uses up one failure.
    fn refuse(&self, key: &str) -> Result<(), StoreError> {
        let mut faults = self.faults.lock();
        let message = if faults.full {
            "No space left on device (os error 28)"
        } else if faults.failing > 0 {
            faults.failing -= 1;
            "Input/output error (os error 5)"
        } else {
            return Ok(());
        };
        Err(StoreError::Io { key: key.to_owned(), message: message.to_owned() })
    }

    fn slowly<T>(&self, call: impl FnOnce() -> T) -> T {
        let started = self.now();
        let result = call();
        let more = self.slowness() - 1.0;
        if let (Some(started), Some(now), true) = (started, self.now(), more > 0.0) {
            let ns = now.ns_since(started).max(CALL_NS) as f64 * more;
            let mut faults = self.faults.lock();
            self.ended.wait_while_for(&mut faults, |faults| !faults.ended, Duration::from_nanos(ns as u64));
        }
        result
    }

    fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(|clock| clock.now())
    }
}

impl ObjectStore for FaultyStore {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        self.refuse(key)?;
        self.slowly(|| self.inner.put(key, bytes, mode))
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.slowly(|| self.inner.get(key))
    }

    fn scan(&self, key: &str, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.slowly(|| self.inner.scan(key, each))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(prefix)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        self.slowly(|| self.inner.get_range(key, range))
    }

    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        self.refuse(log)?;
        let writer = self.slowly(|| self.inner.open_log(log))?;
        Ok(Box::new(FaultyLog { writer, store: self.clone(), log: log.to_owned() }))
    }
}

#[derive(Debug)]
struct FaultyLog {
    writer: Box<dyn LogWriter>,
    store: FaultyStore,
    log: String,
}

impl LogWriter for FaultyLog {
    fn segment(&self) -> u64 {
        self.writer.segment()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.refuse(&segment_key(&self.log, self.writer.segment()))?;
        self.writer.append(bytes)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let Self { writer, store, .. } = self;
        store.slowly(|| writer.sync())
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        let Self { writer, store, .. } = self;
        store.slowly(|| writer.roll())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::object_store::MemoryObjectStore;

    /// A store that failed would stay broken, or a full one would take what nobody freed room for.
    #[test]
    fn faults_end_as_they_were_planned() {
        let store = FaultyStore::new(Arc::new(MemoryObjectStore::new()), None);
        let put = || store.put("a", b"1", PutMode::Replace).map_err(|error| error.to_string());
        store.apply(StoreFault::Fail { times: 2 });
        assert_eq!((put(), put()), (put_error(5), put_error(5)));
        assert_eq!(put(), Ok(PutOutcome::Created));
        store.apply(StoreFault::Fill);
        assert_eq!((put(), put(), put()), (put_error(28), put_error(28), put_error(28)));
        assert_eq!(store.get("a"), Ok(b"1".to_vec()));
        store.apply(StoreFault::Free);
        assert_eq!(put(), Ok(PutOutcome::Created));
        let mut log = store.open_log("log").unwrap();
        store.apply(StoreFault::Fail { times: 2 });
        assert!(store.open_log("log").is_err());
        assert!(log.append(b"x").is_err() && log.append(b"y").is_ok());
    }

    /// The end of a run would wait for a quarter of an hour, or for what a call still had to do.
    #[test]
    fn what_is_slow_ends_with_the_run() {
        let store = FaultyStore::new(Arc::new(MemoryObjectStore::new()), Some(Arc::new(SystemClock::default())));
        store.apply(StoreFault::Slow { factor: 1e6 });
        std::thread::scope(|scope| {
            let put = scope.spawn(|| store.put("a", b"1", PutMode::Replace));
            while store.inner.get("a").is_err() {
                std::thread::yield_now();
            }
            store.end();
            assert_eq!(put.join().unwrap(), Ok(PutOutcome::Created));
        });
        assert_eq!(store.get("a"), Ok(b"1".to_vec()), "and from then on nothing is slow");
    }

    fn put_error(code: u32) -> Result<PutOutcome, String> {
        let what = if code == 5 { "Input/output error" } else { "No space left on device" };
        Err(format!("{what} (os error {code}): a"))
    }
}
