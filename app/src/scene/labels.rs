//! Words: what a node, a file and a cut are called on screen and by assistive technology.

use crate::model::{CheckpointState, Sign};
use faultline_engine::ids::OperatorName;

/// Operator names in the title of a folded node at most.
const NAMES_MAX: usize = 4;

/// The title of a node that stands for these operators: `flatMap · map`.
pub(super) fn title<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = is_cut_short(names.len());
    let mut title = names.take(NAMES_MAX).collect::<Vec<_>>().join(" · ");
    if more {
        title.push_str(" · …");
    }
    title
}

/// Whether a title of so many operators leaves some out.
pub(super) fn is_cut_short(operators: usize) -> bool {
    operators > NAMES_MAX
}

/// The operator's name without the ordinal that tells repeated ones apart.
pub(super) fn base_name(operator: &OperatorName) -> &str {
    let name = operator.as_str();
    match name.rsplit_once('#') {
        Some((base, ordinal)) if !base.is_empty() && ordinal.parse::<u32>().is_ok() => base,
        _ => name,
    }
}

/// `updateStateByKey, batch 8, 2 computing again, 4 in memory`.
pub(super) fn node_label(names: &str, place: &str, counts: &[(Sign, u32)]) -> String {
    let mut label = with_place(names, place);
    for &(sign, count) in counts {
        label.push_str(&format!(", {count} {}", sign_words(sign, count)));
    }
    label
}

/// `flatMap · map, batch 5, no longer needed`.
pub(super) fn ghost_label(names: &str, place: &str) -> String {
    format!("{}, no longer needed", with_place(names, place))
}

/// `checkpoint file of updateStateByKey, batch 5, 6 parts`.
pub(super) fn file_label(names: &str, place: &str, checkpoint: &CheckpointState) -> String {
    let parts = checkpoint.parts.len();
    format!("checkpoint file of {}, {parts} {}", with_place(names, place), plural(parts, "part", "parts"))
}

/// `rdd-41 · 6 parts`.
pub(super) fn file_subtitle(checkpoint: &CheckpointState) -> String {
    let directory = checkpoint.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let parts = checkpoint.parts.len();
    format!("{directory} · {parts} {}", plural(parts, "part", "parts"))
}

/// `26 RDDs no longer needed`; nothing when the log does not tell.
pub(super) fn cut_note(released: usize) -> String {
    if released == 0 {
        return String::new();
    }
    format!("{released} {} no longer needed", plural(released, "RDD", "RDDs"))
}

/// `100000 RDDs`.
pub(super) fn rdd_count(count: usize) -> String {
    format!("{count} {}", plural(count, "RDD", "RDDs"))
}

fn with_place(names: &str, place: &str) -> String {
    if place.is_empty() { names.to_owned() } else { format!("{names}, {place}") }
}

fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

fn sign_words(sign: Sign, count: u32) -> &'static str {
    match sign {
        Sign::CheckpointPart if count != 1 => "checkpoint parts",
        _ => sign.name(),
    }
}
