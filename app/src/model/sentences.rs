//! The words of the story: pure functions from numbers to sentences.

use super::{FaultRecord, Leaving, Story};
use faultline_engine::command::StopMode;
use faultline_engine::ids::OpKey;

/// Whether a recovery is told while it runs or after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tense {
    Present,
    Past,
}

/// What a fault did, as far as the sentence distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Kill,
    Slow,
    Drop,
    Pause,
    Corrupt,
    Late,
    Twice,
    Lost,
    Other,
}

impl FaultKind {
    /// From the words of the command line: `kill:executor=2`.
    pub(super) fn of(fault: &str) -> Self {
        match fault.split(':').next().unwrap_or_default().trim() {
            "kill" => Self::Kill,
            "slow" => Self::Slow,
            "drop" => Self::Drop,
            "pause" => Self::Pause,
            "corrupt" => Self::Corrupt,
            "delay" => Self::Late,
            "repeat" => Self::Twice,
            "lose" => Self::Lost,
            _ => Self::Other,
        }
    }
}

/// `Executor 2 died before batch 8.` `moment` is what [`super::Model`] says about the time.
pub(super) fn fault(kind: FaultKind, fault: &FaultRecord, moment: &str) -> String {
    match (kind, fault.executor) {
        (FaultKind::Kill, Some(executor)) => format!("Executor {executor} died{moment}."),
        (FaultKind::Slow, Some(executor)) => format!("Executor {executor} became slow{moment}."),
        (FaultKind::Pause, Some(executor)) => format!("Executor {executor} was paused{moment}."),
        (FaultKind::Pause, None) => format!("The driver stood still{moment}."),
        (FaultKind::Late, _) => format!("A message was late{moment}."),
        (FaultKind::Twice, _) => format!("A message came twice{moment}."),
        (FaultKind::Lost, _) => format!("A message got lost{moment}."),
        (FaultKind::Corrupt, _) => format!("A stored partition was damaged{moment}."),
        (FaultKind::Drop, _) => format!("A stored partition was dropped{moment}."),
        _ => format!("The fault {} struck{moment}.", fault.fault),
    }
}

/// `6 stored partitions, 3 received blocks and 12 map outputs are lost.`
pub(super) fn losses(story: &Story) -> String {
    let counts = [
        (story.lost_partitions, "stored partition"),
        (story.lost_inputs, "received block"),
        (story.lost_map_outputs, "map output"),
    ];
    match list(&counts) {
        Some((things, Number::One)) => format!("{things} is lost."),
        Some((things, Number::Many)) => format!("{things} are lost."),
        None => "Nothing stored was lost.".to_owned(),
    }
}

/// `6 stored partitions and 4 map outputs moved to others; nothing was lost.`
pub(super) fn moved(leaving: &Leaving) -> String {
    match list(&[(leaving.blocks_moved, "stored partition"), (leaving.outputs_moved, "map output")]) {
        Some((things, _)) => format!("{things} moved to others; nothing was lost."),
        None => "It held nothing that nobody else has.".to_owned(),
    }
}

/// How a stream is being stopped, and what that means.
pub(super) const fn stopping(mode: StopMode) -> (&'static str, &'static str) {
    match mode {
        StopMode::Graceful => (
            "The stream is being stopped gracefully.",
            "Receivers end first, then everything that was received is processed.",
        ),
        StopMode::Immediate => {
            ("The stream is being stopped at once.", "What waits is dropped, and running jobs are cancelled.")
        }
    }
}

/// `4 state partitions and 4 map outputs are computed again; 2 partitions come back from the checkpoint.`
pub(super) fn repair(story: &Story, tense: Tense) -> String {
    let state = story.state_computed_again;
    let map_work = story.computed_again_for_map_outputs;
    let others = story.computed_again.saturating_sub(state).saturating_sub(map_work);
    let noun = if state > 0 { "other partition" } else { "partition" };
    let again = [(state, "state partition"), (others, noun), (story.map_outputs_rewritten, "map output")];
    let again = list(&again).map(|(things, number)| {
        let verb = match (tense, number) {
            (Tense::Present, Number::One) => "is",
            (Tense::Present, Number::Many) => "are",
            (Tense::Past, Number::One) => "was",
            (Tense::Past, Number::Many) => "were",
        };
        format!("{things} {verb} computed again")
    });
    let back = |number: u32, noun, place| {
        let (things, number) = list(&[(number, noun)])?;
        let verb = match (tense, number) {
            (Tense::Present, Number::One) => "comes",
            (Tense::Present, Number::Many) => "come",
            (Tense::Past, _) => "came",
        };
        Some(format!("{things} {verb} back from the {place}"))
    };
    let read = back(story.read_back, "partition", "checkpoint");
    let logged = back(story.blocks_read_back, "received block", "write-ahead log");
    let parts: Vec<String> = again.into_iter().chain(read).chain(logged).collect();
    if parts.is_empty() { String::new() } else { format!("{}.", parts.join("; ")) }
}

/// `Batch 8 recovered: 4 state partitions were computed again.`
pub(super) fn closing(story: &Story, subject: &str) -> String {
    let repaired = repair(story, Tense::Past);
    if repaired.is_empty() {
        format!("{subject} completed; nothing had to be computed again.")
    } else {
        format!("{subject} recovered: {repaired}")
    }
}

/// `The state of batch 5 is checkpointed.`
pub(super) fn checkpointed(op: &OpKey, stateful: bool) -> String {
    match op.batch {
        Some(batch) if stateful => format!("The state of batch {batch} is checkpointed."),
        Some(batch) => format!("{} of batch {batch} is checkpointed.", op.operator),
        None => format!("{} is checkpointed.", op.operator),
    }
}

/// `A second job wrote 6 partitions to the store; the lineage is cut.`
pub(super) fn checkpoint_written(parts: usize, second_job: bool) -> String {
    let partitions = count(parts as u64, "partition");
    if second_job {
        format!("A second job wrote {partitions} to the store; the lineage is cut.")
    } else {
        format!("The store now holds {partitions}; the lineage is cut.")
    }
}

/// `120 records came in.`
pub(super) fn records_came_in(records: u64) -> String {
    format!("{} came in.", count(records, "record"))
}

/// `It took 412 ms.`
pub(super) fn it_took(ns: u64) -> String {
    format!("It took {} ms.", ns / 1_000_000)
}

/// `7 batches completed.`, or nothing for a program without batches.
pub(super) fn batches_completed(batches: u64) -> String {
    match batches {
        0 => String::new(),
        1 => "1 batch completed.".to_owned(),
        n => format!("{n} batches completed."),
    }
}

/// The first line of an error, which is all that a sentence has room for.
pub(super) fn first_line(error: &str) -> String {
    error.lines().next().unwrap_or_default().to_owned()
}

#[derive(Clone, Copy)]
enum Number {
    One,
    Many,
}

/// `a, b and c` of those counts that are not zero; `None` when all are.
fn list(counts: &[(u32, &str)]) -> Option<(String, Number)> {
    let total: u64 = counts.iter().map(|c| u64::from(c.0)).sum();
    let things: Vec<String> = counts.iter().filter(|c| c.0 > 0).map(|&(n, noun)| count(n.into(), noun)).collect();
    let (last, before) = things.split_last()?;
    let text = if before.is_empty() { last.clone() } else { format!("{} and {last}", before.join(", ")) };
    Some((text, if total == 1 { Number::One } else { Number::Many }))
}

/// `1 batch`, `2 batches`.
pub(super) fn count(n: u64, noun: &str) -> String {
    let plural = if noun.ends_with("ch") { "es" } else { "s" };
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}{plural}") }
}

/// `a, b and c` of those counts that are not zero; `None` when all are.
pub(super) fn list_of(counts: &[(u32, &str)]) -> Option<String> {
    list(counts).map(|(things, _)| things)
}
