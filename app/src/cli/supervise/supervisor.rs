//! The side of the supervisor: it starts the driver, waits, and starts it again.

use super::{DriverLife, INTERRUPT};
use crate::cli::interrupt::{INTERRUPTED, on_interrupt};
use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use faultline_engine::clock::{Clock, SystemClock};
use faultline_engine::ids::Timestamp;
use faultline_engine::supervise::{AfterEnd, DriverEnd, SuperviseMode, Supervision};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// The switch that the driver's own command line lacks.
const SWITCH: &str = "--supervise";

/// Something that the supervisor hears of.
enum News {
    /// The user wants an end.
    Interrupted,
    /// The driver of this life has ended.
    Ended { status: io::Result<ExitStatus> },
}

/// Runs this command line as a driver, again and again, until it ends well or the user ends it. Returns the exit
/// code of the last one.
///
/// # Errors
/// When this program cannot be started once more.
pub fn supervise(err: &mut dyn Write) -> anyhow::Result<i32> {
    let marks = tempfile::Builder::new().prefix("faultline-supervise-").tempdir()?;
    let mark = marks.path().join("batch-completed");
    let (sender, news) = unbounded();
    let interrupts = sender.clone();
    on_interrupt(move |_| {
        // The error only says that everything has ended.
        drop(interrupts.send(News::Interrupted));
    })?;
    let clock = SystemClock::default();
    // Asked for once: while it runs a newer program may take its place.
    let program = std::env::current_exe().context("cannot find this program, to start it as the driver")?;
    let mut supervision = Supervision::new(SuperviseMode::On);
    let mut code = INTERRUPTED;
    while let Some(at) = supervision.start_at() {
        if wait(&clock, at, &news) == Waited::Interrupted {
            supervision.request_kill();
            break;
        }
        let number = supervision.restarts() + 1;
        let mut driver = match start(&program, number, &mark) {
            Ok(driver) => driver,
            // It ran before: what stops it now may pass, as what stopped the life before.
            Err(error) if number > 1 => {
                supervision.started(clock.now());
                match supervision.ended(clock.now(), DriverEnd::Crashed) {
                    AfterEnd::Restart { delay, .. } => {
                        say(err, &format!("{error:#}; tried again in {} s", delay.0 as f64 / 1000.0));
                        continue;
                    }
                    AfterEnd::Over => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        say(err, &format!("process {} runs, life {number}", driver.id()));
        supervision.started(clock.now());
        let stdin = driver.stdin.take();
        watch(driver, sender.clone())?;
        let status = attend(&news, stdin, &mut supervision)?;
        if fs::remove_file(&mark).is_ok() {
            supervision.batch_completed();
        }
        code = code_of(&status);
        let end = if status.success() { DriverEnd::Finished } else { DriverEnd::Crashed };
        match supervision.ended(clock.now(), end) {
            AfterEnd::Restart { delay, .. } => {
                say(err, &format!("{status}; it is started again in {} s", delay.0 as f64 / 1000.0));
            }
            AfterEnd::Over if end == DriverEnd::Crashed => say(err, &format!("{status}; it is not started again")),
            AfterEnd::Over => {}
        }
    }
    Ok(code)
}

fn say(err: &mut dyn Write, what: &str) {
    // Nobody is left to tell when the terminal is gone.
    let _ = writeln!(err, "driver     {what}");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Over,
    Interrupted,
}

fn wait(clock: &SystemClock, until: Timestamp, news: &Receiver<News>) -> Waited {
    loop {
        let left = Duration::from_nanos(until.ns_since(clock.now()));
        if left.is_zero() {
            return Waited::Over;
        }
        match news.recv_timeout(left) {
            Ok(News::Interrupted) => return Waited::Interrupted,
            Ok(News::Ended { .. }) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Waited::Over,
        }
    }
}

/// This program with this command line, without the switch.
fn start(program: &Path, number: u32, mark: &Path) -> anyhow::Result<Child> {
    let args: Vec<OsString> = std::env::args_os().skip(1).filter(|arg| arg != SWITCH).collect();
    let mut command = Command::new(program);
    command.args(args).arg("--driver-life").arg(DriverLife::argument(number, mark)).stdin(Stdio::piped());
    // Ctrl-C of a terminal reaches whole groups of processes: the driver hears of it from us, and once.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().with_context(|| format!("cannot start the driver ({})", program.display()))
}

/// Waits for the end of the driver on a thread of its own.
fn watch(mut driver: Child, news: Sender<News>) -> io::Result<()> {
    let wait = move || {
        let status = driver.wait();
        drop(news.send(News::Ended { status }));
    };
    std::thread::Builder::new().name("driver".to_owned()).spawn(wait).map(drop)
}

/// Passes on what the user wants until the driver has ended.
fn attend(
    news: &Receiver<News>,
    mut driver: Option<ChildStdin>,
    supervision: &mut Supervision,
) -> anyhow::Result<ExitStatus> {
    loop {
        match news.recv().context("nobody waits for the driver")? {
            News::Ended { status } => return status.context("cannot wait for the driver"),
            News::Interrupted => {
                supervision.request_kill();
                if let Some(driver) = &mut driver {
                    // A driver that does not listen has ended.
                    let _ = writeln!(driver, "{INTERRUPT}").and_then(|()| driver.flush());
                }
            }
        }
    }
}

/// As a shell tells it: 128 and the number of the signal.
fn code_of(status: &ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}
