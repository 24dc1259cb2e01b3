//! From a name to a session: a built-in program, or the path of an event log.

use crate::session::Session;
use crate::source::{RecordedSource, Start, start_live};
use anyhow::{Context, bail};
use faultline_engine::command::SuperviseMode;
use faultline_engine::config::EngineConfig;
use faultline_engine::programs::{self, BuiltIn, InputSource, ProgramInput};
use faultline_engine::rdd::ReplayText;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

/// The program that a bare start runs.
pub const DEMO: &str = "word-count";
/// Lines of text that a batch of the demo takes.
pub const LINES_PER_BATCH: usize = 60;

/// Batches of a run or a race when the command line does not say.
pub const BATCHES: u32 = 12;

/// The text that a program works on when none is given: its own sample, or a book.
pub fn default_text(program: &BuiltIn, seed: u64) -> ReplayText {
    program.sample(seed).unwrap_or_else(book)
}

fn book() -> ReplayText {
    ReplayText::from_text("alice.txt", include_str!("../../assets/books/alice.txt"))
}

/// Whether a source can be read at all. A socket that nobody listens on yet can be: its receiver tries
/// again and again.
///
/// # Errors
/// The place, and the way out.
pub fn check_source(source: &InputSource) -> anyhow::Result<()> {
    let path = match source {
        InputSource::Directory(path) => path,
        InputSource::Pushed { host, port } | InputSource::Acknowledged { host, port } => {
            return check_port(host, *port)
                .with_context(|| format!("cannot listen on {host}:{port}; choose another port"));
        }
        InputSource::Replay | InputSource::Simulated(_) | InputSource::Socket { .. } | InputSource::Http(_) => {
            return Ok(());
        }
    };
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => bail!("{path} is no directory; give the directory that receives the files"),
        Err(error) => bail!("cannot read the directory {path}: {error}; make it first, or give another"),
    }
}

/// Whether somebody else listens there already.
fn check_port(host: &str, port: u16) -> io::Result<()> {
    TcpListener::bind((host, port)).map(drop)
}

/// Opens a program with these settings, with its lines from `source`; under the wall clock when that lies
/// outside.
///
/// # Errors
/// When there is no such program, the source cannot be read, or the program cannot be started.
pub fn open_with(
    name: &str,
    source: &InputSource,
    config: EngineConfig,
    start: Start,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Session> {
    open_kept(name, source, config, None, start, wake)
}

/// The same with checkpoints and logs in `directory`, which stays, or in one that goes with the run.
///
/// # Errors
/// When there is no such program, the source cannot be read, or the program cannot be started.
pub fn open_kept(
    name: &str,
    source: &InputSource,
    config: EngineConfig,
    directory: Option<&Path>,
    start: Start,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Session> {
    let Some(program) = programs::find(name) else { bail!("{name:?} is no program, so it takes no input") };
    if source.is_external() && !program.streaming {
        bail!("{name} has no batches, so it cannot read {source}; choose a streaming program");
    }
    check_source(source)?;
    let config = EngineConfig { app_name: name.to_owned(), ..config };
    let input = window_input(&program, config.seed).from_source(source.clone());
    Ok(Session::new(Box::new(start_live(program, input, config, directory, start, wake)?)))
}

/// Opens a program or a log. `wake` is called when events arrive.
///
/// # Errors
/// When `name` is neither, or cannot be started or read.
pub fn open(name: &str, start: Start, wake: Arc<dyn Fn() + Send + Sync>) -> anyhow::Result<Session> {
    open_supervised(name, SuperviseMode::Off, start, wake)
}

/// The same with a driver that is supervised from the start, or not.
///
/// # Errors
/// When `name` is neither, or cannot be started or read.
pub fn open_supervised(
    name: &str,
    supervise: SuperviseMode,
    start: Start,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Session> {
    if programs::find(name).is_some() {
        let config = EngineConfig { supervise: supervise == SuperviseMode::On, ..EngineConfig::default() };
        return open_with(name, &InputSource::Replay, config, start, wake);
    }
    let path = Path::new(name);
    if path.exists() {
        return Ok(Session::new(Box::new(RecordedSource::open(path, wake)?)));
    }
    let known: Vec<&str> = programs::ALL.iter().map(|p| p.name).collect();
    bail!("{name:?} is neither a program ({}) nor the path of an event log", known.join(", "))
}

/// The input of a program that the window opens.
pub fn window_input(program: &BuiltIn, seed: u64) -> ProgramInput {
    ProgramInput::replay(default_text(program, seed), LINES_PER_BATCH)
}
