//! `word-count`: a text replayed as a stream, its words counted over all batches.

use super::{BuiltIn, ProgramInput, run_stream};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::Millis;
use crate::rdd::{Line, SparkContext};
use crate::streaming::StreamingContext;
use std::cmp::Reverse;

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "word-count",
    summary: "counts the words of a text over all batches; the state is kept in memory and checkpointed every 5 s",
    about: "a stream with state",
    kept_operator: "updateStateByKey",
    level: StorageLevel::MEMORY_ONLY_SER,
    streaming: true,
    must_checkpoint: true,
    sample: None,
    run,
};

/// Words printed after each batch.
const TOP: usize = 5;

/// The words of a line: runs of letters and apostrophes, in lower case.
pub(super) fn words(line: &Line) -> Vec<Line> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(|word| Line::from(word.to_lowercase()))
        .collect()
}

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    run_stream(sc, input, |ssc| build(ssc, input))
}

fn build(ssc: &StreamingContext, input: &ProgramInput) -> Result<()> {
    let lines = input.lines(ssc)?;
    let counts = lines
        .flat_map(|line: Line| words(&line))
        .map(|word| (word, 1u64))
        .update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| Some(old.unwrap_or(0) + new.iter().sum::<u64>()))
        .checkpoint(Millis(5000))?;
    input.save(&counts);
    counts.for_each_rdd(|rdd, _| {
        let mut all = rdd.collect()?;
        rdd.context().emit(&all);
        all.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        rdd.context().print(all.iter().take(TOP).map(|(word, count)| format!("('{word}', {count})")).collect());
        Ok(())
    });
    Ok(())
}
