//! What lies over the window: menu, settings, keys, the drop of a file. For the eye when
//! `FAULTLINE_PICTURES` names a directory.

use super::harness::{World, window};
use crate::command::{AppCommand, Asked, FileCommand, Overlay, Purpose, SettingsCommand};
use crate::theme::{NumberStyle, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

fn world(theme: Theme) -> World {
    let mut world = World::demo();
    world.shell.ui.theme = theme;
    world.shell.ui.recent.add("logs/2024/application_1.jsonl".into());
    world.shell.ui.recent.add("logs/word-count.jsonl".into());
    world
}

fn keep(harness: &mut Harness<'_, World>, name: &str) {
    let Ok(directory) = std::env::var("FAULTLINE_PICTURES") else { return };
    let path = std::path::Path::new(&directory).join(format!("{name}.png"));
    let image = harness.render().unwrap();
    let picture = crate::platform::Picture { width: image.width(), height: image.height(), pixels: image.into_raw() };
    crate::platform::screenshot::write_png(&picture, &path).unwrap();
}

/// Every accessible part of an overlay lies inside the window, at every scale.
fn fits(harness: &Harness<'_, World>, labels: &[&str]) {
    let screen = harness.ctx.content_rect();
    for label in labels {
        let rects: Vec<egui::Rect> = harness.query_all_by_label(label).map(|node| node.rect()).collect();
        assert!(!rects.is_empty(), "{label} is not there");
        for rect in rects {
            assert!(screen.contains_rect(rect), "{label} is at {rect:?}, the window is {screen:?}");
        }
    }
}

/// Without this the menu is cut at the border of the window, or an item sends nothing.
#[test]
fn the_menu_offers_files_settings_and_keys() {
    for theme in [Theme::Dark, Theme::Light] {
        let mut harness = window(world(theme));
        harness.run();
        harness.get_by_label("Menu").click();
        harness.run();
        harness.get_by_label("Open log…");
        assert_eq!(harness.state().received, [AppCommand::File(FileCommand::CheckRecent)]);
        harness.get_by_label_contains("Recent").click();
        harness.run();
        keep(&mut harness, &format!("menu-{}", theme.name().to_lowercase()));
        fits(&harness, &["Open log…", "Save log…", "Settings…", "Keys", "word-count.jsonl", "Clear recent"]);
        harness.get_by_label("application_1.jsonl").click();
        harness.run();
        let opened = AppCommand::File(FileCommand::OpenPath("logs/2024/application_1.jsonl".into()));
        assert_eq!(harness.state().received.last(), Some(&opened));
    }
    let check = |item: &str, expect: AppCommand| {
        let mut harness = window(World::demo());
        harness.run();
        harness.get_by_label("Menu").click();
        harness.run();
        harness.get_by_label(item).click();
        harness.run();
        assert_eq!(harness.state().received, [expect], "{item}");
    };
    check("Save log…", AppCommand::File(FileCommand::Ask(Purpose::SaveLog)));
    check("Settings…", AppCommand::ShowOverlay(Some(Overlay::Settings)));
    check("Keys", AppCommand::ShowOverlay(Some(Overlay::Keys)));
}

/// Without this the settings or the list of keys leave a small or scaled window, and cannot be closed.
#[test]
fn overlays_fit_at_every_scale_and_close() {
    for (theme, scale) in [(Theme::Dark, 100), (Theme::Light, 100), (Theme::HighContrast, 150), (Theme::Dark, 200)] {
        for (overlay, name, labels) in [
            (Overlay::Settings, "settings", &["Theme", "Scale", "Language of numbers", "Close"][..]),
            (Overlay::Keys, "keys", &["Every key", "Close"][..]),
            (Overlay::Faults, "faults", &["Faults", "Close"][..]),
        ] {
            let mut world = world(theme);
            world.shell.ui.overlay = Some(overlay);
            world.shell.ui.settings.apply(SettingsCommand::Scale(scale));
            world.shell.ui.settings.apply(SettingsCommand::Numbers(NumberStyle::German));
            let mut harness = window(world);
            harness.run();
            if scale == 100 {
                keep(&mut harness, &format!("{name}-{}", theme.name().to_lowercase()));
            }
            fits(&harness, labels);
            harness.key_press(egui::Key::Escape);
            harness.run();
            assert_eq!(harness.state().shell.ui.overlay, None);
        }
    }
}

/// Without this nobody learns that a file can be dropped.
#[test]
fn a_file_over_the_window_is_announced() {
    let mut harness = window(world(Theme::Dark));
    harness.run();
    harness.input_mut().hovered_files.push(egui::HoveredFile::default());
    harness.run_steps(2);
    keep(&mut harness, "drop");
    let covered = harness.render().unwrap();
    harness.input_mut().hovered_files.clear();
    harness.run();
    assert!(harness.render().unwrap() != covered, "nothing is drawn over the window");
}

/// Without this the dialog inside the window is larger than the window.
#[test]
fn the_dialog_inside_the_window_fits() {
    for (theme, purpose, button) in [(Theme::Dark, Purpose::OpenLog, "Open"), (Theme::Light, Purpose::SaveLog, "Save")]
    {
        let mut world = world(theme);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.jsonl"), "").unwrap();
        let directory = Some(folder.path().to_path_buf());
        world.shell.ui.question = Some(Asked { purpose, file_name: "word-count.jsonl".to_owned(), directory });
        let mut harness = window(world);
        // Its folder is read by a thread of its own.
        let listed = (0..200_000).any(|_| {
            harness.step();
            std::thread::yield_now();
            harness.query_by_label_contains("run.jsonl").is_some()
        });
        assert!(listed, "the folder was never listed");
        keep(&mut harness, &format!("dialog-{}", theme.name().to_lowercase()));
        fits(&harness, &["Cancel", button]);
    }
}
