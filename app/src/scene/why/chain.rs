//! From one row down to where its walk ended: stops with what each tier answered, narrow steps folded.

use super::names::{count, narrow_step, partition_name};
use super::reads::{Origin, Read, Reads};
use super::shuffles::{self, MapTasks};
use super::tiers::{self, is_kept};
use super::{Focus, MAX_FOLDED, Step};
use crate::model::{Model, Sign};
use faultline_engine::event::DependencyKind;
use faultline_engine::ids::*;

/// Stops that only repeat the one before, shown one by one; more are folded.
const REPEATED: usize = 2;

/// What explains the rows of one task.
pub(super) struct Chain<'a> {
    pub model: &'a Model,
    pub reads: &'a Reads,
    pub tasks: MapTasks<'a>,
}

/// The answer for one row: narrow steps that belong to it, and the steps of the chain.
pub(super) struct Explained {
    pub narrow: Vec<Step>,
    pub steps: Vec<Step>,
}

/// A row worth a line, with the narrow ones between it and the next stops.
struct Stop {
    row: usize,
    narrow: Vec<RddId>,
    more_narrow: usize,
    shuffles: Vec<(ShuffleId, RddId)>,
    source: Option<usize>,
}

/// The lines of a stop.
struct Lines {
    full: Vec<Step>,
    short: Step,
    /// Equal for stops that tell the same.
    same: String,
}

impl Chain<'_> {
    /// Explains the row at `focus` and everything that it asked for.
    pub(super) fn explain(&self, focus: usize) -> Explained {
        let stops = self.stops(focus);
        let Some((first, others)) = stops.split_first() else {
            return Explained { narrow: Vec::new(), steps: Vec::new() };
        };
        let mut steps = self.own(first);
        let mut narrow = self.narrow(first);
        if let Some(lineage) = steps.last_mut().filter(|_| !narrow.is_empty()) {
            lineage.folded = std::mem::take(&mut narrow);
        }
        steps.extend(self.below(first));
        self.others(others, &mut steps);
        if self.reads.cut_short {
            steps.push(Step::new(None, "and more partitions than are followed"));
        }
        Explained { narrow, steps }
    }

    /// The stops of the subtree, in the order in which they were asked for.
    fn stops(&self, focus: usize) -> Vec<Stop> {
        let rows = &self.reads.rows;
        let mut stops: Vec<Stop> = Vec::new();
        let mut owner: Vec<Option<usize>> = vec![None; rows.len()];
        for (row, read) in rows.iter().enumerate().skip(focus) {
            let asker = read.needed_by.filter(|&n| n >= focus && n < row).and_then(|n| owner[n]);
            let Some(rdd) = self.model.rdds.get(&read.block.rdd) else { continue };
            // A reader of files stands behind what was saved; of what an earlier driver saved only the reader is there.
            let behind = rdd.reads_checkpoint_files() && self.model.saved_before(read.block.rdd).is_none();
            if row != focus && (asker.is_none() || behind) {
                continue;
            }
            let is_stop = row == focus || read.origin != Origin::Computed || is_kept(rdd, read.block.partition);
            let at = match asker {
                Some(asker) if !is_stop => asker,
                _ => {
                    let empty = Stop { row, narrow: Vec::new(), more_narrow: 0, shuffles: Vec::new(), source: None };
                    stops.push(empty);
                    stops.len() - 1
                }
            };
            owner[row] = Some(at);
            stops[at].take(row, read, rdd, is_stop);
        }
        stops
    }

    /// The tiers' answers for the row in question.
    fn own(&self, stop: &Stop) -> Vec<Step> {
        let (model, reads, read) = (self.model, self.reads, &self.reads.rows[stop.row]);
        match read.origin {
            Origin::Memory(_) | Origin::Disk(_) | Origin::Remote(_) => vec![tiers::memory(model, reads, read)],
            Origin::Checkpoint => vec![tiers::memory(model, reads, read), tiers::checkpoint(model, reads, read)],
            Origin::WriteAheadLog => vec![
                Step::new(Sign::ComputedNotKept, "in memory? no executor holds its block"),
                Step::new(Sign::ReadBack, tiers::logged(read)),
            ],
            Origin::Computed if read.repeats => vec![
                tiers::memory(model, reads, read),
                tiers::checkpoint(model, reads, read),
                tiers::lineage(model, reads, read),
            ],
            Origin::Computed => Vec::new(),
        }
    }

    /// Map outputs and sources that a computed stop reads.
    fn below(&self, stop: &Stop) -> Vec<Step> {
        let of =
            |&(shuffle, maps): &(ShuffleId, RddId)| shuffles::steps(self.model, &self.tasks, self.reads, shuffle, maps);
        let mut steps: Vec<Step> = stop.shuffles.iter().flat_map(of).collect();
        if let Some(row) = stop.source {
            let read = &self.reads.rows[row];
            let name = if row == stop.row {
                String::new()
            } else {
                format!(" {}", super::rdd_name(self.model, read.block.rdd))
            };
            let records = read.records.map_or_else(String::new, |n| format!(", {}", count(n as usize, "record")));
            steps
                .push(Step::new(None, format!("read from the source{name}{records}")).to(Focus::Partition(read.block)));
        }
        steps
    }

    /// The other stops; those that repeat the one before are shortened, and many of them folded.
    fn others(&self, stops: &[Stop], steps: &mut Vec<Step>) {
        let mut before = String::new();
        let mut repeated: Vec<Step> = Vec::new();
        let mut runs = 0usize;
        let flush = |repeated: &mut Vec<Step>, runs: &mut usize, steps: &mut Vec<Step>| {
            if *runs > REPEATED {
                let last = repeated.pop().unwrap_or_default();
                let words = format!("{} more, down to {}", *runs - REPEATED, last.words);
                steps.push(Step { words, folded: std::mem::take(repeated), ..last });
            }
            repeated.clear();
            *runs = 0;
        };
        for stop in stops {
            let lines = self.lines(stop);
            if lines.same != before {
                flush(&mut repeated, &mut runs, steps);
                before = lines.same;
                steps.extend(lines.full);
                continue;
            }
            runs += 1;
            if runs <= REPEATED {
                steps.push(lines.short);
            } else if repeated.len() <= MAX_FOLDED {
                repeated.push(lines.short);
            } else if let Some(last) = repeated.last_mut() {
                *last = lines.short;
            }
        }
        flush(&mut repeated, &mut runs, steps);
    }

    fn lines(&self, stop: &Stop) -> Lines {
        let (model, reads, read) = (self.model, self.reads, &self.reads.rows[stop.row]);
        let name = partition_name(model, read.block);
        let to = Focus::Partition(read.block);
        if let Some((sign, words)) = tiers::found(read.origin) {
            let step = Step::new(sign, format!("{name}: {words}")).to(to);
            return Lines { full: vec![step.clone()], short: step, same: "found".to_owned() };
        }
        if read.origin == Origin::WriteAheadLog {
            let step = Step::new(Sign::ReadBack, format!("{name}: {}", tiers::logged(read))).to(to);
            return Lines { full: vec![step.clone()], short: step, same: "logged".to_owned() };
        }
        let memory = tiers::memory(model, reads, read);
        if read.origin == Origin::Checkpoint {
            let file = tiers::directory(model, read.block.rdd);
            let back = format!("read back from the checkpoint, {file}{}", tiers::after(model, read));
            let full = vec![
                Step::new(memory.sign, format!("{name}: {}", memory.words)).to(to),
                tiers::led(model, read, Step::new(Sign::ReadBack, back.clone())),
            ];
            let short = Step::new(Sign::ReadBack, format!("{name}: {back}")).to(to);
            return Lines { full, short, same: format!("checkpoint {}", memory.words) };
        }
        let (checkpoint, lineage) = (tiers::checkpoint(model, reads, read), tiers::lineage(model, reads, read));
        let below = self.below(stop);
        let told: Vec<&str> = below.iter().filter(|s| s.sign.is_some()).map(|s| s.words.as_str()).collect();
        let same = format!("{}\n{:?}\n{}\n{}", memory.words, checkpoint.sign, lineage.words, told.join("\n"));
        let verb = reads.tense.of("needs", "needed");
        let short = Step::new(lineage.sign, format!("{name}: the same")).to(to);
        let mut full = vec![Step::new(None, format!("it {verb} {name}")).to(to), memory, checkpoint];
        full.push(lineage.with(self.narrow(stop)));
        full.extend(below);
        Lines { short: short.with(full[1..].iter().map(plain).collect()), full, same }
    }

    fn narrow(&self, stop: &Stop) -> Vec<Step> {
        let mut steps: Vec<Step> =
            stop.narrow.iter().map(|&rdd| Step::new(None, narrow_step(self.model, rdd))).collect();
        if stop.more_narrow > 0 {
            steps.push(Step::new(None, format!("and {} more narrow steps", stop.more_narrow)));
        }
        steps
    }
}

impl Stop {
    fn take(&mut self, row: usize, read: &Read, rdd: &crate::model::RddState, is_stop: bool) {
        if !is_stop {
            if self.narrow.len() < MAX_FOLDED {
                self.narrow.push(read.block.rdd);
            } else {
                self.more_narrow += 1;
            }
        }
        if read.origin != Origin::Computed {
            return;
        }
        // What was computed was not cut then.
        let parents = if rdd.cut_parents.is_empty() { &rdd.info.parents } else { &rdd.cut_parents };
        for parent in parents {
            if let DependencyKind::Shuffle { shuffle } = parent.kind
                && !self.shuffles.iter().any(|(known, _)| *known == shuffle)
            {
                self.shuffles.push((shuffle, parent.rdd));
            }
        }
        if parents.is_empty() {
            self.source = Some(row);
        }
    }
}

/// A step without what is folded into it.
fn plain(step: &Step) -> Step {
    Step { folded: Vec::new(), ..step.clone() }
}
