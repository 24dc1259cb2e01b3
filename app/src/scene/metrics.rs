//! Sizes of the scene in points at zoom 1, all multiples of 4. The painter draws by the same numbers.

/// Side of a partition cell.
pub const CELL: f32 = 16.0;
/// Between two cells.
pub const CELL_GAP: f32 = 8.0;
/// Cells drawn at most; beyond, a node shows counts per sign.
pub const CELLS_MAX: u32 = 8;
/// Size of a node's title.
pub const TITLE: f32 = 14.0;
/// Between a node's border and what is in it.
pub const NODE_PAD: f32 = 12.0;
/// Height of an operator node.
pub const NODE_HEIGHT: f32 = 56.0;
/// Least width of a node: six cells.
pub const NODE_WIDTH: f32 = 160.0;
/// Greatest width that a title may ask for.
pub const NODE_WIDTH_MAX: f32 = 240.0;
/// Between two nodes of one rank.
pub const NODE_GAP: f32 = 36.0;
/// Between two rows joined by narrow edges.
pub const ROW_GAP: f32 = 28.0;
/// Above a row that a fan of map outputs enters.
pub const FAN_GAP: f32 = 68.0;
/// Between two lanes of threads under a row.
pub const LANE_PITCH: f32 = 8.0;
/// Lanes under a row at most; a longer window takes them in turn.
pub const LANES_MAX: u32 = 6;
/// Between two batch columns' nodes.
pub const COLUMN_GUTTER: f32 = 36.0;
/// Between two iteration bands' nodes.
pub const BAND_GAP: f32 = 52.0;
/// From a node to the border of its column.
pub const COLUMN_PAD: f32 = 8.0;
/// Height of a column's heading.
pub const HEADER: f32 = 32.0;
/// From a node to its checkpoint file, where the row keeps room for it.
pub const FILE_GAP: f32 = 16.0;
/// Height of a checkpoint file where the row keeps room for it.
pub const FILE_HEIGHT: f32 = 32.0;
/// From a node to its checkpoint file elsewhere.
pub const CHIP_GAP: f32 = 4.0;
/// Height of a checkpoint file elsewhere.
pub const CHIP_HEIGHT: f32 = 24.0;

/// Advance of a letter of a title, rounded up; zoomed out, titles shrink less than their nodes.
const fn advance(letter: char) -> f32 {
    match letter {
        'M' | 'W' => 14.0,
        'm' | 'w' => 12.0,
        'A'..='Z' => 10.0,
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | ' ' | '.' | '\u{b7}' => 5.0,
        _ => 8.6,
    }
}

/// Width of a node with this title and so many partitions.
pub fn node_width(title: &str, partitions: u32) -> f32 {
    let cells = if partitions <= CELLS_MAX { partitions as f32 * (CELL + CELL_GAP) - CELL_GAP } else { 0.0 };
    let words = title.chars().map(advance).sum::<f32>() + 2.0 * NODE_PAD;
    let words = ((words / 4.0).ceil() * 4.0).min(NODE_WIDTH_MAX);
    (cells + 2.0 * NODE_PAD).max(words).max(NODE_WIDTH)
}

/// How many cells fit into a node of this width.
pub fn cells_that_fit(width: f32) -> u32 {
    (((width - 2.0 * NODE_PAD + CELL_GAP) / (CELL + CELL_GAP)).floor().max(0.0) as u32).min(CELLS_MAX)
}
