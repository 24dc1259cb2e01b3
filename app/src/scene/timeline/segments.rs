//! What one task did, one piece after another: the whole narrow chain of a partition runs inside it.
//!
//! A row is done when everything that it asked for is done, so the pieces stand in the order in which
//! rows ended. Records stream through the chain, so pieces that touch may have alternated.

use crate::model::{JudgedRow, Model, TaskState, judge};
use faultline_engine::event::{ReadTier, RecomputeCause};
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// What a piece of a task was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// Starting the task, and making its result of the last records.
    Around,
    /// The log does not say.
    Unknown,
    /// Reading from a checkpoint.
    ReadBack,
    /// Reading from memory, here or of another executor.
    ReadMemory,
    /// Reading from disk.
    ReadDisk,
    /// Fetching map outputs.
    Fetched,
    /// Computing from parents or from the source.
    Computed,
    /// Writing map output.
    Written,
    /// Writing a part of a checkpoint.
    WrittenCheckpoint,
}

/// One piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What.
    pub doing: Doing,
    /// It exists because something was lost.
    pub again: bool,
    /// Nanoseconds from the launch to its begin and its end.
    pub ns: (u64, u64),
    /// The operator and the batch that it worked for.
    pub of: Option<(OperatorName, Option<BatchId>)>,
    /// Partitions that it read or computed.
    pub partitions: u64,
    /// Records that it delivered.
    pub records: u64,
    /// Why it was computed again.
    pub cause: Option<RecomputeCause>,
}

/// What the widths of the pieces say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Widths {
    /// Time.
    Time,
    /// Records, because the log has no times within a task.
    Records,
    /// Nothing: the log does not say what the task did.
    Unknown,
}

/// All pieces of a task. Their lengths add up to its length.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// In order.
    pub list: Vec<Segment>,
    /// What their widths say.
    pub widths: Widths,
}

/// A piece before its place is known.
struct Piece {
    segment: Segment,
    weight: u64,
    seen: BTreeSet<PartitionId>,
}

/// The pieces of an ended task; one that runs has none yet.
pub fn segments(model: &Model, task: &TaskState) -> Segments {
    if task.end.is_none() {
        return Segments { list: Vec::new(), widths: Widths::Unknown };
    }
    let metrics = &task.metrics;
    let in_rows: u64 = metrics.reads.iter().map(|r| r.self_ns.saturating_add(r.fetch_ns)).fold(0, u64::saturating_add);
    let widths = match (in_rows.saturating_add(metrics.write_ns), metrics.reads.is_empty()) {
        (1.., _) => Widths::Time,
        (0, false) => Widths::Records,
        (0, true) => Widths::Unknown,
    };
    let judged = judge(metrics);
    let mut pieces: Vec<Piece> = Vec::new();
    for row in in_order_of_end(&judged) {
        add_row(model, &judged[row], widths, &mut pieces);
    }
    add_written(task, widths, &mut pieces);
    let length = task.info.finished.ns_since(task.info.launched);
    Segments { list: placed(pieces, widths, length), widths }
}

/// The rows by their end: a row ends when the next one was asked for by another.
fn in_order_of_end(rows: &[JudgedRow<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(rows.len());
    let mut open: Vec<usize> = Vec::new();
    for (at, judged) in rows.iter().enumerate() {
        let asker = judged.row.needed_by.map(|row| row as usize);
        while open.last().is_some_and(|top| Some(*top) != asker) {
            order.extend(open.pop());
        }
        open.push(at);
    }
    order.extend(open.into_iter().rev());
    order
}

fn add_row(model: &Model, judged: &JudgedRow<'_>, widths: Widths, pieces: &mut Vec<Piece>) {
    let row = judged.row;
    let doing = match row.tier {
        ReadTier::LocalMemory | ReadTier::Remote { .. } => Doing::ReadMemory,
        ReadTier::LocalDisk => Doing::ReadDisk,
        ReadTier::Checkpoint | ReadTier::WriteAheadLog => Doing::ReadBack,
        ReadTier::Computed => Doing::Computed,
    };
    let of = model.rdds.get(&row.rdd).map(|rdd| (rdd.info.op.operator.clone(), rdd.info.op.batch));
    let segment = Segment {
        doing,
        again: judged.because_of_loss && doing == Doing::Computed,
        ns: (0, 0),
        of,
        partitions: 1,
        records: row.records,
        cause: row.cause,
    };
    if row.fetch_ns > 0 {
        let fetched = Segment { doing: Doing::Fetched, partitions: 0, records: 0, ..segment.clone() };
        add(fetched, row.fetch_ns, row.partition, pieces);
    }
    let weight = if widths == Widths::Time { row.self_ns } else { row.records.max(1) };
    add(segment, weight, row.partition, pieces);
}

/// A piece joins the one before it when both are of the same kind for the same operator and batch.
fn add(segment: Segment, weight: u64, partition: PartitionId, pieces: &mut Vec<Piece>) {
    if let Some(last) = pieces.last_mut() {
        let before = &mut last.segment;
        if (before.doing, before.again, &before.of) == (segment.doing, segment.again, &segment.of) {
            last.weight = last.weight.saturating_add(weight);
            if segment.partitions > 0 && last.seen.insert(partition) {
                before.partitions += 1;
            }
            // The last RDD of an operator is its result.
            before.records = segment.records;
            before.cause = before.cause.or(segment.cause);
            return;
        }
    }
    pieces.push(Piece { segment, weight, seen: BTreeSet::from([partition]) });
}

fn add_written(task: &TaskState, widths: Widths, pieces: &mut Vec<Piece>) {
    let metrics = &task.metrics;
    let (doing, records) = if metrics.checkpoint_bytes_written > 0 {
        (Doing::WrittenCheckpoint, 0)
    } else if metrics.write_ns > 0 || metrics.shuffle_write.records > 0 {
        (Doing::Written, metrics.shuffle_write.records)
    } else {
        return;
    };
    let segment = Segment {
        doing,
        again: metrics.rerun_cause.is_some_and(|cause| cause.is_loss()),
        ns: (0, 0),
        of: None,
        partitions: 0,
        records,
        cause: metrics.rerun_cause,
    };
    let weight = if widths == Widths::Time { metrics.write_ns } else { records.max(1) };
    pieces.push(Piece { segment, weight, seen: BTreeSet::new() });
}

/// Gives every piece its place. Time that no piece has goes to the front; pieces that claim more time
/// than the task had, which only a damaged log has, share what there is.
fn placed(pieces: Vec<Piece>, widths: Widths, length: u64) -> Vec<Segment> {
    let known = pieces.iter().map(|piece| u128::from(piece.weight)).sum::<u128>();
    let rest = match widths {
        Widths::Time => u128::from(length).saturating_sub(known),
        Widths::Records => 0,
        Widths::Unknown => u128::from(length),
    };
    let mut list = Vec::with_capacity(pieces.len() + 1);
    if rest > 0 {
        let doing = if pieces.iter().any(|piece| piece.segment.of.is_some()) { Doing::Around } else { Doing::Unknown };
        let ns = (0, rest as u64);
        list.push(Segment { doing, again: false, ns, of: None, partitions: 0, records: 0, cause: None });
    }
    let room = u128::from(length) - rest;
    let mut before = 0u128;
    for Piece { mut segment, weight, .. } in pieces {
        let at = |weights: u128| (rest + room * weights / known.max(1)) as u64;
        segment.ns = (at(before), at(before + u128::from(weight)));
        before += u128::from(weight);
        list.push(segment);
    }
    list
}
