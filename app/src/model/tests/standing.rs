use super::*;
use faultline_engine::command::Command;

fn standing(log: &Log) -> &Standing {
    &log.model.executors[&ExecutorId(2)].standing
}

fn applied(log: &mut Log, command: Command) {
    log.event(Event::CommandApplied { command, before_input: 0 });
}

// Without this an executor that leaves looks like one that works, and then like one that was lost.
#[test]
fn a_decommissioned_executor_hands_on_and_leaves_without_a_fault() {
    let executor = ExecutorId(2);
    let mut log = Log::default();
    log.executors(1..=2).rdd(RddInfo { level: StorageLevel::MEMORY_ONLY, ..rdd_info(1, "map", None, &[]) });
    log.store(2, 1, 0, 100).store(2, 1, 1, 100);
    log.event(Event::DecommissionStarted { executor });
    assert!(standing(&log).is(Condition::Decommissioning));
    assert_eq!(standing(&log).leaving, Some(Leaving::default()));
    assert_eq!(log.model.story.headline, "Executor 2 is being decommissioned.");
    let moved =
        |partition: u32| MigratedBlock { block: BlockId::new(RddId(1), PartitionId(partition)), to: ExecutorId(1) };
    log.store(1, 1, 0, 100).store(1, 1, 1, 100);
    log.event(Event::BlocksMigrated { executor, blocks: vec![moved(0), moved(1)], left: Vec::new() });
    log.gone(2);
    assert!(log.model.left_in_order(executor));
    assert_eq!(standing(&log).leaving, Some(Leaving { blocks_moved: 2, outputs_moved: 0, left: Some(0) }));
    assert!(!standing(&log).is(Condition::Decommissioning));
    let story = &log.model.story;
    assert_eq!(
        (story.headline.as_str(), story.detail.as_str()),
        ("Executor 2 has left.", "2 stored partitions moved to others; nothing was lost.")
    );
    assert_eq!(log.model.executors[&executor].lost_blocks, 0);
}

// Without this the sentence says that nothing was lost when a block found no room elsewhere.
#[test]
fn what_nobody_had_room_for_is_lost() {
    let executor = ExecutorId(2);
    let mut log = Log::default();
    log.executors(1..=2).rdd(RddInfo { level: StorageLevel::MEMORY_ONLY, ..rdd_info(1, "map", None, &[]) });
    log.store(2, 1, 0, 100).event(Event::DecommissionStarted { executor });
    let left = vec![BlockId::new(RddId(1), PartitionId(0))];
    log.event(Event::BlocksMigrated { executor, blocks: Vec::new(), left }).gone(2);
    assert!(!log.model.left_in_order(executor));
    assert!(log.model.story.is_recovering());
    assert_eq!(log.model.story.lost_partitions, 1);
}

// Without this an executor stays paused or slow for ever on screen, or its tasks stop for no visible reason.
#[test]
fn conditions_begin_and_end() {
    let executor = ExecutorId(2);
    let stage = StageAttempt { stage: StageId(7), attempt: 0 };
    let mut log = Log::default();
    log.executors(1..=2);
    let excluded = |stage| Event::ExecutorExcluded { executor, task_failures: 2, stage };
    applied(&mut log, Command::PauseExecutor { executor });
    applied(&mut log, Command::SlowExecutor { executor, factor: 4.0 });
    log.event(excluded(Some(stage))).event(excluded(None));
    let now: Vec<Condition> = standing(&log).conditions().collect();
    assert_eq!(now, [Condition::Paused, Condition::Excluded, Condition::ExcludedFromStage, Condition::Slow]);
    assert_eq!(standing(&log).slow_factor, Some(4.0));
    applied(&mut log, Command::ResumeExecutor { executor });
    applied(&mut log, Command::SlowExecutor { executor, factor: 1.0 });
    log.event(Event::StageCompleted { stage, outcome: StageOutcome::Succeeded });
    assert_eq!(standing(&log).conditions().collect::<Vec<_>>(), [Condition::Excluded]);
    log.event(Event::ExecutorUnexcluded { executor });
    assert_eq!(standing(&log).conditions().count(), 0);
    assert_eq!((standing(&log).periods.len(), standing(&log).slow_factor), (4, None));
    applied(&mut log, Command::PauseExecutor { executor });
    log.gone(2);
    assert!(standing(&log).periods.iter().all(|period| period.to.is_some()), "the dead are in no condition");
}
