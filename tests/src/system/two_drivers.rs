//! A driver that was taken for dead and is not: another one takes over its directory while it stands still.

use super::input::Sources;
use super::plan::SystemPlan;
use super::program::Parts;
use super::world::{DIR, Machine, SinkDisk};
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::Event;
use faultline_engine::ids::*;
use faultline_engine::recovery;
use faultline_engine::sim::{Environment, simulate_while};
use faultline_engine::sinks::FileSink;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What came of two drivers on one directory.
pub struct Rivals {
    /// Events of the first one before the other took over; fewer than asked for when it ended before.
    pub events: u64,
    /// How the one ended that stood still.
    pub older: Result<()>,
    /// How the one ended that took over; nothing when it did not.
    pub newer: Option<Result<()>>,
    /// Objects of the store that the older one changed after it was replaced.
    pub changed: Vec<String>,
    /// Saved RDDs that the newest description names and that are gone.
    pub gone: Vec<String>,
    /// What the older one changed in the sink.
    pub shown: Vec<u64>,
    /// Records that the older one acknowledged after it was replaced.
    pub acknowledged: BTreeSet<u64>,
}

/// What a directory of checkpoints says: descriptions, epochs, and which batch was given what. Records and states that
/// no description names are no statement.
fn statements(machine: &Machine) -> BTreeMap<String, Vec<u8>> {
    let store = machine.store();
    let keys = store.list(&format!("{DIR}/")).unwrap_or_default();
    let is_said = |key: &String| {
        ["checkpoint-", "epoch-", "receivedBlockMetadata/"].iter().any(|what| key.starts_with(&format!("{DIR}/{what}")))
    };
    let said = keys.into_iter().filter(is_said);
    said.map(|key| (key.clone(), store.get(&key).unwrap_or_default())).collect()
}

/// Runs a plan; after `event` events another driver runs it to the end, and then the first one goes on.
pub fn two_drivers(plan: &SystemPlan, event: u64) -> Rivals {
    let now = Arc::new(AtomicU64::new(VIRTUAL_EPOCH.0));
    let sources = Sources::of(plan, &now);
    let machine = Machine::of(plan);
    let disk = SinkDisk::new(&[]);
    let environment = Environment { files: sources.files.clone(), store: Arc::new(machine.clone()) };
    let sink = || Arc::new(FileSink::with_ops("/sink", Arc::new(disk.disk.clone())));
    let parts = Arc::new(Parts { plan: plan.clone(), sources, results: Arc::default(), sink: sink() });
    let others = Arc::new(Parts {
        plan: plan.clone(),
        sources: Sources::shared(&parts.sources),
        results: Arc::clone(&parts.results),
        sink: sink(),
    });
    let mut rivals = Rivals {
        events: 0,
        older: Ok(()),
        newer: None,
        changed: Vec::new(),
        gone: Vec::new(),
        shown: Vec::new(),
        acknowledged: BTreeSet::new(),
    };
    let (mut before, mut shown, mut known) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    // Before it has an epoch it is nobody's rival.
    let mut taken = false;
    let inside = Arc::clone(&parts);
    let outcome =
        simulate_while(plan.settings.clone(), &environment, Box::new(move |sc| inside.run(sc)), &mut |events| {
            rivals.events += events.len() as u64;
            let Some(last) = events.last() else { return ControlFlow::Continue(()) };
            now.store(last.at.0, Ordering::Relaxed);
            taken |= events.iter().any(|e| matches!(e.event, Event::DriverEpochTaken { .. }));
            let over = events.iter().any(|e| matches!(e.event, Event::ApplicationEnd));
            if rivals.newer.is_none() && rivals.events >= event && taken && !over {
                let start = Millis(last.at.ns_since(VIRTUAL_EPOCH) / 1_000_000 + 1500);
                let config = EngineConfig { virtual_start: start, ..plan.settings.clone() };
                let inside = Arc::clone(&others);
                let program = Box::new(move |sc: &_| inside.run(sc));
                let outcome = simulate_while(config, &environment, program, &mut |_| ControlFlow::Continue(()));
                rivals.newer = Some(outcome.result);
                (before, shown) = (statements(&machine), disk.batches().unwrap_or_default());
                known = parts.sources.acknowledged();
            }
            ControlFlow::Continue(())
        });
    rivals.older = outcome.result;
    if rivals.newer.is_some() {
        let after = statements(&machine);
        let differs = |key: &&String| before.get(*key) != after.get(*key);
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        rivals.changed = keys.into_iter().filter(differs).cloned().collect();
        let store = machine.store();
        let newest = recovery::read_newest(&*store, DIR).ok().flatten();
        let named = newest.iter().flat_map(|newest| newest.checkpoint.saved_rdds()).map(|(_, _, saved)| saved.dir);
        rivals.gone = named.filter(|dir| store.list(&format!("{dir}/")).is_ok_and(|keys| keys.is_empty())).collect();
        let now = disk.batches().unwrap_or_default();
        let times: BTreeSet<u64> = shown.keys().chain(now.keys()).copied().collect();
        rivals.shown = times.into_iter().filter(|time| shown.get(time) != now.get(time)).collect();
        rivals.acknowledged = parts.sources.acknowledged().difference(&known).copied().collect();
    }
    rivals
}
