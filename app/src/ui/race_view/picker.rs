//! Choosing the fault of a race: what, whom, when.

use crate::command::{AppCommand, RaceCommand};
use crate::race::{Action, BATCHES_MAX, FaultDraft, When, fault_words};
use crate::theme::widgets::{card, line_ui};
use crate::theme::{STEP, Tokens, text};
use crate::ui::ViewCtx;
use egui::{Button, ComboBox, DragValue, Ui, WidgetInfo, WidgetType, vec2};
use std::ops::RangeInclusive;

/// Batches that can be chosen: the batch that pays and one more belong to the race.
const BATCHES: RangeInclusive<u32> = 1..=BATCHES_MAX - 2;
/// Stages, tasks, partitions, executors that can be written.
const ANY: RangeInclusive<u32> = 0..=9_999;
/// How much slower an executor can become.
const FACTORS: RangeInclusive<f64> = 1.0..=1_000.0;

/// The picker, while a fault is being chosen.
pub(super) fn picker_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, picker: &mut Option<FaultDraft>) {
    let Some(draft) = picker else { return };
    let t = Tokens::of(ui.ctx());
    let mut close = false;
    ui.add_space(STEP);
    card(t).fill(t.panel).inner_margin(4.0 * STEP).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0 * STEP;
        ui.horizontal_wrapped(|ui| {
            choice_ui(ui, "What fails", draft.action.name(), Action::ALL, Action::name, &mut draft.action);
            target_ui(ui, ctx, draft);
            if ctx.race.streaming() {
                choice_ui(ui, "When it fails", draft.when.name(), When::ALL, When::name, &mut draft.when);
            } else {
                draft.when = When::DuringTask;
                words_ui(ui, "while a task runs");
            }
            moment_ui(ui, draft);
        });
        let fault = draft.fault();
        let problem = ctx.race.request(&fault).err();
        line_ui(ui, text::rich(format!("--fault {fault}"), text::mono(text::SMALL), t.text_soft));
        match &problem {
            Some(problem) => line_ui(ui, text::rich(problem, text::semibold(text::MEDIUM), t.lost)),
            None => line_ui(ui, text::rich(capital(&fault_words(&fault)), text::regular(text::MEDIUM), t.text_soft)),
        };
        ui.horizontal(|ui| {
            let words = text::rich("Start the race", text::semibold(text::MEDIUM), t.on_primary);
            let start = Button::new(words).fill(t.primary).min_size(vec2(0.0, 8.0 * STEP));
            if ui.add_enabled(problem.is_none(), start).clicked() {
                ctx.send.send(AppCommand::Race(RaceCommand::Start { fault }));
                close = true;
            }
            let raced = ctx.race.plan.is_some();
            if raced && ui.add(Button::new("Keep the fault").min_size(vec2(0.0, 8.0 * STEP))).clicked() {
                close = true;
            }
        });
    });
    if close {
        *picker = None;
    }
}

fn target_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, draft: &mut FaultDraft) {
    match draft.action {
        Action::KillDriver => words_ui(ui, "and its executors"),
        Action::Kill => number_ui(ui, "Executor", &mut draft.executor, ANY),
        Action::Slow => {
            number_ui(ui, "Executor", &mut draft.executor, ANY);
            let factor = ui.add(DragValue::new(&mut draft.factor).range(FACTORS).speed(0.1).suffix(" times"));
            factor.widget_info(|| WidgetInfo::labeled(WidgetType::DragValue, true, "Times slower"));
        }
        Action::Drop => {
            operator_ui(ui, ctx, draft);
            if let Some(batch) = &mut draft.of_batch {
                words_ui(ui, "of batch");
                number_ui(ui, "Batch of the partition", batch, BATCHES);
            }
            words_ui(ui, "partition");
            number_ui(ui, "Partition", &mut draft.partition, ANY);
        }
    }
}

/// Operators whose data is kept: of others nothing can be dropped.
fn operator_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, draft: &mut FaultDraft) {
    let model = ctx.model;
    let kept = |rdd: &faultline_engine::ids::RddId| model.rdds.get(rdd).is_some_and(|r| r.info.level.is_valid());
    let known = model.operators.iter().filter(|(_, batches)| batches.values().flatten().any(kept));
    let combo = ComboBox::from_id_salt("operator").width(160.0).truncate().selected_text(&draft.operator);
    let shown = combo.show_ui(ui, |ui| {
        for (operator, _) in known {
            if ui.selectable_label(draft.operator == operator.as_str(), operator.as_str()).clicked() {
                draft.operator = operator.as_str().to_owned();
            }
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Operator"));
}

fn moment_ui(ui: &mut Ui, draft: &mut FaultDraft) {
    match draft.when {
        When::BeforeBatch => number_ui(ui, "Batch", &mut draft.batch, BATCHES),
        When::DuringTask => {
            words_ui(ui, "stage");
            number_ui(ui, "Stage", &mut draft.stage, ANY);
            words_ui(ui, "task");
            number_ui(ui, "Task", &mut draft.task, ANY);
        }
    }
}

fn choice_ui<T: Copy + PartialEq, const N: usize>(
    ui: &mut Ui,
    name: &str,
    selected: &str,
    all: [T; N],
    name_of: impl Fn(T) -> &'static str,
    chosen: &mut T,
) {
    let shown = ComboBox::from_id_salt(name).width(152.0).selected_text(selected).show_ui(ui, |ui| {
        for value in all {
            if ui.selectable_label(*chosen == value, name_of(value)).clicked() {
                *chosen = value;
            }
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, name));
}

fn number_ui(ui: &mut Ui, name: &str, number: &mut u32, range: RangeInclusive<u32>) {
    let value = ui.add(DragValue::new(number).range(range).speed(0.1));
    value.widget_info(|| WidgetInfo::labeled(WidgetType::DragValue, true, name));
}

fn words_ui(ui: &mut Ui, words: &str) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich(words, text::regular(text::SMALL), t.text_soft));
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), chars.as_str()))
}
