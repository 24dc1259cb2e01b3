//! `toDebugString`, in Spark's text (format rules observed on Spark 3.5.9).
//!
//! A narrow child stands below its parent at the same indent; a shuffle child is announced by
//! ` +-(n) ` and indents its subtree by three columns more. The bracket on every line is the storage
//! level of the root. A line with what is stored follows each RDD that has blocks.

use super::LineageGraph;
use crate::event::{DependencyKind, StorageLevel};
use crate::ids::RddId;

/// What is stored of one RDD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockSummary {
    /// Partitions that some executor holds.
    pub cached_partitions: u32,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

/// The text of `rdd.toDebugString`. `blocks` tells what is stored of an RDD.
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
    enum Position {
        First,
        Only,
        ShuffleChild { is_last: bool },
    }
    struct Frame {
        rdd: RddId,
        prefix: String,
        position: Position,
    }

    let persistence = if level.is_valid() { level.description() } else { String::new() };
    let mut lines: Vec<String> = Vec::new();
    let mut todo = vec![Frame { rdd: root, prefix: String::new(), position: Position::First }];
    while let Some(frame) = todo.pop() {
        if lines.len() >= max_lines {
            lines.push(format!("… the text ends after {max_lines} lines"));
            break;
        }
        let Some(info) = lineage.get(frame.rdd) else { continue };
        let name = info.name.as_ref().map(|n| format!("{n} ")).unwrap_or_default();
        let text = format!("{name}{}[{}] at {} [{persistence}]", info.class, info.id, info.callsite);
        let stored = blocks(frame.rdd);
        let storage = (stored.cached_partitions > 0).then(|| {
            format!(
                "    CachedPartitions: {}; MemorySize: {}; DiskSize: {}",
                stored.cached_partitions,
                spark_bytes(stored.memory_bytes),
                spark_bytes(stored.disk_bytes)
            )
        });
        let partitions = format!("({})", info.num_partitions);
        // Prefix of this RDD's children.
        let child_prefix = match frame.position {
            Position::First => {
                let bar = (partitions.len() - 1) / 2;
                let prefix = format!("{}|{}", " ".repeat(bar), " ".repeat(partitions.len() - bar));
                lines.push(format!("{partitions} {text}"));
                lines.extend(storage.map(|s| format!("{prefix} {s}")));
                prefix
            }
            Position::Only => {
                lines.push(format!("{}{text}", frame.prefix));
                lines.extend(storage.map(|s| format!("{}{s}", frame.prefix)));
                frame.prefix
            }
            Position::ShuffleChild { is_last } => {
                let base = frame.prefix.strip_suffix("|  ").unwrap_or(&frame.prefix).trim_end_matches("| ").to_owned();
                let bar = (partitions.len() - 1) / 2;
                let next = format!(
                    "{base}{}{}|{}",
                    if is_last { "  " } else { "| " },
                    " ".repeat(bar),
                    " ".repeat(partitions.len() - bar)
                );
                lines.push(format!("{base}+-{partitions} {text}"));
                lines.extend(storage.map(|s| format!("{next}{s}")));
                next
            }
        };
        let count = info.parents.len();
        for (i, parent) in info.parents.iter().enumerate().rev() {
            let position = if matches!(parent.kind, DependencyKind::Shuffle { .. }) {
                Position::ShuffleChild { is_last: i + 1 == count }
            } else {
                Position::Only
            };
            todo.push(Frame { rdd: parent.rdd, prefix: child_prefix.clone(), position });
        }
    }
    lines.join("\n")
}

/// Bytes in Spark's words: `480.0 B`, `2.7 KiB`.
fn spark_bytes(bytes: u64) -> String {
    let units = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in units {
        if bytes >= 2 * size {
            return format!("{:.1} {unit}", bytes as f64 / size as f64);
        }
    }
    format!("{:.1} B", bytes as f64)
}
