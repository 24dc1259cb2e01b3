use super::*;
use faultline_engine::lineage::to_debug_string;

// Without this the loom cannot find the RDDs of an operator in a batch, or lists the same one twice.
#[test]
fn operators_list_their_rdds_per_batch() {
    let mut log = Log::default();
    for batch in 1..=2 {
        let id = batch * 10;
        log.rdd(rdd_info(id, "map", Some(batch), &[]));
        log.rdd(rdd_info(id + 1, STATE, Some(batch), &[id]));
        log.rdd(nth(1, rdd_info(id + 2, STATE, Some(batch), &[id + 1])));
    }
    log.rdd(rdd_info(10, "map", Some(1), &[])).checkpoint(12, 30, 4, &[]);
    let instances = log.model.operator_instances(&STATE.into()).expect("two batches made it");
    assert_eq!(instances[&Some(BatchId(1))], [RddId(11), RddId(12)].into_iter().collect());
    assert_eq!(instances[&Some(BatchId(2))], [RddId(21), RddId(22)].into_iter().collect());
    assert_eq!(log.model.operators.len(), 2, "the reader of checkpoint files is no operator");
    assert_eq!(log.model.operators[&OperatorName::from("map")][&Some(BatchId(1))].len(), 1);
    assert_eq!(log.model.batch_of(RddId(22)), Some(BatchId(2)));
}

// Without this `toDebugString` in the inspector shows RDDs that a checkpoint cut off.
#[test]
fn the_lineage_graph_ends_at_a_cut() {
    let mut log = Log::default();
    for id in 0..4u32 {
        let parents: Vec<u32> = id.checked_sub(1).into_iter().collect();
        log.rdd(rdd_info(id, "map", None, &parents));
    }
    let ids = |log: &Log| log.model.lineage_graph(RddId(3)).rdds().map(|r| r.id.0).collect::<Vec<_>>();
    assert_eq!(ids(&log), [0, 1, 2, 3]);
    log.checkpoint(2, 9, 4, &[0, 1]).store(1, 2, 0, 480);
    assert_eq!(ids(&log), [2, 3, 9]);
    let graph = log.model.lineage_graph(RddId(3));
    assert_eq!(graph.depth(RddId(3)), 3);
    let text = to_debug_string(&graph, RddId(3), StorageLevel::NONE, |r| log.model.block_summary(r), 100);
    assert!(text.contains("CachedPartitions: 1; MemorySize: 480.0 B"), "{text}");
    assert!(text.contains("ReliableCheckpointRDD[9]"), "{text}");
}

// Without this a released RDD looks as if it could be read.
#[test]
fn released_rdds_say_so() {
    let mut log = Log::default();
    log.rdd(rdd_info(1, "map", None, &[])).event(Event::RddReleased { rdd: RddId(1) });
    assert!(log.model.rdds[&RddId(1)].released);
}

// Without this the inspector's short text of a long lineage begins otherwise than the whole.
#[test]
fn a_part_of_the_lineage_has_the_first_lines_of_the_whole() {
    let mut log = Log::default();
    log.rdd(rdd_info(0, "map", None, &[]));
    // Diamonds: each reads the two before it.
    for id in 1..14u32 {
        log.rdd(rdd_info(id, "union", None, &[id - 1, id.saturating_sub(2)]));
    }
    let model = &log.model;
    let text = |limit: usize| {
        let graph = model.lineage_graph_near(RddId(13), limit + 1);
        to_debug_string(&graph, RddId(13), StorageLevel::NONE, |id| model.block_summary(id), limit)
    };
    let whole = text(100_000);
    for limit in [1, 2, 5, 13, 40] {
        let part = text(limit);
        assert_eq!(part.lines().count(), limit + 1, "{part}");
        assert!(part.lines().take(limit).eq(whole.lines().take(limit)), "{part}");
    }
    assert_eq!(model.lineage_size(RddId(13)), (14, 0));
}
