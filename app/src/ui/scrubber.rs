//! When: a rail from the beginning of the run to now, and the moment of it that is shown.
//!
//! The rail is time, but what is idle counts little: between two events never more than
//! [`IDLE_NS_MAX`](crate::model::IDLE_NS_MAX), so that a stream which waits for its batches, or a
//! program that stood still over night, still shows its work. Within a moment that has several events
//! the rail goes to the last of them; the keys go by single events. A run of more events than are kept has a rail
//! from the earliest moment that is.

use super::ViewCtx;
use crate::command::{AppCommand, Scrub};
use crate::model::{MarkKind, Shown, Stride, Timeline, Way};
use crate::theme::{RADIUS, STEP, Tokens, format, text};
use egui::accesskit::{Action, ActionData};
use egui::{Align, Button, EventFilter, Key, Layout, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType};
use egui::{Modifiers, Painter, Pos2, pos2, vec2};
use faultline_engine::ids::VIRTUAL_EPOCH;

/// Height of the row.
pub const HEIGHT: f32 = 36.0;
/// Width of the button, whatever it says, so that the rail stays where it is.
const BUTTON_WIDTH: f32 = 132.0;
/// Radius of the knob.
const KNOB: f32 = 7.0;
/// Thickness of the rail.
const RAIL: f32 = 4.0;
/// Marks nearer to each other than this are one.
const MARK_PITCH: f32 = 2.0;

/// The row: the way back to the present, and the rail.
pub fn scrubber_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0 * STEP;
        let room = vec2(BUTTON_WIDTH, HEIGHT);
        ui.allocate_ui_with_layout(room, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(room.x);
            match ctx.time.shown {
                Shown::Live => live_ui(ui, ctx),
                Shown::Past { .. } => return_ui(ui, ctx),
            }
        });
        rail_ui(ui, ctx);
    });
}

/// What the newest moment is called: a log has an end, but nothing lives in it.
const fn newest(ctx: &ViewCtx<'_>) -> &'static str {
    if ctx.time.running { "Live" } else { "End" }
}

fn live_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let color = if ctx.time.running { t.memory } else { t.text_soft };
    let words = text::rich(newest(ctx), text::semibold(text::SMALL), color);
    let hover = if ctx.time.running { "The newest moment is shown" } else { "The end of the run is shown" };
    ui.label(words).on_hover_text(hover);
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.5, color);
}

fn return_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let name = if ctx.time.running { "Return to live" } else { "Go to the end" };
    let words = text::rich(name, text::semibold(text::SMALL), t.text);
    let button = Button::new(words).fill(t.panel).stroke(Stroke::new(1.0, t.text_soft));
    let button = ui.add(button.min_size(vec2(BUTTON_WIDTH - STEP, 24.0))).on_hover_text(format!("{name}, key End"));
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, name));
    if button.clicked() {
        ctx.send.send(AppCommand::Scrub(Scrub::Live));
    }
}

/// Where positions are on the rail.
#[derive(Clone, Copy)]
struct Scale<'a> {
    timeline: &'a Timeline,
    left: f32,
    width: f32,
}

impl Scale<'_> {
    /// Busy time that the rail shows, and where it begins.
    fn span_ns(&self) -> (u64, u64) {
        let first = self.timeline.first_busy_ns();
        (first, self.timeline.busy_ns().saturating_sub(first))
    }

    fn x_of_busy(&self, busy_ns: u64) -> f32 {
        let (first, all) = self.span_ns();
        let share = if all == 0 { 1.0 } else { busy_ns.saturating_sub(first) as f64 / all as f64 };
        self.left + self.width * share as f32
    }

    fn x_of(&self, position: usize) -> f32 {
        self.x_of_busy(self.timeline.busy_ns_at(position))
    }

    /// The last position that is not right of `x`.
    fn position_of(&self, x: f32) -> usize {
        let share = f64::from((x - self.left) / self.width.max(1.0)).clamp(0.0, 1.0);
        // At the right end is everything, whatever rounding says.
        if share >= 1.0 {
            return self.timeline.len();
        }
        let (first, all) = self.span_ns();
        self.timeline.position_at_busy_ns(first + (share * all as f64) as u64)
    }
}

fn rail_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let timeline = ctx.time.timeline;
    let sense = if timeline.is_empty() { Sense::hover() } else { Sense::click_and_drag() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), sense);
    let inner = rect.shrink2(vec2(KNOB + 1.0, 0.0));
    let scale = Scale { timeline, left: inner.left(), width: inner.width() };
    let position = match ctx.time.shown {
        Shown::Live => timeline.len(),
        Shown::Past { position } => position,
    };
    let moved = response.dragged() || response.drag_stopped() || response.clicked();
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| moved) {
        let wanted = scale.position_of(pointer.x);
        if wanted != position {
            ctx.send.send(AppCommand::Scrub(Scrub::To(wanted)));
        }
    }
    if response.clicked() {
        response.request_focus();
    }
    keys(ui, ctx, &response);
    requests(ui, ctx, &response);
    describe(ui, ctx, &response, position);
    paint(ui, ctx, &response, scale, position);
    if let Some(pointer) = response.hover_pos().filter(|_| !timeline.is_empty()) {
        let at = scale.position_of(pointer.x);
        response.on_hover_text_at_pointer(moment_words(ctx, at));
    }
}

/// Keys of the focused rail. Home and End are those of the whole window.
fn keys(ui: &Ui, ctx: &ViewCtx<'_>, response: &Response) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |modifiers: Modifiers, key: Key| {
        ui.input_mut(|input| input.modifiers == modifiers && input.consume_key(modifiers, key))
    };
    let strides = [(Modifiers::SHIFT, Stride::Batch), (Modifiers::ALT, Stride::Event), (Modifiers::NONE, Stride::Task)];
    for (modifiers, stride) in strides {
        for (key, way) in [(Key::ArrowLeft, Way::Back), (Key::ArrowRight, Way::Forward)] {
            if pressed(modifiers, key) {
                ctx.send.send(AppCommand::Scrub(Scrub::Step { stride, way }));
            }
        }
    }
    if pressed(Modifiers::NONE, Key::Home) {
        ctx.send.send(AppCommand::Scrub(Scrub::To(0)));
    }
    if pressed(Modifiers::NONE, Key::End) {
        ctx.send.send(AppCommand::Scrub(Scrub::Live));
    }
}

/// What assistive technology asks for.
fn requests(ui: &Ui, ctx: &ViewCtx<'_>, response: &Response) {
    let id = response.id;
    let (back, forward, set) = ui.input(|input| {
        let set = input.accesskit_action_requests(id, Action::SetValue).filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value),
            _ => None,
        });
        let set = set.last();
        let count = |action| input.num_accesskit_action_requests(id, action);
        (count(Action::Decrement), count(Action::Increment), set)
    });
    for (times, way) in [(back, Way::Back), (forward, Way::Forward)] {
        for _ in 0..times {
            ctx.send.send(AppCommand::Scrub(Scrub::Step { stride: Stride::Task, way }));
        }
    }
    if let Some(value) = set {
        ctx.send.send(AppCommand::Scrub(Scrub::To(value.max(0.0) as usize)));
    }
}

fn describe(ui: &Ui, ctx: &ViewCtx<'_>, response: &Response, position: usize) {
    let enabled = !ctx.time.timeline.is_empty();
    response.widget_info(|| WidgetInfo::slider(enabled, position as f64, "Moment"));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(ctx.time.timeline.first() as f64);
        node.set_max_numeric_value(ctx.time.timeline.len() as f64);
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
    });
}

/// `batch 5 · 5.412 s · event 1204`.
fn moment_words(ctx: &ViewCtx<'_>, position: usize) -> String {
    let timeline = ctx.time.timeline;
    let live = timeline.live();
    let began = live.streams.zero.or(live.application.started).unwrap_or(VIRTUAL_EPOCH);
    let mut words = Vec::new();
    if let Some(batch) = timeline.batch_at(position) {
        words.push(format!("batch {batch}"));
    }
    if let Some(at) = timeline.time_at(position) {
        words.push(format::seconds(at.ns_since(began)));
    }
    words.push(format!("event {} of {}", format::number(position as u64), format::number(timeline.len() as u64)));
    if timeline.first() > 0 && position <= timeline.first() {
        words.push("the window keeps nothing earlier".to_owned());
    }
    words.join(" · ")
}

fn paint(ui: &Ui, ctx: &ViewCtx<'_>, response: &Response, scale: Scale<'_>, position: usize) {
    if !ui.is_rect_visible(response.rect) {
        return;
    }
    let t = Tokens::of(ui.ctx());
    let (painter, y) = (ui.painter(), response.rect.center().y);
    let rail = Rect::from_center_size(response.rect.center(), vec2(scale.width, RAIL));
    painter.rect_filled(rail, RAIL / 2.0, t.line);
    if ctx.time.timeline.is_empty() {
        return;
    }
    let x = scale.x_of(position);
    painter.rect_filled(
        Rect::from_min_max(rail.min, pos2(x.max(rail.left()), rail.bottom())),
        RAIL / 2.0,
        t.first_time,
    );
    marks(painter, ctx, scale, y, t);
    let knob = pos2(x, y);
    match ctx.time.shown {
        Shown::Live => painter.circle(knob, KNOB, t.text, Stroke::new(2.0, t.panel)),
        // A ring, as the dot of the driver is one: what is shown is not now.
        Shown::Past { .. } => painter.circle(knob, KNOB - 1.0, t.panel, Stroke::new(2.5, t.text)),
    };
    if response.has_focus() {
        let around = Rect::from_center_size(knob, vec2(2.0, 2.0) * (KNOB + 4.0));
        painter.rect_stroke(around, RADIUS, Stroke::new(2.0, t.selection), egui::StrokeKind::Inside);
    }
}

/// Ticks above the rail where batches end (jobs, in a program without batches), a cross where something
/// was made to fail, a square below the rail and its handle where a checkpoint was written.
fn marks(painter: &Painter, ctx: &ViewCtx<'_>, scale: Scale<'_>, y: f32, t: &Tokens) {
    let has_batches = !ctx.time.timeline.live().batches.is_empty();
    // The right edge of the last mark of each kind: a long run has more marks than the rail has points.
    let mut free = [f32::NEG_INFINITY; 3];
    for mark in ctx.time.timeline.marks() {
        let kind = match mark.what {
            MarkKind::BatchCompleted(_) if has_batches => 0,
            MarkKind::JobEnded(_) if !has_batches => 0,
            MarkKind::Fault => 1,
            MarkKind::Checkpoint => 2,
            _ => continue,
        };
        let x = scale.x_of_busy(mark.busy_ns);
        if x < free[kind] {
            continue;
        }
        free[kind] = x + MARK_PITCH;
        match kind {
            0 => drop(painter.vline(x, y - 9.0..=y - 4.0, Stroke::new(1.0, t.text_faint))),
            1 => fault(painter, pos2(x, y), t),
            _ => drop(painter.rect_filled(square(pos2(x, y + 12.0)), 1.0, t.checkpoint)),
        }
    }
}

fn fault(painter: &Painter, at: Pos2, t: &Tokens) {
    painter.vline(at.x, at.y - 8.0..=at.y + 6.0, Stroke::new(1.5, t.lost));
    let top = at - vec2(0.0, 11.0);
    for arm in [vec2(3.0, 3.0), vec2(3.0, -3.0)] {
        painter.add(Shape::line_segment([top - arm, top + arm], Stroke::new(1.5, t.lost)));
    }
}

fn square(center: egui::Pos2) -> Rect {
    Rect::from_center_size(center, vec2(5.0, 5.0))
}
