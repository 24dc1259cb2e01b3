//! The three text sizes of a view, and lines that end in … instead of being cut.

use super::fonts::{SEMIBOLD, notice};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontFamily, FontId, Galley, Painter, Pos2, RichText};
use std::sync::Arc;

/// The sentence about what just happened, and the batch.
pub const LARGE: f32 = 20.0;
/// Headings.
pub const MEDIUM: f32 = 14.0;
/// Everything else; the smallest size at which words are shown is [`SMALLEST`].
pub const SMALL: f32 = 12.5;
/// Words smaller than this are left out rather than drawn.
pub const SMALLEST: f32 = 12.0;

/// Regular weight.
pub const fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Semibold weight.
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// Monospaced.
pub const fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// Text for a label.
pub fn rich(text: impl Into<String>, font: FontId, color: Color32) -> RichText {
    RichText::new(text).font(font).color(color)
}

/// One line that ends in … where `max_width` ends.
pub fn line(painter: &Painter, text: &str, font: FontId, color: Color32, max_width: f32) -> Arc<Galley> {
    notice(painter.ctx(), text);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(max_width.max(0.0));
    painter.layout_job(job)
}

/// Paints one line with its left edge and vertical middle at `left_center` and returns its width.
pub fn paint_line(
    painter: &Painter,
    left_center: Pos2,
    text: &str,
    font: FontId,
    color: Color32,
    max_width: f32,
) -> f32 {
    let galley = line(painter, text, font, color, max_width);
    let size = galley.size();
    painter.galley(Pos2::new(left_center.x, left_center.y - size.y / 2.0), galley, color);
    size.x
}
