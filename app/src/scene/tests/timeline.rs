//! The timeline as data, of models folded from small logs.

use crate::model::{Condition, Model, TaskState, judge};
use crate::scene::timeline::*;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use proptest::prelude::*;

/// Writes events at given milliseconds and folds them.
#[derive(Default)]
struct Run {
    model: Model,
    seq: u64,
}

fn at(ms: u64) -> Timestamp {
    VIRTUAL_EPOCH.plus(Millis(ms))
}

impl Run {
    fn new(executors: u32, cores: u32) -> Self {
        let mut run = Self::default();
        for id in 1..=executors {
            run.event(0, Event::ExecutorAdded { executor: ExecutorId(id), cores, replaces: None });
        }
        run
    }

    fn event(&mut self, ms: u64, event: Event) {
        self.model.apply(&Envelope { seq: self.seq, at: at(ms), event });
        self.seq += 1;
    }

    fn start(&mut self, task: &TaskInfo) {
        self.event(task.launched.ns_since(VIRTUAL_EPOCH) / 1_000_000, Event::TaskStart { task: task.clone() });
    }

    fn end(&mut self, task: &TaskInfo, metrics: TaskMetrics) {
        let ms = task.finished.ns_since(VIRTUAL_EPOCH) / 1_000_000;
        self.event(ms, Event::TaskEnd { task: task.clone(), reason: TaskEndReason::Success, metrics });
    }

    /// Tasks that ran, in order of their launch.
    fn ran(&mut self, tasks: &[TaskInfo]) {
        let mut moments: Vec<(Timestamp, bool, &TaskInfo)> = Vec::new();
        for task in tasks {
            moments.push((task.launched, true, task));
            moments.push((task.finished, false, task));
        }
        moments.sort_by_key(|(at, starts, task)| (*at, *starts, task.id));
        for (_, starts, task) in moments {
            if starts {
                self.start(task);
            } else {
                self.end(task, TaskMetrics::default());
            }
        }
    }

    fn batch(&mut self, id: u32, ms: u64) {
        let batch =
            BatchInfo { id: BatchId(id), time: at(ms), records: 1, output_ops: vec![OutputOpId(0)], inputs: [].into() };
        self.event(ms, Event::BatchSubmitted { batch });
        self.event(ms, Event::BatchStarted { batch: BatchId(id) });
    }

    fn everything(&self, width: f32) -> (Axis, Request) {
        let axis = Axis::new(&self.model, Idle::Shown);
        let span = Span { from: -1e6, to: axis.end() + 1e6 };
        (axis, Request { span, width, rows: 0..64 })
    }
}

fn task(id: u64, executor: u32, from_ms: u64, to_ms: u64) -> TaskInfo {
    TaskInfo {
        id: TaskId(id),
        stage: StageAttempt { stage: StageId(0), attempt: 0 },
        index: 0,
        attempt: 0,
        partition: PartitionId(0),
        executor: ExecutorId(executor),
        launched: at(from_ms),
        finished: at(to_ms),
        speculative: false,
        locality: Locality::NoPref,
        kind: TaskKind::ResultTask,
    }
}

fn row(rdd: u32, needed_by: Option<u32>, self_ns: u64) -> ReadRow {
    let (rdd, partition) = (RddId(rdd), PartitionId(0));
    let (tier, cause) = (ReadTier::Computed, None);
    ReadRow { rdd, partition, tier, needed_by, cause, records: 10, bytes: 0, self_ns, fetch_ns: 0 }
}

fn rdd(id: u32, operator: &str, batch: u32) -> Event {
    let rdd = RddInfo {
        id: RddId(id),
        name: None,
        class: "MapPartitionsRDD".into(),
        callsite: String::new(),
        op: OpKey { operator: operator.into(), batch: Some(BatchId(batch)), ordinal: 0 },
        scope: None,
        level: StorageLevel::NONE,
        num_partitions: 2,
        partitioner: None,
        determinism: Determinism::Determinate,
        parents: Vec::new(),
    };
    Event::RddRegistered { rdd }
}

/// Some tasks on two executors; launches grow, lengths vary, zero too.
fn some_tasks() -> impl Strategy<Value = Vec<TaskInfo>> {
    prop::collection::vec((1..=2u32, 0..40u64, 0..90u64), 1..120).prop_map(|drawn| {
        let mut now = 0;
        let mut tasks = Vec::new();
        for (id, (executor, pause, length)) in (0..).zip(drawn) {
            now += pause;
            tasks.push(task(id, executor, now, now + length));
        }
        tasks
    })
}

/// Any rows: askers before or after, times or none, losses or none.
fn some_metrics() -> impl Strategy<Value = TaskMetrics> {
    let cause = prop_oneof![
        Just(None),
        Just(Some(RecomputeCause::NeverPersisted)),
        Just(Some(RecomputeCause::LostWithExecutor(ExecutorId(2)))),
        Just(Some(RecomputeCause::MapOutputLost(ExecutorId(2)))),
    ];
    let tier = prop_oneof![
        Just(ReadTier::LocalMemory),
        Just(ReadTier::Checkpoint),
        Just(ReadTier::Computed),
        Just(ReadTier::Computed)
    ];
    let ns = prop_oneof![Just(0), 1..30_000_000u64, Just(u64::MAX)];
    let row = (1..5u32, prop::option::of(0..9u32), cause.clone(), tier, ns.clone(), 0..2u64).prop_map(
        |(rdd, needed_by, cause, tier, self_ns, fetch_ns)| ReadRow {
            needed_by,
            cause,
            tier,
            fetch_ns,
            ..row(rdd, None, self_ns)
        },
    );
    (prop::collection::vec(row, 0..9), ns, cause).prop_map(|(reads, write_ns, rerun_cause)| TaskMetrics {
        reads,
        write_ns,
        rerun_cause,
        ..TaskMetrics::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Without this two tasks are drawn over each other, or a task not at all.
    #[test]
    fn tasks_of_one_slot_never_overlap(tasks in some_tasks()) {
        let mut run = Run::new(2, 2);
        run.ran(&tasks);
        let mut placed = 0;
        for slots in run.model.slots.executors.values() {
            for slot in &slots.slots {
                let in_slot: Vec<_> = slot.iter().collect();
                placed += in_slot.len();
                for pair in in_slot.windows(2) {
                    prop_assert!(pair[0].finished.is_some_and(|end| end <= pair[1].launched), "{pair:?}");
                }
            }
        }
        prop_assert_eq!(placed, tasks.len());
        let busy: Vec<_> = run.model.slots.busy.iter().copied().collect();
        prop_assert!(busy.windows(2).all(|pair| pair[0].to.is_some_and(|to| to < pair[1].from)), "{busy:?}");
        for task in &tasks {
            let inside = busy.iter().any(|b| b.from <= task.launched && b.to.is_some_and(|to| to >= task.finished));
            prop_assert!(inside, "{task:?} outside of {busy:?}");
        }
    }

    /// Without this a bar has holes, or says that a task did more than it had time for.
    #[test]
    fn segments_fill_the_bar_and_orange_needs_a_loss(metrics in some_metrics(), length in 0..50u64) {
        let mut run = Run::new(1, 1);
        for id in 1..5 {
            run.event(0, rdd(id, &format!("op{id}"), 1));
        }
        let info = task(7, 1, 5, 5 + length);
        run.start(&info);
        run.end(&info, metrics.clone());
        let segments = segments(&run.model, &run.model.tasks[&TaskId(7)]);
        let ends: Vec<u64> = segments.list.iter().map(|s| s.ns.1).collect();
        let starts: Vec<u64> = segments.list.iter().map(|s| s.ns.0).collect();
        if length > 0 {
            prop_assert_eq!(starts.first(), Some(&0));
            prop_assert_eq!(ends.last(), Some(&(length * 1_000_000)));
        }
        prop_assert_eq!(starts.get(1..).unwrap_or_default(), &ends[..ends.len().saturating_sub(1)]);
        let judged = judge(&metrics);
        let lost = judged.iter().filter(|r| r.because_of_loss && r.row.tier == ReadTier::Computed);
        let mut expect: Vec<RddId> = lost.map(|r| r.row.rdd).collect();
        expect.sort();
        expect.dedup();
        let orange = segments.list.iter().filter(|s| s.again && s.doing == Doing::Computed);
        let mut found: Vec<String> = orange.filter_map(|s| Some(s.of.as_ref()?.0.to_string())).collect();
        found.sort();
        found.dedup();
        prop_assert_eq!(found, expect.iter().map(|id| format!("op{id}")).collect::<Vec<_>>());
        let rewritten = metrics.rerun_cause.is_some_and(RecomputeCause::is_loss);
        prop_assert!(rewritten || !segments.list.iter().any(|s| s.again && s.doing == Doing::Written));
    }

    /// Without this a task at the edge of the view vanishes, or one in view is not looked at.
    #[test]
    fn what_is_culled_is_out_of_view(tasks in some_tasks(), left in 0.0..1.0f64, share in 0.01..0.5f64) {
        let mut run = Run::new(2, 2);
        run.ran(&tasks);
        let (axis, all) = run.everything(4_000.0);
        let unculled = timeline(&run.model, &axis, &all, &Lit::default());
        let from = all.span.from + left * all.span.length();
        let span = Span { from, to: from + share * all.span.length() };
        let part = Request { span, width: (f64::from(all.width) * share) as f32, rows: 1..3 };
        let culled = timeline(&run.model, &axis, &part, &Lit::default());
        let edges = (all.x(span.from), all.x(span.to));
        let clear = |x: (f32, f32)| x.0 > edges.0 + 4.0 && x.1 < edges.1 - 4.0;
        let touches = |x: (f32, f32)| x.1 > edges.0 - 4.0 && x.0 < edges.1 + 4.0;
        let shown: Vec<TaskId> = culled.bars.iter().map(|bar| bar.task).collect();
        for bar in unculled.bars.iter().filter(|bar| part.rows.contains(&bar.row)) {
            let found = shown.contains(&bar.task);
            prop_assert!(found || !clear(bar.x), "{bar:?} is in view {edges:?}");
            prop_assert!(!found || touches(bar.x), "{bar:?} is out of view {edges:?}");
        }
        prop_assert!(culled.bars.iter().all(|bar| part.rows.contains(&bar.row)));
        let heaped = |timeline: &Timeline, x: &dyn Fn((f32, f32)) -> bool| -> u32 {
            let heaps = timeline.heaps.iter().filter(|heap| part.rows.contains(&heap.row) && x(heap.x));
            heaps.map(|heap| heap.tasks).sum()
        };
        let total = heaped(&culled, &|_| true);
        prop_assert!(total >= heaped(&unculled, &clear) && total <= heaped(&unculled, &touches));
    }

    /// Without this a click on the timeline finds another task than the one drawn there.
    #[test]
    fn the_axis_goes_both_ways(tasks in some_tasks(), ms in 0..4_000u64) {
        let mut run = Run::new(2, 2);
        run.ran(&tasks);
        for idle in [Idle::Shown, Idle::Skipped] {
            let axis = Axis::new(&run.model, idle);
            let time = at(ms).min(run.model.now).max(tasks[0].launched);
            let back = axis.time(axis.shown(time));
            let off = back.ns_since(time).max(time.ns_since(back));
            prop_assert!(off <= 1_000, "{idle:?}: {time:?} became {back:?}");
            prop_assert!(axis.shown(time) <= axis.shown(time.plus(Millis(1))));
        }
    }
}

/// Without this a minute between two batches squeezes both into a few points.
#[test]
fn long_idle_time_is_cut_short() {
    let mut run = Run::new(1, 1);
    run.ran(&[task(0, 1, 0, 50), task(1, 1, 60_000, 60_050)]);
    let axis = Axis::new(&run.model, Idle::Skipped);
    assert_eq!(axis.cuts(0.0, 1e12).len(), 1);
    assert_eq!(axis.shown(at(60_000)) - axis.shown(at(50)), 100e6);
    assert_eq!(Axis::new(&run.model, Idle::Shown).end(), 60_050e6);
}

/// Without this the bars creep while a batch runs, and nobody can point at one.
#[test]
fn the_view_stands_still_until_the_next_batch() {
    let mut run = Run::new(1, 1);
    run.event(0, Event::StreamingStarted { zero: at(0), interval: Millis(1_000) });
    for id in 1..=6 {
        run.batch(id, u64::from(id) * 1_000);
        run.ran(&[task(u64::from(id), 1, u64::from(id) * 1_000, u64::from(id) * 1_000 + 200)]);
    }
    let span = |run: &Run| Span::newest(&run.model, &Axis::new(&run.model, Idle::Skipped));
    run.batch(7, 7_000);
    let before = span(&run);
    run.start(&task(7, 1, 7_000, 7_000));
    run.event(7_150, Event::UnpersistRdd { rdd: RddId(0) });
    assert_eq!(span(&run), before);
    run.batch(8, 8_000);
    assert!(span(&run).from > before.from);
}

/// Without this arrows jump over tasks, or end at the last task of an executor.
#[test]
fn arrows_reach_every_neighbour() {
    let mut run = Run::new(2, 2);
    run.ran(&[task(0, 1, 0, 10), task(1, 1, 0, 30), task(2, 2, 5, 20), task(3, 1, 12, 15)]);
    let check = |from: u64, step: Step, expect: Option<u64>| {
        assert_eq!(neighbour(&run.model, Some(TaskId(from)), step), expect.map(TaskId), "{from} {step:?}");
    };
    check(0, Step::After, Some(3));
    check(3, Step::Before, Some(0));
    check(3, Step::After, None);
    check(0, Step::Down, Some(1));
    check(1, Step::Down, Some(2));
    check(2, Step::Up, Some(1));
    assert_eq!(neighbour(&run.model, None, Step::After), Some(TaskId(3)));
    assert_eq!(place_of(&run.model, TaskId(2)).map(|(row, _)| row), Some(2));
}

/// Without this a dead executor looks idle, and its last task runs for ever.
#[test]
fn a_lost_executor_ends_its_tasks() {
    let mut run = Run::new(2, 2);
    run.ran(&[task(0, 2, 0, 10)]);
    run.start(&task(1, 2, 10, 10));
    run.event(20, Event::FaultInjected { fault: "kill:executor=2".into(), executor: Some(ExecutorId(2)) });
    run.event(20, Event::ExecutorRemoved { executor: ExecutorId(2), reason: "killed".into() });
    run.ran(&[task(2, 1, 30, 100)]);
    let (axis, request) = run.everything(1_000.0);
    let timeline = timeline(&run.model, &axis, &request, &Lit::default());
    assert_eq!(timeline.lost.len(), 1);
    assert_eq!(timeline.lost[0].rows, 2..4);
    assert_eq!(timeline.lost[0].x, (request.x(axis.shown(at(20))), 1_000.0));
    assert_eq!(timeline.faults.len(), 1);
    let last = timeline.bars.iter().find(|bar| bar.task == TaskId(1)).expect("drawn");
    assert_eq!((last.state, last.x.1), (BarState::Failed, request.x(axis.shown(at(20)))));
}

/// Without this selecting a node lights the tasks that only read it, or none.
#[test]
fn tasks_that_computed_the_selection_are_lit() {
    let mut run = Run::new(1, 2);
    run.event(0, rdd(1, "map", 1));
    run.event(0, rdd(2, "map", 2));
    for (id, tier) in [(0, ReadTier::Computed), (1, ReadTier::LocalMemory)] {
        let info = task(id, 1, id * 50, id * 50 + 40);
        run.start(&info);
        let asked = ReadRow { tier, ..row(1, Some(0), 1) };
        run.end(&info, TaskMetrics { reads: vec![row(2, None, 1), asked], ..TaskMetrics::default() });
    }
    let lit = |rdd: u32| -> Vec<u64> {
        let (axis, request) = run.everything(1_000.0);
        let timeline = timeline(&run.model, &axis, &request, &Lit::rdds(&run.model, &[RddId(rdd)]));
        timeline.bars.iter().filter(|bar| bar.lit).map(|bar| bar.task.0).collect()
    };
    assert_eq!(lit(1), [0]);
    assert_eq!(lit(2), [0, 1]);
    let words = |id: u64| -> String {
        let state: &TaskState = &run.model.tasks[&TaskId(id)];
        task_words(&run.model, state)
    };
    assert_eq!(words(0), "Task 0, executor 1, computed 2 partitions");
    assert_eq!(words(1), "Task 1, executor 1, read from memory 1 partition, computed 1 partition");
}

/// Without this the attempt that nobody needs any more looks like a failure, and its twin like any task.
#[test]
fn a_speculative_attempt_and_its_killed_twin_are_marked() {
    let mut run = Run::new(2, 1);
    let (slow, copy) = (task(0, 1, 0, 40), TaskInfo { speculative: true, attempt: 1, ..task(1, 2, 20, 40) });
    run.start(&slow);
    run.start(&copy);
    run.end(&copy, TaskMetrics::default());
    let reason = TaskEndReason::TaskKilled { reason: "another attempt succeeded".into() };
    run.event(40, Event::TaskEnd { task: slow, reason, metrics: TaskMetrics::default() });
    let (axis, request) = run.everything(1_000.0);
    let timeline = timeline(&run.model, &axis, &request, &Lit::default());
    let seen: Vec<_> = timeline.bars.iter().map(|bar| (bar.state, bar.speculative)).collect();
    assert_eq!(seen, [(BarState::Killed, false), (BarState::Succeeded, true)]);
    let words = |id: u64| task_words(&run.model, &run.model.tasks[&TaskId(id)]);
    assert_eq!(words(0), "Task 0, executor 1, killed");
    assert_eq!(words(1), "Task 1, executor 2, speculative");
}

/// Without this nobody sees from when to when an executor got no tasks, or why it left.
#[test]
fn conditions_are_bands_and_leaving_in_order_is_no_loss() {
    let executor = ExecutorId(2);
    let mut run = Run::new(2, 2);
    run.ran(&[task(0, 2, 0, 10)]);
    let excluded = Event::ExecutorExcluded { executor: ExecutorId(1), task_failures: 2, stage: None };
    run.event(10, excluded);
    run.event(20, Event::DecommissionStarted { executor });
    run.event(30, Event::BlocksMigrated { executor, blocks: Vec::new(), left: Vec::new() });
    run.event(40, Event::ExecutorRemoved { executor, reason: "Finished decommissioning".into() });
    run.ran(&[task(2, 1, 50, 100)]);
    let (axis, request) = run.everything(1_000.0);
    let timeline = timeline(&run.model, &axis, &request, &Lit::default());
    let bands: Vec<_> = timeline.bands.iter().map(|band| (band.executor, band.period.condition, band.x)).collect();
    let x = |ms: u64| request.x(axis.shown(at(ms)));
    let expect =
        [(ExecutorId(1), Condition::Excluded, (x(10), x(100))), (executor, Condition::Decommissioning, (x(20), x(40)))];
    assert_eq!(bands, expect);
    assert!(timeline.lost.iter().all(|lost| lost.in_order) && timeline.lanes.iter().all(|lane| !lane.lost));
}
