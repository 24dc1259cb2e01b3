//! Reads the sources of the workspace, so that `tests/tidy/` can hold them to the rules.
//!
//! Knows lines, comments, strings, paths and manifests; which rules there are stands in the test.

pub mod manifest;
pub mod mentions;
pub mod rules;
pub mod source;
pub mod workspace;

pub use rules::{ImportRule, Imports, Violation};
pub use source::Source;
pub use workspace::Workspace;
