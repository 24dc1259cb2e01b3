//! The record-fate ledger: totals, and below them a row for each block, file and range that was received.

mod fate_sign;
mod unit_table;

pub(in crate::ui) use fate_sign::color as fate_color;

use super::ViewCtx;
use crate::command::AppCommand;
use crate::model::{Count, Fate, LedgerUnit};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Button, ScrollArea, Ui, WidgetInfo, WidgetType};
use faultline_engine::ids::BatchId;

/// With less width the totals leave out what is nothing.
const ROOMY: f32 = 480.0;
/// Height of the totals.
const TOTALS: f32 = 7.0 * STEP;

/// What the panel keeps between frames.
#[derive(Default)]
pub struct LedgerPanelState {
    /// Only units of this fate are shown.
    only: Option<Fate>,
    /// Those units, newest first, and the revision and fate that they were found for.
    found: Vec<usize>,
    found_for: Option<(u64, Fate)>,
    /// The row that was selected last, and its batch.
    selected: Option<(usize, Option<BatchId>)>,
    /// The table scrolls to it in the next frame.
    reveal: bool,
}

impl LedgerPanelState {
    fn update(&mut self, ctx: &ViewCtx<'_>) {
        let Some(only) = self.only else { return };
        let wanted = Some((ctx.model.revision, only));
        if self.found_for != wanted {
            let ledger = &ctx.model.ledger;
            let is_of = |at: &usize| ledger.newest(*at).is_some_and(|unit| unit.fate == only);
            self.found = (0..ledger.len()).filter(is_of).collect();
            self.found_for = wanted;
        }
    }

    fn num_rows(&self, ctx: &ViewCtx<'_>) -> usize {
        if self.only.is_some() { self.found.len() } else { ctx.model.ledger.len() }
    }

    fn unit<'m>(&self, ctx: &ViewCtx<'m>, row: usize) -> Option<&'m LedgerUnit> {
        let at = if self.only.is_some() { *self.found.get(row)? } else { row };
        ctx.model.ledger.newest(at)
    }

    fn select(&mut self, ctx: &ViewCtx<'_>, row: usize) {
        let batch = self.unit(ctx, row).and_then(|unit| unit.batch);
        self.selected = Some((row, batch));
        if let Some(batch) = batch {
            ctx.send.send(AppCommand::ShowBatch(batch));
        }
    }
}

/// Fills the panel.
pub fn ledger_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LedgerPanelState) {
    state.update(ctx);
    if ctx.model.ledger.is_empty() {
        empty_ui(ui, ctx);
        return;
    }
    let area = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(area);
    let (above, below) = area.split_top_bottom_at_y(area.top() + TOTALS);
    ui.scope_builder(egui::UiBuilder::new().id_salt("totals").max_rect(above), |ui| {
        let narrow = area.width() < ROOMY;
        ScrollArea::horizontal().id_salt("fates").auto_shrink(false).show(ui, |ui| {
            ui.horizontal_centered(|ui| totals_ui(ui, ctx, state, narrow));
        });
    });
    ui.scope_builder(egui::UiBuilder::new().id_salt("units").max_rect(below), |ui| {
        ui.set_clip_rect(ui.clip_rect().intersect(below));
        unit_table::unit_table_ui(ui, ctx, state);
    });
}

/// What was received and what became of it; a fate is also a filter.
fn totals_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LedgerPanelState, narrow: bool) {
    let t = Tokens::of(ui.ctx());
    let totals = ctx.model.ledger.totals();
    ui.spacing_mut().item_spacing.x = 3.0 * STEP;
    let received = match narrow {
        true => format::count(totals.received.records, "record"),
        false => format!("Received {}", words(totals.received)),
    };
    ui.label(text::rich(received, text::semibold(text::SMALL), t.text));
    for fate in Fate::ALL {
        let count = totals.of(fate);
        let name = format!("{} {}", fate.word(), words(count));
        let on = state.only == Some(fate);
        // What is not there needs no room where there is little.
        if narrow && count.units == 0 && !on {
            continue;
        }
        let shown =
            text::rich(format!("{} {}", fate.word(), format::number(count.records)), text::regular(text::SMALL), {
                if count.units == 0 { t.text_faint } else { fate_sign::color(fate, t) }
            });
        let button = ui.add(Button::selectable(on, shown));
        button.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, on, &name));
        let hover = if on { "Show all again" } else { "Show only these" };
        if button.on_hover_text(format!("{name}\n{hover}")).clicked() {
            state.only = if on { None } else { Some(fate) };
            state.selected = None;
            state.update(ctx);
        }
    }
    let again = totals.dropped_again;
    if again > 0 {
        let words = format!("{} came again and were dropped", format::count(again, "line"));
        ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
    }
}

fn words(count: Count) -> String {
    format!("{} in {}", format::count(count.records, "record"), format::count(count.units, "unit"))
}

fn empty_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let streams = ctx.model.streams.zero.is_some() || ctx.model.application.id.is_empty();
    let words = match (ctx.controllable, streams) {
        (true, true) => "Nothing was received yet: press Play, or send lines to the source of the program",
        (true, false) => "This program receives nothing: choose a streaming one beside Faultline's name",
        (false, _) => "This log does not say what was received: open another, or run a streaming program",
    };
    // The panel keeps its size whatever it shows.
    ui.set_min_size(ui.available_size());
    ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
}
