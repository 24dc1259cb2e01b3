//! Ctrl-C ends a run on an input without end.

use anyhow::Context;
use crossbeam_channel::{Receiver, unbounded};
use faultline_engine::command::Command;
use faultline_engine::sim::Control;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Controls for a run: the first Ctrl-C stops the application after the batch that runs, so that its log
/// and its sums are whole; the second ends the process.
///
/// # Errors
/// When this process already listens for it.
pub fn stop_on_interrupt() -> anyhow::Result<Receiver<Control>> {
    let (sender, controls) = unbounded();
    let asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        // A run that has ended hears nothing.
        if asked.swap(true, Ordering::Relaxed) || sender.send(Control::Command(Command::Stop)).is_err() {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(controls)
}
