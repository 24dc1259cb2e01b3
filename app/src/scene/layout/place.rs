//! Coordinates: every rank is moved as close as its order and gaps allow to the mean of its
//! neighbours (least squares under the gaps, by pooling adjacent violators).

use super::Options;
use super::order::Layers;

/// Times that ranks are aligned with their neighbours, down and up in turn.
const ALIGNMENTS: usize = 6;
/// How much more a dummy insists on its place than a node: long edges become straight.
const DUMMY_WEIGHT: f64 = 4.0;
/// Left edges are multiples of this, where the gap leaves room for rounding.
const STEP: f32 = 4.0;

/// Vertical extent of the ranks.
pub(super) struct RankTops {
    /// Top of each rank.
    pub top: Vec<f32>,
    /// Bottom of each rank.
    pub bottom: Vec<f32>,
}

/// Stacks the ranks, with the wide gap above those that a fan enters.
pub(super) fn rank_tops(sizes: &[(f32, f32)], edges: &[(usize, usize)], ranks: &[u32], options: &Options) -> RankTops {
    let count = ranks.iter().max().map_or(0, |&m| m as usize + 1);
    let mut height = vec![0f32; count];
    for (v, size) in sizes.iter().enumerate() {
        let h = &mut height[ranks[v] as usize];
        *h = h.max(size.1);
    }
    let mut wide = vec![false; count];
    for &e in &options.fans {
        if let Some(&(a, b)) = edges.get(e)
            && a < sizes.len()
            && b < sizes.len()
            && ranks[a] < ranks[b]
        {
            wide[ranks[b] as usize] = true;
        }
    }
    let (mut top, mut bottom) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut y = 0.0;
    for rank in 0..count {
        if rank > 0 {
            y += if wide[rank] { options.fan_gap } else { options.rank_gap };
        }
        top.push(y);
        y += height[rank];
        bottom.push(y);
    }
    RankTops { top, bottom }
}

/// Left edge of every node and dummy, the leftmost at 0.
pub(super) fn lefts(layers: &Layers, gap: f32) -> Vec<f32> {
    let mut centre = vec![0f32; layers.widths.len()];
    for layer in &layers.layers {
        let mut x = 0.0;
        for &v in layer {
            centre[v] = x + layers.widths[v] / 2.0;
            x += layers.widths[v] + gap;
        }
    }
    let count = layers.layers.len();
    for round in 0..ALIGNMENTS {
        for step in 1..count {
            if round % 2 == 0 {
                align(&layers.layers[step], &layers.up, layers, gap, &mut centre);
            } else {
                align(&layers.layers[count - 1 - step], &layers.down, layers, gap, &mut centre);
            }
        }
    }
    let mut lefts: Vec<f32> = centre.iter().zip(&layers.widths).map(|(c, w)| c - w / 2.0).collect();
    let first = lefts[..layers.real].iter().copied().fold(f32::INFINITY, f32::min);
    for left in &mut lefts {
        *left -= first;
        if gap >= 2.0 * STEP {
            *left = (*left / STEP).round() * STEP;
        }
    }
    lefts
}

/// Moves one rank towards the means of its neighbours in `near`.
fn align(layer: &[usize], near: &[Vec<usize>], layers: &Layers, gap: f32, centre: &mut [f32]) {
    struct Pool {
        sum: f64,
        weight: f64,
        len: usize,
    }
    let mut offsets = Vec::with_capacity(layer.len());
    let mut pools: Vec<Pool> = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (i, &v) in layer.iter().enumerate() {
        if i > 0 {
            offset += (layers.widths[layer[i - 1]] + layers.widths[v]) / 2.0 + gap;
        }
        offsets.push(offset);
        let (desired, weight) = if near[v].is_empty() {
            (centre[v], 0.1)
        } else {
            let sum: f32 = near[v].iter().map(|&u| centre[u]).sum();
            let both_dummies = v >= layers.real && near[v].iter().all(|&u| u >= layers.real);
            (sum / near[v].len() as f32, if both_dummies { DUMMY_WEIGHT } else { 1.0 })
        };
        pools.push(Pool { sum: f64::from(desired - offset) * weight, weight, len: 1 });
        while pools.len() > 1 {
            let (last, before) = (&pools[pools.len() - 1], &pools[pools.len() - 2]);
            if before.sum / before.weight <= last.sum / last.weight {
                break;
            }
            let merged =
                Pool { sum: before.sum + last.sum, weight: before.weight + last.weight, len: before.len + last.len };
            pools.truncate(pools.len() - 2);
            pools.push(merged);
        }
    }
    let mut i = 0;
    for pool in pools {
        let base = (pool.sum / pool.weight) as f32;
        for _ in 0..pool.len {
            centre[layer[i]] = base + offsets[i];
            i += 1;
        }
    }
}
