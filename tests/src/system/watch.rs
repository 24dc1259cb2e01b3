//! What is looked at while a system runs, after each event and after each batch.

use super::evidence::missing;
use super::input::Sources;
use super::plan::SystemPlan;
use super::world::Machine;
use faultline_engine::event::{Envelope, Event, ReadTier};
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Events of one life after which it is taken for endless.
const EVENTS_MAX: u64 = 400_000;

/// Follows a system over all lives of its drivers.
pub struct Watch<'a> {
    machine: &'a Machine,
    sources: &'a Sources,
    now: &'a AtomicU64,
    batches: u32,
    logged: bool,
    /// What does not hold.
    pub broken: Vec<String>,
    /// What was acknowledged before the last batch was given its input.
    pub acknowledged: Option<BTreeSet<u64>>,
    /// Records that were said to be lost, by batch and stream.
    pub lost: BTreeMap<(u32, String), u64>,
    /// Batches that failed, or run without a plan that would hold.
    pub excused: BTreeSet<u32>,
    /// Batches that completed without an error.
    pub completed: BTreeSet<u32>,
    /// Records that batches were given.
    pub submitted: BTreeMap<u32, u64>,
    /// Times of batches, in milliseconds.
    pub times: BTreeMap<u32, u64>,
    /// How often a stream began that had nothing to go on from.
    pub started_anew: u32,
    /// The zero time of the first stream, which may be that of a later driver than the first.
    pub began: Option<Timestamp>,
    recovered: bool,
    described: bool,
    /// Kinds of findings.
    pub findings: Vec<String>,
    depth: BTreeMap<RddId, u32>,
    /// Greatest depth of a lineage of a batch.
    pub deepest: BTreeMap<u32, u32>,
    /// What happened how often, for whoever asks whether anything did.
    pub seen: BTreeMap<&'static str, u64>,
    events: u64,
}

impl<'a> Watch<'a> {
    /// Begins.
    pub fn new(machine: &'a Machine, sources: &'a Sources, now: &'a AtomicU64, plan: &SystemPlan) -> Self {
        Self {
            machine,
            sources,
            now,
            batches: plan.batches,
            logged: plan.logged,
            broken: Vec::new(),
            acknowledged: None,
            lost: BTreeMap::new(),
            excused: BTreeSet::new(),
            completed: BTreeSet::new(),
            submitted: BTreeMap::new(),
            times: BTreeMap::new(),
            started_anew: 0,
            began: None,
            recovered: false,
            described: false,
            findings: Vec::new(),
            depth: BTreeMap::new(),
            deepest: BTreeMap::new(),
            seen: BTreeMap::new(),
            events: 0,
        }
    }

    /// Another life begins.
    pub fn begin_life(&mut self) {
        self.events = 0;
        self.depth.clear();
    }

    /// Sees an event; whether the life goes on.
    pub fn sees(&mut self, envelope: &Envelope) -> bool {
        // What is there once stays there when the clock of the machine is set back.
        self.now.fetch_max(envelope.at.0, Ordering::Relaxed);
        self.events += 1;
        self.event(&envelope.event);
        if self.events == EVENTS_MAX {
            self.broken.push(format!("it does not end: {EVENTS_MAX} events, the last is {:?}", envelope.event));
        }
        self.events < EVENTS_MAX
    }

    /// What a plan must have brought about now and then, or it proves nothing.
    fn count(&mut self, event: &Event) {
        let what = match event {
            Event::DriverLost { .. } => "drivers lost",
            Event::StreamingRecovered { .. } => "recoveries",
            Event::ExecutorRemoved { .. } => "executors removed",
            Event::FaultInjected { fault, .. } if fault.starts_with("delay:") => "messages that were late",
            Event::FaultInjected { fault, .. } if fault.starts_with("repeat:") => "messages that came twice",
            Event::FaultInjected { fault, .. } if fault.starts_with("pause:driver") => "drivers that stood still",
            Event::GraphCheckpointFailed { .. } => "descriptions that could not be written",
            Event::CheckpointFailed { .. } => "states that could not be saved",
            Event::CheckpointCompleted { .. } => "states saved",
            Event::ReceiverError { .. } => "errors of receivers",
            Event::ReceivedBlockAdded { .. } => "blocks received",
            Event::BatchCompleted { failure: Some(_), .. } => "batches that failed",
            Event::BatchCompleted { failure: None, .. } => "batches completed",
            Event::TaskEnd { reason, metrics, .. } => {
                let logged = metrics.reads.iter().any(|row| row.tier == ReadTier::WriteAheadLog);
                *self.seen.entry("tasks that read a log").or_default() += u64::from(logged);
                if reason.is_success() { "tasks that succeeded" } else { "tasks that failed" }
            }
            Event::FindingReported { finding } if finding.kind == "received-blocks-lost" => "losses that were said",
            Event::FindingReported { finding } if finding.kind == "batch-skipped" => "batches skipped",
            _ => return,
        };
        *self.seen.entry(what).or_default() += 1;
    }

    fn event(&mut self, event: &Event) {
        self.count(event);
        match event {
            Event::DriverLost { .. } => self.machine.driver_lost(),
            Event::BatchSubmitted { batch } => {
                let records = self.submitted.entry(batch.id.0).or_default();
                *records = batch.records.max(*records);
                self.times.insert(batch.id.0, batch.time.as_millis());
                if batch.id.0 + 1 == self.batches && self.acknowledged.is_none() {
                    self.acknowledged = Some(self.sources.acknowledged());
                }
            }
            Event::BatchCompleted { batch, failure, .. } => {
                match failure {
                    Some(_) => self.excused.insert(batch.0),
                    None => self.completed.insert(batch.0),
                };
                self.referenced();
            }
            Event::DriverEpochTaken { .. } => self.recovered = false,
            Event::StreamingRecovered { .. } => {
                self.recovered = true;
                self.referenced();
            }
            Event::GraphCheckpointWritten { .. } => self.described = true,
            Event::StreamingStarted { zero, .. } => {
                self.began.get_or_insert(*zero);
                self.started_anew += u32::from(!self.recovered);
                if self.described && !self.recovered {
                    self.broken.push("a stream begins anew although a description of it stands".to_owned());
                }
            }
            Event::FindingReported { finding } => {
                let batch = finding.place.strip_prefix("batch ").and_then(|batch| batch.parse::<u32>().ok());
                match (finding.kind.as_str(), batch) {
                    ("received-blocks-lost" | "received-blocks-not-read-again", Some(batch)) => {
                        let words: Vec<&str> = finding.message.split_whitespace().collect();
                        let at = words.iter().position(|word| word.starts_with("records"));
                        let lost = at.and_then(|at| words.get(at.checked_sub(1)?)?.parse::<u64>().ok());
                        let stream = words.iter().skip_while(|word| **word != "stream").nth(1).copied();
                        let stream = stream.unwrap_or_default().to_owned();
                        let before = self.lost.entry((batch, stream)).or_default();
                        *before = lost.unwrap_or(0).max(*before);
                    }
                    ("batch-not-planned", Some(batch)) => drop(self.excused.insert(batch)),
                    ("batch-skipped", Some(batch)) => {
                        self.excused.insert(batch);
                        let words: Vec<&str> = finding.message.split_whitespace().collect();
                        let at = words.iter().position(|word| *word == "records");
                        let kept = at.and_then(|at| words.get(at.checked_sub(1)?)?.parse::<u64>().ok());
                        let before = self.lost.entry((batch, "skipped".to_owned())).or_default();
                        *before = kept.unwrap_or(0).max(*before);
                    }
                    _ => {}
                }
                self.findings.push(format!("{}: {} ({})", finding.kind, finding.message, finding.place));
            }
            Event::RddRegistered { rdd } => {
                let parents = rdd.parents.iter().filter_map(|parent| self.depth.get(&parent.rdd));
                let depth = parents.max().copied().unwrap_or(0) + 1;
                self.depth.insert(rdd.id, depth);
                if let Some(batch) = rdd.op.batch {
                    let deepest = self.deepest.entry(batch.0).or_default();
                    *deepest = depth.max(*deepest);
                }
            }
            Event::CheckpointCompleted { rdd, checkpoint_rdd, .. } => {
                self.depth.insert(checkpoint_rdd.id, 1);
                self.depth.insert(*rdd, 2);
            }
            _ => {}
        }
    }

    /// I5: whatever the description names from which a driver would go on is there.
    fn referenced(&mut self) {
        self.broken.extend(missing(&*self.machine.store(), self.logged).into_iter().map(|text| format!("I5: {text}")));
    }
}
