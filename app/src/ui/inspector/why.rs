//! Why: the chain for the selected partition or task, its links, and which tier served.

use super::super::ViewCtx;
use super::read_order::read_order_ui;
use super::step::{StepAction, step_ui};
use crate::command::{AppCommand, Focus};
use crate::scene::why::{Why, why};
use crate::theme::{STEP, Tokens, text};
use egui::{Button, Label, Ui, WidgetInfo, WidgetType};
use std::collections::BTreeSet;

/// Links that can be gone back.
const HISTORY: usize = 64;

/// What the section keeps between frames.
#[derive(Debug, Default)]
pub struct WhyState {
    /// The last answer, and of what.
    cached: Option<(u64, Focus, Why)>,
    /// Steps whose folded ones are shown.
    open: BTreeSet<usize>,
    /// Where links were followed from.
    history: Vec<Focus>,
    /// What was asked about in the last frame, and what a link asks for.
    shown: Option<Focus>,
    followed: Option<Focus>,
}

impl WhyState {
    /// The answer; asked again only when the model or the question changed.
    fn answer(&mut self, ctx: &ViewCtx<'_>, focus: Focus) -> Why {
        if self.shown != Some(focus) {
            if self.followed.take() != Some(focus) {
                self.history.clear();
            }
            self.open.clear();
            self.shown = Some(focus);
        }
        match self.cached.take() {
            Some((revision, of, answer)) if revision == ctx.model.revision && of == focus => answer,
            _ => why(ctx.model, focus),
        }
    }

    fn follow(&mut self, ctx: &ViewCtx<'_>, to: Focus) {
        self.followed = Some(to);
        ctx.send.send(AppCommand::Focus(to));
    }
}

/// The section about `focus`.
pub fn why_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, focus: Focus, state: &mut WhyState) {
    let answer = state.answer(ctx, focus);
    question_ui(ui, ctx, &answer, state);
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut followed = None;
    for (index, step) in answer.steps.iter().enumerate() {
        let open = state.open.contains(&index);
        match step_ui(ui, step, index, open) {
            Some(StepAction::Follow(to)) => followed = Some(to),
            Some(StepAction::Toggle) if !state.open.remove(&index) => drop(state.open.insert(index)),
            Some(StepAction::Toggle) | None => {}
        }
    }
    ui.spacing_mut().item_spacing.y = STEP;
    ui.add_space(2.0 * STEP);
    read_order_ui(ui, answer.served);
    if let Some(to) = followed {
        if state.history.len() == HISTORY {
            state.history.remove(0);
        }
        state.history.push(focus);
        state.follow(ctx, to);
    }
    state.cached = Some((ctx.model.revision, focus, answer));
}

/// The question, and below it the way back and the copy.
fn question_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, answer: &Why, state: &mut WhyState) {
    let t = Tokens::of(ui.ctx());
    ui.add_space(STEP);
    ui.add(Label::new(text::rich(&answer.question, text::semibold(text::MEDIUM), t.text)).wrap());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = STEP;
        let mut button = |words: &str, name: &'static str, enabled: bool| {
            let label = text::rich(words, text::regular(text::SMALL), t.text_soft);
            let response = ui.add_enabled(enabled, Button::new(label).small());
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, name));
            response.clicked()
        };
        if !state.history.is_empty()
            && button("‹ Back", "Back to the question before", true)
            && let Some(before) = state.history.pop()
        {
            state.follow(ctx, before);
        }
        if !answer.steps.is_empty() && button("Copy as text", "Copy as text", true) {
            ui.ctx().copy_text(answer.text());
        }
    });
    ui.add_space(STEP);
}
