use super::*;
use crate::model::timeline::SEGMENT_LEN;
use proptest::prelude::*;

fn tier() -> impl Strategy<Value = ReadTier> {
    prop_oneof![
        Just(ReadTier::Computed),
        Just(ReadTier::LocalMemory),
        Just(ReadTier::Checkpoint),
        (0..4u32).prop_map(|e| ReadTier::Remote { executor: ExecutorId(e) }),
    ]
}

fn cause() -> impl Strategy<Value = Option<RecomputeCause>> {
    prop_oneof![
        Just(None),
        Just(Some(RecomputeCause::NeverPersisted)),
        Just(Some(RecomputeCause::Evicted)),
        Just(Some(RecomputeCause::LostWithExecutor(ExecutorId(2)))),
    ]
}

fn read_row() -> impl Strategy<Value = ReadRow> {
    (0..8u32, 0..6u32, tier(), proptest::option::of(0..4u32), cause()).prop_map(|(rdd, p, tier, needed_by, cause)| {
        ReadRow { cause, records: u64::MAX / 3, ..row(rdd, p, tier, needed_by) }
    })
}

fn dependency() -> impl Strategy<Value = DependencyInfo> {
    let kind =
        prop_oneof![
            Just(DependencyKind::OneToOne),
            (0..4u32).prop_map(|s| DependencyKind::Shuffle { shuffle: ShuffleId(s) }),
            (any::<u32>(), any::<u32>(), any::<u32>())
                .prop_map(|(in_start, out_start, length)| DependencyKind::Range { in_start, out_start, length }),
        ];
    (0..8u32, kind).prop_map(|(rdd, kind)| DependencyInfo { rdd: RddId(rdd), kind })
}

fn rdd() -> impl Strategy<Value = RddInfo> {
    (0..8u32, 0..5u32, 0..3u32, proptest::collection::vec(dependency(), 0..3), any::<bool>()).prop_map(
        |(id, batch, ordinal, parents, reader)| {
            let mut info = nth(ordinal, rdd_info(id, STATE, (batch > 0).then_some(batch), &[]));
            info.parents = parents;
            if reader && id == 7 {
                info.class = CHECKPOINT_RDD_CLASS.to_owned();
            }
            info
        },
    )
}

fn task_info() -> impl Strategy<Value = TaskInfo> {
    (0..12u64, 0..4u32, 0..6u32, 0..4u32, any::<bool>()).prop_map(|(id, stage, partition, executor, map)| {
        task(id, stage, partition, executor, if map { TaskKind::ShuffleMapTask } else { TaskKind::ResultTask })
    })
}

fn reason() -> impl Strategy<Value = TaskEndReason> {
    prop_oneof![
        Just(TaskEndReason::Success),
        Just(TaskEndReason::Resubmitted),
        Just(TaskEndReason::TaskKilled { reason: String::new() }),
    ]
}

fn stage_info() -> impl Strategy<Value = StageInfo> {
    (0..4u32, 0..8u32, proptest::option::of(0..4u32)).prop_map(|(id, rdd, shuffle)| stage(id, rdd, shuffle))
}

fn scheduler_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..4u32, proptest::option::of(0..5u32), proptest::collection::vec(stage_info(), 0..3)).prop_map(
            |(job, batch, stages)| {
                let mut log = Log::default();
                log.job(job, batch, stage(0, 0, None));
                let Some(Event::JobStart { job, origin, .. }) = log.envelopes.first().map(|e| e.event.clone()) else {
                    return Event::ApplicationEnd;
                };
                Event::JobStart { job, origin, stages }
            }
        ),
        (0..4u32).prop_map(|j| Event::JobEnd { job: JobId(j), result: JobResult::Succeeded }),
        stage_info().prop_map(|stage| Event::StageSubmitted { stage }),
        stage_info().prop_map(|s| Event::StageCompleted { stage: s.id, outcome: StageOutcome::Succeeded }),
        task_info().prop_map(|task| Event::TaskStart { task }),
        (task_info(), reason(), proptest::collection::vec(read_row(), 0..4)).prop_map(|(task, reason, reads)| {
            Event::TaskEnd { task, reason, metrics: TaskMetrics { reads, ..TaskMetrics::default() } }
        }),
    ]
}

fn storage_event() -> impl Strategy<Value = Event> {
    let removal = prop_oneof![Just(None), Just(Some(BlockRemoval::Evicted)), Just(Some(BlockRemoval::Dropped)),];
    prop_oneof![
        (0..4u32, 0..8u32, 0..6u32, any::<bool>(), any::<u64>(), removal).prop_map(
            |(executor, rdd, partition, kept, bytes, removal)| {
                let level = if kept { StorageLevel::MEMORY_AND_DISK } else { StorageLevel::NONE };
                block(executor, rdd, partition, level, bytes, bytes / 2, removal)
            }
        ),
        (0..8u32).prop_map(|r| Event::UnpersistRdd { rdd: RddId(r) }),
        (0..8u32).prop_map(|r| Event::RddReleased { rdd: RddId(r) }),
        (0..8u32).prop_map(|r| Event::CheckpointStarted { rdd: RddId(r), path: String::new() }),
        (0..8u32, rdd(), 0..8u32).prop_map(|(id, checkpoint_rdd, behind)| Event::CheckpointCompleted {
            rdd: RddId(id),
            checkpoint_rdd,
            path: "rdd".into(),
            parts: Vec::new(),
            released: vec![RddId(behind)],
            teed: 0,
        }),
        (0..8u32).prop_map(|r| Event::CheckpointDeleted { rdd: RddId(r), path: String::new() }),
        (0..4u32, any::<u32>(), 0..4u32).prop_map(|(s, m, e)| maps_lost(s, 0, &[m % 5, m], e)),
        (0..4u32).prop_map(|s| Event::ShuffleRemoved { shuffle: ShuffleId(s) }),
    ]
}

fn cluster_event() -> impl Strategy<Value = Event> {
    let added = (0..4u32, proptest::option::of(0..4u32)).prop_map(|(e, old)| Event::ExecutorAdded {
        executor: ExecutorId(e),
        cores: 2,
        replaces: old.map(ExecutorId),
    });
    prop_oneof![
        added,
        (0..4u32).prop_map(|e| Event::ExecutorRemoved { executor: ExecutorId(e), reason: String::new() }),
        (0..4u32).prop_map(|e| Event::BlockManagerRemoved { executor: ExecutorId(e) }),
        (0..4u32)
            .prop_map(|e| Event::FaultInjected { fault: format!("kill:executor={e}"), executor: Some(ExecutorId(e)) }),
        Just(Event::StreamingStarted { zero: VIRTUAL_EPOCH, interval: Millis(1000) }),
        Just(Event::ApplicationEnd),
        (any::<u32>()).prop_map(|b| {
            let id = if b % 7 == 0 { b } else { b % 5 };
            let batch = BatchInfo {
                id: BatchId(id),
                time: VIRTUAL_EPOCH,
                records: 1,
                output_ops: Vec::new(),
                inputs: [].into(),
            };
            Event::BatchSubmitted { batch }
        }),
        (0..5u32).prop_map(|b| Event::BatchStarted { batch: BatchId(b) }),
        (0..5u32, any::<bool>()).prop_map(|(b, failed)| Event::BatchCompleted {
            batch: BatchId(b),
            scheduling_delay_ns: u64::MAX,
            processing_ns: u64::MAX,
            failure: failed.then(String::new),
        }),
    ]
}

fn driver_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::DriverLost { attempt: 1, reason: String::new() }),
        Just(Event::DriverRestartScheduled(ScheduledRestart { attempt: 2, at: VIRTUAL_EPOCH })),
        (0..9u32, 0..9u32).prop_map(|(batch, restart)| Event::StreamingRecovered {
            recovery: RecoveryInfo {
                path: String::new(),
                epoch: 1,
                batch: BatchId(batch),
                pending: vec![BatchId(0), BatchId(u32::MAX)],
                restart: BatchId(restart),
                states: Vec::new(),
                saved: Vec::new(),
                damaged: Vec::new(),
            },
        }),
        Just(Event::DriverStarted { attempt: 2, delay: Millis(1000) }),
        Just(Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: u64::MAX, continues: true }),
        (0..5u32).prop_map(|b| Event::GraphCheckpointWritten {
            checkpoint: GraphCheckpointInfo {
                batch: BatchId(b),
                after: CheckpointedAfter::Generation,
                path: String::new(),
                bytes: 1,
                pending: u64::MAX,
                epoch: 1,
                backup: Some("checkpoint/checkpoint-1.bk".into()),
                deleted: vec![String::new()],
            },
        }),
    ]
}

fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => rdd().prop_map(|rdd| Event::RddRegistered { rdd }),
        4 => scheduler_event(),
        4 => storage_event(),
        3 => cluster_event(),
        1 => driver_event(),
    ];
    proptest::collection::vec(event, 0..most)
}

/// What must hold between the parts of a model, whatever the log said.
fn check(model: &Model) {
    let mut cached = 0u64;
    for rdd in model.rdds.values() {
        for partition in (0..rdd.info.num_partitions).map(PartitionId) {
            let cell = rdd.cell(partition);
            let state = rdd.partition(partition).expect("as many states as partitions");
            assert_eq!(usize::from(cell.copies), state.copies.len());
            assert!(!state.computing_again || !state.computing.is_empty());
            cached += state.copies.values().filter(|c| c.in_memory()).count() as u64;
        }
        let summary = model.block_summary(rdd.info.id);
        assert!(summary.cached_partitions <= rdd.info.num_partitions);
        model.lineage_graph(rdd.info.id);
    }
    for executor in model.executors.values() {
        assert_eq!(model.executor_holdings(executor.id).len(), executor.blocks.len());
        let held = model.shuffles.values().flat_map(|s| s.outputs.iter());
        assert!(held.filter(|o| o.executor == Some(executor.id)).count() as u32 >= executor.map_outputs);
    }
    assert!(cached == 0 || model.upkeep.cached_bytes_peak >= model.upkeep.cached_bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // Without this one odd line of a log, or a log cut anywhere, takes the window down.
    #[test]
    fn apply_never_panics(events in events(120)) {
        let mut log = Log::default();
        for event in events {
            log.event(event);
            check(&log.model);
        }
        prop_assert_eq!(log.model.revision, log.envelopes.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    // Without this scrubbing back shows a past that never was.
    #[test]
    fn seek_is_a_fold_of_the_beginning(events in events(2 * SEGMENT_LEN + 200), at in 0.0..1.0f64) {
        let mut log = Log::default();
        let mut timeline = Timeline::new();
        for event in events {
            log.event(event);
            timeline.push(log.envelopes.last().expect("just written").clone());
        }
        let n = (at * log.envelopes.len() as f64) as usize;
        for n in [0, n, SEGMENT_LEN.min(log.envelopes.len()), log.envelopes.len()] {
            let mut folded = Model::default();
            log.envelopes[..n].iter().for_each(|e| folded.apply(e));
            prop_assert!(timeline.seek(n) == folded, "seek({})", n);
            prop_assert_eq!(timeline.envelopes_from(n).next(), log.envelopes.get(n));
            prop_assert_eq!(timeline.envelope(n), log.envelopes.get(n));
        }
        prop_assert_eq!(timeline.len(), log.envelopes.len());
        prop_assert!(timeline.live() == &log.model && timeline.seek(usize::MAX) == log.model);
    }
}
