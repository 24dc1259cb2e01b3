//! Fonts of the system, for scripts that the embedded ones lack. Nothing is scanned or loaded until a
//! text needs it, because a font for Chinese has many megabytes; and never on the window's thread.

mod cmap;

use super::background::{Job, Progress, Wake};
use crate::theme::fonts;
use crate::theme::script::{Script, Scripts};
use egui::FontData;
use fontdb::{Database, Style};
use std::cmp::Reverse;
use std::sync::Arc;

/// Faces that are opened for one script before it counts as missing.
const TRIED_MAX: usize = 512;

/// A font that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its family.
    pub name: String,
    /// What it is good for.
    pub scripts: Scripts,
    /// Its file.
    pub font: FontData,
}

/// What a search gave.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Fonts, each for at least one script that was asked for.
    pub found: Vec<Found>,
    /// Scripts that no font has.
    pub missing: Scripts,
}

/// Looks for fonts when a text needs them.
#[derive(Default)]
pub struct SystemFonts {
    search: Option<(Scripts, Job<Search>)>,
}

impl SystemFonts {
    /// Before a frame: takes what was found, and looks for what texts have wanted since.
    pub fn serve(&mut self, ctx: &egui::Context, wake: &Wake) {
        if let Some((scripts, job)) = &self.search {
            let search = match job.poll() {
                Progress::Running => return,
                Progress::Done(search) => search,
                Progress::Broken => Search { found: Vec::new(), missing: *scripts },
            };
            self.search = None;
            fonts::give_up(ctx, search.missing);
            for found in search.found {
                fonts::add(ctx, &found.name, found.font);
            }
            ctx.request_repaint();
        }
        let wanted = fonts::take_wanted(ctx);
        if !wanted.is_empty() {
            let job = Job::start("system fonts", Arc::clone(wake), move || search(wanted));
            self.search = Some((wanted, job));
        }
    }
}

fn search(wanted: Scripts) -> Search {
    let mut database = Database::new();
    database.load_system_fonts();
    let faces: Vec<Face> = database.faces().map(Face::from).collect();
    let ids: Vec<fontdb::ID> = database.faces().map(|face| face.id).collect();
    let covers = |face: usize, script: Script| {
        database.with_face_data(ids[face], |data, index| cmap::covers(data, index, script.sample())).unwrap_or(false)
    };
    let chosen = choose(wanted, &faces, covers);
    let mut search = Search { missing: wanted, ..Search::default() };
    for (face, scripts) in chosen {
        let font = database.with_face_data(ids[face], |data, index| {
            let mut font = FontData::from_owned(data.to_vec());
            font.index = index;
            font
        });
        if let Some(font) = font {
            search.missing = search.missing.without(scripts);
            search.found.push(Found { name: faces[face].family.clone(), scripts, font });
        }
    }
    search
}

/// What is known of a face without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Face {
    family: String,
    weight: u16,
    upright: bool,
    monospaced: bool,
}

impl From<&fontdb::FaceInfo> for Face {
    fn from(info: &fontdb::FaceInfo) -> Self {
        Self {
            family: info.families.first().map(|(name, _)| name.clone()).unwrap_or_default(),
            weight: info.weight.0,
            upright: info.style == Style::Normal,
            monospaced: info.monospaced,
        }
    }
}

/// Few faces that have all wanted scripts, as far as there are any: per script the best by name, style
/// and weight, unless one chosen before has it too.
fn choose(wanted: Scripts, faces: &[Face], covers: impl Fn(usize, Script) -> bool) -> Vec<(usize, Scripts)> {
    let mut chosen: Vec<(usize, Scripts)> = Vec::new();
    for script in wanted.iter() {
        if chosen.iter().any(|(_, scripts)| scripts.contains(script)) {
            continue;
        }
        let mut order: Vec<usize> = (0..faces.len()).collect();
        order.sort_by_key(|face| rank(&faces[*face], script));
        let best = order.into_iter().take(TRIED_MAX).find(|face| covers(*face, script));
        if let Some(face) = best {
            let scripts: Scripts = wanted.iter().filter(|s| *s == script || covers(face, *s)).collect();
            chosen.push((face, scripts));
        }
    }
    chosen
}

/// The smaller the better.
fn rank(face: &Face, script: Script) -> (usize, bool, bool, u16, Reverse<bool>, &str) {
    let known = families(script);
    let family = face.family.to_lowercase();
    let place = known.iter().position(|name| family.contains(name)).unwrap_or(known.len());
    let sans = family.contains("sans") || family.contains("gothic");
    (place, !face.upright, face.monospaced, face.weight.abs_diff(400), Reverse(sans), &face.family)
}

/// Parts of the names of families that are made for a script, the best first, in small letters.
const fn families(script: Script) -> &'static [&'static str] {
    match script {
        Script::Han => &[
            "noto sans cjk sc",
            "noto sans sc",
            "source han sans",
            "noto sans cjk",
            "pingfang sc",
            "hiragino sans gb",
            "microsoft yahei",
            "wenquanyi zen hei",
            "wenquanyi micro hei",
            "droid sans fallback",
            "cjk",
        ],
        Script::Kana => &[
            "noto sans cjk jp",
            "noto sans jp",
            "source han sans",
            "hiragino",
            "yu gothic",
            "meiryo",
            "ipagothic",
            "cjk",
        ],
        Script::Hangul => {
            &["noto sans cjk kr", "noto sans kr", "source han sans", "apple sd gothic", "malgun", "nanum", "cjk"]
        }
        Script::Arabic => &["noto sans arabic", "noto naskh", "geeza", "segoe ui", "dejavu sans"],
        Script::Hebrew => &["noto sans hebrew", "arial hebrew", "segoe ui", "dejavu sans"],
        Script::Devanagari => &["noto sans devanagari", "kohinoor devanagari", "nirmala", "lohit devanagari"],
        Script::Bengali => &["noto sans bengali", "kohinoor bangla", "nirmala", "lohit bengali"],
        Script::Tamil => &["noto sans tamil", "tamil sangam", "nirmala", "lohit tamil"],
        Script::Telugu => &["noto sans telugu", "kohinoor telugu", "nirmala", "lohit telugu"],
        Script::Thai => &["noto sans thai", "thonburi", "leelawadee", "tlwg"],
        Script::Armenian => &["noto sans armenian", "mshtakan", "segoe ui", "dejavu sans"],
        Script::Georgian => &["noto sans georgian", "segoe ui", "dejavu sans"],
        Script::Ethiopic => &["noto sans ethiopic", "kefa", "ebrima"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(family: &str, weight: u16) -> Face {
        Face { family: family.to_owned(), weight, upright: true, monospaced: false }
    }

    fn names(wanted: &str, faces: &[Face], covers: impl Fn(usize, Script) -> bool) -> Vec<String> {
        let chosen = choose(Scripts::of(wanted), faces, covers);
        chosen.into_iter().map(|(i, _)| format!("{} {}", faces[i].family, faces[i].weight)).collect()
    }

    /// Without this Chinese records are bold, in the style of a terminal, or in a font that lacks them.
    #[test]
    fn the_plain_face_of_the_best_family_that_has_the_script() {
        let mut faces = [
            face("DejaVu Sans", 400),
            face("AR PL UMing CN", 400),
            face("Noto Sans CJK SC", 900),
            face("Noto Sans Mono CJK SC", 400),
            face("Noto Sans CJK SC", 400),
            face("Noto Sans CJK SC", 300),
        ];
        faces[3].monospaced = true;
        let has_han = |i: usize, script: Script| script == Script::Han && i > 0;
        assert_eq!(names("中", &faces, has_han), ["Noto Sans CJK SC 400"]);
        // Another family when that one is not there; never one without the characters.
        assert_eq!(names("中", &faces[..2], has_han), ["AR PL UMing CN 400"]);
        assert!(names("中", &faces[..1], has_han).is_empty());
    }

    /// Without this Chinese and Japanese words load two fonts of twenty megabytes.
    #[test]
    fn one_font_serves_several_scripts() {
        let faces = [face("Noto Sans CJK JP", 400), face("Noto Sans CJK SC", 400), face("Noto Naskh Arabic", 400)];
        let has = |i: usize, script: Script| (script == Script::Arabic) == (i == 2);
        assert_eq!(names("中文 カタカナ", &faces, has), ["Noto Sans CJK SC 400"]);
        assert_eq!(names("カタカナ ع", &faces, has), ["Noto Sans CJK JP 400", "Noto Naskh Arabic 400"]);
    }

    /// Without this the window searches in every frame, or never says that there is no font.
    #[test]
    fn a_script_is_searched_once_and_given_up_when_missing() {
        let ctx = egui::Context::default();
        fonts::notice(&ctx, "plain words");
        assert!(fonts::take_wanted(&ctx).is_empty());
        fonts::notice(&ctx, "中文");
        let wanted = fonts::take_wanted(&ctx);
        assert!(wanted.contains(Script::Han));
        fonts::notice(&ctx, "中文");
        assert!(fonts::take_wanted(&ctx).is_empty(), "asked for twice");
        assert!(!fonts::is_unreadable(&ctx, "中文"), "nobody has looked yet");
        fonts::give_up(&ctx, wanted);
        assert!(fonts::is_unreadable(&ctx, "a 中文"));
        assert!(!fonts::is_unreadable(&ctx, "a"));
    }
}
