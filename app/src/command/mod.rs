//! Wishes of the window: what panels send and handlers carry out.
//!
//! Panels only see [`CommandSender`]; nothing here answers, and nothing here knows an engine handle.

mod input;
pub mod shortcuts;

pub use faultline_engine::command::{Command as EngineCommand, StepGrain, Transport};
pub use input::InputCommand;

use crate::scene::NodeKey;
use crate::theme::Theme;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::Location;

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum AppCommand {
    /// To the engine: kill, restart, drop.
    Engine(EngineCommand),
    /// To the engine's loop: pause, resume, step, speed.
    Transport(Transport),
    /// What one step is from now on.
    SetStepGrain(StepGrain),
    /// Select a node of the lineage, or nothing.
    Select(Option<NodeKey>),
    /// Let the camera follow the running batch again.
    FollowCamera,
    /// Run a built-in program from its start.
    OpenProgram(String),
    /// Run a built-in program on another input.
    Input(InputCommand),
    /// Change the colours.
    SetTheme(Theme),
}

/// A wish with the line of code that sent it, for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent<T> {
    /// The wish.
    pub command: T,
    /// Who sent it.
    pub origin: &'static Location<'static>,
}

/// Where panels put their wishes; the next `logic()` drains it.
#[derive(Debug, Default)]
pub struct CommandSender {
    queue: RefCell<VecDeque<Sent<AppCommand>>>,
}

impl CommandSender {
    /// Adds a wish at the end.
    #[track_caller]
    pub fn send(&self, command: AppCommand) {
        self.queue.borrow_mut().push_back(Sent { command, origin: Location::caller() });
    }

    /// Whether no wish waits.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Takes all wishes in the order in which they were sent.
    pub fn drain(&self) -> Vec<Sent<AppCommand>> {
        self.queue.borrow_mut().drain(..).collect()
    }
}
