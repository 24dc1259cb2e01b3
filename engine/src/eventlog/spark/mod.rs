//! What a log of Apache Spark leaves out: announcements of RDDs, shuffle edges, kinds of tasks.
//!
//! Everything is derived from what the log said before, in order, so equal logs give equal events.
//! Lines of ours carry all this and only ask [`SparkLog::executor`].

mod lineage;
mod operators;

use super::spark_json::stages::{StageExtra, StageInfoJson};
use crate::event::{Event, TaskKind};
use crate::ids::{ExecutorId, RddId, ShuffleId, StageId};
use lineage::Lineage;
use std::collections::{BTreeMap, BTreeSet};

/// The executor of a local master, which Spark calls `driver`.
const LOCAL_EXECUTOR: ExecutorId = ExecutorId(0);
const DRIVER: &str = "driver";

/// What the lines so far imply.
#[derive(Debug, Default)]
pub(super) struct SparkLog {
    /// The driver announced itself as an executor: the master is local.
    local: bool,
    lineage: Lineage,
    result_stages: BTreeSet<StageId>,
    shuffle_of_stage: BTreeMap<StageId, ShuffleId>,
    shuffles_into_stage: BTreeMap<StageId, BTreeSet<ShuffleId>>,
}

impl SparkLog {
    /// An executor registered.
    pub fn executor_added(&mut self, id: &str) {
        self.local |= id == DRIVER;
    }

    /// The executor with Spark's id. The driver is one only under a local master.
    pub fn executor(&self, id: &str) -> Option<ExecutorId> {
        if id == DRIVER { self.local.then_some(LOCAL_EXECUTOR) } else { id.parse().ok().map(ExecutorId) }
    }

    /// A job lists all its stages. The events are what must come before it.
    pub fn job_started(&mut self, stages: &[StageInfoJson<'_>]) -> Vec<Event> {
        let events = self.stages_listed(stages);
        let parents: BTreeSet<StageId> = stages.iter().flat_map(|stage| stage.parents.iter().copied()).collect();
        self.result_stages.extend(stages.iter().map(|stage| stage.id).filter(|id| !parents.contains(id)));
        self.match_shuffles(stages);
        events
    }

    /// A stage attempt was made: its infos are fresh, those in other events may be old.
    pub fn stage_submitted(&mut self, stage: &StageInfoJson<'_>) -> Vec<Event> {
        let mut events = self.stages_listed(std::slice::from_ref(stage));
        events.extend(self.lineage.take_levels(stage));
        events
    }

    /// Stages with their RDDs.
    pub fn stages_listed(&mut self, stages: &[StageInfoJson<'_>]) -> Vec<Event> {
        self.lineage.announce(stages)
    }

    /// An RDD was unpersisted.
    pub fn unpersisted(&mut self, rdd: RddId) {
        self.lineage.unpersisted(rdd);
    }

    /// The last RDD of a stage and the shuffle that it writes.
    pub fn stage_extra(&self, stage: &StageInfoJson<'_>) -> StageExtra {
        StageExtra { rdd: stage.last_rdd().unwrap_or_default(), shuffle: self.shuffle_of_stage.get(&stage.id).copied() }
    }

    /// What the tasks of a stage return.
    pub fn task_kind(&self, stage: StageId) -> TaskKind {
        if self.result_stages.contains(&stage) { TaskKind::ResultTask } else { TaskKind::ShuffleMapTask }
    }

    /// The shuffle that a task of a stage could not fetch. Spark's number is ours in a log from its
    /// beginning; in a part of a log, a stage that reads one shuffle can only mean that one.
    pub fn fetched_shuffle(&self, stage: StageId, named: ShuffleId) -> ShuffleId {
        let Some(shuffles) = self.shuffles_into_stage.get(&stage) else { return named };
        match shuffles.first() {
            Some(&only) if shuffles.len() == 1 => only,
            _ => named,
        }
    }

    /// A stage reads shuffles written by its parent stages: the one that ends in the parent RDD.
    fn match_shuffles(&mut self, stages: &[StageInfoJson<'_>]) {
        let last_rdds: BTreeMap<StageId, RddId> =
            stages.iter().filter_map(|stage| Some((stage.id, stage.last_rdd()?))).collect();
        for stage in stages {
            let mut free: BTreeSet<StageId> = stage.parents.iter().copied().collect();
            let inputs = self.lineage.shuffles_into(stage);
            self.shuffles_into_stage.insert(stage.id, inputs.iter().map(|(_, shuffle)| *shuffle).collect());
            for (parent, shuffle) in inputs {
                let writer = free.iter().copied().find(|id| last_rdds.get(id) == Some(&parent));
                if let Some(writer) = writer {
                    free.remove(&writer);
                    self.shuffle_of_stage.entry(writer).or_insert(shuffle);
                }
            }
        }
    }
}
