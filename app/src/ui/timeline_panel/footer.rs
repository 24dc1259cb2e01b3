//! The controls below the timeline.

use super::{TimelineState, legend};
use crate::scene::timeline::{Axis, Idle, Mode, Span};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use crate::ui::ViewCtx;
use egui::{Layout, Rect, Ui, UiBuilder, WidgetInfo, WidgetType, vec2};

/// In less width the controls have shorter words.
const NARROW: f32 = 300.0;
/// In less width there is no room for the legend.
const ROOM_FOR_LEGEND: f32 = 240.0;

/// Fit, follow, skip idle time; and what a bar is.
pub(super) fn footer_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState, axis: &Axis, rect: Rect) {
    let layout = Layout::right_to_left(egui::Align::Center);
    let rect = rect.with_min_y(rect.top() + STEP);
    let mut ui = ui.new_child(UiBuilder::new().id_salt("timeline footer").max_rect(rect).layout(layout));
    ui.spacing_mut().item_spacing.x = STEP;
    ui.spacing_mut().interact_size.y = rect.height();
    ui.spacing_mut().button_padding = vec2(2.0 * STEP, 0.0);
    let mut button = |on: bool, words: &str, name: &'static str, hover: &str| {
        let response = ui.selectable_label(on, words).on_hover_text(hover);
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, on, name));
        response.clicked()
    };
    let follows = matches!(state.mode, Mode::Follow { .. });
    if button(follows, "Follow", "Follow in the timeline", "Stay at what runs now, until the timeline is moved") {
        state.mode = Mode::default();
    }
    let all = state.mode == Mode::All;
    if button(all, "Fit", "Fit the timeline", "Show the whole run, as a double click does") {
        state.mode = Mode::All;
    }
    let idle = state.idle(ctx.model);
    let hover = "Cut short the time in which no task runs; a zigzag stands for it";
    let skip = if rect.width() < NARROW { "Skip idle" } else { "Skip idle time" };
    if button(idle == Idle::Skipped, skip, "Skip idle time", hover) {
        let other = if idle == Idle::Skipped { Idle::Shown } else { Idle::Skipped };
        if let Mode::Fixed(span) = state.mode {
            let next = Axis::new(ctx.model, other);
            let place = |shown: f64| next.shown(axis.time(shown));
            state.mode = Mode::Fixed(Span { from: place(span.from), to: place(span.to) });
        }
        state.idle = Some(other);
    }
    if rect.width() >= ROOM_FOR_LEGEND {
        legend::legend_ui(&mut ui);
    }
    let t = Tokens::of(ui.ctx());
    let again = state.drawn().is_some_and(|timeline| timeline.bars.iter().any(|b| b.pieces.iter().any(|p| p.again)));
    let words = if again && rect.width() >= 2.0 * NARROW {
        "One result task walks the whole chain of its partition"
    } else {
        ""
    };
    ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint));
    });
}
