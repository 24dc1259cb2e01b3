//! The race: the same program, input, seed and fault under several policies.
//!
//! Every lane runs twice, with the fault and without it, because a lane that keeps nothing computes
//! again even when nothing fails: what a fault costs is the difference. Always under the virtual clock
//! with the store in memory, so that the same request gives the same bytes.

use super::engine_run::{RunRequest, Store};
use super::faults::{stages_to_name, unstruck};
use super::{Policy, Recording, Struck};
use crate::model::Tally;
use anyhow::Context;
use serde::Serialize;

/// What to race.
#[derive(Clone, Debug)]
pub struct RaceRequest {
    /// The run of every lane, with its faults.
    pub run: RunRequest,
    /// The lanes, in order.
    pub policies: Vec<Policy>,
}

/// The result; serialized it is what `compare --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Race {
    /// Program.
    pub program: String,
    /// Seed of every lane.
    pub seed: u64,
    /// The faults, as on the command line.
    pub faults: Vec<String>,
    /// Where durations come from.
    pub time_source: &'static str,
    /// One per policy.
    pub lanes: Vec<Lane>,
    /// Whether the program runs in batches.
    #[serde(skip)]
    pub streaming: bool,
    /// Faults that did not strike, and in which lanes.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    /// Policy.
    pub policy: Policy,
    /// Whether Spark would run the program this way.
    pub spark_allows: bool,
    /// The first batch after the fault; see [`super::Struck`] for programs without batches.
    pub struck: WithAndWithout,
    /// The whole run.
    pub run: WithAndWithout,
    /// What the policy costs when nothing fails.
    pub upkeep: LaneUpkeep,
    /// Hash over everything written in the run with the fault.
    pub output_sha256: String,
    /// The same of the run without the fault.
    #[serde(skip)]
    pub output_sha256_without_fault: String,
    /// What the policy does, in a few words.
    #[serde(skip)]
    pub explanation: String,
    /// What a fault struck; without it `struck` counts nothing.
    #[serde(skip)]
    pub struck_at: Option<Struck>,
}

/// The same part of two runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WithAndWithout {
    /// Nothing fails.
    pub without_fault: Tally,
    /// The faults strike.
    pub with_fault: Tally,
}

/// The price of a policy in the run without the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneUpkeep {
    /// The most that executors held at once, all copies.
    pub cached_bytes_peak: u64,
    /// Bytes of checkpoint parts.
    pub checkpoint_bytes_written: u64,
}

impl WithAndWithout {
    /// Partitions computed again because of the fault; negative when it saved work.
    pub fn added_again(&self) -> i64 {
        let count = |tally: &Tally| i64::try_from(tally.computed_again).unwrap_or(i64::MAX);
        count(&self.with_fault).saturating_sub(count(&self.without_fault))
    }
}

impl Race {
    /// The hash that all runs of all lanes share; `None` when two differ.
    pub fn common_hash(&self) -> Option<&str> {
        let mut hashes = self.lanes.iter().flat_map(|l| [&l.output_sha256, &l.output_sha256_without_fault]);
        let first = hashes.next()?;
        hashes.all(|hash| hash == first).then_some(first)
    }

    /// The lane of a policy.
    pub fn lane(&self, policy: Policy) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.policy == policy)
    }
}

/// Runs every lane twice. `step` hears of each run before it starts.
///
/// # Errors
/// When a run fails, or no fault strikes in any lane.
pub fn race(request: &RaceRequest, step: &mut dyn FnMut(Policy)) -> anyhow::Result<Race> {
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
    for &policy in &request.policies {
        let mut run = request.run.clone();
        policy.configure(&run.program, &mut run.config);
        step(policy);
        let with_fault = record(&run, policy)?;
        run.config.faults.clear();
        step(policy);
        let without_fault = record(&run, policy)?;
        for sentence in unstruck(faults, &with_fault) {
            match missed.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, lanes)) => lanes.push(policy.name()),
                None => missed.push((sentence, vec![policy.name()])),
            }
        }
        stages = stages.or_else(|| stages_to_name(faults, &with_fault));
        race.lanes.push(lane(policy, &run, &without_fault, &with_fault));
    }
    let of_lanes = |(sentence, lanes): (String, Vec<&str>)| format!("{sentence} (lanes {})", lanes.join(", "));
    race.warnings = missed.into_iter().map(of_lanes).chain(stages).collect();
    let any_struck = race.lanes.iter().any(|lane| lane.struck_at.is_some());
    anyhow::ensure!(any_struck, "there is nothing to compare, because no fault struck: {}", race.warnings.join("; "));
    Ok(race)
}

fn record(run: &RunRequest, policy: Policy) -> anyhow::Result<Recording> {
    run.record(&Store::memory()).with_context(|| format!("lane {}", policy.name()))
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
        explanation: policy.explanation(&run.program),
        struck_at: with_fault.struck,
    }
}
