//! Wishes about where a program's lines come from, and what of them outlives its driver.

use std::path::PathBuf;

/// Open a program with another input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputCommand {
    /// From its start, with its lines from a source as the command line spells it: `replay`, `dir:PATH`,
    /// `tcp://HOST:PORT`, `ack-tcp://HOST:PORT`, `tcp-connect://HOST:PORT`, `http://HOST/PATH`.
    Open {
        /// The program.
        program: String,
        /// The source.
        source: String,
        /// What outlives its driver.
        keeping: Keeping,
    },
}

/// What outlives a driver, and the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Whether what receivers store is logged before it counts (R18.3).
    pub received: ReceivedLog,
    /// Where checkpoints and logs go; else to a directory that goes with the run.
    pub directory: Option<PathBuf>,
}

/// Whether what receivers store is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceivedLog {
    /// It is in the memory of executors only.
    #[default]
    Off,
    /// It is in the write-ahead log before it counts.
    On,
}
