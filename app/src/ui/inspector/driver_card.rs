//! The selected life of the driver: when it lived, what it went on from, why it ended.

use super::super::ViewCtx;
use super::super::timeline_panel::clock;
use super::facts::fact_ui;
use crate::model::DriverLife;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use egui::Ui;

/// The card.
pub(super) fn driver_card_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, life: &DriverLife) {
    let t = Tokens::of(ui.ctx());
    line_ui(ui, text::rich(format!("Driver {}", life.number), text::semibold(text::MEDIUM), t.text));
    let last = ctx.model.driver_life() == life.number;
    let standing = match (life.lost, last) {
        (Some(_), true) => "Lost, and nothing has replaced it",
        (Some(_), false) => "Lost, another one goes on",
        (None, _) if ctx.model.application.ended.is_some() => "Ended with its program",
        (None, _) => "It drives",
    };
    line_ui(ui, text::rich(standing, text::regular(text::SMALL), t.text_faint));
    ui.add_space(STEP);
    fact_ui(ui, "Epoch", &life.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string()));
    fact_ui(ui, "From", &clock(ctx.model, life.from));
    let until = life.lost.or(ctx.model.application.ended.filter(|_| last));
    let until = match until {
        Some(at) => format!("{}, for {}", clock(ctx.model, at), format::duration_ns(at.ns_since(life.from))),
        None => "now".to_owned(),
    };
    fact_ui(ui, "Until", &until);
    if let Some(recovery) = &life.from_checkpoint {
        let file = recovery.path.rsplit('/').next().unwrap_or(&recovery.path);
        fact_ui(ui, "Read at start", file);
        fact_ui(ui, "Checkpoint", &format!("of batch {}, epoch {}", recovery.batch, recovery.epoch));
        let again = format::count(life.ran_again.len() as u64, "batch").replace("batchs", "batches");
        fact_ui(ui, "Run again", &again);
        fact_ui(ui, "Saved RDDs", &recovery.saved.len().to_string());
        if !recovery.damaged.is_empty() {
            fact_ui(ui, "Damaged", &format::count(recovery.damaged.len() as u64, "file"));
        }
    } else {
        fact_ui(ui, "Read at start", "nothing");
    }
    if let Some(at) = life.recovered {
        let after = format::duration_ns(at.ns_since(life.from));
        fact_ui(ui, "Recovered", &format!("at {}, after {after}", clock(ctx.model, at)));
    }
    if life.lost.is_some() {
        fact_ui(ui, "Ended by", &life.reason);
    }
    ui.add_space(2.0 * STEP);
}
