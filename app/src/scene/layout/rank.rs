//! Longest-path ranks. Cycles are broken first, at the edges that a depth-first walk in index order
//! finds to lead back.

/// Ranks, and which edges they were made from.
pub(super) struct Ranking {
    /// Rank of every node; every forward edge goes to a higher rank.
    pub ranks: Vec<u32>,
    /// Whether each edge counts: in range, no loop, closes no cycle.
    pub forward: Vec<bool>,
}

/// Ranks of `n` nodes. Sources stand right above their nearest child instead of at the very top.
pub(super) fn rank(n: usize, edges: &[(usize, usize)]) -> Ranking {
    let mut forward: Vec<bool> = edges.iter().map(|&(a, b)| a < n && b < n && a != b).collect();
    let children = Adjacency::outgoing(n, edges, &forward);
    break_cycles(n, edges, &children, &mut forward);

    let mut indegree = vec![0u32; n];
    for (e, &(_, b)) in edges.iter().enumerate() {
        if forward[e] {
            indegree[b] += 1;
        }
    }
    let is_source: Vec<bool> = indegree.iter().map(|&d| d == 0).collect();
    let mut ranks = vec![0u32; n];
    let mut ready: Vec<usize> = (0..n).filter(|&v| is_source[v]).collect();
    while let Some(v) = ready.pop() {
        for &e in children.of(v) {
            if forward[e] {
                let child = edges[e].1;
                ranks[child] = ranks[child].max(ranks[v] + 1);
                indegree[child] -= 1;
                if indegree[child] == 0 {
                    ready.push(child);
                }
            }
        }
    }
    for v in (0..n).filter(|&v| is_source[v]) {
        let nearest = children.of(v).iter().filter(|&&e| forward[e]).map(|&e| ranks[edges[e].1]).min();
        ranks[v] = nearest.map_or(0, |r| r - 1);
    }
    Ranking { ranks, forward }
}

/// Clears `forward` of the edges that close a cycle.
fn break_cycles(n: usize, edges: &[(usize, usize)], children: &Adjacency, forward: &mut [bool]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        New,
        Open,
        Done,
    }
    let mut visit = vec![Visit::New; n];
    let mut path: Vec<(usize, usize)> = Vec::new();
    for root in 0..n {
        if visit[root] != Visit::New {
            continue;
        }
        visit[root] = Visit::Open;
        path.push((root, 0));
        while let Some((v, next)) = path.last_mut() {
            let Some(&e) = children.of(*v).get(*next) else {
                visit[*v] = Visit::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let child = edges[e].1;
            match visit[child] {
                Visit::New => {
                    visit[child] = Visit::Open;
                    path.push((child, 0));
                }
                Visit::Open => forward[e] = false,
                Visit::Done => {}
            }
        }
    }
}

/// Edge indices by node, in one allocation.
struct Adjacency {
    start: Vec<usize>,
    edges: Vec<usize>,
}

impl Adjacency {
    fn outgoing(n: usize, edges: &[(usize, usize)], valid: &[bool]) -> Self {
        let mut start = vec![0usize; n + 1];
        for (e, &(a, _)) in edges.iter().enumerate() {
            if valid[e] {
                start[a + 1] += 1;
            }
        }
        for v in 0..n {
            start[v + 1] += start[v];
        }
        let mut next = start.clone();
        let mut list = vec![0usize; start[n]];
        for (e, &(a, _)) in edges.iter().enumerate() {
            if valid[e] {
                list[next[a]] = e;
                next[a] += 1;
            }
        }
        Self { start, edges: list }
    }

    fn of(&self, v: usize) -> &[usize] {
        &self.edges[self.start[v]..self.start[v + 1]]
    }
}
