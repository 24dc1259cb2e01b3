//! The way to the window, and what happens without a display.

use super::args::{OpenArgs, ScreenshotArgs, Sizing, Source};
use super::compare::race_with_progress;
use super::engine_run::{RunRequest, Store};
use super::race_table::race_table;
use super::{Policy, RaceRequest, run};
use crate::opening::DEMO;
use crate::theme::Theme;
use crate::window::WITHOUT_WINDOW;
use anyhow::{Context, anyhow};
use faultline_engine::command::Command;
use faultline_engine::ids::{BatchId, ExecutorId};
use faultline_engine::programs;
use faultline_engine::sim::faults::{Moment, PlannedFault};
use std::io::Write;

/// Whether a window can be opened here, as far as the environment tells.
pub fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos")) || crate::window::has_display()
}

/// Opens the window.
///
/// # Errors
/// When there is no display, a library is missing, or the source cannot be opened.
pub fn open(args: OpenArgs) -> anyhow::Result<()> {
    let name = match args.source {
        None => DEMO.to_owned(),
        Some(Source::Program(program)) => program.name.to_owned(),
        Some(Source::Log(path)) => {
            let path = path.into_os_string().into_string();
            path.map_err(|path| anyhow!("the path of the event log is not Unicode; rename it ({})", path.display()))?
        }
    };
    crate::window::open(&name, Theme::Dark)
}

/// Writes a picture.
///
/// # Errors
/// When the source cannot be read, or the picture cannot be written.
pub fn screenshot(_args: ScreenshotArgs) -> anyhow::Result<()> {
    anyhow::bail!("this build writes no pictures; use `faultline lineage --format dot`")
}

/// The demo without a window: says so, runs the program with its fault, and prints the race.
///
/// # Errors
/// When the run fails.
pub fn without_display(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "There is no display: none of DISPLAY, WAYLAND_DISPLAY and WAYLAND_SOCKET is set, so no window can open.\n\
         Start faultline in a desktop session, over `ssh -X`, or under `xvfb-run`.\n\
         {WITHOUT_WINDOW}\n\
         `faultline --help` lists what needs no display.\n\n\
         Here is the demo without a window: {DEMO}, and executor 2 dies before batch 7.\n"
    )?;
    let program = programs::find(DEMO).context("the demo is one of the built-in programs")?;
    let mut request = RunRequest::new(program, &Sizing::default())?;
    request.config.faults.push(PlannedFault {
        command: Command::KillExecutor { executor: ExecutorId(2) },
        moment: Moment::Batch(BatchId(7)),
    });
    run::tell_run(&request, &Store::temporary()?, out)?;
    writeln!(out, "\nThe same kill under five policies\n")?;
    let race = race_with_progress(&RaceRequest { run: request, policies: Policy::ALL.to_vec() })?;
    out.write_all(race_table(&race).as_bytes())?;
    Ok(out.flush()?)
}
