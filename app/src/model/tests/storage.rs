use super::*;

fn with_one_rdd() -> Log {
    let mut log = Log::default();
    log.executors(1..=3).rdd(rdd_info(1, "map", None, &[]));
    log
}

// Without this an executor card shows bytes that do not add up with the cells.
#[test]
fn copies_and_sums_follow_each_block() {
    let mut log = with_one_rdd();
    log.store(1, 1, 0, 100).store(2, 1, 0, 100).store(1, 1, 1, 50);
    log.event(block(1, 1, 1, StorageLevel::MEMORY_AND_DISK, 0, 40, None));
    let one = &log.model.executors[&ExecutorId(1)];
    assert_eq!((one.memory_bytes, one.disk_bytes, one.blocks.len()), (100, 40, 2));
    assert_eq!(log.model.cell(RddId(1), PartitionId(0)).copies, 2);
    assert_eq!(log.sign(1, 1), Sign::OnDisk);
    let summary = log.model.block_summary(RddId(1));
    assert_eq!((summary.cached_partitions, summary.memory_bytes, summary.disk_bytes), (2, 200, 40));
    assert_eq!(
        log.model.executor_holdings(ExecutorId(1)),
        [
            (RddId(1), PartitionId(0), BlockCopy { memory_bytes: 100, disk_bytes: 0 }),
            (RddId(1), PartitionId(1), BlockCopy { memory_bytes: 0, disk_bytes: 40 }),
        ]
    );
    assert_eq!((log.model.upkeep.cached_bytes, log.model.upkeep.cached_bytes_peak), (240, 250));
}

// Without this "lost", "evicted" and "unpersisted" look alike, and a second copy does not help.
#[test]
fn the_last_copy_remembers_why_it_left() {
    let mut log = with_one_rdd();
    for partition in 0..4 {
        log.store(1, 1, partition, 10);
    }
    log.store(2, 1, 3, 10);
    log.remove(1, 1, 0, BlockRemoval::Evicted).remove(1, 1, 1, BlockRemoval::Dropped);
    log.remove(1, 1, 2, BlockRemoval::Unpersisted).remove(1, 1, 3, BlockRemoval::Dropped);
    let signs: Vec<_> = (0..4).map(|p| log.sign(1, p)).collect();
    assert_eq!(signs, [Sign::Evicted, Sign::Lost, Sign::NeverComputed, Sign::InMemory]);
    log.store(3, 1, 0, 10).store(3, 1, 1, 10);
    assert_eq!((log.sign(1, 0), log.sign(1, 1)), (Sign::InMemory, Sign::InMemory));
}

// Without this an executor's death leaves ghosts of its blocks, or counts replicated ones as lost.
#[test]
fn a_dead_executor_takes_its_copies_along() {
    let mut log = with_one_rdd();
    log.store(2, 1, 0, 10).store(2, 1, 1, 10).store(3, 1, 1, 10).gone(2);
    let two = &log.model.executors[&ExecutorId(2)];
    assert_eq!((two.alive, two.lost_blocks, two.memory_bytes, two.blocks.len()), (false, 1, 0, 0));
    assert_eq!((log.sign(1, 0), log.sign(1, 1)), (Sign::Lost, Sign::InMemory));
    assert_eq!(log.model.rdds[&RddId(1)].partitions[0].lost_with, Some(ExecutorId(2)));
}

// Without this an unpersisted RDD stays green, and its bytes stay on the executors.
#[test]
fn unpersist_forgets_every_copy_without_a_loss() {
    let mut log = with_one_rdd();
    log.event(Event::PersistChanged { rdd: RddId(1), level: StorageLevel::MEMORY_ONLY_2 });
    assert_eq!(log.model.rdds[&RddId(1)].info.level, StorageLevel::MEMORY_ONLY_2);
    log.store(1, 1, 0, 10).store(2, 1, 0, 10).event(Event::UnpersistRdd { rdd: RddId(1) });
    assert_eq!(log.sign(1, 0), Sign::NeverComputed);
    assert_eq!(log.model.upkeep.cached_bytes, 0);
    assert_eq!(log.model.executors[&ExecutorId(1)].memory_bytes, 0);
    assert_eq!(log.model.rdds[&RddId(1)].info.level, StorageLevel::NONE);
}

// Without this a stored partition without records looks as if it had been removed.
#[test]
fn an_empty_partition_can_be_stored() {
    let mut log = with_one_rdd();
    log.store(1, 1, 0, 0);
    assert_eq!(log.sign(1, 0), Sign::InMemory);
}

/// Without this nobody can say later why a task did not find the block: it is stored again by then.
#[test]
fn how_the_last_copy_left_is_remembered_after_it_is_stored_again() {
    let left = |log: &Log| log.model.rdds[&RddId(1)].partition(PartitionId(0)).and_then(|p| p.left);
    let mut log = Log::default();
    log.executors([1, 2]).rdd(rdd_info(1, "map", None, &[])).store(1, 1, 0, 8).store(2, 1, 0, 8);
    log.remove(2, 1, 0, BlockRemoval::Evicted);
    assert_eq!(left(&log), None, "another copy is there");
    log.gone(1);
    let at = log.model.now;
    assert_eq!(left(&log), Some(Left { executor: ExecutorId(1), removal: None, at }));
    log.store(2, 1, 0, 8);
    assert_eq!(left(&log).map(|l| l.at), Some(at));
    log.remove(2, 1, 0, BlockRemoval::Evicted);
    assert_eq!(left(&log).map(|l| (l.executor, l.removal)), Some((ExecutorId(2), Some(BlockRemoval::Evicted))));
}
