//! The layered layout of a lineage, against the least that any layered layout has to do: a rank for
//! every node by longest path, and a place in its rank.

#[path = "../../engine/benches/rounds/mod.rs"]
mod rounds;

use faultline::scene::layout::{Options, layered};
use rounds::{contest, entry, scaled};
use std::hint::black_box;

const NODES: [usize; 2] = [1_000, 10_000];
const ROUNDS: usize = 15;
const SIZE: (f32, f32) = (160.0, 60.0);
const GAP: f32 = 36.0;
/// Operators per batch.
const ROWS: usize = 4;

/// The lineage of a stream with state: chains of operators, the last of which also reads its
/// predecessor and, as a window does, the chain three batches back.
fn lineage(nodes: usize) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for at in 0..nodes {
        if at % ROWS > 0 {
            edges.push((at - 1, at));
        }
        if at % ROWS == ROWS - 1 && at >= ROWS {
            edges.push((at - ROWS, at));
        }
        if at % ROWS == 2 && at >= 3 * ROWS {
            edges.push((at - 3 * ROWS, at));
        }
    }
    edges
}

/// Places by rank and then by index.
fn by_longest_path(sizes: &[(f32, f32)], edges: &[(usize, usize)]) -> Vec<(f32, f32)> {
    let mut children = vec![Vec::new(); sizes.len()];
    let mut parents = vec![0u32; sizes.len()];
    for &(from, to) in edges {
        children[from].push(to);
        parents[to] += 1;
    }
    let mut ranks = vec![0usize; sizes.len()];
    let mut ready: Vec<usize> = (0..sizes.len()).filter(|at| parents[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for &child in &children[at] {
            ranks[child] = ranks[child].max(ranks[at] + 1);
            parents[child] -= 1;
            if parents[child] == 0 {
                ready.push(child);
            }
        }
    }
    let mut lefts = vec![0.0; sizes.len()];
    let place = |(&rank, size): (&usize, &(f32, f32))| {
        let x = lefts[rank];
        lefts[rank] += size.0 + GAP;
        (x, rank as f32 * (size.1 + GAP))
    };
    ranks.iter().zip(sizes).map(place).collect()
}

fn main() {
    for full in NODES {
        let nodes = scaled(full, 40);
        let (sizes, edges) = (vec![SIZE; nodes], lineage(nodes));
        let options = Options::default();
        contest(
            &format!("layout of {nodes} nodes and {} edges", edges.len()),
            ROUNDS,
            vec![
                entry("layered", || layered(black_box(&sizes), &edges, &options).positions.len() as u64),
                entry("longest path", || by_longest_path(black_box(&sizes), &edges).len() as u64),
            ],
        );
    }
}
