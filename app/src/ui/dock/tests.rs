//! The arrangement as data; what it looks like is tested with the window.

use super::sizes::keep;
use super::*;
use egui::{Rect, Vec2};

/// Runs the tree once without panels, to learn where it puts them.
fn rects(dock: &mut Dock, size: Vec2) -> Vec<(Pane, Rect)> {
    struct Blank;
    impl egui_tiles::Behavior<Pane> for Blank {
        fn pane_ui(&mut self, _: &mut egui::Ui, _: TileId, _: &mut Pane) -> egui_tiles::UiResponse {
            egui_tiles::UiResponse::None
        }
        fn tab_title_for_pane(&mut self, pane: &Pane) -> egui::WidgetText {
            pane.name().into()
        }
    }
    let ctx = egui::Context::default();
    let input =
        egui::RawInput { screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, size)), ..egui::RawInput::default() };
    let output = ctx.run_ui(input, |ui| {
        keep(&mut dock.tree, ui.available_size());
        dock.tree.ui(&mut Blank, ui);
    });
    output.drop_without_applying_deltas();
    let drawn = dock.drawn();
    drawn
        .into_iter()
        .map(|p| (p, dock.tree.tiles.find_pane(&p).and_then(|id| dock.tree.tiles.rect(id)).unwrap()))
        .collect()
}

fn width(rects: &[(Pane, Rect)], pane: Pane) -> f32 {
    rects.iter().find(|(p, _)| *p == pane).map(|(_, r)| r.width().round()).unwrap()
}

/// A side panel would swallow half of a large screen, or vanish on a small one.
#[test]
fn only_the_lineage_grows_with_the_window() {
    for preset in Preset::ALL {
        let mut dock = Dock::default();
        dock.arrange(preset);
        let small = rects(&mut dock, Vec2::new(1280.0, 716.0));
        let large = rects(&mut dock, Vec2::new(2560.0, 1356.0));
        for pane in [Pane::Cluster, Pane::Inspector] {
            assert_eq!(width(&small, pane), width(&large, pane), "{preset:?}: {pane:?}");
        }
        assert_eq!(width(&large, Pane::Lineage) - width(&small, Pane::Lineage), 1280.0, "{preset:?}");
        let again = rects(&mut dock, Vec2::new(1280.0, 716.0));
        assert_eq!(again, small, "{preset:?}: back and forth changes nothing");
    }
}

/// A small screen with large type would leave no lineage at all.
#[test]
fn the_lineage_keeps_room_in_a_small_window() {
    for preset in Preset::ALL {
        let mut dock = Dock::default();
        dock.arrange(preset);
        let panels = rects(&mut dock, Vec2::new(853.0, 480.0));
        assert!(width(&panels, Pane::Lineage) >= 180.0, "{preset:?}: {panels:?}");
        let all = panels.iter().all(|(_, r)| r.width() > 60.0 && r.height() > 60.0);
        assert!(all, "{preset:?}: {panels:?}");
    }
}

/// Every panel has one place, tabs hide the others, and hiding the lineage is not possible.
#[test]
fn panels_come_forward_and_hide() {
    let mut dock = Dock::default();
    assert!(dock.is_whole());
    assert_eq!(dock.drawn(), [Pane::Cluster, Pane::Lineage, Pane::Inspector, Pane::Timeline]);
    dock.bring_forward(Pane::Storage);
    assert_eq!(dock.drawn(), [Pane::Cluster, Pane::Lineage, Pane::Inspector, Pane::Storage]);
    dock.set_shown(Pane::Inspector, false);
    dock.set_shown(Pane::Lineage, false);
    assert!(!dock.shows(Pane::Inspector) && dock.shows(Pane::Lineage));
    dock.bring_forward(Pane::Inspector);
    assert!(dock.shows(Pane::Inspector));
    dock.arrange(Preset::Debug);
    assert!(dock.is_whole());
    assert_eq!(dock.drawn().len(), 6, "everything at once, but storage behind batches: {:?}", dock.drawn());
}
