use super::program::{narrow, shuffle};
use super::*;
use crate::model::MapOutput;
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::Millis;

fn all(program: &Program) -> Scene {
    build(&program.model, &Filter::default())
}

fn titles(scene: &Scene, batch: u32) -> Vec<&str> {
    let mut nodes: Vec<&Node> =
        scene.nodes.iter().filter(|n| n.batch == Some(BatchId(batch)) && n.kind == NodeKind::Operator).collect();
    nodes.sort_by(|a, b| a.rect.top().total_cmp(&b.rect.top()));
    nodes.iter().map(|n| n.title.as_str()).collect()
}

/// Without folding by the template alone, rows would appear and vanish while a batch is built.
#[test]
fn rows_fold_what_stores_nothing() {
    let (program, _) = Program::word_count_batches(2);
    let scene = all(&program);
    assert_eq!(titles(&scene, 1), ["textFileStream", "flatMap · map", "updateStateByKey"]);
    assert_eq!(titles(&scene, 2), titles(&scene, 1));
    let state = by_label(&scene, "updateStateByKey, batch 2, 6 never computed");
    assert_eq!((state.rdds.len(), state.cells.len()), (3, 6));
    assert_eq!(state.rect.size(), emath::vec2(160.0, 56.0));
}

/// A stored or shared operator must keep a node of its own: its cells are what a user looks for.
#[test]
fn what_is_stored_or_shared_does_not_fold() {
    let mut p = Program::default();
    let input = p.stream("socketTextStream", &[], |_| {});
    let kept = p.stream("map", &[input], |s| s.level = StorageLevel::MEMORY_ONLY);
    let shared = p.stream("filter", &[kept], |_| {});
    let left = p.stream("map#2", &[shared], |_| {});
    let right = p.stream("map#3", &[shared], |_| {});
    let counts = p.stream("reduceByKey", &[left], |s| s.shuffles = true);
    let named = p.stream("map#4", &[counts], |_| {});
    p.output(named);
    p.output(right);
    p.batch(1, true, false);
    let mut last = None;
    for operator in ["socketTextStream", "map", "filter", "map#2", "map#3", "reduceByKey", "map#4"] {
        let parents: Vec<_> = last.map(narrow).into_iter().collect();
        last = Some(p.rdd(operator, 1, 2, &parents));
    }
    let expect = ["socketTextStream", "map", "filter", "map#2", "reduceByKey · map#4", "map#3"];
    assert_eq!(titles(&all(&p), 1), expect);
}

/// The loom's promise: a new batch appends a column and moves nothing.
#[test]
fn appending_a_batch_moves_nothing() {
    let (mut program, mut rdds) = Program::word_count_batches(7);
    for batch in 8..12 {
        let before = all(&program);
        let state = rdds.last().unwrap()[5];
        if batch == 10 {
            let released: Vec<_> = rdds.iter().flatten().copied().filter(|&r| r != state).collect();
            program.checkpoint(state, &released);
        }
        rdds.push(program.word_count_batch(batch, 6, Some(state)));
        let after = all(&program);
        assert_nothing_moved(&before, &after);
        assert_no_overlap(&after);
        for (a, b) in before.columns.iter().zip(&after.columns) {
            assert_eq!(a.rect, b.rect);
        }
    }
}

/// Later batches of a file source have other partition counts; they must not push columns apart.
#[test]
fn a_wider_batch_shows_counts_instead_of_moving_columns() {
    let (mut program, _) = Program::word_count_batches(1);
    let before = all(&program);
    program.word_count_batch(2, 8, None);
    program.word_count_batch(3, 40, None);
    let after = all(&program);
    assert_nothing_moved(&before, &after);
    for label in ["textFileStream, batch 2, 8 never computed", "textFileStream, batch 3, 40 never computed"] {
        assert!(by_label(&after, label).cells.is_empty());
    }
}

/// Labels are what screen readers and window tests find nodes by.
#[test]
fn labels_count_signs_in_alphabet_order() {
    let (mut p, rdds) = Program::word_count_batches(2);
    let state = rdds[1][5];
    p.keep_in_memory(state, 0..4);
    for partition in 4..6 {
        p.partition(state, partition, |s| {
            s.computing.insert(TaskId(partition as u64));
            s.computing_again = true;
        });
    }
    p.partition(rdds[1][0], 0, |s| s.computed = 1);
    p.partition(rdds[1][0], 1, |s| s.lost_with = Some(ExecutorId(2)));
    let scene = all(&p);
    let node = by_label(&scene, "updateStateByKey, batch 2, 2 computing again, 4 in memory");
    assert_eq!(node.look, NodeLook::Running);
    assert_eq!(node.cells[4].sign, Sign::ComputingAgain);
    by_label(&scene, "textFileStream, batch 2, 4 never computed, 1 computed, not kept, 1 lost");
}

/// Ticks are the third kind of stored data; a wrong one hides why a parent stage reopens.
#[test]
fn fans_have_one_tick_per_map_output() {
    let (mut p, rdds) = Program::word_count_batches(1);
    let present = MapOutput { executor: Some(ExecutorId(1)), written: 1, ..MapOutput::default() };
    let outputs = [
        present,
        MapOutput { rewritten: true, ..present },
        MapOutput { executor: None, lost_with: Some(ExecutorId(2)), ..present },
    ];
    p.shuffle_outputs(1, rdds[0][2], &outputs);
    let scene = all(&p);
    let fan = between(&scene, ("flatMap · map", 1), ("updateStateByKey", 1));
    use Tick::*;
    assert_eq!(fan.kind, EdgeKind::Fan(vec![Present, Rewritten, Lost, Absent, Absent, Absent]));
    assert_eq!(between(&scene, ("textFileStream", 1), ("flatMap · map", 1)).kind, EdgeKind::Narrow);
    let (above, below) = (scene.nodes[fan.from].rect, scene.nodes[fan.to].rect);
    assert_eq!(scene.shuffle_lines.len(), 1);
    assert!(above.bottom() < scene.shuffle_lines[0] && scene.shuffle_lines[0] < below.top());
}

/// The cut is the point of a checkpoint: one new parent, everything behind it a ghost, and counted.
#[test]
fn a_checkpoint_cuts() {
    let (mut p, rdds) = Program::word_count_batches(5);
    let state = rdds[4][5];
    let released: Vec<_> = rdds.iter().flatten().copied().filter(|&r| r != state).collect();
    p.checkpoint(state, &released);
    let next = p.word_count_batch(6, 6, Some(state));
    p.model.story.path.extend([state, next[5]]);
    p.partition(state, 2, |s| s.read_back = true);
    let scene = all(&p);
    assert_eq!(scene.cuts.len(), 1);
    assert_eq!(scene.cuts[0].note, "29 RDDs no longer needed");
    let file = by_label(&scene, "checkpoint file of updateStateByKey, batch 5, 6 parts");
    assert_eq!((file.kind, file.subtitle.as_str()), (NodeKind::CheckpointFile, "rdd-29 · 6 parts"));
    let edge = between(&scene, ("checkpoint file", 5), ("updateStateByKey", 5));
    assert_eq!((&edge.kind, edge.ghost, edge.on_path), (&EdgeKind::FromCheckpoint, false, true));
    let node = &scene.nodes[edge.to];
    assert!(scene.cuts[0].around.contains_rect(node.rect) && node.rect.bottom() < file.rect.top());
    assert_eq!(node.look, NodeLook::Plain);
    assert_eq!(by_label(&scene, "flatMap · map, batch 5, no longer needed").look, NodeLook::Ghost);
    assert!(between(&scene, ("updateStateByKey", 4), ("updateStateByKey", 5)).ghost);
    let thread = between(&scene, ("updateStateByKey", 5), ("updateStateByKey", 6));
    assert_eq!((&thread.kind, thread.ghost, thread.on_path), (&EdgeKind::Thread, false, true));
    assert!(!between(&scene, ("flatMap · map", 6), ("updateStateByKey", 6)).on_path);
    assert_no_overlap(&scene);
}

/// One released RDD is "1 RDD".
#[test]
fn the_note_of_a_cut_counts_in_words() {
    for (released, expect) in [(1, "1 RDD no longer needed"), (2, "2 RDDs no longer needed")] {
        let (mut p, rdds) = Program::word_count_batches(1);
        p.checkpoint(rdds[0][5], &rdds[0][..released]);
        assert_eq!(all(&p).cuts[0].note, expect);
    }
}

/// A cut that a later cut made pointless is not where recovery ends.
#[test]
fn only_the_live_checkpoint_has_a_cut() {
    let (mut p, rdds) = Program::word_count_batches(2);
    p.checkpoint(rdds[0][5], &rdds[0][..5]);
    p.checkpoint(rdds[1][5], &rdds[0]);
    let scene = all(&p);
    let files: Vec<_> = scene.nodes.iter().filter(|n| n.kind == NodeKind::CheckpointFile).map(|n| n.look).collect();
    assert_eq!(files, [NodeLook::Ghost, NodeLook::Plain]);
    assert_eq!(scene.cuts.len(), 1);
}

/// A window reads several earlier batches; its threads must not run through the nodes between.
#[test]
fn windows_reach_back() {
    let mut p = Program::default();
    let input = p.stream("queueStream", &[], |_| {});
    let pairs = p.stream("map", &[input], |s| s.level = StorageLevel::MEMORY_ONLY_SER);
    let window = p.stream("window", &[pairs], |s| s.window = Some(Millis(4000)));
    let counts = p.stream("reduceByKey", &[window], |s| s.shuffles = true);
    p.output(counts);
    let mut kept: Vec<RddId> = Vec::new();
    for batch in 1..=6u32 {
        p.batch(batch, true, true);
        let source = p.rdd("queueStream", batch, 2, &[]);
        kept.push(p.rdd("map", batch, 2, &[narrow(source)]));
        let parents: Vec<_> = kept.iter().rev().take(4).copied().map(narrow).collect();
        let window = p.rdd("window", batch, 2, &parents);
        p.rdd("reduceByKey", batch, 2, &[shuffle(window, batch)]);
    }
    let scene = all(&p);
    assert_eq!(between(&scene, ("map", 6), ("window", 6)).kind, EdgeKind::Narrow);
    for batch in 3..6 {
        let thread = between(&scene, ("map", batch), ("window", 6));
        assert_eq!(thread.kind, EdgeKind::Thread);
        for pair in thread.points.windows(2) {
            let segment = Rect::from_two_pos(pair[0], pair[1]);
            let hit = scene.nodes.iter().find(|n| n.rect.shrink(1.0).intersects(segment));
            assert_eq!(hit.map(|n| &n.label), None, "{pair:?}");
        }
    }
    assert!(!scene.edges.iter().any(|e| e.to == e.from));
}

/// Two threads on one lane would look like one, and nobody could tell which batch a window reads.
#[test]
fn threads_of_different_batches_never_share_a_lane() {
    for (reduces, reach) in [(false, 3), (true, 4)] {
        let mut p = Program::default();
        let input = p.stream("queueStream", &[], |_| {});
        let pairs =
            p.stream("reduceByKey", &[input], |s| (s.shuffles, s.level) = (true, StorageLevel::MEMORY_ONLY_SER));
        let window = p.stream("window", &[pairs], |s| (s.window, s.stateful) = (Some(Millis(4000)), reduces));
        p.output(window);
        let mut kept: Vec<RddId> = Vec::new();
        for batch in 1..=9u32 {
            p.batch(batch, true, true);
            let source = p.rdd("queueStream", batch, 2, &[]);
            kept.push(p.rdd("reduceByKey", batch, 2, &[shuffle(source, batch)]));
            let parents: Vec<_> = kept.iter().rev().take(reach + 1).copied().map(narrow).collect();
            p.rdd("window", batch, 2, &parents);
        }
        let scene = all(&p);
        let below = |e: &&Edge| e.kind == EdgeKind::Thread && scene.nodes[e.from].title == "reduceByKey";
        let level: Vec<(usize, f32, f32, f32)> = scene
            .edges
            .iter()
            .filter(below)
            .flat_map(|e| e.points.windows(2).map(move |w| (e.from, w[0].y, w[0].x, w[1].x)))
            .filter(|(from, y, a, b)| a != b && *y > scene.nodes[*from].rect.bottom())
            .collect();
        assert!(level.len() > 12, "{level:?}");
        for (i, &(from, y, left, right)) in level.iter().enumerate() {
            for &(other, y2, left2, right2) in &level[..i] {
                let meet = y == y2 && left.max(left2) <= right.min(right2);
                assert!(from == other || !meet, "{from} and {other} meet at {y}");
            }
        }
        let rows = |title: &str| scene.nodes.iter().find(|n| n.title == title).unwrap().rect;
        assert!(level.iter().all(|&(_, y, ..)| y < rows("window").top()), "lanes lie between the rows");
    }
}

/// The camera follows the running column; a filter must not move it or the bounds.
#[test]
fn a_filter_limits_the_work_and_nothing_else() {
    let (mut p, _) = Program::word_count_batches(9);
    p.batch(10, false, false);
    let whole = all(&p);
    let part = build(&p.model, &Filter::batches(BatchId(4)..=BatchId(6)));
    let batches = |s: &Scene| s.columns.iter().map(|c| c.batch.unwrap().0).collect::<Vec<_>>();
    assert_eq!(batches(&whole), (1..=10).collect::<Vec<_>>());
    assert_eq!(batches(&part), [4, 5, 6]);
    assert_eq!(part.nodes.len(), 9);
    assert_nothing_moved(&part, &whole);
    assert_eq!((part.bounds, part.focus), (whole.bounds, whole.focus));
    let notes: Vec<_> = whole.columns[7..].iter().map(|c| (c.title.as_str(), c.note.as_str())).collect();
    assert_eq!(notes, [("batch 8", ""), ("batch 9", "running"), ("batch 10", "waiting")]);
    let focus = whole.focus.unwrap();
    assert!(focus.contains_rect(whole.columns[6].rect) && focus.contains_rect(whole.columns[9].rect));
    assert!(!focus.intersects(whole.columns[5].rect));
    let seen = visible_batches(&p.model, whole.columns[3].rect.center().x, whole.columns[5].rect.center().x);
    assert_eq!(seen, BatchId(4)..=BatchId(6));
}

/// A join's rows keep each chain together, so that few edges pass by other rows.
#[test]
fn rows_keep_chains_together() {
    let mut p = Program::default();
    let clicks = p.stream("clicks", &[], |_| {});
    let views = p.stream("views", &[], |_| {});
    let a = p.stream("map", &[clicks], |_| {});
    let b = p.stream("map#2", &[views], |_| {});
    let join = p.stream("join", &[a, b], |s| s.shuffles = true);
    p.output(join);
    p.batch(1, true, false);
    let c = p.rdd("clicks", 1, 2, &[]);
    let v = p.rdd("views", 1, 2, &[]);
    let a = p.rdd("map", 1, 2, &[narrow(c)]);
    let b = p.rdd("map#2", 1, 2, &[narrow(v)]);
    p.rdd("join", 1, 2, &[shuffle(a, 0), shuffle(b, 1)]);
    let scene = all(&p);
    assert_eq!(titles(&scene, 1), ["clicks", "map", "views", "map#2", "join"]);
    let long = between(&scene, ("map", 1), ("join", 1));
    let passed = &scene.nodes.iter().find(|n| n.title == "views").unwrap().rect;
    assert!(!long.points.windows(2).any(|w| Rect::from_two_pos(w[0], w[1]).intersects(*passed)));
}

/// RDDs made inside `transform` and those outside any batch must not vanish from the picture.
#[test]
fn operators_outside_the_template_get_rows_below() {
    let (mut p, rdds) = Program::word_count_batches(2);
    let table = p.rdd("parallelize", 0, 2, &[]);
    p.rdd("sortBy", 2, 2, &[shuffle(rdds[1][5], 90), narrow(table)]);
    let scene = all(&p);
    assert_eq!(titles(&scene, 2).last(), Some(&"sortBy"));
    assert_eq!(scene.columns[0].title, "every batch");
    assert_eq!(between(&scene, ("parallelize", 0), ("sortBy", 2)).kind, EdgeKind::Thread);
    assert_no_overlap(&scene);
}

/// A long run must stay drawable, whole and without overlaps; `benches/lineage_frame.rs` measures what it costs.
#[test]
fn a_hundred_batches_are_drawn() {
    let (program, _) = Program::word_count_batches(100);
    let scene = all(&program);
    assert_eq!(scene.nodes.len(), 300);
    assert_no_overlap(&scene);
}
