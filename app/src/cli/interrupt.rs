//! Ctrl-C, or a request to terminate, ends a run on an input without end.

use anyhow::Context;
use crossbeam_channel::{Receiver, unbounded};
use faultline_engine::command::{Command, StopMode};
use faultline_engine::sim::Control;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The exit code of a process that Ctrl-C ended.
pub const INTERRUPTED: i32 = 130;

/// Calls `f` at each Ctrl-C with how many came before.
///
/// # Errors
/// When this process already listens for it.
pub fn on_interrupt(f: impl Fn(usize) + Send + 'static) -> anyhow::Result<()> {
    let before = AtomicUsize::new(0);
    ctrlc::set_handler(move || f(before.fetch_add(1, Ordering::Relaxed))).context("cannot listen for Ctrl-C")
}

/// Ends a run, more urgently each time: the first request stops the stream gracefully, so that everything that was
/// received is processed and the log and its sums are whole; the second stops it at once; the third breaks the run
/// off, whose log ends there; the fourth ends the process.
#[derive(Clone)]
pub struct Interrupter {
    requests: Arc<AtomicUsize>,
    controls: crossbeam_channel::Sender<Control>,
}

impl Interrupter {
    /// With the controls of the run.
    pub fn new() -> (Self, Receiver<Control>) {
        let (controls, run) = unbounded();
        (Self { requests: Arc::default(), controls }, run)
    }

    /// One more request.
    pub fn interrupt(&self) {
        let stop = |mode| Control::Command(Command::StopStreaming { mode });
        let control = match self.requests.fetch_add(1, Ordering::Relaxed) {
            0 => stop(StopMode::Graceful),
            1 => stop(StopMode::Immediate),
            2 => Control::Quit,
            _ => std::process::exit(INTERRUPTED),
        };
        // A run that has ended hears nothing.
        if self.controls.send(control).is_err() {
            std::process::exit(INTERRUPTED);
        }
    }
}
