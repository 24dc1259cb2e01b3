//! Wishes to see another moment of the run, and the keys for them.

use super::AppCommand;
use crate::model::{Shown, Stride, Way};
use crate::ui::ViewCtx;
use egui::{Context, Key, Modifiers};

/// Which moment to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrub {
    /// The one after so many envelopes; the newest one when there are not more.
    To(usize),
    /// The newest one, whatever comes.
    Live,
    /// One that is a step away from what is shown.
    Step {
        /// How far.
        stride: Stride,
        /// Which way.
        way: Way,
    },
}

/// Shift with ← and → goes by one batch, Alt by one event; Home is the beginning, End the present.
pub(super) fn send_scrub_shortcuts(ctx: &Context, view: &ViewCtx<'_>) {
    // A key that nobody can see the effect of stays with the control that has the focus.
    let free = ctx.memory(|memory| memory.focused().is_none());
    if !free || view.time.timeline.is_empty() {
        return;
    }
    let pressed = |modifiers: Modifiers, key: Key| {
        ctx.input_mut(|input| input.modifiers == modifiers && input.consume_key(modifiers, key))
    };
    for (modifiers, stride) in [(Modifiers::SHIFT, Stride::Batch), (Modifiers::ALT, Stride::Event)] {
        for (key, way) in [(Key::ArrowLeft, Way::Back), (Key::ArrowRight, Way::Forward)] {
            if pressed(modifiers, key) {
                view.send.send(AppCommand::Scrub(Scrub::Step { stride, way }));
            }
        }
    }
    if pressed(Modifiers::NONE, Key::Home) {
        view.send.send(AppCommand::Scrub(Scrub::To(0)));
    }
    if pressed(Modifiers::NONE, Key::End) && view.time.shown != Shown::Live {
        view.send.send(AppCommand::Scrub(Scrub::Live));
    }
}
