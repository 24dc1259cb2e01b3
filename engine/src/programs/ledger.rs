//! `ledger`: what arrived, line by line, so that anyone can count it.

use super::{BuiltIn, ProgramInput, run_stream};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::rdd::SparkContext;
use crate::streaming::StreamingContext;

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "ledger",
    summary: "hands on each line with its number, unchanged; into a sink, so that lines can be counted that were lost or came twice",
    about: "what arrived, to be counted",
    kept_operator: "map",
    level: StorageLevel::MEMORY_ONLY_SER,
    streaming: true,
    must_checkpoint: false,
    sample: None,
    run,
};

/// Lines printed after each batch.
const TOP: usize = 3;

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    run_stream(sc, input, |ssc| build(ssc, input))
}

fn build(ssc: &StreamingContext, input: &ProgramInput) -> Result<()> {
    // Counted and saved: computed once.
    let lines = input.numbered_lines(ssc)?.persist(StorageLevel::MEMORY_ONLY_SER)?;
    input.save(&lines);
    lines.for_each_rdd(|rdd, _| {
        let all = rdd.collect()?;
        rdd.context().emit(&all);
        let head = format!("{} lines", all.len());
        let shown = all.iter().take(TOP).map(|(number, text)| format!("({number}, {text})"));
        rdd.context().print(std::iter::once(head).chain(shown).collect());
        Ok(())
    });
    Ok(())
}
