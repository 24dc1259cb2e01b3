//! Counting the words of 200 MB of text on two cores: the engine with two executors, against two
//! threads with a hash map over byte slices.

mod rounds;

use faultline_engine::config::EngineConfig;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::Environment;
use rounds::{contest, entry, scaled};
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const TEXT_BYTES: usize = 200_000_000;
const ROUNDS: usize = 5;
const PARTITIONS: u32 = 6;
const THREADS: u64 = 2;

const VOCABULARY: usize = 200_000;
const ZIPF_EXPONENT: f64 = 1.1;
const WORDS_PER_LINE: usize = 12;

fn word(rng: &mut Rng) -> String {
    let len = 3 + rng.below(7);
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

/// Writes a seeded text of about `bytes` bytes whose words are distributed as in a natural language.
fn generate(path: &Path, bytes: usize) -> io::Result<()> {
    let mut rng = Seed(42).rng();
    let vocabulary: Vec<String> = (0..VOCABULARY).map(|_| word(&mut rng)).collect();
    let mut total = 0.0;
    let mut upto = Vec::with_capacity(VOCABULARY);
    for rank in 1..=VOCABULARY {
        total += (rank as f64).powf(-ZIPF_EXPONENT);
        upto.push(total);
    }
    let mut out = BufWriter::new(File::create(path)?);
    let mut written = 0;
    while written < bytes {
        for at in 1..=WORDS_PER_LINE {
            let drawn = rng.unit() * total;
            let word = &vocabulary[upto.partition_point(|sum| *sum < drawn).min(VOCABULARY - 1)];
            out.write_all(word.as_bytes())?;
            out.write_all(if at == WORDS_PER_LINE { b"\n" } else { b" " })?;
            written += word.len() + 1;
        }
    }
    out.flush()
}

/// The number of distinct words, counted by the engine.
fn with_engine(path: &str) -> u64 {
    let config = EngineConfig {
        executors: THREADS as u32,
        cores: 1,
        partitions: PARTITIONS,
        previews: false,
        ..EngineConfig::default()
    };
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let distinct = Arc::new(AtomicU64::new(0));
    let (path, found) = (path.to_owned(), Arc::clone(&distinct));
    let program = move |sc: &SparkContext| {
        let counts = sc
            .text_file(&path, PARTITIONS)?
            .flat_map_into(|line, out| line.split_ascii_whitespace().for_each(|word| out.push(Line::from(word))))
            .map(|word| (word, 1u64))
            .reduce_by_key(|a, b| a + b);
        found.store(counts.count()?, Ordering::Relaxed);
        Ok(())
    };
    let outcome = runtime::run(config, &environment, Box::new(program), &mut |_| ());
    assert_eq!(outcome.result, Ok(()));
    distinct.load(Ordering::Relaxed)
}

/// The bytes `start..end` of a file, from the first line that begins there to the end of the last.
fn lines_between(path: &str, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let from = start.saturating_sub(1);
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::with_capacity((end - from) as usize + 4096);
    Read::by_ref(&mut file).take(end - from).read_to_end(&mut text)?;
    let mut byte = [0];
    while text.last() != Some(&b'\n') && file.read(&mut byte)? == 1 {
        text.push(byte[0]);
    }
    if start > 0 {
        let first = text.iter().position(|b| *b == b'\n').map_or(text.len(), |at| at + 1);
        text.drain(..first);
    }
    Ok(text)
}

fn count(text: &[u8]) -> FxHashMap<&[u8], u64> {
    let mut counts = FxHashMap::default();
    for word in text.split(|b| matches!(b, b' ' | b'\n')).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

/// The number of distinct words, counted by hand.
fn by_hand(path: &str) -> io::Result<u64> {
    let len = std::fs::metadata(path)?.len();
    let cut = |i: u64| len * i / THREADS;
    let texts: io::Result<Vec<Vec<u8>>> = thread::scope(|scope| {
        let read = |i: u64| move || lines_between(path, cut(i), cut(i + 1));
        let readers: Vec<_> = (0..THREADS).map(|i| scope.spawn(read(i))).collect();
        readers.into_iter().map(|thread| thread.join().expect("reading does not panic")).collect()
    });
    let texts = texts?;
    let mut all = FxHashMap::default();
    thread::scope(|scope| {
        let counters: Vec<_> = texts.iter().map(|text| scope.spawn(|| count(text))).collect();
        for thread in counters {
            for (word, n) in thread.join().expect("counting does not panic") {
                *all.entry(word).or_insert(0) += n;
            }
        }
    });
    Ok(all.len() as u64)
}

fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("words.txt");
    generate(&file, scaled(TEXT_BYTES, 100_000))?;
    let path = file.to_string_lossy().into_owned();
    let distinct = by_hand(&path)?;
    assert_eq!(with_engine(&path), distinct);
    contest(
        &format!("words of {} bytes of text, {distinct} distinct", std::fs::metadata(&file)?.len()),
        ROUNDS,
        vec![
            entry("engine, 2 executors of 1 core", || with_engine(&path)),
            entry("two threads by hand", || by_hand(&path).unwrap_or_default()),
        ],
    );
    Ok(())
}
