//! The loom: columns are batches, rows are operators of the template, threads run across.
//!
//! Every position is a function of the batch number and the row, so a new batch moves nothing.

use super::cuts::{Room, add_files};
use super::edges::{self, Direction};
use super::facts::{self, KeyOf};
use super::metrics::*;
use super::nodes::{NodeSpec, operator_node};
use super::rows::{Row, rows};
use super::threads;
use super::{Column, EdgeKind, Filter, Scene};
use crate::model::{BatchState, Model};
use emath::{Pos2, Rect, Vec2};
use faultline_engine::ids::*;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The scene of a streaming program.
pub(super) fn build(model: &Model, filter: &Filter) -> Scene {
    let grid = Grid::new(model, rows(model));
    let mut scene = Scene { revision: model.revision, ..Scene::default() };
    let mut slots: Vec<Slot> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    for batch in columns(model, filter, &grid) {
        let place = column_title(batch);
        scene.columns.push(Column {
            title: place.clone(),
            note: batch.and_then(|b| model.batches.get(&b)).map(|b| note(b)).unwrap_or_default().to_owned(),
            rect: grid.column(batch),
            batch,
        });
        for (row, of) in grid.rows.iter().enumerate() {
            let rdds: Vec<RddId> =
                of.operators.iter().filter_map(|o| model.operators.get(o)?.get(&batch)).flatten().copied().collect();
            if rdds.is_empty() {
                continue;
            }
            scene.nodes.push(operator_node(
                model,
                NodeSpec {
                    key: facts::key(KeyOf::Operator, &of.operators[0], batch),
                    rect: grid.node(row, batch),
                    title: of.title.clone(),
                    subtitle: String::new(),
                    names: &of.title,
                    place: &place,
                    batch,
                    rdds,
                },
            ));
            slots.push(Slot { row, batch });
            places.push(place.clone());
        }
    }
    add_edges(model, &grid, &slots, &places, &mut scene);
    let extent = extent(model, &scene);
    scene.bounds = extent.map(|(first, last)| grid.column(first).union(grid.column(last)));
    scene.focus = focus(model, &grid).or(scene.bounds);
    scene
}

/// The batches whose columns lie between `left` and `right`, for a filter that draws only those.
pub fn visible_batches(model: &Model, left: f32, right: f32) -> RangeInclusive<BatchId> {
    let grid = Grid::new(model, rows(model));
    let column = |x: f32| BatchId((x / grid.pitch).clamp(0.0, u32::MAX as f32) as u32);
    column(left)..=column(right)
}

/// Where the column of a batch is, whether it is drawn or not; `None` when the program has no batches.
pub fn column_of_batch(model: &Model, batch: BatchId) -> Option<Rect> {
    (!model.streams.streams.is_empty()).then(|| Grid::new(model, rows(model)).column(Some(batch)))
}

/// Where a node is in the loom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub row: usize,
    pub batch: Option<BatchId>,
}

/// Where rows and columns are.
pub(super) struct Grid {
    pub rows: Vec<Row>,
    tops: Vec<f32>,
    gaps: Vec<f32>,
    /// Bottom of each row, with its room for files.
    ends: Vec<f32>,
    bottom: f32,
    node_width: f32,
    pitch: f32,
}

impl Grid {
    /// Rows from the template. The width comes from the titles and from the first batch that has RDDs:
    /// a later batch with more partitions than fit shows counts instead of moving its neighbours.
    fn new(model: &Model, rows: Vec<Row>) -> Self {
        let of_row = |row: &Row| row.operators.last().and_then(|o| model.operators.get(o));
        let first = rows.iter().filter_map(|r| of_row(r)?.keys().find(|b| b.is_some())).min().copied();
        let partitions = |row: &Row| {
            let rdd = of_row(row)?.get(&first?)?.back()?;
            Some(model.rdds.get(rdd)?.info.num_partitions)
        };
        let node_width =
            rows.iter().map(|r| node_width(&r.title, partitions(r).unwrap_or(0))).fold(NODE_WIDTH, f32::max);
        let above = |i: usize| if i == 0 { 0.0 } else { rows[i - 1].lanes as f32 * LANE_PITCH };
        let gap = |(i, r): (usize, &Row)| above(i) + if r.fan_above { FAN_GAP } else { ROW_GAP };
        let gaps: Vec<f32> = rows.iter().enumerate().map(gap).collect();
        let mut tops = Vec::with_capacity(rows.len());
        let mut ends = Vec::with_capacity(rows.len());
        let mut y = HEADER;
        for (i, row) in rows.iter().enumerate() {
            if i > 0 {
                y += gaps[i];
            }
            tops.push(y);
            y += NODE_HEIGHT + if row.room_for_file { FILE_GAP + FILE_HEIGHT } else { 0.0 };
            ends.push(y);
        }
        Self { rows, tops, gaps, ends, bottom: y + COLUMN_PAD, node_width, pitch: node_width + COLUMN_GUTTER }
    }

    /// How many columns an edge spans; what belongs to no batch stands left of batch 1.
    pub fn index(batch: Option<BatchId>) -> u32 {
        batch.map_or(0, |b| b.0)
    }

    fn left(&self, batch: Option<BatchId>) -> f32 {
        Self::index(batch) as f32 * self.pitch
    }

    /// The rectangle of the node of a row in a batch.
    pub fn node(&self, row: usize, batch: Option<BatchId>) -> Rect {
        Rect::from_min_size(Pos2::new(self.left(batch), self.tops[row]), Vec2::new(self.node_width, NODE_HEIGHT))
    }

    /// Where a row ends, with its room for files.
    pub fn below(&self, row: usize) -> f32 {
        self.ends[row]
    }

    fn column(&self, batch: Option<BatchId>) -> Rect {
        let left = self.left(batch);
        Rect::from_min_max(
            Pos2::new(left - COLUMN_PAD, 0.0),
            Pos2::new(left + self.node_width + COLUMN_PAD, self.bottom),
        )
    }
}

/// The columns drawn: batches and RDDs of the filter; before them, what belongs to no batch.
fn columns(model: &Model, filter: &Filter, grid: &Grid) -> BTreeSet<Option<BatchId>> {
    let range = filter.batches.clone().unwrap_or(BatchId(0)..=BatchId(u32::MAX));
    if range.is_empty() {
        return BTreeSet::new();
    }
    let mut columns: BTreeSet<Option<BatchId>> = model.batches.range(range.clone()).map(|(&b, _)| Some(b)).collect();
    for batches in grid.rows.iter().flat_map(|r| &r.operators).filter_map(|o| model.operators.get(o)) {
        columns.extend(batches.range(Some(*range.start())..=Some(*range.end())).map(|(b, _)| *b));
        columns.extend(batches.contains_key(&None).then_some(None));
    }
    columns
}

fn column_title(batch: Option<BatchId>) -> String {
    batch.map_or_else(|| "every batch".to_owned(), |b| format!("batch {b}"))
}

fn note(batch: &BatchState) -> &'static str {
    match (&batch.failure, batch.started, batch.completed) {
        (Some(_), ..) => "failed",
        (None, _, Some(_)) => "",
        (None, Some(_), None) => "running",
        (None, None, None) => "waiting",
    }
}

fn add_edges(model: &Model, grid: &Grid, slots: &[Slot], places: &[String], scene: &mut Scene) {
    let room = |slot: &Slot| if grid.rows[slot.row].room_for_file { Room::Reserved } else { Room::Gap };
    let below: Vec<(Room, &OperatorName, &str)> = slots
        .iter()
        .zip(places)
        .map(|(slot, place)| (room(slot), &grid.rows[slot.row].operators[0], place.as_str()))
        .collect();
    let links = edges::links(model, scene.nodes.iter().map(|n| n.rdds.as_slice()));
    let has_file = add_files(model, scene, &below);
    let mut lines = BTreeSet::new();
    for link in &links {
        let (from, to) = (slots[link.from], slots[link.to]);
        let (direction, points) = if from.batch == to.batch {
            (Direction::Down, threads::down(grid, from, to, has_file[link.from], !link.shuffles.is_empty()))
        } else {
            (Direction::Back, threads::across(grid, from, to))
        };
        let edge = edges::edge(model, &scene.nodes, link, direction, points);
        if matches!(edge.kind, EdgeKind::Fan(_)) {
            lines.insert(to.row);
        }
        scene.edges.push(edge);
    }
    scene.shuffle_lines = lines.into_iter().map(|row| grid.tops[row] - grid.gaps[row] / 2.0).collect();
}

/// First and last column of the whole program, whatever the filter shows.
fn extent(model: &Model, scene: &Scene) -> Option<(Option<BatchId>, Option<BatchId>)> {
    let known = [model.batches.get_min(), model.batches.get_max()].into_iter().flatten().map(|(b, _)| Some(*b));
    let all: Vec<Option<BatchId>> = known.chain(scene.columns.iter().map(|c| c.batch)).collect();
    Some((*all.iter().min()?, *all.iter().max()?))
}

/// The running column, or else the newest, with the two before and the one after it; while something
/// is repaired, everything from where the way back ends.
fn focus(model: &Model, grid: &Grid) -> Option<Rect> {
    let mut here = model.batches.get_max()?.0;
    for (&id, batch) in model.batches.iter().rev().take_while(|(_, b)| b.completed.is_none()) {
        if batch.started.is_some() {
            here = id;
        }
    }
    let before = BatchId(here.0.saturating_sub(2).max(1));
    let way_back = model.story.is_recovering().then(|| path_start(model)).flatten();
    let first = way_back.map_or(before, |start| start.min(before));
    let last = BatchId(here.0.saturating_add(1));
    Some(grid.column(Some(first)).union(grid.column(Some(last))))
}

/// The earliest batch on the way back.
fn path_start(model: &Model) -> Option<BatchId> {
    model.story.path.iter().filter_map(|rdd| model.batch_of(*rdd)).min()
}
