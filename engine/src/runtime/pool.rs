//! Worker threads of one executor: one per task slot.

use super::threads::Threads;
use crate::clock::Clock;
use crate::config::EngineConfig;
use crate::driver::DriverInput;
use crate::executor::{BlockReport, CostMeter, EffectRules, ExecutorStores, ScriptEntry, TaskOutcome, apply, run_task};
use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::rdd::TaskError;
use crate::rng::Seed;
use crate::scheduler::{TaskLaunch, TaskReport};
use crate::storage::StoredBlock;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, Sender, unbounded};
use crate::task_context::{Cluster, EffectSink, TaskContext, TaskEnvironment};
use std::sync::Arc;

/// What the workers of all executors share.
#[derive(Clone)]
pub(super) struct Shared {
    pub config: Arc<EngineConfig>,
    pub cluster: Cluster,
    pub store: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub inbox: Sender<DriverInput>,
}

/// A task with the flag that kills it.
pub(super) struct Work {
    pub launch: TaskLaunch,
    pub cancelled: Arc<AtomicBool>,
}

/// Starts the workers of an executor. They end when the sender is dropped.
pub(super) fn start(
    threads: &mut Threads,
    shared: &Shared,
    stores: &Arc<ExecutorStores>,
    cores: u32,
) -> std::io::Result<Sender<Work>> {
    // Unbounded, so that the loop never waits: a task whose end was lost on the way frees its slot before its
    // thread is free.
    let (sender, receiver) = unbounded();
    for slot in 0..cores {
        let (shared, stores, receiver) = (shared.clone(), Arc::clone(stores), receiver.clone());
        let name = format!("executor-{}-task-{slot}", stores.id());
        threads.start(name, move || work(&shared, &stores, &receiver))?;
    }
    Ok(sender)
}

fn work(shared: &Shared, stores: &Arc<ExecutorStores>, receiver: &Receiver<Work>) {
    while let Ok(Work { launch, cancelled }) = receiver.recv() {
        stores.wait_while_paused();
        let task = launch.info.id;
        let started = shared.clock.now();
        let clock = Arc::clone(&shared.clock);
        let ctx = TaskContext::new(TaskEnvironment {
            task: launch.identity,
            view: launch.view,
            stores: Arc::clone(stores),
            cluster: Arc::clone(&shared.cluster),
            store: Arc::clone(&shared.store),
            sink: Box::new(AtOnce {
                task,
                shared: shared.clone(),
                stores: Arc::clone(stores),
                cancelled: Arc::clone(&cancelled),
            }),
            cancelled,
            seed: Seed(shared.config.seed),
            chunk_len: shared.config.chunk_len,
            cost: CostMeter::measured(Box::new(move || clock.now().ns_since(started))),
        });
        let TaskOutcome { result, mut metrics, updates, .. } = run_task(&launch.work, ctx);
        // Whoever hears of the end may rely on it that the task holds no RDD any more.
        drop(launch.work);
        let freed = stores.task_ended(task);
        stores.wait_while_paused();
        if !tell(shared, stores, freed) {
            return;
        }
        metrics.run_ns = shared.clock.now().ns_since(started).max(1);
        // A dead incarnation says nothing any more.
        if stores.is_alive() {
            let report = TaskReport { task, result, metrics, updates };
            if shared.inbox.send(DriverInput::TaskFinished(report)).is_err() {
                return;
            }
        }
    }
}

/// Tells the driver what changed: nothing about this executor when it is dead. `false` when the driver is
/// gone.
fn tell(shared: &Shared, stores: &ExecutorStores, mut reports: Vec<BlockReport>) -> bool {
    if !stores.is_alive() {
        reports.retain(|report| report.executor != stores.id());
    }
    reports.is_empty() || shared.inbox.send(DriverInput::Blocks(reports)).is_ok()
}

/// Applies effects as they occur.
struct AtOnce {
    task: TaskId,
    shared: Shared,
    stores: Arc<ExecutorStores>,
    cancelled: Arc<AtomicBool>,
}

impl EffectSink for AtOnce {
    fn effect(&self, _: u64, entry: ScriptEntry) -> Result<(), TaskError> {
        self.stores.wait_while_paused();
        if let ScriptEntry::TeePart(part) = entry {
            if part.write(&self.stores, &*self.shared.store) {
                drop(self.shared.inbox.send(DriverInput::part_written(self.task, part)));
            }
            return Ok(());
        }
        let produced = match &entry {
            ScriptEntry::PutBlock { id, .. } => Some(*id),
            _ => None,
        };
        let shared = &self.shared;
        let applied = apply(entry, &self.stores, &shared.cluster, &*shared.store, EffectRules::from(&*shared.config));
        if let Some(id) = produced {
            self.stores.production_ended(id, self.task);
        }
        self.changed(applied.reports);
        applied.result
    }

    fn changed(&self, reports: Vec<BlockReport>) {
        // The error only says that the driver is gone.
        let _heard = tell(&self.shared, &self.stores, reports);
    }

    fn in_production(&self, id: BlockId) -> Option<(Arc<dyn StoredBlock>, u64)> {
        let wanted = || !self.cancelled.load(Ordering::Relaxed);
        self.stores.wait_or_produce(id, self.task, wanted).map(|block| (block, 0))
    }

    fn production_ended(&self, id: BlockId) {
        self.stores.production_ended(id, self.task);
    }
}
