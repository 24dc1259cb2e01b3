//! What a program may be given, and the one way from there to a stream of lines.

use crate::rdd::{Line, ReplayText};
use crate::streaming::{DStream, StreamingContext};

/// What a program may be given.
#[derive(Clone, Debug)]
pub struct ProgramInput {
    /// The text to work on.
    pub text: ReplayText,
    /// Lines per batch, for programs that replay it.
    pub lines_per_batch: usize,
}

impl ProgramInput {
    /// A text, replayed `lines_per_batch` lines a batch.
    pub const fn replay(text: ReplayText, lines_per_batch: usize) -> Self {
        Self { text, lines_per_batch }
    }

    /// The lines of the input as a stream, from wherever the user chose.
    #[track_caller]
    pub fn lines(&self, ssc: &StreamingContext) -> DStream<Line> {
        ssc.text_replay_stream(self.text.clone(), self.lines_per_batch)
    }
}
