//! Colours by what they mean. The three themes have the same names.

use egui::{Color32, CornerRadius, Id, Stroke, Visuals};
use serde::{Deserialize, Serialize};

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Every colour of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Behind the lineage.
    pub background: Color32,
    /// Side panels and bars.
    pub panel: Color32,
    /// Cards and nodes.
    pub raised: Color32,
    /// Band of a batch.
    pub column: Color32,
    /// Band of the batch that runs.
    pub column_live: Color32,
    /// Borders.
    pub line: Color32,
    /// Words that matter most.
    pub text: Color32,
    /// Words beside them.
    pub text_soft: Color32,
    /// The faintest words.
    pub text_faint: Color32,
    /// Outline of cells without data.
    pub empty: Color32,
    /// Work done for the first time.
    pub first_time: Color32,
    /// In memory.
    pub memory: Color32,
    /// On disk.
    pub disk: Color32,
    /// Checkpoints.
    pub checkpoint: Color32,
    /// Computing.
    pub computing: Color32,
    /// Words about it.
    pub computing_words: Color32,
    /// Work that exists because something was lost.
    pub again: Color32,
    /// Words about it.
    pub again_words: Color32,
    /// Lost.
    pub lost: Color32,
    /// Card of a dead executor.
    pub lost_surface: Color32,
    /// The selected node, and focus.
    pub selection: Color32,
    /// Glyphs on a filled cell.
    pub on_fill: Color32,
    /// Fill of the one primary control.
    pub primary: Color32,
    /// Glyphs on it.
    pub on_primary: Color32,
}

/// Dark, exactly as in the design study.
const DARK: Tokens = Tokens {
    background: rgb(0x14171C),
    panel: rgb(0x1A1E25),
    raised: rgb(0x232832),
    column: rgb(0x181B21),
    column_live: rgb(0x1D2129),
    line: rgb(0x333B48),
    text: rgb(0xEEF1F6),
    text_soft: rgb(0xA3ADBD),
    text_faint: rgb(0x8A95A8),
    empty: rgb(0x6B7687),
    first_time: rgb(0x8A95A8),
    memory: rgb(0x3DBE8B),
    disk: rgb(0xA487E8),
    checkpoint: rgb(0x6A9BFF),
    computing: rgb(0xF7D154),
    computing_words: rgb(0xF7D154),
    again: rgb(0xF2994A),
    again_words: rgb(0xF2994A),
    lost: rgb(0xF0646A),
    lost_surface: rgb(0x2B191D),
    selection: rgb(0xFFFFFF),
    on_fill: rgb(0x14171C),
    primary: rgb(0xEEF1F6),
    on_primary: rgb(0x14171C),
};

const LIGHT: Tokens = Tokens {
    background: rgb(0xECEFF3),
    panel: rgb(0xF7F8FA),
    raised: rgb(0xFFFFFF),
    column: rgb(0xF3F5F8),
    column_live: rgb(0xFBFCFD),
    line: rgb(0xC3CBD6),
    text: rgb(0x151920),
    text_soft: rgb(0x3F4958),
    text_faint: rgb(0x556070),
    empty: rgb(0x768190),
    first_time: rgb(0x6B7789),
    memory: rgb(0x0F7A4C),
    disk: rgb(0x7B54CF),
    checkpoint: rgb(0x2A63D6),
    computing: rgb(0xB08000),
    computing_words: rgb(0x805E00),
    again: rgb(0xD26606),
    again_words: rgb(0xA84E00),
    lost: rgb(0xC62D37),
    lost_surface: rgb(0xFBE9EA),
    selection: rgb(0x151920),
    on_fill: rgb(0xFFFFFF),
    primary: rgb(0x151920),
    on_primary: rgb(0xFFFFFF),
};

const HIGH_CONTRAST: Tokens = Tokens {
    background: rgb(0x000000),
    panel: rgb(0x0A0A0A),
    raised: rgb(0x141414),
    column: rgb(0x0A0A0A),
    column_live: rgb(0x1C1C1C),
    line: rgb(0x9A9A9A),
    text: rgb(0xFFFFFF),
    text_soft: rgb(0xEAEAEA),
    text_faint: rgb(0xD0D0D0),
    empty: rgb(0xBCBCBC),
    first_time: rgb(0xD0D0D0),
    memory: rgb(0x4DFFA8),
    disk: rgb(0xCFB0FF),
    checkpoint: rgb(0x86BAFF),
    computing: rgb(0xFFEC5C),
    computing_words: rgb(0xFFEC5C),
    again: rgb(0xFFAD4D),
    again_words: rgb(0xFFAD4D),
    lost: rgb(0xFF858A),
    lost_surface: rgb(0x2E0004),
    selection: rgb(0xFFFFFF),
    on_fill: rgb(0x000000),
    primary: rgb(0xFFFFFF),
    on_primary: rgb(0x000000),
};

/// Which tokens are in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Light words on dark.
    #[default]
    Dark,
    /// Dark words on light.
    Light,
    /// Words of at least 7:1.
    HighContrast,
}

impl Theme {
    /// Every theme, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// Its name in the window.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "Dark",
            Self::Light => "Light",
            Self::HighContrast => "High contrast",
        }
    }

    /// Its colours.
    pub const fn tokens(self) -> &'static Tokens {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::HighContrast => &HIGH_CONTRAST,
        }
    }

    /// Puts fonts, colours and spacing into force. Fonts are only set by the first call.
    pub fn apply(self, ctx: &egui::Context) {
        let before: Option<Self> = ctx.data(|data| data.get_temp(Id::NULL));
        if before.is_none() {
            ctx.set_fonts(super::fonts::definitions());
        }
        if before == Some(self) {
            return;
        }
        ctx.data_mut(|data| data.insert_temp(Id::NULL, self));
        ctx.set_theme(if self == Self::Light { egui::Theme::Light } else { egui::Theme::Dark });
        let visuals = visuals(self);
        ctx.all_styles_mut(|style| {
            style.visuals = visuals.clone();
            spacing(&mut style.spacing);
            for (text_style, font) in &mut style.text_styles {
                *font = match text_style {
                    egui::TextStyle::Monospace => super::text::mono(super::text::SMALL),
                    egui::TextStyle::Heading => super::text::semibold(super::text::MEDIUM),
                    _ => super::text::regular(super::text::SMALL),
                };
            }
            style.interaction.selectable_labels = false;
        });
    }

    /// The theme in force, as [`Theme::apply`] left it beside egui's own style.
    pub fn of(ctx: &egui::Context) -> Self {
        ctx.data(|data| data.get_temp(Id::NULL)).unwrap_or_default()
    }
}

impl Tokens {
    /// The colours in force.
    pub fn of(ctx: &egui::Context) -> &'static Self {
        Theme::of(ctx).tokens()
    }
}

fn spacing(spacing: &mut egui::Spacing) {
    let step = super::STEP;
    spacing.item_spacing = egui::vec2(2.0 * step, step);
    spacing.button_padding = egui::vec2(2.0 * step, step);
    spacing.interact_size = egui::vec2(7.0 * step, 7.0 * step);
    spacing.slider_rail_height = step;
    spacing.combo_height = 240.0;
    spacing.scroll = egui::style::ScrollStyle::floating();
}

fn visuals(theme: Theme) -> Visuals {
    let t = theme.tokens();
    let mut v = if theme == Theme::Light { Visuals::light() } else { Visuals::dark() };
    v.panel_fill = t.panel;
    v.window_fill = t.raised;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.extreme_bg_color = t.background;
    v.faint_bg_color = t.column;
    v.code_bg_color = t.background;
    v.hyperlink_color = t.checkpoint;
    v.warn_fg_color = t.again;
    v.error_fg_color = t.lost;
    v.weak_text_color = Some(t.text_faint);
    v.selection.bg_fill = t.line;
    v.selection.stroke = Stroke::new(1.0, t.text);
    v.slider_trailing_fill = false;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.window_corner_radius = CornerRadius::same(super::RADIUS as u8);
    v.menu_corner_radius = CornerRadius::same(super::RADIUS as u8);
    let states = [
        (&mut v.widgets.noninteractive, t.panel, t.line, t.text_soft),
        (&mut v.widgets.inactive, t.raised, t.line, t.text),
        (&mut v.widgets.hovered, t.raised, t.text_faint, t.text),
        (&mut v.widgets.active, t.line, t.text_faint, t.text),
        (&mut v.widgets.open, t.raised, t.text_faint, t.text),
    ];
    for (widget, fill, stroke, words) in states {
        widget.bg_fill = t.line;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, words);
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: Color32) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Without this a theme can have words that many people cannot read.
    #[test]
    fn words_stand_out_from_every_surface() {
        for theme in Theme::ALL {
            let t = theme.tokens();
            let least = if theme == Theme::HighContrast { 7.0 } else { 4.5 };
            for surface in [t.background, t.panel, t.raised, t.column, t.column_live] {
                for words in [
                    t.text,
                    t.text_soft,
                    t.text_faint,
                    t.memory,
                    t.checkpoint,
                    t.computing_words,
                    t.again_words,
                    t.lost,
                ] {
                    let ratio = contrast(words, surface);
                    assert!(ratio >= least, "{theme:?}: {words:?} on {surface:?} is {ratio:.2}");
                }
                for sign in [t.empty, t.memory, t.disk, t.checkpoint, t.computing, t.again, t.lost] {
                    let ratio = contrast(sign, surface);
                    assert!(ratio >= 2.9, "{theme:?}: {sign:?} on {surface:?} is {ratio:.2}");
                }
            }
        }
    }
}
