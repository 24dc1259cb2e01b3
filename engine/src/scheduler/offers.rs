//! From pending tasks to slots (R7.5): sets in the order of `pools`, each level of a set round by round over the
//! executors with a free slot, never more tasks than slots.
//!
//! Executors are offered by id, so that work is spread evenly and repeats; Spark shuffles them for every
//! offer, and so does `faultline.scheduler.shuffleOffers`.

use super::Scheduler;
use super::delay::Waits;
use super::task::{Outbox, RunningTask, TaskLaunch};
use crate::event::*;
use crate::ids::*;
use crate::rng::Seed;
use crate::task_context::{TaskIdentity, TaskView};

/// A task and the slot that it gets.
struct Placement {
    stage: StageAttempt,
    index: u32,
    executor: ExecutorId,
    host: HostId,
    locality: Locality,
    speculative: bool,
}

impl Scheduler {
    /// Launches what fits on free slots.
    pub(super) fn offer(&mut self, now: Timestamp, out: &mut Outbox) {
        self.locality_deadline = None;
        let mut hopeless = Vec::new();
        for id in self.served() {
            let launched = self.offer_to(now, id, out);
            if !self.config.scheduler.exclude.enabled {
                continue;
            }
            if launched {
                self.task_sets.values_mut().for_each(|set| set.hopeless_at = None);
            } else if let Some(reason) = self.hopeless(now, id) {
                hopeless.push((id, reason));
            }
        }
        for (id, reason) in hopeless {
            self.abort_stage(id.stage, &reason, out);
        }
    }

    /// Executors with a free slot, in the order in which they are offered tasks.
    fn offered(&mut self) -> Vec<ExecutorId> {
        let mut executors: Vec<ExecutorId> = self.places.free().iter().copied().collect();
        if self.config.scheduler.shuffle_offers {
            self.offers += 1;
            Seed(self.config.seed).fork("offers").nth(self.offers).rng().shuffle(&mut executors);
        }
        executors
    }

    /// Returns whether a task was launched.
    fn offer_to(&mut self, now: Timestamp, id: StageAttempt, out: &mut Outbox) -> bool {
        let waits = Waits::new(self.config.locality_wait, &self.config.scheduler);
        let legacy = self.config.scheduler.legacy_locality_reset;
        let levels = self.task_sets.get(&id).map(|set| set.delay.levels().to_vec()).unwrap_or_default();
        let (mut best, mut refused) = (None::<Locality>, false);
        for level in levels {
            loop {
                let mut launched = false;
                for executor in self.offered() {
                    self.steps += 1;
                    let Some(set) = self.task_sets.get_mut(&id) else { return false };
                    if !set.wants_slots() {
                        break;
                    }
                    let Some(host) = self.places.get(executor).map(|slots| slots.host) else { continue };
                    let allowed = set.allowed(now, waits, level);
                    let Some((index, locality, speculative)) =
                        set.find((executor, host), allowed, now, &mut self.steps)
                    else {
                        // What is left after the last level is left because of the wait.
                        refused |= level == Locality::Any;
                        continue;
                    };
                    if legacy && level != Locality::NoPref {
                        set.delay.reset(now, locality);
                    }
                    // As in Spark, a launch without a preference is as local as can be.
                    let local = if locality == Locality::NoPref { Locality::ProcessLocal } else { locality };
                    best = Some(best.map_or(local, |best| best.min(local)));
                    self.launch(now, Placement { stage: id, index, executor, host, locality, speculative }, out);
                    launched = true;
                }
                if !launched {
                    break;
                }
            }
        }
        let Some(set) = self.task_sets.get_mut(&id) else { return false };
        if !legacy
            && !refused
            && let Some(best) = best
        {
            set.delay.reset(now, best);
        }
        if refused && let Some(deadline) = set.delay.next_level_at(waits) {
            self.locality_deadline = Some(self.locality_deadline.map_or(deadline, |known| known.min(deadline)));
        }
        best.is_some()
    }

    fn launch(&mut self, now: Timestamp, at: Placement, out: &mut Outbox) {
        let Placement { stage, index, executor, host, locality, speculative } = at;
        let peers = self.places.open();
        let Some(set) = self.task_sets.get_mut(&stage) else { return };
        let slot = &mut set.tasks[index as usize];
        let lists = if speculative { &mut set.speculatable } else { &mut set.pending };
        lists.remove(index, &slot.preference);
        let attempt = slot.attempts;
        slot.attempts += 1;
        let id = TaskId(self.next_task);
        self.next_task += 1;
        slot.running.push(id);
        if self.config.scheduler.speculation {
            slot.tried.push(host);
        }
        set.running += 1;
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
            speculative,
        };
        let identity = TaskIdentity { id, stage, attempt, partition: slot.partition, op: set.op.clone(), executor };
        let view = TaskView {
            blocks: self.blocks.clone(),
            inputs: self.inputs.locations(),
            outputs: self.outputs.clone(),
            policies: std::sync::Arc::clone(&set.policies),
            tees: std::sync::Arc::clone(&set.tees),
            peers,
            commits: Some(std::sync::Arc::clone(&self.commits)),
        };
        out.events.push(Event::TaskStart { task: info.clone() });
        out.launches.push(TaskLaunch { info: info.clone(), identity, view, work: set.work.clone() });
        self.tasks.insert(id, RunningTask { info, epoch: set.epoch, blocks: self.blocks.clone() });
        self.places.take_slot(executor);
        self.arm_speculation(now, stage);
    }
}
