//! What a run must have given, by what happened outside of the engine.

use super::input::LINES;
use super::plan::{Ending, Input, Shape, SinkKind, SystemPlan};
use super::program::{KEYS, Parts, WINDOW};
use super::watch::Watch;
use super::world::{SinkDisk, lock};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a run gave against its plan; empty when it kept its promises.
pub fn judge(plan: &SystemPlan, parts: &Parts, sink: &SinkDisk, watch: &Watch<'_>) -> Vec<String> {
    let mut verdict = Verdict { plan, watch, broken: Vec::new(), batches: BTreeMap::new() };
    verdict.gather(parts, sink);
    verdict.complete();
    verdict.once(parts);
    verdict.nothing_lost(parts);
    verdict.derived(parts);
    verdict.broken
}

struct Verdict<'a> {
    plan: &'a SystemPlan,
    watch: &'a Watch<'a>,
    broken: Vec<String>,
    /// What each batch gave.
    batches: BTreeMap<u32, Vec<u64>>,
}

impl Verdict<'_> {
    fn that(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }

    /// Whether it was said that a batch is not as it should be.
    fn excused(&self, batch: u32) -> bool {
        self.watch.excused.contains(&batch) || self.watch.lost.keys().any(|(of, _)| *of == batch)
    }

    /// I3: a batch gives the same each time, and its sink holds it once where it says so.
    fn gather(&mut self, parts: &Parts, sink: &SinkDisk) {
        if self.plan.sink == SinkKind::Transactional {
            return match sink.batches() {
                Ok(by_time) => {
                    let batch_of: BTreeMap<u64, u32> = self.watch.times.iter().map(|(b, time)| (*time, *b)).collect();
                    for (time, records) in by_time {
                        match batch_of.get(&time) {
                            Some(batch) => drop(self.batches.insert(*batch, records)),
                            None => self.broken.push(format!("I3: the sink holds a batch of {time} that never was")),
                        }
                    }
                }
                Err(error) => self.broken.push(format!("I3: {error}")),
            };
        }
        for (batch, records) in lock(&parts.results.given).iter() {
            let before = self.batches.insert(*batch, records.clone());
            let same = before.as_ref().is_none_or(|before| before == records);
            let excused = self.excused(*batch);
            self.that(same || excused, || format!("I3: batch {batch} gave {before:?} and then {records:?}"));
        }
        if self.plan.sink == SinkKind::Idempotent {
            self.batches = lock(&parts.results.replaced).clone();
        }
    }

    /// Every batch that completed gave something, and a stream that was not stopped completed all of them.
    fn complete(&mut self) {
        for batch in self.watch.completed.clone() {
            let there = self.batches.contains_key(&batch);
            self.that(there, || format!("I3: batch {batch} completed and its sink has nothing of it"));
        }
        if self.plan.ending == Ending::Batches {
            let all = (1..=self.plan.batches).filter(|batch| !self.watch.completed.contains(batch));
            let missing: Vec<u32> = all.filter(|batch| !self.excused(*batch)).collect();
            self.that(missing.is_empty(), || format!("liveness: batches {missing:?} never completed"));
        }
    }

    /// I2: no record is in two batches, but for those that a source sent again; they are in the order of their
    /// source; and nothing is there that was never sent.
    fn once(&mut self, parts: &Parts) {
        let mut sent: BTreeMap<u64, usize> = BTreeMap::new();
        match self.plan.input {
            Input::Replay => {
                for batch in 1..=self.plan.batches {
                    let first = (batch as usize - 1) * LINES;
                    let expected: Vec<u64> = (first..first + LINES).map(|line| line as u64).collect();
                    let given = self.batches.get(&batch).cloned();
                    let right = given.as_ref().is_none_or(|given| *given == expected);
                    self.that(right, || format!("I2: batch {batch} gave {given:?}, and {expected:?} were its lines"));
                }
                return;
            }
            Input::Files => sent.extend(parts.sources.file_records().map(|record| (record, 1))),
            _ => parts.sources.heard().into_iter().for_each(|record| *sent.entry(record).or_default() += 1),
        }
        let mut seen: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (batch, records) in &self.batches {
            records.iter().for_each(|record| seen.entry(*record).or_default().push(*batch));
        }
        for (record, batches) in seen {
            let most = match self.plan.input {
                Input::Reliable => sent.get(&record).copied().unwrap_or(0),
                _ => usize::from(sent.contains_key(&record)),
            };
            let times = batches.len();
            self.that(times <= most, || {
                format!("I2: record {record} was sent {most} times and is in batches {batches:?}")
            });
        }
        // Two sources may be at different batches; each alone is in order.
        if self.plan.input != Input::Reliable && self.plan.input != Input::Files && self.plan.sources == 1 {
            let mut last: Option<u64> = None;
            for (batch, records) in self.batches.clone() {
                let (first, end) = (records.iter().min().copied(), records.iter().max().copied());
                let follows = first.is_none_or(|first| last.is_none_or(|last| first > last));
                self.that(follows, || format!("I2: batch {batch} begins with {first:?}, and {last:?} came before"));
                last = end.max(last);
            }
        }
    }

    /// I1, I12: what was acknowledged is there, or it is said what is not.
    fn nothing_lost(&mut self, parts: &Parts) {
        let seen: BTreeSet<u64> = self.batches.values().flatten().copied().collect();
        let expected: BTreeSet<u64> = match self.plan.input {
            Input::Replay => return,
            // What could be seen two intervals before the last batch, and is not older than the first stream: a
            // driver that died before its stream began left that to nobody.
            Input::Files => {
                let began = self.watch.began.unwrap_or_default();
                parts.sources.file_records_before(self.plan.batches.saturating_sub(2), began).collect()
            }
            _ => self.watch.acknowledged.clone().unwrap_or_default(),
        };
        if self.plan.ending != Ending::Batches && self.watch.acknowledged.is_none() {
            return;
        }
        let older = |found: &String| found.starts_with("files-older-than-the-stream");
        let said = self.watch.findings.iter().any(older);
        let unread = self.plan.input == Input::Files
            && self.watch.began.is_some_and(|began| parts.sources.has_files_before(began));
        self.that(said || !unread, || "I12: files are older than the stream, and nobody said so".to_owned());
        let missing: Vec<u64> = expected.difference(&seen).copied().collect();
        // A process that ended before it had written anything begins anew, and says which files it does not read.
        let begun = self.watch.findings.iter().any(|found| found.starts_with("stream-begins-anew"));
        let anew = self.plan.input == Input::Files && (self.watch.started_anew > 1 || begun);
        // Blocks that the last batch should have been given wait for one that does not come, and it was said.
        let last = format!("(batch {})", self.plan.batches);
        let waiting = |found: &String| found.starts_with("allocation-failed") && found.ends_with(&last);
        if missing.is_empty() || anew && said || self.watch.findings.iter().any(waiting) {
            return;
        }
        let failed = |batch: &u32| !self.watch.completed.contains(batch);
        let given_up = self.watch.excused.iter().filter(|batch| failed(batch));
        let records = |batch: &u32| match self.plan.input {
            // Nobody knows what it would have read.
            Input::Files => self.watch.submitted.get(batch).copied().unwrap_or(missing.len() as u64),
            _ => self.watch.submitted.get(batch).copied().unwrap_or(0),
        };
        let reported = given_up.map(records).sum::<u64>() + self.watch.lost.values().sum::<u64>();
        let told = missing.len() as u64 <= reported;
        let may = self.plan.may_lose() || given_up_any(self.watch);
        self.that(missing.is_empty() || may, || format!("I1: {missing:?} were acknowledged and are in no batch"));
        self.that(told, || format!("I12: {missing:?} are lost and {reported} records were reported"));
    }

    /// I4: state after a batch is the fold of all inputs up to it, a window that of its batches.
    fn derived(&mut self, parts: &Parts) {
        if self.plan.shape == Shape::Identity {
            return;
        }
        let given = lock(&parts.results.derived).clone();
        let mut last: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
        for (batch, counts) in given {
            if let Some(before) = last.insert(batch, counts.clone()) {
                let excused = (1..=batch).any(|batch| self.excused(batch));
                self.that(before == counts || excused, || {
                    format!("I4: batch {batch} gave {before:?} and then {counts:?}")
                });
            }
        }
        for (batch, counts) in last {
            let first = match self.plan.shape {
                Shape::State => 1,
                _ => batch.saturating_sub(WINDOW - 1).max(1),
            };
            // Of a batch that was given up nobody knows what it had; of one that is on its way it will be known.
            let known = (first..=batch).all(|batch| self.batches.contains_key(&batch) && !self.excused(batch));
            if !known {
                continue;
            }
            let mut fold: BTreeMap<u64, u64> = BTreeMap::new();
            for records in self.batches.range(first..=batch).map(|(_, records)| records) {
                records.iter().for_each(|record| *fold.entry(record % KEYS).or_default() += 1);
            }
            let fold: Vec<(u64, u64)> = fold.into_iter().collect();
            self.that(fold == counts, || format!("I4: batch {batch} gave {counts:?}, its inputs are {fold:?}"));
        }
    }
}

/// Whether batches were given up, as their policy says.
fn given_up_any(watch: &Watch<'_>) -> bool {
    watch.excused.iter().any(|batch| !watch.completed.contains(batch))
}
