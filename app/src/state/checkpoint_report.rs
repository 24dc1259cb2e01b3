//! What a checkpoint directory holds, as lines of words.

/// What one line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A fact.
    Plain,
    /// What a driver goes on from.
    Chosen,
    /// What cannot be used.
    Damaged,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub kind: LineKind,
    /// Its words.
    pub text: String,
}

/// Lines under a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The title.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What a directory holds, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointReport {
    /// The directory.
    pub directory: String,
    /// What is in it.
    pub sections: Vec<Section>,
}
