//! Races made of a few numbers, for tests.

use super::engine_run::RunRequest;
use super::{Fates, Lane, LaneDone, LaneUpkeep, Policy, Race, RaceNews, RaceState, Struck, WayBack, WithAndWithout};
use crate::model::{Tally, Totals};
use crate::opening::{BATCHES, window_input};
use faultline_engine::config::EngineConfig;
use faultline_engine::ids::BatchId;
use faultline_engine::programs;
use std::sync::Arc;

/// Policy, computed again without the fault, with it, checkpoint partitions read with it.
pub type Numbers = (Policy, u64, u64, u64);

/// The numbers of a word count whose executor 2 dies before batch 7.
pub const WORD_COUNT: [Numbers; 5] = [
    (Policy::None, 36, 72, 0),
    (Policy::Cache, 0, 48, 0),
    (Policy::Cache2, 0, 0, 0),
    (Policy::Checkpoint, 6, 12, 6),
    (Policy::CacheAndCheckpoint, 0, 8, 2),
];

/// A lane with these numbers in the struck batch.
pub fn lane_of(&(policy, without, with, read): &Numbers) -> Lane {
    let tally = |again: u64, read: u64| Tally {
        computed_again: again,
        computed_partitions: 24 + again,
        checkpoint_partitions_read: read,
        time_ms: 40 + again,
        ..Tally::default()
    };
    let copies = match policy {
        Policy::None | Policy::Checkpoint | Policy::LogOn | Policy::LogOff => 0,
        Policy::Cache | Policy::CacheAndCheckpoint => 1,
        Policy::Cache2 => 2,
    };
    let writes = matches!(policy, Policy::Checkpoint | Policy::CacheAndCheckpoint);
    Lane {
        policy,
        spark_allows: policy == Policy::CacheAndCheckpoint,
        struck: WithAndWithout { without_fault: tally(without, 0), with_fault: tally(with, read) },
        run: WithAndWithout::default(),
        upkeep: LaneUpkeep {
            cached_bytes_peak: copies * 1_300_000,
            checkpoint_bytes_written: u64::from(writes) * 400_000,
        },
        output_sha256: "24c7de0d".into(),
        output_sha256_without_fault: "24c7de0d".into(),
        fates: None,
        explanation: format!("what {} does", policy.name()),
        struck_at: Some(Struck::Batch(BatchId(7))),
        way_back: WayBack {
            lost_partitions: if copies > 0 { 12 } else { 0 },
            lost_map_outputs: 24,
            earliest: (with > 0).then_some(BatchId(if read > 0 { 5 } else { 1 })),
        },
    }
}

/// A race of these lanes.
pub fn race_of(lanes: &[Numbers]) -> Race {
    Race {
        program: "word-count".into(),
        seed: 1,
        faults: vec!["kill:executor=2@batch=7".into()],
        time_source: "modelled",
        lanes: lanes.iter().map(lane_of).collect(),
        streaming: true,
        warnings: Vec::new(),
    }
}

/// A race of a received input, of whose 600 records so many were lost with the log and without it.
pub fn received_race(lost_with_log: u64, lost_without: u64) -> Race {
    let totals = |lost: u64| {
        let count = |records| crate::model::Count { units: records, records };
        Totals { received: count(600), once: count(600 - lost), lost: count(lost), ..Totals::default() }
    };
    let lane = |policy, lost| Lane {
        fates: Some(Fates { without_fault: totals(0), with_fault: totals(lost) }),
        struck_at: Some(Struck::DriverLoss),
        ..lane_of(&(policy, 0, 0, 0))
    };
    Race {
        faults: vec!["kill:driver@batch=7".into()],
        lanes: vec![lane(Policy::LogOn, lost_with_log), lane(Policy::LogOff, lost_without)],
        ..race_of(&[])
    }
}

/// A window over a built-in program, before any race.
pub fn idle(program: &str) -> RaceState {
    let program = programs::find(program).expect("a built-in program");
    let config = EngineConfig { app_name: program.name.into(), max_batches: Some(BATCHES), ..EngineConfig::default() };
    let input = window_input(&program, config.seed);
    RaceState::over(Some(RunRequest::new(program, config, input)))
}

/// The race of a word count in which these lanes are computed.
pub fn running(lanes: &[Lane]) -> RaceState {
    let mut state = idle("word-count");
    let fault = "kill:executor=2@batch=7".parse().expect("a fault");
    state.begin(&state.request(&fault).expect("a fault that can strike"));
    for (index, lane) in lanes.iter().enumerate() {
        let done = LaneDone { lane: lane.clone(), with_fault: Arc::default(), without_fault: Arc::default() };
        state.take(RaceNews::Lane { index, done: Arc::new(done) });
    }
    state
}

/// The same, finished.
pub fn finished(race: Race) -> RaceState {
    let mut state = running(&race.lanes);
    state.finish(Ok(race));
    state
}
