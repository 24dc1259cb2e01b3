//! Where the tasks of a stage would rather run (R2.14).
//!
//! The narrow lineage of a stage is flattened once; chains that neither have a preference nor branch are
//! skipped, so that a task costs as much as there are RDDs that may have an opinion.

use super::Scheduler;
use crate::event::DependencyKind;
use crate::ids::*;
use crate::rdd::{AnyRdd, AnyShuffle, Dependency};
use crate::task_context::BlockPolicy;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Share of a reducer's input that a host must hold to be preferred.
const REDUCER_PREF_LOCS_FRACTION: f64 = 0.2;
/// Shuffles with as many map or reduce partitions have no preference: it would cost too much.
const SHUFFLE_PREF_THRESHOLD: u32 = 1000;

/// Whether reducers of a shuffle prefer where their input lies: only then its sizes are kept.
pub(super) fn has_preference(shuffle: &dyn AnyShuffle) -> bool {
    shuffle.reducers().max(shuffle.parent().core().num_partitions()) < SHUFFLE_PREF_THRESHOLD
}

/// An RDD of the stage.
struct Node {
    rdd: Arc<dyn AnyRdd>,
    /// Whether its blocks may be stored.
    kept: bool,
    /// The shuffle that it reads, when that has a preference.
    shuffle: Option<ShuffleId>,
    parents: Vec<(usize, DependencyKind)>,
    /// The node to look at instead.
    skip_to: usize,
}

impl Node {
    fn has_opinion(&self) -> bool {
        self.kept || self.shuffle.is_some() || self.rdd.core().has_locations()
    }

    fn decides(&self) -> bool {
        self.has_opinion() || self.rdd.core().parents_vote()
    }

    /// The parents of a partition, in order.
    fn parents_of(&self, partition: PartitionId) -> impl DoubleEndedIterator<Item = (usize, PartitionId)> + '_ {
        self.parents
            .iter()
            .flat_map(move |(parent, kind)| kind.narrow_parents(partition).map(move |p| (*parent, PartitionId(p))))
    }
}

/// A search for the nearest opinion.
#[derive(Default)]
struct Search {
    todo: Vec<(usize, PartitionId)>,
    visited: FxHashSet<(usize, PartitionId)>,
}

/// The parents of a partition that are asked one after the other: the host that most of them prefer wins.
struct Poll {
    of: (usize, PartitionId),
    left: Vec<(usize, PartitionId)>,
    votes: BTreeMap<HostId, u32>,
}

impl Poll {
    fn result(&self) -> Vec<TaskLocation> {
        let most = self.votes.values().max();
        let winner = self.votes.iter().find(|(_, votes)| Some(*votes) == most);
        winner.map(|(host, _)| TaskLocation::Host(*host)).into_iter().collect()
    }
}

/// What a search came to.
enum Answer {
    /// The nearest opinion; none at all when there is none.
    Found(Vec<TaskLocation>),
    /// Parents have to be asked first.
    Asks(Poll),
}

/// The narrow lineage of a stage.
pub(super) struct Preferences {
    nodes: Vec<Node>,
    silent: bool,
    /// How polls ended, of the partition that is looked at.
    polled: FxHashMap<(usize, PartitionId), Vec<TaskLocation>>,
}

impl Preferences {
    /// Looks at the RDDs of the stage that ends with `root`.
    pub fn new(root: &Arc<dyn AnyRdd>, policies: &BTreeMap<RddId, BlockPolicy>, reduce_locality: bool) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        let mut at: FxHashMap<RddId, usize> = FxHashMap::default();
        let mut add = |rdd: &Arc<dyn AnyRdd>, nodes: &mut Vec<Node>| {
            *at.entry(rdd.core().id()).or_insert_with(|| {
                let kept = policies.contains_key(&rdd.core().id());
                let new = nodes.len();
                nodes.push(Node { rdd: Arc::clone(rdd), kept, shuffle: None, parents: Vec::new(), skip_to: new });
                new
            })
        };
        add(root, &mut nodes);
        let mut next = 0;
        while let Some(rdd) = nodes.get(next).map(|node| Arc::clone(&node.rdd)) {
            let dependencies = rdd.core().dependencies();
            if let ([Dependency::Shuffle(shuffle)], true) = (&dependencies[..], reduce_locality) {
                nodes[next].shuffle = has_preference(&**shuffle).then(|| shuffle.id());
            }
            for dependency in &dependencies {
                if let Dependency::Narrow { parent, kind } = dependency {
                    let parent = add(parent, &mut nodes);
                    nodes[next].parents.push((parent, *kind));
                }
            }
            next += 1;
        }
        let silent = !nodes.iter().any(Node::has_opinion);
        let mut preferences = Self { nodes, silent, polled: FxHashMap::default() };
        preferences.skip_chains();
        preferences
    }

    /// Every chain of RDDs without opinion, each with one parent one-to-one, leads to its end at once.
    fn skip_chains(&mut self) {
        let mut settled = vec![false; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let (mut chain, mut end) = (Vec::new(), start);
            while !settled[end] {
                settled[end] = true;
                chain.push(end);
                match self.nodes[end].parents[..] {
                    [(parent, DependencyKind::OneToOne)] if !self.nodes[end].decides() => end = parent,
                    _ => break,
                }
            }
            let end = self.nodes[end].skip_to;
            chain.into_iter().for_each(|node| self.nodes[node].skip_to = end);
        }
    }
}

impl Scheduler {
    /// Where a task would rather run: the nearest RDD that has an opinion decides. Stored blocks come
    /// before an RDD's own locations, and those before what its parents say: the first of them that says
    /// anything, of a partitioner-aware union the host that most of them say.
    pub(super) fn preferred(&mut self, plan: &mut Preferences, partition: PartitionId) -> Vec<TaskLocation> {
        if plan.silent {
            return Vec::new();
        }
        plan.polled.clear();
        let mut search = Search { todo: vec![(0, partition)], ..Search::default() };
        // Searches that wait for the end of a poll, each with that poll; not by recursion (R1.9).
        let mut waiting: Vec<(Search, Poll)> = Vec::new();
        loop {
            match self.nearest(plan, &mut search) {
                Answer::Asks(poll) => waiting.push((std::mem::take(&mut search), poll)),
                Answer::Found(places) => {
                    let Some((_, poll)) = waiting.last_mut() else { return places };
                    for host in places.iter().filter_map(|place| self.places.host_of_place(*place)) {
                        *poll.votes.entry(host).or_default() += 1;
                    }
                    search = Search::default();
                }
            }
            if let Some((asking, mut poll)) = waiting.pop() {
                match poll.left.pop() {
                    Some(next) => {
                        search.todo.push(next);
                        waiting.push((asking, poll));
                    }
                    None => {
                        plan.polled.insert(poll.of, poll.result());
                        search = asking;
                        // It goes on where it asked, and finds the result of the poll.
                        search.visited.remove(&poll.of);
                        search.todo.push(poll.of);
                    }
                }
            }
        }
    }

    /// Goes on with a search.
    fn nearest(&mut self, plan: &Preferences, search: &mut Search) -> Answer {
        while let Some((node, partition)) = search.todo.pop() {
            let node = plan.nodes[node].skip_to;
            if !search.visited.insert((node, partition)) {
                continue;
            }
            self.steps += 1;
            let here = &plan.nodes[node];
            let Node { rdd, kept, shuffle, .. } = here;
            let core = rdd.core();
            if *kept && let Some(holders) = self.blocks.get(&BlockId::new(core.id(), partition)) {
                return Answer::Found(holders.iter().copied().map(TaskLocation::Executor).collect());
            }
            if let Some(block) = core.input_block(partition) {
                return Answer::Found(self.inputs.holders(block).into_iter().map(TaskLocation::Executor).collect());
            }
            let own = core.locations(partition);
            if !own.is_empty() {
                return Answer::Found(own.to_vec());
            }
            if let Some(shuffle) = shuffle {
                let hosts = self.hosts_of_input(*shuffle, partition);
                if !hosts.is_empty() {
                    return Answer::Found(hosts);
                }
            }
            if core.parents_vote() {
                match plan.polled.get(&(node, partition)) {
                    Some(result) if !result.is_empty() => return Answer::Found(result.clone()),
                    Some(_) => {}
                    None => {
                        let left = here.parents_of(partition).collect();
                        return Answer::Asks(Poll { of: (node, partition), left, votes: BTreeMap::new() });
                    }
                }
            }
            search.todo.extend(here.parents_of(partition).rev());
        }
        Answer::Found(Vec::new())
    }

    /// Hosts that hold at least a fifth of a reducer's input.
    fn hosts_of_input(&self, shuffle: ShuffleId, reduce: PartitionId) -> Vec<TaskLocation> {
        let mut bytes: BTreeMap<HostId, u64> = BTreeMap::new();
        for (executor, size) in self.outputs.sizes_of(shuffle, reduce) {
            if let Some(host) = self.places.host_of(executor) {
                *bytes.entry(host).or_default() += size;
            }
        }
        let total: u64 = bytes.values().sum();
        let enough = |bytes: &u64| total > 0 && *bytes as f64 / total as f64 >= REDUCER_PREF_LOCS_FRACTION;
        bytes.into_iter().filter(|(_, bytes)| enough(bytes)).map(|(host, _)| TaskLocation::Host(host)).collect()
    }
}
