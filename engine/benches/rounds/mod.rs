//! Rounds: every entry of a contest once per round, in turn, so that a machine that slows down slows
//! all of them down.
//!
//! `cargo bench` measures. `cargo test --benches` runs the same code once on small inputs, to see that
//! it still works. Nothing here asserts on time.

mod size;

use size::measuring;
pub use size::scaled;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Replaces the number of rounds.
const ROUNDS_VAR: &str = "FAULTLINE_BENCH_ROUNDS";

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

/// How many rounds count when a bench would like `rounds`.
pub fn rounds_asked(rounds: usize) -> usize {
    let set = std::env::var(ROUNDS_VAR).ok().and_then(|rounds| rounds.parse().ok());
    set.unwrap_or(if measuring() { rounds } else { 1 }).max(1)
}

/// Runs all entries `rounds` times after one round that is not counted, and prints median, least and
/// most of each, and the ratio of medians to the last entry, the baseline.
pub fn contest(title: &str, rounds: usize, mut entries: Vec<Entry<'_>>) {
    let rounds = rounds_asked(rounds);
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
