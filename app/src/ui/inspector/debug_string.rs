//! The lineage of the selected RDD in Spark's own text.

use super::super::ViewCtx;
use crate::model::RddState;
use crate::theme::widgets::{heading_ui, separator_ui};
use crate::theme::{STEP, Tokens, text};
use egui::{Frame, Label, Margin, ScrollArea, TextWrapMode, Ui};
use faultline_engine::ids::RddId;
use faultline_engine::lineage::to_debug_string;

/// Lines after which the text ends.
const MAX_LINES: usize = 200;
/// Height of the box in points; longer text scrolls.
const BOX_HEIGHT: f32 = 168.0;

/// The text made last, and of what.
#[derive(Debug, Default)]
pub struct DebugStringState {
    made_from: Option<(RddId, u64)>,
    text: String,
}

/// The section with the text.
pub fn debug_string_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState, state: &mut DebugStringState) {
    let t = Tokens::of(ui.ctx());
    let from = (rdd.info.id, ctx.model.revision);
    // While the run goes on, the text of a long lineage is made only where it can be seen.
    let other = state.made_from.is_none_or(|(of, _)| of != rdd.info.id);
    let place = ui.available_rect_before_wrap();
    let visible = ui.is_rect_visible(place.with_max_y(place.top() + BOX_HEIGHT));
    if state.made_from != Some(from) && (other || visible) {
        let lineage = ctx.model.lineage_graph(rdd.info.id);
        let stored = |id| ctx.model.block_summary(id);
        state.text = to_debug_string(&lineage, rdd.info.id, rdd.info.level, stored, MAX_LINES);
        state.made_from = Some(from);
    }
    heading_ui(ui, "toDebugString", "");
    let frame = Frame::new().fill(t.background).corner_radius(6).inner_margin(Margin::same(2 * STEP as i8));
    frame.show(ui, |ui| {
        let area = ScrollArea::both().id_salt("toDebugString").max_height(BOX_HEIGHT).auto_shrink([false, true]);
        area.show(ui, |ui| {
            let words = text::rich(&state.text, text::mono(text::SMALLEST), t.text_soft);
            ui.add(Label::new(words).wrap_mode(TextWrapMode::Extend).selectable(true));
        });
    });
    separator_ui(ui);
}
