use super::*;

// Without this the cells of the whole window show the wrong thing: each row of the table sets facts
// and names the sign that must win over the ones below it.
#[test]
fn the_best_fact_wins() {
    type Facts = fn(&mut RddState);
    let table: [(&str, Facts, Sign); 12] = [
        ("nothing", |_| {}, Sign::NeverComputed),
        ("computed", |r| r.partitions[0].computed = 1, Sign::ComputedNotKept),
        ("checkpointed", |r| r.checkpoint_path = Some("rdd-1".into()), Sign::CheckpointPart),
        ("a reader of files", |r| r.info.class = CHECKPOINT_RDD_CLASS.into(), Sign::CheckpointPart),
        ("evicted", |r| r.partitions[0].evicted = true, Sign::Evicted),
        ("lost", |r| r.partitions[0].lost_with = Some(ExecutorId(2)), Sign::Lost),
        (
            "lost but checkpointed",
            |r| {
                r.partitions[0].lost_with = Some(ExecutorId(2));
                r.checkpoint_path = Some("rdd-1".into());
            },
            Sign::CheckpointPart,
        ),
        (
            "read back, lost before",
            |r| {
                r.partitions[0].lost_with = Some(ExecutorId(2));
                r.partitions[0].read_back = true;
            },
            Sign::ReadBack,
        ),
        (
            "on disk, read back",
            |r| {
                r.partitions[0].read_back = true;
                r.partitions[0].copies.insert(ExecutorId(1), BlockCopy { memory_bytes: 0, disk_bytes: 5 });
            },
            Sign::ReadBack,
        ),
        (
            "in memory here, on disk there",
            |r| {
                r.partitions[0].copies.insert(ExecutorId(1), BlockCopy { memory_bytes: 0, disk_bytes: 5 });
                r.partitions[0].copies.insert(ExecutorId(2), BlockCopy { memory_bytes: 5, disk_bytes: 0 });
            },
            Sign::InMemory,
        ),
        (
            "computing, in memory",
            |r| {
                r.partitions[0].copies.insert(ExecutorId(2), BlockCopy { memory_bytes: 5, disk_bytes: 0 });
                r.partitions[0].computing.insert(TaskId(1));
            },
            Sign::Computing,
        ),
        (
            "computing again",
            |r| {
                r.partitions[0].computing.insert(TaskId(1));
                r.partitions[0].computing_again = true;
            },
            Sign::ComputingAgain,
        ),
    ];
    for (name, set, sign) in table {
        let mut rdd = RddState::new(rdd_info(1, "map", None, &[]));
        set(&mut rdd);
        assert_eq!(rdd.cell(PartitionId(0)).sign, sign, "{name}");
    }
}

// Without this the corners and dots of a cell lie, or a cell of an unknown RDD takes the window down.
#[test]
fn corners_tell_the_rest() {
    let mut rdd = RddState::new(rdd_info(1, "map", None, &[]));
    rdd.checkpoint_path = Some("rdd-1".into());
    rdd.partitions[1].recomputed = true;
    for executor in 1..=2 {
        rdd.partitions[1].copies.insert(ExecutorId(executor), BlockCopy { memory_bytes: 5, disk_bytes: 0 });
    }
    let expect =
        Cell { partition: PartitionId(1), sign: Sign::InMemory, copies: 2, checkpointed: true, recomputed: true };
    assert_eq!(rdd.cell(PartitionId(1)), expect);
    assert_eq!(rdd.cell(PartitionId(99)).sign, Sign::NeverComputed);
    assert_eq!(Model::default().cell(RddId(7), PartitionId(0)).sign, Sign::NeverComputed);
}
