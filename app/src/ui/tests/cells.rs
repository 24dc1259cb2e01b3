//! The partition alphabet as pictures.

use crate::model::{Cell, Sign};
use crate::platform::Picture;
use crate::platform::screenshot::{Shot, paint};
use crate::theme::{Theme, Tokens};
use crate::ui::cell;
use egui::{Rect, Vec2, pos2};

fn alphabet() -> Vec<(String, Cell)> {
    let mut all: Vec<_> = Sign::ALL.iter().map(|sign| (format!("{sign:?}"), cell::plain(*sign))).collect();
    let memory = cell::plain(Sign::InMemory);
    all.push(("two copies".to_owned(), Cell { copies: 2, ..memory }));
    all.push(("checkpointed".to_owned(), Cell { checkpointed: true, ..memory }));
    all.push(("recomputed".to_owned(), Cell { recomputed: true, ..memory }));
    all
}

/// The cell in shades of grey, so that only shape and pattern count.
fn grey(cell: Cell, side: f32) -> Picture {
    let grey = |c: egui::Color32| egui::Color32::from_gray(if c.intensity() > 0.2 { 200 } else { 0 });
    let t = Theme::Dark.tokens();
    let tokens = Tokens {
        empty: grey(t.empty),
        memory: grey(t.memory),
        disk: grey(t.disk),
        checkpoint: grey(t.on_fill),
        computing: grey(t.computing),
        again: grey(t.again),
        lost: grey(t.lost),
        on_fill: egui::Color32::BLACK,
        ..*t
    };
    let whole = Tokens { checkpoint: grey(t.checkpoint), ..tokens };
    // Corners must show on a fill of the same grey, so there they are dark.
    let with_corner = cell.checkpointed && cell.sign == Sign::InMemory;
    let tokens = if with_corner { tokens } else { whole };
    let tokens = if cell.recomputed { Tokens { again: egui::Color32::BLACK, ..tokens } } else { tokens };
    let size = side as u32 + 4;
    let shot = Shot { size: [size, size], frames: 1, ..Shot::default() };
    paint(&egui::Context::default(), shot, |ui| {
        let mut shapes = Vec::new();
        let rect = Rect::from_min_size(pos2(2.0, 2.0), Vec2::splat(side));
        cell::shapes(cell, rect, &tokens, false, &mut shapes);
        ui.painter().extend(shapes);
    })
}

/// Without this two signs could differ by colour alone, and a tenth of all men could not tell lost
/// from kept.
#[test]
fn signs_differ_by_shape_and_not_only_by_colour() {
    for side in [10.0, 16.0, 24.0, 32.0] {
        let pictures: Vec<_> = alphabet().into_iter().map(|(name, cell)| (name, grey(cell, side))).collect();
        for (i, (name, picture)) in pictures.iter().enumerate() {
            for (other, different) in &pictures[i + 1..] {
                let pixels = |p: &Picture| p.pixels.as_chunks::<4>().0.to_vec();
                let apart = |(a, b): &([u8; 4], [u8; 4])| a[0].abs_diff(b[0]) > 48;
                let count = pixels(picture).into_iter().zip(pixels(different)).filter(apart).count();
                let least = (side * side * 0.03) as usize;
                assert!(count >= least, "{name} and {other} differ in {count} pixels at {side}");
            }
        }
    }
}

/// Without this a far view draws nothing where cells get small.
#[test]
fn every_sign_paints_something_at_every_size() {
    for side in [4.0, 6.0, 8.0, 12.0, 16.0, 32.0] {
        for (name, cell) in alphabet() {
            let painted = grey(cell, side).pixels.as_chunks::<4>().0.iter().filter(|p| p[0] > 60).count();
            assert!(painted >= 4, "{name} at {side}: {painted} pixels");
        }
    }
}
