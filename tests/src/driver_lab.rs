//! The driver by hand: a test launches nothing and computes nothing, it decides how each task ends and
//! when, so that races can be staged.

use crate::checker;
use faultline_engine::config::EngineConfig;
use faultline_engine::driver::{
    ClusterOp, Driver, DriverInput, Effect, Effects, GraphWrite, ReceivedLogOp, ReceiverOp, Reply, Request, SlotId,
    StoreOp,
};
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::executor::BlockReport;
use faultline_engine::ids::*;
use faultline_engine::rdd::{AnyRdd, JobSpec, TaskError, TaskOutput};
use faultline_engine::receiver::ReceivedBlock;
use faultline_engine::runtime::ReceivedLogWriter;
use faultline_engine::scheduler::{Loss, TaskReport};
use faultline_engine::shuffle::MapSizes;
use faultline_engine::storage::BlockChange;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A driver, its clock, and what it asked for.
pub struct DriverLab {
    driver: Driver,
    releases: Box<dyn Fn(RddId)>,
    /// Virtual time.
    pub now: Timestamp,
    /// Everything announced so far.
    pub log: Vec<Envelope>,
    /// Tasks that run, in order of launch.
    pub running: Vec<TaskInfo>,
    /// Attempts that the driver had killed, and whose executors have not answered.
    pub killed: Vec<TaskId>,
    /// Whether executors answer at once.
    pub answering: bool,
    /// What the driver asked of executors, in order.
    pub operations: Vec<ClusterOp>,
    /// What the driver asked of receivers, in order.
    pub receiver_operations: Vec<ReceiverOp>,
    /// What each batch was given of receivers, in order of asking.
    pub received: Vec<BTreeMap<StreamId, Vec<ReceivedBlock>>>,
    /// Results of what threads of the program waited for, in order.
    pub done: Vec<Result<()>>,
    /// What the driver wants of its log, and nobody did yet.
    pub log_operations: VecDeque<ReceivedLogOp>,
    /// Who writes that log, at once; without one nobody does.
    pub log_writer: Option<ReceivedLogWriter>,
    /// Graph checkpoints that the driver wants written, and nobody did yet.
    pub graph_writes: VecDeque<Box<GraphWrite>>,
    ended: BTreeMap<SlotId, Result<Vec<u32>>>,
    next_slot: u32,
}

impl DriverLab {
    /// A started driver with `executors` executors of `cores` slots each.
    pub fn new(executors: u32, cores: u32) -> Self {
        Self::with_config(EngineConfig { executors, cores, ..EngineConfig::default() })
    }

    /// A started driver.
    pub fn with_config(config: EngineConfig) -> Self {
        let released = Arc::default();
        let mut lab = Self {
            driver: Driver::new(Arc::new(config), Arc::clone(&released)),
            releases: Box::new(move |rdd| released.lock().rdds.push(rdd)),
            now: VIRTUAL_EPOCH,
            log: Vec::new(),
            running: Vec::new(),
            killed: Vec::new(),
            answering: true,
            operations: Vec::new(),
            receiver_operations: Vec::new(),
            received: Vec::new(),
            done: Vec::new(),
            log_operations: VecDeque::new(),
            log_writer: None,
            graph_writes: VecDeque::new(),
            ended: BTreeMap::new(),
            next_slot: 100,
        };
        let mut fx = Effects::default();
        lab.driver.start(lab.now, &mut fx);
        lab.take(fx);
        lab
    }

    fn take(&mut self, fx: Effects) {
        for envelope in &fx.events {
            if let Event::TaskEnd { task, .. } = &envelope.event {
                self.running.retain(|t| t.id != task.id);
            }
        }
        self.log.extend(fx.events);
        for effect in fx.list {
            match effect {
                Effect::Launch(launch) => self.running.push(launch.info),
                Effect::Cancel(task) => self.killed.push(task),
                Effect::Cluster(op) => self.operations.push(op),
                Effect::Reply(slot, Reply::Job(result)) => {
                    let values = result.map(|all| {
                        let values = all.into_iter().map(|one| one.downcast::<u32>().map(|v| *v));
                        values.map(|v| v.expect("results of the lab are u32")).collect()
                    });
                    self.ended.insert(slot, values);
                }
                Effect::Receiver(op) => self.receiver_operations.push(op),
                Effect::Reply(_, Reply::Received(Ok(blocks))) => self.received.push(blocks),
                Effect::Reply(_, Reply::Received(Err(error))) => self.done.push(Err(error)),
                Effect::Reply(_, Reply::Done(result)) => self.done.push(result),
                Effect::Store(StoreOp::WriteGraph(write)) => self.graph_writes.push_back(write),
                Effect::ReceivedLog(op) => self.log_operations.push_back(op),
                _ => {}
            }
        }
    }

    /// Hands the driver one input.
    pub fn input(&mut self, input: DriverInput) {
        let mut fx = Effects::default();
        self.driver.handle(self.now, input, &mut fx);
        self.take(fx);
        if self.answering {
            self.answer();
        }
        if self.log_writer.is_some() {
            while self.write_log() {}
        }
    }

    /// The log does everything that the driver wants of it, and answers. Whether there was anything.
    fn write_log(&mut self) -> bool {
        let wanted = !self.log_operations.is_empty();
        if wanted {
            self.write_log_once();
        }
        wanted
    }

    /// The log does one thing that the driver wants of it, and answers; what follows from that waits.
    pub fn write_log_once(&mut self) {
        let Some(mut writer) = self.log_writer.take() else { return };
        if let Some(op) = self.log_operations.pop_front() {
            let answer = writer.perform(self.now, op);
            self.input(answer);
        }
        self.log_writer = Some(writer);
    }

    /// Executors say that what was killed has ended.
    pub fn answer(&mut self) {
        for task in std::mem::take(&mut self.killed) {
            self.input(DriverInput::TaskFinished(TaskReport::failed(task, TaskError::Cancelled)));
        }
    }

    /// Submits a job on all partitions.
    pub fn submit(&mut self, rdd: Arc<dyn AnyRdd>) -> SlotId {
        self.submit_in(rdd, None)
    }

    /// The same in a pool.
    pub fn submit_in(&mut self, rdd: Arc<dyn AnyRdd>, pool: Option<&str>) -> SlotId {
        let slot = SlotId(self.next_slot);
        self.next_slot += 1;
        let partitions = (0..rdd.core().num_partitions()).map(PartitionId).collect();
        let origin = JobOrigin {
            callsite: "lab".into(),
            batch: None,
            batch_time_ms: None,
            output_op: None,
            checkpoint_of: None,
            pool: pool.map(ToOwned::to_owned),
        };
        let func = Arc::new(|_, _: &_| Err(TaskError::Exception("the lab computes nothing".into())));
        let spec = JobSpec { rdd, partitions, func, origin };
        self.input(DriverInput::Request { slot, request: Request::RunJob(spec) });
        slot
    }

    /// The result of a job, once it ended.
    pub fn result(&self, slot: SlotId) -> Option<&Result<Vec<u32>>> {
        self.ended.get(&slot)
    }

    /// The running attempt of a partition of a stage attempt.
    pub fn task(&self, stage: u32, attempt: u32, partition: u32) -> TaskInfo {
        let id = StageAttempt { stage: StageId(stage), attempt };
        let found = self.running.iter().find(|t| t.stage == id && t.partition == PartitionId(partition));
        found.unwrap_or_else(|| panic!("task {partition} of stage {id} does not run: {:?}", self.running)).clone()
    }

    /// Stage, attempt and partition of every running task, in order of launch.
    pub fn runs(&self) -> Vec<(u32, u32, u32)> {
        self.running.iter().map(|t| (t.stage.stage.0, t.stage.attempt, t.partition.0)).collect()
    }

    fn finish(&mut self, task: &TaskInfo, result: std::result::Result<TaskOutput, TaskError>) {
        let report = TaskReport { task: task.id, result, metrics: TaskMetrics::default(), updates: Vec::new() };
        self.input(DriverInput::TaskFinished(report));
    }

    /// Ends a task well; a result task delivers 42 plus its partition.
    pub fn succeed(&mut self, task: &TaskInfo) {
        let output: TaskOutput = match task.kind {
            TaskKind::ShuffleMapTask => Box::new(()),
            TaskKind::ResultTask => Box::new(42 + task.partition.0),
        };
        self.finish(task, Ok(output));
    }

    /// Ends every running task well, and what follows from that, until nothing runs.
    pub fn succeed_all(&mut self) {
        while let Some(task) = self.running.first().cloned() {
            self.succeed(&task);
        }
    }

    /// Ends a task with an exception.
    pub fn fail(&mut self, task: &TaskInfo, message: &str) {
        self.finish(task, Err(TaskError::Exception(message.into())));
    }

    /// Ends a task because map output `map` of `shuffle` could not be fetched from `executor`.
    pub fn fail_fetch(&mut self, task: &TaskInfo, shuffle: u32, map: u32, executor: ExecutorId) {
        let error = TaskError::FetchFailed {
            executor: Some(executor),
            shuffle: ShuffleId(shuffle),
            map: Some(PartitionId(map)),
            reduce: task.partition,
        };
        self.finish(task, Err(error));
    }

    /// Ends a task because it knew no location of an output of `shuffle`.
    pub fn fail_fetch_without_location(&mut self, task: &TaskInfo, shuffle: u32) {
        let (shuffle, reduce) = (ShuffleId(shuffle), task.partition);
        self.finish(task, Err(TaskError::FetchFailed { executor: None, shuffle, map: None, reduce }));
    }

    /// Tells the driver that an executor is gone.
    pub fn lose(&mut self, executor: ExecutorId) {
        self.lose_as(executor, Loss::exited("Command exited with code 137"));
    }

    /// Tells the driver how an executor was lost.
    pub fn lose_as(&mut self, executor: ExecutorId, loss: Loss) {
        self.input(DriverInput::ExecutorLost { executor, loss });
    }

    /// Ends a task with any error.
    pub fn fail_as(&mut self, task: &TaskInfo, error: TaskError) {
        self.finish(task, Err(error));
    }

    /// Ends a map task well, having written so many bytes for each reduce partition.
    pub fn succeed_with_sizes(&mut self, task: &TaskInfo, sizes: &[u64]) {
        self.finish(task, Ok(Box::new(MapSizes(sizes.into()))));
    }

    /// Tells the driver that an executor stored a block.
    pub fn store(&mut self, rdd: RddId, partition: u32, executor: ExecutorId) {
        let block = BlockId::new(rdd, PartitionId(partition));
        let status = BlockStatus { memory_bytes: 100, disk_bytes: 0, removal: None };
        let change = BlockChange { block: block.into(), level: StorageLevel::MEMORY_ONLY, status };
        self.input(DriverInput::Blocks(vec![BlockReport { executor, version: 0, change, preview: None }]));
    }

    /// Tells the driver that an executor holds a block no more.
    pub fn remove(&mut self, rdd: RddId, partition: u32, executor: ExecutorId) {
        let block = BlockId::new(rdd, PartitionId(partition));
        let status = BlockStatus { memory_bytes: 0, disk_bytes: 0, removal: Some(BlockRemoval::Unpersisted) };
        let change = BlockChange { block: block.into(), level: StorageLevel::NONE, status };
        self.input(DriverInput::Blocks(vec![BlockReport { executor, version: 1, change, preview: None }]));
    }

    /// The program drops an RDD; the driver looks when it next hears of it.
    pub fn release(&mut self, rdd: RddId) {
        (self.releases)(rdd);
    }

    /// Lets time pass; deadlines on the way are met.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.plus(Millis(ms));
        while let Some(due) = self.driver.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.input(DriverInput::Deadline);
        }
        self.now = until;
    }

    /// The driver, for its views.
    pub const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Holds the log against the grammar of events.
    pub fn check(&self) {
        let broken = checker::check(&self.log);
        assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
    }
}
