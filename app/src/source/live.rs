//! A live engine on a thread of its own. The only place that starts one for the window.

use super::{Capabilities, EventSource};
use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use faultline_engine::clock::SystemClock;
use faultline_engine::command::Transport;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Envelope;
use faultline_engine::object_store::LocalObjectStore;
use faultline_engine::programs::{BuiltIn, InputSource, ProgramInput};
use faultline_engine::runtime::{SystemFiles, run_attended};
use faultline_engine::sim::{Control, Environment, Pacing, simulate_paced};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

/// How many slices of events may wait for a slow window before the engine waits for it.
const BACKLOG: usize = 1024;

/// Wakes the window when events arrive.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// An engine that runs a built-in program under the window's controls.
pub struct LiveSource {
    events: Receiver<Vec<Envelope>>,
    controls: Sender<Control>,
    thread: Option<JoinHandle<Option<String>>>,
    /// Its clock is virtual.
    pacing: bool,
    /// What is read, or received, again by a race.
    raced: Option<InputSource>,
}

/// How an engine begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// At this many virtual seconds per wall second.
    Running {
        /// The speed; infinity means as fast as it computes.
        speed: f64,
    },
    /// Paused before its first input; steps run as fast as they compute.
    Paused,
}

/// Starts a program: in the simulator, or on threads under the wall clock when its input comes from
/// outside. Its checkpoints go to `directory`, or to one that lives as long as the run.
///
/// # Errors
/// When the directory or the thread cannot be made.
pub fn start_live(
    program: BuiltIn,
    input: ProgramInput,
    config: EngineConfig,
    directory: Option<&Path>,
    start: Start,
    wake: Waker,
) -> anyhow::Result<LiveSource> {
    let (root, temporary) = match directory {
        Some(directory) => (kept(directory)?, None),
        None => {
            let temporary = tempfile::Builder::new().prefix("faultline-").tempdir()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let store = LocalObjectStore::new(root);
    let (events_in, events) = bounded(BACKLOG);
    let (controls, controls_out) = unbounded();
    if start == Start::Paused {
        controls.send(Control::Transport(Transport::Pause))?;
    }
    let (pacing, raced) = (!input.source.is_external(), raced(&input.source));
    let input = input.for_a_run(config.max_batches);
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(store) };
        let mut sink = |slice: &[Envelope]| {
            // A window that is gone needs no events; it also sends Quit.
            drop(events_in.send(slice.to_vec()));
            wake();
        };
        let body = Box::new(move |sc: &_| program.run(sc, &input));
        let outcome = if pacing {
            let speed = match start {
                Start::Running { speed } => speed,
                Start::Paused => f64::INFINITY,
            };
            let pacing = Pacing::new(controls_out, Arc::new(SystemClock::default()), speed);
            simulate_paced(config, &environment, body, pacing, &mut sink)
        } else {
            run_attended(config, &environment, body, controls_out, &mut sink)
        };
        wake();
        drop(temporary);
        outcome.result.err().map(|error| error.to_string())
    })?;
    Ok(LiveSource { events, controls, thread: Some(thread), pacing, raced })
}

/// What others send is not sent again: a simulated client stands for them. Files that come and go are not raced.
fn raced(source: &InputSource) -> Option<InputSource> {
    source.simulated().map(InputSource::Simulated).or_else(|| source.is_replayed().then_some(InputSource::Replay))
}

/// A directory that stays, made when it is missing.
fn kept(directory: &Path) -> anyhow::Result<PathBuf> {
    let made = std::fs::create_dir_all(directory).and_then(|()| std::path::absolute(directory));
    made.with_context(|| {
        let place = directory.display();
        format!("cannot make the checkpoint directory; choose another ({place})")
    })
}

impl EventSource for LiveSource {
    fn poll(&mut self) -> Vec<Envelope> {
        self.events.try_recv().unwrap_or_default()
    }

    fn send(&self, control: Control) {
        // An engine that ended hears nothing.
        drop(self.controls.send(control));
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { commands: true, pacing: self.pacing }
    }

    fn raced_input(&self) -> Option<InputSource> {
        self.raced.clone()
    }

    fn take_error(&mut self) -> Option<String> {
        let ended = self.thread.as_ref().is_some_and(JoinHandle::is_finished);
        if !ended || !self.events.is_empty() {
            return None;
        }
        let thread = self.thread.take()?;
        thread.join().unwrap_or_else(|_| Some("the engine's thread panicked".to_owned()))
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        drop(self.controls.send(Control::Quit));
        // The engine may wait for room in the backlog: give it room until it has quit.
        while self.thread.as_ref().is_some_and(|t| !t.is_finished()) {
            drop(self.events.recv_timeout(std::time::Duration::from_millis(5)));
        }
    }
}
