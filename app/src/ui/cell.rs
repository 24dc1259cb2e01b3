//! One partition cell: the alphabet of the whole product. Every sign has a shape or a pattern of its
//! own, so that no colour has to be told from another.

use crate::model::{Cell, Sign};
use crate::theme::Tokens;
use egui::epaint::{Mesh, StrokeKind};
use egui::{Color32, CornerRadius, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use faultline_engine::ids::PartitionId;

/// Below this side length a cell is a filled square without corners or glyphs.
const COARSE: f32 = 7.0;

/// A cell as legends and lists need it.
pub fn plain(sign: Sign) -> Cell {
    Cell { partition: PartitionId(0), sign, copies: 1, checkpointed: false, recomputed: false }
}

/// The colour of a sign, for strips and words.
pub const fn sign_color(t: &Tokens, sign: Sign) -> Color32 {
    match sign {
        Sign::NeverComputed | Sign::ComputedNotKept | Sign::Evicted => t.empty,
        Sign::Computing => t.computing,
        Sign::ComputingAgain => t.again,
        Sign::InMemory => t.memory,
        Sign::OnDisk => t.disk,
        Sign::ReadBack | Sign::CheckpointPart => t.checkpoint,
        Sign::Lost => t.lost,
    }
}

/// Appends the shapes of `cell` inside the square `rect`. `faded` is for ghosts.
pub fn shapes(cell: Cell, rect: Rect, t: &Tokens, faded: bool, out: &mut Vec<Shape>) {
    let color = if faded { sign_color(t, cell.sign).gamma_multiply(0.45) } else { sign_color(t, cell.sign) };
    let paint = Paint { rect, color, on_fill: t.on_fill, side: rect.width().min(rect.height()) };
    if paint.side < COARSE {
        paint.coarse(cell.sign, out);
        return;
    }
    match cell.sign {
        Sign::NeverComputed => paint.outline(out),
        Sign::ComputedNotKept => {
            paint.outline(out);
            out.push(Shape::circle_filled(rect.center(), paint.side * 0.11, color));
        }
        Sign::Computing => {
            paint.outline(out);
            let fill = Rect::from_min_max(pos2(rect.left(), rect.center().y), rect.max).shrink(paint.side * 0.2);
            let fill = fill.with_min_y(rect.center().y + paint.side * 0.04);
            out.push(Shape::rect_filled(fill, paint.side * 0.06, color));
        }
        Sign::ComputingAgain => {
            paint.hatch(out);
            paint.outline(out);
        }
        Sign::InMemory => paint.fill(out),
        Sign::OnDisk => paint.bars(out),
        Sign::ReadBack => {
            paint.outline(out);
            paint.arrow_down(out);
        }
        Sign::CheckpointPart => {
            paint.fill(out);
            paint.tick(out);
        }
        Sign::Lost => {
            paint.outline(out);
            paint.cross(out);
        }
        Sign::Evicted => paint.dashed_outline(out),
    }
    if cell.copies >= 2 && matches!(cell.sign, Sign::InMemory | Sign::OnDisk) {
        for side in [-1.0, 1.0] {
            let center = rect.center() + vec2(side * paint.side * 0.18, 0.0);
            out.push(Shape::circle_filled(center, paint.side * 0.1, t.on_fill));
        }
    }
    if cell.checkpointed && cell.sign != Sign::CheckpointPart {
        paint.corner(rect.left_bottom(), vec2(1.0, -1.0), t.checkpoint, out);
    }
    if cell.recomputed && cell.sign != Sign::ComputingAgain {
        paint.corner(rect.right_top(), vec2(-1.0, 1.0), t.again, out);
    }
}

/// The frame around the cell that is asked about.
pub fn selected(rect: Rect, t: &Tokens) -> Shape {
    Shape::rect_stroke(rect.expand(1.0), CornerRadius::same(4), Stroke::new(2.0, t.selection), StrokeKind::Outside)
}

/// Appends a bar of work that exists because something was lost: hatched like the cell, of any length.
pub fn hatched_bar(rect: Rect, color: Color32, out: &mut Vec<Shape>) {
    let inner = rect.shrink(1.0);
    let mut mesh = Mesh::default();
    mesh.add_colored_rect(inner, color.gamma_multiply(0.22));
    let (period, end) = (8.0, inner.width() + inner.height());
    let mut from = 3.0;
    while from < end {
        stripe_polygon(&mut mesh, inner, from, from + period * 0.5, color);
        from += period;
    }
    out.push(Shape::mesh(mesh));
    out.push(Shape::rect_stroke(rect, 3.0_f32.min(rect.width() / 2.0), Stroke::new(1.5, color), StrokeKind::Inside));
}

struct Paint {
    rect: Rect,
    color: Color32,
    on_fill: Color32,
    side: f32,
}

impl Paint {
    fn radius(&self) -> CornerRadius {
        CornerRadius::same((self.side * 0.18).round().clamp(1.0, 6.0) as u8)
    }

    fn stroke(&self) -> Stroke {
        Stroke::new((self.side * 0.1).clamp(1.0, 2.5), self.color)
    }

    fn outline(&self, out: &mut Vec<Shape>) {
        out.push(Shape::rect_stroke(self.rect, self.radius(), self.stroke(), StrokeKind::Inside));
    }

    fn fill(&self, out: &mut Vec<Shape>) {
        out.push(Shape::rect_filled(self.rect, self.radius(), self.color));
    }

    /// Small cells keep only filled, hollow, and barred.
    fn coarse(&self, sign: Sign, out: &mut Vec<Shape>) {
        match sign {
            Sign::NeverComputed | Sign::ComputedNotKept | Sign::Evicted | Sign::ReadBack | Sign::Lost => {
                out.push(Shape::rect_stroke(self.rect, 0.0, Stroke::new(1.0, self.color), StrokeKind::Inside));
            }
            Sign::Computing => {
                out.push(Shape::rect_stroke(self.rect, 0.0, Stroke::new(1.0, self.color), StrokeKind::Inside));
                let lower = Rect::from_min_max(self.rect.left_center(), self.rect.max);
                out.push(Shape::rect_filled(lower, 0.0, self.color));
            }
            Sign::InMemory | Sign::CheckpointPart => out.push(Shape::rect_filled(self.rect, 0.0, self.color)),
            Sign::OnDisk | Sign::ComputingAgain => {
                out.push(Shape::rect_filled(self.rect, 0.0, self.color));
                let line = Stroke::new(1.0, self.on_fill);
                let ends = if sign == Sign::OnDisk {
                    [self.rect.left_center(), self.rect.right_center()]
                } else {
                    [self.rect.left_bottom(), self.rect.right_top()]
                };
                out.push(Shape::line_segment(ends, line));
            }
        }
    }

    /// Diagonal stripes, as polygons clipped to the square, in one mesh.
    fn hatch(&self, out: &mut Vec<Shape>) {
        let inner = self.rect.shrink(self.stroke().width * 0.5);
        let side = inner.width();
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(inner, self.color.gamma_multiply(0.22));
        let count = if self.side < 11.0 { 2 } else { 3 };
        let period = 2.0 * side / count as f32;
        for stripe in 0..count {
            let from = (stripe as f32 + 0.28) * period;
            stripe_polygon(&mut mesh, inner, from, from + period * 0.5, self.color);
        }
        out.push(Shape::mesh(mesh));
    }

    fn bars(&self, out: &mut Vec<Shape>) {
        self.outline(out);
        let inner = self.rect.shrink(self.side * 0.18);
        let count = if self.side < 11.0 { 2 } else { 3 };
        let pitch = inner.height() / (count as f32 - 0.4);
        for bar in 0..count {
            let top = inner.top() + bar as f32 * pitch;
            let bar = Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), pitch * 0.6));
            out.push(Shape::rect_filled(bar, 0.0, self.color));
        }
    }

    fn arrow_down(&self, out: &mut Vec<Shape>) {
        let (c, r) = (self.rect.center(), self.side * 0.23);
        let stroke = self.stroke();
        out.push(Shape::line_segment([c - vec2(0.0, r), c + vec2(0.0, r)], stroke));
        out.push(Shape::line(
            vec![c + vec2(-r * 0.85, r * 0.2), c + vec2(0.0, r), c + vec2(r * 0.85, r * 0.2)],
            stroke,
        ));
    }

    fn tick(&self, out: &mut Vec<Shape>) {
        let (c, r) = (self.rect.center(), self.side * 0.24);
        let stroke = Stroke::new(self.stroke().width * 1.2, self.on_fill);
        out.push(Shape::line(vec![c + vec2(-r, 0.0), c + vec2(-r * 0.25, r * 0.75), c + vec2(r, -r * 0.7)], stroke));
    }

    fn cross(&self, out: &mut Vec<Shape>) {
        let (c, r) = (self.rect.center(), self.side * 0.2);
        for direction in [vec2(r, r), vec2(r, -r)] {
            out.push(Shape::line_segment([c - direction, c + direction], self.stroke()));
        }
    }

    fn dashed_outline(&self, out: &mut Vec<Shape>) {
        let stroke = self.stroke();
        let r = self.rect.shrink(stroke.width * 0.5);
        let path = [r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom(), r.left_top()];
        let dash = self.side * 0.2;
        out.extend(Shape::dashed_line(&path, stroke, dash, dash * 0.8));
    }

    fn corner(&self, at: Pos2, inwards: Vec2, color: Color32, out: &mut Vec<Shape>) {
        let length = self.side * 0.5;
        let points = vec![at, at + vec2(inwards.x * length, 0.0), at + vec2(0.0, inwards.y * length)];
        out.push(Shape::convex_polygon(points, color, Stroke::NONE));
    }
}

/// The band `from <= x + y < to` (measured from the upper left corner) of a rectangle, as a fan.
fn stripe_polygon(mesh: &mut Mesh, within: Rect, from: f32, to: f32, color: Color32) {
    let (width, height) = (within.width(), within.height());
    let to = to.min(width + height);
    // Where a diagonal x + y = d enters and leaves the rectangle.
    let low = |d: f32| vec2((d - height).clamp(0.0, width), d.clamp(0.0, height));
    let high = |d: f32| vec2(d.clamp(0.0, width), (d - width).clamp(0.0, height));
    let mut corners = vec![low(from), high(from)];
    if from < width && to > width {
        corners.push(vec2(width, 0.0));
    }
    corners.push(high(to));
    corners.push(low(to));
    if from < height && to > height {
        corners.push(vec2(0.0, height));
    }
    let first = mesh.vertices.len() as u32;
    for corner in &corners {
        mesh.colored_vertex(within.min + *corner, color);
    }
    for i in 1..corners.len() as u32 - 1 {
        mesh.add_triangle(first, first + i, first + i + 1);
    }
}

/// The colours of strips, mixed once for all nodes of a frame.
pub struct StripColors([[Color32; 2]; Sign::ALL.len()]);

impl StripColors {
    /// Those of a theme.
    pub fn of(t: &Tokens) -> Self {
        let mix = |sign: Sign| {
            let color = sign_color(t, sign);
            let hollow = matches!(sign, Sign::NeverComputed | Sign::ComputedNotKept | Sign::Evicted);
            [color.gamma_multiply(if hollow { 0.5 } else { 1.0 }), color.gamma_multiply(0.3)]
        };
        let mut colors = [[Color32::TRANSPARENT; 2]; Sign::ALL.len()];
        for sign in Sign::ALL {
            colors[sign as usize] = mix(sign);
        }
        Self(colors)
    }

    /// Appends one strip that shows the share of each sign, for nodes with many partitions and far views.
    /// Where there is no room for parts of `narrowest` points, the largest shares are shown.
    pub fn strip(&self, counts: &[(Sign, u32)], rect: Rect, faded: bool, narrowest: f32, mesh: &mut Mesh) {
        let room = if narrowest > 0.0 { ((rect.width() / narrowest) as usize).max(1) } else { usize::MAX };
        let mut left = rect.left();
        let mut part = |sign: Sign, share: f32| {
            let right = left + rect.width() * share;
            let part = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
            mesh.add_colored_rect(part, self.0[sign as usize][usize::from(faded)]);
            left = right;
        };
        let kept = largest(counts, room);
        let rows = || counts.iter().zip(kept).filter(|(_, kept)| *kept).map(|(row, _)| *row);
        let total = rows().map(|(_, n)| n).sum::<u32>().max(1) as f32;
        rows().for_each(|(sign, n)| part(sign, n as f32 / total));
    }
}

/// Which rows are among the `room` with the largest counts; of equal ones the first.
fn largest(counts: &[(Sign, u32)], room: usize) -> [bool; Sign::ALL.len()] {
    let rows = counts.len().min(Sign::ALL.len());
    if rows <= room {
        return [true; Sign::ALL.len()];
    }
    let mut by_size: [usize; Sign::ALL.len()] = std::array::from_fn(|row| row);
    by_size[..rows].sort_by_key(|row| std::cmp::Reverse(counts[*row].1));
    let mut kept = [false; Sign::ALL.len()];
    by_size[..room].iter().for_each(|row| kept[*row] = true);
    kept
}
