//! A store around another one that fails, tears or waits where it is told to: what tests put below whatever
//! has to survive that. Faults of a run are another matter, those of `runtime/faulty_store.rs`.

use super::{LogWriter, ObjectStore, PutMode, PutOutcome, StoreError, segment_key};
use crate::sync::{Condvar, Mutex, MutexGuard};
use std::ops::Range;
use std::sync::Arc;

/// What happens to an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Harm {
    /// It fails and has done nothing.
    #[default]
    FailsBefore,
    /// It is done and fails nevertheless: whoever asked does not know.
    FailsAfter,
    /// Half of its bytes are stored, and it fails.
    Torn,
    /// Half of its bytes are stored, and it succeeds.
    TornInSilence,
}

/// The store. Clones share what was done to them. Operations that change something are counted: puts,
/// deletions, and of logs opening, appends, syncs and rolls.
#[derive(Clone, Debug)]
pub struct HostileStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<(Mutex<Plan>, Condvar)>,
}

#[derive(Debug, Default)]
struct Plan {
    operations: u64,
    harmed: Range<u64>,
    harm: Harm,
    held: bool,
    waiting: u64,
}

/// What becomes of one operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Sound,
    Harmed(Harm, u64),
}

impl HostileStore {
    /// A store that does no harm yet.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.plan.0.lock().operations
    }

    /// Harms the operations of these numbers, counted from the first of the store.
    pub fn harm(&self, operations: Range<u64>, harm: Harm) {
        let mut plan = self.plan.0.lock();
        (plan.harmed, plan.harm) = (operations, harm);
    }

    /// From now on operations wait, until [`Self::release`].
    pub fn hold(&self) {
        self.plan.0.lock().held = true;
    }

    /// Operations that wait go on.
    pub fn release(&self) {
        self.plan.0.lock().held = false;
        self.plan.1.notify_all();
    }

    /// How many operations wait.
    pub fn waiting(&self) -> u64 {
        self.plan.0.lock().waiting
    }

    fn wait(&self) -> MutexGuard<'_, Plan> {
        let mut plan = self.plan.0.lock();
        plan.waiting += 1;
        while plan.held {
            self.plan.1.wait(&mut plan);
        }
        plan.waiting -= 1;
        plan
    }

    fn next(&self) -> Fate {
        let mut plan = self.wait();
        let n = plan.operations;
        plan.operations += 1;
        if plan.harmed.contains(&n) { Fate::Harmed(plan.harm, n) } else { Fate::Sound }
    }

    /// An operation that has no bytes which could be torn.
    fn run<T>(&self, key: &str, operation: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.next() {
            Fate::Sound | Fate::Harmed(Harm::TornInSilence, _) => operation(),
            Fate::Harmed(Harm::FailsBefore | Harm::Torn, n) => Err(failed(key, n)),
            Fate::Harmed(Harm::FailsAfter, n) => operation().and_then(|_| Err(failed(key, n))),
        }
    }

    /// An operation with bytes.
    fn write<T>(
        &self,
        key: &str,
        bytes: &[u8],
        write: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let half = &bytes[..bytes.len() / 2];
        match self.next() {
            Fate::Sound => write(bytes),
            Fate::Harmed(Harm::FailsBefore, n) => Err(failed(key, n)),
            Fate::Harmed(Harm::FailsAfter, n) => write(bytes).and_then(|_| Err(failed(key, n))),
            Fate::Harmed(Harm::Torn, n) => write(half).and_then(|_| Err(failed(key, n))),
            Fate::Harmed(Harm::TornInSilence, _) => write(half),
        }
    }
}

fn failed(key: &str, n: u64) -> StoreError {
    StoreError::Io { key: key.to_owned(), message: format!("operation {n} fails") }
}

impl ObjectStore for HostileStore {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        self.write(key, bytes, |bytes| self.inner.put(key, bytes, mode))
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, key: &str, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.inner.scan(key, each)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(prefix)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.run(key, || self.inner.delete(key))
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        self.inner.get_range(key, range)
    }

    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        let inner = self.run(log, || self.inner.open_log(log))?;
        Ok(Box::new(HostileLog { store: self.clone(), log: log.to_owned(), inner, broken: false }))
    }
}

#[derive(Debug)]
struct HostileLog {
    store: HostileStore,
    log: String,
    inner: Box<dyn LogWriter>,
    /// An operation failed, whatever the store below thinks of it.
    broken: bool,
}

impl HostileLog {
    fn key(&self) -> Result<String, StoreError> {
        let key = segment_key(&self.log, self.inner.segment());
        if self.broken { Err(StoreError::LogFailed { key }) } else { Ok(key) }
    }
}

impl LogWriter for HostileLog {
    fn segment(&self) -> u64 {
        self.inner.segment()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let key = self.key()?;
        let appended = self.store.write(&key, bytes, |bytes| self.inner.append(bytes));
        self.broken = appended.is_err();
        appended
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let key = self.key()?;
        let synced = self.store.run(&key, || self.inner.sync());
        self.broken = synced.is_err();
        synced
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.broken = true;
        self.store.run(&self.log, || self.inner.roll())?;
        self.broken = false;
        Ok(())
    }
}
