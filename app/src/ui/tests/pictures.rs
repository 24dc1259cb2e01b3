//! Pictures of the whole window: for the eye when `FAULTLINE_PICTURES` names a directory, and a check
//! that none of it is empty.

use super::harness::World;
use crate::platform::screenshot::{Shot, paint, write_png};
use crate::theme::Theme;

fn picture(theme: Theme, size: [u32; 2]) -> crate::platform::Picture {
    let mut world = World::demo();
    world.shell.ui.theme = theme;
    world.shell.ui.hint = Some("Press 1 or 3 to kill another executor".to_owned());
    let shot = Shot { size, frames: 6, ..Shot::default() };
    paint(&egui::Context::default(), shot, |ui| world.frame(ui))
}

/// Without this a panel can vanish, or a theme lose its colours, and every other test stays green.
#[test]
fn the_window_shows_every_part_in_every_theme() {
    let sizes = [("1280x800", [1280, 800]), ("2560x1440", [2560, 1440])];
    for theme in Theme::ALL {
        for (name, size) in sizes {
            if theme == Theme::HighContrast && size[0] > 1280 {
                continue;
            }
            let picture = picture(theme, size);
            if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
                let file = format!("ui-{}-{name}.png", theme.name().to_lowercase().replace(' ', "-"));
                write_png(&picture, &std::path::Path::new(&directory).join(file)).unwrap();
            }
            let t = theme.tokens();
            for (what, color) in [
                ("background", t.background),
                ("panel", t.panel),
                ("raised", t.raised),
                ("memory", t.memory),
                ("checkpoint", t.checkpoint),
                ("computing", t.computing),
                ("again", t.again),
                ("lost", t.lost),
                ("lost surface", t.lost_surface),
                ("selection", t.selection),
            ] {
                let count = picture.pixels.as_chunks::<4>().0.iter().filter(|p| **p == color.to_array()).count();
                assert!(count > 40, "{theme:?} {name}: {count} pixels of {what}");
            }
        }
    }
}
