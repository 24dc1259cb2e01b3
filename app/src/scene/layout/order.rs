//! Order within the ranks: barycentre sweeps, the best order of all sweeps kept, and for small graphs
//! dummy nodes on long edges and swaps of neighbours.

use super::SMALL_GRAPH_NODES;
use super::rank::Ranking;

/// Dummy nodes at most; beyond, long edges are drawn straight.
const DUMMIES_MAX: usize = 20_000;
/// Passes of neighbour swaps at most.
const TRANSPOSE_PASSES: usize = 4;

/// Real and dummy nodes in ranks. Real nodes come first: `0..real`.
pub(super) struct Layers {
    /// Nodes of each rank, left to right.
    pub layers: Vec<Vec<usize>>,
    /// Number of real nodes.
    pub real: usize,
    /// Width per node, 0 for dummies.
    pub widths: Vec<f32>,
    /// Rank per node.
    pub ranks: Vec<usize>,
    /// Parents in a rank above.
    pub up: Vec<Vec<usize>>,
    /// Children in a rank below.
    pub down: Vec<Vec<usize>>,
    /// Dummies of each edge, from top to bottom.
    pub chains: Vec<Vec<usize>>,
    /// Place of each node within its rank.
    position: Vec<usize>,
}

impl Layers {
    /// The ranks in index order, with dummies when the graph is small.
    pub fn new(sizes: &[(f32, f32)], edges: &[(usize, usize)], ranking: &Ranking) -> Self {
        let real = sizes.len();
        let mut widths: Vec<f32> = sizes.iter().map(|s| s.0).collect();
        let mut ranks: Vec<usize> = ranking.ranks.iter().map(|&r| r as usize).collect();
        let span = |e: usize| ranking.ranks[edges[e].1].saturating_sub(ranking.ranks[edges[e].0]) as usize;
        let valid: Vec<usize> = (0..edges.len()).filter(|&e| ranking.forward[e]).collect();
        let wanted: usize = valid.iter().map(|&e| span(e).saturating_sub(1)).sum();
        let with_dummies = real <= SMALL_GRAPH_NODES && wanted <= DUMMIES_MAX;

        let mut chains = vec![Vec::new(); edges.len()];
        let mut links = Vec::with_capacity(valid.len() + wanted);
        for e in valid {
            let (mut above, to) = edges[e];
            if with_dummies {
                for rank in ranks[above] + 1..ranks[to] {
                    let dummy = ranks.len();
                    ranks.push(rank);
                    widths.push(0.0);
                    chains[e].push(dummy);
                    links.push((above, dummy));
                    above = dummy;
                }
            }
            links.push((above, to));
        }
        let total = ranks.len();
        let (mut up, mut down) = (vec![Vec::new(); total], vec![Vec::new(); total]);
        for (a, b) in links {
            down[a].push(b);
            up[b].push(a);
        }
        let mut layers = vec![Vec::new(); ranks.iter().max().map_or(0, |m| m + 1)];
        for (v, &rank) in ranks.iter().enumerate() {
            layers[rank].push(v);
        }
        let mut this = Self { layers, real, widths, ranks, up, down, chains, position: vec![0; total] };
        for rank in 0..this.layers.len() {
            this.number(rank);
        }
        this
    }

    /// Sweeps down and up in turn and keeps the order with the fewest crossings.
    pub fn reduce_crossings(&mut self, sweeps: usize) {
        if self.layers.iter().all(|l| l.len() < 2) {
            return;
        }
        let mut best = self.layers.clone();
        let mut fewest = self.crossings();
        for sweep in 0..sweeps {
            if fewest == 0 {
                break;
            }
            self.sweep(if sweep % 2 == 0 { Towards::Children } else { Towards::Parents });
            let crossings = self.crossings();
            if crossings < fewest {
                fewest = crossings;
                best.clone_from(&self.layers);
            }
        }
        self.layers = best;
        for rank in 0..self.layers.len() {
            self.number(rank);
        }
        if fewest > 0 && self.real <= SMALL_GRAPH_NODES {
            self.transpose();
        }
    }

    fn number(&mut self, rank: usize) {
        for (i, &v) in self.layers[rank].iter().enumerate() {
            self.position[v] = i;
        }
    }

    /// Sorts each rank by the mean place of the neighbours on the side the sweep comes from. Nodes
    /// without such neighbours keep their place.
    fn sweep(&mut self, towards: Towards) {
        let count = self.layers.len();
        for step in 1..count {
            let (rank, near) = match towards {
                Towards::Children => (step, &self.up),
                Towards::Parents => (count - 1 - step, &self.down),
            };
            let mut keyed: Vec<(f32, usize)> = self.layers[rank]
                .iter()
                .map(|&v| {
                    let neighbours = &near[v];
                    let centre = if neighbours.is_empty() {
                        self.position[v] as f32
                    } else {
                        let sum: usize = neighbours.iter().map(|&u| self.position[u]).sum();
                        sum as f32 / neighbours.len() as f32
                    };
                    (centre, v)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.layers[rank] = keyed.into_iter().map(|(_, v)| v).collect();
            self.number(rank);
        }
    }

    /// Crossings between neighbouring ranks, counted with a Fenwick tree: O(E log V).
    fn crossings(&self) -> u64 {
        let mut total = 0;
        let mut targets = Vec::new();
        let mut tree: Vec<u32> = Vec::new();
        for (rank, layer) in self.layers.iter().enumerate() {
            let Some(below) = self.layers.get(rank + 1) else { break };
            tree.clear();
            tree.resize(below.len() + 1, 0);
            let mut seen = 0u64;
            for &v in layer {
                targets.clear();
                targets.extend(self.down[v].iter().filter(|&&c| self.ranks[c] == rank + 1).map(|&c| self.position[c]));
                targets.sort_unstable();
                for &p in &targets {
                    let mut not_right = 0u64;
                    let mut i = p + 1;
                    while i > 0 {
                        not_right += u64::from(tree[i]);
                        i &= i - 1;
                    }
                    total += seen - not_right;
                }
                for &p in &targets {
                    seen += 1;
                    let mut i = p + 1;
                    while i < tree.len() {
                        tree[i] += 1;
                        i += i & i.wrapping_neg();
                    }
                }
            }
        }
        total
    }

    /// Swaps neighbours while that removes crossings.
    fn transpose(&mut self) {
        for _ in 0..TRANSPOSE_PASSES {
            let mut improved = false;
            for rank in 0..self.layers.len() {
                for i in 1..self.layers[rank].len() {
                    let (a, b) = (self.layers[rank][i - 1], self.layers[rank][i]);
                    let now = self.pair(&self.up, a, b) + self.pair(&self.down, a, b);
                    let then = self.pair(&self.up, b, a) + self.pair(&self.down, b, a);
                    if then < now {
                        self.layers[rank].swap(i - 1, i);
                        self.position[a] = i;
                        self.position[b] = i - 1;
                        improved = true;
                    }
                }
            }
            if !improved {
                break;
            }
        }
    }

    /// Crossings between the edges of `left` and of `right` on one side, by a merge of their places.
    fn pair(&self, near: &[Vec<usize>], left: usize, right: usize) -> u64 {
        if near[left].is_empty() || near[right].is_empty() {
            return 0;
        }
        let places = |v: usize| {
            let mut p: Vec<usize> = near[v].iter().map(|&u| self.position[u]).collect();
            p.sort_unstable();
            p
        };
        let (l, r) = (places(left), places(right));
        let mut crossings = 0;
        let mut below = 0;
        for p in l {
            while below < r.len() && r[below] < p {
                below += 1;
            }
            crossings += below as u64;
        }
        crossings
    }
}

/// Which way a sweep goes.
#[derive(Clone, Copy)]
enum Towards {
    Children,
    Parents,
}
