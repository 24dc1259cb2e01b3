//! What both loops are given, and what they give back.

use crate::command::{Command, Transport};
use crate::error::Result;
use crate::object_store::ObjectStore;
use crate::rdd::{Files, SparkContext};
use std::sync::Arc;

/// A driver program. It is run again when its driver is: what it does, it does from what it is given.
pub type Program = Box<dyn Fn(&SparkContext) -> Result<()> + Send + Sync>;

/// What a program runs on beside its configuration.
#[derive(Clone)]
pub struct Environment {
    /// Files that programs read.
    pub files: Arc<dyn Files>,
    /// The reliable store.
    pub store: Arc<dyn ObjectStore>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The program's result.
    pub result: Result<()>,
}

/// What the window sends to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// A wish for the driver.
    Command(Command),
    /// Pause, step, speed.
    Transport(Transport),
    /// End at once.
    Quit,
}
