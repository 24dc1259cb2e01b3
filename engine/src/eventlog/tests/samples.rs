//! Rich samples of every event.

use crate::command::{Command, RddTarget, StopMode, SuperviseMode};
use crate::event::*;
use crate::ids::*;

/// Text that a careless writer breaks on.
pub const NASTY: &str = "a \"b\" \\ c\nd\te { } , \u{1F980} \u{7f} \",\"Faultline\":{\"seq\":1,\"at_ns\":2}}";

/// How many variants `Event` has.
pub const NUM_KINDS: usize = 67;

/// Numbers the variants: one that is not listed does not compile, and `every_kind_has_a_sample` asks for its sample.
pub fn kind(event: &Event) -> usize {
    match event {
        Event::LogStart { .. } => 0,
        Event::EnvironmentUpdate { .. } => 1,
        Event::ApplicationStart { .. } => 2,
        Event::ApplicationEnd => 3,
        Event::ExecutorAdded { .. } => 4,
        Event::ExecutorRemoved { .. } => 5,
        Event::BlockManagerAdded { .. } => 6,
        Event::BlockManagerRemoved { .. } => 7,
        Event::JobStart { .. } => 8,
        Event::JobEnd { .. } => 9,
        Event::StageSubmitted { .. } => 10,
        Event::StageCompleted { .. } => 11,
        Event::TaskStart { .. } => 12,
        Event::TaskEnd { .. } => 13,
        Event::BlockUpdated { .. } => 14,
        Event::UnpersistRdd { .. } => 15,
        Event::StreamingStarted { .. } => 16,
        Event::BatchSubmitted { .. } => 17,
        Event::BatchStarted { .. } => 18,
        Event::BatchCompleted { .. } => 19,
        Event::OutputOperationStarted { .. } => 20,
        Event::OutputOperationCompleted { .. } => 21,
        Event::StreamGraphDefined { .. } => 22,
        Event::RddRegistered { .. } => 23,
        Event::PersistChanged { .. } => 24,
        Event::CheckpointMarked { .. } => 25,
        Event::CheckpointStarted { .. } => 26,
        Event::CheckpointCompleted { .. } => 27,
        Event::CheckpointFailed { .. } => 28,
        Event::MapOutputsLost { .. } => 29,
        Event::ShuffleRemoved { .. } => 30,
        Event::RddReleased { .. } => 31,
        Event::OutputPrinted { .. } => 32,
        Event::OutputDigest { .. } => 33,
        Event::FaultInjected { .. } => 34,
        Event::CommandApplied { .. } => 35,
        Event::CommandRejected { .. } => 36,
        Event::FindingReported { .. } => 37,
        Event::Unknown { .. } => 38,
        Event::InputBlockUpdated { .. } => 39,
        Event::ReceiverStarted { .. } => 40,
        Event::ReceiverError { .. } => 41,
        Event::ReceiverStopped { .. } => 42,
        Event::ReceivedBlockAdded(_) => 43,
        Event::DecommissionStarted { .. } => 44,
        Event::BlocksMigrated { .. } => 45,
        Event::MapOutputsMigrated { .. } => 46,
        Event::CheckpointDeleted { .. } => 47,
        Event::ReceiverRateUpdated { .. } => 48,
        Event::StreamingStopping { .. } => 49,
        Event::StreamingStopped { .. } => 50,
        Event::SpeculativeTaskSubmitted { .. } => 51,
        Event::ExecutorExcluded { .. } => 52,
        Event::ExecutorUnexcluded { .. } => 53,
        Event::DriverEpochTaken { .. } => 54,
        Event::StreamingRecovered { .. } => 55,
        Event::GraphCheckpointWritten { .. } => 56,
        Event::GraphCheckpointFailed { .. } => 57,
        Event::DriverLost { .. } => 58,
        Event::DriverStarted { .. } => 59,
        Event::OutputCommitted { .. } => 60,
        Event::ReceivedBlocksRecovered(_) => 61,
        Event::ReceivedBlocksLost(_) => 62,
        Event::ReceivedBlockRefused(_) => 63,
        Event::ReceivedRecordsLost(_) => 64,
        Event::DriverRestartScheduled { .. } => 65,
        Event::ReceivedLogUpdated(_) => 66,
    }
}

/// At least one sample of every kind, in an order that a run could have.
pub fn samples() -> Vec<Event> {
    let mut events = application();
    events.extend(executors());
    events.extend(streaming());
    events.extend(super::recovery_samples::recovery());
    events.extend(super::receiving_samples::receiving());
    events.extend(rdds());
    events.extend(scheduler());
    events.extend(tasks());
    events.extend(storage());
    events.extend(ours());
    events.extend(unknown());
    events.push(Event::ApplicationEnd);
    events
}

fn application() -> Vec<Event> {
    let properties = [("spark.app.name", NASTY), ("faultline.seed", "7"), ("", "")];
    vec![
        Event::LogStart { version: "0.1.0".into(), seed: u64::MAX, clock: ClockKind::Virtual },
        Event::LogStart { version: NASTY.into(), seed: 0, clock: ClockKind::Wall },
        Event::EnvironmentUpdate { properties: properties.map(|(k, v)| (k.into(), v.into())).into() },
        Event::ApplicationStart { name: NASTY.into(), id: "local-1767225600000".into() },
    ]
}

fn executors() -> Vec<Event> {
    let executor = ExecutorId(2);
    vec![
        Event::ExecutorAdded { executor, cores: 4, replaces: None },
        Event::ExecutorAdded { executor: ExecutorId(u32::MAX), cores: 0, replaces: Some(executor) },
        Event::BlockManagerAdded { executor, max_memory: u64::MAX },
        Event::BlockManagerRemoved { executor },
        Event::ExecutorRemoved { executor, reason: "Command exited with code 137".into() },
    ]
}

/// An RDD with every kind of dependency.
pub fn rdd(id: u32, operator: &str, batch: Option<u32>) -> RddInfo {
    let kinds = [
        DependencyKind::OneToOne,
        DependencyKind::Range { in_start: 1, out_start: 2, length: 3 },
        DependencyKind::Shuffle { shuffle: ShuffleId(5) },
    ];
    let parents = kinds.into_iter().zip(0..id).map(|(kind, parent)| DependencyInfo { rdd: RddId(parent), kind });
    RddInfo {
        id: RddId(id),
        name: batch.is_none().then(|| NASTY.into()),
        class: "MapPartitionsRDD".into(),
        callsite: format!("{operator} at word_count.py:{id}"),
        op: OpKey { operator: operator.into(), batch: batch.map(BatchId), ordinal: id % 3 },
        scope: (id.is_multiple_of(2)).then(|| "iteration 3".into()),
        level: StorageLevel::MEMORY_AND_DISK_SER_2,
        num_partitions: 6,
        partitioner: Some(PartitionerInfo {
            class: "HashPartitioner".into(),
            partitions: 6,
            hash_version: 1,
            detail: None,
        }),
        determinism: [Determinism::Determinate, Determinism::Unordered, Determinism::Indeterminate][id as usize % 3],
        parents: parents.collect(),
    }
}

fn rdds() -> Vec<Event> {
    let mut events: Vec<Event> = ["textFile", "map", "map#2"]
        .into_iter()
        .zip(0..)
        .map(|(op, id)| Event::RddRegistered { rdd: rdd(id, op, None) })
        .collect();
    events.push(Event::RddRegistered { rdd: rdd(3, "updateStateByKey", Some(1)) });
    events.push(Event::PersistChanged { rdd: RddId(2), level: StorageLevel::MEMORY_ONLY });
    events.push(Event::CheckpointMarked { rdd: RddId(3), local: false });
    events.push(Event::CheckpointMarked { rdd: RddId(2), local: true });
    events.push(Event::CheckpointStarted { rdd: RddId(3), path: "wc/rdd-3".into() });
    events.push(Event::CheckpointFailed { rdd: RddId(3), error: NASTY.into() });
    events.push(Event::CheckpointCompleted {
        rdd: RddId(3),
        checkpoint_rdd: RddInfo { parents: Vec::new(), partitioner: None, ..rdd(4, "checkpoint", None) },
        path: NASTY.into(),
        parts: vec![CheckpointPart { file: "part-00000".into(), bytes: 1, records: 2, crc32: u32::MAX }],
        released: vec![RddId(0), RddId(1)],
        teed: 3,
    });
    events.push(Event::CheckpointDeleted { rdd: RddId(3), path: NASTY.into() });
    events
}

/// A stage over the sample RDDs and one that was never announced.
pub fn stage(id: u32, attempt: u32) -> StageInfo {
    StageInfo {
        id: StageAttempt { stage: StageId(id), attempt },
        name: NASTY.into(),
        rdd: RddId(3),
        shuffle: (id.is_multiple_of(2)).then_some(ShuffleId(id)),
        num_tasks: 6,
        parents: (0..id).map(StageId).collect(),
        rdds: vec![RddId(3), RddId(99), RddId(2)],
    }
}

fn scheduler() -> Vec<Event> {
    let of_batch = JobOrigin {
        callsite: NASTY.into(),
        batch: Some(BatchId(1)),
        batch_time_ms: Some(1_767_225_600_500),
        output_op: Some(OutputOpId(0)),
        checkpoint_of: Some(RddId(3)),
        pool: Some("production".into()),
    };
    let of_action = JobOrigin {
        callsite: "count at page_rank.py:40".into(),
        batch: None,
        batch_time_ms: None,
        output_op: None,
        checkpoint_of: None,
        pool: None,
    };
    let oddity = StageInfo { rdds: Vec::new(), ..stage(7, 1) };
    let failed = StageOutcome::Failed { reason: String::new() };
    vec![
        Event::JobStart { job: JobId(0), origin: of_batch, stages: vec![stage(0, 0), stage(1, 0)] },
        Event::JobStart { job: JobId(1), origin: of_action, stages: vec![oddity.clone()] },
        Event::StageSubmitted { stage: stage(0, 0) },
        Event::StageSubmitted { stage: oddity.clone() },
        Event::StageCompleted { stage: stage(0, 0).id, outcome: StageOutcome::Succeeded },
        Event::StageCompleted { stage: oddity.id, outcome: failed },
        Event::StageCompleted { stage: stage(9, 9).id, outcome: StageOutcome::Failed { reason: NASTY.into() } },
        Event::JobEnd { job: JobId(0), result: JobResult::Succeeded },
        Event::JobEnd { job: JobId(1), result: JobResult::Failed { error: NASTY.into() } },
    ]
}

/// A task of the sample stage.
pub fn task(id: u64) -> TaskInfo {
    TaskInfo {
        id: TaskId(id),
        stage: StageAttempt { stage: StageId(3), attempt: 1 },
        index: 2,
        attempt: 3,
        partition: PartitionId(4),
        executor: ExecutorId(5),
        launched: Timestamp(1_767_225_600_123_456_789),
        finished: Timestamp(1_767_225_600_987_654_321),
        speculative: false,
        locality: [Locality::ProcessLocal, Locality::NoPref, Locality::Any, Locality::NodeLocal][(id % 4) as usize],
        kind: if id.is_multiple_of(2) { TaskKind::ShuffleMapTask } else { TaskKind::ResultTask },
    }
}

/// Metrics with a row of every tier and cause.
pub fn metrics() -> TaskMetrics {
    let tiers = [
        ReadTier::LocalMemory,
        ReadTier::LocalDisk,
        ReadTier::Remote { executor: ExecutorId(1) },
        ReadTier::Checkpoint,
        ReadTier::WriteAheadLog,
        ReadTier::Computed,
    ];
    let causes = [
        None,
        Some(RecomputeCause::NeverPersisted),
        Some(RecomputeCause::Evicted),
        Some(RecomputeCause::LostWithExecutor(ExecutorId(2))),
        Some(RecomputeCause::MapOutputLost(ExecutorId(3))),
        Some(RecomputeCause::FetchFailure),
        Some(RecomputeCause::Retry),
        Some(RecomputeCause::CheckpointJob),
        Some(RecomputeCause::Dropped),
        Some(RecomputeCause::RolledBack),
    ];
    let rows = causes.into_iter().zip(tiers.into_iter().cycle()).zip(0..).map(|((cause, tier), i)| ReadRow {
        rdd: RddId(i),
        partition: PartitionId(4),
        tier,
        needed_by: i.checked_sub(1),
        cause,
        records: u64::from(i) << 40,
        bytes: u64::MAX,
        self_ns: u64::MAX - u64::from(i),
        fetch_ns: u64::from(i),
    });
    TaskMetrics {
        run_ns: 987_654_321,
        duration_source: DurationSource::Modelled,
        shuffle_read: ShuffleMetrics { bytes: u64::MAX, records: 2, blocks: 3, remote_blocks: 9 },
        shuffle_write: ShuffleMetrics { bytes: 5, records: 6, blocks: 7, remote_blocks: 1 },
        source_records: u64::MAX,
        checkpoint_bytes_read: 10,
        checkpoint_bytes_written: 11,
        reads: rows.collect(),
        write_ns: 12,
        output: OutputMetrics { bytes: 13, records: u64::MAX },
        accumulables: vec![
            AccumulableInfo {
                id: AccumulatorId(1),
                name: NASTY.into(),
                update: Some("2".into()),
                value: Some(NASTY.into()),
            },
            AccumulableInfo { id: AccumulatorId(u64::MAX), name: "words".into(), update: None, value: None },
        ],
        result_bytes: 14,
        rerun_cause: Some(RecomputeCause::MapOutputLost(ExecutorId(1))),
    }
}

/// Every way in which a task can end.
pub fn reasons() -> Vec<TaskEndReason> {
    vec![
        TaskEndReason::Success,
        TaskEndReason::ExceptionFailure { message: NASTY.into() },
        TaskEndReason::FetchFailed {
            executor: Some(ExecutorId(1)),
            shuffle: ShuffleId(2),
            map: Some(PartitionId(u32::MAX)),
            reduce: PartitionId(4),
            message: NASTY.into(),
        },
        TaskEndReason::FetchFailed {
            executor: None,
            shuffle: ShuffleId(2),
            map: None,
            reduce: PartitionId(4),
            message: String::new(),
        },
        TaskEndReason::ExecutorLostFailure { executor: ExecutorId(3), reason: NASTY.into(), caused_by_app: true },
        TaskEndReason::ExecutorLostFailure { executor: ExecutorId(3), reason: NASTY.into(), caused_by_app: false },
        TaskEndReason::TaskCommitDenied { stage: StageId(3), partition: PartitionId(4), attempt: 1 },
        TaskEndReason::TaskKilled { reason: "Stage finished".into() },
        TaskEndReason::Resubmitted,
    ]
}

fn tasks() -> Vec<Event> {
    let mut events = vec![Event::TaskStart { task: task(0) }, Event::TaskStart { task: task(u64::MAX) }];
    let (stage, executor) = (task(1).stage, task(1).executor);
    events.push(Event::SpeculativeTaskSubmitted { stage, index: 2, partition: PartitionId(4) });
    events.push(Event::TaskStart { task: TaskInfo { speculative: true, ..task(1) } });
    events.push(Event::ExecutorExcluded { executor, task_failures: 2, stage: Some(stage) });
    events.push(Event::ExecutorExcluded { executor, task_failures: 2, stage: None });
    events.push(Event::ExecutorUnexcluded { executor });
    for (reason, id) in reasons().into_iter().zip(0..) {
        events.push(Event::TaskEnd { task: task(id), reason: reason.clone(), metrics: metrics() });
        events.push(Event::TaskEnd { task: task(id), reason, metrics: TaskMetrics::default() });
    }
    events
}

fn storage() -> Vec<Event> {
    let removals = [BlockRemoval::Evicted, BlockRemoval::Unpersisted, BlockRemoval::Dropped, BlockRemoval::Unreadable];
    let update = |level, removal, preview| Event::BlockUpdated {
        executor: ExecutorId(1),
        block: BlockId::new(RddId(4), PartitionId(1)),
        level,
        memory_bytes: u64::MAX,
        disk_bytes: 7,
        removal,
        preview,
    };
    let preview = Preview { records: vec![NASTY.into(), String::new()], total: 1_000 };
    let mut events: Vec<Event> = StorageLevel::NAMED.map(|(_, level)| update(level, None, None)).into();
    events.extend(removals.map(|removal| update(StorageLevel::NONE, Some(removal), None)));
    let odd = StorageLevel {
        use_disk: false,
        use_memory: false,
        use_off_heap: true,
        deserialized: true,
        replication: u8::MAX,
    };
    events.push(update(odd, Some(BlockRemoval::Evicted), Some(preview.clone())));
    events.push(update(StorageLevel::MEMORY_ONLY, None, Some(preview)));
    events.push(Event::UnpersistRdd { rdd: RddId(4) });
    events.extend([None, Some(BlockRemoval::Unpersisted)].map(|removal| Event::InputBlockUpdated {
        executor: ExecutorId(2),
        block: InputBlockId { stream: StreamId(3), number: u64::MAX },
        level: if removal.is_some() { StorageLevel::NONE } else { StorageLevel::MEMORY_AND_DISK_SER_2 },
        memory_bytes: 12,
        disk_bytes: 0,
        removal,
        preview: removal.is_none().then(|| Preview { records: vec![NASTY.into()], total: 1 }),
    }));
    events
}

fn streaming() -> Vec<Event> {
    let batch = BatchId(1);
    let output_op = OutputOpId(0);
    let stream = StreamInfo {
        id: StreamId(0),
        operator: "updateStateByKey".into(),
        class: "StateDStream".into(),
        callsite: NASTY.into(),
        parents: vec![StreamId(1)],
        slide: Millis(500),
        window: Some(Millis(1_000)),
        stateful: true,
        level: StorageLevel::MEMORY_ONLY_SER,
        checkpoint_interval: Some(Millis(2_000)),
        remember: None,
        shuffles: true,
    };
    let receiver = ReceiverInfo {
        stream: StreamId(0),
        name: "SocketReceiver localhost:9999".into(),
        active: true,
        executor: Some(ExecutorId(1)),
        last_error_message: NASTY.into(),
        last_error: String::new(),
        last_error_time: Some(VIRTUAL_EPOCH),
    };
    let gone = ReceiverInfo { active: false, executor: None, last_error_time: None, ..receiver.clone() };
    let print = OutputOpInfo { id: output_op, name: "print".into(), callsite: NASTY.into(), stream: StreamId(0) };
    vec![
        Event::StreamGraphDefined { streams: vec![stream], outputs: vec![print] },
        Event::StreamingStarted { zero: VIRTUAL_EPOCH, interval: Millis(500) },
        Event::BatchSubmitted {
            batch: BatchInfo {
                id: batch,
                time: VIRTUAL_EPOCH,
                records: 3,
                output_ops: vec![output_op],
                inputs: super::receiving_samples::inputs(),
            },
        },
        Event::ReceiverStarted { receiver: receiver.clone() },
        Event::ReceiverError { receiver },
        Event::ReceiverStopped { receiver: gone },
        Event::ReceiverRateUpdated { stream: StreamId(0), rate: u64::MAX },
        Event::StreamingStopping { mode: StopMode::Graceful },
        Event::StreamingStopped { mode: StopMode::Immediate },
        Event::BatchStarted { batch },
        Event::OutputOperationStarted { batch, output_op },
        Event::OutputOperationCompleted { batch, output_op, failure: Some(NASTY.into()) },
        Event::BatchCompleted { batch, scheduling_delay_ns: 1, processing_ns: u64::MAX, failure: None },
    ]
}

fn ours() -> Vec<Event> {
    let executor = ExecutorId(2);
    let commands = [
        Command::KillExecutor { executor },
        Command::RestartExecutor { executor },
        Command::DecommissionExecutor { executor },
        Command::SlowExecutor { executor, factor: 2.5 },
        Command::DropBlock { operator: "map#2".into(), batch: Some(BatchId(2)), partition: PartitionId(1) },
        Command::PersistRdd { target: RddTarget::Rdd(RddId(2)), level: "MEMORY_ONLY".into() },
        Command::UnpersistRdd { target: RddTarget::Operator { operator: "map#2".into(), batch: Some(BatchId(2)) } },
        Command::CheckpointRdd { target: RddTarget::Operator { operator: "map".into(), batch: None } },
        Command::Stop,
        Command::KillDriver,
        Command::RestartDriver,
        Command::SuperviseDriver { mode: SuperviseMode::On },
        Command::StopStreaming { mode: StopMode::Graceful },
    ];
    let finding = Finding { kind: "checkpoint-marked-too-late".into(), message: NASTY.into(), place: "map#2".into() };
    let mut events: Vec<Event> =
        commands.clone().map(|command| Event::CommandApplied { command, before_input: u64::MAX }).into();
    events.extend(commands.map(|command| Event::CommandRejected { command, reason: NASTY.into() }));
    events.extend([
        Event::MapOutputsLost { shuffle: ShuffleId(1), rdd: RddId(2), maps: vec![PartitionId(3)], executor },
        Event::DecommissionStarted { executor },
        Event::BlocksMigrated {
            executor,
            blocks: vec![MigratedBlock { block: BlockId::new(RddId(2), PartitionId(0)), to: ExecutorId(1) }],
            left: vec![BlockId::new(RddId(2), PartitionId(1))],
        },
        Event::MapOutputsMigrated {
            shuffle: ShuffleId(1),
            rdd: RddId(2),
            maps: vec![PartitionId(3)],
            from: executor,
            to: ExecutorId(1),
        },
        Event::ShuffleRemoved { shuffle: ShuffleId(1) },
        Event::RddReleased { rdd: RddId(0) },
        Event::OutputPrinted { batch: Some(BatchId(1)), output_op: None, lines: vec![NASTY.into(), String::new()] },
        Event::OutputDigest { batch: None, output_op: Some(OutputOpId(1)), records: 9, sha256: "ab".repeat(32) },
        Event::OutputCommitted {
            output: CommittedOutput {
                batch: BatchId(3),
                output_op: OutputOpId(1),
                sink: NASTY.into(),
                epoch: 2,
                partitions: vec![0, 7],
                outcome: SinkOutcome::AlreadyThere,
                written_by: Some(1),
            },
        },
        Event::FaultInjected { fault: "kill:executor=2".into(), executor: Some(executor) },
        Event::FindingReported { finding },
    ]);
    events
}

fn unknown() -> Vec<Event> {
    let of = |name: &str, raw: &str| Event::Unknown { name: name.into(), raw: raw.into() };
    let block = r#"{"Event":"SparkListenerBlockUpdated","Block Updated Info":{"Block ID":"broadcast_0"}}"#;
    let marked = r#"{"Event":"New","Faultline":{"seq":1,"at_ns":2}}"#;
    vec![
        of("SparkListenerResourceProfileAdded", r#"{"Event":"SparkListenerResourceProfileAdded","Id":0,"X":{"a":[]}}"#),
        of("SparkListenerBlockUpdated", block),
        of("Empty", r#"{"Event":"Empty"}"#),
        of("SparkListenerApplicationEnd", r#"{"Event":"SparkListenerApplicationEnd","Timestamp":5}"#),
        of("New", marked),
        of("Other name", block),
        of("Spaced", r#"{"Event": "Spaced"}"#),
        of("Lines", "{\"Event\":\"Lines\",\n\"a\":1}"),
        of(NASTY, NASTY),
        of("", ""),
    ]
}
