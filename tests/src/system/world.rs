//! What is there before and after every driver: the machine with its reliable store, and the place where results go.

use super::evidence;
use super::plan::{Crash, Medium, SystemPlan};
use faultline_engine::object_store::{
    Harm, LocalObjectStore, LogWriter, MemoryObjectStore, ObjectStore, PowerLoss, PutMode, PutOutcome, SimulatedDisk,
    StoreError,
};
use faultline_engine::recovery;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The checkpoint directory of every plan.
pub const DIR: &str = "checkpoints";

/// Locks what no test leaves half changed.
pub fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What output operations did, in order: batch, and its records sorted.
pub type Effects<T> = Mutex<Vec<(u32, Vec<T>)>>;

/// Where results go; it outlives drivers.
#[derive(Debug, Default)]
pub struct Results {
    /// Each time that a batch gave its records.
    pub given: Effects<u64>,
    /// By batch, what it gave last.
    pub replaced: Mutex<BTreeMap<u32, Vec<u64>>>,
    /// Each time that the second output gave something.
    pub derived: Effects<(u64, u64)>,
}

/// The machine with the reliable store.
#[derive(Clone, Debug)]
pub struct Machine(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    disk: Option<SimulatedDisk>,
    store: Mutex<Arc<dyn ObjectStore>>,
    state: Mutex<State>,
    power: Vec<Option<PowerLoss>>,
    harm: Vec<(Range<u64>, Harm)>,
    logged: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Operations that changed something, or tried to.
    operations: u64,
    losses: usize,
    /// A driver was lost; what that does to the machine comes next.
    power_fails: bool,
    /// The operation of the disk before which the process dies.
    dies: Option<u64>,
    highest_epoch: u64,
    broken: Vec<String>,
    /// What showed that the store had lied, when the power was lost.
    evidence: Vec<String>,
}

fn at_of(crash: Option<Crash>) -> u64 {
    match crash {
        Some(Crash::FailsOnce { at } | Crash::Dies { at, .. }) => at,
        None => 0,
    }
}

fn local(disk: &SimulatedDisk) -> Arc<dyn ObjectStore> {
    Arc::new(LocalObjectStore::with_ops("/store", Arc::new(disk.clone())))
}

impl Machine {
    /// The machine of a plan.
    pub fn of(plan: &SystemPlan) -> Self {
        let disk = (plan.medium == Medium::Disk).then(SimulatedDisk::new);
        if let (Some(disk), Some(lies)) = (&disk, &plan.lies) {
            disk.lie_below(Path::new("/store"), lies.clone());
        }
        let store = disk.as_ref().map_or_else(|| Arc::new(MemoryObjectStore::new()) as Arc<dyn ObjectStore>, local);
        Self(Arc::new(Parts {
            disk,
            store: Mutex::new(store),
            state: Mutex::default(),
            power: plan.power.clone(),
            harm: plan.harm.clone(),
            logged: plan.logged,
        }))
    }

    /// The store as it is, whatever happens to operations.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&lock(&self.0.store))
    }

    /// Its disk, if it has one.
    pub fn disk(&self) -> Option<&SimulatedDisk> {
        self.0.disk.as_ref()
    }

    /// A process begins, and is told what becomes of its operations.
    pub fn begin(&self, crash: Option<Crash>) {
        let Some(disk) = &self.0.disk else { return };
        let now = disk.operations();
        *lock(&self.0.store) = local(disk);
        match crash {
            Some(Crash::FailsOnce { at }) => disk.fail(now + at..now + at + 1),
            Some(Crash::Dies { at, .. }) => disk.fail(now + at..u64::MAX),
            None => {}
        }
        lock(&self.0.state).dies = matches!(crash, Some(Crash::Dies { .. })).then(|| disk.operations() + at_of(crash));
    }

    /// Whether the process is dead, although it does not know.
    pub fn is_dead(&self) -> bool {
        let dies = lock(&self.0.state).dies;
        self.0.disk.as_ref().zip(dies).is_some_and(|(disk, dies)| disk.operations() > dies)
    }

    /// A process ended, and perhaps the machine.
    pub fn end(&self, crash: Option<Crash>) {
        self.driver_ended();
        let Some(disk) = &self.0.disk else { return };
        match crash {
            Some(Crash::Dies { power: Some(how), .. }) => disk.lose_power(how),
            Some(_) => disk.restart(),
            None => {}
        }
        lock(&self.0.state).dies = None;
    }

    /// A driver is gone, and perhaps the power with it: what it had asked for before is still carried out.
    pub fn driver_lost(&self) {
        lock(&self.0.state).power_fails = true;
    }

    /// Nothing of the driver that is gone happens any more.
    pub fn driver_ended(&self) {
        let mut state = lock(&self.0.state);
        if !std::mem::take(&mut state.power_fails) {
            return;
        }
        let how = self.0.power.get(state.losses).or(self.0.power.last()).copied().flatten();
        state.losses += 1;
        if let (Some(disk), Some(how)) = (&self.0.disk, how) {
            let known = disk.deceived();
            disk.lose_power(how);
            let store = local(disk);
            if known != disk.deceived() {
                state.evidence = evidence::of_damage(&*store, self.0.logged);
            }
            *lock(&self.0.store) = store;
        }
    }

    /// Whether the store had lied when the power was lost, and what showed it.
    pub fn deceived(&self) -> Option<Vec<String>> {
        self.0.disk.as_ref().filter(|disk| disk.deceived()).map(|_| lock(&self.0.state).evidence.clone())
    }

    /// What was found to be wrong with what was written (I6).
    pub fn broken(&self) -> Vec<String> {
        lock(&self.0.state).broken.clone()
    }

    fn fate(&self) -> Option<(Harm, u64)> {
        let mut state = lock(&self.0.state);
        let n = state.operations;
        state.operations += 1;
        self.0.harm.iter().find(|(range, _)| range.contains(&n)).map(|(_, harm)| (*harm, n))
    }

    fn change<T>(&self, key: &str, operation: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let failed = |n: u64| StoreError::Io { key: key.to_owned(), message: format!("operation {n} fails") };
        match self.fate() {
            None => operation(),
            Some((Harm::FailsAfter, n)) => operation().and_then(|_| Err(failed(n))),
            Some((_, n)) => Err(failed(n)),
        }
    }

    /// I6: a description by an older driver than one that has written is a driver that was not stopped.
    fn look_at(&self, key: &str, bytes: &[u8]) {
        if !key.starts_with(&format!("{DIR}/checkpoint-")) {
            return;
        }
        let mut state = lock(&self.0.state);
        match recovery::decode(bytes) {
            // A backup is the former file, whoever wrote that.
            Ok(_) if key.ends_with(".bk") => {}
            Ok(read) if read.epoch < state.highest_epoch => {
                let text = format!("epoch {} wrote {key} after epoch {}", read.epoch, state.highest_epoch);
                state.broken.push(text);
            }
            Ok(read) => state.highest_epoch = read.epoch,
            Err(error) => state.broken.push(format!("{key} was written and cannot be read: {error}")),
        }
    }
}

impl ObjectStore for Machine {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        self.look_at(key, bytes);
        self.change(key, || self.store().put(key, bytes, mode))
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.store().get(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store().list(prefix)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.change(key, || self.store().delete(key))
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        self.store().get_range(key, range)
    }

    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        let inner = self.change(log, || self.store().open_log(log))?;
        Ok(Box::new(Log { machine: self.clone(), log: log.to_owned(), inner, broken: false }))
    }
}

/// A log of the machine.
#[derive(Debug)]
struct Log {
    machine: Machine,
    log: String,
    inner: Box<dyn LogWriter>,
    broken: bool,
}

impl Log {
    fn sound(&self) -> Result<(), StoreError> {
        if self.broken { Err(StoreError::LogFailed { key: self.log.clone() }) } else { Ok(()) }
    }
}

impl LogWriter for Log {
    fn segment(&self) -> u64 {
        self.inner.segment()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.sound()?;
        let done = self.machine.change(&self.log, || self.inner.append(bytes));
        self.broken = done.is_err();
        done
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.sound()?;
        let done = self.machine.change(&self.log, || self.inner.sync());
        self.broken = done.is_err();
        done
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.broken = true;
        self.machine.change(&self.log, || self.inner.roll())?;
        self.broken = false;
        Ok(())
    }
}

/// The disk below the transactional sink: on its operations of some numbers it fails.
#[derive(Clone, Debug, Default)]
pub struct SinkDisk {
    /// The disk.
    pub disk: SimulatedDisk,
    failures: Arc<Mutex<Vec<Range<u64>>>>,
}

impl SinkDisk {
    /// One with failures to come.
    pub fn new(failures: &[Range<u64>]) -> Self {
        let mut failures = failures.to_vec();
        failures.sort_by_key(|range| std::cmp::Reverse(range.start));
        let sink = Self { disk: SimulatedDisk::new(), failures: Arc::new(Mutex::new(failures)) };
        sink.plan();
        sink
    }

    /// The same disk as that of the machine.
    pub fn on(disk: &SimulatedDisk) -> Self {
        Self { disk: disk.clone(), failures: Arc::default() }
    }

    /// Goes on to the next failures, when those planned are over.
    pub fn plan(&self) {
        let mut failures = lock(&self.failures);
        if failures.is_empty() {
            return;
        }
        while failures.last().is_some_and(|range| range.end <= self.disk.operations()) {
            failures.pop();
        }
        self.disk.fail(failures.last().cloned().unwrap_or(0..0));
    }

    /// Batches that are there whole, by their time in milliseconds, with their keys in order.
    pub fn batches(&self) -> Result<BTreeMap<u64, Vec<u64>>, String> {
        use faultline_engine::object_store::FileOps;
        let mut batches = BTreeMap::new();
        let Ok(entries) = self.disk.list(Path::new("/sink")) else { return Ok(batches) };
        for name in entries.into_iter().map(|entry| entry.name).filter(|name| name != ".stage") {
            let time: u64 = name
                .strip_prefix("batch-")
                .and_then(|time| time.parse().ok())
                .ok_or_else(|| format!("the sink holds {name}, which is no batch"))?;
            let dir = Path::new("/sink").join(&name);
            let mut keys = Vec::new();
            let mut manifest = false;
            for entry in self.disk.list(&dir).map_err(|error| error.to_string())? {
                let bytes = self.disk.read(&dir.join(&entry.name)).map_err(|error| error.to_string())?;
                let text = String::from_utf8(bytes).map_err(|error| format!("{name}/{}: {error}", entry.name))?;
                manifest |= entry.name == "_SUCCESS";
                if entry.name.starts_with("part-") {
                    for line in text.lines() {
                        let key = line.split('\t').next().and_then(|key| key.parse().ok());
                        keys.push(key.ok_or_else(|| format!("{name}/{} holds {line:?}", entry.name))?);
                    }
                }
            }
            if !manifest {
                return Err(format!("{name} was shown without its manifest"));
            }
            keys.sort_unstable();
            batches.insert(time, keys);
        }
        Ok(batches)
    }
}
