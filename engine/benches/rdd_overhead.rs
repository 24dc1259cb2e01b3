//! What the read boundary costs per record: map → filter → fold over 10⁷ numbers on one thread, against
//! the loop that one would write by hand, and against boxed iterators.

mod rounds;

use faultline_engine::config::EngineConfig;
use faultline_engine::executor::inline_context;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_engine::runtime::SystemFiles;
use rounds::{contest, entry, scaled};
use std::hint::black_box;
use std::sync::Arc;

const RECORDS: usize = 10_000_000;
const ROUNDS: usize = 15;
const CHUNK_LENGTHS: [usize; 7] = [256, 512, 1024, 2048, 4096, 8192, 16_384];

fn map(x: u64) -> u64 {
    x.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (x >> 7)
}

fn keep(x: u64) -> bool {
    !x.is_multiple_of(3)
}

fn fold(sum: u64, x: u64) -> u64 {
    sum.wrapping_add(x)
}

fn context(chunk_len: usize) -> SparkContext {
    inline_context(EngineConfig { chunk_len, ..EngineConfig::default() }, Arc::new(SystemFiles))
}

fn three_nodes(numbers: &Rdd<u64>) -> Rdd<u64> {
    numbers.map(map).filter(|x| keep(*x))
}

fn one_node(numbers: &Rdd<u64>) -> Rdd<u64> {
    numbers.flat_map_into(|x, out| {
        let y = map(*x);
        if keep(y) {
            out.push(y);
        }
    })
}

fn sum(numbers: &Rdd<u64>) -> u64 {
    let sum = numbers.aggregate(0, |sum, x| *sum = fold(*sum, x), |sum, part| *sum = fold(*sum, part));
    sum.unwrap_or_default()
}

/// All three in the function of the action: no record crosses a node.
fn in_the_fold(numbers: &Rdd<u64>) -> u64 {
    let step = |sum: &mut u64, x: u64| {
        let y = map(x);
        if keep(y) {
            *sum = fold(*sum, y);
        }
    };
    numbers.aggregate(0, step, |sum, part| *sum = fold(*sum, part)).unwrap_or_default()
}

fn boxed(numbers: &[u64]) -> u64 {
    let source: Box<dyn Iterator<Item = u64>> = Box::new(black_box(numbers).iter().copied());
    let mapped: Box<dyn Iterator<Item = u64>> = black_box(Box::new(source.map(map)));
    let kept: Box<dyn Iterator<Item = u64>> = black_box(Box::new(mapped.filter(|x| keep(*x))));
    kept.fold(0, fold)
}

fn by_hand(numbers: &[u64]) -> u64 {
    let mut sum = 0;
    for x in black_box(numbers) {
        let y = map(*x);
        if keep(y) {
            sum = fold(sum, y);
        }
    }
    sum
}

fn main() {
    let numbers: Vec<u64> = (0..scaled(RECORDS, 10_000) as u64).collect();
    let sc = context(EngineConfig::default().chunk_len);
    let source = sc.parallelize(numbers.clone(), 1);
    let (three, one) = (three_nodes(&source), one_node(&source));
    assert_eq!(sum(&three), by_hand(&numbers));
    assert_eq!(sum(&one), by_hand(&numbers));
    assert_eq!(in_the_fold(&source), by_hand(&numbers));
    contest(
        &format!("map, filter, fold of {} u64", numbers.len()),
        ROUNDS,
        vec![
            entry("RDDs, three nodes", || sum(&three)),
            entry("RDDs, one node", || sum(&one)),
            entry("RDDs, all in the fold", || in_the_fold(&source)),
            entry("Box<dyn Iterator>", || boxed(&numbers)),
            entry("loop by hand", || by_hand(&numbers)),
        ],
    );

    let names: Vec<String> = CHUNK_LENGTHS.iter().map(|len| format!("three nodes, chunks of {len}")).collect();
    let swept: Vec<Rdd<u64>> =
        CHUNK_LENGTHS.iter().map(|len| three_nodes(&context(*len).parallelize(numbers.clone(), 1))).collect();
    let mut entries: Vec<_> = names.iter().zip(&swept).map(|(name, rdd)| entry(name, || sum(rdd))).collect();
    entries.push(entry("loop by hand", || by_hand(&numbers)));
    contest("chunk lengths", ROUNDS, entries);
}
