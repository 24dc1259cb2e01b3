//! The embedded fonts: Inter for words, JetBrains Mono for records; and which scripts they lack, so
//! that fonts of the system can be added when a text needs them.

use super::script::Scripts;
use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{FontData, FontDefinitions, FontFamily, Id};
use std::sync::Arc;

/// Family name of the semibold weight.
pub const SEMIBOLD: &str = "semibold";

const INTER: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const INTER_SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");
const MONO: &[u8] = include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf");

/// Our fonts before egui's own, which stay as a fallback for symbols that ours lack.
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (name, bytes) in [("inter", INTER), ("inter-semibold", INTER_SEMIBOLD), ("jetbrains-mono", MONO)] {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let families = [
        (FontFamily::Proportional, "inter"),
        (FontFamily::Name(SEMIBOLD.into()), "inter-semibold"),
        (FontFamily::Monospace, "jetbrains-mono"),
    ];
    for (family, first) in families {
        let chain = std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect();
        fonts.families.insert(family, chain);
    }
    fonts
}

/// Whether our fonts are in force: egui takes new ones over at the start of a pass, and text in a
/// family that it does not know yet would be a panic.
pub fn are_bound(ctx: &egui::Context) -> bool {
    ctx.fonts(|fonts| fonts.definitions().families.contains_key(&FontFamily::Name(SEMIBOLD.into())))
}

/// What became of the scripts that a context has met.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    /// Seen in a text.
    wanted: Scripts,
    /// Looked for, or being looked for.
    asked: Scripts,
    /// No font of this system has them.
    missing: Scripts,
}

fn needs_id() -> Id {
    Id::new("scripts of fonts")
}

/// Says that this text is about to be shown. Cheap for words that the embedded fonts have.
pub fn notice(ctx: &egui::Context, text: &str) {
    let scripts = Scripts::of(text);
    if !scripts.is_empty() {
        ctx.data_mut(|data| {
            let needs = data.get_temp_mut_or_default::<Needs>(needs_id());
            needs.wanted = needs.wanted.union(scripts);
        });
    }
}

/// The scripts that were noticed since the last call, and that nobody has looked for yet.
pub fn take_wanted(ctx: &egui::Context) -> Scripts {
    let Some(needs) = ctx.data(|data| data.get_temp::<Needs>(needs_id())) else { return Scripts::default() };
    let new = needs.wanted.without(needs.asked);
    if !new.is_empty() {
        let needs = Needs { asked: needs.asked.union(new), ..needs };
        ctx.data_mut(|data| data.insert_temp(needs_id(), needs));
    }
    new
}

/// Puts a font behind all others of every family; it is in force from the next pass on.
pub fn add(ctx: &egui::Context, name: &str, font: FontData) {
    let families = [FontFamily::Proportional, FontFamily::Name(SEMIBOLD.into()), FontFamily::Monospace];
    let families = families.map(|family| InsertFontFamily { family, priority: FontPriority::Lowest });
    ctx.add_font(FontInsert::new(name, font, families.into()));
}

/// Says that no font of this system has these scripts.
pub fn give_up(ctx: &egui::Context, scripts: Scripts) {
    ctx.data_mut(|data| {
        let needs = data.get_temp_mut_or_default::<Needs>(needs_id());
        needs.missing = needs.missing.union(scripts);
    });
}

/// Whether this text has characters that no font of this system shows.
pub fn is_unreadable(ctx: &egui::Context, text: &str) -> bool {
    let scripts = Scripts::of(text);
    !scripts.is_empty()
        && ctx.data(|data| data.get_temp::<Needs>(needs_id())).is_some_and(|needs| needs.missing.intersects(scripts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(ctx: &egui::Context) {
        ctx.run_ui(egui::RawInput::default(), |_| {}).drop_without_applying_deltas();
    }

    /// Without this a font of the system is found and never used, or used before ours.
    #[test]
    fn an_added_font_is_the_last_of_every_family() {
        let ctx = egui::Context::default();
        ctx.set_fonts(definitions());
        pass(&ctx);
        add(&ctx, "of the system", FontData::from_static(MONO));
        pass(&ctx);
        ctx.fonts(|fonts| {
            let families = &fonts.definitions().families;
            assert!(families.len() >= 3);
            for (family, chain) in families {
                assert_eq!(chain.last().map(String::as_str), Some("of the system"), "{family:?}");
                assert!(chain.len() > 1, "{family:?}");
            }
        });
    }
}
