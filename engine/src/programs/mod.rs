//! The built-in programs.

mod input;
mod join_streams;
mod ledger;
mod log_sessions;
mod page_rank;
mod simulated;
mod windowed_counts;
mod word_count;

pub use input::{BadSource, InputSource, ProgramInput};
pub use simulated::{SentLines, SimulatedClient};

use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::{Millis, OperatorName};
use crate::rdd::{ReplayText, SparkContext};
use crate::streaming::StreamingContext;

/// Where checkpoints go when the settings do not say.
const CHECKPOINTS: &str = "checkpoint";
/// Of all programs that stream.
const BATCH_INTERVAL: Millis = Millis(1000);

/// A built-in program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Name on the command line.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// The operator whose level and interval the policies of a race replace.
    pub kept_operator: &'static str,
    /// Level that the program sets on it.
    pub level: StorageLevel,
    /// Whether it runs in batches.
    pub streaming: bool,
    /// Whether Spark refuses this operator without memory, or without a checkpoint.
    pub must_checkpoint: bool,
    sample: Option<fn(u64) -> ReplayText>,
    run: fn(&SparkContext, &ProgramInput) -> Result<()>,
}

impl BuiltIn {
    /// Runs the program.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn run(&self, sc: &SparkContext, input: &ProgramInput) -> Result<()> {
        (self.run)(sc, input)
    }

    /// A text of its own, the same for the same seed, for programs that want another than a book.
    pub fn sample(&self, seed: u64) -> Option<ReplayText> {
        self.sample.map(|make| make(seed))
    }

    /// The operator whose policy a race varies.
    pub fn kept(&self) -> OperatorName {
        self.kept_operator.into()
    }
}

/// Runs a stream that goes on where a former driver stood: `build` makes its streams, with or without what that
/// one left in the checkpoint directory of the settings.
fn run_stream(
    sc: &SparkContext,
    input: &ProgramInput,
    build: impl FnOnce(&StreamingContext) -> Result<()>,
) -> Result<()> {
    let dir = sc.config().checkpoint_dir.clone().unwrap_or_else(|| CHECKPOINTS.to_owned());
    let ssc = StreamingContext::get_or_create(sc, &dir, |sc| {
        let ssc = StreamingContext::new(sc, input.interval(BATCH_INTERVAL));
        ssc.checkpoint(&dir);
        build(&ssc)?;
        Ok(ssc)
    })?;
    ssc.start()?;
    ssc.await_termination()
}

/// All built-in programs.
pub const ALL: [BuiltIn; 6] = [
    word_count::PROGRAM,
    windowed_counts::PROGRAM,
    join_streams::PROGRAM,
    log_sessions::PROGRAM,
    page_rank::PROGRAM,
    ledger::PROGRAM,
];

/// The program called `name`.
pub fn find(name: &str) -> Option<BuiltIn> {
    ALL.into_iter().find(|p| p.name == name)
}
