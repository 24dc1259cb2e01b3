//! Faults beyond those on the cards of executors: each with its target taken from what is selected, and in
//! the words that the command line has for it.

use super::{IN_THE_PAST, NO_DRIVER, ViewCtx};
use crate::command::{AppCommand, EngineCommand, Focus};
use crate::scene::why::partition_name;
use crate::theme::widgets::{line_ui, modal_frame, separator_ui};
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Button, ComboBox, Context, DragValue, Id, Label, Layout, Modal, ScrollArea, Ui};
use egui::{WidgetInfo, WidgetType, vec2};
use faultline_engine::command::{Message, TaskTarget};
use faultline_engine::ids::Millis;

/// Width of the dialog.
const WIDTH: f32 = 680.0;
/// Width of a button.
const BUTTON: f32 = 152.0;
/// Width of what is chosen beside it.
const CONTROL: f32 = 168.0;
/// Height of a row.
const ROW: f32 = 26.0;
/// More would be another exercise; the command line takes any number.
const TIMES_MAX: u32 = 8;
/// The most that a store becomes slower here.
const SLOWER_MAX: f64 = 100.0;

/// The longest time in seconds that can be chosen here.
const SECONDS_MAX: u64 = 600;

const NO_PARTITION: &str = "Select a partition first: a cell in the lineage or a row in the inspector";
const NO_TASK: &str = "Select a task in the timeline or a partition in the lineage first";
const NO_ENGINE: &str = "Nothing runs that could fail";

/// What was chosen beside the buttons.
#[derive(Debug)]
pub struct FaultsState {
    task_times: u32,
    store_times: u32,
    factor: f64,
    message: Message,
    nth: u32,
    late_by: u64,
    driver_pause: u64,
}

impl Default for FaultsState {
    fn default() -> Self {
        Self {
            task_times: 1,
            store_times: 1,
            factor: 10.0,
            message: Message::TaskEnd,
            nth: 1,
            late_by: 5,
            driver_pause: 5,
        }
    }
}

/// One fault that can be chosen: its name, and what it would be, or what is missing.
struct Offer {
    name: &'static str,
    hover: &'static str,
    command: Result<EngineCommand, &'static str>,
}

/// The dialog over the window; Esc and a click beside it close it.
pub(super) fn faults_ui(ctx: &Context, view: &ViewCtx<'_>, state: &mut FaultsState) {
    let t = Tokens::of(ctx);
    let modal = Modal::new(Id::new("faults")).frame(modal_frame(t)).show(ctx, |ui| {
        let room = ui.ctx().content_rect().size() - vec2(24.0 * STEP, 12.0 * STEP);
        ui.set_width(WIDTH.min(room.x));
        ui.spacing_mut().item_spacing.y = STEP;
        ui.label(text::rich("Faults", text::semibold(text::LARGE), t.text));
        let help = "Each strikes at once, in the words of --fault. Kill, pause, slow and decommission: on the cards of executors.";
        ui.add(Label::new(text::rich(help, text::regular(text::SMALL), t.text_soft)).wrap());
        ui.add_space(STEP);
        let mut chosen = None;
        // What is above and below it; the rest scrolls where the window is low.
        let height = (room.y - 140.0).max(ROW);
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
        area.show(ui, |ui| chosen = offers_ui(ui, view, state));
        ui.add_space(2.0 * STEP);
        let close = ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.button("Close").clicked()).inner;
        (close, chosen)
    });
    let closing = modal.should_close();
    let (close, chosen) = modal.inner;
    if let Some(command) = chosen {
        view.send.send(AppCommand::Engine(command));
        view.send.send(AppCommand::ShowOverlay(None));
    } else if close || closing {
        view.send.send(AppCommand::ShowOverlay(None));
    }
}

fn offers_ui(ui: &mut Ui, view: &ViewCtx<'_>, state: &mut FaultsState) -> Option<EngineCommand> {
    let mut chosen = None;
    let mut offer = |ui: &mut Ui, offer: Offer, control: &mut dyn FnMut(&mut Ui)| {
        chosen = offer_ui(ui, view, offer, control).or(chosen.take());
    };
    section_ui(ui, "The selected partition", &partition_words(view));
    let block = |make: &dyn Fn(Place) -> EngineCommand| place(view).map(make).ok_or(NO_PARTITION);
    let drop = Offer {
        name: "Drop its copies",
        hover: "Every copy of the stored partition goes",
        command: block(&|p| EngineCommand::DropBlock { operator: p.0, batch: p.1, partition: p.2 }),
    };
    offer(ui, drop, &mut |_| {});
    let corrupt = Offer {
        name: "Corrupt a copy",
        hover: "A bit flips on disk or in serialized memory; the checksum finds it (R8.9)",
        command: block(&|p| EngineCommand::CorruptBlock { operator: p.0, batch: p.1, partition: p.2 }),
    };
    offer(ui, corrupt, &mut |_| {});

    section_ui(ui, "The selected task", &task_words(view));
    let task = task_target(view).ok_or(NO_TASK);
    let fail = Offer {
        name: "Fail its attempts",
        hover: "So many attempts fail, one that runs at once; four failures end the job (R4.2)",
        command: task.map(|task| EngineCommand::FailTask { task, times: state.task_times }),
    };
    offer(ui, fail, &mut |ui| times_ui(ui, "Attempts that fail", &mut state.task_times));

    section_ui(ui, "The reliable store", "");
    let times = state.store_times;
    let fail = Offer {
        name: "Fail its next writes",
        hover: "So many writes fail",
        command: Ok(EngineCommand::FailStore { times }),
    };
    offer(ui, fail, &mut |ui| times_ui(ui, "Writes that fail", &mut state.store_times));
    let slow = Offer {
        name: "Slow it down",
        hover: "It takes so many times longer; 1 heals",
        command: Ok(EngineCommand::SlowStore { factor: state.factor }),
    };
    offer(ui, slow, &mut |ui| {
        let value = DragValue::new(&mut state.factor).range(1.0..=SLOWER_MAX).max_decimals(0).suffix(" times");
        named(&ui.add(value), "How many times slower");
    });
    let hover = "No write succeeds until it is freed";
    offer(ui, Offer { name: "Fill it", hover, command: Ok(EngineCommand::FillStore) }, &mut |_| {});
    let hover = "There is room again";
    offer(ui, Offer { name: "Free it", hover, command: Ok(EngineCommand::FreeStore) }, &mut |_| {});

    section_ui(ui, "A message between driver and executor", "");
    let lose = Offer {
        name: "Lose it",
        hover: "The driver learns of it by the next heartbeat",
        command: Ok(EngineCommand::LoseMessage { message: state.message, nth: state.nth }),
    };
    offer(ui, lose, &mut |ui| message_ui(ui, state));
    let delay = Offer {
        name: "Delay it",
        hover: "It arrives late, behind messages that were sent after it",
        command: Ok(EngineCommand::DelayMessage {
            message: state.message,
            nth: state.nth,
            by: Millis(state.late_by * 1000),
        }),
    };
    offer(ui, delay, &mut |ui| seconds_ui(ui, "How much later", &mut state.late_by));
    let repeat = Offer {
        name: "Repeat it",
        hover: "It arrives twice",
        command: Ok(EngineCommand::RepeatMessage { message: state.message, nth: state.nth }),
    };
    offer(ui, repeat, &mut |_| {});

    section_ui(ui, "The driver", "");
    let pause = Offer {
        name: "Pause it",
        hover: "Its process stands still; executors and receivers go on with what they have",
        command: Ok(EngineCommand::PauseDriver { time: Millis(state.driver_pause * 1000) }),
    };
    offer(ui, pause, &mut |ui| seconds_ui(ui, "How long it stands still", &mut state.driver_pause));
    chosen
}

fn section_ui(ui: &mut Ui, title: &str, target: &str) {
    let t = Tokens::of(ui.ctx());
    separator_ui(ui);
    line_ui(ui, text::rich(title, text::semibold(text::MEDIUM), t.text));
    if !target.is_empty() {
        line_ui(ui, text::rich(target, text::regular(text::SMALL), t.text_soft)).on_hover_text(target);
    }
}

/// The button, what is chosen beside it, and the words of the command line.
fn offer_ui(ui: &mut Ui, view: &ViewCtx<'_>, offer: Offer, control: &mut dyn FnMut(&mut Ui)) -> Option<EngineCommand> {
    let t = Tokens::of(ui.ctx());
    let possible = match &offer.command {
        _ if view.is_past() => Err(IN_THE_PAST),
        _ if !view.controllable => Err(NO_ENGINE),
        _ if !view.can_act() => Err(NO_DRIVER),
        Ok(_) => Ok(()),
        Err(missing) => Err(*missing),
    };
    ui.horizontal(|ui| {
        ui.set_min_height(ROW);
        ui.spacing_mut().item_spacing.x = 3.0 * STEP;
        let button = Button::new(text::rich(offer.name, text::regular(text::SMALL), t.text));
        let button = ui.add_enabled(possible.is_ok(), button.min_size(vec2(BUTTON, ROW)));
        let clicked = button.clicked();
        button.on_disabled_hover_text(possible.err().unwrap_or_default()).on_hover_text(offer.hover);
        ui.allocate_ui_with_layout(vec2(CONTROL, ROW), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(CONTROL);
            ui.spacing_mut().item_spacing.x = STEP;
            control(ui);
        });
        let words = match (&offer.command, possible) {
            (Ok(command), Ok(())) => text::rich(command.to_string(), text::mono(text::SMALLEST), t.text_soft),
            (_, why) => text::rich(why.err().unwrap_or_default(), text::regular(text::SMALL), t.text_faint),
        };
        let whole = words.text().to_owned();
        line_ui(ui, words).on_hover_text(whole);
        offer.command.ok().filter(|_| clicked)
    })
    .inner
}

fn times_ui(ui: &mut Ui, name: &'static str, times: &mut u32) {
    let suffix = if *times == 1 { " time" } else { " times" };
    named(&ui.add(DragValue::new(times).range(1..=TIMES_MAX).suffix(suffix)), name);
}

fn seconds_ui(ui: &mut Ui, name: &'static str, seconds: &mut u64) {
    named(&ui.add(DragValue::new(seconds).range(1..=SECONDS_MAX).suffix(" s")), name);
}

fn message_ui(ui: &mut Ui, state: &mut FaultsState) {
    let combo = ComboBox::from_id_salt("message").width(88.0).truncate().selected_text(state.message.to_string());
    let shown = combo.show_ui(ui, |ui| {
        for (name, message) in Message::NAMED {
            ui.selectable_value(&mut state.message, message, name);
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Message"));
    named(&ui.add(DragValue::new(&mut state.nth).range(1..=TIMES_MAX).prefix("no. ")), "Which message from now on");
}

fn named(response: &egui::Response, name: &'static str) {
    response.widget_info(|| WidgetInfo::labeled(WidgetType::DragValue, true, name));
}

type Place =
    (faultline_engine::ids::OperatorName, Option<faultline_engine::ids::BatchId>, faultline_engine::ids::PartitionId);

/// The selected partition as faults name it.
fn place(view: &ViewCtx<'_>) -> Option<Place> {
    let Some(Focus::Partition(block)) = view.focus else { return None };
    let op = &view.model.rdds.get(&block.rdd)?.info.op;
    Some((op.operator.clone(), op.batch, block.partition))
}

fn partition_words(view: &ViewCtx<'_>) -> String {
    match view.focus {
        Some(Focus::Partition(block)) => partition_name(view.model, block),
        _ => "none".to_owned(),
    }
}

/// The selected task, else the tasks that compute the selected partition.
fn task_target(view: &ViewCtx<'_>) -> Option<TaskTarget> {
    if let Some(Focus::Task(task)) = view.focus {
        let info = &view.model.tasks.get(&task)?.info;
        return Some(TaskTarget::Index { stage: info.stage.stage, task: info.index });
    }
    let (operator, batch, partition) = place(view)?;
    Some(TaskTarget::Operator { operator, batch, partition })
}

fn task_words(view: &ViewCtx<'_>) -> String {
    match view.focus {
        Some(Focus::Task(id)) => match view.model.tasks.get(&id) {
            Some(task) => {
                format!("task {} of stage {}, in all its attempts", task.info.index, task.info.stage.stage)
            }
            None => "none".to_owned(),
        },
        Some(Focus::Partition(block)) => format!("whoever computes {}", partition_name(view.model, block)),
        Some(Focus::Driver(_)) | None => "none".to_owned(),
    }
}
