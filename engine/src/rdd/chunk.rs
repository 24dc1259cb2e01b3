//! What crosses a node: a chunk of records, and the way to stop.

use crate::ids::*;
use std::ops::ControlFlow;

/// Records on their way: a buffer to drain, or a slice of a stored block.
pub enum Chunk<'a, T> {
    /// A fresh buffer. The receiver may drain it; the sender clears it.
    Owned(&'a mut Vec<T>),
    /// Part of a stored block.
    Shared(&'a [T]),
}

impl<T: Clone> Chunk<'_, T> {
    /// The records, not taken.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::Owned(values) => values,
            Self::Shared(values) => values,
        }
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Moves the records to the end of `out`; clones those of a stored block.
    pub fn append_to(self, out: &mut Vec<T>) {
        match self {
            Self::Owned(values) => out.append(values),
            Self::Shared(values) => out.extend_from_slice(values),
        }
    }

    /// Calls `f` with each record: one tight loop for either kind.
    pub fn for_each(self, mut f: impl FnMut(T)) {
        match self {
            Self::Owned(values) => values.drain(..).for_each(f),
            Self::Shared(values) => values.iter().for_each(|v| f(v.clone())),
        }
    }

    /// As [`Chunk::for_each`], until `f` stops it.
    pub fn try_for_each(self, mut f: impl FnMut(T) -> ControlFlow<Stop>) -> ControlFlow<Stop> {
        match self {
            Self::Owned(values) => values.drain(..).try_for_each(f),
            Self::Shared(values) => values.iter().try_for_each(|v| f(v.clone())),
        }
    }
}

/// Why a computation ends before its input does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The consumer has enough: `take` is satisfied.
    Enough,
    /// Something failed.
    Failed(TaskError),
    /// The task was killed.
    Cancelled,
}

/// Why a task attempt fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskError {
    /// User code or a store failed.
    Exception(String),
    /// A map output could not be fetched (R3.1).
    FetchFailed {
        /// Where it should have been.
        executor: Option<ExecutorId>,
        /// Shuffle.
        shuffle: ShuffleId,
        /// Map partition, when a location was known.
        map: Option<PartitionId>,
        /// Reduce partition.
        reduce: PartitionId,
    },
    /// The attempt was cancelled.
    Cancelled,
    /// Another attempt of the partition commits its output (R4.9).
    CommitDenied,
    /// The output is there already: trying again would not help (R4.4).
    OutputExists(String),
    /// User code brought its executor down with this exit code.
    ExecutorExited(i32),
}

impl From<Stop> for TaskError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(error) => error,
            Stop::Cancelled | Stop::Enough => Self::Cancelled,
        }
    }
}

/// Where a node delivers its chunks.
pub type Sink<'a, T> = &'a mut dyn FnMut(Chunk<'_, T>) -> ControlFlow<Stop>;

/// Delivers `values` in chunks of `len`, each owned by the receiver.
pub(crate) fn deliver_owned<T>(
    values: Vec<T>,
    len: usize,
    sink: &mut dyn FnMut(Chunk<'_, T>) -> ControlFlow<Stop>,
) -> ControlFlow<Stop> {
    if values.len() <= len {
        let mut values = values;
        return if values.is_empty() { ControlFlow::Continue(()) } else { sink(Chunk::Owned(&mut values)) };
    }
    let mut rest = values.into_iter();
    let mut buffer = Vec::with_capacity(len);
    loop {
        buffer.clear();
        buffer.extend(rest.by_ref().take(len));
        if buffer.is_empty() {
            return ControlFlow::Continue(());
        }
        sink(Chunk::Owned(&mut buffer))?;
    }
}

/// Delivers `values` in shared chunks of `len`.
pub(crate) fn deliver_shared<T>(
    values: &[T],
    len: usize,
    sink: &mut dyn FnMut(Chunk<'_, T>) -> ControlFlow<Stop>,
) -> ControlFlow<Stop> {
    for chunk in values.chunks(len.max(1)) {
        sink(Chunk::Shared(chunk))?;
    }
    ControlFlow::Continue(())
}
