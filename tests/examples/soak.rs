//! A long run of random programs: `cargo run -p faultline-tests --no-default-features --release --example soak -- --seeds 20000`.
//!
//! `--seeds N` tries N seeds of every property, `--from S` begins with seed S, `--property lineages` keeps to
//! one, `--loop sim` to one loop. Ends with exit code 1 and the seeds that failed. `--seed S` beside
//! `--property` and `--loop` tries just that one again: in the simulator it fails in exactly the same way.

use faultline_tests::Loop;
use faultline_tests::properties::NAMED;
use std::panic::catch_unwind;
use std::process::ExitCode;

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
    if failed == 0 && tried > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
