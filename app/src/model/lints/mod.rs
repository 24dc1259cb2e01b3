//! Lints over the run: what should be looked at, where, and the way out.
//!
//! One file per lint, each a function from the model to lines. They look at the newest part of the run
//! only, and [`LintCache`] runs them when a job or a batch has ended, not with every event.

mod checkpoint_twice;
mod falling_behind;
mod long_lineage;
mod marked_too_late;
mod often_checkpointed;
mod repeated;
mod skew;
mod under_replicated;

use super::Model;
use faultline_engine::ids::*;

/// Tasks that a lint looks at, the newest ones.
pub(super) const TASKS_LOOKED_AT: usize = 2_048;
/// RDDs that a lint looks at, the newest ones.
pub(super) const RDDS_LOOKED_AT: usize = 1_024;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run does not do what the program says, or will not keep up.
    Problem,
    /// A loss, or the next job, costs more than it has to.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `updateStateByKey, batch 12` or a line of the program.
    pub words: String,
    /// The partition that shows it.
    pub block: Option<BlockId>,
}

/// One finding: what, where, the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingLine {
    /// Stable name: `lineage-long`.
    pub kind: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence.
    pub sentence: String,
    /// Where.
    pub place: Place,
    /// What to write.
    pub remedy: String,
}

/// All findings, those that matter most first.
pub fn check(model: &Model) -> Vec<FindingLine> {
    let lints = [
        marked_too_late::check,
        falling_behind::check,
        long_lineage::check,
        repeated::check,
        checkpoint_twice::check,
        under_replicated::check,
        skew::check,
        often_checkpointed::check,
    ];
    let mut lines: Vec<FindingLine> = lints.iter().flat_map(|lint| lint(model)).collect();
    lines.sort_by_key(|line| line.severity);
    lines
}

/// What the lints last saw: they run again when it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    application: String,
    completed_batches: u64,
    last_job: Option<JobId>,
    running_jobs: usize,
    findings: Option<String>,
    faults: usize,
    alive: usize,
}

impl Seen {
    fn of(model: &Model) -> Self {
        Self {
            application: model.application.id.clone(),
            completed_batches: model.index.completed_batches,
            last_job: model.jobs.get_max().map(|(id, _)| *id),
            running_jobs: model.index.running_jobs.len(),
            findings: model.findings.back().map(|f| f.message.clone()),
            faults: model.faults.len(),
            alive: model.executors.values().filter(|e| e.alive).count(),
        }
    }
}

/// The findings of the last look.
#[derive(Clone, Debug, Default)]
pub struct LintCache {
    revision: Option<u64>,
    seen: Option<Seen>,
    lines: Vec<FindingLine>,
}

impl LintCache {
    /// The findings, looked for again when a job, a batch, an executor or a fault came or went.
    pub fn get(&mut self, model: &Model) -> &[FindingLine] {
        if self.revision != Some(model.revision) {
            self.revision = Some(model.revision);
            let seen = Seen::of(model);
            if self.seen.as_ref() != Some(&seen) {
                self.lines = check(model);
                self.seen = Some(seen);
            }
        }
        &self.lines
    }
}

/// `updateStateByKey, batch 12`.
fn place_of(model: &Model, rdd: RddId, partition: PartitionId) -> Place {
    let words = match model.rdds.get(&rdd).map(|r| &r.info.op) {
        Some(op) => op.batch.map_or_else(|| op.operator.to_string(), |batch| format!("{}, batch {batch}", op.operator)),
        None => format!("RDD {rdd}"),
    };
    Place { words, block: Some(BlockId::new(rdd, partition)) }
}
