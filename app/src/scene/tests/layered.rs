use super::program::{narrow, shuffle};
use super::*;
use faultline_engine::event::{DependencyInfo, StorageLevel};
use proptest::prelude::*;

fn whole(program: &Program) -> Scene {
    build(&program.model, &Filter::default())
}

/// PageRank: links cached, then per iteration a join, the contributions and their sum.
struct PageRank {
    program: Program,
    links: RddId,
    ranks: RddId,
    iterations: u32,
}

impl PageRank {
    fn new() -> Self {
        let mut program = Program::default();
        let lines = program.rdd("textFile", 0, 4, &[]);
        let pairs = program.rdd("map", 0, 4, &[narrow(lines)]);
        let links = program.rdd("groupByKey", 0, 4, &[shuffle(pairs, 0)]);
        program.change(links, |r| r.info.level = StorageLevel::MEMORY_ONLY);
        let ranks = program.rdd("mapValues", 0, 4, &[narrow(links)]);
        Self { program, links, ranks, iterations: 0 }
    }

    fn iterate(&mut self) {
        self.iterations += 1;
        let n = self.iterations;
        let mut make = |operator: &str, parents: &[DependencyInfo]| {
            let rdd = self.program.rdd(&format!("{operator}#{}", n + 1), 0, 4, parents);
            self.program.change(rdd, |r| r.info.scope = Some(format!("iteration {n}")));
            rdd
        };
        let joined = make("join", &[narrow(self.links), narrow(self.ranks)]);
        let spread = make("flatMap", &[narrow(joined)]);
        let summed = make("reduceByKey", &[shuffle(spread, n)]);
        self.ranks = make("mapValues", &[narrow(summed)]);
    }
}

/// Iterations are the time of a program without batches: they must read from left to right, and a new
/// one must not move what is there.
#[test]
fn iterations_stand_side_by_side_and_stay() {
    let mut rank = PageRank::new();
    let mut cache = SceneCache::default();
    let mut before = cache.get(&rank.program.model, &Filter::default());
    assert!(before.columns.is_empty());
    for _ in 0..5 {
        rank.iterate();
        let after = cache.get(&rank.program.model, &Filter::default());
        assert_nothing_moved(&before, &after);
        assert_no_overlap(&after);
        before = after;
    }
    let titles: Vec<_> = before.columns.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(titles, ["input", "iteration 1", "iteration 2", "iteration 3", "iteration 4", "iteration 5"]);
    for pair in before.columns.windows(2) {
        assert!(pair[0].rect.right() < pair[1].rect.left());
    }
    let node = by_label(&before, "join#4 · flatMap#4, iteration 3, 4 never computed");
    assert_eq!(node.title, "join · flatMap");
    assert!(before.columns[3].rect.contains_rect(node.rect));
    let joins = before.edges.iter().filter(|e| before.nodes[e.to].title.starts_with("join"));
    assert!(joins.clone().all(|e| e.kind == EdgeKind::Thread && e.points.len() >= 2));
    assert_eq!(joins.count(), 10);
}

/// Edges over several bands must not run through their nodes.
#[test]
fn long_edges_pass_above_the_bands() {
    let mut rank = PageRank::new();
    (0..4).for_each(|_| rank.iterate());
    let scene = whole(&rank.program);
    for edge in &scene.edges {
        for pair in edge.points.windows(2) {
            let segment = Rect::from_two_pos(pair[0], pair[1]);
            let hit = scene.nodes.iter().find(|n| n.rect.shrink(1.0).intersects(segment));
            assert_eq!(hit.map(|n| &n.label), None, "{:?}", edge.points);
        }
    }
}

/// Without folding, a chain of maps buries the few nodes that matter; a stored one must stay visible.
#[test]
fn chains_fold_until_something_is_stored() {
    let mut p = Program::default();
    let mut last = p.rdd("parallelize", 0, 12, &[]);
    for operator in ["map", "filter", "map#2", "filter#2", "map#3"] {
        last = p.rdd(operator, 0, 12, &[narrow(last)]);
    }
    let scene = whole(&p);
    assert_eq!(scene.nodes.len(), 1);
    assert_eq!(scene.nodes[0].title, "parallelize · map · filter · map · …");
    assert_eq!(scene.nodes[0].subtitle, "6 RDDs");
    assert!(scene.nodes[0].cells.is_empty());
    p.change(RddId(2), |r| r.info.level = StorageLevel::MEMORY_ONLY);
    let titles: Vec<_> = whole(&p).nodes.into_iter().map(|n| n.title).collect();
    assert_eq!(titles, ["parallelize · map · filter", "map · filter · map"]);
}

/// Recursion over the lineage would overflow the stack here, as Spark's does.
#[test]
fn a_deep_chain_is_one_node() {
    let mut p = Program::default();
    let mut last = p.rdd("parallelize", 0, 1, &[]);
    for i in 1..100_000 {
        last = p.rdd(&format!("map#{i}"), 0, 1, &[narrow(last)]);
    }
    let scene = whole(&p);
    assert_eq!(scene.nodes.len(), 1);
    assert_eq!((scene.nodes[0].rdds.len(), scene.nodes[0].subtitle.as_str()), (100_000, "100\u{202f}000 RDDs"));
    assert_eq!(scene.nodes[0].title, "parallelize · map ×99\u{202f}999");
}

/// Checkpoints cut programs without batches too.
#[test]
fn a_checkpoint_of_an_iteration_cuts() {
    let mut rank = PageRank::new();
    (0..3).for_each(|_| rank.iterate());
    let behind: Vec<RddId> =
        rank.program.model.rdds.keys().copied().filter(|&r| r != rank.ranks && r != rank.links).collect();
    rank.program.checkpoint(rank.ranks, &behind);
    rank.iterate();
    let scene = whole(&rank.program);
    assert_eq!(scene.cuts[0].note, "14 RDDs no longer needed");
    let file = scene.nodes.iter().find(|n| n.kind == NodeKind::CheckpointFile).unwrap();
    assert_eq!(file.label, "checkpoint file of reduceByKey · mapValues, iteration 3, 4 parts");
    let ghost = by_label(&scene, "join#2 · flatMap#2, iteration 1, no longer needed");
    assert_eq!(ghost.look, NodeLook::Ghost);
    assert_no_overlap(&scene);
}

/// A late branch from the middle of what is drawn takes a free place.
#[test]
fn a_branch_that_appears_late_moves_nothing() {
    let mut rank = PageRank::new();
    (0..3).for_each(|_| rank.iterate());
    let mut cache = SceneCache::default();
    let before = cache.get(&rank.program.model, &Filter::default());
    for i in 0..6 {
        rank.program.rdd(&format!("count by {i}"), 0, 8, &[shuffle(rank.links, 50 + i)]);
    }
    let after = cache.get(&rank.program.model, &Filter::default());
    assert_nothing_moved(&before, &after);
    assert_no_overlap(&after);
    assert_eq!(after.nodes.len(), before.nodes.len() + 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Unchanged nodes stay and no two nodes overlap, however a lineage grows.
    #[test]
    fn growth_neither_moves_nor_overlaps(
        steps in prop::collection::vec((prop::collection::vec((0usize..40, any::<bool>()), 0..4), 0u32..12, 0u32..4), 1..40)
    ) {
        let mut p = Program::default();
        let mut cache = SceneCache::default();
        let mut before = cache.get(&p.model, &Filter::default());
        let mut made: Vec<RddId> = Vec::new();
        for (i, (parents, partitions, scope)) in steps.into_iter().enumerate() {
            let parents: Vec<_> = parents
                .into_iter()
                .filter_map(|(at, wide)| {
                    let rdd = *made.get(at)?;
                    Some(if wide { shuffle(rdd, i as u32) } else { narrow(rdd) })
                })
                .collect();
            let rdd = p.rdd(&format!("op{i}"), 0, partitions, &parents);
            p.change(rdd, |r| {
                r.info.level = StorageLevel::MEMORY_ONLY;
                r.info.scope = (scope > 0).then(|| format!("iteration {scope}"));
            });
            made.push(rdd);
            let after = cache.get(&p.model, &Filter::default());
            assert_nothing_moved(&before, &after);
            assert_no_overlap(&after);
            for edge in &after.edges {
                prop_assert!(edge.points.len() >= 2);
            }
            before = after;
        }
    }
}

/// Where work happens must show at the top of its band, and the camera goes there.
#[test]
fn the_running_iteration_says_so() {
    let mut rank = PageRank::new();
    (0..4).for_each(|_| rank.iterate());
    rank.program.partition(rank.ranks, 0, |s| s.computing.extend([TaskId(1)]));
    let scene = whole(&rank.program);
    let notes: Vec<_> = scene.columns.iter().map(|c| c.note.as_str()).collect();
    assert_eq!(notes, ["", "", "", "", "running"]);
    assert_eq!(scene.focus, Some(scene.columns[4].rect));
}
