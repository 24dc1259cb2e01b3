//! Readers of what others may have written or damaged, fed with anything: they may refuse, but neither
//! panic nor refuse without naming the place. Corpora, mutations and fuzz targets share this file.

use faultline_engine::checkpoint::format::{self, Manifest};
use faultline_engine::config::EngineConfig;
use faultline_engine::eventlog::LogReader;
use faultline_engine::object_store::{MemoryObjectStore, ObjectStore, PutMode};
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::sim::faults::PlannedFault;
use faultline_engine::storage::frame;
use std::path::PathBuf;

/// A reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The event log, ours and Spark's.
    EventLog,
    /// The manifest of a checkpoint.
    Manifest,
    /// One part of a checkpoint.
    Part,
    /// A fault as the command line spells it.
    FaultSpec,
    /// A setting as `--conf` spells it.
    Setting,
}

/// The record of the parts in the corpora.
type Record = (String, u64);

impl Target {
    /// Every reader with the name of its corpus.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("event-log", Self::EventLog),
        ("manifest", Self::Manifest),
        ("part", Self::Part),
        ("fault-spec", Self::FaultSpec),
        ("setting", Self::Setting),
    ];

    /// Reads `bytes`; whether everything was accepted.
    ///
    /// # Panics
    /// When the reader does, when an error names no place, or when what was accepted prints as something else.
    pub fn feed(self, bytes: &[u8]) -> bool {
        match self {
            Self::EventLog => event_log(bytes),
            Self::Manifest => manifest(bytes),
            Self::Part => part(bytes),
            Self::FaultSpec => fault_spec(&String::from_utf8_lossy(bytes)),
            Self::Setting => setting(&String::from_utf8_lossy(bytes)),
        }
    }

    /// Files of the corpus with their names, sorted.
    ///
    /// # Panics
    /// When the corpus cannot be read.
    pub fn corpus(self) -> Vec<(String, Vec<u8>)> {
        let dir = corpora().join(Self::NAMED.iter().find(|(_, t)| *t == self).map_or("", |(name, _)| name));
        let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.expect("an entry of the corpus").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a file of the corpus"))
        };
        let mut files: Vec<_> = entries.map(read).collect();
        files.sort();
        files
    }
}

/// The folder with a corpus for each reader.
pub fn corpora() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpora")
}

fn event_log(bytes: &[u8]) -> bool {
    let mut accepted = true;
    for read in LogReader::new(bytes) {
        if let Err(error) = read {
            accepted = false;
            let text = error.to_string();
            assert!(text.contains("(line ") && text.len() < 10_000, "an error of a log without its line: {text}");
        }
    }
    accepted
}

fn manifest(bytes: &[u8]) -> bool {
    let text = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    // As it is, and with a checksum that fits, so that what is behind the checksum is reached too.
    let [accepted, _] = [bytes.to_vec(), Manifest::sealed(text)].map(|file| {
        let store = MemoryObjectStore::new();
        let key = format::manifest_key("dir");
        store.put(&key, &file, PutMode::Replace).expect("memory takes everything");
        match format::read_manifest(&store, "dir") {
            Ok(manifest) => {
                assert_eq!(Manifest::decode(&manifest.encode()).as_ref(), Ok(&manifest), "it prints as another one");
                // What it lists is not there.
                assert!(manifest.partitions.is_empty() || format::verify(&store, "dir", format::one_by_one).is_err());
                true
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(&key), "an error of a manifest without its place: {text}");
                false
            }
        }
    });
    accepted
}

fn part(bytes: &[u8]) -> bool {
    // Records of another type than were written, which a damaged file may look like.
    let _ = frame::decode::<Vec<Vec<Option<String>>>>(bytes);
    let accepted = frame::decode::<Record>(bytes).is_ok();
    let store = MemoryObjectStore::new();
    let good = include_bytes!("../corpora/manifest/ok-two-parts");
    store.put(&format::manifest_key("dir"), good, PutMode::Replace).expect("memory takes everything");
    for part in Manifest::decode(good).expect("it is sound").partitions {
        store.put(&format!("dir/{}", part.file), bytes, PutMode::Replace).expect("memory takes everything");
    }
    // One of the two is not what the manifest lists, whatever the bytes are.
    let text = format::verify(&store, "dir", format::one_by_one).expect_err("two parts of equal bytes").to_string();
    assert!(text.contains("part-0000"), "an error of a part without its name: {text}");
    accepted
}

fn fault_spec(text: &str) -> bool {
    match text.parse::<PlannedFault>() {
        Ok(fault) => {
            assert_eq!(fault.to_string().parse().as_ref(), Ok(&fault), "{text:?} prints as another fault");
            true
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("fault ") && message.contains("for example"), "no way out: {message}");
            false
        }
    }
}

fn setting(text: &str) -> bool {
    let mut config = EngineConfig::default();
    match config.assign(text) {
        Ok(()) => {
            let mut again = EngineConfig::default();
            for (key, value) in config.properties().iter().filter(|(key, _)| *key != "spark.app.id") {
                let set = again.set(key, value);
                assert!(set.is_ok(), "{text:?} announces {key}={value}: {set:?}");
            }
            assert_eq!(again, config, "{text:?} announces other settings");
            true
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && message.len() < 2_000 + text.len(), "{text:?}: {message}");
            assert_eq!(config, EngineConfig::default(), "{text:?} was refused and changed something");
            false
        }
    }
}

/// Words that readers look for: a mutation that hits one gets further.
const WORDS: [&str; 24] = [
    "\n",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "@",
    "#",
    "=",
    "/",
    "-1",
    "0",
    "18446744073709551616",
    "1e309",
    "null",
    "\u{0}",
    "\u{ff}",
    "FLBK",
    "\"Event\":\"SparkListenerTaskEnd\"",
    "spark.locality.wait=",
    "@event=TaskEnd:executor=",
    "\\ud800",
];

/// A file of the corpus, changed in one to six places: the same for the same seed.
///
/// # Panics
/// When the corpus is empty.
pub fn mutated(corpus: &[(String, Vec<u8>)], seed: u64) -> Vec<u8> {
    let mut rng = Seed(seed).fork("mutation").rng();
    let pick = |rng: &mut Rng| &corpus[rng.below(corpus.len() as u64) as usize].1;
    let mut bytes = pick(&mut rng).clone();
    for _ in 0..=rng.below(6) {
        let at = |rng: &mut Rng, bytes: &[u8]| rng.below(bytes.len() as u64 + 1) as usize;
        let (a, b) = (at(&mut rng, &bytes), at(&mut rng, &bytes));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 200));
        match rng.below(8) {
            0 if a < bytes.len() => bytes[a] ^= 1 << rng.below(8),
            1 if a < bytes.len() => bytes[a] = rng.below(256) as u8,
            2 => drop(bytes.drain(from..to)),
            3 => {
                let again = bytes[from..to].to_vec();
                bytes.splice(a..a, again);
            }
            4 => bytes.truncate(a),
            5 => {
                let other = pick(&mut rng);
                let cut = at(&mut rng, other);
                bytes.truncate(a);
                bytes.extend_from_slice(&other[cut..]);
            }
            6 => {
                let digits = bytes[a..].iter().take_while(|b| b.is_ascii_digit()).count();
                bytes.splice(a..a + digits, WORDS[rng.below(WORDS.len() as u64) as usize].bytes());
            }
            _ => {
                bytes.splice(a..a, WORDS[rng.below(WORDS.len() as u64) as usize].bytes());
            }
        }
    }
    bytes
}
