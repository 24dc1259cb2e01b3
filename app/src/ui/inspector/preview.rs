//! The first records of the selected RDD, as far as an event carried them.

use crate::model::{PartitionState, RddState};
use crate::theme::widgets::{heading_ui, line_ui};
use crate::theme::{STEP, Tokens, fonts, format, text};
use egui::Ui;
use faultline_engine::ids::PartitionId;

/// The section with the records of the partition asked about, else of the first that has a preview.
pub fn preview_ui(ui: &mut Ui, rdd: &RddState, asked: Option<PartitionId>) {
    let t = Tokens::of(ui.ctx());
    let preview_of = |(i, p): (usize, &PartitionState)| Some((i, p.preview.clone()?));
    let own = asked.and_then(|asked| Some((asked.0 as usize, rdd.partition(asked)?))).and_then(preview_of);
    let found = own.or_else(|| rdd.partitions.iter().enumerate().find_map(preview_of));
    let Some((partition, preview)) = found else {
        heading_ui(ui, "Records", "");
        line_ui(ui, text::rich("Only stored partitions have a preview", text::regular(text::SMALL), t.text_faint));
        return;
    };
    let aside = format!("partition {partition}, {} of {}", preview.records.len(), format::number(preview.total));
    heading_ui(ui, "Records", &aside);
    ui.spacing_mut().item_spacing.y = STEP / 2.0;
    for record in &preview.records {
        line_ui(ui, text::rich(record, text::mono(text::SMALLEST), t.text_soft)).on_hover_text(record);
    }
    if preview.records.iter().any(|record| fonts::is_unreadable(ui.ctx(), record)) {
        let words = "No font on this system shows these characters";
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint));
    }
}
