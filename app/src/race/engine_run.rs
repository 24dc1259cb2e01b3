//! Runs the engine without the window. The only file besides `source/live.rs` that names its loops.

use super::Recording;
use anyhow::Context;
use crossbeam_channel::Receiver;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{ClockKind, Envelope};
use faultline_engine::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use faultline_engine::programs::{BuiltIn, ProgramInput};
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::{Control, Environment, simulate_while};
use std::ops::ControlFlow;
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
    pub clock: ClockKind,
}

impl RunRequest {
    /// A run under the virtual clock.
    pub fn new(program: BuiltIn, config: EngineConfig, input: ProgramInput) -> Self {
        Self { program, config, input, clock: ClockKind::Virtual }
    }

    /// Runs to the end. `sink` gets the events in order.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn run(&self, store: &Store, sink: &mut dyn FnMut(&[Envelope])) -> anyhow::Result<()> {
        self.run_while(store, &mut |events| {
            sink(events);
            ControlFlow::Continue(())
        })
    }

    /// Runs under the wall clock until the program ends or the controls end it: for an input without end.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn run_controlled(
        &self,
        store: &Store,
        controls: Receiver<Control>,
        sink: &mut dyn FnMut(&[Envelope]),
    ) -> anyhow::Result<()> {
        let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(&store.store) };
        let (program, input) = (self.program, self.input_of_a_run());
        let body = Box::new(move |sc: &_| program.run(sc, &input));
        let outcome = runtime::run_controlled(self.config.clone(), &environment, body, controls, sink);
        outcome.result.with_context(|| format!("{} failed", program.name))
    }

    /// Runs to the end, or until `sink` breaks off; under the wall clock that ends only the telling.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn run_while(&self, store: &Store, sink: &mut dyn FnMut(&[Envelope]) -> ControlFlow<()>) -> anyhow::Result<()> {
        let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(&store.store) };
        let (program, input) = (self.program, self.input_of_a_run());
        let body = Box::new(move |sc: &_| program.run(sc, &input));
        let outcome = match self.clock {
            ClockKind::Virtual => simulate_while(self.config.clone(), &environment, body, sink),
            ClockKind::Wall => {
                let mut told = ControlFlow::Continue(());
                runtime::run(self.config.clone(), &environment, body, &mut |events| {
                    if told.is_continue() {
                        told = sink(events);
                    }
                })
            }
        };
        outcome.result.with_context(|| format!("{} failed", program.name))
    }

    fn input_of_a_run(&self) -> ProgramInput {
        self.input.clone().for_a_run(self.config.max_batches)
    }

    /// Runs to the end, and keeps what tables and races need.
    ///
    /// # Errors
    /// What the program could not handle.
    pub fn record(&self, store: &Store) -> anyhow::Result<Recording> {
        let mut recording = Recording::default();
        self.run(store, &mut |events| events.iter().for_each(|e| recording.see(e)))?;
        Ok(recording)
    }
}
