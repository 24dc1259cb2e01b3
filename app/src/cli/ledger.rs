//! `run --ledger FILE`: the record-fate ledger as a file of facts that every life of a driver goes on with.
//!
//! Each line is a fact, as JSON. It is written before the engine carries out what follows from it, so that whoever is
//! killed leaves everything behind that it had decided. A line that was being written then is torn, and ignored.

use super::supervise::DriverLife;
use crate::model::{Fate, Ledger, LedgerFact, LedgerUnit, Model, Totals};
use anyhow::Context;
use faultline_engine::ids::BatchId;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Units of a fate that are told one by one.
const UNITS_SHOWN: usize = 20;

/// The ledger while it is written. After the first error nothing more is written.
pub(super) struct LedgerFile {
    path: PathBuf,
    file: File,
    /// Lines of events that are looked at now.
    lines: Vec<u8>,
    written: io::Result<()>,
}

impl LedgerFile {
    /// Goes on with the file at `path`, or makes it. Returns what it says so far, if it says anything.
    pub fn open(path: &Path, program: &str, life: Option<&DriverLife>) -> anyhow::Result<(Self, Option<ToldLedger>)> {
        let before = if path.exists() { Some(ToldLedger::read(path)?) } else { None };
        let opened = OpenOptions::new().create(true).append(true).read(true).open(path);
        let mut file = opened.with_context(|| wrong(path))?;
        end_torn_line(&mut file).with_context(|| wrong(path))?;
        let mut ledger = Self { path: path.to_owned(), file, lines: Vec::new(), written: Ok(()) };
        ledger.put(&LedgerFact::LifeBegan { life: life.map_or(1, |life| life.number), program: program.to_owned() });
        ledger.flush();
        Ok((ledger, before))
    }

    /// Takes what the last event said.
    pub fn see(&mut self, model: &Model) {
        model.ledger.news().for_each(|fact| self.put(fact));
    }

    fn put(&mut self, fact: &LedgerFact) {
        if self.written.is_ok() {
            self.written = serde_json::to_writer(&mut self.lines, fact).map_err(io::Error::from);
            self.lines.push(b'\n');
        }
    }

    /// Whoever is killed from now on leaves these lines behind.
    pub fn flush(&mut self) {
        if self.written.is_ok() && !self.lines.is_empty() {
            self.written = self.file.write_all(&self.lines);
            self.lines.clear();
        }
    }

    /// What all lives come to, which is also the last line.
    pub fn finish(mut self) -> anyhow::Result<ToldLedger> {
        self.flush();
        let told = ToldLedger::read(&self.path)?;
        self.put(&LedgerFact::Totals(*told.ledger.totals()));
        self.flush();
        self.written.with_context(|| wrong(&self.path))?;
        Ok(told)
    }
}

fn wrong(path: &Path) -> String {
    format!("cannot write the ledger; choose another --ledger ({})", path.display())
}

/// What a killed life was writing ends there.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

/// What a file of facts says.
pub(super) struct ToldLedger {
    /// How many lives wrote it.
    lives: u32,
    ledger: Ledger,
    /// Whether its last line is the totals.
    ended: bool,
}

impl ToldLedger {
    /// Reads a file as a whole.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("cannot read the ledger; choose another --ledger ({})", path.display());
        let lines = BufReader::new(File::open(path).with_context(reading)?);
        let mut told = Self { lives: 0, ledger: Ledger::unlimited(), ended: false };
        let mut torn = None;
        for (number, line) in lines.split(b'\n').enumerate() {
            let line = line.with_context(reading)?;
            let fact = serde_json::from_slice::<LedgerFact>(&line);
            let begins = matches!(fact, Ok(LedgerFact::LifeBegan { .. }));
            // Only a life that was killed leaves half a line.
            if let Some(torn) = torn.take()
                && !begins
            {
                anyhow::bail!("line {torn} is no fact; choose another --ledger ({})", path.display());
            }
            match fact {
                Ok(fact) if told.lives > 0 || begins => told.fold(&fact),
                Ok(_) => anyhow::bail!("it does not begin as a ledger; choose another --ledger ({})", path.display()),
                Err(_) => torn = Some(number + 1),
            }
        }
        if told.lives == 0 && torn.is_some() {
            anyhow::bail!("it is no ledger; choose another --ledger ({})", path.display());
        }
        Ok(told)
    }

    fn fold(&mut self, fact: &LedgerFact) {
        self.ended = matches!(fact, LedgerFact::Totals(_));
        self.lives += u32::from(matches!(fact, LedgerFact::LifeBegan { .. }));
        self.ledger.fold(fact);
    }

    /// One line, for a life that goes on.
    pub fn so_far(&self, out: &mut dyn Write) -> io::Result<()> {
        let Totals { received, once, duplicated, lost, pending, .. } = self.ledger.totals();
        let (received, once, duplicated) = (received.records, once.records, duplicated.records);
        let (lost, pending) = (lost.records, pending.records);
        writeln!(
            out,
            "ledger     so far {received} records received: {once} once, {duplicated} duplicated, {lost} lost, {pending} pending"
        )
    }

    /// The table at the end.
    pub fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let totals = self.ledger.totals();
        if self.ledger.is_empty() {
            return writeln!(out, "ledger     nothing was received");
        }
        let lives = if self.lives == 1 { "1 life".to_owned() } else { format!("{} lives", self.lives) };
        let received = totals.received;
        writeln!(
            out,
            "ledger     {} records in {} blocks, files or ranges received, by {lives} of the driver",
            received.records, received.units
        )?;
        for fate in Fate::ALL {
            let count = totals.of(fate);
            writeln!(out, "  {:<10} {:>10} records  {:>8} units", fate.word(), count.records, count.units)?;
        }
        for fate in [Fate::Lost, Fate::Duplicated] {
            self.units(fate, out)?;
        }
        if totals.dropped_again > 0 {
            writeln!(out, "  {} lines came again and were dropped: they were stored already", totals.dropped_again)?;
        }
        if totals.refused > 0 {
            writeln!(out, "  {} lines were not accepted, and their clients send them again", totals.refused)?;
        }
        if self.lives > 1 && self.ledger.units().any(|unit| unit.executor.is_some()) {
            writeln!(
                out,
                "  not counted: what a receiver had gathered and not stored when its process was killed; only a client of ack-tcp knows it, and sends it again"
            )?;
        }
        Ok(())
    }

    fn units(&self, fate: Fate, out: &mut dyn Write) -> io::Result<()> {
        let units = || self.ledger.units().filter(move |unit| unit.fate == fate);
        for unit in units().take(UNITS_SHOWN) {
            write!(out, "  {:<10} ", fate.word())?;
            if let Some(batch) = unit.batch {
                write!(out, "batch {batch}  ")?;
            }
            write!(out, "{}  {} records", unit.unit, unit.records.unwrap_or(0))?;
            match &unit.reason {
                Some(reason) => writeln!(out, ": {reason}")?,
                None => writeln!(out)?,
            }
        }
        match units().count().saturating_sub(UNITS_SHOWN) {
            0 => Ok(()),
            more => writeln!(out, "  {:<10} and {more} more", fate.word()),
        }
    }

    /// The same for `run --json`.
    pub fn report(&self) -> LedgerReport {
        let lost = self.ledger.units().filter(|unit| unit.fate == Fate::Lost).map(LostReport::of).collect();
        LedgerReport { lives: self.lives, totals: *self.ledger.totals(), lost_units: lost }
    }
}

/// Tells what a file says whose last life did not; of a supervisor whose driver will not run again.
pub(super) fn finish_for_the_killed(path: &Path, out: Option<&mut dyn Write>) -> anyhow::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let told = ToldLedger::read(path)?;
    if told.ended {
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).read(true).open(path);
    let mut file = opened.with_context(|| wrong(path))?;
    let mut line = serde_json::to_vec(&LedgerFact::Totals(*told.ledger.totals()))?;
    line.push(b'\n');
    end_torn_line(&mut file).and_then(|()| file.write_all(&line)).with_context(|| wrong(path))?;
    out.map_or(Ok(()), |out| told.table(out))?;
    Ok(())
}

/// The ledger in the report of a run.
#[derive(Debug, Serialize)]
pub(super) struct LedgerReport {
    lives: u32,
    #[serde(flatten)]
    totals: Totals,
    lost_units: Vec<LostReport>,
}

#[derive(Debug, Serialize)]
struct LostReport {
    unit: String,
    batch: Option<BatchId>,
    records: u64,
    reason: Option<String>,
}

impl LostReport {
    fn of(unit: &LedgerUnit) -> Self {
        let (batch, records) = (unit.batch, unit.records.unwrap_or(0));
        Self { unit: unit.unit.to_string(), batch, records, reason: unit.reason.as_deref().map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_engine::event::AddedBlock;
    use faultline_engine::ids::{ExecutorId, InputBlockId, StreamId};
    use std::fs;

    fn received(number: u64) -> LedgerFact {
        let block = AddedBlock::new(InputBlockId { stream: StreamId(0), number }, ExecutorId(1), 5);
        LedgerFact::Received { block, holders: vec![ExecutorId(1)] }
    }

    /// Without it a life that was killed while it wrote would make the file unreadable for those after it.
    #[test]
    fn a_torn_line_is_ignored_and_the_next_life_goes_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ledger");
        let write = |numbers: std::ops::Range<u64>| {
            let (mut ledger, before) = LedgerFile::open(&path, "ledger", None).expect("it can be written");
            numbers.for_each(|number| ledger.put(&received(number)));
            ledger.flush();
            (ledger, before)
        };
        drop(write(0..3));
        let whole = fs::read(&path).expect("it was written");
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for cut in last..=whole.len() {
            fs::write(&path, &whole[..cut]).expect("it can be written");
            let (second, before) = write(3..4);
            let before = before.expect("there was a life").ledger.totals().received.units;
            let kept = if cut >= whole.len() - 1 { 3 } else { 2 };
            assert_eq!(before, kept, "cut at {cut}");
            let told = second.finish().expect("it can be read");
            assert_eq!((told.lives, told.ledger.totals().received.units), (2, kept + 1), "cut at {cut}");
            assert!(ToldLedger::read(&path).expect("it can be read").ended);
        }
    }

    /// Without it a ledger would be written into somebody's file, or a damaged one be believed.
    #[test]
    fn what_is_no_ledger_is_refused_with_the_way_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notes");
        let begun = r#"{"LifeBegan":{"life":1,"program":"ledger"}}"#;
        for text in ["my notes\n", "\"Ended\"\n", &format!("{begun}\nnonsense\n\"Ended\"\n")] {
            fs::write(&path, text).expect("it can be written");
            let Err(refused) = LedgerFile::open(&path, "ledger", None) else { panic!("{text} was taken") };
            assert!(refused.to_string().contains("choose another --ledger"), "{refused}");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text, "it is left alone");
        }
    }
}
