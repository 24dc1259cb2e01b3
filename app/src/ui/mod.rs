//! The window: panels that read the model and the scene, and send commands.
//!
//! Nothing here changes the model, knows a channel, a file or the clock.

pub mod cell;
pub mod inspector;
pub mod legend;
pub mod lineage_view;
pub mod race_view;
pub mod shell;

pub mod batches_panel;
pub mod findings_panel;
pub mod storage_panel;
pub mod timeline_panel;

mod executors_panel;
mod files;
mod keys;
mod menu;
mod output_panel;
mod settings;
mod store_panel;
mod story;
mod top_bar;

#[cfg(test)]
mod tests;

pub use shell::{ShellState, shell_ui, whole_lineage_ui};

use crate::command::{CommandSender, Focus};
use crate::model::Model;
use crate::scene::{NodeKey, Scene};
use faultline_engine::ids::Timestamp;
use std::sync::Arc;

/// What every panel may read, and where it sends its wishes.
#[derive(Clone, Copy)]
pub struct ViewCtx<'a> {
    /// Every fact.
    pub model: &'a Model,
    /// What the lineage view draws; shared, so that the view can keep the one it has painted.
    pub scene: &'a Arc<Scene>,
    /// The selected node.
    pub selection: Option<NodeKey>,
    /// The selected partition or task.
    pub focus: Option<Focus>,
    /// The time that the window shows.
    pub now: Timestamp,
    /// Whether there is an engine that takes commands: not in a recorded log, not after the end.
    pub controllable: bool,
    /// Where wishes go.
    pub send: &'a CommandSender,
}
