//! Panels that the user arranges: which is where, how large, and which are hidden.
//!
//! egui_tiles keeps the tree and carries out drags; we decide what is in it, how it looks, and that
//! only the lineage grows with the window (`sizes.rs`).

mod behavior;
mod grip;
mod preset;
mod sizes;
#[cfg(test)]
mod tests;

pub use preset::Preset;

use self::behavior::Docked;
use super::ViewCtx;
use super::shell::Panels;
use crate::state::UiState;
use egui::Ui;
use egui_tiles::{Container, Tile, TileId, Tree};
use serde::{Deserialize, Serialize};

/// One panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Pane {
    /// Executors, the reliable store, and the program's output.
    Cluster,
    /// The lineage under the sentence of the moment.
    Lineage,
    /// Facts about the one selected thing, and why.
    Inspector,
    /// Tasks over time.
    Timeline,
    /// Batches as plot and table.
    Batches,
    /// Stored partitions, map outputs, files.
    Storage,
    /// What became of what was received.
    Ledger,
    /// What should be looked at.
    Findings,
}

impl Pane {
    /// Every panel.
    pub const ALL: [Self; 8] = [
        Self::Cluster,
        Self::Lineage,
        Self::Inspector,
        Self::Timeline,
        Self::Batches,
        Self::Storage,
        Self::Ledger,
        Self::Findings,
    ];

    /// Its name in tabs and menus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Executors",
            Self::Lineage => "Lineage",
            Self::Inspector => "Inspector",
            Self::Timeline => "Timeline",
            Self::Batches => "Batches",
            Self::Storage => "Storage",
            Self::Ledger => "Ledger",
            Self::Findings => "Findings",
        }
    }
}

/// The arrangement; saved with the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dock {
    tree: Tree<Pane>,
}

impl Default for Dock {
    fn default() -> Self {
        Self { tree: Preset::Teach.tree() }
    }
}

impl Dock {
    /// Arranges the panels as the preset says.
    pub fn arrange(&mut self, preset: Preset) {
        self.tree = preset.tree();
    }

    /// Whether a panel has a place in the window, be it behind another tab.
    pub fn shows(&self, pane: Pane) -> bool {
        self.tree.tiles.find_pane(&pane).is_some_and(|id| self.tree.is_visible(id))
    }

    /// Shows or hides a panel. The lineage cannot be hidden.
    pub fn set_shown(&mut self, pane: Pane, shown: bool) {
        if let Some(id) = self.tree.tiles.find_pane(&pane)
            && pane != Pane::Lineage
        {
            self.tree.set_visible(id, shown);
        }
    }

    /// Shows a panel and brings it before the other tabs.
    pub fn bring_forward(&mut self, pane: Pane) {
        self.set_shown(pane, true);
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(p) if *p == pane));
    }

    /// The panels that are drawn now.
    pub fn drawn(&self) -> Vec<Pane> {
        let mut drawn: Vec<Pane> =
            self.tree.active_tiles().iter().filter_map(|id| self.tree.tiles.get_pane(id).copied()).collect();
        drawn.sort_unstable();
        drawn
    }

    /// Where the drawn panels were in the last frame.
    pub fn rects(&self) -> Vec<(Pane, egui::Rect)> {
        let place = |pane: Pane| Some((pane, self.tree.tiles.rect(self.tree.tiles.find_pane(&pane)?)?));
        self.drawn().into_iter().filter_map(place).collect()
    }

    /// Whether every panel is in the tree exactly once: a saved arrangement may be of another version.
    pub fn is_whole(&self) -> bool {
        let mut panes: Vec<Pane> = reachable(&self.tree);
        panes.sort_unstable();
        panes == Pane::ALL
    }
}

fn reachable(tree: &Tree<Pane>) -> Vec<Pane> {
    let mut found = Vec::new();
    let mut open: Vec<TileId> = tree.root.into_iter().collect();
    // A damaged tree may have a cycle; there are never more tiles than these.
    let mut budget = 1_000;
    while let (Some(id), 1..) = (open.pop(), budget) {
        budget -= 1;
        match tree.tiles.get(id) {
            Some(Tile::Pane(pane)) => found.push(*pane),
            Some(Tile::Container(container)) => open.extend(container.children()),
            None => {}
        }
    }
    found
}

/// Draws all panels into the rest of `ui`.
pub fn dock_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, dock: &mut Dock, panels: &mut Panels, state: &mut UiState) {
    sizes::keep(&mut dock.tree, ui.available_size());
    let tabbed = tabbed(&dock.tree);
    let mut behavior = Docked { ctx, panels, state, tabbed };
    dock.tree.ui(&mut behavior, ui);
}

fn tabbed(tree: &Tree<Pane>) -> Vec<Pane> {
    let tabs = tree.tiles.tiles().filter_map(|tile| match tile {
        Tile::Container(Container::Tabs(tabs)) => Some(&tabs.children),
        _ => None,
    });
    tabs.flatten().filter_map(|id| tree.tiles.get_pane(id).copied()).collect()
}
