//! `pipe`: the records of a partition through a process, line by line.

use super::chunk::{Sink, Stop, TaskError, deliver_owned};
use super::context::Files;
use super::node::RddNode;
use super::{Line, Rdd};
use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// A program to start, with what is added to its environment.
#[derive(Clone, Debug, Default)]
pub struct PipedCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables, beside those that this process has.
    pub environment: BTreeMap<String, String>,
}

/// A process that reads records and writes records. One that is dropped is killed.
pub trait PipedProcess {
    /// Gives it more to read; what it leaves unread is lost. Returns early when `wanted` says no.
    fn write(&mut self, bytes: Vec<u8>, wanted: &dyn Fn() -> bool);
    /// Ends its input and waits for its end; `None` when `wanted` says no before.
    ///
    /// # Errors
    /// When its output cannot be read.
    fn finish(self: Box<Self>, wanted: &dyn Fn() -> bool) -> Result<Option<PipedEnd>>;
}

/// What a process left.
pub struct PipedEnd {
    /// Everything it wrote to its standard output, from the beginning.
    pub output: Box<dyn Read>,
    /// Its exit status; above 128 by how many the signal that ended it.
    pub status: i32,
}

/// Bytes of output that are read at once.
const READ_LEN: u64 = 1 << 20;

/// Spark's `PipedRDD`.
struct Piped<T: Data> {
    parent: Rdd<T>,
    command: PipedCommand,
    files: Arc<dyn Files>,
}

impl<T: Data + Display> RddNode<Line> for Piped<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, Line>) -> ControlFlow<Stop> {
        let failed = |error: EngineError| ControlFlow::Break(Stop::Failed(TaskError::Exception(error.to_string())));
        let wanted = || ctx.check_cancelled().is_continue();
        let mut process = match self.files.spawn(&self.command) {
            Ok(process) => process,
            Err(error) => return failed(error),
        };
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            let mut text = String::new();
            // Writing to a string fails only when a record refuses to be written.
            let written = chunk.as_slice().iter().try_for_each(|record| writeln!(text, "{record}"));
            process.write(text.into_bytes(), &wanted);
            match written {
                Ok(()) => ctx.check_cancelled(),
                Err(error) => failed(EngineError::IllegalState(error.to_string())),
            }
        })?;
        let end = match process.finish(&wanted) {
            Ok(Some(end)) => end,
            Ok(None) => return ControlFlow::Break(Stop::Cancelled),
            Err(error) => return failed(error),
        };
        if end.status != 0 {
            let command = self.command.words.join(" ");
            return failed(EngineError::IllegalState(format!(
                "Subprocess exited with status {}. Command ran: {command}",
                end.status
            )));
        }
        let mut lines = Lines { output: end.output, open: Vec::new() };
        let (mut ready, chunk_len) = (Vec::new(), ctx.chunk_len().max(1));
        loop {
            let more = match lines.read(&mut ready) {
                Ok(more) => more,
                Err(error) => return failed(EngineError::IllegalState(format!("output of a process: {error}"))),
            };
            // Only whole chunks on the way, so that their limits do not depend on how much is read at once.
            let whole = if more { ready.len() - ready.len() % chunk_len } else { ready.len() };
            deliver_owned(ready.drain(..whole).collect(), chunk_len, sink)?;
            if !more {
                return ControlFlow::Continue(());
            }
        }
    }
}

/// Lines without their ends; a last line without an end counts.
struct Lines<R> {
    output: R,
    /// The beginning of the next line.
    open: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Adds the lines that the next bytes end; `false` at the end.
    fn read(&mut self, ready: &mut Vec<Line>) -> io::Result<bool> {
        let begun = self.open.len();
        let read = self.output.by_ref().take(READ_LEN).read_to_end(&mut self.open)?;
        let whole = match self.open[begun..].iter().rposition(|byte| *byte == b'\n') {
            _ if read == 0 => self.open.len(),
            Some(last) => begun + last + 1,
            None => return Ok(true),
        };
        let text: String = String::from_utf8_lossy(&self.open[..whole]).into_owned();
        ready.extend(Line::from(text).lines());
        self.open.drain(..whole);
        Ok(read > 0)
    }
}

impl<T: Data + Display> Rdd<T> {
    /// The lines that `command` writes when it reads the records of a partition, one per line: one process
    /// per partition. Words are parted by blanks; there is no shell. A task fails when its process does.
    #[track_caller]
    pub fn pipe(&self, command: &str) -> Rdd<Line> {
        let _scope = self.context().open("pipe", Location::caller());
        let words = command.split_whitespace().map(str::to_owned).collect();
        self.pipe_with(PipedCommand { words, environment: BTreeMap::new() })
    }

    /// As [`Rdd::pipe`], with arguments that may have blanks, and with an environment.
    #[track_caller]
    pub fn pipe_with(&self, command: PipedCommand) -> Rdd<Line> {
        let _scope = self.context().open("pipe", Location::caller());
        let files = Arc::clone(&self.context().0.files);
        let node = Piped { parent: self.clone(), command, files };
        self.one_to_one("PipedRDD", None, self.info().determinism, node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a line that is read in two pieces would be two lines, or a partition without a last line
    /// end would lose its last record.
    #[test]
    fn lines_are_whole_however_much_is_read_at_once() {
        let long = "x".repeat(READ_LEN as usize * 2 + 3);
        for (text, expected) in [
            (String::new(), vec![]),
            ("a\n\nb".into(), vec!["a".to_owned(), String::new(), "b".into()]),
            (format!("a\n{long}\nb\n"), vec!["a".into(), long.clone(), "b".into()]),
            (format!("{long}\n"), vec![long.clone()]),
            ("\n".repeat(READ_LEN as usize + 1), vec![String::new(); READ_LEN as usize + 1]),
        ] {
            let (mut lines, mut ready) = (Lines { output: text.as_bytes(), open: Vec::new() }, Vec::new());
            while lines.read(&mut ready).unwrap() {}
            assert!(ready.iter().map(Line::as_str).eq(expected.iter().map(String::as_str)), "{} bytes", text.len());
        }
    }
}
