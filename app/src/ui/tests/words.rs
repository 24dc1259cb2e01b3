//! Words in the window: large enough, and none over another.

use super::harness::{World, window};
use egui::{Rect, Shape};

pub(super) fn collect(shape: &Shape, clip: Rect, found: &mut Vec<(String, Rect, f32)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|s| collect(s, clip, found)),
        Shape::Text(text) if !text.galley.text().trim().is_empty() => {
            let rect = text.visual_bounding_rect().intersect(clip);
            let size = text.galley.job.sections.iter().map(|s| s.format.font_id.size).fold(f32::MAX, f32::min);
            if rect.width() > 1.0 && rect.height() > 1.0 {
                found.push((text.galley.text().to_owned(), rect, size));
            }
        }
        _ => {}
    }
}

/// Without this a longer word, a narrower window or another zoom lets words run into each other, or
/// shrink until nobody can read them.
#[test]
fn words_are_readable_and_never_overlap() {
    for size in [[1280.0, 800.0], [1440.0, 900.0], [2560.0, 1440.0]] {
        for zoom_outs in 0..6 {
            let mut harness = window(World::demo());
            harness.set_size(size.into());
            harness.run();
            for _ in 0..zoom_outs {
                harness.key_press(egui::Key::Minus);
                harness.run();
            }
            let mut found = Vec::new();
            for clipped in &harness.output().shapes {
                collect(&clipped.shape, clipped.clip_rect, &mut found);
            }
            assert!(found.len() > 50, "{size:?}: {} words", found.len());
            for (i, (words, rect, font)) in found.iter().enumerate() {
                assert!(*font >= crate::theme::text::SMALLEST, "{words} has {font} points");
                for (other, second, _) in &found[i + 1..] {
                    let shared = rect.shrink(1.5).intersect(second.shrink(1.5));
                    let apart = shared.width() <= 0.0 || shared.height() <= 0.0;
                    assert!(apart, "{size:?}, {zoom_outs} × out: {words:?} {rect} and {other:?} {second}");
                }
            }
        }
    }
}
