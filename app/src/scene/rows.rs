//! Rows of the loom: which operators of the template share a node, and in which order rows stand.

use super::labels;
use super::layout::{Options, layered};
use super::metrics::{LANES_MAX, NODE_HEIGHT, NODE_WIDTH};
use crate::model::{Model, Streams};
use faultline_engine::event::{DependencyKind, StreamInfo};
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Operators that share the node, in data order.
    pub operators: Vec<OperatorName>,
    /// `flatMap · map`.
    pub title: String,
    /// Whether a fan of map outputs enters it.
    pub fan_above: bool,
    /// Whether it keeps room for checkpoint files.
    pub room_for_file: bool,
    /// Lanes below it for threads to later batches.
    pub lanes: u32,
}

/// The rows: those of the template, then operators that only the program's RDDs know (made inside
/// `transform` or `foreachRDD`, or outside any batch), in the order in which they appeared.
pub(super) fn rows(model: &Model) -> Vec<Row> {
    let mut rows = template_rows(&model.streams);
    let known: BTreeSet<OperatorName> = model.streams.streams.iter().map(|s| s.operator.clone()).collect();
    let mut others: Vec<(RddId, &OperatorName)> = model
        .operators
        .iter()
        .filter(|(name, _)| !known.contains(name))
        .filter_map(|(name, batches)| Some((*batches.get_min()?.1.front()?, name)))
        .collect();
    others.sort_unstable();
    rows.extend(others.into_iter().map(|(first, name)| {
        let parents = model.rdds.get(&first).map(|r| r.info.parents.as_slice()).unwrap_or_default();
        Row {
            operators: vec![name.clone()],
            title: name.as_str().to_owned(),
            fan_above: parents.iter().any(|d| matches!(d.kind, DependencyKind::Shuffle { .. })),
            room_for_file: false,
            lanes: 0,
        }
    }));
    rows
}

/// The rows of the template, top to bottom: a topological order that keeps chains together.
fn template_rows(streams: &Streams) -> Vec<Row> {
    let list: Vec<&StreamInfo> = streams.streams.iter().map(|s| &**s).collect();
    let parents = parents(&list);
    let groups = fold(&list, &parents, streams);
    let mut group_of = vec![0; list.len()];
    for (g, members) in groups.iter().enumerate() {
        for &s in members {
            group_of[s] = g;
        }
    }
    let mut edges: Vec<(usize, usize)> = (0..list.len())
        .flat_map(|s| parents[s].iter().map(move |&p| (p, s)))
        .map(|(p, s)| (group_of[p], group_of[s]))
        .filter(|(a, b)| a != b)
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let stored = |s: &&StreamInfo| s.checkpoint_interval.is_some() || s.stateful;
    order(groups.len(), &edges)
        .into_iter()
        .map(|g| {
            let members: Vec<&StreamInfo> = groups[g].iter().map(|&s| list[s]).collect();
            Row {
                title: labels::title(members.iter().map(|s| s.operator.as_str())),
                operators: members.iter().map(|s| s.operator.clone()).collect(),
                fan_above: members[0].shuffles,
                room_for_file: members.iter().any(stored),
                lanes: groups[g].iter().map(|&s| lanes(&list, &parents, streams, s)).max().unwrap_or(0),
            }
        })
        .collect()
}

/// How many batches later a window, or the stream itself, still reads a batch of stream `s`: so many
/// threads run side by side below it.
fn lanes(list: &[&StreamInfo], parents: &[Vec<usize>], streams: &Streams, s: usize) -> u32 {
    let batch = if streams.interval.0 > 0 { streams.interval } else { list[s].slide };
    let batches = |duration: Millis| duration.0 / batch.0.max(1);
    let window = |child: usize| {
        let (window, every) = (batches(list[child].window?), batches(list[s].slide));
        // One that reduces also reads what has just left it.
        let left = if list[child].stateful { batches(list[child].slide) } else { 0 };
        Some((window + left).saturating_sub(every))
    };
    let windows = (0..list.len()).filter(|&child| parents[child].contains(&s)).filter_map(window);
    // To its own next batch a thread is straight.
    let own = batches(list[s].slide).saturating_sub(1) * u64::from(list[s].stateful);
    windows.max().unwrap_or(0).max(own).min(u64::from(LANES_MAX)) as u32
}

/// Indices of the parents of each stream.
fn parents(list: &[&StreamInfo]) -> Vec<Vec<usize>> {
    let index: BTreeMap<StreamId, usize> = list.iter().enumerate().map(|(i, s)| (s.id, i)).collect();
    list.iter().map(|s| s.parents.iter().filter_map(|p| index.get(p).copied()).collect()).collect()
}

/// Chains of streams that share a node, as indices in data order.
///
/// An operator folds with its neighbour when it stores nothing, has exactly one consumer, and reads its
/// only parent by a narrow edge. An input stays its own node, and what stores data is the last of its
/// node, because its cells are what the node shows.
fn fold(list: &[&StreamInfo], parents: &[Vec<usize>], streams: &Streams) -> Vec<Vec<usize>> {
    let mut consumers = vec![0usize; list.len()];
    for &p in parents.iter().flatten() {
        consumers[p] += 1;
    }
    for output in &streams.outputs {
        if let Some(s) = list.iter().position(|s| s.id == output.stream) {
            consumers[s] += 1;
        }
    }
    let stores = |s: usize| list[s].level.is_valid() || list[s].stateful || list[s].checkpoint_interval.is_some();
    let reads_narrow =
        |s: usize| parents[s].len() == 1 && !list[s].shuffles && !list[s].stateful && list[s].window.is_none();
    let foldable = |s: usize| !stores(s) && consumers[s] == 1 && reads_narrow(s);
    let joins = |p: usize, s: usize| {
        let p_is_input = list[p].parents.is_empty();
        !p_is_input && !stores(p) && consumers[p] == 1 && reads_narrow(s) && (foldable(p) || foldable(s))
    };
    let mut next = vec![None; list.len()];
    let mut is_head = vec![true; list.len()];
    for s in 0..list.len() {
        if let [p] = parents[s][..]
            && p != s
            && joins(p, s)
        {
            next[p] = Some(s);
            is_head[s] = false;
        }
    }
    let chain = |head: usize| std::iter::successors(Some(head), |&s| next[s]).collect();
    (0..list.len()).filter(|&s| is_head[s]).map(chain).collect()
}

/// A topological order that follows a chain as far as it can, and otherwise takes the ready group that
/// a layered layout of the template puts highest, then leftmost.
fn order(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let layout = layered(&vec![(NODE_WIDTH, NODE_HEIGHT); n], edges, &Options::default());
    let place = |g: usize| (layout.ranks[g], layout.positions[g].x as i32, g);
    let mut waiting = vec![0usize; n];
    let mut children = vec![Vec::new(); n];
    for &(a, b) in edges {
        if layout.ranks[a] < layout.ranks[b] {
            waiting[b] += 1;
            children[a].push(b);
        }
    }
    let mut ready: BTreeSet<(u32, i32, usize)> = (0..n).filter(|&g| waiting[g] == 0).map(place).collect();
    let mut order = Vec::with_capacity(n);
    let mut follow = None;
    while let Some(entry) = follow.take().or_else(|| ready.first().copied()) {
        ready.remove(&entry);
        let g = entry.2;
        order.push(g);
        for &child in &children[g] {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.insert(place(child));
                follow = follow.min(Some(place(child))).or(Some(place(child)));
            }
        }
    }
    order
}
