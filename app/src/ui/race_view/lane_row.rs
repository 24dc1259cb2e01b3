//! One lane: what it keeps, what it did, what it costs.

use super::columns::{Columns, Side, cell, in_cell, line_in};
use super::{fate_columns, work_bar};
use crate::command::{AppCommand, RaceCommand};
use crate::model::Sign;
use crate::race::{FATES, Lane, LaneRun, LaneSlot, LaneState, Words, lane_note, signed};
use crate::theme::widgets::{bar_ui, line_ui};
use crate::theme::{RADIUS, STEP, Tokens, format, text};
use crate::ui::{ViewCtx, cell as sign_cell};
use egui::{Align2, Button, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, WidgetType, pos2, vec2};

/// What all rows of a table share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Height of a row.
    pub height: f32,
    /// What the longest bar counts.
    pub longest: u64,
}

/// Where the upper and the lower line of a row are.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub row: Rect,
    pub upper: f32,
    pub lower: f32,
}

impl Lines {
    /// Of each of them.
    pub const fn height(self) -> f32 {
        LINE
    }
}

/// Height of a line of words.
const LINE: f32 = 5.0 * STEP;

/// The row of a lane.
pub(super) fn lane_row_ui(
    ui: &mut Ui,
    ctx: &ViewCtx<'_>,
    slot: &LaneSlot,
    columns: &Columns,
    words: &Words,
    scale: Scale,
) {
    let t = Tokens::of(ui.ctx());
    let (row, response) = ui.allocate_exact_size(vec2(columns.width, scale.height), Sense::hover());
    // A child, so that what is put into the row does not move what follows.
    let ui = &mut ui.new_child(UiBuilder::new().max_rect(row));
    ui.spacing_mut().interact_size.y = 6.0 * STEP;
    ui.painter().rect(row, RADIUS, t.panel, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let summary = summary(slot, words);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, &summary));
    let lines = Lines { row, upper: row.center().y - LINE - 0.5 * STEP, lower: row.center().y + 0.5 * STEP };
    title_ui(ui, ctx, slot, columns, lines);
    match &slot.state {
        LaneState::Pending => {
            let word = if ctx.race.phase == crate::race::RacePhase::Running { "waits" } else { "not computed" };
            let words = text::rich(word, text::regular(text::SMALL), t.text_faint);
            line_in(ui, middle(row, columns.work), Side::Left, words);
        }
        LaneState::Running { share } => running_ui(ui, slot, *share, columns, row),
        LaneState::Done(done) => {
            done_ui(ui, ctx, &done.lane, columns, words, lines, scale);
            open_ui(ui, ctx, slot, columns, words, row);
        }
    }
}

/// The whole row in words, for assistive technology and tests.
fn summary(slot: &LaneSlot, words: &Words) -> String {
    let title = slot.policy.title();
    let badge = if slot.spark_allows { "" } else { ", Spark refuses this here" };
    let LaneState::Done(done) = &slot.state else { return format!("Lane {title}{badge}") };
    let lane = &done.lane;
    if lane.struck_at.is_none() {
        return format!("Lane {title}{badge}, the fault did not strike");
    }
    if let Some(fates) = lane.fates {
        let of = |fate| {
            let (with, without) = fates.records(fate);
            format!("{} {with} with the {fault} and {without} without", fate.word(), fault = words.fault)
        };
        let received = fates.with_fault.received.records;
        return format!("Lane {title}, of {received} records received: {}", FATES.map(of).join(", "));
    }
    let struck = &lane.struck;
    let Words { fault, part, every, .. } = words;
    let (without, with) = lane.counted();
    format!(
        "Lane {title}{badge}, {} {}, {part} the {fault} {}, added by the {fault} {}, read from checkpoint {}, \
         memory {}, written {}",
        every.join(" "),
        without,
        with,
        signed(lane.added()),
        struck.with_fault.checkpoint_partitions_read,
        format::bytes(lane.upkeep.cached_bytes_peak),
        format::bytes(lane.upkeep.checkpoint_bytes_written),
    )
}

fn title_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, slot: &LaneSlot, columns: &Columns, lines: Lines) {
    let t = Tokens::of(ui.ctx());
    in_cell(ui, cell(lines.row, columns.title, lines.upper, LINE), Side::Left, |ui| {
        line_ui(ui, text::rich(slot.policy.title(), text::semibold(text::MEDIUM), t.text));
        if !slot.spark_allows {
            badge_ui(ui, ctx.race.kept_operator());
        }
    });
    let words = text::rich(&slot.explanation, text::regular(text::SMALL), t.text_soft);
    line_in(ui, cell(lines.row, columns.title, lines.lower, LINE), Side::Left, words);
}

/// Says that Spark would not run the program this way.
fn badge_ui(ui: &mut Ui, operator: &str) {
    let t = Tokens::of(ui.ctx());
    let room = ui.available_width() - 2.0 * STEP;
    let words = text::line(ui.painter(), "Spark refuses this here", text::regular(text::SMALL), t.text, room);
    let (rect, response) = ui.allocate_exact_size(words.size() + vec2(3.0 * STEP, STEP), Sense::hover());
    ui.painter().rect_stroke(rect, rect.height() / 2.0, Stroke::new(1.0, t.again), StrokeKind::Inside);
    let at = Align2::CENTER_CENTER.align_size_within_rect(words.size(), rect).min;
    ui.painter().galley(at, words, t.text);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, "Spark refuses this here"));
    response.on_hover_text(format!(
        "Spark insists on a storage level and on a checkpoint interval for {operator}, and does not start without; \
         here the lane runs all the same, to be compared"
    ));
}

fn running_ui(ui: &mut Ui, slot: &LaneSlot, share: f32, columns: &Columns, row: Rect) {
    let t = Tokens::of(ui.ctx());
    let percent = format!("{:.0} %", share * 100.0);
    let name = format!("Lane {}, {percent} computed", slot.policy.title());
    let bar = middle(row, columns.work);
    let bar = Rect::from_center_size(bar.center(), vec2(bar.width(), 2.0 * STEP));
    in_cell(ui, bar, Side::Left, |ui| bar_ui(ui, share, t.computing, &name));
    let words = text::rich(percent, text::regular(text::SMALL), t.text_soft);
    line_in(ui, middle(row, columns.every), Side::Right, words);
}

fn done_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, lane: &Lane, columns: &Columns, words: &Words, lines: Lines, scale: Scale) {
    let t = Tokens::of(ui.ctx());
    let row = lines.row;
    if lane.fates.is_none() {
        upkeep_ui(ui, ctx, lane, columns, lines);
    }
    if lane.struck_at.is_none() {
        let words = text::rich("the fault did not strike", text::regular(text::SMALL), t.text_soft);
        line_in(ui, middle(row, (columns.work.0, columns.every.1)), Side::Left, words);
        return;
    }
    if lane.fates.is_some() {
        fate_columns::fates_ui(ui, lane, columns, words, lines);
        return;
    }
    work_bar::work_bar_ui(ui, middle(row, columns.work), lane, scale.longest, words);
    let struck = &lane.struck;
    let (without, with) = lane.counted();
    let numbers = [(columns.every, without), (columns.with, with)];
    for (column, number) in numbers {
        counted_ui(ui, column, lines, (format::number(number), number), "partition", t.text);
    }
    let added = lane.added();
    let color = if added > 0 { t.again } else { t.text };
    counted_ui(ui, columns.added, lines, (signed(added), added.unsigned_abs()), "partition", color);
    read_ui(ui, struck.with_fault.checkpoint_partitions_read, middle(row, columns.read));
}

/// A number, and below it what it counts.
pub(super) fn counted_ui(
    ui: &mut Ui,
    column: (f32, f32),
    lines: Lines,
    (words, count): (String, u64),
    unit: &str,
    color: egui::Color32,
) {
    let t = Tokens::of(ui.ctx());
    let words = text::rich(words, text::semibold(text::LARGE), color);
    line_in(ui, cell(lines.row, column, lines.upper - STEP, LINE + STEP), Side::Right, words);
    let unit = if count == 1 { unit.to_owned() } else { format!("{unit}s") };
    let unit = text::rich(unit, text::regular(text::SMALL), t.text_faint);
    line_in(ui, cell(lines.row, column, lines.lower, LINE), Side::Right, unit);
}

fn read_ui(ui: &mut Ui, partitions: u64, room: Rect) {
    let t = Tokens::of(ui.ctx());
    if partitions == 0 {
        line_in(ui, room, Side::Left, text::rich("none", text::regular(text::MEDIUM), t.text_faint));
        return;
    }
    let sign = Rect::from_center_size(pos2(room.left() + 2.5 * STEP, room.center().y), vec2(20.0, 20.0));
    let mut shapes = Vec::new();
    sign_cell::shapes(sign_cell::plain(Sign::ReadBack), sign, t, false, &mut shapes);
    ui.painter().extend(shapes);
    let words = text::rich(format::count(partitions, "partition"), text::semibold(text::MEDIUM), t.checkpoint);
    line_in(ui, room.with_min_x(room.left() + 7.0 * STEP), Side::Left, words);
}

fn upkeep_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, lane: &Lane, columns: &Columns, lines: Lines) {
    let t = Tokens::of(ui.ctx());
    let (memory, written) = (lane.upkeep.cached_bytes_peak, lane.upkeep.checkpoint_bytes_written);
    let upkeep = format!("{} · {}", format::bytes(memory), format::bytes(written));
    let words = text::rich(upkeep, text::regular(text::MEDIUM), t.text);
    let note = ctx.race.result.as_ref().and_then(|race| lane_note(race, lane));
    let Some(note) = note else {
        line_in(ui, middle(lines.row, columns.upkeep), Side::Left, words);
        return;
    };
    line_in(ui, cell(lines.row, columns.upkeep, lines.upper, LINE), Side::Left, words);
    let note = text::rich(note, text::semibold(text::SMALL), t.text_soft);
    line_in(ui, cell(lines.row, columns.upkeep, lines.lower, LINE), Side::Left, note);
}

/// The two runs of the lane, to open in the lineage view.
fn open_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, slot: &LaneSlot, columns: &Columns, words: &Words, row: Rect) {
    let room = cell(row, columns.open, row.top(), row.height());
    let fault = words.fault;
    let runs = [
        (LaneRun::WithFault, room.center().y - 6.5 * STEP, "With".to_owned(), format!("with the {fault}")),
        (LaneRun::WithoutFault, room.center().y + 0.5 * STEP, "Without".to_owned(), format!("without the {fault}")),
    ];
    for (run, top, label, which) in runs {
        let rect = Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), 6.0 * STEP));
        let name = format!("Open lane {}, {which}", slot.policy.title());
        let button =
            ui.put(rect, Button::new(text::rich(label, text::regular(text::SMALL), ui.visuals().text_color())));
        button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &name));
        if button.on_hover_text(format!("This lane {which}, as its own run in the lineage view")).clicked() {
            ctx.send.send(AppCommand::Race(RaceCommand::OpenLane { policy: slot.policy, run }));
        }
    }
}

/// A cell over the whole height of the row.
fn middle(row: Rect, column: (f32, f32)) -> Rect {
    cell(row, column, row.top(), row.height())
}
