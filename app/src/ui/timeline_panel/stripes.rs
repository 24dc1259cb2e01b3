//! Stripes inside a rectangle: slanted for work done again, upright for checkpoints.

use egui::epaint::Mesh;
use egui::{Color32, Pos2, Rect, pos2};

/// How stripes run.
#[derive(Clone, Copy)]
pub(super) struct Stripes {
    /// From one to the next.
    pub pitch: f32,
    /// Of one.
    pub width: f32,
    /// How far the top is to the right of the bottom.
    pub slant: f32,
}

/// Slanted by 45°.
pub(super) const fn hatch(height: f32) -> Stripes {
    Stripes { pitch: 8.0, width: 4.0, slant: height }
}

/// Upright.
pub(super) const UPRIGHT: Stripes = Stripes { pitch: 4.0, width: 2.0, slant: 0.0 };

/// Adds stripes. `anchor` is where they are counted from, so that a rectangle that is partly out of
/// view keeps its stripes.
pub(super) fn stripes(mesh: &mut Mesh, rect: Rect, anchor: f32, of: Stripes, color: Color32) {
    if !rect.is_positive() {
        return;
    }
    let first = ((rect.left() - of.slant - anchor) / of.pitch).floor();
    let last = ((rect.right() - anchor) / of.pitch).ceil();
    let mut k = first;
    while k <= last {
        let left = anchor + k * of.pitch;
        k += 1.0;
        let right = left + of.width;
        let corners = [
            pos2(left + of.slant, rect.top()),
            pos2(right + of.slant, rect.top()),
            pos2(right, rect.bottom()),
            pos2(left, rect.bottom()),
        ];
        let inside = beside(&beside(&corners, rect.left(), 1.0), rect.right(), -1.0);
        if inside.len() < 3 {
            continue;
        }
        let base = mesh.vertices.len() as u32;
        for corner in &inside {
            mesh.colored_vertex(*corner, color);
        }
        for i in 1..inside.len() as u32 - 1 {
            mesh.add_triangle(base, base + i, base + i + 1);
        }
    }
}

/// The part of a convex polygon right (`side` 1) or left (`side` −1) of an upright line.
fn beside(corners: &[Pos2], line: f32, side: f32) -> Vec<Pos2> {
    let mut inside = Vec::with_capacity(corners.len() + 2);
    for (i, &a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        let (from, to) = ((a.x - line) * side, (b.x - line) * side);
        if from >= 0.0 {
            inside.push(a);
        }
        if (from >= 0.0) != (to >= 0.0) {
            let share = from / (from - to);
            inside.push(a + (b - a) * share);
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    /// Without this stripes stick out of a bar, or a bar at the edge of the view has none.
    #[test]
    fn stripes_fill_half_of_a_rectangle_and_stay_inside() {
        let check = |rect: Rect, anchor: f32, of: Stripes| {
            let mut mesh = Mesh::default();
            stripes(&mut mesh, rect, anchor, of, Color32::WHITE);
            assert!(mesh.vertices.iter().all(|v| rect.expand(0.01).contains(v.pos)));
            let area: f32 = mesh.indices.as_chunks::<3>().0.iter().map(|t| triangle(&mesh, *t)).sum();
            let share = area / rect.area();
            assert!((0.35..=0.65).contains(&share), "{rect:?}: {share}");
        };
        let rect = |width: f32| Rect::from_min_size(pos2(100.0, 20.0), vec2(width, 16.0));
        for width in [24.0, 80.0, 400.0] {
            check(rect(width), 100.0, hatch(16.0));
            check(rect(width), -9_000.0, hatch(16.0));
            check(rect(width), 100.0, UPRIGHT);
        }
    }

    fn triangle(mesh: &Mesh, corners: [u32; 3]) -> f32 {
        let [a, b, c] = corners.map(|i| mesh.vertices[i as usize].pos);
        let (u, v) = (b - a, c - a);
        (u.x * v.y - u.y * v.x).abs() / 2.0
    }
}
