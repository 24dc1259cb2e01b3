//! Commands and planned faults: one small function each.

use super::Driver;
use super::effects::{ClusterOp, Effect, Effects};
use crate::command::Command;
use crate::event::Event;
use crate::ids::*;
use crate::scheduler::{Loss, Outbox};
use crate::sim::faults::Moment;

/// Spark's words for an executor killed with SIGKILL.
pub(super) const KILLED: &str = "Command exited with code 137";

/// Spark's words for an executor that left as it was asked to.
const DECOMMISSIONED: &str = "Executor decommission: Finished decommissioning";

/// When the driver learns of a kill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detection {
    AtOnce,
    AfterDelay,
}

impl Driver {
    pub(super) fn on_command(&mut self, now: Timestamp, command: Command, out: &mut Outbox, fx: &mut Effects) {
        self.apply_command(now, command, Detection::AfterDelay, out, fx);
    }

    /// Faults planned for a batch happen before its first job; the driver knows at once.
    pub(super) fn strike_before_batch(&mut self, now: Timestamp, batch: BatchId, out: &mut Outbox, fx: &mut Effects) {
        for command in self.planned.take(|moment| *moment == Moment::Batch(batch)) {
            self.apply_command(now, command, Detection::AtOnce, out, fx);
        }
    }

    /// Faults planned for a running task happen right after its launch.
    pub(super) fn strike_while_running(&mut self, now: Timestamp, stage: StageId, task: u32, fx: &mut Effects) {
        for command in self.planned.take(|moment| *moment == Moment::Task { stage, task }) {
            let mut out = Outbox::default();
            self.apply_command(now, command, Detection::AfterDelay, &mut out, fx);
            self.drain(now, &mut out, fx);
        }
    }

    fn apply_command(
        &mut self,
        now: Timestamp,
        command: Command,
        detection: Detection,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        if let Err(reason) = self.refusal(&command) {
            self.emit(now, fx, Event::CommandRejected { command, reason });
            return;
        }
        self.emit(now, fx, Event::CommandApplied { command: command.clone(), before_input: self.inputs });
        let fault = command.to_string();
        match command {
            Command::KillExecutor { executor } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: Some(executor) });
                self.kill(now, executor, detection, out, fx);
            }
            Command::KillDriver => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: None });
                self.lose(now, KILLED, fx);
            }
            Command::SuperviseDriver { mode } => fx.push(Effect::Supervise(mode)),
            Command::RestartExecutor { executor } => self.start_executor(now, Some(executor), out, fx),
            Command::DecommissionExecutor { executor } => self.scheduler.decommission(executor, out),
            Command::SlowExecutor { executor, factor } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: Some(executor) });
                fx.push(Effect::Cluster(ClusterOp::Slow { executor, factor }));
            }
            Command::DropBlock { operator, batch, partition } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: None });
                for block in self.blocks_of(&operator, batch, partition) {
                    fx.push(Effect::Cluster(ClusterOp::DropBlock { block }));
                }
            }
            Command::CancelJob { job } => {
                self.scheduler.cancel_job(now, job, "", out);
            }
            Command::PersistRdd { target, level } => self.persist(&target, &level, out),
            Command::UnpersistRdd { target } => self.unpersist(now, &target, out, fx),
            Command::CheckpointRdd { target } => self.mark(now, &target, fx),
            Command::Stop => self.stop_streaming(),
            Command::StopStreaming { mode } => {
                // A stream that is still being prepared stops when it has started.
                if self.streaming.is_none() {
                    self.stops_when_started = Some(mode);
                }
                self.begin_stop(now, mode, out, fx);
            }
            lasting => self.inject(now, lasting, out, fx),
        }
    }

    fn kill(&mut self, now: Timestamp, executor: ExecutorId, detection: Detection, out: &mut Outbox, fx: &mut Effects) {
        fx.push(Effect::Cluster(ClusterOp::Kill { executor }));
        self.injected.executor_ended(executor);
        self.dead.insert(executor, now);
        match detection {
            Detection::AtOnce => self.lose_executor(now, executor, &Loss::exited(KILLED), out),
            Detection::AfterDelay => {
                self.undetected.insert((self.noticed_at(now, executor), executor));
            }
        }
    }

    /// Why a command cannot be applied, with the way out.
    fn refusal(&self, command: &Command) -> Result<(), String> {
        let lives = |e: &ExecutorId| self.scheduler.cores(*e).is_some() && !self.dead.contains_key(e);
        match command {
            Command::KillExecutor { executor }
            | Command::SlowExecutor { executor, .. }
            | Command::PauseExecutor { executor }
            | Command::DecommissionExecutor { executor }
                if !lives(executor) =>
            {
                Err(format!("executor {executor} is not alive; living executors: {}", self.living()))
            }
            Command::DecommissionExecutor { executor } if !self.scheduler.takes_work(*executor) => {
                Err(format!("executor {executor} is being decommissioned already"))
            }
            Command::DecommissionExecutor { executor }
                if !self.scheduler.executors().any(|e| e != *executor && self.scheduler.takes_work(e)) =>
            {
                Err(format!("nobody could take what executor {executor} holds; restart another executor first"))
            }
            Command::RestartDriver => Err("the driver runs; kill it first".into()),
            Command::RestartExecutor { executor } if !self.dead.contains_key(executor) => {
                Err(format!("executor {executor} is not dead; kill it first"))
            }
            Command::RestartExecutor { executor } if self.scheduler.cores(*executor).is_some() => {
                Err(format!("the driver has not noticed yet that executor {executor} is gone; try again"))
            }
            Command::PauseExecutor { executor } if self.injected.is_paused(*executor) => {
                Err(format!("executor {executor} is paused already; resume it first"))
            }
            Command::ResumeExecutor { executor } if !self.injected.is_paused(*executor) => {
                Err(format!("executor {executor} is not paused; pause it first"))
            }
            Command::CancelJob { job } if !self.scheduler.active_jobs().any(|active| active == *job) => {
                let active: Vec<String> = self.scheduler.active_jobs().map(|job| job.to_string()).collect();
                let running = if active.is_empty() { "none".to_owned() } else { active.join(", ") };
                Err(format!("job {job} does not run; running jobs: {running}"))
            }
            Command::DropBlock { operator, batch, partition }
            | Command::CorruptBlock { operator, batch, partition }
                if self.blocks_of(operator, *batch, *partition).is_empty() =>
            {
                Err(format!("no executor holds partition {partition} of {operator}; see the storage of the node"))
            }
            Command::CorruptBlock { operator, batch, partition } if self.only_values(operator, *batch, *partition) => {
                let way_out = "keep it at a serialized or a disk level, for example MEMORY_ONLY_SER";
                Err(format!("partition {partition} of {operator} is held as values, which have no bytes; {way_out}"))
            }
            Command::PersistRdd { target, level } => self.persist_refusal(target, level),
            Command::UnpersistRdd { target } => self.unpersist_refusal(target),
            Command::CheckpointRdd { target } => self.mark_refusal(target),
            _ => Ok(()),
        }
    }

    /// Whether every copy of a stored partition is held as values in memory.
    fn only_values(&self, operator: &OperatorName, batch: Option<BatchId>, partition: PartitionId) -> bool {
        self.blocks_of(operator, batch, partition).iter().all(|block| {
            let level = self.scheduler.lineage().get(block.rdd).map(|rdd| rdd.level);
            level.is_some_and(|level| level.deserialized && !level.use_disk)
        })
    }

    fn living(&self) -> String {
        self.scheduler.executors().map(|e| e.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Executors that are decommissioned hand on what they hold, and go.
    pub(super) fn tend_leaving(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        if self.ended {
            return;
        }
        let receivers = &self.receivers;
        for executor in self.scheduler.tend_leaving(|executor| receivers.hold(executor), out) {
            fx.push(Effect::Cluster(ClusterOp::Kill { executor }));
            let loss = Loss { caused_by_app: false, ..Loss::exited(DECOMMISSIONED) };
            self.lose_executor(now, executor, &loss, out);
        }
    }

    pub(super) fn blocks_of(
        &self,
        operator: &OperatorName,
        batch: Option<BatchId>,
        partition: PartitionId,
    ) -> Vec<BlockId> {
        let rdds = self.scheduler.lineage().rdds();
        let of_operator = rdds.filter(|r| r.op.operator == *operator && (batch.is_none() || r.op.batch == batch));
        let blocks = of_operator.map(|r| BlockId::new(r.id, partition));
        blocks.filter(|b| self.scheduler.blocks().contains_key(b)).collect()
    }
}
