//! How much is drawn at which zoom: words must stay readable, and ten thousand nodes must stay fast.

/// Below this, titles would be smaller than readable words.
const TITLES_FROM: f32 = 0.5;
/// Below this, cells would be smaller than four points.
const CELLS_FROM: f32 = 0.28;
/// Below this, everything is one mesh.
const STRIPS_FROM: f32 = 0.1;

/// Levels of detail, from far to near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// One mesh for all nodes and edges.
    Far,
    /// A box and one strip per node, straight lines.
    Strips,
    /// Cells without titles, straight lines.
    Cells,
    /// Everything, with curves and ticks.
    Full,
}

/// More visible nodes than this are drawn as one mesh, whatever the zoom.
const CROWD: usize = 600;

impl Detail {
    /// The level at a zoom at which so many nodes are visible: a large window shows thousands of nodes
    /// at a size at which each could be drawn for itself.
    pub fn of(zoom: f32, visible: usize) -> Self {
        if visible > CROWD { Self::Far } else { Self::at(zoom) }
    }

    /// The level at a zoom.
    pub fn at(zoom: f32) -> Self {
        if zoom >= TITLES_FROM {
            Self::Full
        } else if zoom >= CELLS_FROM {
            Self::Cells
        } else if zoom >= STRIPS_FROM {
            Self::Strips
        } else {
            Self::Far
        }
    }
}

/// The font size of words that are `size` points at zoom 1: never below readable, rounded to half
/// points, because each new size fills the glyph atlas.
pub fn font_size(size: f32, zoom: f32) -> f32 {
    ((size * zoom * 2.0).round() / 2.0).max(crate::theme::text::SMALLEST)
}
