//! No task runs twice without a recorded cause: every launch after the first of a partition of a shuffle, or
//! of a result stage, is explained by an event between the two.

use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// What is computed once if nothing happens. A shuffle outlives the stages that write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    MapOutput(ShuffleId, PartitionId),
    Result(StageId, PartitionId),
}

/// What is known of one piece of work that was launched.
#[derive(Debug, Default)]
struct Known {
    /// It was delivered, and has not been lost since.
    delivered: bool,
    /// Why it may be launched once more.
    excuse: Option<String>,
}

#[derive(Default)]
struct Checker {
    broken: Vec<String>,
    work: BTreeMap<Work, Known>,
    shuffles: BTreeMap<StageId, (Option<ShuffleId>, RddId)>,
    indeterminate: BTreeSet<RddId>,
    submitted: BTreeMap<StageAttempt, u64>,
    failed: BTreeSet<StageAttempt>,
    running: BTreeMap<TaskId, (StageAttempt, Work)>,
    /// Executors that were lost or are suspected (R5.4), and when last.
    forgotten: BTreeMap<ExecutorId, u64>,
    /// Copies of slow attempts that were announced and not launched yet.
    copies: BTreeMap<(StageAttempt, PartitionId), u32>,
}

/// Every launch of a log that nothing explains; empty when all are.
pub fn unexplained(log: &[Envelope]) -> Vec<String> {
    let mut checker = Checker::default();
    log.iter().for_each(|envelope| checker.event(envelope.seq, &envelope.event));
    checker.broken
}

impl Checker {
    fn event(&mut self, seq: u64, event: &Event) {
        match event {
            Event::RddRegistered { rdd } if rdd.determinism == Determinism::Indeterminate => {
                self.indeterminate.insert(rdd.id);
            }
            Event::CheckpointCompleted { rdd, .. } => {
                self.indeterminate.remove(rdd);
            }
            Event::StageSubmitted { stage } => {
                self.shuffles.insert(stage.id.stage, (stage.shuffle, stage.rdd));
                self.submitted.insert(stage.id, seq);
            }
            Event::StageCompleted { stage, outcome: StageOutcome::Failed { reason } } => {
                self.failed.insert(*stage);
                let abandoned = self.running.values().filter(|(of, _)| of == stage).map(|(_, work)| *work);
                for work in abandoned.collect::<Vec<_>>() {
                    self.excuse(work, || format!("its attempt failed: {reason}"));
                }
            }
            Event::SpeculativeTaskSubmitted { stage, partition, .. } => {
                *self.copies.entry((*stage, *partition)).or_default() += 1;
            }
            Event::TaskStart { task } => self.launched(seq, task),
            Event::TaskEnd { task, reason, .. } => self.ended(seq, task, reason),
            Event::ExecutorRemoved { executor, .. } | Event::BlockManagerRemoved { executor } => {
                self.forgotten.insert(*executor, seq);
            }
            Event::MapOutputsLost { shuffle, maps, executor, .. } => {
                for map in maps {
                    let known = self.work.entry(Work::MapOutput(*shuffle, *map)).or_default();
                    known.delivered = false;
                    known.excuse = Some(format!("lost with executor {executor}"));
                }
            }
            _ => {}
        }
    }

    fn work_of(&self, task: &TaskInfo) -> Work {
        match self.shuffles.get(&task.stage.stage) {
            Some((Some(shuffle), _)) => Work::MapOutput(*shuffle, task.partition),
            _ => Work::Result(task.stage.stage, task.partition),
        }
    }

    /// Work that was not delivered may run again.
    fn excuse(&mut self, work: Work, why: impl FnOnce() -> String) {
        let known = self.work.entry(work).or_default();
        if !known.delivered {
            known.excuse = Some(why());
        }
    }

    fn launched(&mut self, seq: u64, task: &TaskInfo) {
        let work = self.work_of(task);
        self.running.insert(task.id, (task.stage, work));
        if task.speculative {
            let left = self.copies.entry((task.stage, task.partition)).or_default();
            if *left == 0 {
                self.broken.push(format!("seq {seq}: task {} is a copy that nobody announced", task.id));
            }
            *left = left.saturating_sub(1);
            return;
        }
        match self.work.get_mut(&work) {
            None => drop(self.work.insert(work, Known::default())),
            Some(known) => {
                if known.excuse.take().is_none() {
                    let how = if known.delivered { "was delivered" } else { "runs" };
                    let text =
                        format!("seq {seq}: task {} of stage {} computes {work:?}, which {how}", task.id, task.stage);
                    self.broken.push(text);
                }
            }
        }
    }

    fn ended(&mut self, seq: u64, task: &TaskInfo, reason: &TaskEndReason) {
        let work = self.work_of(task);
        self.running.remove(&task.id);
        if let TaskEndReason::FetchFailed { executor: Some(executor), .. } = reason {
            self.forgotten.insert(*executor, seq);
        }
        match reason {
            TaskEndReason::Success => {
                let since = self.submitted.get(&task.stage).copied().unwrap_or_default();
                // What comes from an executor that the driver gave up meanwhile does not count (R5.4), nor what
                // an abandoned attempt makes of records that may differ (R3.9).
                let bogus = self.forgotten.get(&task.executor).is_some_and(|at| *at > since);
                let rdd = self.shuffles.get(&task.stage.stage).map(|(_, rdd)| *rdd).unwrap_or_default();
                let outdated = self.failed.contains(&task.stage) && self.indeterminate.contains(&rdd);
                let known = self.work.entry(work).or_default();
                if bogus || outdated {
                    known.excuse = Some("its success did not count".to_owned());
                } else {
                    known.delivered = true;
                    known.excuse = None;
                }
            }
            TaskEndReason::Resubmitted => {
                let known = self.work.entry(work).or_default();
                known.delivered = false;
                known.excuse = Some("resubmitted".to_owned());
            }
            other => self.excuse(work, || format!("an attempt ended: {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(seq: u64, event: Event) -> Envelope {
        Envelope { seq, at: Timestamp::default(), event }
    }

    fn task(id: u64) -> TaskInfo {
        TaskInfo {
            id: TaskId(id),
            stage: StageAttempt { stage: StageId(0), attempt: 0 },
            index: 0,
            attempt: 0,
            partition: PartitionId(0),
            executor: ExecutorId(1),
            launched: Timestamp::default(),
            finished: Timestamp::default(),
            locality: Locality::Any,
            kind: TaskKind::ResultTask,
            speculative: false,
        }
    }

    /// Without it the checker could hold for every log.
    #[test]
    fn a_second_launch_needs_a_cause() {
        let ended = |reason| Event::TaskEnd { task: task(0), reason, metrics: TaskMetrics::default() };
        let of = |between: Event| {
            let log = [Event::TaskStart { task: task(0) }, between, Event::TaskStart { task: task(1) }];
            unexplained(&log.into_iter().zip(0..).map(|(event, seq)| envelope(seq, event)).collect::<Vec<_>>()).len()
        };
        assert_eq!(of(Event::ApplicationEnd), 1, "while the first runs");
        assert_eq!(of(ended(TaskEndReason::Success)), 1, "after it succeeded");
        assert_eq!(of(ended(TaskEndReason::TaskResultLost)), 0);
    }
}
