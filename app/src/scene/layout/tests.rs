use super::*;
use emath::Rect;
use proptest::prelude::*;

fn rects(sizes: &[(f32, f32)], layout: &Layered) -> Vec<Rect> {
    sizes.iter().zip(&layout.positions).map(|(&s, &p)| Rect::from_min_size(p, s.into())).collect()
}

/// Sizes and edges.
type Graph = (Vec<(f32, f32)>, Vec<(usize, usize)>);

/// A random graph of up to 60 nodes; edges go from lower to higher indices.
fn dag() -> impl Strategy<Value = Graph> {
    (1usize..60).prop_flat_map(|n| {
        let sizes = prop::collection::vec((8u16..240, 8u16..90).prop_map(|(w, h)| (f32::from(w), f32::from(h))), n);
        let edges = prop::collection::vec((0..n, 0..n), 0..120)
            .prop_map(|e| e.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect());
        (sizes, edges)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Data flows down: an edge that goes up, or boxes that overlap, make a lineage unreadable.
    #[test]
    fn acyclic_edges_go_forward_and_nodes_do_not_overlap((sizes, edges) in dag()) {
        let layout = layered(&sizes, &edges, &Options::default());
        let rects = rects(&sizes, &layout);
        for (&(a, b), points) in edges.iter().zip(&layout.polylines) {
            prop_assert!(rects[a].bottom() <= rects[b].top());
            prop_assert!(points.windows(2).all(|w| w[0].y <= w[1].y), "{points:?}");
            prop_assert_eq!(points[0], rects[a].center_bottom());
            prop_assert_eq!(*points.last().unwrap(), rects[b].center_top());
        }
        for (i, a) in rects.iter().enumerate() {
            for b in &rects[..i] {
                prop_assert!(!a.expand(2.0).intersects(*b), "{a:?} {b:?}");
            }
        }
    }

    /// The same graph must always look the same, and any graph must give a layout.
    #[test]
    fn any_graph_is_placed_the_same_way_twice(
        n in 0usize..40, edges in prop::collection::vec((0usize..45, 0usize..45), 0..100)
    ) {
        let sizes = vec![(160.0, 60.0); n];
        let layout = layered(&sizes, &edges, &Options::default());
        prop_assert_eq!(&layout, &layered(&sizes, &edges, &Options::default()));
        prop_assert_eq!(layout.polylines.len(), edges.len());
        let rects = rects(&sizes, &layout);
        for (i, a) in rects.iter().enumerate() {
            for b in &rects[..i] {
                prop_assert!(!a.intersects(*b));
            }
        }
    }

    /// Long edges run beside the nodes they pass, not under them.
    #[test]
    fn long_edges_pass_between_nodes((sizes, edges) in dag()) {
        let layout = layered(&sizes, &edges, &Options::default());
        let rects = rects(&sizes, &layout);
        for points in &layout.polylines {
            for upright in points.windows(2).filter(|w| w[0].x == w[1].x && points.len() > 2) {
                let segment = Rect::from_two_pos(upright[0], upright[1]);
                prop_assert!(!rects.iter().any(|r| r.shrink(1.0).intersects(segment)), "{upright:?}");
            }
        }
    }
}

/// Crossing reduction that does nothing would leave this ladder fully crossed.
#[test]
fn crossings_of_a_reversed_ladder_vanish() {
    let edges: Vec<(usize, usize)> = (0..6).map(|i| (i, 11 - i)).collect();
    let layout = layered(&[(160.0, 60.0); 12], &edges, &Options::default());
    let mut ends: Vec<_> = edges.iter().map(|&(a, b)| (layout.positions[a].x, layout.positions[b].x)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(ends.windows(2).all(|w| w[0].1 < w[1].1), "{ends:?}");
}

/// A shuffle needs room for its fan; a narrow edge must not waste it.
#[test]
fn only_fans_widen_the_gap() {
    let options = Options { fans: vec![1], ..Options::default() };
    let layout = layered(&[(160.0, 60.0); 3], &[(0, 1), (1, 2)], &options);
    let tops: Vec<f32> = layout.positions.iter().map(|p| p.y).collect();
    assert_eq!(tops, [0.0, 96.0, 240.0]);
}

/// Deep and wide graphs must neither overflow the stack nor take for ever, in a debug build either.
#[test]
fn extreme_shapes_are_placed() {
    let n = 20_000;
    let chain: Vec<_> = (1..n).map(|i| (i - 1, i)).collect();
    let star: Vec<_> = (1..n).map(|i| (0, i)).collect();
    let ring: Vec<_> = (0..n).map(|i| (i, (i + 1) % n)).collect();
    for edges in [chain, star, ring] {
        let layout = layered(&vec![(160.0, 60.0); n], &edges, &Options::default());
        assert_eq!(layout.positions.len(), n);
    }
}
