//! `toDebugString`, in Spark's text (format rules observed on Spark 3.5.9).
//!
//! A narrow child stands below its parent at the same indent; a shuffle child is announced by
//! ` +-(n) ` and indents its subtree by three columns more. The bracket on every line is the storage
//! level of the root. A line with what is stored follows each RDD that has blocks.

use super::LineageGraph;
use crate::event::{DependencyKind, RddInfo, StorageLevel};
use crate::ids::RddId;

/// What is stored of one RDD, and whether its lineage is to be cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockSummary {
    /// Partitions that some executor holds.
    pub cached_partitions: u32,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Whether `checkpoint()` was called and nothing is written yet.
    pub marked: bool,
}

/// How much the text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What Spark tells, letter by letter.
    Spark,
    /// Also of how many partitions how many are cached, and marks that no job has honoured yet.
    Full,
}

/// The text of `rdd.toDebugString`, as Spark prints it. `blocks` tells what is stored of an RDD.
///
/// Shared parents are printed again each time, as in Spark; to stay bounded on diamonds the text ends
/// with a line saying so after `max_lines` lines.
pub fn to_debug_string(
    lineage: &LineageGraph,
    root: RddId,
    level: StorageLevel,
    blocks: impl Fn(RddId) -> BlockSummary,
    max_lines: usize,
) -> String {
    debug_string(lineage, root, (level, Detail::Spark), blocks, max_lines)
}

/// Where an RDD stands in the text.
enum Position {
    First,
    Narrow,
    Shuffled { is_last: bool },
}

struct Frame {
    rdd: RddId,
    prefix: String,
    position: Position,
}

/// As [`to_debug_string`], with the wanted detail beside the level of the root.
pub fn debug_string(
    lineage: &LineageGraph,
    root: RddId,
    (level, detail): (StorageLevel, Detail),
    blocks: impl Fn(RddId) -> BlockSummary,
    max_lines: usize,
) -> String {
    let persistence = if level.is_valid() { level.description() } else { String::new() };
    let mut lines: Vec<String> = Vec::new();
    let mut todo = vec![Frame { rdd: root, prefix: String::new(), position: Position::First }];
    while let Some(frame) = todo.pop() {
        if lines.len() >= max_lines {
            lines.push(format!("… the text ends after {max_lines} lines"));
            break;
        }
        let Some(info) = lineage.get(frame.rdd) else { continue };
        let (first, below) = prefixes(&frame, info.num_partitions);
        let stored = blocks(frame.rdd);
        lines.push(first + &description(info, &persistence, stored, detail));
        let gap = if matches!(frame.position, Position::First) { " " } else { "" };
        lines.extend(storage_line(info, stored, detail).map(|line| format!("{below}{gap}{line}")));
        let count = info.parents.len();
        for (i, parent) in info.parents.iter().enumerate().rev() {
            let position = if matches!(parent.kind, DependencyKind::Shuffle { .. }) {
                Position::Shuffled { is_last: i + 1 == count }
            } else {
                Position::Narrow
            };
            todo.push(Frame { rdd: parent.rdd, prefix: below.clone(), position });
        }
    }
    lines.join("\n")
}

/// What stands before an RDD, and before everything below it.
fn prefixes(frame: &Frame, partitions: u32) -> (String, String) {
    let partitions = format!("({partitions})");
    let bar = (partitions.len() - 1) / 2;
    let under = format!("{}|{}", " ".repeat(bar), " ".repeat(partitions.len() - bar));
    match frame.position {
        Position::First => (format!("{partitions} "), under),
        Position::Narrow => (frame.prefix.clone(), frame.prefix.clone()),
        Position::Shuffled { is_last } => {
            let base = without_last_bar(&frame.prefix);
            let open = if is_last { "  " } else { "| " };
            (format!("{base}+-{partitions} "), format!("{base}{open}{under}"))
        }
    }
}

/// The prefix without its last bar, when only spaces follow that.
fn without_last_bar(prefix: &str) -> &str {
    let trimmed = prefix.trim_end_matches(' ');
    if trimmed.len() == prefix.len() { prefix } else { trimmed.strip_suffix('|').unwrap_or(prefix) }
}

fn description(info: &RddInfo, persistence: &str, stored: BlockSummary, detail: Detail) -> String {
    let name = info.name.as_ref().map(|n| format!("{n} ")).unwrap_or_default();
    let mark = if stored.marked && detail == Detail::Full { " marked for checkpoint, not written" } else { "" };
    format!("{name}{}[{}] at {} [{persistence}]{mark}", info.class, info.id, info.callsite)
}

fn storage_line(info: &RddInfo, stored: BlockSummary, detail: Detail) -> Option<String> {
    let cached = stored.cached_partitions;
    let of = if detail == Detail::Full && cached < info.num_partitions {
        format!(" of {}", info.num_partitions)
    } else {
        String::new()
    };
    let (memory, disk) = (spark_bytes(stored.memory_bytes), spark_bytes(stored.disk_bytes));
    (cached > 0).then(|| format!("    CachedPartitions: {cached}{of}; MemorySize: {memory}; DiskSize: {disk}"))
}

/// Bytes in Spark's words: `480.0 B`, `2.7 KiB`.
pub fn spark_bytes(bytes: u64) -> String {
    let units = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in units {
        if bytes >= 2 * size {
            return format!("{:.1} {unit}", bytes as f64 / size as f64);
        }
    }
    format!("{:.1} B", bytes as f64)
}
