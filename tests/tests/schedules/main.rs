//! The engine itself under many schedules: at each lock, atomic, channel and start of a thread a scheduler chooses
//! which thread goes on, so that what happens once in a million runs happens here within a minute.
//!
//! ```text
//! cargo test -p faultline-tests --no-default-features --features shuttle --test schedules
//! ```
//!
//! `FAULTLINE_SCHEDULES=100000` explores so many schedules per test and scheduler, `FAULTLINE_SEED` others. A failure
//! prints its schedule; in a file that `FAULTLINE_REPLAY` names it is run again, with the one test that failed.

mod jobs;
mod losses;
mod runs;
mod stores;
mod streams;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, MaxSteps, Runner};
use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex};

/// Schedules per test and scheduler when nobody asks for more.
const SCHEDULES: usize = 200;
/// Preemptions at which the second scheduler aims: most races need no more.
const PREEMPTIONS: usize = 3;
/// Bytes of stack of each thread.
const STACK: usize = 1 << 20;
/// Steps after which a schedule is taken to be endless.
const STEPS: usize = 2_000_000;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// What happened in one schedule, in words of its test.
type Seen = Vec<&'static str>;

/// Runs `check` under many schedules: at random, and with few preemptions at places chosen at random. Each of
/// `expected` happens in some of them, or the test would show nothing.
fn explore(expected: &[&str], check: fn() -> Seen) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    let counts: Arc<Mutex<BTreeMap<&str, usize>>> = Arc::default();
    let counting = Arc::clone(&counts);
    let check = move || {
        let seen = check();
        let mut counts = counting.lock().expect("no thread panicked");
        seen.into_iter().for_each(|what| *counts.entry(what).or_default() += 1);
    };
    if let Ok(path) = env::var("FAULTLINE_REPLAY") {
        Runner::new(ReplayScheduler::new_from_file(path).expect("a file with a schedule"), config).run(check);
        return;
    }
    let schedules = number("FAULTLINE_SCHEDULES").map_or(SCHEDULES, |n| n as usize);
    let seed = number("FAULTLINE_SEED").unwrap_or(1);
    let random = Runner::new(RandomScheduler::new_from_seed(seed, schedules), config.clone()).run(check.clone());
    let few = Runner::new(PctScheduler::new_from_seed(seed, PREEMPTIONS, schedules), config).run(check);
    assert_eq!((random, few), (schedules, schedules), "every schedule is run");
    let counts = counts.lock().expect("no thread panicked");
    eprintln!("{} schedules, of which {counts:?}", random + few);
    let missing: Vec<_> = expected.iter().filter(|what| !counts.contains_key(**what)).collect();
    assert!(missing.is_empty(), "in no schedule: {missing:?}");
}
