//! Two arrangements to begin with.

use super::Pane;
use egui_tiles::{Container, Linear, LinearDir, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

/// The name under which egui keeps what it knows of the tree.
const TREE: &str = "panels";
/// Width of executors, store and output in points.
const CLUSTER: f32 = 232.0;
/// Width of the inspector in points.
const INSPECTOR: f32 = 304.0;
/// Height of what is below the lineage in points.
const BELOW: f32 = 220.0;

/// An arrangement of the panels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// The lineage in the middle, one panel below it at a time.
    #[default]
    Teach,
    /// Everything at once: timeline beside batches and storage, findings and ledger below the inspector.
    Debug,
}

impl Preset {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Teach, Self::Debug];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Teach => "Teach layout",
            Self::Debug => "Debug layout",
        }
    }

    /// Its tree. Shares are points; the lineage takes what is left (`sizes.rs`).
    pub(super) fn tree(self) -> Tree<Pane> {
        let mut tiles = Tiles::default();
        let root = match self {
            Self::Teach => teach(&mut tiles),
            Self::Debug => debug(&mut tiles),
        };
        Tree::new(TREE, root, tiles)
    }
}

fn teach(tiles: &mut Tiles<Pane>) -> TileId {
    let [cluster, lineage, inspector, timeline, batches, storage, ledger, findings] = insert(tiles);
    let below = tiles.insert_tab_tile(vec![timeline, batches, storage, ledger, findings]);
    let centre = linear(tiles, LinearDir::Vertical, &[(lineage, 0.0), (below, BELOW)]);
    linear(tiles, LinearDir::Horizontal, &[(cluster, CLUSTER), (centre, 0.0), (inspector, INSPECTOR)])
}

fn debug(tiles: &mut Tiles<Pane>) -> TileId {
    let [cluster, lineage, inspector, timeline, batches, storage, ledger, findings] = insert(tiles);
    let lists = tiles.insert_tab_tile(vec![batches, storage]);
    let reports = tiles.insert_tab_tile(vec![findings, ledger]);
    let below = linear(tiles, LinearDir::Horizontal, &[(timeline, 1.0), (lists, 1.0)]);
    let centre = linear(tiles, LinearDir::Vertical, &[(lineage, 0.0), (below, 1.2 * BELOW)]);
    let side = linear(tiles, LinearDir::Vertical, &[(inspector, 3.0), (reports, 2.0)]);
    linear(tiles, LinearDir::Horizontal, &[(cluster, CLUSTER), (centre, 0.0), (side, INSPECTOR)])
}

fn insert(tiles: &mut Tiles<Pane>) -> [TileId; 8] {
    Pane::ALL.map(|pane| tiles.insert_pane(pane))
}

fn linear(tiles: &mut Tiles<Pane>, dir: LinearDir, children: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(dir, children.iter().map(|(id, _)| *id).collect());
    for &(id, share) in children {
        linear.shares.set_share(id, share);
    }
    tiles.insert_container(Container::Linear(linear))
}
