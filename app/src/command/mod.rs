//! Wishes of the window: what panels send and handlers carry out.
//!
//! Panels only see [`CommandSender`]; nothing here answers, and nothing here knows an engine handle.

pub mod file;
mod input;
mod layout;
mod race;
mod scrub;
pub mod settings;
pub mod shortcuts;

pub use file::{Asked, FileCommand, GraphFormat, Purpose};
pub use scrub::Scrub;
pub use settings::{Overlay, SettingsCommand};

pub use faultline_engine::command::{Command as EngineCommand, StepGrain, Transport};
pub use input::{InputCommand, Keeping, ReceivedLog};
pub use layout::LayoutCommand;
pub use race::RaceCommand;

pub use crate::scene::Focus;

use crate::scene::NodeKey;
use crate::theme::Theme;
use faultline_engine::ids::BatchId;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::Location;

/// What fills the window below the top bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The run: lineage, executors, timeline.
    #[default]
    Run,
    /// The race of the policies.
    Race,
}

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum AppCommand {
    /// To the engine: kill, restart, drop.
    Engine(EngineCommand),
    /// To the engine's loop: pause, resume, step, speed.
    Transport(Transport),
    /// What one step is from now on.
    SetStepGrain(StepGrain),
    /// Show another moment of the run.
    Scrub(Scrub),
    /// Select a node of the lineage, or nothing.
    Select(Option<NodeKey>),
    /// Select a partition or a task, and with it the node that shows it.
    Focus(Focus),
    /// Show another page.
    ShowPage(Page),
    /// Arrange, show or hide panels.
    Layout(LayoutCommand),
    /// Start a race, open its lanes.
    Race(RaceCommand),
    /// Let the camera follow the running batch again.
    FollowCamera,
    /// Bring the column of a batch into view; the camera stops following.
    ShowBatch(BatchId),
    /// Run a built-in program from its start.
    OpenProgram(String),
    /// Run a built-in program on another input.
    Input(InputCommand),
    /// Change the colours.
    SetTheme(Theme),
    /// Open, save, export.
    File(FileCommand),
    /// How the window looks.
    Settings(SettingsCommand),
    /// Lay something over the window, or take it away.
    ShowOverlay(Option<Overlay>),
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
