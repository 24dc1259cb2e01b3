//! Processes through which tasks pipe their records: the only place that starts any.

use crate::error::{EngineError, Result};
use crate::rdd::{PipedCommand, PipedEnd, PipedProcess};
use crate::sync::channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};
use crate::sync::thread;
use std::io::{self, Seek, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::SpooledTempFile;

/// How long nobody looks whether the task is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Chunks of input that wait for the process.
const INPUT_CHUNKS: usize = 4;

/// Bytes of output that are kept in memory; more goes to a file without a name.
const OUTPUT_IN_MEMORY: usize = 1 << 20;

/// A running process. One thread writes what it reads, one reads what it writes, so that neither pipe
/// fills up while the task waits at the other. Its output is set aside until it has ended: what comes while
/// the task still writes would come in another order each time.
pub(super) struct ChildProcess {
    child: Child,
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<io::Result<SpooledTempFile>>,
}

/// Starts a process.
pub(super) fn spawn(command: &PipedCommand) -> Result<ChildProcess> {
    let program = command.words.first().map_or("", String::as_str);
    start(program, command)
        .map_err(|error| EngineError::IllegalState(format!("Cannot run program {program:?}: {error}")))
}

fn start(program: &str, command: &PipedCommand) -> io::Result<ChildProcess> {
    let mut child = Command::new(program)
        .args(command.words.iter().skip(1))
        .envs(&command.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (input, chunks) = bounded::<Vec<u8>>(INPUT_CHUNKS);
    let (sender, output) = bounded(1);
    // From here on an error drops the process, which kills it.
    let process = ChildProcess { child, input: Some(input), output };
    thread::Builder::new().name("pipe-input".into()).spawn(move || {
        // A process that reads no more is not at fault: its exit status says whether it is content.
        if let Some(mut stdin) = stdin {
            while chunks.recv().is_ok_and(|chunk| stdin.write_all(&chunk).is_ok()) {}
        }
    })?;
    thread::Builder::new().name("pipe-output".into()).spawn(move || {
        let mut output = SpooledTempFile::new(OUTPUT_IN_MEMORY);
        let read = stdout.map_or(Ok(0), |mut stdout| io::copy(&mut stdout, &mut output));
        // The error only says that nobody waits for it any more.
        drop(sender.send(read.and_then(|_| output.rewind()).map(|()| output)));
    })?;
    Ok(process)
}

impl PipedProcess for ChildProcess {
    fn write(&mut self, mut bytes: Vec<u8>, wanted: &dyn Fn() -> bool) {
        let Some(input) = &self.input else { return };
        while let Err(SendTimeoutError::Timeout(back)) = input.send_timeout(bytes, LOOK_EVERY) {
            if !wanted() {
                return;
            }
            bytes = back;
        }
    }

    fn finish(mut self: Box<Self>, wanted: &dyn Fn() -> bool) -> Result<Option<PipedEnd>> {
        self.input = None;
        let unreadable = |error: io::Error| EngineError::IllegalState(format!("output of a process: {error}"));
        let output = loop {
            match self.output.recv_timeout(LOOK_EVERY) {
                Ok(output) => break output.map_err(unreadable)?,
                Err(RecvTimeoutError::Timeout) if wanted() => {}
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(unreadable(io::ErrorKind::BrokenPipe.into())),
            }
        };
        // Nearly always it ends with its output; there is no wait that another thread could break off.
        let mut pause = Duration::from_micros(50);
        loop {
            match self.child.try_wait().map_err(unreadable)? {
                Some(status) => return Ok(Some(PipedEnd { output: Box::new(output), status: code_of(status) })),
                None if !wanted() => return Ok(None),
                None => thread::sleep(pause),
            }
            pause = (pause * 2).min(LOOK_EVERY);
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The exit status as a shell tells it.
fn code_of(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or(signal.map(|signal: i32| 128 + signal)).unwrap_or(-1)
}
