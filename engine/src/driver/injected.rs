//! Faults that last: executors that stand still, tasks that are bound to fail.

use super::Driver;
use super::effects::{ClusterOp, Effect, Effects, StoreFault};
use super::executors::heartbeat_timed_out;
use super::messages::Fate;
use crate::command::{Command, TaskTarget};
use crate::event::Event;
use crate::ids::*;
use crate::scheduler::{Loss, Outbox, TaskLaunch, TaskWork};
use std::collections::BTreeSet;

/// What was injected and still has an effect.
#[derive(Default)]
pub(super) struct Injected {
    /// Executors that stand still, whether they were declared lost or not.
    paused: BTreeSet<ExecutorId>,
    /// When the driver has heard nothing of an executor for too long.
    silent: BTreeSet<(Timestamp, ExecutorId)>,
    /// Tasks that fail, and how many attempts still do.
    doomed: Vec<(TaskTarget, u32, String)>,
}

impl Injected {
    pub fn next_at(&self) -> Option<Timestamp> {
        self.silent.first().map(|(at, _)| *at)
    }

    /// An executor is gone, and with it what it was to say.
    pub fn executor_lost(&mut self, executor: ExecutorId) {
        self.silent.retain(|(_, silent)| *silent != executor);
    }

    /// An executor was killed, or is replaced.
    pub fn executor_ended(&mut self, executor: ExecutorId) {
        self.executor_lost(executor);
        self.paused.remove(&executor);
    }

    /// What still waits for its target: each fault, and why it has not struck.
    pub fn unspent(&self) -> impl Iterator<Item = (String, String)> {
        self.doomed.iter().map(|(_, left, fault)| {
            let failures = if *left == 1 { "1 failure is".to_owned() } else { format!("{left} failures are") };
            (fault.clone(), format!("no further attempt of that task was started, {failures} left"))
        })
    }

    pub fn is_paused(&self, executor: ExecutorId) -> bool {
        self.paused.contains(&executor)
    }
}

impl Driver {
    /// Applies a command of this file.
    pub(super) fn inject(&mut self, now: Timestamp, command: Command, out: &mut Outbox, fx: &mut Effects) {
        let fault = command.to_string();
        match command {
            Command::PauseExecutor { executor } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: Some(executor) });
                fx.push(Effect::Cluster(ClusterOp::Pause { executor }));
                self.injected.paused.insert(executor);
                self.injected.silent.insert((now.plus(self.config.scheduler.network_timeout), executor));
            }
            Command::ResumeExecutor { executor } => self.resume(executor, fx),
            Command::CorruptBlock { operator, batch, partition } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: None });
                for block in self.blocks_of(&operator, batch, partition) {
                    let holder = self.scheduler.blocks().get(&block).and_then(|at| at.front().copied());
                    if let Some(executor) = holder {
                        fx.push(Effect::Cluster(ClusterOp::CorruptBlock { executor, block }));
                    }
                }
            }
            Command::FailTask { task, times } => self.doom(now, task, times, fault, out, fx),
            Command::FailStore { times } => self.hurt_store(now, fault, StoreFault::Fail { times }, fx),
            Command::SlowStore { factor } => self.hurt_store(now, fault, StoreFault::Slow { factor }, fx),
            Command::FillStore => self.hurt_store(now, fault, StoreFault::Fill, fx),
            Command::FreeStore => fx.push(Effect::StoreFault(StoreFault::Free)),
            Command::LoseMessage { message, nth } => self.messages.await_one((message, nth), Fate::Lost, fault),
            Command::DelayMessage { message, nth, by } => {
                self.messages.await_one((message, nth), Fate::Late(by), fault);
            }
            Command::RepeatMessage { message, nth } => self.messages.await_one((message, nth), Fate::Twice, fault),
            Command::PauseDriver { time } => {
                self.emit(now, fx, Event::FaultInjected { fault, executor: None });
                fx.push(Effect::StandStill(time));
            }
            _ => {}
        }
    }

    fn hurt_store(&mut self, now: Timestamp, fault: String, op: StoreFault, fx: &mut Effects) {
        self.emit(now, fx, Event::FaultInjected { fault, executor: None });
        fx.push(Effect::StoreFault(op));
    }

    fn resume(&mut self, executor: ExecutorId, fx: &mut Effects) {
        self.injected.executor_ended(executor);
        fx.push(Effect::Cluster(ClusterOp::Resume { executor }));
        // It was asked for its blocks while it stood still.
        if self.scheduler.owes_report(executor) {
            fx.push(Effect::Cluster(ClusterOp::ReportBlocks { executor }));
        }
    }

    /// What became due: an executor silent for too long is lost (R5.1), and a heartbeat that does not list a
    /// task tells that its start or its end was lost.
    pub(super) fn injected_deadline(&mut self, now: Timestamp, out: &mut Outbox) {
        while let Some(&(at, executor)) = self.injected.silent.first().filter(|(at, _)| *at <= now) {
            self.injected.silent.remove(&(at, executor));
            let timeout = self.config.scheduler.network_timeout;
            let since = Timestamp(at.0.saturating_sub(timeout.0 * 1_000_000));
            let loss = Loss { silent_since: Some(since), ..Loss::exited(heartbeat_timed_out(timeout)) };
            self.lose_executor(now, executor, &loss, out);
        }
        while let Some(&(at, task)) = self.messages.lost.first().filter(|(at, _)| *at <= now) {
            self.messages.lost.remove(&(at, task));
            // An executor that stands still sends no heartbeat; it goes on, or is lost with its tasks.
            match self.scheduler.executor_of(task) {
                Some(executor) if self.injected.is_paused(executor) => {
                    self.messages.lost.insert((now.plus(self.config.scheduler.heartbeat_interval), task));
                }
                Some(_) => self.scheduler.result_lost(now, task, out),
                None => {}
            }
        }
    }

    // Tasks.

    /// Attempts that run fail at once, and the next ones as they start, until `times` is used up.
    fn doom(
        &mut self,
        now: Timestamp,
        target: TaskTarget,
        times: u32,
        fault: String,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let running = self.scheduler.running_targets(&target);
        let now_failing = running.len().min(times as usize);
        let left = times - now_failing as u32;
        if left > 0 {
            self.injected.doomed.push((target, left, fault.clone()));
        }
        for task in running.into_iter().take(now_failing) {
            self.emit(now, fx, Event::FaultInjected { fault: fault.clone(), executor: None });
            self.scheduler.fail_attempt(now, task, &injected(&fault), out);
        }
    }

    /// Sends a task to its executor; it may be bound to fail.
    pub(super) fn send_launch(&mut self, now: Timestamp, mut launch: TaskLaunch, fx: &mut Effects) {
        let doom = self.injected.doomed.iter().position(|(target, ..)| self.scheduler.is_target(&launch.info, target));
        if let Some(at) = doom {
            let (_, left, fault) = &mut self.injected.doomed[at];
            *left -= 1;
            let (left, fault) = (*left, fault.clone());
            if left == 0 {
                self.injected.doomed.remove(at);
            }
            launch.work = TaskWork::Fail(injected(&fault).into());
            self.emit(now, fx, Event::FaultInjected { fault, executor: None });
        }
        self.send(now, launch, fx);
    }
}

/// What a task that is made to fail says.
fn injected(fault: &str) -> String {
    format!("a fault was injected: {fault}")
}
