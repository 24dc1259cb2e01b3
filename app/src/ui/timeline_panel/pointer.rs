//! Wheel, drag, double click, and what is under the pointer.

use super::names::MAX_NAMED;
use super::tooltip::{heap_tooltip, task_tooltip};
use super::{Painted, TimelineState};
use crate::command::{AppCommand, Focus};
use crate::scene::timeline::{Axis, Heap, Mode, Span};
use crate::ui::ViewCtx;
use egui::{Pos2, Response, Ui};
use faultline_engine::ids::TaskId;

/// Factor per point of the wheel, as an exponent.
const ZOOM_PER_POINT: f32 = 0.005;
/// A click on a heap zooms by this.
const HEAP_ZOOM: f64 = 8.0;

/// Zooms around the pointer and pans.
pub(super) fn move_view(ui: &Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState, axis: &Axis, response: &Response) {
    let rect = response.rect;
    let span = Span::of(state.mode, ctx.model, axis);
    let per_point = span.length() / f64::from(rect.width());
    if response.dragged() {
        let by = response.drag_delta();
        state.scroll -= by.y;
        if by.x != 0.0 {
            state.mode = Mode::Fixed(span.moved(-f64::from(by.x) * per_point, axis));
        }
    }
    if response.double_clicked() {
        state.mode = Mode::All;
    }
    let Some(pointer) = ui.input(|input| input.pointer.hover_pos()).filter(|_| response.contains_pointer()) else {
        return;
    };
    let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
    let factor = f64::from((wheel.y * ZOOM_PER_POINT).exp() * pinch);
    if factor != 1.0 {
        zoom(ctx, state, axis, factor, f64::from((pointer.x - rect.left()) / rect.width()));
    }
    if wheel.x != 0.0 {
        let span = Span::of(state.mode, ctx.model, axis);
        state.mode = Mode::Fixed(span.moved(-f64::from(wheel.x) * per_point, axis));
    }
}

/// Zooms; a view that follows goes on to follow.
fn zoom(ctx: &ViewCtx<'_>, state: &mut TimelineState, axis: &Axis, factor: f64, share: f64) {
    let zoomed = Span::of(state.mode, ctx.model, axis).zoomed(factor, share, axis);
    state.mode = match state.mode {
        Mode::Follow { .. } => Mode::Follow { length: Some(zoomed.length()) },
        Mode::All | Mode::Fixed(_) => Mode::Fixed(zoomed),
    };
}

enum Under<'a> {
    Task(TaskId),
    Heap(&'a Heap),
}

fn under(painted: &Painted, pointer: Pos2) -> Option<Under<'_>> {
    let plot = painted.key.plot;
    let timeline = &painted.timeline;
    if timeline.bars.len() > MAX_NAMED
        && let Some(bar) = timeline.bars.iter().find(|bar| plot.row(bar.row, bar.x).contains(pointer))
    {
        return Some(Under::Task(bar.task));
    }
    timeline.heaps.iter().find(|heap| plot.row(heap.row, heap.x).contains(pointer)).map(Under::Heap)
}

/// Clicks and hovers on what has no control of its own.
pub(super) fn over_plot(ui: &Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState, painted: &Painted, response: &Response) {
    let pointer = ui.input(|input| input.pointer.hover_pos()).filter(|_| response.hovered());
    let Some(found) = pointer.and_then(|pointer| under(painted, pointer)) else { return };
    let clicked = response.clicked();
    match found {
        Under::Task(id) => {
            if clicked {
                ctx.send.send(AppCommand::Focus(Focus::Task(id)));
            }
            if let Some(task) = ctx.model.tasks.get(&id) {
                response.clone().on_hover_ui_at_pointer(|ui| task_tooltip(ui, ctx.model, task));
            }
        }
        Under::Heap(heap) if heap.tasks == 1 => {
            if clicked {
                ctx.send.send(AppCommand::Focus(Focus::Task(heap.first)));
            }
            if let Some(task) = ctx.model.tasks.get(&heap.first) {
                response.clone().on_hover_ui_at_pointer(|ui| task_tooltip(ui, ctx.model, task));
            }
        }
        Under::Heap(heap) => {
            if clicked {
                let axis = Axis::new(ctx.model, painted.key.idle);
                let share = f64::from(heap.x.0) / f64::from(response.rect.width());
                state.mode = Mode::Fixed(painted.key.request.span.zoomed(HEAP_ZOOM, share, &axis));
                ui.ctx().request_repaint();
            }
            response.clone().on_hover_ui_at_pointer(|ui| heap_tooltip(ui, heap));
        }
    }
}
