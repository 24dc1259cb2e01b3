//! A long run of random programs: `cargo run -p faultline-tests --no-default-features --release --example soak -- --seeds 20000`.
//!
//! `--seeds N` tries N seeds of every property, `--from S` begins with seed S, `--property lineages` keeps to
//! one, `--loop sim` to one loop. Ends with exit code 1 and the seeds that failed. `--seed S` beside
//! `--property` and `--loop` tries just that one again: in the simulator it fails in exactly the same way.
//!
//! `--property system` is the whole system under faults, 300 batches a seed or as many as `--batches` says; it is
//! there under the simulator only. `--seed S --log FILE` writes its event log, for `faultline open FILE`; a
//! process that was started again after it had ended with an error goes on in `FILE.2`.

use faultline_tests::Loop;
use faultline_tests::properties::NAMED;
use faultline_tests::system::{SystemPlan, run};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

/// Batches of a run of the whole system.
const SYSTEM_BATCHES: u32 = 300;

/// Runs the whole system under a seed; whether it kept its promises.
fn system(seed: u64, batches: u32, log: Option<&str>) -> bool {
    let plan = SystemPlan::of(seed, batches);
    let Ok(ran) = catch_unwind(|| run(&plan)) else {
        eprintln!("it panicked: {plan}");
        return false;
    };
    if let Some(path) = log {
        match ran.logs() {
            Ok(logs) => {
                for (n, bytes) in logs.into_iter().enumerate() {
                    let path = if n == 0 { path.to_owned() } else { format!("{path}.{}", n + 1) };
                    if let Err(error) = std::fs::write(&path, bytes) {
                        eprintln!("cannot write {path}: {error}");
                    }
                }
            }
            Err(error) => eprintln!("the log cannot be written: {error}"),
        }
        println!("{plan}\nends: {:?}\nfindings:\n{}", ran.ends, ran.findings.join("\n"));
    }
    if !ran.broken.is_empty() {
        eprintln!("{plan}\nends: {:?}\n{}", ran.ends, ran.broken.join("\n"));
    }
    ran.broken.is_empty()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).map(String::as_str);
    let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("--seed") {
        Some(seed) => seed..seed + 1,
        None => number("--from").unwrap_or(0)..number("--from").unwrap_or(0) + number("--seeds").unwrap_or(1000),
    };
    let named = |name: &str, option| value(option).is_none_or(|chosen| chosen == name);
    let (mut tried, mut failed) = (0u64, 0u64);
    for (name, property) in NAMED.into_iter().filter(|(name, _)| named(name, "--property")) {
        for (loop_name, loop_) in [("sim", Loop::Sim), ("threads", Loop::Threads)] {
            if !named(loop_name, "--loop") {
                continue;
            }
            for seed in seeds.clone() {
                tried += 1;
                if catch_unwind(|| property(loop_, seed)).is_err() {
                    failed += 1;
                    eprintln!("FAILED --property {name} --loop {loop_name} --seed {seed}");
                }
            }
            println!(
                "{name} under {loop_name}: seeds {} to {}, {failed} of {tried} failed so far",
                seeds.start, seeds.end
            );
        }
    }
    if named("system", "--property") && named("sim", "--loop") {
        let batches = number("--batches").and_then(|n| u32::try_from(n).ok()).unwrap_or(SYSTEM_BATCHES);
        let began = Instant::now();
        for seed in seeds.clone() {
            tried += 1;
            if !system(seed, batches, value("--log")) {
                failed += 1;
                eprintln!("FAILED --property system --batches {batches} --seed {seed}");
            }
            if (seed + 1).is_multiple_of(1000) {
                println!("system: up to seed {seed}, {failed} of {tried} failed, {} s", began.elapsed().as_secs());
            }
        }
        println!(
            "system, {batches} batches each: seeds {} to {}, {failed} of {tried} failed so far",
            seeds.start, seeds.end
        );
    }
    if failed == 0 && tried > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
