//! The ways of edges through the loom: data goes down its column, state and windows reach across.

use super::layout::around;
use super::loom::{Grid, Slot};
use super::metrics::{COLUMN_GUTTER, COLUMN_PAD};
use emath::Pos2;

/// From the border of a node to where its threads run along under the row.
const LANE_TOP: f32 = 6.0;
/// Between two such lanes.
const LANE_PITCH: f32 = 4.0;
/// Lanes under a row; longer threads share the last.
const LANES: u32 = 3;

/// From one row of a column to another: straight to the next row, else along the side of the column.
pub(super) fn down(grid: &Grid, from: Slot, to: Slot, file_between: bool) -> Vec<Pos2> {
    let (a, b) = (grid.node(from.row, from.batch), grid.node(to.row, to.batch));
    if to.row == from.row + 1 && !file_between {
        return vec![a.center_bottom(), b.center_top()];
    }
    around(a, b, a.right() + COLUMN_PAD / 2.0)
}

/// From a column to a later one: through the gutter between neighbours, else along a lane under the row.
pub(super) fn across(grid: &Grid, from: Slot, to: Slot) -> Vec<Pos2> {
    let (a, b) = (grid.node(from.row, from.batch), grid.node(to.row, to.batch));
    let (start, end) = (a.right_center(), b.left_center());
    let half = COLUMN_GUTTER / 2.0;
    let distance = Grid::index(to.batch).saturating_sub(Grid::index(from.batch));
    if distance == 1 && from.row == to.row {
        return vec![start, end];
    }
    let (out, back) = (start.x + half, end.x - half);
    let mut points = vec![start, Pos2::new(out, start.y)];
    if distance != 1 {
        let lane = distance.saturating_sub(2).min(LANES - 1);
        let y = a.bottom() + LANE_TOP + LANE_PITCH * lane as f32;
        points.push(Pos2::new(out, y));
        points.push(Pos2::new(back, y));
    }
    points.push(Pos2::new(back, end.y));
    points.push(end);
    points
}
