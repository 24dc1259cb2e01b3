//! Commands that the engine refused, with its reason.

use super::Model;
use faultline_engine::command::Command;
use faultline_engine::ids::*;
use std::sync::Arc;

/// A command that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What was asked for.
    pub command: Command,
    /// Why not, and the way out.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Model {
    pub(super) fn command_rejected(&mut self, command: &Command, reason: &str) {
        let refusal = Refusal { command: command.clone(), reason: reason.to_owned(), at: self.now };
        self.refusals.push_back(Arc::new(refusal));
    }
}
