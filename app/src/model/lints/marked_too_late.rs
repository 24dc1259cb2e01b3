//! `checkpoint()` after the first action: Spark and we ignore it, and say so only in an event.

use super::super::Model;
use super::{FindingLine, Place, Severity};

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    // The engine reports; other kinds of its findings are shown as they are.
    let line = |finding: &std::sync::Arc<faultline_engine::event::Finding>| {
        let late = finding.kind == "checkpoint-marked-too-late";
        FindingLine {
            kind: if late { "checkpoint-marked-too-late" } else { "reported" },
            severity: if late { Severity::Problem } else { Severity::Warning },
            sentence: finding.message.clone(),
            place: Place { words: finding.place.clone(), block: None },
            remedy: if late { "Write .checkpoint() before the first action on it".to_owned() } else { String::new() },
        }
    };
    let mut lines: Vec<FindingLine> = Vec::new();
    for finding in model.findings.iter().rev().take(super::RDDS_LOOKED_AT).map(line) {
        // The same line of the program, once for every RDD it made.
        if !lines.iter().any(|known| known.kind == finding.kind && known.place == finding.place) {
            lines.push(finding);
        }
    }
    lines
}
