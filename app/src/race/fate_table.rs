//! The lanes of a received input as a table for people: records by their fate, with the fault, and without it.

use super::{FATES, Race, Words, fate_reading, outcome_sentence, pending};
use std::fmt::Write;

/// The table, its outcome, and how to read it.
pub(super) fn write_fates(race: &Race, words: &Words, text: &mut String) -> std::fmt::Result {
    writeln!(text, "{}", outcome_sentence(race))?;
    writeln!(text, "{} · seed {} · {}", race.program, race.seed, race.faults.join(", "))?;
    writeln!(text)?;
    let with = format!("with the {}", words.fault);
    let without = format!("without the {}", words.fault);
    let [lost, once, duplicated] = FATES.map(|fate| fate.word());
    line(["", &with, "", "", "", &without, ""], text)?;
    line(["", "received", lost, once, duplicated, "received", lost], text)?;
    for lane in &race.lanes {
        let Some(fates) = lane.fates else { continue };
        if lane.struck_at.is_none() {
            line([lane.policy.title(), "the fault did not strike", "", "", "", "", ""], text)?;
            continue;
        }
        let [lost, once, duplicated] = FATES.map(|fate| fates.records(fate));
        let all = (fates.with_fault.received.records, fates.without_fault.received.records);
        let numbers = [all.0, lost.0, once.0, duplicated.0, all.1, lost.1].map(|n| n.to_string());
        let [all, lost, once, duplicated, all_without, lost_without] = &numbers;
        line([lane.policy.title(), all, lost, once, duplicated, all_without, lost_without], text)?;
        write!(text, "  {}", lane.explanation)?;
        match pending(lane) {
            0 => writeln!(text)?,
            n => writeln!(text, "; {n} records were in no batch when the run ended")?,
        }
        writeln!(text)?;
    }
    for sentence in fate_reading(race) {
        writeln!(text, "{sentence}.")?;
    }
    writeln!(text, "Counted in records, by the record-fate ledger of each run.")
}

fn line(cells: [&str; 7], text: &mut String) -> std::fmt::Result {
    let [title, all, lost, once, duplicated, all_without, lost_without] = cells;
    let line =
        format!("{title:<20} {all:>14} {lost:>9} {once:>9} {duplicated:>12}   {all_without:>16} {lost_without:>9}");
    writeln!(text, "{}", line.trim_end())
}
