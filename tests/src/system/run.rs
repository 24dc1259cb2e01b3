//! One run of a plan, over all lives of its processes.

use super::input::Sources;
use super::plan::{Ending, INTERVAL, SystemPlan};
use super::program::Parts;
use super::verdict::judge;
use super::watch::Watch;
use super::world::{Machine, SinkDisk};
use crate::checker;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::*;
use faultline_engine::object_store::{ObjectStore, SimulatedDisk};
use faultline_engine::sim::{Audit, Environment, Sinks, simulate_audited};
use faultline_engine::sinks::FileSink;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Processes of a run that end with an error, one after the other: a plan never needs that many.
const LIVES_MAX: usize = 24;

/// How long after the stream's own time a run may take: waits of the supervisor, and what was slow.
const GRACE: Millis = Millis(180_000);

/// Batches after which a lineage is as short as its checkpoints make it.
const SETTLED: u32 = 10;

/// What a run came to.
pub struct Ran {
    /// The events of each process, in order.
    pub lives: Vec<Vec<Envelope>>,
    /// How each of them ended.
    pub ends: Vec<String>,
    /// What does not hold; empty when all does.
    pub broken: Vec<String>,
    /// What happened how often.
    pub seen: BTreeMap<&'static str, u64>,
    /// Greatest depth of the lineage of any batch after everything was healed.
    pub deepest: u32,
    /// Operations of the disk.
    pub operations: u64,
    /// What the engine found to be wrong.
    pub findings: Vec<String>,
}

/// Words of what is said when the reliable store has less than it said it had: findings, and errors of an application
/// that does not go on with less.
const DAMAGE: [&str; 12] = [
    "cannot be used",
    "checksum",
    "Failed to read checkpoint",
    "has nothing of",
    "is missing",
    "object does not exist",
    "received-blocks-lost",
    "received-blocks-not-read-again",
    "records are missing",
    "the object ends",
    "truncated",
    "write-ahead-log-damaged",
];

impl Ran {
    /// The reliable store had lied, and the power was lost: what it lost cannot be had again. That is said, unless
    /// nothing that is left shows it.
    fn deceived(&mut self, evidence: &[String]) {
        *self.seen.entry("stores that had lied").or_default() += 1;
        let is_damage = |said: &String| DAMAGE.iter().any(|words| said.contains(words));
        if self.findings.iter().chain(&self.ends).any(is_damage) {
            *self.seen.entry("lies that were noticed").or_default() += 1;
            self.broken.clear();
        } else if evidence.is_empty() {
            *self.seen.entry("lies that nothing showed").or_default() += 1;
            self.broken.clear();
        } else {
            self.broken.push(format!("the store had lied, and nobody said so: {evidence:?}"));
        }
    }

    /// The event log of each process, byte for byte what its run wrote.
    ///
    /// # Errors
    /// When a log cannot be written.
    pub fn logs(&self) -> io::Result<Vec<Vec<u8>>> {
        let bytes = |log: &Vec<Envelope>| {
            let mut writer = LogWriter::new(Vec::new());
            log.iter().try_for_each(|envelope| writer.write(envelope))?;
            writer.finish()
        };
        self.lives.iter().map(bytes).collect()
    }
}

/// What the simulator found at rest (I7, I8).
#[derive(Default)]
struct Audits {
    taken: u64,
    wrong: Vec<Audit>,
}

impl Audits {
    fn take(&mut self, audit: Audit) {
        self.taken += 1;
        if !audit.absent.is_empty() || !audit.left.is_empty() {
            self.wrong.push(audit);
        }
    }

    /// What does not hold, in words. A driver that missed a report believes what it heard before.
    fn broken(self, log: &[Envelope]) -> Vec<String> {
        let lost = log.iter().find(|envelope| {
            matches!(&envelope.event, Event::FaultInjected { fault, .. } if fault.starts_with("lose:message=block-report"))
        });
        let knows = |audit: &Audit| lost.is_none_or(|lost| audit.at < lost.at);
        let mut broken = Vec::new();
        for audit in &self.wrong {
            if let Some((block, executor)) = audit.absent.first().filter(|_| knows(audit)) {
                let at = audit.at.as_millis();
                broken.push(format!(
                    "I8: at {at} ms executor {executor} has no block {block}, the driver thinks it does"
                ));
            }
            if let Some((executor, what)) = audit.left.first() {
                broken.push(format!(
                    "I7: at {} ms, on executor {executor}, no task runs and {what}",
                    audit.at.as_millis()
                ));
            }
        }
        broken.truncate(4);
        broken
    }
}

/// Runs a plan to the end of its stream. A process that ends with an error is started again, without faults.
pub fn run(plan: &SystemPlan) -> Ran {
    run_with(plan, &mut |_, _| {})
}

/// The same; before each process but the first `between` may do something to the store.
pub fn run_with(plan: &SystemPlan, between: &mut dyn FnMut(usize, &dyn ObjectStore)) -> Ran {
    let now = Arc::new(AtomicU64::new(VIRTUAL_EPOCH.0));
    let sources = Sources::of(plan, &now);
    let machine = Machine::of(plan);
    let disk = match machine.disk().filter(|_| plan.sink_failures.is_empty()) {
        Some(disk) => SinkDisk::on(disk),
        None => SinkDisk::new(&plan.sink_failures),
    };
    let environment = Environment { files: sources.files.clone(), store: Arc::new(machine.clone()) };
    let sink = Arc::new(FileSink::with_ops("/sink", Arc::new(disk.disk.clone())));
    let parts = Arc::new(Parts { plan: plan.clone(), sources, results: Arc::default(), sink });
    let mut watch = Watch::new(&machine, &parts.sources, &now, plan);
    let mut ran = Ran {
        lives: Vec::new(),
        ends: Vec::new(),
        broken: Vec::new(),
        seen: BTreeMap::new(),
        deepest: 0,
        operations: 0,
        findings: Vec::new(),
    };
    let mut config = EngineConfig { faults: plan.faults.clone(), ..plan.settings.clone() };
    loop {
        let mut log = Vec::new();
        watch.begin_life();
        let crash = plan.crashes.get(ran.lives.len()).copied();
        machine.begin(crash);
        let inside = Arc::clone(&parts);
        let mut audits = Audits::default();
        let mut events = |events: &[Envelope]| {
            machine.driver_ended();
            log.extend_from_slice(events);
            disk.plan();
            let goes_on = events.iter().all(|envelope| watch.sees(envelope)) && !machine.is_dead();
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let sinks = Sinks { events: &mut events, audits: &mut |audit| audits.take(audit) };
        let outcome = simulate_audited(config.clone(), &environment, Box::new(move |sc| inside.run(sc)), sinks);
        *ran.seen.entry("audits").or_default() += audits.taken;
        ran.broken.extend(audits.broken(&log));
        machine.end(crash);
        ran.broken.extend(checker::check(&log));
        let last = log.last().map_or(VIRTUAL_EPOCH, |envelope| envelope.at);
        ran.lives.push(log);
        ran.ends.push(outcome.result.as_ref().map_or_else(ToString::to_string, |()| "it ended well".to_owned()));
        if outcome.result.is_ok() || !watch.broken.is_empty() {
            break;
        }
        if ran.lives.len() == LIVES_MAX {
            ran.broken.push(format!("liveness: {LIVES_MAX} processes ended with errors: {:?}", ran.ends));
            break;
        }
        between(ran.lives.len(), &*machine.store());
        // Whoever runs it starts it again; by then nothing is wrong any more.
        config.faults.clear();
        let start = last.ns_since(VIRTUAL_EPOCH) / 1_000_000 + 1500;
        let skew = plan.skews.get(ran.lives.len() - 1).copied().unwrap_or(0);
        config.virtual_start = Millis(start.saturating_add_signed(skew));
    }
    let end = ran.lives.last().and_then(|log| log.last()).map_or(VIRTUAL_EPOCH, |envelope| envelope.at);
    let bound = Millis(u64::from(plan.batches) * INTERVAL.0 * 3 + GRACE.0 + plan.held_up().0);
    if end > VIRTUAL_EPOCH.plus(bound) {
        let what = if plan.ending == Ending::Batches { "liveness" } else { "I11" };
        let took = end.ns_since(VIRTUAL_EPOCH) / 1_000_000;
        ran.broken.push(format!("{what}: it ended after {took} ms, and {bound} ms are enough"));
    }
    ran.broken.extend(judge(plan, &parts, &disk, &watch));
    ran.broken.append(&mut watch.broken);
    ran.broken.extend(machine.broken());
    let healed = u32::try_from(plan.healed.0 / INTERVAL.0).unwrap_or(u32::MAX) + SETTLED;
    ran.deepest = watch.deepest.range(healed..).map(|(_, depth)| *depth).max().unwrap_or(0);
    ran.seen.extend(watch.seen);
    ran.findings = watch.findings;
    if let Some(evidence) = machine.deceived() {
        ran.deceived(&evidence);
    }
    ran.operations = machine.disk().map_or(0, SimulatedDisk::operations);
    ran
}
