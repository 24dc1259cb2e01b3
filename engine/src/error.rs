//! What can go wrong in the engine, in Spark's words where Spark has them.

use std::any::Any;
use thiserror::Error;

/// The result of driver-side engine calls.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Throws an error to whoever runs this part of the driver program: for refusals of calls that return
/// a stream and not a result. It ends the program with exactly this error, as an exception does.
pub(crate) fn throw(error: EngineError) -> ! {
    std::panic::resume_unwind(Box::new(error))
}

/// What a panic said, or `otherwise` when it said nothing.
pub(crate) fn panic_text(panic: &(dyn Any + Send), otherwise: &str) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| otherwise.to_owned())
}

/// An error that reaches the driver program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EngineError {
    /// A job was aborted (R2.11).
    #[error("{0}")]
    JobFailed(String),
    /// An argument or setting that Spark refuses, with Spark's text.
    #[error("{0}")]
    IllegalArgument(String),
    /// A call that does not fit the state, with Spark's text.
    #[error("{0}")]
    IllegalState(String),
    /// The reliable store failed.
    #[error("reliable store: {message} ({path})")]
    Store {
        /// What failed.
        message: String,
        /// Where.
        path: String,
    },
    /// The driver is gone; the program unwinds.
    #[error("the driver is gone")]
    DriverLost,
    /// A sink did not take a batch.
    #[error("cannot write to {sink}: {message}")]
    Sink {
        /// Why.
        message: String,
        /// Which.
        sink: String,
    },
    /// An input could not be read.
    #[error("cannot read {path}: {message}")]
    Input {
        /// What failed.
        message: String,
        /// Where.
        path: String,
    },
}
