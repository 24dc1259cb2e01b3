//! The chain "why" on models built by hand: what no run of the demo shows.

use super::super::why::{Focus, MAX_FOLDED, MAX_STEPS, Served, Why, most_interesting, why};
use super::program::{Program, narrow, shuffle};
use crate::model::*;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

fn task_info(id: u64, stage: u32, partition: u32, executor: u32) -> TaskInfo {
    TaskInfo {
        id: TaskId(id),
        stage: StageAttempt { stage: StageId(stage), attempt: 0 },
        index: partition,
        attempt: 0,
        partition: PartitionId(partition),
        executor: ExecutorId(executor),
        launched: VIRTUAL_EPOCH,
        finished: VIRTUAL_EPOCH,
        speculative: false,
        locality: Locality::NoPref,
        kind: TaskKind::ResultTask,
    }
}

fn ended(p: &mut Program, info: TaskInfo, end: TaskEndReason, reads: Vec<ReadRow>) {
    let metrics = Arc::new(TaskMetrics { reads, ..TaskMetrics::default() });
    p.model.tasks.insert(info.id, Arc::new(TaskState { info, end: Some(end), metrics }));
}

fn computed(rdd: RddId, needed_by: Option<u32>, cause: Option<RecomputeCause>) -> ReadRow {
    let (tier, partition) = (ReadTier::Computed, PartitionId(0));
    ReadRow { rdd, partition, tier, needed_by, cause, records: 7, bytes: 0, self_ns: 0, fetch_ns: 0 }
}

fn of(rdd: RddId) -> Focus {
    Focus::Partition(BlockId::new(rdd, PartitionId(0)))
}

fn says(why: &Why, words: &str) {
    assert!(why.steps.iter().any(|s| s.words == words), "{words:?} is not in\n{}", why.text());
}

/// Without this one long lineage stops the window, or overflows its stack.
#[test]
fn a_hundred_thousand_narrow_steps_fold_into_one() {
    let mut p = Program::default();
    let mut last = p.rdd("source", 0, 1, &[]);
    let mut rows = Vec::new();
    let deep = 100_000;
    for _ in 0..deep {
        last = p.rdd("map", 0, 1, &[narrow(last)]);
    }
    for back in 0..=deep {
        rows.push(computed(RddId(last.0 - back), back.checked_sub(1), None));
    }
    ended(&mut p, task_info(1, 0, 0, 1), TaskEndReason::Success, rows);
    p.partition(last, 0, |s| (s.computed, s.last_task) = (1, Some(TaskId(1))));
    let recorded = why(&p.model, of(last));
    assert!(recorded.steps.len() < 8, "{}", recorded.text());
    assert!(recorded.steps[0].folded.len() <= MAX_FOLDED + 1);
    let more = recorded.steps[0].folded.last().map(|s| s.words.clone()).unwrap_or_default();
    assert!(more.contains("more narrow steps"), "{more}");

    p.partition(last, 0, |s| s.computing = [TaskId(2)].into());
    let running = why(&p.model, of(last));
    assert_eq!(running.question, "Why is partition 0 computed now?");
    says(&running, "and more partitions than are followed");
}

/// Without this the first attempts of a task are forgotten, and with them why there was a second.
#[test]
fn earlier_attempts_of_a_task_are_told_with_their_end() {
    let mut p = Program::default();
    let rdd = p.rdd("map", 0, 2, &[]);
    let lost =
        TaskEndReason::ExecutorLostFailure { executor: ExecutorId(2), reason: "137".into(), caused_by_app: true };
    let (shuffle, reduce) = (ShuffleId(0), PartitionId(0));
    let fetch = TaskEndReason::FetchFailed {
        executor: Some(ExecutorId(3)),
        shuffle,
        map: Some(PartitionId(1)),
        reduce,
        message: String::new(),
    };
    ended(&mut p, task_info(1, 0, 0, 2), lost, Vec::new());
    ended(&mut p, task_info(2, 0, 1, 1), TaskEndReason::Success, Vec::new());
    ended(&mut p, task_info(3, 0, 0, 3), fetch, Vec::new());
    ended(&mut p, task_info(4, 0, 0, 1), TaskEndReason::Success, vec![computed(rdd, None, None)]);
    let chain = why(&p.model, Focus::Task(TaskId(4)));
    let earlier: Vec<_> = chain.steps.iter().filter_map(|s| Some((s.link?, s.words.as_str()))).collect();
    let expected = [
        (Focus::Task(TaskId(1)), "task 1 died with executor 2"),
        (Focus::Task(TaskId(3)), "task 3 could not fetch a map output from executor 3"),
    ];
    assert!(expected.iter().all(|e| earlier.contains(e)), "{}", chain.text());
    assert!(!chain.text().contains("task 2"), "another partition's task is no attempt of this one");
}

/// Without this evicted, dropped and unpersisted blocks are all told as lost with an executor.
#[test]
fn each_way_to_leave_has_its_words() {
    let check = |removal: Option<BlockRemoval>, expected: &str| {
        let mut p = Program::default();
        let kept = p.rdd("map", 0, 1, &[]);
        let last = p.rdd("filter", 0, 1, &[narrow(kept)]);
        p.change(kept, |r| r.info.level = StorageLevel::MEMORY_ONLY);
        p.partition(kept, 0, |s| {
            s.computed = 2;
            s.left = Some(Left { executor: ExecutorId(2), removal, at: VIRTUAL_EPOCH });
        });
        let rows = vec![computed(last, None, None), computed(kept, Some(0), Some(RecomputeCause::Evicted))];
        ended(&mut p, task_info(1, 0, 0, 1), TaskEndReason::Success, rows);
        p.partition(last, 0, |s| (s.computed, s.last_task) = (1, Some(TaskId(1))));
        says(&why(&p.model, of(last)), expected);
    };
    check(None, "in memory? lost with executor 2");
    check(Some(BlockRemoval::Dropped), "in memory? dropped on executor 2");
    check(Some(BlockRemoval::Unreadable), "in memory? unreadable on executor 2");
    check(Some(BlockRemoval::Evicted), "in memory? evicted from executor 2");
    check(Some(BlockRemoval::Unpersisted), "in memory? unpersisted");
}

/// Without this a fact of later explains what a task read: the copy left after it had ended.
#[test]
fn what_happened_after_a_task_does_not_explain_it() {
    let mut p = Program::default();
    let kept = p.rdd("map", 0, 1, &[]);
    p.change(kept, |r| r.info.level = StorageLevel::MEMORY_ONLY);
    let later = VIRTUAL_EPOCH.plus(Millis(5));
    p.partition(kept, 0, |s| {
        (s.computed, s.last_task) = (2, Some(TaskId(1)));
        s.left = Some(Left { executor: ExecutorId(3), removal: None, at: later });
    });
    let cause = RecomputeCause::LostWithExecutor(ExecutorId(2));
    ended(&mut p, task_info(1, 0, 0, 1), TaskEndReason::Success, vec![computed(kept, None, Some(cause))]);
    says(&why(&p.model, of(kept)), "in memory? lost with executor 2");
}

/// Without this map outputs that are lost while nobody has begun to write them again go unsaid.
#[test]
fn lost_map_outputs_are_told_before_their_tasks_run() {
    let mut p = Program::default();
    let maps = p.rdd("map", 0, 2, &[]);
    let reduced = p.rdd("reduceByKey", 0, 1, &[shuffle(maps, 4)]);
    let there = MapOutput { executor: Some(ExecutorId(1)), lost_with: None, written: 1, rewritten: false };
    let lost = MapOutput { executor: None, lost_with: Some(ExecutorId(2)), ..there };
    p.shuffle_outputs(4, maps, &[there, lost]);
    p.partition(reduced, 0, |s| s.computing = [TaskId(9)].into());
    let chain = why(&p.model, of(reduced));
    says(&chain, "1 map output of map lost with executor 2");
    assert_eq!(chain.served, Some(Served::Lineage));
}

/// Without this a click on anything may panic or answer with nothing.
#[test]
fn there_is_an_answer_for_everything() {
    let (mut p, rdds) = Program::word_count_batches(4);
    p.keep_in_memory(rdds[2][5], 0..3);
    p.partition(rdds[2][5], 3, |s| (s.computed, s.lost_with) = (1, Some(ExecutorId(2))));
    p.checkpoint(rdds[1][5], &rdds[0]);
    let known: Vec<Focus> = p.model.rdds.keys().map(|id| of(*id)).collect();
    for focus in known {
        let chain = why(&p.model, focus);
        assert!(!chain.question.is_empty() && !chain.steps.is_empty(), "{focus:?}: {chain:?}");
        assert!(chain.steps.len() <= MAX_STEPS);
    }
    assert_eq!(why(&p.model, of(RddId(9_999))).question, "RDD 9999 is no longer kept");
    assert_eq!(why(&p.model, Focus::Task(TaskId(7))).question, "Task 7 is no longer kept");
    assert_eq!(most_interesting(&p.model.rdds[&rdds[2][5]]), Some(PartitionId(3)));
    assert_eq!(most_interesting(&p.model.rdds[&rdds[3][5]]), None);
}
