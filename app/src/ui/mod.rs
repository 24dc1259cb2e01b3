//! The window: panels that read the model and the scene, and send commands.
//!
//! Nothing here changes the model, knows a channel, a file or the clock.

pub mod cell;
pub mod dock;
pub mod inspector;
pub mod ledger_panel;
mod legend;
pub mod lineage_view;
pub mod race_view;
pub mod saved;
pub mod shell;

pub mod batches_panel;
pub mod findings_panel;
pub mod storage_panel;
pub mod timeline_panel;

mod checkpoint_dialog;
mod executors_panel;
mod faults_dialog;
mod files;
mod input_menu;
mod keeping;
mod keys;
mod menu;
mod output_panel;
mod scrubber;
mod settings;
mod standing_sign;
mod store_panel;
mod story;
mod table;
mod top_bar;

#[cfg(test)]
mod tests;

pub use shell::{ShellState, shell_ui, whole_lineage_ui};

use crate::command::{CommandSender, Focus};
use crate::model::{Model, Shown, Timeline};
use crate::race::RaceState;
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
    /// The race of the policies.
    pub race: &'a RaceState,
    /// Whether commands can be carried out: not in a recorded log, not after the end, not in the past.
    pub controllable: bool,
    /// The run, and which moment of it is shown.
    pub time: TimeCtx<'a>,
    /// Where wishes go.
    pub send: &'a CommandSender,
}

/// The run so far, and which moment of it is shown.
#[derive(Clone, Copy)]
pub struct TimeCtx<'a> {
    /// Every envelope so far.
    pub timeline: &'a Timeline,
    /// The moment that is shown.
    pub shown: Shown,
    /// Whether an engine takes commands and has not ended, whichever moment is shown.
    pub running: bool,
}

/// Why nothing can be done while there is no driver.
pub const NO_DRIVER: &str = "The driver is gone; start it first";

/// Why nothing can be done about what is shown.
pub const IN_THE_PAST: &str = "This is the past; return to live to act";

impl ViewCtx<'_> {
    /// Whether an engine runs on while its past is shown: controls are there, and disabled.
    pub fn is_past(&self) -> bool {
        self.time.running && self.time.shown != Shown::Live
    }

    /// Adds a control that acts on the engine: disabled in the past, where it says why, and not at all
    /// where there is no engine.
    pub fn act_ui(&self, ui: &mut egui::Ui, control: impl egui::Widget) -> Option<egui::Response> {
        if !self.controllable && !self.is_past() {
            return None;
        }
        Some(ui.add_enabled(self.can_act(), control).on_disabled_hover_text(self.why_not()))
    }

    /// The same for what can be done although the driver is gone.
    pub fn act_on_driver_ui(&self, ui: &mut egui::Ui, control: impl egui::Widget) -> Option<egui::Response> {
        if !self.controllable && !self.is_past() {
            return None;
        }
        Some(ui.add_enabled(self.controllable, control).on_disabled_hover_text(IN_THE_PAST))
    }

    /// Whether the present is shown and its driver runs.
    pub const fn can_act(&self) -> bool {
        self.controllable && self.model.driver.lost.is_none()
    }

    /// Why nothing can be done now.
    pub const fn why_not(&self) -> &'static str {
        if self.controllable { NO_DRIVER } else { IN_THE_PAST }
    }
}
