//! RDDs as stages list them: each is announced when it is first seen and when it changes.

use super::operators::Operators;
use crate::event::{DependencyInfo, DependencyKind, Event, RddInfo, StorageLevel};
use crate::eventlog::spark_json::rdds::RddInfoJson;
use crate::eventlog::spark_json::stages::StageInfoJson;
use crate::ids::{OpKey, RddId, ShuffleId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What RDDs are known, and the shuffles between them.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    rdds: BTreeMap<RddId, RddInfo>,
    operators: Operators,
    /// By child and parent.
    shuffles: BTreeMap<(RddId, RddId), ShuffleId>,
}

impl Lineage {
    /// The events that announce what these stages list: parents before children.
    pub fn announce(&mut self, stages: &[StageInfoJson<'_>]) -> Vec<Event> {
        self.number_shuffles(stages);
        let mut listed: BTreeMap<RddId, &RddInfoJson> = BTreeMap::new();
        for rdd in stages.iter().flat_map(|stage| &stage.rdds) {
            listed.entry(rdd.id).or_insert(rdd);
        }
        let mut events = Vec::new();
        for id in parents_first(&listed) {
            if let Some(json) = listed.get(&id) {
                self.announce_one(json, &mut events);
            }
        }
        events
    }

    /// Numbers new shuffles as Spark's scheduler does: it makes a shuffle dependency when it first walks
    /// the narrow dependencies of a stage, beginning with the last RDD of the last stage. A parent that
    /// its child's stage does not list is in another stage, so the edge is a shuffle. (The converse may
    /// fail: a parent that is reached both ways is taken for narrow.)
    fn number_shuffles(&mut self, stages: &[StageInfoJson<'_>]) {
        let mut last_first: Vec<_> = stages.iter().collect();
        last_first.sort_by_key(|stage| Reverse(stage.id));
        for stage in last_first {
            let here: BTreeMap<RddId, &RddInfoJson> = stage.rdds.iter().map(|rdd| (rdd.id, rdd.as_ref())).collect();
            let mut seen = BTreeSet::new();
            let mut open: Vec<RddId> = stage.rdds.iter().rev().map(|rdd| rdd.id).collect();
            while let Some(id) = open.pop() {
                let Some(rdd) = here.get(&id).filter(|_| seen.insert(id)) else { continue };
                for parent in &rdd.parents {
                    if here.contains_key(parent) {
                        open.push(*parent);
                    } else {
                        let next = ShuffleId(u32::try_from(self.shuffles.len()).unwrap_or(u32::MAX));
                        self.shuffles.entry((id, *parent)).or_insert(next);
                    }
                }
            }
        }
    }

    fn announce_one(&mut self, json: &RddInfoJson, events: &mut Vec<Event>) {
        let parents = self.dependencies(json);
        let Some(known) = self.rdds.get(&json.id) else {
            let (op, scope) = self.operators.identify(json);
            let info = info(json, op, scope, parents);
            self.rdds.insert(json.id, info.clone());
            events.push(Event::RddRegistered { rdd: info });
            return;
        };
        if known.parents == parents || self.is_cut(known) {
            // A checkpoint is final; other parents are those of an old info of a skipped stage.
            return;
        }
        let changed = RddInfo { parents, ..known.clone() };
        let event = match self.checkpoint_parent(&changed) {
            Some(checkpoint_rdd) => Event::CheckpointCompleted {
                rdd: json.id,
                checkpoint_rdd: checkpoint_rdd.clone(),
                path: String::new(),
                parts: Vec::new(),
                released: Vec::new(),
                teed: 0,
            },
            None => Event::RddRegistered { rdd: changed.clone() },
        };
        events.push(event);
        self.rdds.insert(json.id, changed);
    }

    fn dependencies(&self, json: &RddInfoJson) -> Vec<DependencyInfo> {
        let kind = |parent: RddId| match self.shuffles.get(&(json.id, parent)) {
            Some(&shuffle) => DependencyKind::Shuffle { shuffle },
            None => DependencyKind::OneToOne,
        };
        json.parents.iter().map(|&rdd| DependencyInfo { rdd, kind: kind(rdd) }).collect()
    }

    fn is_cut(&self, rdd: &RddInfo) -> bool {
        self.checkpoint_parent(rdd).is_some()
    }

    /// The RDD that reads the checkpoint files, when it is the only parent.
    fn checkpoint_parent(&self, rdd: &RddInfo) -> Option<&RddInfo> {
        let [parent] = rdd.parents.as_slice() else { return None };
        self.rdds.get(&parent.rdd).filter(|parent| parent.class.ends_with("CheckpointRDD"))
    }

    /// The levels that a fresh info gives to known RDDs.
    pub fn take_levels(&mut self, stage: &StageInfoJson<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        for json in &stage.rdds {
            let level = StorageLevel::from(json.level);
            if let Some(known) = self.rdds.get_mut(&json.id).filter(|known| known.level != level) {
                known.level = level;
                events.push(Event::PersistChanged { rdd: json.id, level });
            }
        }
        events
    }

    /// An RDD was unpersisted.
    pub fn unpersisted(&mut self, rdd: RddId) {
        if let Some(known) = self.rdds.get_mut(&rdd) {
            known.level = StorageLevel::NONE;
        }
    }

    /// Parent RDD and shuffle of every wide edge into a stage, in order.
    pub fn shuffles_into(&self, stage: &StageInfoJson<'_>) -> BTreeSet<(RddId, ShuffleId)> {
        let edges = stage.rdds.iter().flat_map(|rdd| rdd.parents.iter().map(|parent| (rdd.id, *parent)));
        edges.filter_map(|edge| Some((edge.1, *self.shuffles.get(&edge)?))).collect()
    }
}

/// The ids such that a listed parent comes before its children, else in ascending order.
fn parents_first(listed: &BTreeMap<RddId, &RddInfoJson>) -> Vec<RddId> {
    let mut order = Vec::with_capacity(listed.len());
    let mut seen = BTreeSet::new();
    for &root in listed.keys() {
        let mut open = vec![(root, false)];
        while let Some((id, parents_done)) = open.pop() {
            if parents_done {
                order.push(id);
            } else if let Some(rdd) = listed.get(&id).filter(|_| seen.insert(id)) {
                open.push((id, true));
                open.extend(rdd.parents.iter().rev().map(|parent| (*parent, false)));
            }
        }
    }
    order
}

fn info(json: &RddInfoJson, op: OpKey, scope: Option<String>, parents: Vec<DependencyInfo>) -> RddInfo {
    let (class, name) = class_and_name(&json.name);
    RddInfo {
        id: json.id,
        name,
        class,
        callsite: json.callsite.clone(),
        op,
        scope,
        level: json.level.into(),
        num_partitions: json.num_partitions,
        partitioner: None,
        determinism: json.determinism(),
        parents,
    }
}

/// Spark writes the name that the program set, else the class: a name like a class is taken for one.
fn class_and_name(name: &str) -> (String, Option<String>) {
    let is_class = name.ends_with("RDD") && name.chars().all(|c| c.is_ascii_alphanumeric());
    if is_class { (name.to_owned(), None) } else { ("RDD".to_owned(), Some(name.to_owned())) }
}
