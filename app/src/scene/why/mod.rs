//! Why a partition or a task was computed: a chain of steps from recorded facts, as plain data.
//!
//! A finished task says what it read (`ReadRow`, who asked for what, where it came from); what is
//! computed now is derived from the lineage, the stage and the stored blocks, as the cells are. Where
//! neither says something, nothing is said. Every walk is iterative, and the chain has a limit.

mod chain;
mod driver;
mod names;
mod needs;
mod partition;
mod reads;
mod shuffles;
mod task;
mod tiers;

pub use names::{partition_name, rdd_name};

use crate::model::{Model, RddState, Sign};
use faultline_engine::ids::{BlockId, PartitionId, TaskId};

/// The one thing inside a node that is selected: the inspector says why it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// A partition of an RDD.
    Partition(BlockId),
    /// A task attempt.
    Task(TaskId),
    /// A life of the driver, from 1.
    Driver(u32),
}

/// Steps of a chain at most; what follows is counted.
pub const MAX_STEPS: usize = 40;
/// Steps folded into one at most; what follows is counted in its words.
pub const MAX_FOLDED: usize = 12;
/// Partitions among which the most interesting one is looked for.
const MAX_COMPARED: usize = 4096;

/// Which tier of the read order served the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// A stored block, in memory or on disk.
    Memory,
    /// A checkpoint file.
    Checkpoint,
    /// The write-ahead log of a receiver.
    WriteAheadLog,
    /// Computed from its parents or its source.
    Lineage,
}

/// A question and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// `Why was partition 2 computed again?`
    pub question: String,
    /// The chain.
    pub steps: Vec<Step>,
    /// Which tier served the partition in question, when that is known.
    pub served: Option<Served>,
}

/// One line of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The sign before it.
    pub sign: Option<Sign>,
    /// What it says.
    pub words: String,
    /// Where it leads.
    pub link: Option<Focus>,
    /// Steps too plain to be shown at once.
    pub folded: Vec<Step>,
}

impl Step {
    fn new(sign: impl Into<Option<Sign>>, words: impl Into<String>) -> Self {
        Self { sign: sign.into(), words: words.into(), link: None, folded: Vec::new() }
    }

    fn to(mut self, link: Focus) -> Self {
        self.link = Some(link);
        self
    }

    fn with(mut self, folded: Vec<Step>) -> Self {
        self.folded = folded;
        self
    }
}

impl Why {
    /// The chain as lines of text, for notes and slides: signs by name, folded steps indented.
    pub fn text(&self) -> String {
        let mut text = self.question.clone();
        let line = |step: &Step, indent: &str| match step.sign {
            Some(sign) => format!("\n{indent}[{}] {}", sign.name(), step.words),
            None => format!("\n{indent}{}", step.words),
        };
        for step in &self.steps {
            text.push_str(&line(step, ""));
            step.folded.iter().for_each(|folded| text.push_str(&line(folded, "    ")));
        }
        text
    }
}

/// The answer for what is selected.
pub fn why(model: &Model, focus: Focus) -> Why {
    let mut why = match focus {
        Focus::Partition(block) => partition::why(model, block),
        Focus::Task(task) => task::why(model, task),
        Focus::Driver(life) => driver::why(model, life),
    };
    let more = why.steps.len().saturating_sub(MAX_STEPS);
    if more > 0 {
        why.steps.truncate(MAX_STEPS - 1);
        why.steps.push(Step::new(None, format!("and {} more steps", more + 1)));
    }
    why
}

/// The partition whose why is worth reading first: computed again, else lost, else read back, else
/// computing; `None` when nothing happened to any.
pub fn most_interesting(rdd: &RddState) -> Option<PartitionId> {
    let rank = |partition: PartitionId| {
        let cell = rdd.cell(partition);
        match cell.sign {
            Sign::ComputingAgain => Some(0),
            Sign::Lost => Some(1),
            _ if cell.recomputed => Some(2),
            Sign::ReadBack => Some(3),
            Sign::Computing => Some(4),
            _ => None,
        }
    };
    let partitions = (0u32..).map(PartitionId).take(rdd.partitions.len().min(MAX_COMPARED));
    partitions.filter_map(|p| Some((rank(p)?, p))).min().map(|(_, p)| p)
}
