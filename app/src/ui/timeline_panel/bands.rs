//! Strips below the rows of an executor: when it was leaving, stood still, was slow or excluded.

use super::Plot;
use super::scenery::clock;
use super::stripes::{Stripes, stripes};
use crate::model::{Condition, ConditionPeriod, Model};
use crate::scene::timeline::Timeline;
use crate::theme::Tokens;
use crate::ui::ViewCtx;
use egui::epaint::Mesh;
use egui::{Id, Rect, Sense, Shape, Ui, WidgetInfo, WidgetType, pos2};

/// Height of a strip.
const HEIGHT: f32 = 4.0;

/// Appends every strip in view.
pub(super) fn shapes(timeline: &Timeline, plot: &Plot, t: &Tokens, out: &mut Vec<Shape>) {
    let mut mesh = Mesh::default();
    for band in &timeline.bands {
        let rect = strip(plot, band.rows.end, band.x).intersect(plot.rect);
        if rect.is_positive() {
            paint(&mut mesh, rect, band.period.condition, t);
        }
    }
    out.push(Shape::mesh(mesh));
}

/// Each condition has a pattern of its own.
pub(super) fn paint(mesh: &mut Mesh, rect: Rect, condition: Condition, t: &Tokens) {
    mesh.add_colored_rect(rect, t.panel);
    let pattern = |pitch: f32, width: f32, slant: f32| Stripes { pitch, width, slant };
    let of = match condition {
        Condition::Decommissioning => pattern(7.0, 4.0, 2.0 * rect.height()),
        Condition::Paused => pattern(4.0, 1.5, 0.0),
        Condition::Slow => pattern(9.0, 3.0, 0.0),
        Condition::ExcludedFromStage => pattern(14.0, 10.0, 0.0),
        Condition::Excluded => {
            mesh.add_colored_rect(rect, t.text);
            return;
        }
    };
    stripes(mesh, rect, rect.left(), of, t.text);
}

/// Below the last row of an executor, in the room between rows.
fn strip(plot: &Plot, end: usize, x: (f32, f32)) -> Rect {
    let rows = plot.rows(end.saturating_sub(1)..end, x);
    Rect::from_min_max(pos2(rows.left(), rows.bottom() - 1.0), pos2(rows.right(), rows.bottom() - 1.0 + HEIGHT))
}

/// Each strip by name, and its words under the pointer.
pub(super) fn names_ui(ui: &Ui, ctx: &ViewCtx<'_>, timeline: &Timeline, plot: &Plot, id: Id) {
    for (i, band) in timeline.bands.iter().enumerate() {
        let rect = strip(plot, band.rows.end, band.x).expand(1.0).intersect(plot.rect);
        if !rect.is_positive() {
            continue;
        }
        let words = format!("Executor {} {}", band.executor, words(ctx.model, band.period));
        let response = ui.interact(rect, id.with(("band", i)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, &words));
        response.on_hover_text(&words);
    }
}

/// `slow from 5.100 s to 7.200 s`.
fn words(model: &Model, period: ConditionPeriod) -> String {
    let from = format!("{} from {}", period.condition.name(), clock(model, period.from));
    match period.to {
        Some(to) => format!("{from} to {}", clock(model, to)),
        None => from,
    }
}
