//! The right side: why, and facts, for the one selected thing.

mod debug_string;
mod driver_card;
mod facts;
mod nothing;
mod preview;
mod read_order;
mod step;
mod storage;
mod task_card;
mod why;

use super::ViewCtx;
use super::keeping::keeping_ui;
use crate::command::Focus;
use crate::model::RddState;
use crate::scene::Node;
use crate::scene::why::most_interesting;
use crate::theme::widgets::{line_ui, separator_ui};
use crate::theme::{STEP, Tokens, text};
use egui::{ScrollArea, Ui};
use faultline_engine::ids::BlockId;

pub use debug_string::DebugStringState;

/// What the inspector keeps between frames.
#[derive(Debug, Default)]
pub struct InspectorState {
    /// The text of the selected RDD, kept while neither changes.
    pub debug_string: DebugStringState,
    /// How long its lineage is.
    size: facts::LineageSize,
    /// The answer to the last question.
    pub why: why::WhyState,
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
    let node = state.shown.clone().filter(|node| Some(node.key) == ctx.selection);
    if node.is_none() && ctx.focus.is_none() {
        nothing::nothing_ui(ui, ctx);
        return;
    }
    ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
        // The RDD that the question is about, else the one whose cells the node shows.
        let asked = match ctx.focus {
            Some(Focus::Partition(block)) => ctx.model.rdds.get(&block.rdd),
            Some(Focus::Task(_) | Focus::Driver(_)) | None => None,
        };
        let rdd = asked.or_else(|| node.as_ref().and_then(|n| ctx.model.rdds.get(n.rdds.last()?)));
        match (ctx.focus, &node) {
            (Some(Focus::Task(task)), _) => {
                if let Some(task) = ctx.model.tasks.get(&task) {
                    task_card::task_card_ui(ui, ctx, task);
                }
            }
            (Some(Focus::Driver(life)), _) => {
                if let Some(life) = ctx.model.life_of_driver(life) {
                    driver_card::driver_card_ui(ui, ctx, life);
                }
            }
            (_, Some(node)) => title_ui(ui, node),
            _ => {}
        }
        if let Some(rdd) = rdd.filter(|_| !matches!(ctx.focus, Some(Focus::Task(_) | Focus::Driver(_)))) {
            facts::recovery_facts_ui(ui, ctx, rdd, &mut state.size);
            keeping_ui(ui, ctx, rdd);
            separator_ui(ui);
        }
        let interesting = || Some(BlockId::new(rdd?.info.id, most_interesting(rdd?)?));
        let focus = ctx.focus.or_else(|| interesting().map(Focus::Partition));
        if let Some(focus) = focus {
            why::why_ui(ui, ctx, focus, &mut state.why);
            separator_ui(ui);
        }
        if let Some(rdd) = rdd {
            rdd_ui(ui, ctx, rdd, focus, state);
        }
        ui.add_space(2.0 * STEP);
    });
}

fn rdd_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState, focus: Option<Focus>, state: &mut InspectorState) {
    let partition = match focus {
        Some(Focus::Partition(block)) if block.rdd == rdd.info.id => Some(block.partition),
        _ => None,
    };
    storage::storage_ui(ui, ctx, rdd, focus);
    separator_ui(ui);
    facts::facts_ui(ui, rdd);
    separator_ui(ui);
    debug_string::debug_string_ui(ui, ctx, rdd, &mut state.debug_string, &mut state.size);
    preview::preview_ui(ui, rdd, partition);
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
