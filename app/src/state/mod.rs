//! What the user chose: theme, speed, selection. Plain data without egui, so that it can be
//! compared, saved and tested; egui's memory keeps nothing of it.

pub mod checkpoint_report;
mod recent;
mod settings;

pub use recent::{RECENT_MAX, Recent};
pub use settings::{SCALES, Settings};

use crate::command::{
    AppCommand, Asked, EngineCommand, FileCommand, Focus, Overlay, Page, RaceCommand, SettingsCommand, StepGrain,
    Transport,
};
use crate::scene::NodeKey;
use crate::state::checkpoint_report::CheckpointReport;
use crate::theme::Theme;
use faultline_engine::command::SuperviseMode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether the engine goes on by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Playback {
    /// It goes on.
    #[default]
    Running,
    /// It waits for a step or for resume.
    Paused,
}

/// Choices of the user; changed by [`UiState::apply`] only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UiState {
    /// Colours.
    pub theme: Theme,
    /// Virtual seconds per wall second; infinity means maximum.
    #[serde(with = "speed_as_text")]
    pub speed: f64,
    /// Whether what is open can be stepped and run at another speed.
    #[serde(skip, default = "paced")]
    pub pacing: bool,
    /// What one step is.
    #[serde(skip, default = "task_grain")]
    pub step_grain: StepGrain,
    /// Running or paused.
    #[serde(skip)]
    pub playback: Playback,
    /// The selected node.
    #[serde(skip)]
    pub selection: Option<NodeKey>,
    /// The selected partition or task.
    #[serde(skip)]
    pub focus: Option<Focus>,
    /// What fills the window.
    #[serde(skip)]
    pub page: Page,
    /// Whether the camera follows the running batch; panning and zooming end it.
    #[serde(skip, default = "follows")]
    pub follow: bool,
    /// One line of advice at the bottom: `Press 2 to kill executor 2`.
    #[serde(skip)]
    pub hint: Option<String>,
    /// What the advice does when it is pressed.
    #[serde(skip)]
    pub hint_command: Option<AppCommand>,
    /// What went wrong; shown instead of the advice until something else is opened.
    #[serde(skip)]
    pub error: Option<String>,
    /// Built-in programs that can be opened.
    #[serde(skip)]
    pub programs: Vec<String>,
    /// Scale, language of numbers.
    pub settings: Settings,
    /// Logs that were opened or saved lately.
    pub recent: Recent,
    /// What lies over the window.
    #[serde(skip)]
    pub overlay: Option<Overlay>,
    /// The path that is asked for inside the window, where the desktop has no dialog.
    #[serde(skip)]
    pub question: Option<Asked>,
    /// The checkpoint directory that was looked into last.
    #[serde(skip)]
    pub checkpoint: Option<Arc<CheckpointReport>>,
    /// Whether the driver of the next program that is opened is supervised: what was chosen last.
    #[serde(skip)]
    pub supervise: SuperviseMode,
    /// What has been done, said at the bottom until the next wish: `Saved word-count.jsonl`.
    #[serde(skip)]
    pub notice: Option<String>,
}

const fn task_grain() -> StepGrain {
    StepGrain::Task
}

const fn paced() -> bool {
    true
}

const fn follows() -> bool {
    true
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            speed: 1.0,
            pacing: true,
            step_grain: StepGrain::Task,
            playback: Playback::default(),
            selection: None,
            focus: None,
            page: Page::default(),
            follow: true,
            hint: None,
            hint_command: None,
            error: None,
            programs: Vec::new(),
            settings: Settings::default(),
            recent: Recent::default(),
            overlay: None,
            question: None,
            checkpoint: None,
            supervise: SuperviseMode::default(),
            notice: None,
        }
    }
}

impl UiState {
    /// What a command changes here; the rest of it is the business of the handlers.
    pub fn apply(&mut self, command: &AppCommand) {
        self.notice = None;
        match command {
            AppCommand::Transport(Transport::Pause | Transport::Step(_)) => self.playback = Playback::Paused,
            AppCommand::Transport(Transport::Resume) => self.playback = Playback::Running,
            AppCommand::Transport(Transport::Speed(speed)) => self.speed = *speed,
            AppCommand::SetStepGrain(grain) => self.step_grain = *grain,
            AppCommand::Select(key) => {
                self.selection = *key;
                self.focus = None;
            }
            // The handler finds the node.
            AppCommand::Focus(focus) => self.focus = Some(*focus),
            AppCommand::ShowPage(page) => self.page = *page,
            AppCommand::Race(RaceCommand::OfLastFault) => self.page = Page::Race,
            AppCommand::FollowCamera => self.follow = true,
            // The app aims the camera.
            AppCommand::ShowBatch(_) => self.follow = false,
            AppCommand::SetTheme(theme) => {
                self.theme = *theme;
                self.settings.follow_system = false;
            }
            AppCommand::OpenProgram(_) | AppCommand::Input(_) => self.forget_run(),
            // The handler asks, opens and writes.
            AppCommand::File(FileCommand::CheckRecent | FileCommand::ClearRecent) => {}
            AppCommand::File(_) => {
                self.error = None;
                self.question = None;
            }
            AppCommand::Settings(command) => {
                if let SettingsCommand::SystemIs(theme) = command {
                    self.theme = *theme;
                }
                self.settings.apply(*command);
            }
            AppCommand::ShowOverlay(overlay) => self.overlay = *overlay,
            AppCommand::Engine(EngineCommand::SuperviseDriver { mode }) => self.supervise = *mode,
            AppCommand::Engine(_) | AppCommand::Layout(_) | AppCommand::Scrub(_) | AppCommand::Race(_) => {}
        }
    }

    /// Another run is shown from now on: what was chosen in the last one is gone.
    pub fn forget_run(&mut self) {
        self.selection = None;
        self.focus = None;
        self.follow = true;
        self.hint = None;
        self.hint_command = None;
        self.error = None;
    }
}

/// JSON has no infinity, so speeds are written as text.
mod speed_as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(speed: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(speed)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a saved `maximum` comes back as `null` and the window does not start.
    #[test]
    fn choices_survive_saving() {
        let mut state = UiState::default();
        state.apply(&AppCommand::Transport(Transport::Speed(f64::INFINITY)));
        state.apply(&AppCommand::SetTheme(Theme::Light));
        state.apply(&AppCommand::Settings(SettingsCommand::Scale(150)));
        state.recent.add("a.log".into());
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<UiState>(&text).unwrap(), state);
    }

    /// Without this the button shows pause after a step, although the engine waits.
    #[test]
    fn transport_commands_change_playback() {
        let check = |command: Transport, expect: Playback| {
            let mut state = UiState::default();
            state.apply(&AppCommand::Transport(command));
            assert_eq!(state.playback, expect, "{command:?}");
        };
        check(Transport::Pause, Playback::Paused);
        check(Transport::Step(StepGrain::Batch), Playback::Paused);
        check(Transport::Resume, Playback::Running);
    }
}
