//! A log of a million events: written, opened as the window opens it, and scrubbed. Each beside the least
//! that anything could do with the same bytes.

#[path = "../../engine/benches/rounds/mod.rs"]
mod rounds;

use faultline::command::Scrub;
use faultline::model::Model;
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline::scene::{Filter, SceneCache};
use faultline::session::Session;
use faultline::source::RecordedSource;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Envelope;
use faultline_engine::eventlog::{LogReader, LogWriter};
use faultline_engine::ids::{BatchId, Timestamp};
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use rounds::{contest, entry, scaled};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EVENTS: usize = 1_000_000;
/// Events per batch of the demo, about.
const PER_BATCH: usize = 67;
const SEEKS: usize = 100;
/// Steps of a drag over the whole rail.
const DRAG: usize = 500;
const ROUNDS: usize = 3;

/// The demo, as long as it takes, written to `path`. Returns the number of events.
fn write_log(path: &Path, events: usize) -> usize {
    let program = programs::find("word-count").expect("the demo is built in");
    let batches = events.div_ceil(PER_BATCH).max(8) as u32;
    let config = EngineConfig { app_name: "word-count".into(), max_batches: Some(batches), ..EngineConfig::default() };
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let mut writer = LogWriter::new(BufWriter::new(File::create(path).expect("a file")));
    let mut written = 0;
    let body = Box::new(move |sc: &_| program.run(sc, &input));
    let outcome = simulate(config, &environment, body, &mut |slice| {
        for envelope in slice {
            writer.write(envelope).expect("written");
        }
        written += slice.len();
    });
    outcome.result.expect("the demo runs");
    writer.finish().expect("written").flush().expect("written");
    written
}

/// Opens and folds everything, as the window does between frames.
fn open(path: &Path) -> Session {
    let source = RecordedSource::open(path, Arc::new(|| {})).expect("a log");
    let mut session = Session::new(Box::new(source));
    while session.progress().is_some() {
        session.pump();
        std::thread::yield_now();
    }
    session.pump();
    session
}

/// Bytes of memory that this process holds, where Linux tells.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

/// A number like a random one, the same in every run.
fn scattered(n: usize, below: usize) -> usize {
    ((n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as usize % below.max(1)
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    BufReader::new(File::open(path).expect("a log")).lines().map(|line| line.expect("a line"))
}

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("big.jsonl");
    let started = Instant::now();
    let events = write_log(&path, scaled(EVENTS, 2_000));
    let bytes = std::fs::metadata(&path).expect("a log").len();
    let per = |ns: Duration, n: usize| ns.as_secs_f64() * 1e6 / n as f64;
    println!(
        "a log of {events} events, {} MB, ran and was written in {:.1} s",
        bytes >> 20,
        started.elapsed().as_secs_f64()
    );

    let before = resident();
    let started = Instant::now();
    let mut session = open(&path);
    let opened = started.elapsed();
    let held = resident().saturating_sub(before);
    assert_eq!(session.len(), events);
    println!(
        "opened and folded in {:.1} s, {:.0} events/s; {} bytes of memory per event, an envelope alone is {}",
        opened.as_secs_f64(),
        events as f64 / opened.as_secs_f64(),
        held / events as u64,
        size_of::<Envelope>(),
    );
    scrubs(&mut session, per);
    drop(session);

    let title = format!("reading {events} events");
    contest(
        &title,
        ROUNDS,
        vec![
            entry("opened as by the window, folded and kept", || open(&path).len() as u64),
            entry("read and folded", || {
                let mut model = Model::default();
                let reader = LogReader::new(BufReader::new(File::open(&path).expect("a log")));
                reader.flatten().for_each(|envelope| model.apply(&envelope));
                model.revision
            }),
            entry("read", || {
                LogReader::new(BufReader::new(File::open(&path).expect("a log"))).flatten().count() as u64
            }),
            entry("each line as a serde_json::Value", || {
                lines(&path).filter(|l| black_box(serde_json::from_str::<serde_json::Value>(l)).is_ok()).count() as u64
            }),
        ],
    );
}

/// Prints what it costs to go somewhere, with the scene of that moment, which is what a frame of a drag
/// has to do before it paints.
fn scrubs(session: &mut Session, per: impl Fn(Duration, usize) -> f64) {
    let len = session.len();
    let mut scenes = SceneCache::default();
    let mut times = |name: &str, positions: &mut dyn Iterator<Item = usize>| {
        let (mut seeks, mut drawn) = (Vec::new(), Vec::new());
        for position in positions {
            let started = Instant::now();
            session.scrub(Scrub::To(position));
            seeks.push(started.elapsed());
            let last = session.model().latest_batch().unwrap_or(BatchId(0)).0;
            let filter = Filter::batches(BatchId(last.saturating_sub(6))..=BatchId(last));
            black_box(scenes.get(session.model(), &filter));
            drawn.push(started.elapsed());
        }
        seeks.sort_unstable();
        drawn.sort_unstable();
        let at = |times: &[Duration], share: f64| per(times[((times.len() - 1) as f64 * share) as usize], 1);
        println!(
            "  {name:<28} seek: median {:>7.0} µs, worst {:>7.0} µs; with scene: median {:>7.0} µs, worst {:>7.0} µs",
            at(&seeks, 0.5),
            at(&seeks, 1.0),
            at(&drawn, 0.5),
            at(&drawn, 1.0),
        );
    };
    println!("\nscrubbing through {len} events");
    times("random positions", &mut (0..SEEKS).map(|n| scattered(n, len)));
    times("a drag forward over all", &mut (0..DRAG).map(|n| n * len / DRAG));
    times("a drag back over all", &mut (0..DRAG).rev().map(|n| n * len / DRAG));
    let middle = len / 2;
    times("forward event by event", &mut (middle..(middle + DRAG).min(len)));
    times("back event by event", &mut (middle..(middle + DRAG).min(len)).rev());
    let timeline = session.timeline();
    let started = Instant::now();
    let sum: usize =
        (0..SEEKS).map(|n| timeline.position_at_busy_ns(timeline.busy_ns() / SEEKS as u64 * n as u64)).sum();
    black_box((sum, Timestamp::default()));
    println!("  a point of the rail to its position: {:.1} µs", per(started.elapsed(), SEEKS));
}
