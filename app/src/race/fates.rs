//! What became of what a receiver received, with the write-ahead log and without: numbers of the record-fate ledger
//! of each lane, and what they say.

use super::{Lane, Policy, Race, Struck, Words};
use crate::model::{Fate, Totals};
use serde::Serialize;

/// The ledger at the end of the two runs of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fates {
    /// Nothing fails.
    pub without_fault: Totals,
    /// The faults strike.
    pub with_fault: Totals,
}

impl Fates {
    /// Records of a fate with the fault, and without it.
    pub const fn records(&self, fate: Fate) -> (u64, u64) {
        (self.with_fault.of(fate).records, self.without_fault.of(fate).records)
    }
}

/// The outcome of the lanes that log and do not log what is received, in one sentence; none where there are none.
///
/// | Sentence | holds when |
/// |---|---|
/// | With the write-ahead log nothing received was lost … | the lane with the log lost no record, the one without some |
/// | … lost fewer | both lost records, the lane with the log fewer |
/// | Nothing received was lost … | neither lost a record |
/// | … as many | both lost the same number |
/// | … more | the lane with the log lost more |
pub fn fate_sentence(race: &Race) -> Option<String> {
    let lost = |policy| {
        let lane = race.lane(policy).filter(|lane| lane.struck_at.is_some())?;
        Some(lane.fates?.with_fault.lost.records)
    };
    let (on, off) = match (lost(Policy::LogOn), lost(Policy::LogOff)) {
        (Some(on), Some(off)) => (on, off),
        (Some(lost), None) => return Some(format!("With the write-ahead log {} lost.", were(lost))),
        (None, Some(lost)) => return Some(format!("Without a write-ahead log {} lost.", were(lost))),
        (None, None) => return None,
    };
    Some(match (on, off) {
        (0, 0) => "Nothing received was lost, with the write-ahead log or without.".to_owned(),
        (on, off) if on == off => format!("The write-ahead log made no difference: {} lost either way.", were(on)),
        (on, off) => format!("With the write-ahead log {} lost; without it {} lost.", were(on), were(off)),
    })
}

fn were(records: u64) -> String {
    match records {
        0 => "nothing received was".to_owned(),
        1 => "1 record was".to_owned(),
        n => format!("{n} records were"),
    }
}

/// How to read these lanes: sentences, each of which holds only when the numbers say so.
pub fn fate_reading(race: &Race) -> Vec<String> {
    let lane = |policy| race.lane(policy).filter(|lane| lane.struck_at.is_some());
    let fates = |policy| lane(policy).and_then(|lane| lane.fates);
    let mut sentences = Vec::new();
    if let (Some(on), Some(off)) = (fates(Policy::LogOn), fates(Policy::LogOff)) {
        let (on, off) = (on.with_fault, off.with_fault);
        if on.lost.records > off.lost.records {
            sentences.push(
                "A block counts when the log has it: with its receiver more was on its way into the log than into memory"
                    .to_owned(),
            );
        }
        let saved = off.lost.records.saturating_sub(on.lost.records);
        if saved > 0 && lane(Policy::LogOff).is_some_and(|lane| lane.struck_at == Some(Struck::DriverLoss)) {
            sentences.push(
                "Without the log what only executors held went with the driver; with it the next driver reads it back"
                    .to_owned(),
            );
        }
        if on.lost.records > 0 {
            sentences.push(
                "What a receiver had gathered and not stored is in no log: only a client that sends again what was not \
                 acknowledged brings it back"
                    .to_owned(),
            );
        }
    }
    let on = race.lanes.iter().find(|lane| lane.struck_at.is_some()).and_then(|lane| lane.fates);
    let unheard = on.map_or(0, |on| on.without_fault.received.records.saturating_sub(on.with_fault.received.records));
    if unheard > 0 {
        sentences.push(format!(
            "{} fewer came than without the {}: what a client sends once while no receiver runs, nobody hears",
            records(unheard),
            Words::of(&race.faults, race.streaming).fault
        ));
    }
    let twice = race.lanes.iter().filter_map(|lane| lane.fates).any(|fates| fates.with_fault.duplicated.records > 0);
    if twice {
        sentences.push(
            "Duplicated is what a batch put out that had put it out before its driver was lost: a sink that knows its \
             batches drops it"
                .to_owned(),
        );
    }
    let again = race.lanes.iter().filter_map(|lane| lane.fates).map(|fates| fates.with_fault.dropped_again).max();
    if let Some(again) = again.filter(|again| *again > 0) {
        sentences.push(format!("Clients sent {} again that an earlier block had: it was dropped", records(again)));
    }
    sentences
}

fn records(n: u64) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{n} records") }
}

/// The fates that its columns tell, in order.
pub const FATES: [Fate; 3] = [Fate::Lost, Fate::Once, Fate::Duplicated];

/// What a lane does not explain in its columns: what neither was put out nor is lost when the run ends.
pub fn pending(lane: &Lane) -> u64 {
    lane.fates.map_or(0, |fates| fates.with_fault.pending.records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::samples::received_race;

    /// The table would be crowned by a sentence that its numbers contradict.
    #[test]
    fn the_sentence_follows_from_the_numbers() {
        let cases = [
            ((0, 60), "With the write-ahead log nothing received was lost; without it 60 records were lost."),
            ((1, 60), "With the write-ahead log 1 record was lost; without it 60 records were lost."),
            ((0, 0), "Nothing received was lost, with the write-ahead log or without."),
            ((4, 4), "The write-ahead log made no difference: 4 records were lost either way."),
            ((9, 4), "With the write-ahead log 9 records were lost; without it 4 records were lost."),
        ];
        for ((on, off), expected) in cases {
            assert_eq!(fate_sentence(&received_race(on, off)).as_deref(), Some(expected));
        }
        let mut one = received_race(0, 7);
        one.lanes.remove(0);
        assert_eq!(fate_sentence(&one).as_deref(), Some("Without a write-ahead log 7 records were lost."));
        one.lanes.iter_mut().for_each(|lane| lane.struck_at = None);
        assert_eq!(fate_sentence(&one), None);
    }
}
