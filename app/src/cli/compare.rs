//! `faultline compare`: the race, as a table or as JSON.

use super::args::CompareArgs;
use super::engine_run::RunRequest;
use super::faults::check_faults;
use super::operators::check_operators;
use super::race_table::race_table;
use super::run::{bar, warn};
use super::{Policy, Race, RaceRequest, race};
use std::io::Write;

/// Races and prints.
pub fn compare(args: &CompareArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut run = RunRequest::new(args.program, &args.sizing)?;
    run.config.faults.clone_from(&args.faults);
    check_faults(&run.program, &run.config)?;
    check_operators(&run)?;
    let race = race_with_progress(&RaceRequest { run, policies: distinct(&args.policies) })?;
    if args.json {
        serde_json::to_writer(&mut *out, &race)?;
        writeln!(out)?;
    } else {
        out.write_all(race_table(&race).as_bytes())?;
    }
    out.flush()?;
    warn(&race.warnings);
    anyhow::ensure!(race.common_hash().is_some(), "the lanes wrote different results, which no policy may cause");
    Ok(())
}

/// Races with a bar on a terminal.
pub(super) fn race_with_progress(request: &RaceRequest) -> anyhow::Result<Race> {
    let bar = bar(request.policies.len() as u64 * 2, "runs");
    let mut started = 0;
    let result = race(request, &mut |policy| {
        bar.set_position(started);
        bar.set_message(policy.name());
        started += 1;
    });
    bar.finish_and_clear();
    result
}

fn distinct(policies: &[Policy]) -> Vec<Policy> {
    let mut lanes = Vec::new();
    for &policy in policies {
        if !lanes.contains(&policy) {
            lanes.push(policy);
        }
    }
    lanes
}
