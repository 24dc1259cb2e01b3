//! The built-in programs against sequential oracles that know neither RDDs nor streams, and what a kill
//! costs each of them under every policy.

use faultline::cli::args::Sizing;
use faultline::cli::engine_run::RunRequest;
use faultline::cli::{Lane, Policy, Race, RaceRequest, outcome_sentence, race};
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline_engine::event::Event;
use faultline_engine::ids::{BatchId, OutputOpId};
use faultline_engine::programs::{self, BuiltIn, ProgramInput};
use faultline_tests::{Loop, run, settings};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

const BATCHES: u32 = 12;
const KILL: &str = "kill:executor=2@batch=7";

/// What is printed by output operation `op` in batch `batch`.
type Printed = BTreeMap<(u32, u32), Vec<String>>;

fn program(name: &str) -> BuiltIn {
    programs::find(name).expect("it is built in")
}

/// The input of a program, batch by batch.
fn input_of(program: &BuiltIn, seed: u64) -> Vec<Vec<String>> {
    let lines = default_text(program, seed).first_lines(LINES_PER_BATCH * BATCHES as usize);
    lines.chunks(LINES_PER_BATCH).map(|batch| batch.iter().map(|l| l.as_str().to_owned()).collect()).collect()
}

/// What a program prints.
fn printed(program: BuiltIn, seed: u64, faults: &[&str]) -> Printed {
    let config = faultline_engine::config::EngineConfig { seed, ..settings(BATCHES, faults) };
    let input = ProgramInput::replay(default_text(&program, seed), LINES_PER_BATCH);
    let (result, log) = run(Loop::Sim, config, move |sc| program.run(sc, &input));
    result.expect("the program ends well");
    let lines = log.into_iter().filter_map(|e| match e.event {
        Event::OutputPrinted { batch: Some(BatchId(batch)), output_op: Some(OutputOpId(op)), lines } => {
            Some(((batch, op), lines))
        }
        _ => None,
    });
    lines.collect()
}

fn words(line: &str) -> Vec<String> {
    let line = line.to_lowercase();
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '\'').map(|w| w.trim_matches('\'').to_owned());
    words.filter(|w| !w.is_empty()).collect()
}

/// The five most frequent words of some batches.
fn top_words(batches: &[Vec<String>]) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    batches.iter().flatten().flat_map(|line| words(line)).for_each(|word| *counts.entry(word).or_default() += 1);
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(word, count)| (Reverse(*count), word.clone()));
    counts.iter().take(5).map(|(word, count)| format!("('{word}', {count})")).collect()
}

/// Output operation 0 of every batch, by what `of` says about the input up to it.
fn each_batch(input: &[Vec<String>], of: impl Fn(&[Vec<String>]) -> Vec<String>) -> Printed {
    (1..=input.len()).map(|n| ((n as u32, 0), of(&input[..n]))).collect()
}

/// Without it the window would keep words that left it, or lose some that are inside.
#[test]
fn windowed_counts_counts_the_last_four_batches() {
    for seed in [1, 7] {
        let program = program("windowed-counts");
        let input = input_of(&program, seed);
        let expected = each_batch(&input, |so_far| top_words(&so_far[so_far.len().saturating_sub(4)..]));
        for faults in [&[][..], &[KILL]] {
            assert_eq!(printed(program, seed, faults), expected, "seed {seed} {faults:?}");
        }
    }
}

/// Without it word counts would depend on what fails.
#[test]
fn word_count_counts_all_batches() {
    let program = program("word-count");
    let expected = each_batch(&input_of(&program, 1), top_words);
    assert_eq!(printed(program, 1, &[KILL]), expected);
}

/// Without it payments would be joined with the wrong orders, with none, or twice.
#[test]
fn join_streams_pairs_payments_with_recent_orders() {
    for seed in [1, 7] {
        let program = program("join-streams");
        let input = input_of(&program, seed);
        let expected = each_batch(&input, |so_far| {
            let recent = &so_far[so_far.len().saturating_sub(4)..];
            let number = |text: &str| text.parse::<u32>().expect("a number");
            let mut orders: BTreeMap<u32, String> = BTreeMap::new();
            let mut payments: BTreeMap<u32, u32> = BTreeMap::new();
            for line in recent.iter().flatten() {
                if let Some(order) = line.strip_prefix("order ") {
                    let (id, rest) = order.split_once(' ').expect("an item");
                    orders.insert(number(id), rest.split_once(' ').expect("an amount").0.to_owned());
                }
            }
            for line in &so_far[so_far.len() - 1] {
                if let Some((id, amount)) = line.strip_prefix("payment ").and_then(|p| p.split_once(' ')) {
                    payments.insert(number(id), number(amount));
                }
            }
            let late = payments.keys().filter(|id| !orders.contains_key(*id)).count();
            let mut lines = vec![format!("{} payments, {late} late", payments.len())];
            lines.extend(payments.iter().take(3).map(|(id, amount)| {
                format!("({id}, {}, {amount})", orders.get(id).map_or("too late", String::as_str))
            }));
            lines
        });
        for faults in [&[][..], &[KILL]] {
            assert_eq!(printed(program, seed, faults), expected, "seed {seed} {faults:?}");
        }
    }
}

/// A hit: in which batch, at which second.
fn hits_of(input: &[Vec<String>]) -> BTreeMap<String, Vec<(usize, u32)>> {
    let mut hits: BTreeMap<String, Vec<(usize, u32)>> = BTreeMap::new();
    for (batch, line) in input.iter().enumerate().flat_map(|(b, lines)| lines.iter().map(move |l| (b + 1, l))) {
        let fields: Vec<&str> = line.split(' ').collect();
        let clock: Vec<u32> = fields[0].split(':').map(|part| part.parse().expect("a number")).collect();
        hits.entry(fields[1].to_owned()).or_default().push((batch, clock[0] * 3600 + clock[1] * 60 + clock[2]));
    }
    hits
}

/// Without it sessions would end too early or never, or lose hits at a kill.
#[test]
fn log_sessions_end_after_three_batches_without_a_hit() {
    for seed in [1, 7] {
        let program = program("log-sessions");
        let input = input_of(&program, seed);
        let mut expected = Printed::new();
        for n in 1..=input.len() {
            let (mut open, mut ended) = (0, Vec::new());
            for (user, hits) in hits_of(&input[..n]) {
                // Going back from the last hit, a session begins after the first gap of more than three batches.
                let gap = hits.windows(2).rposition(|pair| pair[1].0 - pair[0].0 > 3);
                let session = &hits[gap.map_or(0, |at| at + 1)..];
                let (first, last) = (session[0], session[session.len() - 1]);
                open += u32::from(n - last.0 < 3);
                if n - last.0 == 3 {
                    ended.push((Reverse(session.len()), user, last.1 - first.1));
                }
            }
            ended.sort();
            let rows =
                ended.iter().take(3).map(|(hits, user, length)| format!("({user}, {} hits, {length} s)", hits.0));
            let head = format!("ended: {}", ended.len());
            expected.insert((n as u32, 0), vec![format!("open: {open}")]);
            expected.insert((n as u32, 1), std::iter::once(head).chain(rows).collect());
        }
        for faults in [&[][..], &[KILL]] {
            assert_eq!(printed(program, seed, faults), expected, "seed {seed} {faults:?}");
        }
    }
}

fn raced(name: &str, fault: &str) -> Race {
    let mut run = RunRequest::new(program(name), &Sizing::default()).expect("the input is there");
    run.config.faults = vec![fault.parse().expect("a fault")];
    let request = RaceRequest { run, policies: Policy::ALL.to_vec() };
    race(&request, &mut |_| {}).expect("every lane runs")
}

/// A program whose output depends on what is kept, or on what fails, would teach nothing about cost.
#[test]
fn every_program_gives_the_same_under_every_policy_and_kill() {
    for program in programs::ALL {
        let fault = if program.streaming { KILL } else { "kill:executor=2@stage=11.task=2" };
        let race = raced(program.name, fault);
        assert!(race.common_hash().is_some(), "{}: {race:#?}", program.name);
        let hashes: BTreeSet<&str> = race.lanes.iter().map(|lane| lane.output_sha256.as_str()).collect();
        assert_eq!((race.lanes.len(), hashes.len()), (5, 1), "{}", program.name);
    }
}

/// Policy, computed again without the kill, with it, partitions read from a checkpoint with it.
fn rows(race: &Race) -> Vec<(&'static str, u64, u64, u64)> {
    let row = |lane: &Lane| {
        let (without, with) = (&lane.struck.without_fault, &lane.struck.with_fault);
        (lane.policy.name(), without.computed_again, with.computed_again, with.checkpoint_partitions_read)
    };
    race.lanes.iter().map(row).collect()
}

const SENTENCE: &str =
    "A second copy recovered at once; the checkpoint bounded the walk; plain cache had the longest way back.";

/// The numbers on the page of the program would not be those that the rules of recovery give. Of 6
/// partitions 2 die with everything. Batch 7 needs window 6 and what left, batch 3; window n needs window
/// n - 1 and batches n and n - 4; the map side of a batch is 3 operators, of the first window 1 more.
#[test]
fn what_a_kill_costs_windowed_counts() {
    let race = raced("windowed-counts", KILL);
    let (windows_to_6, batches_to_6) = (6, 6);
    let map_side = |batches: u64| 2 * 3 * batches;
    let chain = windows_to_6 + batches_to_6;
    let expected = [
        ("none", 6 * chain, 6 * chain + map_side(6) + 2, 0),
        ("cache", 0, 2 * chain + map_side(6) + 2, 0),
        ("cache2", 0, 0, 0),
        // Window 6 from the checkpoint of window 5, with batches 2 and 6, and 3 for window 7.
        ("checkpoint", 6 * 4, 6 * 4 + map_side(3), 6),
        ("cache+checkpoint", 0, 2 * 4 + map_side(3), 2),
    ];
    assert_eq!(rows(&race), expected);
    assert_eq!(outcome_sentence(&race), SENTENCE);
}

/// The numbers on the page of the program would not be those that the rules of recovery give. The window
/// of batch 7 reads the orders of batches 4 to 6 again, each by two operators from the log.
#[test]
fn what_a_kill_costs_join_streams() {
    let race = raced("join-streams", KILL);
    let expected = [
        ("none", 6 * 2 * 3, 6 * 2 * 3, 0),
        ("cache", 0, 2 * 2 * 3, 0),
        ("cache2", 0, 0, 0),
        ("checkpoint", 6 * 2 * 2, 6 * 2 * 2, 6),
        ("cache+checkpoint", 0, 2 * 2 * 2, 2),
    ];
    assert_eq!(rows(&race), expected);
    assert_eq!(outcome_sentence(&race), SENTENCE);
    let refused: Vec<&str> = race.lanes.iter().filter(|l| !l.spark_allows).map(|l| l.policy.name()).collect();
    assert_eq!(refused, ["checkpoint"], "an interval without a level");
}

/// The numbers on the page of the program would not be those that the rules of recovery give. Two output
/// operations read the state; when nothing keeps it, each computes it for itself.
#[test]
fn what_a_kill_costs_log_sessions() {
    let race = raced("log-sessions", KILL);
    let map_side = |batches: u64| 2 * 2 * batches;
    let expected = [
        ("none", 6 * 6 + 6 * 7, 6 * 6 + 6 * 7 + map_side(6), 0),
        ("cache", 0, 2 * 6 + map_side(6), 0),
        ("cache2", 0, 0, 0),
        ("checkpoint", 6 + 6 * 2, 6 + 6 * 2 + map_side(1), 12),
        ("cache+checkpoint", 0, 2 + map_side(1), 2),
    ];
    assert_eq!(rows(&race), expected);
    assert_eq!(outcome_sentence(&race), SENTENCE);
}

/// Without it the demo of state that grows and ends would write the same bytes every time, and no
/// partition would stand out.
#[test]
fn sessions_make_uneven_checkpoints() {
    let program = program("log-sessions");
    let config = settings(20, &[]);
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    let (result, log) = run(Loop::Sim, config, move |sc| program.run(sc, &input));
    result.expect("the program ends well");
    let written: Vec<Vec<u64>> = log
        .iter()
        .filter_map(|e| match &e.event {
            Event::CheckpointCompleted { parts, .. } => Some(parts.iter().map(|p| p.bytes).collect()),
            _ => None,
        })
        .collect();
    let sums: Vec<u64> = written.iter().map(|parts| parts.iter().sum()).collect();
    assert_eq!(sums.len(), 4);
    assert!(sums.windows(2).any(|w| w[1] < w[0]) && sums.windows(2).any(|w| w[1] > w[0]), "{sums:?}");
    // The crawler's pages are in one part.
    let mut first = written[0].clone();
    first.sort_unstable();
    assert!(first[5] > 2 * first[2], "{first:?}");
}
