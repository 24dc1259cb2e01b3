//! Words: what a node, a file and a cut are called on screen and by assistive technology.

use crate::model::{CheckpointState, Sign};
use faultline_engine::ids::OperatorName;

/// Operator names in the title of a folded node at most.
const NAMES_MAX: usize = 4;

/// The title of a node that stands for these operators: `flatMap · map`, or `map ×100 000`.
pub(super) fn title<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut runs: Vec<(&str, usize)> = Vec::new();
    let mut more = false;
    for name in names {
        let full = runs.len() == NAMES_MAX;
        match runs.last_mut() {
            Some((last, times)) if *last == name => *times += 1,
            _ if full => {
                more = true;
                break;
            }
            _ => runs.push((name, 1)),
        }
    }
    let words = runs.into_iter().map(|(name, times)| match times {
        1 => name.to_owned(),
        _ => format!("{name} ×{}", grouped(times)),
    });
    let mut title = words.collect::<Vec<_>>().join(" · ");
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

/// `100 000 RDDs`.
pub(super) fn rdd_count(count: usize) -> String {
    format!("{} {}", grouped(count), plural(count, "RDD", "RDDs"))
}

/// Thousands apart by narrow spaces, from five digits on.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let apart = |(at, digit): (usize, char)| {
        let space = at > 0 && digits.len() > 4 && (digits.len() - at).is_multiple_of(3);
        space.then_some('\u{202f}').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(apart).collect()
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
