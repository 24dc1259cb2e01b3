//! Events per second: cloned into a vector, written as a log, and read back, against serde_json of the
//! same envelopes.

mod rounds;

use faultline_engine::config::EngineConfig;
use faultline_engine::event::Envelope;
use faultline_engine::eventlog::{LogReader, LogWriter};
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use rounds::{contest, entry, scaled};
use std::io::{self, Write};
use std::sync::Arc;

const BATCHES: usize = 200;
const ROUNDS: usize = 9;

/// The events of a streaming word count of so many batches.
fn events(batches: usize) -> Vec<Envelope> {
    let config = EngineConfig { max_batches: u32::try_from(batches).ok(), ..EngineConfig::default() };
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let text = ReplayText::from_text("text", &"the quick brown fox jumps over the lazy dog\n".repeat(100));
    let input = ProgramInput::replay(text, 10);
    let mut events = Vec::new();
    let program = programs::find("word-count").expect("it is built in");
    let outcome = simulate(config, &environment, Box::new(move |sc| program.run(sc, &input)), &mut |sent| {
        events.extend_from_slice(sent);
    });
    assert_eq!(outcome.result, Ok(()));
    events
}

fn write_log<W: Write>(events: &[Envelope], sink: W) -> io::Result<W> {
    let mut log = LogWriter::new(sink);
    events.iter().try_for_each(|envelope| log.write(envelope))?;
    log.finish()
}

fn write_json<W: Write>(events: &[Envelope], mut sink: W) -> io::Result<W> {
    for envelope in events {
        serde_json::to_writer(&mut sink, envelope)?;
        sink.write_all(b"\n")?;
    }
    Ok(sink)
}

/// The number of envelopes in a log; 0 when one cannot be read.
fn read_log(log: &[u8]) -> u64 {
    LogReader::new(log).try_fold(0, |n, envelope| envelope.map(|_| n + 1)).unwrap_or(0)
}

fn read_json(log: &[u8]) -> u64 {
    let lines = log.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(serde_json::from_slice::<Envelope>).filter(Result::is_ok).count() as u64
}

fn main() -> io::Result<()> {
    let events = events(scaled(BATCHES, 5));
    let (log, json) = (write_log(&events, Vec::new())?, write_json(&events, Vec::new())?);
    let count = events.len() as u64;
    assert_eq!((read_log(&log), read_json(&json)), (count, count));
    println!("{count} events; our log has {} bytes, plain JSON {}", log.len(), json.len());
    contest(
        &format!("writing {count} events"),
        ROUNDS,
        vec![
            entry("cloned into a Vec", || events.to_vec().len() as u64),
            entry("LogWriter", || u64::from(write_log(&events, io::sink()).is_ok())),
            entry("serde_json", || u64::from(write_json(&events, io::sink()).is_ok())),
        ],
    );
    contest(
        &format!("reading {count} events"),
        ROUNDS,
        vec![entry("LogReader", || read_log(&log)), entry("serde_json", || read_json(&json))],
    );
    Ok(())
}
