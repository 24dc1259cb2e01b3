//! Runs a built-in program for some batches and writes its event log to standard output.
//!
//! `cargo run --example headless -- word-count 8 kill:executor=2@batch=7`

use faultline_engine::config::EngineConfig;
use faultline_engine::eventlog::LogWriter;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use std::io::{self, BufWriter};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "word-count".into());
    let batches = args.next().map_or(Ok(8), |n| n.parse())?;
    let faults: Result<Vec<_>, _> = args.map(|spec| spec.parse()).collect();
    let program = programs::find(&name).ok_or("no such program")?;
    let config = EngineConfig { max_batches: Some(batches), faults: faults?, ..EngineConfig::default() };
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let text = ReplayText::from_text("alice.txt", include_str!("../../assets/books/alice.txt"));
    let input = ProgramInput::replay(text, 60);
    let mut log = LogWriter::new(BufWriter::new(io::stdout().lock()));
    let mut written = Ok(());
    let outcome = simulate(config, &environment, Box::new(move |sc| program.run(sc, &input)), &mut |events| {
        for envelope in events {
            written =
                written.as_ref().map_err(|e: &io::Error| io::Error::from(e.kind())).and_then(|()| log.write(envelope));
        }
    });
    written?;
    log.finish()?;
    outcome.result?;
    Ok(())
}
