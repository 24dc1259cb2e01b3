//! How executors come and go.

use super::Driver;
use super::commands::KILLED;
use super::effects::{ClusterOp, Effect, Effects};
use crate::event::Event;
use crate::ids::*;
use crate::rdd::TaskError;
use crate::scheduler::{Loss, Outbox, TaskReport};

/// Spark's words for an executor of which nobody has heard for too long.
pub(super) fn heartbeat_timed_out(timeout: Millis) -> String {
    format!("Executor heartbeat timed out after {timeout} ms")
}

impl Driver {
    /// A task ended; one that brought its executor down ends with it.
    pub(super) fn task_finished(&mut self, now: Timestamp, report: TaskReport, out: &mut Outbox, fx: &mut Effects) {
        if let Err(TaskError::ExecutorExited(code)) = report.result
            && let Some(executor) = self.scheduler.executor_of(report.task)
        {
            fx.push(Effect::Cluster(ClusterOp::Kill { executor }));
            self.lose_executor(now, executor, &Loss::exited(format!("Command exited with code {code}")), out);
            // As Spark's master does for a process that ended by itself.
            if self.retries < self.config.scheduler.max_executor_retries {
                self.retries += 1;
                self.drain(now, out, fx);
                self.start_executor(now, Some(executor), out, fx);
            }
            return;
        }
        self.scheduler.task_finished(now, report, out);
    }

    /// The last heartbeat of an executor that dies now.
    fn last_heartbeat(&self, now: Timestamp, executor: ExecutorId) -> Timestamp {
        let started = self.started.get(&executor).copied().unwrap_or(now);
        let interval = self.config.scheduler.heartbeat_interval.0.max(1) * 1_000_000;
        started.plus_ns(now.ns_since(started) / interval * interval)
    }

    /// When the driver notices that an executor dies now: when its connection breaks, or when its
    /// heartbeats have been missing for too long (R5.1).
    pub(super) fn noticed_at(&self, now: Timestamp, executor: ExecutorId) -> Timestamp {
        if self.config.scheduler.detect_by_heartbeat {
            let at = self.last_heartbeat(now, executor).plus(self.config.scheduler.network_timeout);
            return at.max(now);
        }
        now.plus(self.config.loss_detection)
    }

    /// What the driver makes of it then.
    pub(super) fn noticed(&self, executor: ExecutorId) -> Loss {
        if !self.config.scheduler.detect_by_heartbeat {
            return Loss::exited(KILLED);
        }
        let timeout = self.config.scheduler.network_timeout;
        let reason = heartbeat_timed_out(timeout);
        Loss { silent_since: self.dead.get(&executor).copied(), ..Loss::exited(reason) }
    }

    pub(super) fn lose_executor(&mut self, now: Timestamp, executor: ExecutorId, loss: &Loss, out: &mut Outbox) {
        self.dead.entry(executor).or_insert(now);
        self.undetected.retain(|(_, e)| *e != executor);
        self.injected.executor_lost(executor);
        self.scheduler.executor_lost(now, executor, loss, out);
    }

    /// R5.7: a host is gone with everybody on it.
    pub(super) fn lose_host(&mut self, now: Timestamp, host: HostId, reason: &str, out: &mut Outbox, fx: &mut Effects) {
        for executor in self.scheduler.executors_on(host) {
            fx.push(Effect::Cluster(ClusterOp::Kill { executor }));
            self.dead.entry(executor).or_insert(now);
            self.undetected.retain(|(_, e)| *e != executor);
            self.injected.executor_ended(executor);
        }
        let executors = self.scheduler.ever_on(host);
        fx.push(Effect::Cluster(ClusterOp::KillHost { executors }));
        self.scheduler.host_lost(now, host, reason, out);
    }

    /// Starts a new executor with a new id, in place of `replaces` if given: on the same host then.
    pub(super) fn start_executor(
        &mut self,
        now: Timestamp,
        replaces: Option<ExecutorId>,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let executor = ExecutorId(self.next_executor);
        self.next_executor += 1;
        if let Some(old) = replaces {
            self.dead.remove(&old);
            // One that was declared lost because it stood still ends when another takes its place.
            if self.injected.is_paused(old) {
                self.injected.executor_ended(old);
                fx.push(Effect::Cluster(ClusterOp::Kill { executor: old }));
            }
        }
        let by_id = HostId((executor.0 - 1) / self.config.scheduler.executors_per_host.max(1) + 1);
        // An executor with a host of its own leaves it when it dies.
        let shared = self.config.scheduler.executors_per_host > 1;
        let host = replaces.filter(|_| shared).and_then(|old| self.scheduler.host_of(old)).unwrap_or(by_id);
        let cores = self.config.cores;
        self.started.insert(executor, now);
        fx.push(Effect::Cluster(ClusterOp::Start { executor, cores }));
        self.emit(now, fx, Event::ExecutorAdded { executor, cores, replaces });
        self.emit(now, fx, Event::BlockManagerAdded { executor, max_memory: self.config.storage_memory() });
        self.scheduler.add_executor(now, (executor, host), cores, out);
    }
}
