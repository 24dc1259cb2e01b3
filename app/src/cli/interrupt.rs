//! Ctrl-C ends a run on an input without end.

use anyhow::Context;
use crossbeam_channel::{Receiver, unbounded};
use faultline_engine::command::{Command, StopMode};
use faultline_engine::sim::Control;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Controls for a run: the first Ctrl-C stops the stream gracefully, so that everything that was received is
/// processed and the log and its sums are whole; the second stops it at once; the third breaks the run off, whose
/// log ends there; the fourth ends the process.
///
/// # Errors
/// When this process already listens for it.
pub fn stop_on_interrupt() -> anyhow::Result<Receiver<Control>> {
    let (sender, controls) = unbounded();
    let asked = AtomicUsize::new(0);
    ctrlc::set_handler(move || {
        let stop = |mode| Control::Command(Command::StopStreaming { mode });
        let control = match asked.fetch_add(1, Ordering::Relaxed) {
            0 => stop(StopMode::Graceful),
            1 => stop(StopMode::Immediate),
            2 => Control::Quit,
            _ => std::process::exit(INTERRUPTED),
        };
        // A run that has ended hears nothing.
        if sender.send(control).is_err() {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(controls)
}
