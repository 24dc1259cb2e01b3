//! Rules of checkpoints beyond Spark's basic suite: kinds of RDDs, damaged and deleted files, local
//! checkpoints, what is written while it is computed, the periodic helper, and levels set by command.

mod by_command;
mod faulty_store;
mod files;
mod local;
mod owner;
mod periodic;
mod tee;
mod zombies;

use faultline_engine::checkpoint::format::read_manifest;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::object_store::ObjectStore;
use faultline_engine::rdd::{Rdd, SparkContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sixteen numbers in four partitions through a map that counts its calls.
fn counted(sc: &SparkContext) -> (Rdd<u32>, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let inside = Arc::clone(&calls);
    let mapped = sc.parallelize((0..16u32).collect(), 4).map(move |v| {
        inside.fetch_add(1, Ordering::Relaxed);
        v
    });
    (mapped, calls)
}

/// The files in a store, but for those that say whose a directory is.
fn files_in(store: &dyn ObjectStore) -> Vec<String> {
    let keys = store.list("").expect("listed");
    keys.into_iter().filter(|key| !key.ends_with("/_owner")).collect()
}

fn calls(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

/// Kinds and messages of all findings, in order.
fn findings(log: &[Envelope]) -> Vec<(String, String)> {
    let all = log.iter().filter_map(|e| match &e.event {
        Event::FindingReported { finding } => Some((finding.kind.clone(), finding.message.clone())),
        _ => None,
    });
    all.collect()
}

/// Errors of checkpoints that could not be written, in order.
fn failures(log: &[Envelope]) -> Vec<(RddId, String)> {
    let all = log.iter().filter_map(|e| match &e.event {
        Event::CheckpointFailed { rdd, error } => Some((*rdd, error.clone())),
        _ => None,
    });
    all.collect()
}

/// Jobs that ran for a checkpoint.
fn checkpoint_jobs(log: &[Envelope]) -> usize {
    faultline_tests::log::jobs(log).iter().filter(|(_, origin)| origin.checkpoint_of.is_some()).count()
}

/// The file that counts as the part of a partition.
fn part_key(store: &dyn ObjectStore, dir: &str, partition: u32) -> String {
    let manifest = read_manifest(store, dir).expect("sound");
    format!("{dir}/{}", manifest.partitions[partition as usize].file)
}
