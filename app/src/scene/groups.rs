//! Nodes of a program without batches: RDDs grouped by operator, chains of operators folded.

use super::edges::{Link, links};
use super::{facts, labels};
use crate::model::Model;
use faultline_engine::ids::*;
use std::collections::HashMap;

/// RDDs that share a node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// Operators in data order.
    pub operators: Vec<OperatorName>,
    /// Batch of the first one.
    pub batch: Option<BatchId>,
    /// RDDs in data order.
    pub rdds: Vec<RddId>,
    /// Index of its band.
    pub band: usize,
}

/// All groups, parents before children as far as ids tell, with the bands they stand in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
    /// Scopes such as `iteration 3`, in order of appearance; the first, unnamed one holds what is made
    /// outside all of them.
    pub bands: Vec<String>,
}

impl Groups {
    /// Whether some scope gives the bands names.
    pub fn has_bands(&self) -> bool {
        self.bands.len() > 1
    }
}

/// Groups the RDDs of a model.
pub(super) fn groups(model: &Model) -> Groups {
    let mut operators = by_operator(model);
    let links = links(model, operators.iter().map(|g| g.rdds.as_slice()));
    let bands = assign_bands(model, &mut operators, &links);
    Groups { groups: fold(model, operators, &links), bands }
}

/// One group per operator and batch, by first RDD.
fn by_operator(model: &Model) -> Vec<Group> {
    let mut index: HashMap<(&OperatorName, Option<BatchId>), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for rdd in model.rdds.values().filter(|r| !facts::reads_checkpoint(&r.info)) {
        let op = &rdd.info.op;
        let at = *index.entry((&op.operator, op.batch)).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { operators: vec![op.operator.clone()], batch: op.batch, rdds: Vec::new(), band: 0 });
        }
        groups[at].rdds.push(rdd.info.id);
    }
    groups
}

/// Gives every group the band of its scope, or without one the last band among its parents', and
/// returns the bands.
fn assign_bands(model: &Model, groups: &mut [Group], links: &[Link]) -> Vec<String> {
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for link in links {
        parents[link.to].push(link.from);
    }
    let mut bands = vec![String::new()];
    let mut index: HashMap<&str, usize> = HashMap::new();
    for g in 0..groups.len() {
        let rdds = groups[g].rdds.iter().filter_map(|id| model.rdds.get(id));
        let scope = rdds.filter_map(|r| r.info.scope.as_deref()).find(|s| is_counted(s));
        groups[g].band = match scope {
            Some(scope) => *index.entry(scope).or_insert_with(|| {
                bands.push(scope.to_owned());
                bands.len() - 1
            }),
            None => parents[g].iter().map(|&p| groups[p].band).max().unwrap_or(0),
        };
    }
    bands
}

/// Whether a scope counts something: words and then a number.
fn is_counted(scope: &str) -> bool {
    scope.rsplit_once(' ').is_some_and(|(words, number)| !words.trim().is_empty() && number.parse::<u64>().is_ok())
}

/// Joins chains of narrow, unstored operators of one band into one group each.
fn fold(model: &Model, groups: Vec<Group>, links: &[Link]) -> Vec<Group> {
    let (mut children, mut parents) = (vec![0u32; groups.len()], vec![0u32; groups.len()]);
    for link in links {
        children[link.from] += 1;
        parents[link.to] += 1;
    }
    let stores = |g: usize| groups[g].rdds.iter().filter_map(|id| model.rdds.get(id)).any(|r| facts::is_stored(r));
    let mut next: Vec<Option<usize>> = vec![None; groups.len()];
    let mut is_head = vec![true; groups.len()];
    for link in links.iter().filter(|l| l.shuffles.is_empty()) {
        let (p, c) = (link.from, link.to);
        if p < c && children[p] == 1 && parents[c] == 1 && groups[p].band == groups[c].band && !stores(p) {
            next[p] = Some(c);
            is_head[c] = false;
        }
    }
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut folded = Vec::new();
    for head in (0..groups.len()).filter(|&g| is_head[g]) {
        let Some(mut group) = groups[head].take() else { continue };
        let mut at = head;
        while let Some(following) = next[at] {
            if let Some(more) = groups[following].take() {
                group.operators.extend(more.operators);
                group.rdds.extend(more.rdds);
            }
            at = following;
        }
        folded.push(group);
    }
    folded
}

impl Group {
    /// `map · filter`, without the ordinals of repeated operators.
    pub fn title(&self) -> String {
        labels::title(self.operators.iter().map(labels::base_name))
    }

    /// `map · filter#2`, as the command line names them.
    pub fn names(&self) -> String {
        labels::title(self.operators.iter().map(OperatorName::as_str))
    }

    /// The number of RDDs, where the title leaves operators out.
    pub fn subtitle(&self) -> String {
        if labels::is_cut_short(self.operators.len()) { labels::rdd_count(self.rdds.len()) } else { String::new() }
    }
}
