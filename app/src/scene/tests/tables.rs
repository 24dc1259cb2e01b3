//! Batches, jobs and storage as tables, checked as data.

use super::super::batches::*;
use super::super::charts::{ChartMark, ChartPoint, bars};
use super::super::jobs::JobRows;
use super::super::storage::*;
use super::*;
use crate::model::*;
use faultline_engine::event::*;
use program::Program;

fn change_batch(p: &mut Program, id: u32, change: impl FnOnce(&mut BatchState)) {
    change(Arc::make_mut(p.model.batches.get_mut(&BatchId(id)).unwrap()));
    p.model.revision += 1;
}

/// Four batches: three complete that took 300, 100 and 200 ms, one running.
fn four_batches() -> Program {
    let mut p = Program::word_count();
    p.model.streams.zero = Some(VIRTUAL_EPOCH);
    for (id, ms) in [(1, Some(300)), (2, Some(100)), (3, Some(200)), (4, None)] {
        p.batch(id, true, ms.is_some());
        change_batch(&mut p, id, |b| {
            b.info.time = VIRTUAL_EPOCH.plus(Millis(u64::from(id) * 1_000));
            b.processing_ns = ms.map(|ms: u64| ms * 1_000_000);
            b.scheduling_delay_ns = ms.map(|_| 5_000_000);
        });
    }
    p
}

fn ids(rows: &[BatchRow], order: &[usize]) -> Vec<u32> {
    order.iter().map(|&i| rows[i].id.0).collect()
}

/// Without this a batch that runs is told to have taken 0 ms, or the time column counts from 1970.
#[test]
fn what_is_not_known_is_not_zero() {
    let rows = batch_rows(&four_batches().model);
    assert_eq!(rows[3].processing_ns, None);
    assert_eq!((rows[3].total_ns(), rows[0].total_ns()), (None, Some(305_000_000)));
    assert_eq!(rows[1].time_ms, Some(2_000));
    assert_eq!(rows[3].delay_ns, Some(0), "a batch that has started has waited, whatever comes later");
    assert_eq!(rows[3].chart_point().values[2], None);
}

/// Without this the running batch sinks below the fold, or a sort by time puts unknown times first.
#[test]
fn the_running_batch_is_on_top_and_the_newest_first_among_equals() {
    let mut p = four_batches();
    let rows = batch_rows(&p.model);
    let check = |by, descending, expect: [u32; 4]| {
        assert_eq!(ids(&rows, &order(&rows, by, descending)), expect, "{by:?} {descending}");
    };
    check(BatchColumn::Batch, true, [4, 3, 2, 1]);
    check(BatchColumn::Batch, false, [4, 1, 2, 3]);
    check(BatchColumn::Processing, true, [4, 1, 3, 2]);
    check(BatchColumn::Processing, false, [4, 2, 3, 1]);
    check(BatchColumn::Again, true, [4, 3, 2, 1]);
    change_batch(&mut p, 2, |b| b.processing_ns = None);
    let rows = batch_rows(&p.model);
    assert_eq!(ids(&rows, &order(&rows, BatchColumn::Processing, true)), [4, 1, 3, 2], "unknown is last");
}

/// Without this a failed batch counts as complete.
#[test]
fn a_status_says_how_it_ended() {
    let mut p = four_batches();
    change_batch(&mut p, 2, |b| b.failure = Some("boom".into()));
    p.batch(5, false, false);
    let status: Vec<&str> = batch_rows(&p.model).iter().map(|r| r.status.name()).collect();
    assert_eq!(status, ["complete", "failed", "complete", "running", "waiting"]);
}

fn point(number: u32, value: f64, mark: ChartMark) -> ChartPoint {
    ChartPoint { number, values: [Some(value), None, Some(1.0)], mark }
}

/// Without this 5 000 batches are 15 000 shapes in every frame, or the one slow batch among them, which
/// is what one looks for, is averaged away.
#[test]
fn bars_are_no_more_than_fit_and_keep_the_worst() {
    let points: Vec<ChartPoint> = (1..=5_000)
        .map(|n| match n {
            777 => point(n, 99.0, ChartMark::Failed),
            _ => point(n, 1.0, ChartMark::Plain),
        })
        .collect();
    for most in [2, 8, 100, 333, 4_999, 5_000] {
        let (made, width) = bars(&points, 1..=5_000, most);
        assert!(made.len() <= most, "{} bars of at most {most}", made.len());
        let worst = made.iter().find(|bar| bar.numbers.contains(&777)).unwrap();
        assert_eq!((worst.values[0], worst.values[1], worst.mark), (Some(99.0), None, ChartMark::Failed));
        let covered: u32 = made.iter().map(|bar| bar.numbers.end() - bar.numbers.start() + 1).sum();
        assert_eq!(covered, 5_000, "every batch is in one bar of {width}");
    }
    let (near, width) = bars(&points, 700..=800, 200);
    assert_eq!((near.len(), width), (101, 1), "zoomed in, each has its own");
    assert_eq!(bars(&points, 6_000..=7_000, 200).0, []);
    assert_eq!(bars(&[], 0..=10, 200).0, []);
}

/// Without this all bars jump whenever a batch arrives.
#[test]
fn earlier_bars_stay_when_a_batch_arrives() {
    let points: Vec<ChartPoint> = (1..=1_000).map(|n| point(n, f64::from(n % 7), ChartMark::Plain)).collect();
    let (before, width) = bars(&points[..950], 1..=950, 300);
    let (after, same) = bars(&points[..960], 1..=960, 300);
    assert_eq!(width, same);
    assert_eq!(before[..before.len() - 1], after[..before.len() - 1]);
}

/// Two executors, one operator with two copies, one batch of it on disk.
fn stored() -> (Program, RddId) {
    let mut p = Program::default();
    for id in 1..=3 {
        p.executor(id, id != 2);
    }
    let rdd = p.rdd("state", 1, 6, &[]);
    p.change(rdd, |r| r.info.level = StorageLevel::MEMORY_AND_DISK_2);
    let copy = |memory_bytes, disk_bytes| BlockCopy { memory_bytes, disk_bytes };
    p.partition(rdd, 0, |s| {
        s.copies.insert(ExecutorId(1), copy(10, 0));
        s.copies.insert(ExecutorId(3), copy(0, 20));
    });
    p.partition(rdd, 1, |s| s.copies.extend([(ExecutorId(3), copy(10, 0))]));
    p.partition(rdd, 2, |s| s.lost_with = Some(ExecutorId(2)));
    p.partition(rdd, 3, |s| s.evicted = true);
    (p, rdd)
}

fn signs(row: &RddStorage, place: Place) -> Vec<(u32, Sign)> {
    row.at(place).iter().map(|c| (c.cell.partition.0, c.cell.sign)).collect()
}

/// Without this the table shows the level that was asked for as if it were what is there, or a copy on
/// disk as one in memory, or what died in no column at all.
#[test]
fn the_matrix_shows_facts_by_place() {
    let (mut p, rdd) = stored();
    let table = matrix(&p.model);
    let alive: Vec<(u32, &str)> = table.executors.iter().map(|e| (e.id.0, e.word())).collect();
    assert_eq!(alive, [(1, ""), (2, "lost"), (3, "")]);
    let row = &table.operators[0].rdds[0];
    assert_eq!(signs(row, Place::Executor(0)), [(0, Sign::InMemory)]);
    assert_eq!(signs(row, Place::Executor(1)), [(2, Sign::Lost)]);
    assert_eq!(signs(row, Place::Executor(2)), [(0, Sign::OnDisk), (1, Sign::InMemory)]);
    assert_eq!(signs(row, Place::Checkpoint), []);
    assert_eq!((row.cached, row.partitions, row.under_replicated), (2, 6, 1));
    assert_eq!((row.lost, row.evicted, row.memory_bytes, row.disk_bytes), (1, 1, 20, 20));

    // Computed again and stored elsewhere: the dead executor has nothing left to tell.
    p.partition(rdd, 2, |s| {
        s.lost_with = None;
        s.recomputed = true;
        s.copies.insert(ExecutorId(1), BlockCopy { memory_bytes: 10, disk_bytes: 0 });
    });
    let table = matrix(&p.model);
    assert_eq!(table.executors.iter().map(|e| e.id.0).collect::<Vec<_>>(), [1, 3]);
    let cell = table.operators[0].rdds[0].at(Place::Executor(0))[1].cell;
    assert!(cell.recomputed && cell.sign == Sign::InMemory);
}

/// Without this one cannot see on which executor the lost partition is being made again.
#[test]
fn what_is_computed_again_stands_where_it_runs() {
    let (mut p, rdd) = stored();
    let task = TaskInfo {
        id: TaskId(7),
        stage: StageAttempt { stage: StageId(0), attempt: 0 },
        index: 0,
        attempt: 0,
        partition: PartitionId(2),
        executor: ExecutorId(3),
        launched: VIRTUAL_EPOCH,
        finished: VIRTUAL_EPOCH,
        speculative: false,
        locality: Locality::NoPref,
        kind: TaskKind::ResultTask,
    };
    p.model.tasks.insert(task.id, Arc::new(TaskState { info: task, end: None, metrics: Arc::default() }));
    p.partition(rdd, 2, |s| {
        s.computing.insert(TaskId(7));
        s.computing_again = true;
    });
    let table = matrix(&p.model);
    let row = &table.operators[0].rdds[0];
    assert_eq!(signs(row, Place::Executor(1)), [(2, Sign::Lost)]);
    assert!(signs(row, Place::Executor(2)).contains(&(2, Sign::ComputingAgain)));
}

/// Without this the column of the reliable store is empty, or says nothing while a checkpoint is marked.
#[test]
fn the_checkpoint_column_says_how_far_it_is() {
    let (mut p, rdd) = stored();
    p.change(rdd, |r| r.checkpoint_marked = true);
    assert_eq!(matrix(&p.model).operators[0].rdds[0].checkpoint, CheckpointFact::Marked);
    p.checkpoint(rdd, &[]);
    p.partition(rdd, 4, |s| s.read_back = true);
    let table = matrix(&p.model);
    let row = table.operators.iter().flat_map(|o| &o.rdds).find(|r| r.rdd == rdd).unwrap();
    assert_eq!(row.checkpoint, CheckpointFact::Written);
    let counts = cell_counts(row.at(Place::Checkpoint));
    assert_eq!(counts, [(Sign::ReadBack, 1), (Sign::CheckpointPart, 5)]);
    assert!(row.at(Place::Executor(0))[0].cell.checkpointed);
}

/// Without this unpersisted batches of hours fill the table, newest last.
#[test]
fn only_what_keeps_data_has_a_row_and_the_newest_is_on_top() {
    let (mut p, rdds) = Program::word_count_batches(4);
    p.executor(1, true);
    for batch in &rdds {
        p.keep_in_memory(batch[5], 0..6);
    }
    p.change(rdds[0][5], |r| {
        r.released = true;
        r.partitions.iter_mut().for_each(|s| s.copies.clear());
    });
    let table = matrix(&p.model);
    let names: Vec<&str> = table.operators.iter().map(|o| o.operator.as_str()).collect();
    assert_eq!(names, ["updateStateByKey"]);
    let batches: Vec<u32> = table.operators[0].rdds.iter().map(|r| r.batch.unwrap().0).collect();
    assert_eq!(batches, [4, 3, 2]);
    assert_eq!(table.operators[0].counts(Place::Executor(0)), [(Sign::InMemory, 18)]);
    assert_eq!(table.operators[0].level(), StorageLevel::MEMORY_ONLY_SER);
}

/// Without this lost map outputs are counted as there, or removed shuffles never leave the table.
#[test]
fn map_outputs_by_executor() {
    let mut p = Program::default();
    p.executor(1, true);
    p.executor(2, false);
    let rdd = p.rdd("map", 1, 4, &[]);
    let there = MapOutput { executor: Some(ExecutorId(1)), lost_with: None, written: 1, rewritten: false };
    let lost = MapOutput { executor: None, lost_with: Some(ExecutorId(2)), written: 1, rewritten: false };
    let again = MapOutput { rewritten: true, written: 2, ..there };
    p.shuffle_outputs(0, rdd, &[there]);
    p.shuffle_outputs(1, rdd, &[there, lost, again, MapOutput::default()]);
    Arc::make_mut(p.model.shuffles.get_mut(&ShuffleId(0)).unwrap()).removed = true;
    let table = map_outputs(&p.model);
    assert_eq!((table.rows.len(), table.hidden), (1, 0));
    let row = &table.rows[0];
    assert_eq!((row.expected, row.present, row.rewritten, row.lost), (4, 2, 1, 1));
    let ticks = |column: usize| row.cells[column].iter().map(|(map, tick)| (map.0, *tick)).collect::<Vec<_>>();
    assert_eq!(ticks(0), [(0, Tick::Present), (2, Tick::Rewritten)]);
    assert_eq!(ticks(1), [(1, Tick::Lost)]);
}

/// Without this nobody can tell from which directory recovery reads.
#[test]
fn the_newest_checkpoint_of_each_operator_is_marked() {
    let mut p = Program::default();
    let made = [("state", 5), ("state", 10), ("other", 6)].map(|(name, batch)| p.rdd(name, batch, 2, &[]));
    for (i, rdd) in (0u64..).zip(made) {
        p.checkpoint(rdd, &[]);
        Arc::make_mut(p.model.checkpoints.get_mut(&rdd).unwrap()).at = VIRTUAL_EPOCH.plus(Millis(i));
    }
    p.model.application.started = Some(VIRTUAL_EPOCH);
    let rows = stored_checkpoints(&p.model);
    let told: Vec<(RddId, bool, u64)> = rows.iter().map(|r| (r.state.rdd, r.newest, r.at_ns)).collect();
    assert_eq!(told, [(made[2], true, 2_000_000), (made[1], true, 1_000_000), (made[0], false, 0)]);
    assert_eq!((rows[0].bytes, rows[0].records, rows[0].directory()), (2, 2, format!("rdd-{}", made[2]).as_str()));
}

fn job(p: &mut Program, id: u32, stages: &[u32], started: u64, ended: Option<u64>) {
    let at = |ms: u64| VIRTUAL_EPOCH.plus(Millis(ms));
    let origin = JobOrigin {
        callsite: "collect at page_rank.rs:40".into(),
        batch: None,
        batch_time_ms: None,
        output_op: None,
        checkpoint_of: None,
        pool: None,
    };
    let state = JobState {
        id: JobId(id),
        origin,
        stages: stages.iter().copied().map(StageId).collect(),
        started: at(started),
        ended: ended.map(at),
        result: ended.map(|_| JobResult::Succeeded),
    };
    p.model.jobs.insert(state.id, Arc::new(state));
}

fn attempt(p: &mut Program, stage: u32, submitted: u64, tasks: u32) {
    let info = StageInfo {
        id: StageAttempt { stage: StageId(stage), attempt: 0 },
        name: String::new(),
        rdd: RddId(1),
        shuffle: None,
        num_tasks: tasks,
        parents: Vec::new(),
        rdds: vec![RddId(1)],
    };
    let fresh = || Arc::new(StageState { info: info.clone(), attempts: Vec::new() });
    let state = Arc::make_mut(p.model.stages.entry(StageId(stage)).or_insert_with(fresh));
    state.attempts.push(StageAttemptState {
        info,
        submitted: VIRTUAL_EPOCH.plus(Millis(submitted)),
        completed: None,
        outcome: None,
        finished_tasks: 0,
    });
}

/// Without this a job counts the tasks of an earlier job with which it shares a stage, and skipped
/// stages, which are the point, look as if they had run.
#[test]
fn a_job_counts_what_ran_while_it_ran() {
    let mut p = Program::default();
    attempt(&mut p, 0, 1, 6);
    attempt(&mut p, 1, 2, 4);
    attempt(&mut p, 2, 11, 4);
    job(&mut p, 0, &[0, 1], 0, Some(5));
    job(&mut p, 1, &[0, 2], 10, None);
    let mut rows = JobRows::default();
    let made = rows.update(&p.model);
    let told = |i: usize, made: &[super::super::jobs::JobRow]| (made[i].stages, made[i].skipped, made[i].tasks);
    assert_eq!(told(0, &made), (2, 0, 10));
    assert_eq!((told(1, &made).2, made[1].duration_ns), (4, None));
    job(&mut p, 1, &[0, 2], 10, Some(20));
    let made = rows.update(&p.model);
    assert_eq!(told(1, &made), (2, 1, 4), "stage 0 was there already");
    assert_eq!(made[1].duration_ns, Some(10_000_000));
}
