//! The command line: what a user can do without the window.
//!
//! Owns arguments, exit codes and the texts and JSON that are printed. Runs the engine through
//! `race::engine_run`, folds its events with the model, and counts nothing itself that the model counts.
//!
//! Exit codes: 0, 1 when the run failed, 2 when the command line was wrong.

pub mod args;
mod checkpoint;
mod compare;
mod conf;
mod feed;
mod interrupt;
mod ledger;
mod lineage;
mod lineage_text;
mod operators;
pub mod picture_args;
mod request;
mod run;
mod sink;
mod size;
mod supervise;
pub mod window;

use args::{CheckpointCommand, Cli, Command};
use clap::Parser;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The command line was understood, but asks for what cannot be: exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A driver that was supervised ended for good, with this exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverEnded(pub i32);

impl fmt::Display for DriverEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the driver ended with exit code {}", self.0)
    }
}

impl std::error::Error for DriverEnded {}

/// Parses the arguments of the process and does what they say.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = dispatch(cli, &mut out).and_then(|()| out.flush().map_err(Into::into));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // `faultline run … | head` is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        // It has said itself what was wrong.
        Err(error) if error.is::<DriverEnded>() => {
            let code = error.downcast_ref().map_or(1, |DriverEnded(code)| *code);
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            let usage = error.is::<UsageError>();
            // What was printed so far comes before the error.
            let _ = out.flush();
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

fn dispatch(cli: Cli, out: &mut dyn Write) -> anyhow::Result<()> {
    match cli.command {
        Some(Command::Run(args)) if args.supervise => run::supervise(&args),
        Some(Command::Run(args)) => run::run(&args, out),
        Some(Command::Feed(args)) => feed::feed(&args, out),
        Some(Command::Lineage(args)) => lineage::lineage(&args, out),
        Some(Command::Compare(args)) => compare::compare(&args, out),
        Some(Command::Open(args)) => window::open(args),
        Some(Command::Screenshot(args)) => window::screenshot(args),
        Some(Command::Checkpoint(CheckpointCommand::Inspect(args))) => checkpoint::inspect_directory(&args, out),
        Some(Command::Conf) => Ok(conf::conf(out)?),
        None if window::has_display() => match window::open(args::OpenArgs::default()) {
            Ok(()) => Ok(()),
            // A display that does not answer, or a missing library: the demo needs neither.
            Err(error) => window::without_display(&format!("{error:#}."), out),
        },
        None => window::without_display(window::NO_DISPLAY, out),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|e| e.downcast_ref::<io::Error>()).any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
