//! A long run of mutations: `cargo run -p faultline-tests --no-default-features --release --example mutate -- --seeds 1000000`.
//!
//! `--seeds N` tries the seeds 0 to N of every target, `--from N` begins later, `--target fault-spec` keeps to
//! one. Ends with exit code 1 and the seeds that failed. `--seed N` beside `--target` prints one mutation.

use faultline_tests::hostile::{Target, mutated};
use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
    let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
    let chosen = value("--target").map(String::as_str);
    let targets = Target::NAMED.into_iter().filter(|(name, _)| chosen.is_none_or(|chosen| chosen == *name));
    let (from, seeds) = (number("--from").unwrap_or(0), number("--seeds").unwrap_or(100_000));
    let mut failed = 0;
    for (name, target) in targets {
        let corpus = target.corpus();
        if let (Some(seed), Some(_)) = (number("--seed"), chosen) {
            // Nobody is left to tell when the terminal is gone.
            let _ = std::io::stdout().write_all(&mutated(&corpus, seed));
            continue;
        }
        let mut accepted = 0u64;
        for seed in from..from + seeds {
            let bytes = mutated(&corpus, seed);
            match catch_unwind(|| target.feed(&bytes)) {
                Ok(true) => accepted += 1,
                Ok(false) => {}
                Err(_) => {
                    failed += 1;
                    eprintln!("{name}: seed {seed} failed; --target {name} --seed {seed} prints it");
                }
            }
        }
        println!("{name}: {seeds} mutations, {accepted} of them accepted");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
