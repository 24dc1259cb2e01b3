//! What the settings hold beside the theme.

use crate::command::settings::{Hints, ScaleStep, SettingsCommand};
use crate::theme::NumberStyle;
use serde::{Deserialize, Serialize};

/// Sizes that can be chosen, in percent.
pub const SCALES: [u16; 9] = [75, 80, 90, 100, 110, 125, 150, 175, 200];
/// The size at the first start.
const SCALE: u16 = 100;

/// Choices of the settings window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether light and dark are the system's.
    pub follow_system: bool,
    /// Size of everything, in percent: one of [`SCALES`].
    pub scale: u16,
    /// How numbers are written.
    pub numbers: NumberStyle,
    /// Whether advice is shown.
    pub hints: Hints,
}

impl Default for Settings {
    fn default() -> Self {
        Self { follow_system: false, scale: SCALE, numbers: NumberStyle::default(), hints: Hints::default() }
    }
}

impl Settings {
    /// What a command changes here.
    pub fn apply(&mut self, command: SettingsCommand) {
        match command {
            SettingsCommand::FollowSystem => self.follow_system = true,
            SettingsCommand::SystemIs(_) => {}
            SettingsCommand::Scale(percent) => self.scale = percent.clamp(SCALES[0], SCALES[SCALES.len() - 1]),
            SettingsCommand::ScaleStep(step) => self.scale = next_scale(self.scale, step),
            SettingsCommand::Numbers(style) => self.numbers = style,
            SettingsCommand::Hints(hints) => self.hints = hints,
        }
    }

    /// Size of everything, as a factor; whatever a saved file says, it can be read.
    pub fn scale_factor(&self) -> f32 {
        f32::from(self.scale.clamp(SCALES[0], SCALES[SCALES.len() - 1])) / 100.0
    }
}

fn next_scale(scale: u16, step: ScaleStep) -> u16 {
    match step {
        ScaleStep::Up => SCALES.into_iter().find(|s| *s > scale).unwrap_or(scale),
        ScaleStep::Down => SCALES.into_iter().rev().find(|s| *s < scale).unwrap_or(scale),
        ScaleStep::Reset => SCALE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a window can become so small or large that nobody finds the way back.
    #[test]
    fn the_scale_stays_readable() {
        let mut settings = Settings::default();
        for _ in 0..20 {
            settings.apply(SettingsCommand::ScaleStep(ScaleStep::Up));
        }
        assert_eq!(settings.scale, 200);
        for _ in 0..20 {
            settings.apply(SettingsCommand::ScaleStep(ScaleStep::Down));
        }
        assert_eq!(settings.scale, 75);
        settings.apply(SettingsCommand::ScaleStep(ScaleStep::Reset));
        assert_eq!(settings.scale, 100);
        settings.apply(SettingsCommand::Scale(9));
        assert_eq!(settings.scale, 75);
        assert_eq!(Settings { scale: 0, ..Settings::default() }.scale_factor(), 0.75);
    }
}
