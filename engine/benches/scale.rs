//! How costs grow: time per unit at 1×, 10× and 100× of partitions, RDDs, records and events. What grows
//! with the square of its size shows as a time per unit that grows with it.
//!
//! `cargo bench -p faultline-engine --bench scale` goes to 10 000 of each; `-- --full` to 100 000.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::Envelope;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A program of a given size.
type Sized = fn(&SparkContext, u32) -> Result<()>;

/// Runs a program in the simulator; returns how long that took and how many events there were.
fn run(program: Sized, size: u32) -> (Duration, u64) {
    let config = EngineConfig { previews: false, memory: 1 << 30, ..EngineConfig::default() };
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let mut events = 0;
    let started = Instant::now();
    let body = Box::new(move |sc: &SparkContext| program(sc, size));
    let outcome = simulate(config, &environment, body, &mut |sent: &[Envelope]| events += sent.len() as u64);
    assert_eq!(outcome.result, Ok(()));
    (started.elapsed(), events)
}

/// One stage of `n` tasks.
fn partitions(sc: &SparkContext, n: u32) -> Result<()> {
    black_box(sc.parallelize(vec![1u64; n as usize], n).count()?);
    Ok(())
}

/// Tasks that prefer where their blocks lie.
fn stored_partitions(sc: &SparkContext, n: u32) -> Result<()> {
    let kept = sc.parallelize(vec![1u64; n as usize], n).map(|v| v);
    kept.persist(faultline_engine::event::StorageLevel::MEMORY_ONLY)?;
    kept.count()?;
    black_box(kept.count()?);
    Ok(())
}

/// `n` map tasks and a few reducers.
fn maps(sc: &SparkContext, n: u32) -> Result<()> {
    let pairs = sc.parallelize(vec![1u64; n as usize], n).map(|v| (v, v));
    black_box(pairs.reduce_by_key_in(4, |a, b| a + b).count()?);
    Ok(())
}

/// A chain of `n` RDDs.
fn rdds(sc: &SparkContext, n: u32) -> Result<()> {
    let mut rdd = sc.parallelize(vec![1u64; 2], 2);
    for _ in 0..n {
        rdd = rdd.map(|v| v + 1);
    }
    black_box(rdd.count()?);
    Ok(())
}

/// A chain of `n / 10` shuffles.
fn stages(sc: &SparkContext, n: u32) -> Result<()> {
    let mut rdd = sc.parallelize(vec![(1u64, 1u64); 2], 2);
    for _ in 0..n / 10 {
        rdd = rdd.map(|pair| pair).reduce_by_key_in(2, |a, b| a + b);
    }
    black_box(rdd.count()?);
    Ok(())
}

/// `n` jobs, one after another: mostly events.
fn jobs(sc: &SparkContext, n: u32) -> Result<()> {
    let rdd = sc.parallelize(vec![1u64; 2], 2);
    for _ in 0..n / 10 {
        black_box(rdd.count()?);
    }
    Ok(())
}

/// 100 × `n` records.
fn records(sc: &SparkContext, n: u32) -> Result<()> {
    let values: Vec<u64> = (0..u64::from(n) * 100).collect();
    black_box(sc.parallelize(values, 6).map(|v| (v % 1000, v)).reduce_by_key_in(6, |a, b| a + b).count()?);
    Ok(())
}

fn main() {
    let full = std::env::args().any(|arg| arg == "--full");
    let sizes: [u32; 3] = if full { [1_000, 10_000, 100_000] } else { [100, 1_000, 10_000] };
    let rows: [(&str, Sized); 7] = [
        ("partitions of one stage", partitions),
        ("partitions that are stored", stored_partitions),
        ("map tasks of a shuffle", maps),
        ("RDDs in a chain", rdds),
        ("shuffles in a chain, tenths", stages),
        ("jobs, tenths", jobs),
        ("records, hundreds", records),
    ];
    println!("{:<28} {:>9} {:>12} {:>14} {:>9}", "what", "units", "time", "per unit", "events");
    for (name, program) in rows {
        for size in sizes {
            let (time, events) = run(program, size);
            let each = time.as_nanos() as f64 / f64::from(size) / 1000.0;
            println!("{name:<28} {size:>9} {:>9.1} ms {each:>11.2} µs {events:>9}", time.as_secs_f64() * 1e3);
        }
    }
}
