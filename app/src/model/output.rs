//! What the program printed, findings about the run, and events of kinds that we do not know.

use super::Model;
use super::retention::{MAX_OUTPUT_LINES, MAX_UNKNOWN_KINDS};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// What the program printed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLines {
    /// Batch.
    pub batch: Option<BatchId>,
    /// Output operation.
    pub output_op: Option<OutputOpId>,
    /// Lines.
    pub lines: Vec<String>,
}

impl Model {
    pub(super) fn output_printed(&mut self, batch: Option<BatchId>, output_op: Option<OutputOpId>, lines: &[String]) {
        let lines: Vec<String> = lines.iter().take(MAX_OUTPUT_LINES).cloned().collect();
        self.index.output_lines += lines.len();
        self.output.push_back(Arc::new(PrintedLines { batch, output_op, lines }));
    }

    pub(super) fn finding_reported(&mut self, finding: &Finding) {
        self.batch_reported(finding);
        self.batch_incomplete(finding);
        self.findings.push_back(Arc::new(finding.clone()));
    }

    pub(super) fn unknown_event(&mut self, name: &str) {
        if let Some(count) = self.unknown.get_mut(name) {
            *count += 1;
        } else if self.unknown.len() < MAX_UNKNOWN_KINDS {
            self.unknown.insert(name.to_owned(), 1);
        }
    }
}
