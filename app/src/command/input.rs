//! Wishes about where a program's lines come from.

/// Open a program with another input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputCommand {
    /// From its start, with its lines from a source as the command line spells it: `replay`, `dir:PATH`,
    /// `tcp-connect://HOST:PORT`.
    Open {
        /// The program.
        program: String,
        /// The source.
        source: String,
    },
}
