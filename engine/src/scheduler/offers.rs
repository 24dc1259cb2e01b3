//! From pending tasks to slots: preferred executors first, then anywhere, never more than the slots.
//!
//! Executors are offered in id order, one task each per round. Spark shuffles them; a fixed order
//! spreads work as evenly and repeats (deviation, documented).

use super::Scheduler;
use super::task::{Outbox, RunningTask, TaskLaunch};
use crate::event::*;
use crate::ids::*;
use crate::task_context::{TaskIdentity, TaskView};

impl Scheduler {
    /// Launches what fits on free slots (R7.5: sets in job order, then stage order).
    pub(super) fn offer(&mut self, now: Timestamp, out: &mut Outbox) {
        self.locality_deadline = None;
        let mut order: Vec<(JobId, StageAttempt)> = self
            .task_sets
            .iter()
            .filter(|(_, set)| !set.zombie && !set.pending.is_empty())
            .map(|(id, set)| (set.priority, *id))
            .collect();
        order.sort_unstable();
        for (_, id) in order {
            self.offer_to(now, id, out);
        }
    }

    fn offer_to(&mut self, now: Timestamp, id: StageAttempt, out: &mut Outbox) {
        for locality in [Locality::ProcessLocal, Locality::NoPref, Locality::Any] {
            loop {
                let mut launched = false;
                let executors: Vec<ExecutorId> = self
                    .executors
                    .iter()
                    .filter(|(e, s)| s.free > 0 && self.takes_work(**e))
                    .map(|(e, _)| *e)
                    .collect();
                for executor in executors {
                    if let Some(index) = self.pick(now, id, executor, locality) {
                        self.launch(now, id, index, executor, locality, out);
                        launched = true;
                    }
                }
                if !launched {
                    break;
                }
            }
        }
    }

    /// The first pending task of a set that may run on `executor` at `locality`.
    fn pick(&mut self, now: Timestamp, id: StageAttempt, executor: ExecutorId, locality: Locality) -> Option<u32> {
        let wait = self.config.locality_wait;
        let set = self.task_sets.get(&id)?;
        let alive = |t: &super::task_set::TaskSlot| t.preferred.iter().any(|e| self.takes_work(*e));
        let free_to_roam = set.last_local.plus(wait) <= now;
        let mut waiting = false;
        let found = set.pending.iter().copied().find(|&index| {
            let task = &set.tasks[index as usize];
            match locality {
                Locality::ProcessLocal => task.preferred.contains(&executor),
                Locality::NoPref => !alive(task),
                Locality::Any => {
                    waiting |= !free_to_roam;
                    free_to_roam
                }
            }
        });
        if waiting && found.is_none() {
            let deadline = set.last_local.plus(wait);
            self.locality_deadline = Some(self.locality_deadline.map_or(deadline, |d| d.min(deadline)));
        }
        found
    }

    fn launch(
        &mut self,
        now: Timestamp,
        stage: StageAttempt,
        index: u32,
        executor: ExecutorId,
        locality: Locality,
        out: &mut Outbox,
    ) {
        let peers = self.executors.keys().copied().filter(|e| *e != executor && self.takes_work(*e)).collect();
        let Some(set) = self.task_sets.get_mut(&stage) else { return };
        set.pending.remove(&index);
        if locality == Locality::ProcessLocal {
            set.last_local = now;
        }
        let slot = &mut set.tasks[index as usize];
        let attempt = slot.attempts;
        slot.attempts += 1;
        let id = TaskId(self.next_task);
        self.next_task += 1;
        let kind = match set.work {
            super::TaskWork::WriteShuffle(_) => TaskKind::ShuffleMapTask,
            super::TaskWork::Result(_) | super::TaskWork::Fail(_) => TaskKind::ResultTask,
        };
        let info = TaskInfo {
            id,
            stage,
            index,
            attempt,
            partition: slot.partition,
            executor,
            launched: now,
            finished: now,
            locality,
            kind,
        };
        let identity = TaskIdentity { id, stage, attempt, partition: slot.partition, op: set.op.clone(), executor };
        let view = TaskView {
            blocks: self.blocks.clone(),
            inputs: self.inputs.locations(),
            outputs: self.outputs.clone(),
            policies: std::sync::Arc::clone(&set.policies),
            tees: std::sync::Arc::clone(&set.tees),
            peers,
        };
        out.events.push(Event::TaskStart { task: info.clone() });
        out.launches.push(TaskLaunch { info: info.clone(), identity, view, work: set.work.clone() });
        self.tasks.insert(id, RunningTask { info, epoch: set.epoch, blocks: self.blocks.clone() });
        if let Some(slots) = self.executors.get_mut(&executor) {
            slots.free -= 1;
        }
    }
}
