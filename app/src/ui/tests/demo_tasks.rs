//! The tasks of the moment of the design study: three executors of two slots, and batches 5 to 8.

use crate::model::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

const MS: u64 = 1_000_000;
/// Executors and slots that still compute in batch 8.
const ALIVE: [(u32, u64); 4] = [(1, 0), (1, 1), (3, 0), (3, 1)];

struct Tasks {
    model: Model,
    events: Vec<(Timestamp, Event)>,
    next: u64,
}

/// Adds tasks, faults and times of batches.
pub fn add(model: &mut Model) {
    let now = model.now;
    let mut tasks = Tasks { model: Model::default(), events: Vec::new(), next: 40 };
    tasks.write();
    let folded = tasks.fold(now);
    model.tasks = folded.tasks;
    model.slots = folded.slots;
    model.faults = folded.faults;
    for batch in 4..=8 {
        let Some(state) = model.batches.get_mut(&BatchId(batch)).map(Arc::make_mut) else { continue };
        state.submitted = at(batch, 0);
        state.started = Some(at(batch, 0));
        state.completed = (batch < 8).then(|| at(batch, 220));
    }
}

/// Milliseconds after the start of a batch.
fn at(batch: u32, ms: u64) -> Timestamp {
    VIRTUAL_EPOCH.plus(Millis(u64::from(batch) * 1_000 + ms))
}

fn rdd(batch: u32, row: u32) -> RddId {
    RddId(batch * 3 + row)
}

fn row(rdd: RddId, tier: ReadTier, needed_by: Option<u32>, ms: u64, cause: Option<RecomputeCause>) -> ReadRow {
    let partition = PartitionId(2);
    ReadRow { rdd, partition, tier, needed_by, cause, records: 70, bytes: 900, self_ns: ms * MS, fetch_ns: 0 }
}

/// State 8 from state 7 and 6, both lost, and state 5 from its checkpoint.
fn recovery() -> TaskMetrics {
    let lost = Some(RecomputeCause::LostWithExecutor(ExecutorId(2)));
    let reads = vec![
        row(rdd(8, 2), ReadTier::Computed, None, 26, None),
        row(rdd(7, 2), ReadTier::Computed, Some(0), 34, lost),
        row(rdd(6, 2), ReadTier::Computed, Some(1), 34, lost),
        row(rdd(5, 2), ReadTier::Checkpoint, Some(2), 18, None),
    ];
    TaskMetrics { reads, run_ns: 112 * MS, ..TaskMetrics::default() }
}

/// One partition of one RDD, and perhaps map output.
fn plain(of: RddId, ms: u64, rerun_cause: Option<RecomputeCause>) -> TaskMetrics {
    let row = row(of, ReadTier::Computed, None, ms, rerun_cause);
    TaskMetrics { reads: vec![row], run_ns: ms * MS, rerun_cause, ..TaskMetrics::default() }
}

impl Tasks {
    fn write(&mut self) {
        for executor in 1..=3 {
            let event = Event::ExecutorAdded { executor: ExecutorId(executor), cores: 2, replaces: None };
            self.events.push((at(4, 0), event));
        }
        for batch in 5..=7 {
            for executor in 1..=3 {
                for slot in 0..2 {
                    self.task(
                        batch,
                        executor,
                        (slot, 38 + slot),
                        TaskKind::ShuffleMapTask,
                        plain(rdd(batch, 1), 36, None),
                    );
                    self.task(batch, executor, (42 + slot, 78), TaskKind::ResultTask, plain(rdd(batch, 2), 34, None));
                    if batch == 5 {
                        self.checkpoint_task(batch, executor, slot);
                    }
                }
            }
        }
        let fault = Event::FaultInjected { fault: "kill:executor=2".to_owned(), executor: Some(ExecutorId(2)) };
        self.events.push((at(7, 990), fault));
        let gone =
            Event::ExecutorRemoved { executor: ExecutorId(2), reason: "Command exited with code 137".to_owned() };
        self.events.push((at(7, 990), gone));
        self.recovery();
    }

    fn recovery(&mut self) {
        let lost = Some(RecomputeCause::MapOutputLost(ExecutorId(2)));
        for (executor, slot) in ALIVE {
            self.task(8, executor, (slot, 38), TaskKind::ShuffleMapTask, plain(rdd(8, 1), 36, None));
            self.task(8, executor, (40 + slot, 80), TaskKind::ShuffleMapTask, plain(rdd(7, 1), 36, lost));
            if slot == 0 {
                self.task(8, executor, (90, 206), TaskKind::ResultTask, recovery());
            } else if executor == 1 {
                self.task(8, executor, (91, 126), TaskKind::ResultTask, plain(rdd(8, 2), 30, None));
            } else {
                let task = self.info(8, executor, (91, 91), TaskKind::ResultTask);
                self.events.push((task.launched, Event::TaskStart { task }));
            }
        }
    }

    fn info(&mut self, batch: u32, executor: u32, ms: (u64, u64), kind: TaskKind) -> TaskInfo {
        self.next += 1;
        TaskInfo {
            id: TaskId(self.next),
            stage: StageAttempt { stage: StageId(batch), attempt: 0 },
            index: 0,
            attempt: 0,
            partition: PartitionId(2),
            executor: ExecutorId(executor),
            launched: at(batch, ms.0),
            finished: at(batch, ms.1),
            speculative: false,
            locality: Locality::NoPref,
            kind,
        }
    }

    fn task(&mut self, batch: u32, executor: u32, ms: (u64, u64), kind: TaskKind, metrics: TaskMetrics) {
        let task = self.info(batch, executor, ms, kind);
        self.events.push((task.launched, Event::TaskStart { task: task.clone() }));
        self.events.push((task.finished, Event::TaskEnd { task, reason: TaskEndReason::Success, metrics }));
    }

    /// A task of the second job of the checkpoint.
    fn checkpoint_task(&mut self, batch: u32, executor: u32, slot: u64) {
        let mut task = self.info(batch, executor, (110 + slot, 140), TaskKind::ResultTask);
        task.stage.stage = StageId(100);
        let written =
            TaskMetrics { checkpoint_bytes_written: 2_000, write_ns: 20 * MS, ..plain(rdd(batch, 2), 4, None) };
        self.events.push((task.launched, Event::TaskStart { task: task.clone() }));
        self.events.push((task.finished, Event::TaskEnd { task, reason: TaskEndReason::Success, metrics: written }));
    }

    /// Everything in order of time.
    fn fold(mut self, now: Timestamp) -> Model {
        self.events.push((now, Event::UnpersistRdd { rdd: RddId(0) }));
        self.events.sort_by_key(|(at, event)| (*at, matches!(event, Event::TaskStart { .. })));
        let stage = StageInfo {
            id: StageAttempt { stage: StageId(100), attempt: 0 },
            name: String::new(),
            rdd: rdd(5, 2),
            shuffle: None,
            num_tasks: 6,
            parents: Vec::new(),
            rdds: vec![rdd(5, 2)],
        };
        let origin = JobOrigin {
            callsite: String::new(),
            batch: Some(BatchId(5)),
            batch_time_ms: None,
            output_op: None,
            checkpoint_of: Some(rdd(5, 2)),
            pool: None,
        };
        self.events.insert(0, (at(4, 0), Event::JobStart { job: JobId(9), origin, stages: vec![stage] }));
        for (seq, (at, event)) in (0..).zip(self.events) {
            self.model.apply(&Envelope { seq, at, event });
        }
        self.model
    }
}
