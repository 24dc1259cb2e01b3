//! The race of the policies: the outcome, what was raced, one lane per policy, how to read it.

mod columns;
mod fate_columns;
mod header;
mod lane_row;
mod picker;
mod strip;
mod work_bar;

pub use strip::lane_strip_ui;

use self::columns::Columns;
use self::lane_row::{Scale, lane_row_ui};
use super::ViewCtx;
use crate::race::{FaultDraft, RacePhase, Words, reading};
use crate::theme::widgets::{card, line_ui};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Label, ScrollArea, Sense, Ui, vec2};

/// Lowest row of a lane.
const ROW_MIN: f32 = 16.0 * STEP;
/// Highest.
const ROW_MAX: f32 = 22.0 * STEP;
/// What the page keeps free below the lanes, for the footnote and how to read it.
const BELOW_LANES: f32 = 56.0 * STEP;

/// What the view keeps between frames.
#[derive(Debug, Default)]
pub struct RaceViewState {
    /// The fault that is being chosen.
    picker: Option<FaultDraft>,
}

/// Fills the page.
pub fn race_view_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut RaceViewState) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.y = STEP;
    if !ctx.race.can_race() && ctx.race.plan.is_none() {
        line_ui(ui, text::rich("A log holds one run only", text::semibold(text::LARGE), t.text));
        let way_out = "Open a program at the top left, and race its policies with the same fault";
        line_ui(ui, text::rich(way_out, text::regular(text::MEDIUM), t.text_soft));
        return;
    }
    if ctx.race.phase == RacePhase::Idle && state.picker.is_none() {
        state.picker = ctx.race.draft();
    }
    header::header_ui(ui, ctx, state);
    picker::picker_ui(ui, ctx, &mut state.picker);
    ScrollArea::vertical().id_salt("race").auto_shrink([false, false]).show(ui, |ui| lanes_ui(ui, ctx));
}

fn lanes_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let Some(plan) = &ctx.race.plan else { return };
    let faults: Vec<String> = plan.faults.iter().map(ToString::to_string).collect();
    let words = Words::of(&faults, plan.streaming);
    let columns = Columns::of(ui.available_width());
    ui.spacing_mut().item_spacing.y = 2.0 * STEP;
    let received = ctx.race.lanes.iter().any(|lane| lane.policy.is_of_received());
    let headings =
        if received { fate_columns::headings(&columns, &words) } else { columns::headings(&columns, &words) };
    columns::headings_ui(ui, &columns, headings);
    let lanes = ctx.race.lanes.len().max(1) as f32;
    let room = ui.available_height() - BELOW_LANES;
    let height = (room / lanes - 2.0 * STEP).clamp(ROW_MIN, ROW_MAX).floor();
    let scale = Scale { height, longest: work_bar::longest(&ctx.race.lanes) };
    for slot in &ctx.race.lanes {
        lane_row_ui(ui, ctx, slot, &columns, &words, scale);
    }
    ui.spacing_mut().item_spacing.y = STEP;
    if received {
        fate_columns::key_ui(ui);
        let footnote = "Counted in records, by the ledger of each run; what keeps computed data is raced with an input \
                        that can be read again, as a replayed text";
        line_ui(ui, text::rich(footnote, text::regular(text::SMALL), t.text_faint));
        reading_ui(ui, ctx);
        return;
    }
    // Programs without batches have no receivers.
    let absent = "No lanes for the write-ahead log: this input is read, not received; see the menu of inputs";
    work_bar::key_ui(ui, &words, if plan.streaming { absent } else { "" });
    let part = if plan.streaming { "the same batch" } else { "the same jobs" };
    let [every, of] = words.every;
    let marked = "lanes that Spark itself would refuse are marked";
    let footnote = if !words.counted.is_empty() {
        format!("Counted in (operator, batch, partition): {}; {marked}", words.counted)
    } else {
        format!(
            "Counted in (operator, batch, partition); \"{every} {of}\" is {part} of the same run without the {}; \
         {marked}",
            words.fault
        )
    };
    line_ui(ui, text::rich(footnote, text::regular(text::SMALL), t.text_faint));
    reading_ui(ui, ctx);
}

fn reading_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let sentences = ctx.race.result.as_ref().map(|race| reading(race, format::bytes)).unwrap_or_default();
    if sentences.is_empty() {
        return;
    }
    ui.add_space(2.0 * STEP);
    card(t).fill(t.panel).inner_margin(4.0 * STEP).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = STEP;
        line_ui(ui, text::rich("Read it like this", text::semibold(text::MEDIUM), t.text));
        for sentence in sentences {
            ui.add(Label::new(text::rich(sentence, text::regular(text::MEDIUM), t.text_soft)).wrap());
        }
    });
    ui.allocate_exact_size(vec2(1.0, STEP), Sense::hover());
}
