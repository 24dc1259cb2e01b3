//! `windowed-counts`: the words of the last seconds of a text, from the window before: what left is
//! taken away, what came is added.

use super::word_count::words;
use super::{BuiltIn, ProgramInput, run_stream};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::Millis;
use crate::rdd::{Line, SparkContext};
use crate::streaming::StreamingContext;
use std::cmp::Reverse;

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "windowed-counts",
    summary: "counts the words of the last 4 s, from the window before: what left is taken away, what came is added; checkpointed every 5 s",
    about: "a window that reaches back",
    kept_operator: "reduceByKeyAndWindow",
    level: StorageLevel::MEMORY_ONLY_SER,
    streaming: true,
    must_checkpoint: true,
    sample: None,
    run,
};

/// Words printed after each batch.
const TOP: usize = 5;

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    run_stream(sc, input, |ssc| build(ssc, input))
}

fn build(ssc: &StreamingContext, input: &ProgramInput) -> Result<()> {
    let counts = input
        .lines(ssc)?
        .flat_map(|line: Line| words(&line))
        .map(|word| (word, 1u64))
        .reduce_by_key_and_window_filtered(
            |a, b| a + b,
            |window, left| window - left,
            |(_, count)| *count > 0,
            Millis(4000),
            Millis(1000),
        )?
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
