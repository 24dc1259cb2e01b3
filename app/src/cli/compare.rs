//! `faultline compare`: the race, as a table or as JSON.

use super::UsageError;
use super::args::CompareArgs;
use super::operators::check_operators;
use super::request::{check_faults, run_request, simulated};
use super::run::{bar, warn};
use crate::race::engine_run::RunRequest;
use crate::race::{Keep, LaneRun, Policy, Progress, Race, RaceNews, RaceRequest, race, race_table};
use std::io::Write;
use std::ops::ControlFlow;

/// Races and prints.
pub fn compare(args: &CompareArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut run = run_request(args.program, &args.sizing)?;
    if let Some(source) = &args.source {
        run = simulated(run, source, args.sizing.batches)?;
    }
    run.config.faults.clone_from(&args.faults);
    check_faults(&run)?;
    check_operators(&run)?;
    let policies = policies(&run, &args.policies)?;
    let race = race_with_progress(&RaceRequest { run, policies, keep: Keep::Numbers }, &mut |_| {})?;
    if args.json {
        serde_json::to_writer(&mut *out, &race)?;
        writeln!(out)?;
    } else {
        out.write_all(race_table(&race).as_bytes())?;
    }
    out.flush()?;
    warn(&race.warnings);
    anyhow::ensure!(!race.results_differ(), "the lanes wrote different results, which no policy may cause");
    Ok(())
}

/// Races with a bar on a terminal, and hands on what the race tells.
pub(super) fn race_with_progress(request: &RaceRequest, told: &mut dyn FnMut(RaceNews)) -> anyhow::Result<Race> {
    let bar = bar(request.policies.len() as u64 * 2, "runs");
    let result = race(request, &mut |news| {
        if let RaceNews::Progress(Progress { lane, policy, run, .. }) = &news {
            bar.set_position(*lane as u64 * 2 + u64::from(*run == LaneRun::WithoutFault));
            bar.set_message(policy.name());
        }
        told(news);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    result
}

/// The lanes that were asked for, else those of the input.
fn policies(run: &RunRequest, asked: &[Policy]) -> Result<Vec<Policy>, UsageError> {
    let of_input = Policy::of_input(&run.input.source);
    if let Some(other) = asked.iter().find(|policy| !of_input.contains(policy)) {
        let known: Vec<&str> = of_input.iter().map(|policy| policy.name()).collect();
        let input = if other.is_of_received() { "read, not received: add --source simulated:tcp" } else { "received" };
        let (other, known) = (other.name(), known.join(", "));
        return Err(UsageError(format!("--policies {other}: this input is {input}; its lanes are {known}")));
    }
    Ok(if asked.is_empty() { of_input.to_vec() } else { distinct(asked) })
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
