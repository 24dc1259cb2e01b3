//! A switch with its name: on or off by the place of its knob, not by colour alone.

use super::{STEP, Tokens, text};
use egui::{Response, Sense, Stroke, StrokeKind, Ui, Widget, WidgetInfo, WidgetType, lerp, pos2, vec2};

/// Size of the track.
const TRACK: egui::Vec2 = egui::Vec2::new(26.0, 14.0);

/// A switch.
pub struct Switch<'a> {
    on: &'a mut bool,
    name: &'a str,
}

impl<'a> Switch<'a> {
    /// A switch for `on` with its name at the right.
    pub const fn new(on: &'a mut bool, name: &'a str) -> Self {
        Self { on, name }
    }
}

impl Widget for Switch<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui.ctx());
        let room = ui.available_width() - TRACK.x - 2.0 * STEP;
        let words = text::line(ui.painter(), self.name, text::regular(text::SMALL), t.text, room.max(0.0));
        let size = vec2(TRACK.x + 2.0 * STEP + words.size().x, ui.spacing().interact_size.y.max(TRACK.y));
        let (rect, mut response) = ui.allocate_exact_size(size, Sense::click());
        if response.clicked() {
            *self.on = !*self.on;
            response.mark_changed();
        }
        let (on, enabled) = (*self.on, ui.is_enabled());
        response.widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, enabled, on, self.name));
        let track = egui::Rect::from_min_size(pos2(rect.left(), rect.center().y - TRACK.y / 2.0), TRACK);
        let radius = TRACK.y / 2.0;
        let edge = if response.has_focus() { t.selection } else { t.text_faint };
        ui.painter().rect_filled(track, radius, if on { t.memory } else { t.background });
        ui.painter().rect_stroke(track, radius, Stroke::new(1.0, edge), StrokeKind::Inside);
        let x = lerp(track.left() + radius..=track.right() - radius, if on { 1.0 } else { 0.0 });
        let knob = if on { t.background } else { t.text_soft };
        ui.painter().circle_filled(pos2(x, track.center().y), radius - 3.0, knob);
        let color = if enabled { t.text } else { t.text_faint };
        let at = pos2(track.right() + 2.0 * STEP, rect.center().y - words.size().y / 2.0);
        ui.painter().galley_with_override_text_color(at, words, color);
        response
    }
}
