//! Keys that work everywhere in the window.

use super::scrub::send_scrub_shortcuts;
use super::{AppCommand, EngineCommand, Page, RaceCommand, Scrub, StepGrain, Transport};
use crate::model::{Shown, Stride, Way};
use crate::state::{Playback, UiState};
use crate::ui::ViewCtx;
use egui::{Context, Key, Modifiers};
use faultline_engine::ids::ExecutorId;

const DIGITS: [(Key, u32); 9] = [
    (Key::Num1, 1),
    (Key::Num2, 2),
    (Key::Num3, 3),
    (Key::Num4, 4),
    (Key::Num5, 5),
    (Key::Num6, 6),
    (Key::Num7, 7),
    (Key::Num8, 8),
    (Key::Num9, 9),
];

/// Turns keys into commands: 1–9 kill that executor, Space pauses and plays, → steps, F follows, R shows the
/// race, Esc goes back from it or from one of its lanes, and the keys of the scrubber. In the past → steps
/// through what was.
///
/// A field that is written into gets every key; Space and → stay with the focused control when there is one, which they press and move.
pub fn send_shortcuts(ctx: &Context, view: &ViewCtx<'_>, state: &UiState) {
    // What is written into a field is for the field.
    if ctx.text_edit_focused() {
        return;
    }
    let (model, send) = (view.model, view.send);
    let free = ctx.memory(|memory| memory.focused().is_none());
    let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if ctx.text_edit_focused() {
        return;
    }
    if pressed(Key::F) {
        send.send(AppCommand::FollowCamera);
    }
    if pressed(Key::R) {
        send.send(AppCommand::ShowPage(Page::Race));
    }
    let back = match state.page {
        Page::Race => Some(AppCommand::ShowPage(Page::Run)),
        Page::Run => view.race.shown.map(|_| AppCommand::Race(RaceCommand::BackToRun)),
    };
    if free && !egui::Popup::is_any_open(ctx) && back.is_some() && pressed(Key::Escape) {
        back.into_iter().for_each(|command| send.send(command));
    }
    // On the race's page nobody sees what a key would do to the run.
    if state.page == Page::Race {
        return;
    }
    send_scrub_shortcuts(ctx, view);
    for (key, number) in DIGITS.iter().copied().filter(|_| view.controllable) {
        let executor = ExecutorId(number);
        if model.executors.get(&executor).is_some_and(|e| e.alive) && pressed(key) {
            send.send(AppCommand::Engine(EngineCommand::KillExecutor { executor }));
        }
    }
    if free && view.time.running && pressed(Key::Space) {
        send.send(AppCommand::Transport(match state.playback {
            Playback::Running => Transport::Pause,
            Playback::Paused => Transport::Resume,
        }));
    }
    if free && pressed(Key::ArrowRight) {
        match view.time.shown {
            Shown::Past { .. } => {
                let stride = stride_of(state.step_grain);
                send.send(AppCommand::Scrub(Scrub::Step { stride, way: Way::Forward }));
            }
            Shown::Live if view.time.running && state.pacing => {
                send.send(AppCommand::Transport(Transport::Step(state.step_grain)));
            }
            Shown::Live => {}
        }
    }
}

/// The way through the past that is as long as a step of the engine.
pub const fn stride_of(grain: StepGrain) -> Stride {
    match grain {
        StepGrain::Task => Stride::Task,
        StepGrain::Stage => Stride::Stage,
        StepGrain::Batch => Stride::Batch,
    }
}
