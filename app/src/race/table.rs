//! The race as a table for people.
//!
//! "Every batch" is the struck batch of the run without the fault: what this policy computes again
//! although nothing fails. All counts are of (operator, batch, partition).

use super::fate_table::write_fates;
use super::{Lane, Race, Words, human_bytes, outcome_sentence, signed};
use crate::model::Tally;
use std::fmt::Write;

/// Cells of the longest bar.
const BAR_CELLS: u64 = 24;
/// Work that this batch does anyway.
const ANYWAY: char = '█';
/// A partition read from a checkpoint.
const READ: char = '↓';
/// Work that exists because of the fault.
const ADDED: char = '▒';

/// The table, its outcome, and how to read it.
pub fn race_table(race: &Race) -> String {
    let words = Words::of(&race.faults, race.streaming);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_table(race, &words, &mut text);
    text
}

fn write_table(race: &Race, words: &Words, text: &mut String) -> std::fmt::Result {
    if race.is_of_received() {
        return write_fates(race, words, text);
    }
    let (program, seed, faults) = (&race.program, race.seed, race.faults.join(", "));
    writeln!(text, "{}", outcome_sentence(race))?;
    writeln!(text, "{program} · seed {seed} · {faults}")?;
    writeln!(text)?;
    header(words, text)?;
    let longest = race.lanes.iter().map(|lane| bar_length(&lane.struck.with_fault)).max().unwrap_or(0);
    for lane in &race.lanes {
        write_lane(lane, longest, text)?;
    }
    writeln!(text, "{ANYWAY} done anyway   {READ} read from the checkpoint   {ADDED} added by the {}", words.fault)?;
    let all = if words.counted.is_empty() { String::new() } else { format!(": {}", words.counted) };
    writeln!(text, "Counted in (operator, batch, partition), where a column names no other unit{all}.")?;
    match race.common_hash() {
        Some(hash) => {
            let lanes = race.lanes.len();
            let with_and_without = format!("with the {} and without", words.fault);
            writeln!(text, "Results are identical in all {lanes} lanes, {with_and_without}: sha256 {hash}")
        }
        None => {
            writeln!(text, "!!! THE RESULTS DIFFER. No policy and no fault may change a result:")?;
            for lane in &race.lanes {
                let (with, without) = (&lane.output_sha256, &lane.output_sha256_without_fault);
                writeln!(text, "!!! {:<18} with {with}  without {without}", lane.policy.title())?;
            }
            Ok(())
        }
    }
}

fn header(words: &Words, text: &mut String) -> std::fmt::Result {
    let Words { fault, part, every, .. } = words;
    let work = format!("work in the {part}");
    let the_fault = format!("the {fault}");
    line(["", &work, every[0], part, "added by", "read from", "upkeep:"], text)?;
    line(["", &the_fault, every[1], &the_fault, &the_fault, "checkpoint", "memory · written"], text)
}

fn write_lane(lane: &Lane, longest: u64, text: &mut String) -> std::fmt::Result {
    let (memory, written) = (lane.upkeep.cached_bytes_peak, lane.upkeep.checkpoint_bytes_written);
    let upkeep = format!("{} · {}", human_bytes(memory), human_bytes(written));
    if lane.struck_at.is_none() {
        line([lane.policy.title(), "the fault did not strike", "-", "-", "-", "-", &upkeep], text)?;
        return footnote(lane, text);
    }
    let struck = &lane.struck;
    let (without, with) = lane.counted();
    let read = match struck.with_fault.checkpoint_partitions_read {
        0 => "none".to_owned(),
        1 => "1 partition".to_owned(),
        n => format!("{n} partitions"),
    };
    line(
        [
            lane.policy.title(),
            &bar(lane, longest),
            &without.to_string(),
            &with.to_string(),
            &signed(lane.added()),
            &read,
            &upkeep,
        ],
        text,
    )?;
    footnote(lane, text)
}

fn footnote(lane: &Lane, text: &mut String) -> std::fmt::Result {
    let badge = if lane.spark_allows { "" } else { "   [Spark refuses this here]" };
    writeln!(text, "  {}{badge}", lane.explanation)?;
    writeln!(text)
}

fn line(cells: [&str; 7], text: &mut String) -> std::fmt::Result {
    let [title, bar, every, with, added, read, upkeep] = cells;
    let line = format!("{title:<20} {bar:<27} {every:>7} {with:>11} {added:>10}   {read:<13}  {upkeep}");
    writeln!(text, "{}", line.trim_end())
}

fn bar_length(with_fault: &Tally) -> u64 {
    with_fault.computed_partitions + with_fault.checkpoint_partitions_read
}

/// At least one cell for whatever is not zero.
fn bar(lane: &Lane, longest: u64) -> String {
    let cells = |count: u64| (count * BAR_CELLS).div_ceil(longest.max(1)) as usize;
    let with_fault = &lane.struck.with_fault;
    let added = u64::try_from(lane.added()).unwrap_or(0).min(with_fault.computed_partitions);
    let parts = [
        (ANYWAY, with_fault.computed_partitions - added),
        (READ, with_fault.checkpoint_partitions_read),
        (ADDED, added),
    ];
    parts.into_iter().map(|(sign, count)| sign.to_string().repeat(cells(count))).collect()
}
