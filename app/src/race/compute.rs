//! Running a race: every policy twice, with the fault and without it, because a lane that keeps nothing
//! computes again even when nothing fails: what a fault costs is the difference. Always under the
//! virtual clock with the store in memory, so that the same request gives the same bytes.

use super::engine_run::{RunRequest, Store};
use super::{Fates, Lane, LaneUpkeep, Policy, Race, Recording, WithAndWithout, stages_to_name, unstruck};
use anyhow::Context;
use faultline_engine::command::Command;
use faultline_engine::event::{Envelope, Event};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What to race.
#[derive(Clone, Debug)]
pub struct RaceRequest {
    /// The run of every lane, with its faults.
    pub run: RunRequest,
    /// The lanes, in order.
    pub policies: Vec<Policy>,
    /// What stays of the runs beside their numbers.
    pub keep: Keep,
}

/// What stays of the runs of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Their numbers.
    Numbers,
    /// Also their events, so that a lane can be opened.
    Events,
}

/// One of the two runs of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneRun {
    /// The faults strike.
    WithFault,
    /// Nothing fails.
    WithoutFault,
}

/// How far a race is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which lane, from 0.
    pub lane: usize,
    /// Its policy.
    pub policy: Policy,
    /// Which of its runs.
    pub run: LaneRun,
    /// How much of that run is done, where its length is known; else 0.
    pub share: f32,
}

/// A lane that has been computed.
#[derive(Clone, Debug)]
pub struct LaneDone {
    /// Its numbers.
    pub lane: Lane,
    /// Events of the run with the faults; empty unless they were asked for.
    pub with_fault: Arc<Vec<Envelope>>,
    /// Events of the run without.
    pub without_fault: Arc<Vec<Envelope>>,
}

impl LaneDone {
    /// The events of one of its runs.
    pub const fn events(&self, run: LaneRun) -> &Arc<Vec<Envelope>> {
        match run {
            LaneRun::WithFault => &self.with_fault,
            LaneRun::WithoutFault => &self.without_fault,
        }
    }
}

/// What a race tells while it runs.
#[derive(Clone, Debug)]
pub enum RaceNews {
    /// A run starts, or came to the end of a batch.
    Progress(Progress),
    /// A lane is done.
    Lane {
        /// Which, from 0.
        index: usize,
        /// What was found out.
        done: Arc<LaneDone>,
    },
}

/// The race was broken off by who watched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaceCancelled;

impl fmt::Display for RaceCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the race was cancelled")
    }
}

impl std::error::Error for RaceCancelled {}

/// Who hears of the race, and may break it off.
pub type Watcher<'a> = &'a mut dyn FnMut(RaceNews) -> ControlFlow<()>;

/// Runs every lane twice.
///
/// # Errors
/// When a run fails, no fault strikes in any lane, or `watch` breaks off ([`RaceCancelled`]).
pub fn race(request: &RaceRequest, watch: Watcher<'_>) -> anyhow::Result<Race> {
    let faults = &request.run.config.faults;
    let mut race = Race {
        program: request.run.program.name.to_owned(),
        seed: request.run.config.seed,
        faults: faults.iter().map(ToString::to_string).collect(),
        time_source: "modelled",
        lanes: Vec::new(),
        streaming: request.run.program.streaming,
        warnings: Vec::new(),
    };
    let mut missed: Vec<(String, Vec<&str>)> = Vec::new();
    let mut stages = None;
    for (index, &policy) in request.policies.iter().enumerate() {
        let mut run = request.run.clone();
        policy.configure(&run.program, &mut run.config);
        // Without a supervisor a run ends with its driver.
        run.config.supervise |= faults.iter().any(|fault| fault.command == Command::KillDriver);
        let mut record = |run: &RunRequest, which| record(run, request.keep, (index, policy, which), watch);
        let mut with_fault = record(&run, LaneRun::WithFault)?;
        run.config.faults.clear();
        let mut without_fault = record(&run, LaneRun::WithoutFault)?;
        for sentence in unstruck(faults, &with_fault) {
            match missed.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, lanes)) => lanes.push(policy.name()),
                None => missed.push((sentence, vec![policy.name()])),
            }
        }
        stages = stages.or_else(|| stages_to_name(faults, &with_fault));
        let lane = lane(policy, &run, &without_fault, &with_fault);
        race.lanes.push(lane.clone());
        let events = |recording: &mut Recording| Arc::new(recording.events.take().unwrap_or_default());
        let (with_fault, without_fault) = (events(&mut with_fault), events(&mut without_fault));
        let done = Arc::new(LaneDone { lane, with_fault, without_fault });
        if watch(RaceNews::Lane { index, done }).is_break() {
            return Err(RaceCancelled.into());
        }
    }
    let of_lanes = |(sentence, lanes): (String, Vec<&str>)| format!("{sentence} (lanes {})", lanes.join(", "));
    race.warnings = missed.into_iter().map(of_lanes).chain(stages).collect();
    let any_struck = race.lanes.iter().any(|lane| lane.struck_at.is_some());
    anyhow::ensure!(any_struck, "there is nothing to compare, because no fault struck: {}", race.warnings.join("; "));
    Ok(race)
}

/// One run of a lane, from start to end.
fn record(
    run: &RunRequest,
    keep: Keep,
    (lane, policy, which): (usize, Policy, LaneRun),
    watch: Watcher<'_>,
) -> anyhow::Result<Recording> {
    let mut recording = match keep {
        Keep::Numbers => Recording::default(),
        Keep::Events => Recording::keeping_events(),
    };
    let batches = run.config.max_batches.filter(|_| run.program.streaming);
    let mut progress = Progress { lane, policy, run: which, share: 0.0 };
    if watch(RaceNews::Progress(progress)).is_break() {
        return Err(RaceCancelled.into());
    }
    let mut cancelled = false;
    let ran = run.run_while(&Store::memory(), &mut |events| {
        events.iter().for_each(|e| recording.see(e));
        let batch_ended = events.iter().any(|e| matches!(e.event, Event::BatchCompleted { .. }));
        if let (true, Some(batches)) = (batch_ended, batches) {
            progress.share = recording.batches.len() as f32 / batches.max(1) as f32;
        }
        // Programs without batches are broken off between two jobs.
        let job_ended = events.iter().any(|e| matches!(e.event, Event::JobEnd { .. }));
        if (batch_ended || job_ended) && watch(RaceNews::Progress(progress)).is_break() {
            cancelled = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    if cancelled {
        return Err(RaceCancelled.into());
    }
    ran.with_context(|| format!("lane {}", policy.name()))?;
    Ok(recording)
}

fn lane(policy: Policy, run: &RunRequest, without_fault: &Recording, with_fault: &Recording) -> Lane {
    let struck = with_fault
        .struck
        .map(|part| WithAndWithout { without_fault: without_fault.tally(part), with_fault: with_fault.tally(part) });
    let upkeep = &without_fault.model.upkeep;
    Lane {
        policy,
        spark_allows: policy.spark_allows(&run.program),
        struck: struck.unwrap_or_default(),
        run: WithAndWithout {
            without_fault: without_fault.model.run_tally(),
            with_fault: with_fault.model.run_tally(),
        },
        upkeep: LaneUpkeep {
            cached_bytes_peak: upkeep.cached_bytes_peak,
            checkpoint_bytes_written: upkeep.checkpoint_bytes_written,
        },
        output_sha256: with_fault.output.hex(),
        output_sha256_without_fault: without_fault.output.hex(),
        fates: policy.is_of_received().then(|| Fates {
            without_fault: *without_fault.model.ledger.totals(),
            with_fault: *with_fault.model.ledger.totals(),
        }),
        explanation: policy.explanation(&run.program),
        struck_at: with_fault.struck,
        way_back: with_fault.way_back,
    }
}
