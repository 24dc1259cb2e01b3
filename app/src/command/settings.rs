//! Wishes about how the window looks.

use crate::theme::{NumberStyle, Theme};

/// What lies over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The settings.
    Settings,
    /// Every key.
    Keys,
    /// What can be made to fail.
    Faults,
    /// What a checkpoint directory holds.
    Checkpoint,
}

/// One way from a scale to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleStep {
    /// Larger.
    Up,
    /// Smaller.
    Down,
    /// As it is by default.
    Reset,
}

/// One wish about the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsCommand {
    /// Light and dark as the system has them from now on.
    FollowSystem,
    /// The system has this theme.
    SystemIs(Theme),
    /// Size of everything, in percent.
    Scale(u16),
    /// The next size.
    ScaleStep(ScaleStep),
    /// How numbers are written.
    Numbers(NumberStyle),
    /// Whether advice is shown at the bottom.
    Hints(Hints),
}

/// Whether advice is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Hints {
    /// One line at the bottom, when there is something to say.
    #[default]
    Shown,
    /// Only what went wrong is said.
    Hidden,
}
