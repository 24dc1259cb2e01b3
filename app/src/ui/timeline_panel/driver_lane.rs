//! The lane of the driver, above those of its executors.

use super::scenery::clock;
use super::stripes::{hatch, stripes};
use super::{GUTTER, LANE, Plot};
use crate::command::{AppCommand, Focus};
use crate::model::Model;
use crate::scene::timeline::{DriverSpan, Stretch, Timeline};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use egui::epaint::Mesh;
use egui::{Id, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

/// Height of the bar in its lane: words, and a strip below them.
const BAR: f32 = 19.0;
/// Height of the strip.
const STRIP: f32 = 3.0;
/// Words with less room are left out.
const WORDS_MIN: f32 = 36.0;

/// Where the lane is: above the names of batches.
fn lane(plot: &Plot) -> Rect {
    let top = plot.rect.top() - super::HEADER - LANE;
    Rect::from_min_max(pos2(plot.rect.left(), top), pos2(plot.rect.right(), top + LANE))
}

fn bar(plot: &Plot, x: (f32, f32)) -> Rect {
    let lane = lane(plot);
    let y = lane.center().y;
    Rect::from_x_y_ranges(lane.left() + x.0..=lane.left() + x.1, y - BAR / 2.0..=y + BAR / 2.0)
}

/// Appends every span in view, and a cross where the driver died.
pub(super) fn shapes(timeline: &Timeline, plot: &Plot, t: &Tokens, out: &mut Vec<Shape>) {
    for span in &timeline.driver {
        sample(span.stretch, bar(plot, span.x), t, out);
        if span.stretch == Stretch::Down && span.x.0 > 0.0 {
            let (c, r) = (pos2(plot.rect.left() + span.x.0, lane(plot).center().y), STEP);
            for direction in [vec2(r, r), vec2(r, -r)] {
                out.push(Shape::line_segment([c - direction, c + direction], Stroke::new(2.0, t.lost)));
            }
        }
    }
}

/// One stretch, told apart by shape and pattern.
pub(super) fn sample(stretch: Stretch, rect: Rect, t: &Tokens, out: &mut Vec<Shape>) {
    let (fill, edge) = match stretch {
        Stretch::Up => (t.raised, t.memory),
        Stretch::Recovering { .. } => (t.panel, t.again),
        Stretch::Down => (t.lost_surface, t.lost),
    };
    out.push(Shape::rect_filled(rect, STEP, fill));
    if let Stretch::Recovering { .. } = stretch {
        let mut mesh = Mesh::default();
        let strip = Rect::from_min_max(pos2(rect.left(), rect.bottom() - STRIP), rect.max);
        stripes(&mut mesh, strip.intersect(rect), rect.left(), hatch(STRIP), t.again);
        out.push(Shape::mesh(mesh));
    }
    match stretch {
        // A line that goes on: it lives.
        Stretch::Up => {
            let y = rect.bottom() - 1.5;
            out.push(Shape::hline(rect.x_range(), y, Stroke::new(2.0, edge)));
        }
        Stretch::Recovering { .. } => {}
        Stretch::Down => out.push(Shape::rect_stroke(rect, STEP, Stroke::new(1.0, edge), StrokeKind::Inside)),
    }
}

/// Its name at the left, words in the spans, and each span by name.
pub(super) fn words_ui(ui: &Ui, ctx: &ViewCtx<'_>, timeline: &Timeline, plot: &Plot, id: Id) {
    let t = Tokens::of(ui.ctx());
    let lane = lane(plot);
    let color = if ctx.model.driver.lost.is_some() { t.lost } else { t.text };
    let left = pos2(plot.rect.left() - GUTTER, lane.center().y);
    text::paint_line(ui.painter(), left, "Driver", text::regular(text::SMALL), color, GUTTER - 2.0 * STEP);
    for (i, span) in timeline.driver.iter().enumerate() {
        let rect = bar(plot, span.x);
        // A driver that was started again at once was gone for no width at all.
        let seen = rect.expand2(vec2(0.7, 0.0));
        let room = rect.width() - 4.0 * STEP;
        if room >= WORDS_MIN {
            let color = if span.stretch == Stretch::Down { t.lost } else { t.text_soft };
            let at = pos2(rect.left() + 2.0 * STEP, rect.center().y - STRIP / 2.0);
            text::paint_line(ui.painter(), at, &short(span, ctx.model), text::regular(text::SMALL), color, room);
        }
        let words = words(span, ctx.model);
        let response = ui.interact(seen, id.with(("driver", i)), Sense::click());
        let focus = Focus::Driver(span.life);
        let selected = ctx.focus == Some(focus);
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, selected, &words));
        if selected || response.has_focus() {
            ui.painter().rect_stroke(rect, STEP, Stroke::new(2.0, t.selection), StrokeKind::Inside);
        }
        if response.clicked() {
            ctx.send.send(AppCommand::Focus(focus));
        }
        response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(&words);
    }
}

fn short(span: &DriverSpan, model: &Model) -> String {
    match span.stretch {
        Stretch::Up => format!("driver {}", span.life),
        Stretch::Recovering { checkpoint } => format!("driver {}, again from batch {checkpoint}", span.life),
        Stretch::Down => format!("down {}", format::duration_ns(span.to.unwrap_or(model.now).ns_since(span.from))),
    }
}

/// `Driver 2 recovering from the checkpoint of batch 6, from 8.210 s to 9.400 s`.
fn words(span: &DriverSpan, model: &Model) -> String {
    let what = match span.stretch {
        Stretch::Up => format!("Driver {} up", span.life),
        Stretch::Recovering { checkpoint } => {
            format!("Driver {} recovering from the checkpoint of batch {checkpoint}", span.life)
        }
        Stretch::Down => format!("Driver down after life {}", span.life),
    };
    match span.to {
        Some(to) => format!("{what}, from {} to {}", clock(model, span.from), clock(model, to)),
        None => format!("{what}, from {}", clock(model, span.from)),
    }
}
