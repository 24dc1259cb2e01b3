//! The timeline by keyboard: Tab reaches it, arrows go from task to task, Enter selects.

use super::{TimelineState, reveal};
use crate::command::{AppCommand, Focus};
use crate::scene::timeline::{Axis, Step, neighbour, task_words};
use crate::ui::ViewCtx;
use egui::{EventFilter, Key, Modifiers, Response, Ui, WidgetInfo, WidgetType};

const STEPS: [(Key, Step); 4] = [
    (Key::ArrowLeft, Step::Before),
    (Key::ArrowRight, Step::After),
    (Key::ArrowUp, Step::Up),
    (Key::ArrowDown, Step::Down),
];

/// Moves and selects while the plot has the focus; names it in any case.
pub(super) fn keys(ui: &Ui, ctx: &ViewCtx<'_>, state: &mut TimelineState, response: &Response) {
    let cursor = state.cursor.and_then(|task| ctx.model.tasks.get(&task));
    let name = || match cursor {
        Some(task) => format!("Timeline, {}", task_words(ctx.model, task)),
        None => "Timeline".to_owned(),
    };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, name()));
    if !response.has_focus() {
        return;
    }
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    for (key, step) in STEPS {
        if !pressed(key) {
            continue;
        }
        let selected = match ctx.focus {
            Some(Focus::Task(task)) => Some(task),
            _ => None,
        };
        if let Some(next) = neighbour(ctx.model, state.cursor.or(selected), step) {
            state.cursor = Some(next);
            reveal(ctx.model, state, &Axis::new(ctx.model, state.idle(ctx.model)), next);
        }
    }
    if let Some(task) = state.cursor
        && pressed(Key::Enter)
    {
        ctx.send.send(AppCommand::Focus(Focus::Task(task)));
    }
}
