//! Rounds: every entry of a contest once per round, in turn, so that a machine that slows down slows
//! all of them down.
//!
//! `cargo bench` measures. `cargo test --benches` runs the same code once on small inputs, to see that
//! it still works. Nothing here asserts on time.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Multiplies the size of every input: `FAULTLINE_BENCH_SCALE=0.1 cargo bench`.
const SCALE_VAR: &str = "FAULTLINE_BENCH_SCALE";
/// Replaces the number of rounds.
const ROUNDS_VAR: &str = "FAULTLINE_BENCH_ROUNDS";
/// The scale when only the working of the code is of interest.
const SMOKE_SCALE: f64 = 0.001;

/// Whether this is `cargo bench`, which says so on the command line.
fn measuring() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// The size to use for an input of `full` parts; at least `least`.
pub fn scaled(full: usize, least: usize) -> usize {
    let set = std::env::var(SCALE_VAR).ok().and_then(|scale| scale.parse::<f64>().ok());
    let scale = set.unwrap_or(if measuring() { 1.0 } else { SMOKE_SCALE });
    ((full as f64 * scale) as usize).max(least)
}

/// One competitor: a name, and work that returns something that depends on all of it.
pub struct Entry<'a> {
    name: &'a str,
    work: Box<dyn FnMut() -> u64 + 'a>,
    times: Vec<Duration>,
}

/// A competitor.
pub fn entry<'a>(name: &'a str, work: impl FnMut() -> u64 + 'a) -> Entry<'a> {
    Entry { name, work: Box::new(work), times: Vec::new() }
}

/// Runs all entries `rounds` times after one round that is not counted, and prints median, least and
/// most of each, and the ratio of medians to the last entry, the baseline.
pub fn contest(title: &str, rounds: usize, mut entries: Vec<Entry<'_>>) {
    let set = std::env::var(ROUNDS_VAR).ok().and_then(|rounds| rounds.parse().ok());
    let rounds = set.unwrap_or(if measuring() { rounds } else { 1 }).max(1);
    for round in 0..=rounds {
        for entry in &mut entries {
            let start = Instant::now();
            black_box((entry.work)());
            let time = start.elapsed();
            if round > 0 {
                entry.times.push(time);
            }
        }
    }
    println!("\n{title} ({rounds} rounds)");
    println!("  {:<44} {:>10} {:>10} {:>10} {:>8}", "", "median", "min", "max", "ratio");
    let baseline = entries.last_mut().map_or(Duration::ZERO, |last| median(&mut last.times)).as_secs_f64();
    for entry in &mut entries {
        let median = median(&mut entry.times);
        let (min, max) = (entry.times[0], entry.times[entry.times.len() - 1]);
        let ratio = median.as_secs_f64() / baseline;
        println!("  {:<44} {:>10} {:>10} {:>10} {ratio:>8.2}", entry.name, show(median), show(min), show(max));
    }
}

/// The middle one; sorts.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn show(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        ..10_000.0 => format!("{us:.1} µs"),
        ..10_000_000.0 => format!("{:.1} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}
