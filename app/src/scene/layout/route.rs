//! Polylines: straight from border to border, upright through the ranks that a long edge passes.

use super::order::Layers;
use super::place::RankTops;
use emath::{Pos2, Rect};

/// One polyline per edge; see [`super::Layered::polylines`].
pub(super) fn polylines(
    sizes: &[(f32, f32)],
    edges: &[(usize, usize)],
    positions: &[Pos2],
    lefts: &[f32],
    layers: &Layers,
    tops: &RankTops,
) -> Vec<Vec<Pos2>> {
    let n = sizes.len();
    let rect = |v: usize| Rect::from_min_size(positions[v], sizes[v].into());
    edges
        .iter()
        .enumerate()
        .map(|(e, &(a, b))| {
            if a >= n || b >= n || a == b {
                return Vec::new();
            }
            let (from, to) = (rect(a), rect(b));
            if layers.ranks[a] >= layers.ranks[b] {
                return vec![from.center_top(), to.center_bottom()];
            }
            let mut points = vec![from.center_bottom()];
            for &dummy in &layers.chains[e] {
                let rank = layers.ranks[dummy];
                points.push(Pos2::new(lefts[dummy], tops.top[rank]));
                points.push(Pos2::new(lefts[dummy], tops.bottom[rank]));
            }
            points.push(to.center_top());
            points
        })
        .collect()
}

/// The way around what stands between two boxes of one column: down, out to `side_x`, along, and back
/// in right above the target.
pub(in crate::scene) fn around(from: Rect, to: Rect, side_x: f32) -> Vec<Pos2> {
    let (leave, enter) = (from.bottom() + LEAVE, to.top() - ENTER);
    vec![
        from.center_bottom(),
        Pos2::new(from.center().x, leave),
        Pos2::new(side_x, leave),
        Pos2::new(side_x, enter),
        Pos2::new(to.center().x, enter),
        to.center_top(),
    ]
}

/// How far below its source an edge turns.
pub(super) const LEAVE: f32 = 8.0;
/// How far above its target an edge turns.
pub(super) const ENTER: f32 = 12.0;
