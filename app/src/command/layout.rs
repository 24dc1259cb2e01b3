//! Wishes about the arrangement of the panels.

use crate::ui::dock::{Pane, Preset};

/// What to do with the panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutCommand {
    /// Arrange all panels as this preset says.
    Arrange(Preset),
    /// Show a panel, before the other tabs.
    Show(Pane),
    /// Hide a panel; the lineage stays.
    Hide(Pane),
}
