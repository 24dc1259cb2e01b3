//! The outcome in one sentence, what was raced, and whether the results agree.

use super::RaceViewState;
use crate::command::{AppCommand, Page, RaceCommand};
use crate::race::{
    Lane, LaneState, Race, RacePhase, RaceState, Words, fault_words, number_word, outcome_sentence, race_table,
};
use crate::theme::widgets::{card, line_ui, row_ui};
use crate::theme::{STEP, Tokens, text};
use crate::ui::ViewCtx;
use egui::{Button, Label, Stroke, Ui, vec2};

/// Sentence, line, buttons, and what must not be overlooked.
pub(super) fn header_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut RaceViewState) {
    let t = Tokens::of(ui.ctx());
    let race = ctx.race;
    let words = words(race);
    let differ = race.result.as_ref().is_some_and(|result| result.results_differ());
    let color = if differ { t.lost } else { t.text };
    let said = line_ui(ui, text::rich(sentence(race, &words), text::semibold(text::LARGE), color));
    ui.ctx().accesskit_node_builder(said.id, |node| node.set_live(egui::accesskit::Live::Polite));
    row_ui(ui, |ui| line_below_ui(ui, race), |ui| buttons_ui(ui, ctx, state));
    if let RacePhase::Failed(error) = &race.phase {
        loud_ui(ui, "The race could not be run", std::slice::from_ref(error));
    }
    let Some(result) = &race.result else { return };
    if differ {
        loud_ui(ui, "No policy and no fault may change a result", &difference(result, &words));
    }
    for warning in &result.warnings {
        line_ui(ui, text::rich(warning, text::regular(text::SMALL), t.text_soft));
    }
}

fn words(race: &RaceState) -> Words {
    let faults: Vec<String> = race.plan.iter().flat_map(|p| &p.faults).map(ToString::to_string).collect();
    Words::of(&faults, race.plan.as_ref().is_some_and(|plan| plan.streaming))
}

/// What is known now, in one sentence.
fn sentence(race: &RaceState, words: &Words) -> String {
    let policies = number_word(race.lanes.len());
    match (&race.phase, &race.result) {
        (RacePhase::Done, Some(result)) if result.results_differ() => "The results differ".to_owned(),
        (RacePhase::Done, Some(result)) => outcome_sentence(result),
        (RacePhase::Idle, _) if race.received() => {
            "One fault, with the write-ahead log and without: choose what fails and when".to_owned()
        }
        (RacePhase::Idle, _) => "One fault, five policies: choose what fails and when".to_owned(),
        (RacePhase::Cancelled, _) => "The race was cancelled".to_owned(),
        _ if race.lanes.iter().any(|lane| lane.policy.is_of_received()) => {
            format!("The same {} with the write-ahead log and without", words.fault)
        }
        (RacePhase::Running | RacePhase::Done | RacePhase::Failed(_), _) => {
            format!("The same {} under {policies} policies", words.fault)
        }
    }
}

fn buttons_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut RaceViewState) {
    let size = vec2(0.0, 7.0 * STEP);
    if ui.add(Button::new("Back to the run").min_size(size)).on_hover_text("Key Esc").clicked() {
        ctx.send.send(AppCommand::ShowPage(Page::Run));
    }
    if let Some(result) = &ctx.race.result {
        ui.menu_button("Export", |ui| export_ui(ui, result));
    }
    if ctx.race.phase == RacePhase::Running && ui.add(Button::new("Cancel").min_size(size)).clicked() {
        ctx.send.send(AppCommand::Race(RaceCommand::Cancel));
    }
    let choose = ctx.race.can_race() && state.picker.is_none();
    if choose && ui.add(Button::new("Change fault").min_size(size)).clicked() {
        state.picker = ctx.race.draft();
    }
}

/// The race to the clipboard, as the command line prints it.
fn export_ui(ui: &mut Ui, race: &Race) {
    if ui.button("Copy as text").clicked() {
        ui.ctx().copy_text(race_table(race));
        ui.close();
    }
    if ui.button("Copy as JSON").clicked() {
        if let Ok(json) = serde_json::to_string(race) {
            ui.ctx().copy_text(json);
        }
        ui.close();
    }
}

fn line_below_ui(ui: &mut Ui, race: &RaceState) {
    let t = Tokens::of(ui.ctx());
    let Some(plan) = &race.plan else { return };
    let faults: Vec<String> = plan.faults.iter().map(fault_words).collect();
    let mut line = format!("{} · seed {} · {}", plan.program, plan.seed, faults.join(", "));
    let lanes = race.lanes.len();
    let hash = race.result.as_ref().filter(|race| !race.is_of_received()).and_then(|result| result.common_hash());
    if race.lanes.iter().any(|lane| lane.policy.is_of_received()) {
        line.push_str(" · the text comes from a simulated client");
    }
    if race.phase == RacePhase::Running {
        let done = race.lanes.iter().filter(|lane| matches!(lane.state, LaneState::Done(_))).count();
        line.push_str(&format!(" · {done} of {lanes} lanes computed"));
    } else if hash.is_some() {
        line.push_str(&format!(" · results identical in all {} lanes", number_word(lanes)));
    }
    line_ui(ui, text::rich(line, text::regular(text::MEDIUM), t.text_soft));
    if let Some(hash) = hash {
        let whole = format!("sha256 {hash}");
        line_ui(ui, text::rich(shortened(hash), text::mono(text::SMALL), t.text)).on_hover_text(whole);
    }
}

/// First and last digits: enough to compare by eye.
fn shortened(hash: &str) -> String {
    match (hash.get(..12), hash.get(hash.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if hash.len() > 16 => format!("{first}…{last}"),
        _ => hash.to_owned(),
    }
}

/// What each lane wrote, when two wrote different results.
fn difference(race: &Race, words: &Words) -> Vec<String> {
    let line = |lane: &Lane| {
        let (with, without) = (shortened(&lane.output_sha256), shortened(&lane.output_sha256_without_fault));
        let (title, fault) = (lane.policy.title(), words.fault);
        format!("{title:<18}  with the {fault} {with}  without the {fault} {without}")
    };
    race.lanes.iter().map(line).collect()
}

/// What must not be overlooked.
fn loud_ui(ui: &mut Ui, title: &str, lines: &[String]) {
    let t = Tokens::of(ui.ctx());
    card(t).fill(t.lost_surface).stroke(Stroke::new(2.0, t.lost)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        line_ui(ui, text::rich(title, text::semibold(text::MEDIUM), t.lost));
        for line in lines {
            ui.add(Label::new(text::rich(line, text::mono(text::SMALL), t.text)).wrap());
        }
    });
}
