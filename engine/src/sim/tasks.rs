//! Tasks of a simulation: computed at launch, their effects on the calendar.

use crate::config::EngineConfig;
use crate::executor::{BlockReport, CostMeter, CostTable, ScriptEntry, TaskOutcome, run_task};
use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::rdd::TaskError;
use crate::rng::Seed;
use crate::runtime::cluster::Executors;
use crate::scheduler::{TaskLaunch, TaskReport};
use crate::storage::StoredBlock;
use crate::sync::Mutex;
use crate::sync::atomic::AtomicBool;
use crate::task_context::{EffectSink, TaskContext, TaskEnvironment};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Blocks being produced on executors: the records are known, the put is still to come.
#[derive(Default)]
pub(super) struct Production {
    blocks: BTreeMap<(ExecutorId, BlockId), Produced>,
}

struct Produced {
    block: Arc<dyn StoredBlock>,
    ready: Timestamp,
    by: TaskId,
}

impl Production {
    fn put(&mut self, at: (ExecutorId, BlockId), produced: Produced) {
        self.blocks.entry(at).or_insert(produced);
    }

    /// The task ended early: what it had not stored yet will not come.
    pub fn task_ended(&mut self, task: TaskId) {
        self.blocks.retain(|_, produced| produced.by != task);
    }

    pub fn done(&mut self, executor: ExecutorId, id: BlockId) {
        self.blocks.remove(&(executor, id));
    }

    pub fn executor_died(&mut self, executor: ExecutorId) {
        self.blocks.retain(|(e, _), _| *e != executor);
    }
}

/// Records effects with their modelled time.
struct Recorder {
    executor: ExecutorId,
    launched: Timestamp,
    script: Arc<Mutex<Vec<(u64, ScriptEntry)>>>,
    production: Arc<Mutex<Production>>,
    changed: Arc<Mutex<Vec<BlockReport>>>,
}

impl EffectSink for Recorder {
    fn effect(&self, at_ns: u64, entry: ScriptEntry) -> Result<(), TaskError> {
        self.script.lock().push((at_ns, entry));
        Ok(())
    }

    fn changed(&self, reports: Vec<BlockReport>) {
        self.changed.lock().extend(reports);
    }

    fn in_production(&self, id: BlockId) -> Option<(Arc<dyn StoredBlock>, u64)> {
        let production = self.production.lock();
        let produced = production.blocks.get(&(self.executor, id))?;
        Some((Arc::clone(&produced.block), produced.ready.ns_since(self.launched)))
    }
}

/// A task's effects in order of their times, and its end.
pub(super) struct Script {
    pub entries: Vec<(Timestamp, ScriptEntry)>,
    /// What left the memory of the executor when the task set memory aside: at its launch, because the
    /// tasks launched next must find that memory taken.
    pub changed: Vec<BlockReport>,
    pub end: Timestamp,
    pub report: TaskReport,
}

/// Jitter of a task's duration: the same for the same partition of the same operator.
fn jitter(seed: Seed, launch: &TaskLaunch) -> f64 {
    let unit = seed.fork("jitter").task(&launch.identity.op, launch.identity.partition).rng().unit();
    0.85 + 0.3 * unit
}

/// Computes a task now. `None` when its executor is dead already: then nothing of it happens.
pub(super) fn compute(
    launch: TaskLaunch,
    now: Timestamp,
    config: &EngineConfig,
    executors: &Executors,
    (store, slow_store): (&Arc<dyn ObjectStore>, f64),
    production: &Arc<Mutex<Production>>,
) -> Option<Script> {
    let executor = launch.info.executor;
    let stores = executors.stores(executor)?;
    let seed = Seed(config.seed);
    let factor = jitter(seed, &launch) * executors.slowness(executor);
    let script = Arc::new(Mutex::new(Vec::new()));
    let changed = Arc::new(Mutex::new(Vec::new()));
    let sink = Recorder {
        executor,
        launched: now,
        script: Arc::clone(&script),
        production: Arc::clone(production),
        changed: Arc::clone(&changed),
    };
    let task = launch.info.id;
    let ctx = TaskContext::new(TaskEnvironment {
        task: launch.identity,
        view: launch.view,
        stores,
        cluster: Arc::clone(&executors.cluster),
        store: Arc::clone(store),
        sink: Box::new(sink),
        cancelled: Arc::new(AtomicBool::new(false)),
        seed,
        chunk_len: config.chunk_len,
        cost: CostMeter::modelled(CostTable::default().with_slow_store(slow_store), factor),
    });
    let TaskOutcome { result, mut metrics, updates, modelled_ns } = run_task(&launch.work, ctx);
    metrics.run_ns = modelled_ns;
    let mut entries = Vec::new();
    for (at, entry) in std::mem::take(&mut *script.lock()) {
        let at = now.plus_ns(at);
        if let ScriptEntry::PutBlock { id, block, .. } = &entry {
            let produced = Produced { block: Arc::clone(block), ready: at, by: task };
            production.lock().put((executor, *id), produced);
        }
        entries.push((at, entry));
    }
    let changed = std::mem::take(&mut *changed.lock());
    Some(Script {
        entries,
        changed,
        end: now.plus_ns(modelled_ns),
        report: TaskReport { task, result, metrics, updates },
    })
}
