//! One step of a chain: its sign, its words, and what is folded into it.

use crate::command::Focus;
use crate::model::Sign;
use crate::scene::why::Step;
use crate::theme::{STEP, Tokens, text};
use crate::ui::cell;
use egui::text::LayoutJob;
use egui::{Color32, Galley, Id, Rect, Response, Sense, Stroke, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2};
use std::sync::Arc;

const CELL: f32 = 16.0;
/// From the left edge to the words.
const WORDS: f32 = 24.0;
/// Width of the control that shows what is folded.
const FOLD: f32 = 36.0;
/// Height of a step of one line.
const LINE: f32 = 24.0;

/// What the user did with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAction {
    /// Went where it leads.
    Follow(Focus),
    /// Opened or closed what is folded.
    Toggle,
}

/// Draws the step and, when it is open, what is folded into it.
pub fn step_ui(ui: &mut Ui, step: &Step, index: usize, open: bool) -> Option<StepAction> {
    let id = ui.id().with(("step", index));
    let mut action = line_ui(ui, step, id, 0.0, Some(open));
    if open {
        for (at, folded) in step.folded.iter().enumerate() {
            action = action.or(line_ui(ui, folded, id.with(at), WORDS, None));
        }
    }
    action
}

fn line_ui(ui: &mut Ui, step: &Step, id: Id, indent: f32, fold: Option<bool>) -> Option<StepAction> {
    let t = Tokens::of(ui.ctx());
    let fold = fold.filter(|_| !step.folded.is_empty());
    let left = if indent > 0.0 && step.sign.is_none() { indent } else { indent + WORDS };
    let room = ui.available_width() - left - if fold.is_some() { FOLD } else { 0.0 };
    let galley = words(ui, step, t, room);
    let height = (galley.size().y + 2.0 * STEP).max(LINE);
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    if let Some(sign) = step.sign {
        let middle = row.top() + LINE / 2.0;
        let square = Rect::from_center_size(pos2(row.left() + indent + CELL / 2.0, middle), Vec2::splat(CELL));
        let mut shapes = Vec::new();
        cell::shapes(cell::plain(sign), square, t, false, &mut shapes);
        ui.painter().extend(shapes);
    }
    let place = Rect::from_min_size(pos2(row.left() + left, row.top() + STEP), galley.size());
    let followed = words_ui(ui, step, id, place, galley, t);
    let toggled = fold.is_some_and(|open| fold_ui(ui, step, id.with("fold"), row, open, t));
    match (followed, step.link) {
        (true, Some(to)) => Some(StepAction::Follow(to)),
        _ => toggled.then_some(StepAction::Toggle),
    }
}

/// Whether the words were clicked.
fn words_ui(ui: &Ui, step: &Step, id: Id, place: Rect, galley: Arc<Galley>, t: &Tokens) -> bool {
    let sense = if step.link.is_some() { Sense::click() } else { Sense::hover() };
    let response = ui.interact(place, id, sense);
    let kind = if step.link.is_some() { WidgetType::Link } else { WidgetType::Label };
    response.widget_info(|| WidgetInfo::labeled(kind, true, &step.words));
    ui.painter().galley(place.min, galley, t.text);
    if step.link.is_none() {
        return false;
    }
    underline(ui, &response, t);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// A line below a link, faint until it is pointed at.
fn underline(ui: &Ui, response: &Response, t: &Tokens) {
    let active = response.hovered() || response.has_focus();
    let stroke = Stroke::new(1.0, if active { t.text } else { t.line });
    ui.painter().hline(response.rect.x_range(), response.rect.bottom() + 1.0, stroke);
    if response.has_focus() {
        let around = response.rect.expand(2.0);
        ui.painter().rect_stroke(around, 2.0, Stroke::new(2.0, t.selection), egui::StrokeKind::Outside);
    }
}

fn fold_ui(ui: &Ui, step: &Step, id: Id, row: Rect, open: bool, t: &Tokens) -> bool {
    let place = Rect::from_min_size(pos2(row.right() - FOLD, row.top()), vec2(FOLD, LINE));
    let response = ui.interact(place, id, Sense::click());
    let count = step.folded.len();
    let name = if open { "Hide" } else { "Show" };
    response.widget_info(|| {
        WidgetInfo::selected(
            WidgetType::CollapsingHeader,
            true,
            open,
            format!("{name} {count} steps of {}", step.words),
        )
    });
    let color = if response.hovered() || response.has_focus() { t.text } else { t.text_faint };
    let at = place.left_center() + vec2(2.0 * STEP, 0.0);
    let tip = if open {
        vec![at + vec2(-STEP, -2.0), at + vec2(STEP, -2.0), at + vec2(0.0, STEP)]
    } else {
        vec![at + vec2(-2.0, -STEP), at + vec2(STEP, 0.0), at + vec2(-2.0, STEP)]
    };
    ui.painter().add(egui::Shape::convex_polygon(tip, color, Stroke::NONE));
    let at = at + vec2(2.0 * STEP, 0.0);
    text::paint_line(ui.painter(), at, &count.to_string(), text::regular(text::SMALLEST), color, FOLD / 2.0);
    response.on_hover_text(format!("{count} plain steps")).clicked()
}

fn words(ui: &Ui, step: &Step, t: &Tokens, room: f32) -> Arc<Galley> {
    let color = words_color(step.sign, t);
    let job = LayoutJob::simple(step.words.clone(), text::regular(text::SMALL), color, room.max(40.0));
    ui.painter().layout_job(job)
}

/// The colour of words after a sign: readable on a panel in every theme.
fn words_color(sign: Option<Sign>, t: &Tokens) -> Color32 {
    match sign {
        None => t.text_soft,
        Some(Sign::NeverComputed | Sign::ComputedNotKept | Sign::Evicted) => t.text_soft,
        Some(Sign::Computing | Sign::InMemory | Sign::OnDisk) => t.text,
        Some(Sign::ComputingAgain) => t.again_words,
        Some(Sign::ReadBack | Sign::CheckpointPart) => t.checkpoint,
        Some(Sign::Lost) => t.lost,
    }
}
