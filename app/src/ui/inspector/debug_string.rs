//! The lineage of the selected RDD as text: in full, or letter by letter as Spark prints it.

use super::super::ViewCtx;
use super::facts::LineageSize;
use crate::model::RddState;
use crate::theme::widgets::{heading_ui, line_ui, row_ui, separator_ui};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Frame, Label, Margin, ScrollArea, TextWrapMode, Ui, WidgetInfo, WidgetType};
use faultline_engine::ids::RddId;
use faultline_engine::lineage::{Detail, LineageGraph, debug_string};

/// Lines after which the text ends.
const MAX_LINES: usize = 200;
/// Lines after which the copied text ends: shared parents are told again each time, so that a lineage of
/// diamonds has more lines than RDDs, and no bound.
const MAX_COPIED_LINES: usize = 200_000;
/// Height of the box in points; longer text scrolls.
const BOX_HEIGHT: f32 = 168.0;

/// The text made last, and of what.
#[derive(Debug, Default)]
pub struct DebugStringState {
    made_from: Option<(RddId, u64, Detail)>,
    text: String,
    /// As Spark prints it, and not what it leaves out.
    exact: bool,
}

impl DebugStringState {
    const fn detail(&self) -> Detail {
        if self.exact { Detail::Spark } else { Detail::Full }
    }
}

/// The section with the text.
pub fn debug_string_ui(
    ui: &mut Ui,
    ctx: &ViewCtx<'_>,
    rdd: &RddState,
    state: &mut DebugStringState,
    size: &mut LineageSize,
) {
    let t = Tokens::of(ui.ctx());
    let detail = state.detail();
    let from = (rdd.info.id, ctx.model.revision, detail);
    if state.made_from != Some(from) {
        // One more than is shown, so that the text says that it goes on.
        let lineage = ctx.model.lineage_graph_near(rdd.info.id, MAX_LINES + 1);
        state.text = text_of(ctx, rdd, &lineage, detail, MAX_LINES);
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
    below_ui(ui, ctx, rdd, state, size);
    separator_ui(ui);
}

/// What is not shown, and the way to it.
fn below_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState, state: &mut DebugStringState, size: &mut LineageSize) {
    let t = Tokens::of(ui.ctx());
    let more = size.of(ctx, rdd.info.id).0.saturating_sub(MAX_LINES) as u64;
    ui.add_space(STEP);
    let detail = state.detail();
    row_ui(
        ui,
        |ui| {
            if more > 0 {
                let words = format!("and {} more", format::count(more, "RDD"));
                line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint));
            }
        },
        |ui| {
            let copy = ui.button(text::rich("Copy", text::regular(text::SMALL), t.text_soft));
            copy.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Copy toDebugString"));
            if copy.on_hover_text("Copy the whole text").clicked() {
                let lineage = ctx.model.lineage_graph(rdd.info.id);
                ui.ctx().copy_text(text_of(ctx, rdd, &lineage, detail, MAX_COPIED_LINES));
            }
            let exact =
                ui.checkbox(&mut state.exact, text::rich("As in Spark", text::regular(text::SMALL), t.text_soft));
            exact.on_hover_text("Letter by letter what Spark prints, without what it leaves out");
        },
    );
}

fn text_of(ctx: &ViewCtx<'_>, rdd: &RddState, lineage: &LineageGraph, detail: Detail, lines: usize) -> String {
    debug_string(lineage, rdd.info.id, (rdd.info.level, detail), |id| ctx.model.block_summary(id), lines)
}
