//! What outlives the window: choices and arrangement, as text for whoever keeps it.

use super::ShellState;
use super::dock::Dock;
use crate::state::UiState;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Saved {
    ui: UiState,
    dock: Dock,
}

#[derive(Serialize)]
struct Saving<'a> {
    ui: &'a UiState,
    dock: &'a Dock,
}

/// The choices and the arrangement as text; `None` if they cannot be written.
pub fn save(shell: &ShellState) -> Option<String> {
    serde_json::to_string(&Saving { ui: &shell.ui, dock: &shell.dock }).ok()
}

/// Takes over what was saved. Text of another version changes nothing that it does not fit.
pub fn restore(shell: &mut ShellState, text: &str) {
    let Ok(saved) = serde_json::from_str::<Saved>(text) else { return };
    // The engine that runs already has its speed.
    let (programs, speed) = (std::mem::take(&mut shell.ui.programs), shell.ui.speed);
    shell.ui = UiState { programs, speed, ..saved.ui };
    if saved.dock.is_whole() {
        shell.dock = saved.dock;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::AppCommand;
    use crate::theme::Theme;
    use crate::ui::dock::{Pane, Preset};

    /// A teacher would arrange the window before every lesson.
    #[test]
    fn choices_and_arrangement_come_back() {
        let mut shell = ShellState::default();
        shell.ui.apply(&AppCommand::SetTheme(Theme::Light));
        shell.dock.arrange(Preset::Debug);
        shell.dock.set_shown(Pane::Findings, false);
        let text = save(&shell).expect("plain data");
        let mut next = ShellState::default();
        restore(&mut next, &text);
        assert_eq!((next.ui.theme, &next.dock), (Theme::Light, &shell.dock));
        assert!(!next.dock.shows(Pane::Findings) && next.dock.shows(Pane::Storage));
    }

    /// A file of another version, or a damaged one, would leave a window without panels.
    #[test]
    fn what_does_not_fit_changes_nothing() {
        let shell = ShellState::default();
        let text = save(&shell).expect("plain data");
        for damaged in ["", "{}", "nonsense", &text.replace("Timeline", "Lineage"), &text.replace("Storage", "Stories")]
        {
            let mut next = ShellState::default();
            restore(&mut next, damaged);
            assert_eq!(next.dock, shell.dock, "{damaged}");
            assert!(next.dock.is_whole());
        }
    }
}
