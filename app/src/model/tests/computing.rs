use super::*;

const RESULT: TaskKind = TaskKind::ResultTask;

// Without this a running task shows nothing, or paints partitions that are read and not computed.
#[test]
fn a_running_task_computes_its_narrow_closure() {
    let mut log = Log::default();
    log.executors(1..=2);
    log.rdd(rdd_info(0, "textFile", None, &[])).rdd(shuffled(1, "reduceByKey", None, 0, 0));
    log.rdd(rdd_info(2, "map", None, &[1])).rdd(rdd_info(3, "parallelize", None, &[]));
    let mut union = rdd_info(4, "union", None, &[]);
    let range = |rdd, out_start| DependencyInfo {
        rdd: RddId(rdd),
        kind: DependencyKind::Range { in_start: 0, out_start, length: 4 },
    };
    union.parents = vec![range(2, 0), range(3, 4)];
    union.num_partitions = 8;
    log.rdd(union).job(0, None, stage(0, 4, None));
    let (left, right) = (task(1, 0, 1, 1, RESULT), task(2, 0, 6, 1, RESULT));
    log.start(&left).start(&right);
    let computing: Vec<(u32, u32)> =
        (0..5).flat_map(|r| (0..8).map(move |p| (r, p))).filter(|&(r, p)| log.sign(r, p) == Sign::Computing).collect();
    assert_eq!(computing, [(1, 1), (2, 1), (3, 2), (4, 1), (4, 6)]);
    assert_eq!(log.model.executors[&ExecutorId(1)].running.len(), 2);
    log.store(1, 2, 1, 10);
    assert_eq!(log.sign(2, 1), Sign::InMemory, "stored means computed");
    log.end(&left, vec![row(4, 1, ReadTier::Computed, None)]).end(&right, vec![]);
    assert_eq!((log.sign(4, 1), log.sign(1, 1)), (Sign::ComputedNotKept, Sign::NeverComputed), "rows are exact");
    assert_eq!(log.sign(3, 2), Sign::ComputedNotKept, "without rows, what was shown counts");
    assert!(log.model.executors[&ExecutorId(1)].running.is_empty());
    log.start(&task(3, 0, 1, 1, RESULT));
    assert_eq!(log.sign(1, 1), Sign::NeverComputed, "the walk ends at a stored block");
}

// Without this orange means nothing: first-time work must stay neutral, also when it needs what was
// never kept, and work that exists because of a loss must not.
#[test]
fn again_means_because_of_a_loss() {
    let build = |stored: bool| {
        let mut log = Log::default();
        log.executors(1..=2);
        for (id, parents) in [(0, vec![]), (1, vec![0]), (2, vec![1])] {
            log.rdd(rdd_info(id, "map", Some(id), &parents));
        }
        let first = task(1, 0, 0, 2, RESULT);
        log.job(0, None, stage(0, 1, None)).start(&first);
        assert_eq!(log.sign(1, 0), Sign::Computing);
        if stored {
            log.store(2, 1, 0, 10);
        }
        log.end(&first, vec![row(1, 0, ReadTier::Computed, None), row(0, 0, ReadTier::Computed, Some(0))]);
        log.job_end(0).fault(2).gone(2);
        log.job(1, None, stage(1, 2, None)).start(&task(2, 1, 0, 1, RESULT));
        [log.sign(0, 0), log.sign(1, 0), log.sign(2, 0)]
    };
    assert_eq!(build(true), [Sign::ComputingAgain, Sign::ComputingAgain, Sign::Computing]);
    assert_eq!(build(false), [Sign::Computing; 3], "never persisted");
}

// Without this the upstream of a lost partition stays neutral when its own row only says that it was
// never persisted.
#[test]
fn rows_inherit_the_loss_that_needs_them() {
    let mut log = Log::default();
    log.executors(1..=2);
    for (id, parents) in [(0, vec![]), (1, vec![0]), (2, vec![1])] {
        log.rdd(rdd_info(id, "map", Some(id), &parents));
    }
    log.job(0, None, stage(0, 2, None)).fault(2);
    let lost = RecomputeCause::LostWithExecutor(ExecutorId(2));
    let rows = vec![
        row(2, 0, ReadTier::Computed, None),
        again(1, 0, lost, Some(0)),
        again(0, 0, RecomputeCause::NeverPersisted, Some(1)),
    ];
    log.ran(&task(1, 0, 0, 1, RESULT), rows);
    let recomputed = |log: &Log, rdd| log.model.cell(RddId(rdd), PartitionId(0)).recomputed;
    assert_eq!([0, 1, 2].map(|r| recomputed(&log, r)), [true, true, false]);
    assert_eq!(log.model.rdds[&RddId(1)].partitions[0].last_cause, Some(lost));
    assert_eq!(log.model.story.computed_again, 2);
    log.ran(&task(2, 0, 1, 1, RESULT), vec![again(2, 1, RecomputeCause::NeverPersisted, None)]);
    assert!(!recomputed(&log, 2));
    log.fault(1);
    assert_eq!([0, 1, 2].map(|r| recomputed(&log, r)), [false; 3], "the mark lasts until the next fault");
}
