//! The work in the struck part of a run as one bar: done anyway, read from the checkpoint, added.

use crate::race::{Lane, LaneSlot, LaneState, Words};
use crate::theme::widgets::line_ui;
use crate::theme::{RADIUS_SMALL, STEP, Tokens, text};
use crate::ui::cell::hatched_bar;
use egui::{Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

/// Height of a bar.
const HEIGHT: f32 = 6.0 * STEP;
/// The shortest part, so that one partition of many is still seen.
const SHORTEST: f32 = STEP;
/// Between two parts.
const GAP: f32 = 2.0;

/// What a part of a bar stands for.
#[derive(Clone, Copy)]
enum Part {
    Anyway,
    Read,
    Added,
}

/// The three counts of a bar.
fn counts(lane: &Lane) -> [(Part, u64); 3] {
    let with_fault = &lane.struck.with_fault;
    let added = u64::try_from(lane.added()).unwrap_or(0).min(with_fault.computed_partitions);
    [
        (Part::Anyway, with_fault.computed_partitions - added),
        (Part::Read, with_fault.checkpoint_partitions_read),
        (Part::Added, added),
    ]
}

/// What the longest bar of the computed lanes counts.
pub(super) fn longest(lanes: &[LaneSlot]) -> u64 {
    let done = lanes.iter().filter_map(|slot| match &slot.state {
        LaneState::Done(done) => Some(counts(&done.lane).iter().map(|(_, n)| n).sum()),
        LaneState::Pending | LaneState::Running { .. } => None,
    });
    done.max().unwrap_or(0)
}

/// The bar of a lane in the middle of `room`.
pub(super) fn work_bar_ui(ui: &mut Ui, room: Rect, lane: &Lane, longest: u64, words: &Words) {
    let counts = counts(lane);
    let [(_, anyway), (_, read), (_, added)] = counts;
    let scale = (room.width() - 2.0 * GAP - 2.0 * SHORTEST).max(0.0) / longest.max(1) as f32;
    let top = room.center().y - HEIGHT / 2.0;
    let mut left = room.left();
    for (part, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let width = (count as f32 * scale).max(SHORTEST);
        part_ui(ui, part, Rect::from_min_size(pos2(left, top), vec2(width, HEIGHT)));
        left += width + GAP;
    }
    let whole = Rect::from_min_max(pos2(room.left(), top), pos2(left.max(room.left() + SHORTEST), top + HEIGHT));
    let response = ui.interact(whole, ui.id().with(("work", lane.policy.name())), Sense::hover());
    let told = format!(
        "{anyway} partitions done anyway, {read} read from the checkpoint, {added} added by the {}",
        words.fault
    );
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, format!("Work, {told}")));
    response.on_hover_text(told);
}

fn part_ui(ui: &Ui, part: Part, rect: Rect) {
    let t = Tokens::of(ui.ctx());
    let radius = RADIUS_SMALL.min(rect.width() / 2.0);
    match part {
        Part::Anyway => drop(ui.painter().rect_filled(rect, radius, t.first_time)),
        Part::Read => {
            let stroke = Stroke::new(1.5, t.checkpoint);
            ui.painter().rect(rect, radius, t.checkpoint.gamma_multiply(0.15), stroke, StrokeKind::Inside);
        }
        Part::Added => {
            let mut shapes = Vec::new();
            hatched_bar(rect, t.again, &mut shapes);
            ui.painter().extend(shapes);
        }
    }
}

/// What the parts of a bar mean, and beside that a note.
pub(super) fn key_ui(ui: &mut Ui, words: &Words, note: &str) {
    let t = Tokens::of(ui.ctx());
    let parts = [
        (Part::Anyway, "done anyway".to_owned()),
        (Part::Read, "read from the checkpoint".to_owned()),
        (Part::Added, format!("added by the {}", words.fault)),
    ];
    ui.horizontal(|ui| {
        ui.add_space(4.0 * STEP);
        for (part, meaning) in parts {
            let (rect, _) = ui.allocate_exact_size(vec2(4.0 * STEP, 3.0 * STEP), Sense::hover());
            part_ui(ui, part, rect);
            line_ui(ui, text::rich(meaning, text::regular(text::SMALL), t.text_soft));
            ui.add_space(2.0 * STEP);
        }
        if !note.is_empty() {
            line_ui(ui, text::rich(note, text::regular(text::SMALL), t.text_faint));
        }
    });
}
