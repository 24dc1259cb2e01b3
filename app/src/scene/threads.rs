//! The ways of edges through the loom: data goes down its column, state and windows reach across.
//!
//! What a later batch reads leaves its node to the right, runs along a lane under the row, and comes
//! down into each node that reads it. Lanes are taken in turn, column by column, as many as a window
//! reaches back, so that no two batches share a lane at one place.

use super::layout::around;
use super::loom::{Grid, Slot};
use super::metrics::{COLUMN_GUTTER, COLUMN_PAD, LANE_PITCH};
use emath::Pos2;

/// From the bottom of a row to its first lane.
const LANE_TOP: f32 = 8.0;
/// From a node's side to the upright parts of threads in the gutter.
const BESIDE: f32 = COLUMN_GUTTER / 3.0;
/// From the left border of a node to where threads come down into it.
const ENTRY: f32 = 16.0;
/// From a parent to where the curves of its map outputs meet, when they cannot reach the child.
const GATHER: f32 = 20.0;

/// From one row of a column to another: straight to the next row, else along the side of the column.
pub(super) fn down(grid: &Grid, from: Slot, to: Slot, file_between: bool, is_fan: bool) -> Vec<Pos2> {
    let (a, b) = (grid.node(from.row, from.batch), grid.node(to.row, to.batch));
    if to.row == from.row + 1 && !file_between {
        return vec![a.center_bottom(), b.center_top()];
    }
    let mut points = around(a, b, a.right() + COLUMN_PAD / 2.0);
    if is_fan {
        let y = a.bottom() + GATHER;
        points[1].y = y;
        points[2].y = y;
    }
    points
}

/// From a column to a later one: straight to the neighbour in the same row, else along a lane.
pub(super) fn across(grid: &Grid, from: Slot, to: Slot) -> Vec<Pos2> {
    let (a, b) = (grid.node(from.row, from.batch), grid.node(to.row, to.batch));
    let start = a.right_center();
    let (column, lanes) = (Grid::index(from.batch), grid.rows[from.row].lanes);
    let distance = Grid::index(to.batch).saturating_sub(column);
    if distance == 1 && from.row == to.row {
        return vec![start, b.left_center()];
    }
    if distance == 1 && lanes == 0 {
        let half = start.x + COLUMN_GUTTER / 2.0;
        return vec![start, Pos2::new(half, start.y), Pos2::new(half, b.center().y), b.left_center()];
    }
    let lane = grid.below(from.row) + LANE_TOP + LANE_PITCH * (column % lanes.max(1)) as f32;
    let out = start.x + BESIDE;
    let mut points = vec![start, Pos2::new(out, start.y), Pos2::new(out, lane)];
    if to.row == from.row + 1 {
        let entry = b.left() + ENTRY;
        points.extend([Pos2::new(entry, lane), Pos2::new(entry, b.top())]);
    } else {
        let back = b.left() - BESIDE;
        points.extend([Pos2::new(back, lane), Pos2::new(back, b.center().y), b.left_center()]);
    }
    points
}
