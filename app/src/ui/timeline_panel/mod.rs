//! The timeline: when tasks ran on the slots of executors, and what each of them did.
//!
//! What is drawn comes from `scene::timeline` and is kept, with its shapes, until the model, the view
//! or the selection changes.

mod bands;
mod bar_shape;
mod driver_lane;
mod footer;
mod keys;
mod legend;
mod names;
mod pointer;
mod scenery;
mod stripes;
mod tooltip;

pub(in crate::ui) use scenery::clock;

use crate::command::Focus;
use crate::model::Model;
use crate::scene::NodeKey;
use crate::scene::timeline::{Axis, Idle, Lit, Mode, Request, Span, Timeline, lanes, place_of, timeline};
use crate::theme::{STEP, Theme, Tokens, text};
use crate::ui::ViewCtx;
use egui::{Id, Rect, Response, Sense, Shape, Ui, vec2};
use faultline_engine::ids::*;

/// Width of the names of executors.
const GUTTER: f32 = 92.0;
/// Height of the names of batches.
const HEADER: f32 = 20.0;
/// Height of the lane of the driver, above the names of batches.
const LANE: f32 = 23.0;
/// Height of the controls.
const FOOTER: f32 = 28.0;
/// Distance of two rows: at most and at least.
const PITCH: (f32, f32) = (22.0, 12.0);
/// Room between two rows, at the largest distance.
const GAP: f32 = 6.0;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct TimelineState {
    mode: Mode,
    /// What the user chose; else streams skip idle time.
    idle: Option<Idle>,
    /// How far the rows are scrolled.
    scroll: f32,
    /// The task that the keys stand on.
    cursor: Option<TaskId>,
    /// The selection that was revealed last.
    revealed: Option<Focus>,
    /// The RDDs of the selected node; the scene no longer has them when the node is out of view.
    selected: Option<(NodeKey, Vec<RddId>)>,
    application: (String, u64),
    painted: Option<Painted>,
    builds: u64,
}

impl TimelineState {
    /// How often shapes were made: a view left alone does not count on.
    pub const fn builds(&self) -> u64 {
        self.builds
    }

    /// What was drawn last.
    pub fn drawn(&self) -> Option<&Timeline> {
        self.painted.as_ref().map(|painted| &painted.timeline)
    }

    const fn idle(&self, model: &Model) -> Idle {
        match self.idle {
            Some(idle) => idle,
            None if model.streams.zero.is_some() => Idle::Skipped,
            None => Idle::Shown,
        }
    }
}

/// What the shapes depend on.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    revision: u64,
    now: Timestamp,
    request: Request,
    idle: Idle,
    plot: Plot,
    theme: Theme,
    lit: Lit,
    pixels_per_point: f32,
}

/// Where things are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plot {
    /// The rows.
    rect: Rect,
    pitch: f32,
    scroll: f32,
}

#[derive(Debug)]
struct Painted {
    key: Key,
    timeline: Timeline,
    shapes: Vec<Shape>,
}

impl Plot {
    fn new(rect: Rect, rows: usize, scroll: f32) -> Self {
        let pitch = (rect.height() / rows.max(1) as f32).clamp(PITCH.1, PITCH.0);
        let scroll = scroll.clamp(0.0, (rows as f32 * pitch - rect.height()).max(0.0));
        Self { rect, pitch, scroll }
    }

    /// From the top of one row to the bottom of another, without the room around them.
    fn rows(&self, rows: std::ops::Range<usize>, x: (f32, f32)) -> Rect {
        let top = self.rect.top() - self.scroll;
        let gap = GAP * self.pitch / PITCH.0;
        let y = (top + rows.start as f32 * self.pitch + gap / 2.0, top + rows.end as f32 * self.pitch - gap / 2.0);
        Rect::from_x_y_ranges(self.rect.left() + x.0..=self.rect.left() + x.1, y.0..=y.1)
    }

    fn row(&self, row: usize, x: (f32, f32)) -> Rect {
        self.rows(row..row + 1, x)
    }

    /// The rows in view.
    fn visible(&self, rows: usize) -> std::ops::Range<usize> {
        let first = (self.scroll / self.pitch) as usize;
        let last = ((self.scroll + self.rect.height()) / self.pitch).ceil() as usize;
        first.min(rows)..last.min(rows)
    }
}

/// Fills the panel.
pub fn timeline_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState) {
    let t = Tokens::of(ui.ctx());
    forget_other_application(ctx.model, state);
    if ctx.model.slots.busy.is_empty() {
        ui.label(text::rich("Tasks appear here with the first job", text::regular(text::SMALL), t.text_faint));
        return;
    }
    let all = ui.available_rect_before_wrap();
    if all.width() < GUTTER + 40.0 || all.height() < LANE + HEADER + FOOTER + PITCH.1 {
        return;
    }
    ui.advance_cursor_after_rect(all);
    let rect = Rect::from_min_max(all.min + vec2(GUTTER, LANE + HEADER), all.max - vec2(0.0, FOOTER));
    let rows = lanes(ctx.model).last().map_or(0, |lane| lane.rows.end);
    let axis = Axis::new(ctx.model, state.idle(ctx.model));
    let id = ui.id().with("timeline");
    let response = ui.interact(rect, id, Sense::click_and_drag());
    pointer::move_view(ui, ctx, state, &axis, &response);
    keys::keys(ui, ctx, state, &response);
    reveal_selection(ctx, state, &axis, rect, rows);

    let plot = Plot::new(rect, rows, state.scroll);
    state.scroll = plot.scroll;
    let span = Span::of(state.mode, ctx.model, &axis);
    let request = Request { span, width: rect.width(), rows: plot.visible(rows) };
    let key = Key {
        revision: ctx.model.revision,
        now: ctx.now,
        request,
        idle: state.idle(ctx.model),
        plot,
        theme: Theme::of(ui.ctx()),
        lit: lit(ctx, state),
        pixels_per_point: ui.pixels_per_point(),
    };
    rebuild(ctx, state, &axis, key);
    paint(ui, ctx, state, &response, id);
    footer::footer_ui(ui, ctx, state, &axis, Rect::from_min_max(rect.left_bottom(), all.max));
}

/// What the user did with one run says nothing about another.
fn forget_other_application(model: &Model, state: &mut TimelineState) {
    let (id, revision) = (&model.application.id, model.revision);
    if state.application.0 != *id || revision < state.application.1 {
        let builds = state.builds;
        *state = TimelineState { idle: state.idle, builds, ..TimelineState::default() };
        state.application.0.clone_from(id);
    }
    state.application.1 = revision;
}

/// Which tasks stand out.
fn lit(ctx: &ViewCtx<'_>, state: &mut TimelineState) -> Lit {
    if let Some(key) = ctx.selection {
        if let Some(node) = ctx.scene.nodes.iter().find(|node| node.key == key) {
            state.selected = Some((key, node.rdds.clone()));
        }
        state.selected.take_if(|(of, _)| *of != key);
    } else {
        state.selected = None;
    }
    let rdds = state.selected.as_ref().map(|(_, rdds)| rdds.as_slice()).unwrap_or_default();
    match ctx.focus {
        None | Some(Focus::Driver(_)) => Lit::rdds(ctx.model, rdds),
        Some(Focus::Task(task)) => Lit::rdds(ctx.model, rdds).and_task(Some(task)),
        Some(Focus::Partition(block)) => Lit::rdds(ctx.model, &[block.rdd]).only(block.partition),
    }
}

/// A task that was selected elsewhere comes into view.
fn reveal_selection(ctx: &ViewCtx<'_>, state: &mut TimelineState, axis: &Axis, rect: Rect, rows: usize) {
    if state.revealed == ctx.focus {
        return;
    }
    state.revealed = ctx.focus;
    if let Some(Focus::Task(task)) = ctx.focus {
        reveal(ctx.model, state, axis, task);
        let plot = Plot::new(rect, rows, state.scroll);
        if let Some((row, _)) = place_of(ctx.model, task) {
            let top = row as f32 * plot.pitch;
            state.scroll = plot.scroll.clamp((top + plot.pitch - rect.height()).max(0.0), top);
        }
    }
}

/// Moves the view until it shows a task.
fn reveal(model: &Model, state: &mut TimelineState, axis: &Axis, task: TaskId) {
    let Some((_, place)) = place_of(model, task) else { return };
    let span = Span::of(state.mode, model, axis);
    let finished = place.finished.unwrap_or(model.now);
    let moved = span.revealing(axis.shown(place.launched), axis.shown(finished), axis);
    if moved != span {
        state.mode = Mode::Fixed(moved);
    }
}

fn rebuild(ctx: &ViewCtx<'_>, state: &mut TimelineState, axis: &Axis, key: Key) {
    if state.painted.as_ref().is_some_and(|painted| painted.key == key) {
        return;
    }
    state.builds += 1;
    let timeline = timeline(ctx.model, axis, &key.request, &key.lit);
    let t = key.theme.tokens();
    let mut shapes = Vec::new();
    scenery::behind(&timeline, &key.plot, t, &mut shapes);
    bar_shape::bars(&timeline, &key.plot, t, &mut shapes);
    bands::shapes(&timeline, &key.plot, t, &mut shapes);
    driver_lane::shapes(&timeline, &key.plot, t, &mut shapes);
    scenery::above(&timeline, &key.plot, t, &mut shapes);
    state.painted = Some(Painted { key, timeline, shapes });
}

fn paint(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState, response: &Response, id: Id) {
    let Some(painted) = state.painted.take() else { return };
    let t = Tokens::of(ui.ctx());
    let plot = painted.key.plot;
    let clip = plot.rect.expand2(vec2(0.0, LANE + HEADER)).intersect(ui.clip_rect());
    ui.painter().with_clip_rect(clip.with_max_y(plot.rect.bottom())).extend(painted.shapes.iter().cloned());
    scenery::words_ui(ui, ctx, &painted.timeline, &plot);
    names::names_ui(ui, ctx, &painted.timeline, &plot, id);
    bands::names_ui(ui, ctx, &painted.timeline, &plot, id);
    driver_lane::words_ui(ui, ctx, &painted.timeline, &plot, id);
    pointer::over_plot(ui, ctx, state, &painted, response);
    if response.has_focus() {
        let edge = egui::Stroke::new(2.0, t.selection);
        let outer = plot.rect.expand(STEP / 2.0);
        ui.painter().rect_stroke(outer, STEP, edge, egui::StrokeKind::Inside);
        let cursor = painted.timeline.bars.iter().find(|bar| Some(bar.task) == state.cursor);
        if let Some(bar) = cursor {
            let rect = plot.row(bar.row, bar.x).expand(2.0).intersect(outer);
            ui.painter().rect_stroke(rect, STEP, edge, egui::StrokeKind::Outside);
        }
    }
    state.painted = Some(painted);
}
