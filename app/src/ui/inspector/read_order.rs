//! The order in which a partition is looked for, with the tier that served.

use crate::scene::why::Served;
use crate::theme::widgets::heading_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

const HEIGHT: f32 = 6.0 * STEP;
const GAP: f32 = 4.0 * STEP;

/// A pill for each tier; the one that served is filled. What receivers stored has no lineage, but may have a log.
pub fn read_order_ui(ui: &mut Ui, served: Option<Served>) {
    let t = Tokens::of(ui.ctx());
    let memory = (Served::Memory, "memory", t.memory);
    let tiers = match served {
        Some(Served::WriteAheadLog) => vec![memory, (Served::WriteAheadLog, "write-ahead log", t.checkpoint)],
        _ => {
            vec![memory, (Served::Checkpoint, "checkpoint", t.checkpoint), (Served::Lineage, "lineage", t.again_words)]
        }
    };
    heading_ui(ui, "Read order", "");
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let by = tiers.iter().find(|(tier, ..)| Some(*tier) == served).map(|(_, name, _)| *name);
    let order = tiers.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ");
    let name = match by {
        Some(name) => format!("Read order {order}, served by {name}"),
        None => format!("Read order {order}"),
    };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &name));
    let last = tiers.len() - 1;
    let width = ((area.width() - last as f32 * GAP) / tiers.len() as f32).min(112.0);
    let painter = ui.painter();
    for (at, (tier, name, color)) in tiers.into_iter().enumerate() {
        let left = area.left() + at as f32 * (width + GAP);
        let pill = Rect::from_min_size(pos2(left, area.top()), vec2(width, HEIGHT));
        let filled = Some(tier) == served;
        if filled {
            painter.rect_filled(pill, HEIGHT / 2.0, color);
        }
        painter.rect_stroke(pill, HEIGHT / 2.0, Stroke::new(1.0, color), StrokeKind::Inside);
        let words = if filled { t.on_fill } else { t.text_soft };
        let font = if filled { text::semibold(text::SMALL) } else { text::regular(text::SMALL) };
        let galley = text::line(painter, name, font, words, width - 2.0 * STEP);
        painter.galley(pill.center() - galley.size() / 2.0, galley, words);
        if at < last {
            let galley = text::line(painter, "›", text::regular(text::SMALL), t.text_faint, GAP);
            let middle = pos2(pill.right() + GAP / 2.0, area.center().y);
            painter.galley(middle - galley.size() / 2.0, galley, t.text_faint);
        }
    }
    let order = match served {
        Some(Served::WriteAheadLog) => "A stored block, else the write-ahead log of its receiver",
        _ => "A stored block, else a checkpoint file, else the parents",
    };
    let words = by.map_or_else(|| order.to_owned(), |by| format!("{order}; served by {by}"));
    response.on_hover_text(words);
}
