//! Tests of the model through `apply`: envelopes in, facts out.

mod apply_is_total;
mod cells;
mod checkpoints;
mod computing;
mod driver;
mod executors;
mod lineage;
mod lints;
mod logs;
mod receivers;
mod repairs;
mod retention;
mod shuffles;
mod standing;
mod storage;
mod story;
mod streams;
mod tally;
mod timeline;

use super::*;
use faultline_engine::event::*;

pub(super) const STATE: &str = "updateStateByKey";

/// Writes events one millisecond apart and folds them.
#[derive(Default)]
pub(super) struct Log {
    pub(super) model: Model,
    pub(super) envelopes: Vec<Envelope>,
}

impl Log {
    pub(super) fn event(&mut self, event: Event) -> &mut Self {
        let seq = self.envelopes.len() as u64;
        let envelope = Envelope { seq, at: VIRTUAL_EPOCH.plus(Millis(seq)), event };
        self.model.apply(&envelope);
        self.envelopes.push(envelope);
        self
    }

    pub(super) fn executors(&mut self, ids: impl IntoIterator<Item = u32>) -> &mut Self {
        for id in ids {
            self.event(Event::ExecutorAdded { executor: ExecutorId(id), cores: 2, replaces: None });
            self.event(Event::BlockManagerAdded { executor: ExecutorId(id), max_memory: 64 << 20 });
        }
        self
    }

    pub(super) fn rdd(&mut self, rdd: RddInfo) -> &mut Self {
        self.event(Event::RddRegistered { rdd })
    }

    pub(super) fn store(&mut self, executor: u32, rdd: u32, partition: u32, bytes: u64) -> &mut Self {
        self.event(block(executor, rdd, partition, StorageLevel::MEMORY_ONLY, bytes, 0, None))
    }

    pub(super) fn remove(&mut self, executor: u32, rdd: u32, partition: u32, removal: BlockRemoval) -> &mut Self {
        self.event(block(executor, rdd, partition, StorageLevel::NONE, 0, 0, Some(removal)))
    }

    /// A job of one stage, submitted at once.
    pub(super) fn job(&mut self, job: u32, batch: Option<u32>, stage: StageInfo) -> &mut Self {
        let origin = JobOrigin {
            callsite: "count at demo.py:7".to_owned(),
            batch: batch.map(BatchId),
            batch_time_ms: None,
            output_op: None,
            checkpoint_of: None,
            pool: None,
        };
        self.event(Event::JobStart { job: JobId(job), origin, stages: vec![stage.clone()] });
        self.event(Event::StageSubmitted { stage })
    }

    pub(super) fn job_end(&mut self, job: u32) -> &mut Self {
        self.event(Event::JobEnd { job: JobId(job), result: JobResult::Succeeded })
    }

    pub(super) fn start(&mut self, task: &TaskInfo) -> &mut Self {
        self.event(Event::TaskStart { task: task.clone() })
    }

    pub(super) fn end(&mut self, task: &TaskInfo, reads: Vec<ReadRow>) -> &mut Self {
        let metrics = TaskMetrics { reads, ..TaskMetrics::default() };
        self.event(Event::TaskEnd { task: task.clone(), reason: TaskEndReason::Success, metrics })
    }

    /// A task that starts and succeeds.
    pub(super) fn ran(&mut self, task: &TaskInfo, reads: Vec<ReadRow>) -> &mut Self {
        self.start(task).end(task, reads)
    }

    pub(super) fn fault(&mut self, executor: u32) -> &mut Self {
        let fault = format!("kill:executor={executor}");
        self.event(Event::FaultInjected { fault, executor: Some(ExecutorId(executor)) })
    }

    /// The driver learns that an executor is gone.
    pub(super) fn gone(&mut self, executor: u32) -> &mut Self {
        let reason = "Command exited with code 137".to_owned();
        self.event(Event::ExecutorRemoved { executor: ExecutorId(executor), reason });
        self.event(Event::BlockManagerRemoved { executor: ExecutorId(executor) })
    }

    pub(super) fn streaming(&mut self) -> &mut Self {
        let state = StreamInfo {
            id: StreamId(0),
            operator: STATE.into(),
            class: "StateDStream".to_owned(),
            callsite: String::new(),
            parents: Vec::new(),
            slide: Millis(1000),
            window: None,
            stateful: true,
            level: StorageLevel::MEMORY_ONLY_SER,
            checkpoint_interval: None,
            remember: None,
            shuffles: true,
        };
        self.event(Event::StreamGraphDefined { streams: vec![state], outputs: Vec::new() });
        self.event(Event::StreamingStarted { zero: VIRTUAL_EPOCH, interval: Millis(1000) })
    }

    pub(super) fn batch(&mut self, id: u32) -> &mut Self {
        let time = VIRTUAL_EPOCH.plus(Millis(u64::from(id) * 1000));
        let batch =
            BatchInfo { id: BatchId(id), time, records: 120, output_ops: vec![OutputOpId(0)], inputs: [].into() };
        self.event(Event::BatchSubmitted { batch });
        self.event(Event::BatchStarted { batch: BatchId(id) })
    }

    pub(super) fn batch_end(&mut self, id: u32, failure: Option<&str>) -> &mut Self {
        self.event(Event::BatchCompleted {
            batch: BatchId(id),
            scheduling_delay_ns: 0,
            processing_ns: 412_900_000,
            failure: failure.map(str::to_owned),
        })
    }

    pub(super) fn checkpoint(&mut self, rdd: u32, checkpoint_rdd: u32, parts: u32, released: &[u32]) -> &mut Self {
        let part = |i| CheckpointPart { file: format!("part-{i:05}"), bytes: 100, records: 10, crc32: 0 };
        let mut info = rdd_info(checkpoint_rdd, "checkpoint", None, &[]);
        info.class = CHECKPOINT_RDD_CLASS.to_owned();
        info.num_partitions = parts;
        self.event(Event::CheckpointCompleted {
            rdd: RddId(rdd),
            checkpoint_rdd: info,
            path: format!("rdd-{rdd}"),
            parts: (0..parts).map(part).collect(),
            released: released.iter().copied().map(RddId).collect(),
            teed: 0,
        })
    }

    pub(super) fn sign(&self, rdd: u32, partition: u32) -> Sign {
        self.model.cell(RddId(rdd), PartitionId(partition)).sign
    }
}

/// An RDD of 4 partitions with one-to-one parents.
pub(super) fn rdd_info(id: u32, operator: &str, batch: Option<u32>, parents: &[u32]) -> RddInfo {
    let one_to_one = |&p: &u32| DependencyInfo { rdd: RddId(p), kind: DependencyKind::OneToOne };
    RddInfo {
        id: RddId(id),
        name: None,
        class: "MapPartitionsRDD".to_owned(),
        callsite: format!("{operator} at demo.py:1"),
        op: OpKey { operator: operator.into(), batch: batch.map(BatchId), ordinal: 0 },
        scope: None,
        level: StorageLevel::NONE,
        num_partitions: 4,
        partitioner: None,
        determinism: Determinism::Determinate,
        parents: parents.iter().map(one_to_one).collect(),
    }
}

/// The same with another ordinal.
pub(super) fn nth(ordinal: u32, mut info: RddInfo) -> RddInfo {
    info.op.ordinal = ordinal;
    info
}

/// An RDD behind a shuffle.
pub(super) fn shuffled(id: u32, operator: &str, batch: Option<u32>, parent: u32, shuffle: u32) -> RddInfo {
    let kind = DependencyKind::Shuffle { shuffle: ShuffleId(shuffle) };
    RddInfo { parents: vec![DependencyInfo { rdd: RddId(parent), kind }], ..rdd_info(id, operator, batch, &[]) }
}

pub(super) fn stage(id: u32, rdd: u32, shuffle: Option<u32>) -> StageInfo {
    StageInfo {
        id: StageAttempt { stage: StageId(id), attempt: 0 },
        name: "count at demo.py:7".to_owned(),
        rdd: RddId(rdd),
        shuffle: shuffle.map(ShuffleId),
        num_tasks: 4,
        parents: Vec::new(),
        rdds: vec![RddId(rdd)],
    }
}

/// A task of stage `stage` for `partition` on `executor`.
pub(super) fn task(id: u64, stage: u32, partition: u32, executor: u32, kind: TaskKind) -> TaskInfo {
    TaskInfo {
        id: TaskId(id),
        stage: StageAttempt { stage: StageId(stage), attempt: 0 },
        index: partition,
        attempt: 0,
        partition: PartitionId(partition),
        executor: ExecutorId(executor),
        launched: VIRTUAL_EPOCH,
        finished: VIRTUAL_EPOCH,
        speculative: false,
        locality: Locality::NoPref,
        kind,
    }
}

pub(super) fn row(rdd: u32, partition: u32, tier: ReadTier, needed_by: Option<u32>) -> ReadRow {
    let (rdd, partition) = (RddId(rdd), PartitionId(partition));
    ReadRow { rdd, partition, tier, needed_by, cause: None, records: 10, bytes: 0, self_ns: 0, fetch_ns: 0 }
}

/// A row computed again.
pub(super) fn again(rdd: u32, partition: u32, cause: RecomputeCause, needed_by: Option<u32>) -> ReadRow {
    ReadRow { cause: Some(cause), ..row(rdd, partition, ReadTier::Computed, needed_by) }
}

pub(super) fn block(
    executor: u32,
    rdd: u32,
    partition: u32,
    level: StorageLevel,
    memory_bytes: u64,
    disk_bytes: u64,
    removal: Option<BlockRemoval>,
) -> Event {
    Event::BlockUpdated {
        executor: ExecutorId(executor),
        block: BlockId::new(RddId(rdd), PartitionId(partition)),
        level,
        memory_bytes,
        disk_bytes,
        removal,
        preview: None,
    }
}

pub(super) fn maps_lost(shuffle: u32, rdd: u32, maps: &[u32], executor: u32) -> Event {
    Event::MapOutputsLost {
        shuffle: ShuffleId(shuffle),
        rdd: RddId(rdd),
        maps: maps.iter().copied().map(PartitionId).collect(),
        executor: ExecutorId(executor),
    }
}
