//! Runs the engine without the window. The only file of the command line that names its loops.

use super::args::{Clock, Sizing};
use super::interrupt::stop_on_interrupt;
use super::{Recording, UsageError};
use crate::opening::{LINES_PER_BATCH, check_source, default_text};
use anyhow::Context;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Envelope;
use faultline_engine::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use faultline_engine::programs::{BuiltIn, InputSource, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::{Environment, simulate};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The reliable store of a run, and the directory that goes with it when it was a temporary one.
#[derive(Debug)]
pub struct Store {
    store: Arc<dyn ObjectStore>,
    _temporary: Option<TempDir>,
}

impl Store {
    /// In memory.
    pub fn memory() -> Self {
        Self { store: Arc::new(MemoryObjectStore::new()), _temporary: None }
    }

    /// In `dir`, which stays.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn directory(dir: &Path) -> anyhow::Result<Self> {
        let made = std::fs::create_dir_all(dir).and_then(|()| std::path::absolute(dir));
        let root = made.map_err(|error| {
            let dir = dir.display();
            anyhow::anyhow!("cannot make the checkpoint directory: {error}; choose another --checkpoint-dir ({dir})")
        })?;
        Ok(Self { store: Arc::new(LocalObjectStore::new(root)), _temporary: None })
    }

    /// In a new directory, removed when this is dropped.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn temporary() -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("faultline-")
            .context("cannot make a temporary directory for checkpoints; give one with --checkpoint-dir")?;
        Ok(Self { store: Arc::new(LocalObjectStore::new(dir.path())), _temporary: Some(dir) })
    }
}

/// What to run: program, settings, input, clock.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Program.
    pub program: BuiltIn,
    /// Settings.
    pub config: EngineConfig,
    /// Input.
    pub input: ProgramInput,
    /// Clock.
    pub clock: Clock,
}

impl RunRequest {
    /// A run under the virtual clock, without faults.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn new(program: BuiltIn, sizing: &Sizing) -> anyhow::Result<Self> {
        let config = EngineConfig {
            app_name: program.name.to_owned(),
            seed: sizing.seed,
            executors: sizing.executors,
            cores: sizing.cores,
            memory: sizing.memory,
            partitions: sizing.partitions,
            max_batches: Some(sizing.batches()),
            ..EngineConfig::default()
        };
        let text = match sizing.input.as_deref() {
            Some(path) => load_text(path)?,
            None => default_text(&program, sizing.seed),
        };
        let input = ProgramInput::replay(text, LINES_PER_BATCH);
        Ok(Self { program, config, input, clock: Clock::Virtual })
    }

    /// The same with lines from outside: under the wall clock, and without end unless `batches` says one.
    ///
    /// # Errors
    /// When the source does not fit the program or the clock, or cannot be read.
    pub fn from_source(
        mut self,
        source: InputSource,
        clock: Option<Clock>,
        batches: Option<u32>,
    ) -> Result<Self, UsageError> {
        if !self.program.streaming {
            let name = self.program.name;
            return Err(UsageError(format!(
                "--source {source}: {name} has no batches, so it reads no lines; choose word-count"
            )));
        }
        if clock == Some(Clock::Virtual) {
            return Err(UsageError(format!(
                "--source {source} cannot be read under --clock virtual: nobody outside knows its time; leave --clock away"
            )));
        }
        check_source(&source).map_err(|error| UsageError(format!("--source {source}: {error}")))?;
        self.clock = Clock::Wall;
        self.config.max_batches = batches;
        self.input.source = source;
        Ok(self)
    }

    /// Runs to the end. `sink` gets the events in order.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn run(&self, store: &Store, sink: &mut dyn FnMut(&[Envelope])) -> anyhow::Result<()> {
        let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(&store.store) };
        let (program, input) = (self.program, self.input.clone());
        let body = Box::new(move |sc: &_| program.run(sc, &input));
        let outcome = match self.clock {
            Clock::Virtual => simulate(self.config.clone(), &environment, body, sink),
            // What never ends by itself is ended by the user.
            Clock::Wall if self.input.source.is_external() => {
                let controls = stop_on_interrupt()?;
                runtime::run_controlled(self.config.clone(), &environment, body, controls, sink)
            }
            Clock::Wall => runtime::run(self.config.clone(), &environment, body, sink),
        };
        outcome.result.with_context(|| format!("{} failed", program.name))
    }

    /// Runs to the end, and keeps what the command line needs.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn record(&self, store: &Store) -> anyhow::Result<Recording> {
        let mut recording = Recording::default();
        self.run(store, &mut |events| events.iter().for_each(|e| recording.see(e)))?;
        Ok(recording)
    }
}

fn load_text(path: &Path) -> anyhow::Result<ReplayText> {
    let Some(text) = path.to_str() else {
        let message = format!("the path of --input is not Unicode; rename it ({})", path.display());
        return Err(UsageError(message).into());
    };
    let loaded = ReplayText::load(&SystemFiles, text);
    loaded.map_err(|error| anyhow::anyhow!("{error}; --input takes a text file, or a directory of text files"))
}
