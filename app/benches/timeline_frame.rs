//! One frame of the timeline in a headless egui, tessellated, against painting one rectangle per task.

#[path = "../../engine/benches/rounds/mod.rs"]
mod rounds;

use egui::{Context, Event as Input, Pos2, RawInput, Rect, Ui, Vec2};
use faultline::command::{CommandSender, Focus};
use faultline::model::{Model, Shown, Timeline};
use faultline::scene::Scene;
use faultline::theme::{Theme, Tokens, fonts};
use faultline::ui::timeline_panel::{TimelineState, timeline_ui};
use faultline::ui::{TimeCtx, ViewCtx};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use rounds::{contest, entry, scaled};
use std::sync::Arc;
use std::time::Instant;

const TASKS: [usize; 2] = [1_000, 100_000];
const ROUNDS: usize = 31;
const PANEL: Vec2 = Vec2::new(1000.0, 220.0);
const EXECUTORS: u64 = 3;
const CORES: u64 = 2;
const ROWS_PER_TASK: u32 = 6;

fn task(id: u64) -> TaskInfo {
    let lane = id % (EXECUTORS * CORES);
    let launched = VIRTUAL_EPOCH.plus_ns(id / (EXECUTORS * CORES) * 50_000_000);
    TaskInfo {
        id: TaskId(id),
        stage: StageAttempt { stage: StageId(0), attempt: 0 },
        index: 0,
        attempt: 0,
        partition: PartitionId(lane as u32),
        executor: ExecutorId((lane / CORES) as u32 + 1),
        launched,
        finished: launched.plus_ns(20_000_000 + id % 7 * 4_000_000),
        speculative: false,
        locality: Locality::NoPref,
        kind: TaskKind::ResultTask,
    }
}

fn metrics(id: u64) -> TaskMetrics {
    let lost = id.is_multiple_of(9).then_some(RecomputeCause::LostWithExecutor(ExecutorId(2)));
    let row = |i: u32| ReadRow {
        rdd: RddId(i),
        partition: PartitionId(0),
        tier: ReadTier::Computed,
        needed_by: i.checked_sub(1),
        cause: lost,
        records: 100,
        bytes: 0,
        self_ns: 3_000_000,
        fetch_ns: 0,
    };
    TaskMetrics { reads: (0..ROWS_PER_TASK).map(row).collect(), ..TaskMetrics::default() }
}

/// A run of so many tasks, and how long folding it took.
fn run(tasks: usize) -> Model {
    let mut model = Model::default();
    let mut seq = 0;
    let mut apply = |at: Timestamp, event: Event| {
        model.apply(&Envelope { seq, at, event });
        seq += 1;
    };
    for id in 1..=EXECUTORS as u32 {
        apply(VIRTUAL_EPOCH, Event::ExecutorAdded { executor: ExecutorId(id), cores: CORES as u32, replaces: None });
    }
    let events: Vec<(TaskInfo, TaskMetrics)> = (0..tasks as u64).map(|id| (task(id), metrics(id))).collect();
    let started = Instant::now();
    for wave in events.chunks((EXECUTORS * CORES) as usize) {
        for (task, _) in wave {
            apply(task.launched, Event::TaskStart { task: task.clone() });
        }
        for (task, metrics) in wave {
            let (reason, metrics) = (TaskEndReason::Success, metrics.clone());
            apply(task.finished, Event::TaskEnd { task: task.clone(), reason, metrics });
        }
    }
    println!("  {tasks} tasks fold in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    model
}

/// A window without a screen.
#[derive(Default)]
struct Headless {
    ctx: Context,
    frames: u32,
}

impl Headless {
    /// Runs and tessellates a frame; returns the number of vertices.
    fn frame(&mut self, events: Vec<Input>, run: impl FnMut(&mut Ui)) -> u64 {
        self.frames += 1;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, PANEL));
        let time = Some(f64::from(self.frames) / 60.0);
        let output = self.ctx.run_ui(RawInput { screen_rect, time, events, ..RawInput::default() }, run);
        let primitives = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let vertices = |p: &egui::ClippedPrimitive| match &p.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len() as u64,
            egui::epaint::Primitive::Callback(_) => 0,
        };
        primitives.iter().map(vertices).sum()
    }
}

/// Our timeline, with everything in view.
struct Ours<'a> {
    window: Headless,
    model: &'a Model,
    timeline: Timeline,
    scene: Arc<Scene>,
    send: CommandSender,
    state: TimelineState,
    focus: Option<Focus>,
}

impl<'a> Ours<'a> {
    fn new(model: &'a Model) -> Self {
        let window = Headless::default();
        let mut this = Self {
            window,
            model,
            timeline: Timeline::new(),
            scene: Arc::default(),
            send: CommandSender::default(),
            state: TimelineState::default(),
            focus: None,
        };
        let started = Instant::now();
        for _ in 0..3 {
            this.frame();
        }
        println!("  first three frames {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
        this
    }

    fn frame(&mut self) -> u64 {
        let race = faultline::race::RaceState::default();
        let ctx = ViewCtx {
            race: &race,
            model: self.model,
            scene: &self.scene,
            selection: None,
            focus: self.focus,
            now: self.model.now,
            controllable: true,
            time: TimeCtx { timeline: &self.timeline, shown: Shown::Live, running: true },
            send: &self.send,
        };
        let state = &mut self.state;
        let vertices = self.window.frame(Vec::new(), |ui| {
            Theme::default().apply(ui.ctx());
            if fonts::are_bound(ui.ctx()) {
                timeline_ui(ui, &ctx, state);
            } else {
                ui.ctx().request_discard("the fonts are in force from the next pass on");
            }
        });
        drop(self.send.drain());
        vertices
    }

    /// A frame in which the selection changed, so that no shape can be used again.
    fn changed_frame(&mut self) -> u64 {
        let builds = self.state.builds();
        self.focus = if self.focus.is_none() { Some(Focus::Task(TaskId(3))) } else { None };
        let vertices = self.frame();
        assert!(self.state.builds() > builds);
        vertices
    }
}

/// One rectangle per task.
fn rectangles(window: &mut Headless, model: &Model) -> u64 {
    let fill = Tokens::of(&window.ctx).first_time;
    let end = model.now.ns_since(VIRTUAL_EPOCH) as f32;
    window.frame(Vec::new(), |ui| {
        let painter = ui.painter();
        for task in model.tasks.values() {
            let x = |at: Timestamp| at.ns_since(VIRTUAL_EPOCH) as f32 / end * PANEL.x;
            let top = task.info.partition.0 as f32 * 22.0;
            let rect =
                Rect::from_min_max(Pos2::new(x(task.info.launched), top), Pos2::new(x(task.info.finished), top + 16.0));
            painter.rect_filled(rect, 3.0, fill);
        }
    })
}

fn main() {
    for full in TASKS {
        let model = run(scaled(full, 30));
        let mut changed = Ours::new(&model);
        let mut resting = Ours::new(&model);
        let mut plain = Headless::default();
        contest(
            &format!("a frame of {} tasks, all in view", model.tasks.len()),
            ROUNDS,
            vec![
                entry("timeline, something changed", || changed.changed_frame()),
                entry("timeline, nothing changed", || resting.frame()),
                entry("one rectangle per task", || rectangles(&mut plain, &model)),
            ],
        );
    }
}
