//! Only the lineage grows and shrinks with the window; what stands beside it keeps its points.
//!
//! egui_tiles knows shares. In every row and column that contains the lineage, shares are points: the
//! neighbours keep theirs, and the one with the lineage gets the rest. A boundary that is dragged moves
//! points from one share to the next, so they stay points.

use super::Pane;
use egui::Vec2;
use egui_tiles::{Container, LinearDir, TileId, Tiles, Tree};

/// Between two panels.
pub(super) const GAP: f32 = 1.0;
/// The least share of a row, and of a column, that the lineage gets.
const LINEAGE_MIN: [f32; 2] = [0.45, 0.6];
/// What a panel gets that was dropped beside the lineage.
const DROPPED: f32 = 280.0;
/// A share below this is no size that anybody chose.
const TINY: f32 = 24.0;

/// Sets the shares for a window of this size.
pub(super) fn keep(tree: &mut Tree<Pane>, size: Vec2) {
    let Some(lineage) = tree.tiles.find_pane(&Pane::Lineage) else { return };
    let mut path = vec![lineage];
    while let Some(parent) = path.last().and_then(|&id| tree.tiles.parent_of(id)) {
        path.push(parent);
        if path.len() > tree.tiles.len() {
            return;
        }
    }
    let mut size = size;
    for pair in path.windows(2).rev() {
        let (child, container) = (pair[0], pair[1]);
        size = keep_in(&mut tree.tiles, container, child, size);
    }
}

/// Sets the shares of one container on the way to the lineage, and returns the size of `main` in it.
fn keep_in(tiles: &mut Tiles<Pane>, container: TileId, main: TileId, size: Vec2) -> Vec2 {
    let visible: Vec<TileId> = match tiles.get_container(container) {
        Some(Container::Linear(linear)) => {
            linear.children.iter().copied().filter(|&id| tiles.is_visible_in_layout(id)).collect()
        }
        _ => return size,
    };
    let Some(egui_tiles::Tile::Container(Container::Linear(linear))) = tiles.get_mut(container) else { return size };
    let axis = if linear.dir == LinearDir::Horizontal { 0 } else { 1 };
    let total = size[axis] - GAP * visible.len().saturating_sub(1) as f32;
    let mut others = 0.0;
    for &id in visible.iter().filter(|&&id| id != main) {
        if linear.shares[id] < TINY {
            linear.shares.set_share(id, DROPPED.min(total / 2.0));
        }
        others += linear.shares[id];
    }
    let least = LINEAGE_MIN[axis];
    let rest = (total - others).max(others * least / (1.0 - least));
    linear.shares.set_share(main, rest);
    let mut inner = size;
    inner[axis] = total * rest / (rest + others);
    inner
}
