//! The right side: facts about the one selected node.

mod debug_string;
mod facts;
mod preview;
mod storage;

use super::ViewCtx;
use crate::model::RddState;
use crate::scene::Node;
use crate::theme::widgets::{line_ui, separator_ui};
use crate::theme::{STEP, Tokens, text};
use egui::{ScrollArea, Ui};

pub use debug_string::DebugStringState;

/// What the inspector keeps between frames.
#[derive(Debug, Default)]
pub struct InspectorState {
    /// The text of the selected RDD, kept while neither changes.
    pub debug_string: DebugStringState,
    /// How long its lineage is.
    size: facts::LineageSize,
    /// The selected node as it was last drawn: it may have left the view.
    shown: Option<Node>,
}

/// Fills the right panel.
pub fn inspector_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InspectorState) {
    // The panel keeps its width whatever it shows.
    ui.set_width(ui.available_width());
    if let Some(node) = ctx.selection.and_then(|key| ctx.scene.nodes.iter().find(|node| node.key == key)) {
        state.shown = Some(node.clone());
    }
    let Some(node) = state.shown.clone().filter(|node| Some(node.key) == ctx.selection) else {
        nothing_ui(ui, ctx);
        return;
    };
    let node = &node;
    ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
        title_ui(ui, node);
        let Some(rdd) = node.rdds.last().and_then(|id| ctx.model.rdds.get(id)) else {
            return;
        };
        facts::facts_ui(ui, ctx, rdd, &mut state.size);
        separator_ui(ui);
        storage::storage_ui(ui, rdd);
        separator_ui(ui);
        debug_string::debug_string_ui(ui, ctx, rdd, &mut state.debug_string, &mut state.size);
        preview::preview_ui(ui, rdd);
        ui.add_space(2.0 * STEP);
    });
}

fn nothing_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    line_ui(ui, text::rich("Nothing selected", text::semibold(text::MEDIUM), t.text));
    let words = if ctx.scene.nodes.is_empty() {
        "The lineage appears with the first job"
    } else {
        "Click a node of the lineage to see its facts"
    };
    ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
}

fn title_ui(ui: &mut Ui, node: &Node) {
    let t = Tokens::of(ui.ctx());
    let title = match node.batch {
        Some(batch) => format!("{} of batch {batch}", node.title),
        None => node.title.clone(),
    };
    line_ui(ui, text::rich(&title, text::semibold(text::MEDIUM), t.text)).on_hover_text(&title);
    let below = match node.rdds.len() {
        0 | 1 => node.subtitle.clone(),
        n => format!("{n} RDDs, the last is shown"),
    };
    if !below.is_empty() {
        line_ui(ui, text::rich(below, text::regular(text::SMALL), t.text_faint));
    }
    ui.add_space(STEP);
}

/// Partitions beyond this are counted, not listed.
const LISTED: usize = 64;

/// How many partitions of an RDD are listed.
fn listed(rdd: &RddState) -> usize {
    rdd.partitions.len().min(LISTED)
}
