//! Commands that the engine refused, with its reason.

use super::Model;
use faultline_engine::command::Command;
use faultline_engine::ids::*;
use std::sync::Arc;

/// How long a refusal is news, in nanoseconds of the run.
const NEWS_NS: u64 = 5_000_000_000;

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
        self.index.refused_last = true;
    }

    /// The same, as long as it is news.
    pub fn fresh_refusal(&self) -> Option<&Refusal> {
        self.last_refusal().filter(|refusal| self.now.ns_since(refusal.at) < NEWS_NS)
    }

    /// The engine's last answer, when it was a no.
    pub fn last_refusal(&self) -> Option<&Refusal> {
        self.refusals.back().filter(|_| self.index.refused_last).map(|refusal| &**refusal)
    }
}
