//! What stands around the tasks: names, starts of batches, faults, executors that are gone.

use super::{GUTTER, HEADER, Plot};
use crate::model::Model;
use crate::scene::timeline::Timeline;
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use egui::{Rect, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};
use faultline_engine::ids::{Timestamp, VIRTUAL_EPOCH};

/// Height of a name.
const NAME: f32 = 16.0;
/// A name with less room is left out.
const NAME_MIN: f32 = 28.0;

/// Behind the tasks: time in which an executor is gone, starts, idle time that is cut short.
pub(super) fn behind(timeline: &Timeline, plot: &Plot, t: &Tokens, out: &mut Vec<Shape>) {
    let rect = plot.rect;
    for lost in &timeline.lost {
        let span = plot.rows(lost.rows.clone(), lost.x).intersect(rect);
        out.push(Shape::rect_filled(span, STEP, if lost.in_order { t.raised } else { t.lost_surface }));
    }
    for start in timeline.starts.iter().filter(|start| start.x >= 0.0) {
        let x = rect.left() + start.x;
        let width = if start.running { 2.0 } else { 1.0 };
        let color = if start.running { t.text_faint } else { t.line };
        out.push(Shape::vline(x, rect.top() - HEADER + STEP..=rect.bottom(), Stroke::new(width, color)));
    }
    for cut in &timeline.cuts {
        out.push(zigzag(rect.left() + cut, rect, Stroke::new(1.0, t.line)));
    }
}

/// A cut through the time.
fn zigzag(x: f32, rect: Rect, stroke: Stroke) -> Shape {
    let steps = (rect.height() / 6.0).ceil() as usize;
    let point = |i: usize| {
        let side = if i.is_multiple_of(2) { -2.0 } else { 2.0 };
        pos2(x + side, (rect.top() + i as f32 * 6.0).min(rect.bottom()))
    };
    Shape::line((0..=steps).map(point).collect(), stroke)
}

/// Above the tasks: faults.
pub(super) fn above(timeline: &Timeline, plot: &Plot, t: &Tokens, out: &mut Vec<Shape>) {
    for fault in &timeline.faults {
        let x = plot.rect.left() + fault.x;
        let stroke = Stroke::new(2.0, t.lost);
        out.push(Shape::vline(x, plot.rect.top() - STEP..=plot.rect.bottom(), stroke));
        let (c, r) = (pos2(x, plot.rect.top() - 2.5 * STEP), STEP);
        for direction in [vec2(r, r), vec2(r, -r)] {
            out.push(Shape::line_segment([c - direction, c + direction], stroke));
        }
    }
}

/// All words, and the faults as something to point at.
pub(super) fn words_ui(ui: &Ui, ctx: &ViewCtx<'_>, timeline: &Timeline, plot: &Plot) {
    executors_ui(ui, timeline, plot);
    starts_ui(ui, timeline, plot);
    let t = Tokens::of(ui.ctx());
    for lost in &timeline.lost {
        let span = plot.rows(lost.rows.clone(), lost.x).intersect(plot.rect);
        if span.width() >= NAME_MIN && span.height() >= NAME * 0.75 {
            let (word, color) = if lost.in_order { ("left", t.text_soft) } else { ("lost", t.lost) };
            let galley = text::line(ui.painter(), word, text::semibold(text::SMALL), color, span.width());
            let at = span.center() - galley.size() / 2.0;
            ui.painter().with_clip_rect(plot.rect).galley(at, galley, color);
        }
    }
    for (i, fault) in timeline.faults.iter().enumerate() {
        let center = pos2(plot.rect.left() + fault.x, plot.rect.top() - 2.5 * STEP);
        let rect = Rect::from_center_size(center, vec2(4.0 * STEP, 4.0 * STEP));
        let words = format!("Fault {} at {}", fault.fault, clock(ctx.model, fault.at));
        let response = ui.interact(rect, ui.id().with(("timeline fault", i)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, &words));
        response.on_hover_text(&words);
    }
}

/// The time as the top bar shows it.
pub(in crate::ui) fn clock(model: &Model, at: Timestamp) -> String {
    let started = model.streams.zero.or(model.application.started).unwrap_or(VIRTUAL_EPOCH);
    format::seconds(at.ns_since(started))
}

fn executors_ui(ui: &Ui, timeline: &Timeline, plot: &Plot) {
    let t = Tokens::of(ui.ctx());
    let left = plot.rect.left() - GUTTER;
    let clip = Rect::from_x_y_ranges(left..=plot.rect.left(), plot.rect.y_range());
    let painter = ui.painter().with_clip_rect(clip.intersect(ui.clip_rect()));
    let mut free_from = plot.rect.top();
    for lane in &timeline.lanes {
        let y = plot.rows(lane.rows.clone(), (0.0, 1.0)).center().y;
        if y - NAME / 2.0 < free_from - 1.0 || y + NAME / 2.0 > plot.rect.bottom() + 1.0 {
            continue;
        }
        free_from = y + NAME / 2.0;
        let color = if lane.lost { t.lost } else { t.text };
        let words = format!("Executor {}", lane.executor);
        text::paint_line(&painter, pos2(left, y), &words, text::regular(text::SMALL), color, GUTTER - 2.0 * STEP);
    }
}

fn starts_ui(ui: &Ui, timeline: &Timeline, plot: &Plot) {
    let t = Tokens::of(ui.ctx());
    let y = plot.rect.top() - HEADER / 2.0 - 1.0;
    let faults: Vec<f32> = timeline.faults.iter().map(|fault| fault.x - 2.0 * STEP).collect();
    for (i, start) in timeline.starts.iter().enumerate() {
        let from = start.x.max(0.0) + 1.5 * STEP;
        let next = timeline.starts.get(i + 1).map_or(plot.rect.width(), |next| next.x);
        // The sign of a fault keeps its place: the name goes before or behind it.
        let fault = faults.iter().copied().find(|&x| x + 4.0 * STEP > from && x < next);
        let (from, to) = match fault {
            Some(x) if x - from >= next - (x + 4.0 * STEP) => (from, x),
            Some(x) => (x + 5.0 * STEP, next),
            None => (from, next),
        };
        let room = to - from - STEP;
        if room < NAME_MIN {
            continue;
        }
        let (font, color) = if start.running {
            (text::semibold(text::SMALL), t.text)
        } else {
            (text::regular(text::SMALL), t.text_faint)
        };
        text::paint_line(ui.painter(), pos2(plot.rect.left() + from, y), &start.title, font, color, room);
    }
}
