//! Writing and reading a checkpoint of words with counts, against plain file calls that move the same
//! bytes with the same syncs; and against the same calls with only the encoding or decoding added, which
//! shows what is left for checksums, the manifest and the verification before the cut.
//!
//! Parts go through two threads in every entry, as they do through the slots of two executors.

mod rounds;

use faultline_engine::checkpoint::format::{finish_part, manifest_key, part_reader};
use faultline_engine::checkpoint::publish;
use faultline_engine::event::{CheckpointPart, Determinism, RddInfo, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::object_store::{LocalObjectStore, ObjectStore, PutMode};
use faultline_engine::runtime::verifying;
use faultline_engine::storage::frame::{FrameCheck, FrameReader, FrameWriter};
use rounds::{contest, entry, scaled};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::thread;

const WORDS: usize = 4_000_000;
const PARTITIONS: u32 = 4;
const ROUNDS: usize = 7;
const DIR: &str = "checkpoints/rdd-1";

type Record = (String, u64);
type Partition = (PartitionId, Vec<Record>);

fn partitions(words: usize) -> Vec<Partition> {
    let each = words / PARTITIONS as usize;
    let record = |n: usize| (format!("word{}", n * 7919 % 1_000_000), (n % 1000) as u64);
    let records = |p: u32| (0..each).map(|n| record(n + p as usize * each)).collect();
    (0..PARTITIONS).map(|p| (PartitionId(p), records(p))).collect()
}

fn info() -> RddInfo {
    RddInfo {
        id: RddId(1),
        name: None,
        class: "MapPartitionsRDD".into(),
        callsite: "map at checkpoint.rs:1".into(),
        op: OpKey { operator: "map".into(), batch: None, ordinal: 0 },
        scope: None,
        level: StorageLevel::NONE,
        num_partitions: PARTITIONS,
        partitioner: None,
        determinism: Determinism::Determinate,
        parents: Vec::new(),
    }
}

fn encode((id, records): &Partition) -> (CheckpointPart, Vec<u8>) {
    let mut encoder = FrameWriter::default();
    records.chunks(1024).for_each(|chunk| encoder.append(chunk).expect("words can be written"));
    finish_part(*id, None, encoder)
}

/// `work` on every item, half of them on a second thread; results in the order of the items.
fn on_two_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (first, second) = items.split_at(items.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().map(&work).collect::<Vec<R>>());
        let mut results: Vec<R> = first.iter().map(&work).collect();
        results.extend(other.join().expect("no thread of a bench panics"));
        results
    })
}

/// As the engine writes a checkpoint: every part, then the manifest, then everything read back.
fn write_checkpoint(store: &dyn ObjectStore, partitions: &[Partition]) -> Vec<CheckpointPart> {
    let parts = on_two_threads(partitions, |partition| {
        let (part, bytes) = encode(partition);
        store.put(&format!("{DIR}/{}", part.file), &bytes, PutMode::Replace).expect("the disk takes it");
        part
    });
    publish(store, &info(), RddId(2), DIR, &parts, verifying::on_two_threads).expect("what was written is sound");
    parts
}

/// A file that is there whole or not at all: written, synced, renamed, its directory synced.
fn write_file(dir: &Path, name: &str, bytes: &[u8]) {
    let temporary = dir.join(format!(".tmp-{name}"));
    let mut file = File::create(&temporary).expect("a file can be made");
    file.write_all(bytes).expect("the disk takes it");
    file.sync_all().expect("it is synced");
    fs::rename(&temporary, dir.join(name)).expect("it is renamed");
    File::open(dir).expect("a directory").sync_all().expect("it is synced");
}

fn main() {
    let partitions = partitions(scaled(WORDS, 4_000));
    let root = tempfile::tempdir().expect("a directory can be made");
    let (ours, plain) = (root.path().join("ours"), root.path().join("plain"));
    let files = plain.join(DIR);
    fs::create_dir_all(&files).expect("a directory can be made");
    let store = LocalObjectStore::new(&ours);
    let parts = write_checkpoint(&store, &partitions);
    let encoded: Vec<(String, Vec<u8>)> =
        partitions.iter().zip(&parts).map(|(p, part)| (part.file.clone(), encode(p).1)).collect();
    let manifest = store.get(&manifest_key(DIR)).expect("written");
    let megabytes = parts.iter().map(|p| p.bytes).sum::<u64>() as f64 / 1e6;

    contest(
        &format!("writing a checkpoint of {megabytes:.0} MB in {PARTITIONS} parts"),
        ROUNDS,
        vec![
            entry("encoded, written, published, verified", || write_checkpoint(&store, &partitions).len() as u64),
            entry("encoded, and plain file calls", || {
                on_two_threads(&partitions, |partition| {
                    let (part, bytes) = encode(partition);
                    write_file(&files, &part.file, &bytes);
                });
                write_file(&files, "_manifest", &manifest);
                partitions.len() as u64
            }),
            entry("plain file calls", || {
                on_two_threads(&encoded, |(name, bytes)| write_file(&files, name, bytes));
                write_file(&files, "_manifest", &manifest);
                encoded.len() as u64
            }),
        ],
    );
    let decoded = |mut reader: FrameReader<'_, Record>| {
        let chunks = std::iter::from_fn(|| Some(reader.next_chunk(1024).expect("records")).filter(|c| !c.is_empty()));
        chunks.map(|chunk| black_box(chunk).len() as u64).sum::<u64>()
    };
    contest(
        &format!("reading a checkpoint of {megabytes:.0} MB in {PARTITIONS} parts"),
        ROUNDS,
        vec![
            entry("read, checked, decoded", || {
                let read = |part: &CheckpointPart| {
                    let bytes = store.get(&format!("{DIR}/{}", part.file)).expect("written");
                    decoded(part_reader(part, &bytes).expect("it is what was written"))
                };
                on_two_threads(&parts, read).iter().sum()
            }),
            entry("plain file calls, decoded", || {
                let read = |part: &CheckpointPart| {
                    let bytes = fs::read(files.join(&part.file)).expect("written");
                    decoded(FrameReader::new(&bytes).expect("it is sound"))
                };
                on_two_threads(&parts, read).iter().sum()
            }),
            entry("read and checked", || {
                let read = |part: &CheckpointPart| {
                    let mut check = FrameCheck::default();
                    let key = format!("{DIR}/{}", part.file);
                    store.scan(&key, &mut |piece| check.take(piece)).expect("written");
                    check.finish().expect("it is sound").0
                };
                on_two_threads(&parts, read).iter().sum()
            }),
            entry("plain file calls", || {
                let read = |part: &CheckpointPart| fs::read(files.join(&part.file)).expect("written").len() as u64;
                on_two_threads(&parts, read).iter().sum()
            }),
        ],
    );
}
