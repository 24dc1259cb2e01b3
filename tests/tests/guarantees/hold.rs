//! Holds a run against the promise of its cell, and the runs of a cell against each other: what may be lost must
//! really be lost in some, or the promise is too weak.

use super::run::{INTERVAL, Output, Ran, Total, run};
use super::table::{Cell, Failure, Fate, Mode, Source, State, Told, Twice};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::receiver::Delivery;
use std::collections::{BTreeMap, BTreeSet};

/// What the runs of a cell did.
#[derive(Default)]
pub struct Tally {
    runs: u64,
    /// Records lost, by how far they were.
    lost: BTreeMap<Fate, u64>,
    twice: u64,
    incomplete: u64,
}

/// One run, with what it was about.
struct Case<'a> {
    cell: &'a Cell,
    ran: Ran,
    fates: BTreeMap<u64, Fate>,
    /// The batches of each record. Those of different lives are different ones where no checkpoint joins them.
    batches: BTreeMap<u64, BTreeSet<(u32, u32)>>,
}

/// How far each record was when it happened.
fn fates(cell: &Cell, ran: &Ran) -> BTreeMap<u64, Fate> {
    let (at, before) = ran.before_failure();
    let processed = ran.processed();
    let accepted: BTreeSet<u64> = before
        .iter()
        .filter_map(|e| match &e.event {
            Event::ReceivedBlockAdded(added) => ran.blocks.get(&added.block),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    let received = matches!(cell.source, Source::Receiver { .. });
    let again = ran.events().filter_map(|(_, event)| match event {
        Event::StreamingStarted { zero, .. } => Some(*zero),
        _ => None,
    });
    let again = again.last().expect("the stream started");
    let fate = |record: u64, came: Timestamp| match () {
        () if processed.contains(&record) => Fate::Processed,
        () if received && accepted.contains(&record) => Fate::Stored,
        () if received && came <= at => Fate::Buffered,
        () if !received && came <= at => Fate::Stored,
        () if !received && came <= again => Fate::Downtime,
        () => Fate::Later,
    };
    ran.came.iter().map(|(record, came)| (*record, fate(*record, *came))).collect()
}

impl<'a> Case<'a> {
    fn new(cell: &'a Cell, seed: u64) -> Self {
        let ran = run(cell, seed);
        let fates = fates(cell, &ran);
        let anew = cell.mode == Mode::Plain || cell.failure == Failure::DeWithStore;
        let mut batches: BTreeMap<u64, BTreeSet<(u32, u32)>> = BTreeMap::new();
        for Output { life, batch, records } in &ran.outputs {
            let life = if anew { *life } else { 0 };
            for record in records {
                batches.entry(*record).or_default().insert((life, *batch));
            }
        }
        Self { cell, ran, fates, batches }
    }

    fn lost(&self, fate: Fate) -> BTreeSet<u64> {
        let lost = self.fates.iter().filter(|(record, of)| **of == fate && !self.batches.contains_key(record));
        lost.map(|(record, _)| *record).collect()
    }

    /// That it truly struck while records were under way, and where it was to.
    fn struck(&self) -> Result<(), String> {
        let under_way = self.fates.values().filter(|fate| matches!(fate, Fate::Buffered | Fate::Stored)).count();
        if under_way == 0 {
            return Err("nothing was under way".to_owned());
        }
        let (_, before) = self.ran.before_failure();
        let receiver = before.iter().rev().find_map(|e| match &e.event {
            Event::ReceiverStarted { receiver } => Some(receiver.executor),
            _ => None,
        });
        let gone = self.ran.events().find_map(|(_, event)| match event {
            Event::ExecutorRemoved { executor, .. } => Some(*executor),
            _ => None,
        });
        let (Some(receiver), Some(gone)) = (receiver, gone) else { return Ok(()) };
        match self.cell.failure {
            Failure::E if receiver == Some(gone) => Err("the receiver was on the executor".to_owned()),
            Failure::Re if receiver != Some(gone) => Err(format!("the receiver was on {receiver:?}")),
            _ => Ok(()),
        }
    }

    /// Records that nobody took came while no receiver ran, which is after the failure and, for a receiver that never
    /// stopped, never.
    fn unheard(&self) -> Result<(), String> {
        let (at, _) = self.ran.before_failure();
        let unheard: Vec<u64> =
            self.ran.sent.keys().filter(|record| !self.ran.came.contains_key(record)).copied().collect();
        let resent = matches!(self.cell.source, Source::Receiver { delivery, .. } if delivery != Delivery::Once);
        let stays = self.cell.failure == Failure::E && !matches!(self.cell.source, Source::Receiver { copies: 1, .. });
        if (resent || stays) && !unheard.is_empty() {
            return Err(format!("nobody took {unheard:?}"));
        }
        // What the driver learns later happened before.
        let killed = Timestamp(at.0.saturating_sub(60_000_000));
        match unheard.iter().find(|record| self.ran.sent[record] < killed) {
            Some(early) => Err(format!("nobody took {early}, although the receiver ran")),
            None => Ok(()),
        }
    }

    /// Only what may be lost is lost, and something tells of it.
    fn losses(&self, tally: &mut Tally) -> Result<(), String> {
        for fate in [Fate::Buffered, Fate::Stored, Fate::Downtime, Fate::Processed, Fate::Later] {
            let lost = self.lost(fate);
            if lost.is_empty() {
                continue;
            }
            let Some((_, told)) = self.cell.promise.lost.iter().find(|(may, _)| *may == fate) else {
                return Err(format!("{fate:?} records are lost: {lost:?}"));
            };
            *tally.lost.entry(fate).or_default() += lost.len() as u64;
            self.told(*told, &lost).map_err(|why| format!("{fate:?} records {lost:?} are lost, and {why}"))?;
        }
        Ok(())
    }

    fn told(&self, told: Told, lost: &BTreeSet<u64>) -> Result<(), String> {
        let any = |which: &dyn Fn(&Event) -> bool| self.ran.events().any(|(_, event)| which(event));
        let said = match told {
            Told::Receiver => any(
                &|event| matches!(event, Event::ReceiverStopped { receiver } if receiver.last_error_message.contains("what it had buffered is lost")),
            ),
            Told::Blocks => return self.blocks_told(lost),
            Told::Files => {
                let names: u64 = self.ran.findings("files-older-than-the-stream").count() as u64;
                names == 1
            }
            Told::Anew => self.ran.findings("stream-begins-anew").count() == 1,
            Told::End => any(&|event| matches!(event, Event::DriverLost { .. })),
            Told::Refused => {
                matches!(&self.ran.result, Err(error) if error.to_string().contains("queueStream doesn't support checkpointing"))
            }
        };
        if said { Ok(()) } else { Err(format!("nothing says so: {told:?}")) }
    }

    /// Findings count the records of blocks of which nothing is left, and of batches that failed.
    fn blocks_told(&self, lost: &BTreeSet<u64>) -> Result<(), String> {
        let records = |finding: &Finding, before: &str| -> u64 {
            let (head, _) = finding.message.split_once(before).unwrap_or_default();
            head.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        let named: u64 = self.ran.findings("received-blocks-lost").map(|f| records(f, " records")).sum();
        let skipped: u64 = self.ran.findings("batch-skipped").map(|f| records(f, " records")).sum();
        for finding in self.ran.findings("batch-skipped") {
            if !finding.message.contains("Could not compute split, block input-") {
                return Err(format!("a batch failed over something else: {}", finding.message));
            }
        }
        if named + skipped >= lost.len() as u64 {
            Ok(())
        } else {
            Err(format!("findings name {named} records and {skipped} of failed batches"))
        }
    }

    fn twice(&self, tally: &mut Tally) -> Result<(), String> {
        let twice: Vec<_> = self.batches.iter().filter(|(_, batches)| batches.len() > 1).collect();
        tally.twice += u64::from(!twice.is_empty());
        match twice.first() {
            Some(first) if self.cell.promise.twice == Twice::Never => Err(format!("a record came twice: {first:?}")),
            _ => Ok(()),
        }
    }

    /// After each batch the state is what all batches so far make of it.
    fn state(&self, tally: &mut Tally) -> Result<(), String> {
        let mut contents: BTreeMap<u32, &Vec<u64>> = BTreeMap::new();
        for Output { batch, records, .. } in &self.ran.outputs {
            let before = contents.entry(*batch).or_insert(records);
            if *before != records
                && self.cell.promise.state == State::Whole
                && self.cell.mode != Mode::Plain
                && self.cell.failure != Failure::DeWithStore
            {
                return Err(format!("batch {batch} gave {before:?} and then {records:?}"));
            }
        }
        if self.cell.failure == Failure::DeWithStore {
            return Ok(());
        }
        let wrong = self.ran.totals.iter().find(|Total { batch, count, sum, .. }| {
            let so_far = || contents.range(..=batch).flat_map(|(_, records)| records.iter().copied());
            (so_far().count() as u64, so_far().sum::<u64>()) != (*count, *sum)
        });
        let Some(wrong) = wrong else { return Ok(()) };
        tally.incomplete += 1;
        if self.cell.promise.state == State::Whole {
            return Err(format!("the state is {wrong:?}, which the batches do not give"));
        }
        if self.ran.findings("state-incomplete").next().is_none() {
            return Err(format!("the state is {wrong:?}, which the batches do not give, and nothing says so"));
        }
        Ok(())
    }

    /// The stream ended well, unless it was refused.
    fn ended(&self) -> Result<(), String> {
        let refused = self.cell.promise.lost.iter().any(|(_, told)| *told == Told::Refused);
        match &self.ran.result {
            Err(error) if !refused => Err(format!("it ended with {error}")),
            Ok(()) if refused => Err("it went on".to_owned()),
            _ => Ok(()),
        }
    }

    fn hold(&self, tally: &mut Tally) -> Result<(), String> {
        self.ended()?;
        self.struck()?;
        self.unheard()?;
        self.losses(tally)?;
        self.twice(tally)?;
        self.state(tally)
    }
}

impl Tally {
    /// One run of a cell.
    ///
    /// # Panics
    /// When it does not keep its promise; with the seed.
    pub fn hold(&mut self, cell: &Cell, seed: u64) {
        self.runs += 1;
        let case = Case::new(cell, seed);
        if let Err(why) = case.hold(self) {
            panic!("seed {seed}, {cell:?}, batches of {INTERVAL} ms: {why}");
        }
    }

    /// All runs of a cell: what the promise allows happened in some.
    ///
    /// # Panics
    /// When it did not.
    pub fn check(&self, cell: &Cell) {
        for (fate, _) in cell.promise.lost {
            assert!(self.lost.contains_key(fate), "{cell:?}: in {} runs no {fate:?} record was lost", self.runs);
        }
        let twice = cell.promise.twice != Twice::Real || self.twice > 0;
        assert!(twice, "{cell:?}: in {} runs no record came twice", self.runs);
        let incomplete = cell.promise.state == State::Whole || self.incomplete > 0;
        assert!(incomplete, "{cell:?}: in {} runs the state was whole", self.runs);
    }
}
