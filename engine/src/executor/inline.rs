//! Jobs on the calling thread: no driver, no events, no stages.
//!
//! What is left is what a task costs between its first and its last record. Shuffles and checkpoints
//! need a driver, so jobs over them are refused.

use super::{BlockReport, CostMeter, EffectRules, ExecutorStores, ScriptEntry, apply, run_task};
use crate::config::EngineConfig;
use crate::error::{EngineError, Result};
use crate::ids::*;
use crate::object_store::{MemoryObjectStore, ObjectStore};
use crate::rdd::for_each_ancestor;
use crate::rdd::{
    AnyRdd, CheckpointCommit, CheckpointProgress, Dependency, Files, JobRunner, JobSpec, Notice, OpenedCheckpoint,
    SparkContext, TaskError, TaskOutput,
};
use crate::rng::Seed;
use crate::scheduler::TaskWork;
use crate::shuffle::ShuffleStore;
use crate::storage::{BlockStore, DiskStore, StoredBlock};
use crate::task_context::{Cluster, EffectSink, TaskContext, TaskEnvironment, TaskIdentity, TaskView};
use std::sync::Arc;

/// A context whose jobs compute their partitions one after another on the thread that calls the action.
pub fn inline_context(config: EngineConfig, files: Arc<dyn Files>) -> SparkContext {
    let config = Arc::new(config);
    let blocks = BlockStore::new(config.memory, DiskStore::in_memory());
    let shuffles = ShuffleStore::new(config.shuffle_memory, DiskStore::in_memory());
    let stores = Arc::new(ExecutorStores::new(ExecutorId(0), blocks, shuffles));
    let cluster = Cluster::default();
    cluster.write().insert(stores.id(), Arc::clone(&stores));
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
    let place = Place { stores, cluster, store: Arc::clone(&store) };
    SparkContext::new(Arc::clone(&config), Arc::new(Inline { config, place }), files, store, Arc::default())
}

/// The one executor.
#[derive(Clone)]
struct Place {
    stores: Arc<ExecutorStores>,
    cluster: Cluster,
    store: Arc<dyn ObjectStore>,
}

struct Inline {
    config: Arc<EngineConfig>,
    place: Place,
}

impl Inline {
    fn task(&self, job: &JobSpec, partition: PartitionId) -> TaskContext {
        let place = self.place.clone();
        TaskContext::new(TaskEnvironment {
            task: TaskIdentity {
                id: TaskId(u64::from(partition.0)),
                stage: StageAttempt { stage: StageId(0), attempt: 0 },
                attempt: 0,
                partition,
                op: job.rdd.core().op(),
                executor: place.stores.id(),
            },
            view: TaskView::default(),
            stores: Arc::clone(&place.stores),
            cluster: Arc::clone(&place.cluster),
            store: Arc::clone(&place.store),
            sink: Box::new(place),
            cancelled: Arc::default(),
            seed: Seed(self.config.seed),
            chunk_len: self.config.chunk_len,
            cost: CostMeter::idle(),
        })
    }
}

impl JobRunner for Inline {
    fn run_job(&self, job: JobSpec) -> Result<Vec<TaskOutput>> {
        refuse_shuffles(&job.rdd)?;
        let work = TaskWork::Result(Arc::clone(&job.func));
        let run = |partition: &PartitionId| run_task(&work, self.task(&job, *partition)).result.map_err(failed);
        job.partitions.iter().map(run).collect()
    }

    fn checkpoint_progress(&self, _: RddId) -> Result<CheckpointProgress> {
        Err(no_checkpoints())
    }

    fn commit_checkpoint(&self, _: CheckpointCommit) -> Result<()> {
        Err(no_checkpoints())
    }

    fn open_checkpoint(&self, _: String) -> Result<OpenedCheckpoint> {
        Err(no_checkpoints())
    }

    fn tell(&self, _: Notice) {}
}

fn no_checkpoints() -> EngineError {
    EngineError::IllegalState("checkpoints need a driver".into())
}

/// Nobody would have written them, and to their readers they would look empty.
fn refuse_shuffles(rdd: &Arc<dyn AnyRdd>) -> Result<()> {
    let mut result = Ok(());
    for_each_ancestor(Arc::clone(rdd), |rdd| {
        if rdd.core().dependencies().iter().any(|d| matches!(d, Dependency::Shuffle(_))) {
            result = Err(EngineError::IllegalState("shuffles need a driver".into()));
        }
    });
    result
}

fn failed(error: TaskError) -> EngineError {
    EngineError::JobFailed(match error {
        TaskError::Exception(message) => message,
        TaskError::FetchFailed { shuffle, .. } => format!("shuffle {shuffle} was not written"),
        TaskError::Cancelled | TaskError::CommitDenied => "cancelled".into(),
        TaskError::OutputExists(message) => message,
        TaskError::ExecutorExited(code) => format!("Command exited with code {code}"),
    })
}

impl EffectSink for Place {
    fn effect(&self, _: u64, entry: ScriptEntry) -> std::result::Result<(), TaskError> {
        let rules = EffectRules { previews: false, max_replication_failures: 0 };
        apply(entry, &self.stores, &self.cluster, &*self.store, rules).result
    }

    fn changed(&self, _: Vec<BlockReport>) {}

    fn in_production(&self, _: BlockId) -> Option<(Arc<dyn StoredBlock>, u64)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::SystemFiles;

    /// Without it a bench of what a task costs would measure another result than the engine's.
    #[test]
    fn narrow_jobs_give_what_the_engine_gives() {
        let sc = inline_context(EngineConfig { chunk_len: 7, ..EngineConfig::default() }, Arc::new(SystemFiles));
        let numbers = sc.parallelize((0..100u64).collect(), 3).map(|x| x * 3).filter(|x| x % 2 == 0);
        let expect: Vec<u64> = (0..100).map(|x| x * 3).filter(|x| x % 2 == 0).collect();
        assert_eq!(numbers.collect(), Ok(expect));
        let by_key = numbers.map(|x| (x % 3, x)).reduce_by_key(|a, b| a + b).count();
        assert_eq!(by_key, Err(EngineError::IllegalState("shuffles need a driver".into())));
    }
}
