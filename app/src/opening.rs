//! From a name to a session: a built-in program, or the path of an event log.

use crate::session::Session;
use crate::source::{RecordedSource, Start, start_live};
use anyhow::bail;
use faultline_engine::config::EngineConfig;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::rdd::ReplayText;
use std::path::Path;
use std::sync::Arc;

/// The program that a bare start runs.
pub const DEMO: &str = "word-count";
/// Lines of text that a batch of the demo takes.
pub const LINES_PER_BATCH: usize = 60;

/// Batches of a run or a race when the command line does not say.
pub const BATCHES: u32 = 12;

/// The text that programs work on when none is given.
pub fn default_text() -> ReplayText {
    ReplayText::from_text("alice.txt", include_str!("../../assets/books/alice.txt"))
}

/// The input of programs that the window opens.
pub fn window_input() -> ProgramInput {
    ProgramInput { text: default_text(), lines_per_batch: LINES_PER_BATCH }
}

/// Opens a program or a log. `wake` is called when events arrive.
///
/// # Errors
/// When `name` is neither, or cannot be started or read.
pub fn open(name: &str, start: Start, wake: Arc<dyn Fn() + Send + Sync>) -> anyhow::Result<Session> {
    if let Some(program) = programs::find(name) {
        let input = window_input();
        let config = EngineConfig { app_name: name.to_owned(), ..EngineConfig::default() };
        return Ok(Session::new(Box::new(start_live(program, input, config, start, wake)?)));
    }
    let path = Path::new(name);
    if path.exists() {
        return Ok(Session::new(Box::new(RecordedSource::open(path)?)));
    }
    let known: Vec<&str> = programs::ALL.iter().map(|p| p.name).collect();
    bail!("{name:?} is neither a program ({}) nor the path of an event log", known.join(", "))
}
