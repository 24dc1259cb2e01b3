//! How tasks are drawn. Filled is work, hollow is reading; orange exists because something was lost.
//! Every sign has a shape of its own, so that no colour has to be told from another.

use super::Plot;
use super::stripes::{UPRIGHT, hatch, stripes};
use crate::scene::timeline::{Bar, BarState, Doing, Heap, Piece, Timeline};
use crate::theme::Tokens;
use egui::epaint::{Mesh, StrokeKind};
use egui::{Color32, Rect, Shape, Stroke, pos2, vec2};

/// A piece narrower than this is filled without a sign.
const SIGN_MIN: f32 = 6.0;
/// A piece narrower than this has no glyph.
const GLYPH_MIN: f32 = 12.0;
const RADIUS: f32 = 3.0;
/// Legs of the corner that marks a speculative attempt.
const FLAG: f32 = 7.0;

/// Appends all tasks in view.
pub(super) fn bars(timeline: &Timeline, plot: &Plot, t: &Tokens, out: &mut Vec<Shape>) {
    let mut paint = Paint { t, view: plot.rect, flat: Mesh::default(), shapes: Vec::new() };
    for heap in &timeline.heaps {
        paint.heap(heap, plot.row(heap.row, heap.x));
    }
    for bar in &timeline.bars {
        paint.bar(bar, plot);
    }
    out.push(Shape::mesh(paint.flat));
    out.extend(paint.shapes);
}

/// The colour of a piece.
pub(super) const fn color_of(t: &Tokens, doing: Doing, again: bool) -> Color32 {
    match doing {
        _ if again => t.again,
        Doing::ReadBack | Doing::WrittenCheckpoint => t.checkpoint,
        Doing::ReadMemory => t.memory,
        Doing::ReadDisk => t.disk,
        Doing::Around | Doing::Unknown | Doing::Fetched | Doing::Computed | Doing::Written => t.first_time,
    }
}

struct Paint<'a> {
    t: &'a Tokens,
    view: Rect,
    /// What has neither rounding nor outline, below everything else.
    flat: Mesh,
    shapes: Vec<Shape>,
}

impl Paint<'_> {
    /// Many tasks: neutral, with the share of each sign from below.
    fn heap(&mut self, heap: &Heap, rect: Rect) {
        let t = self.t;
        let share = |n: u32| if n == 0 { 0.0 } else { (n as f32 / heap.tasks as f32).clamp(0.25, 1.0) };
        let plain = if heap.checkpoint_jobs * 2 > heap.tasks { t.checkpoint } else { t.first_time };
        // One short task is no more than a line.
        let width = if heap.tasks == 1 { 2.0 } else { rect.width() };
        let rect = Rect::from_min_size(rect.min, vec2(width, rect.height()));
        self.flat.add_colored_rect(rect, plain.gamma_multiply(0.8));
        for (n, color) in [(heap.again, t.again), (heap.failed, t.lost)] {
            let top = rect.bottom() - rect.height() * share(n);
            if n > 0 {
                self.flat.add_colored_rect(rect.with_min_y(top), color);
            }
        }
        if heap.selected {
            let edge = Stroke::new(2.0, t.selection);
            self.shapes.push(Shape::rect_stroke(rect, 1.0, edge, StrokeKind::Outside));
        }
    }

    fn bar(&mut self, bar: &Bar, plot: &Plot) {
        let t = self.t;
        let rect = plot.row(bar.row, bar.x);
        match bar.state {
            BarState::Running => self.running(rect),
            BarState::Killed => self.killed(rect),
            BarState::Succeeded | BarState::Failed => {
                for piece in &bar.pieces {
                    // Tasks that follow each other stay apart.
                    let end = piece.x.1.min(bar.x.1 - if bar.x.1 - bar.x.0 > SIGN_MIN { 1.5 } else { 0.0 });
                    let x = (piece.x.0, end.max(piece.x.0));
                    self.piece(piece, plot.row(bar.row, x), bar.checkpoint_job);
                }
            }
        }
        if bar.state == BarState::Failed {
            self.outline(rect, Stroke::new(1.5, t.lost), StrokeKind::Inside);
            let r = (rect.height() * 0.25).min(4.0);
            let c = pos2(rect.right() + r + 2.0, rect.center().y);
            for direction in [vec2(r, r), vec2(r, -r)] {
                self.shapes.push(Shape::line_segment([c - direction, c + direction], Stroke::new(2.0, t.lost)));
            }
        }
        if bar.speculative && rect.width() >= SIGN_MIN && self.shown(rect).is_some() {
            let corner = rect.left_top().max(self.view.left_top());
            let flag = vec![corner, corner + vec2(FLAG, 0.0), corner + vec2(0.0, FLAG)];
            self.shapes.push(Shape::convex_polygon(flag, t.text, Stroke::NONE));
        }
        if bar.selected {
            self.outline(rect, Stroke::new(2.5, t.selection), StrokeKind::Outside);
        } else if bar.lit {
            self.outline(rect, Stroke::new(1.5, t.selection), StrokeKind::Outside);
        }
    }

    /// Nobody needs its work any more: hollow, and struck through.
    fn killed(&mut self, rect: Rect) {
        let Some(shown) = self.shown(rect) else { return };
        self.outline(rect, Stroke::new(1.0, self.t.first_time), StrokeKind::Inside);
        let y = rect.center().y;
        let line = Stroke::new(1.5, self.t.first_time);
        self.shapes.push(Shape::line_segment([pos2(shown.left(), y), pos2(shown.right(), y)], line));
    }

    /// The sign of a cell that computes: an outline that fills.
    fn running(&mut self, rect: Rect) {
        let rect = rect.with_max_x(rect.right().max(rect.left() + 2.0));
        let Some(shown) = self.shown(rect) else { return };
        let lower = shown.with_min_y(rect.center().y).shrink2(vec2(1.0, 0.0));
        self.flat.add_colored_rect(lower, self.t.computing);
        self.outline(rect, Stroke::new(1.5, self.t.computing), StrokeKind::Inside);
    }

    fn piece(&mut self, piece: &Piece, rect: Rect, checkpoint_job: bool) {
        let t = self.t;
        let Some(shown) = self.shown(rect) else { return };
        let color = color_of(t, piece.doing, piece.again);
        let narrow = rect.width() < SIGN_MIN;
        // A hair of room between pieces, so that two of a kind can be told apart.
        let rect = if rect.width() > SIGN_MIN { rect.shrink2(vec2(0.5, 0.0)) } else { rect };
        if checkpoint_job && !piece.again || piece.doing == Doing::WrittenCheckpoint && !narrow {
            self.flat.add_colored_rect(shown, t.checkpoint.gamma_multiply(0.35));
            stripes(&mut self.flat, shown, rect.left(), UPRIGHT, t.checkpoint);
            return;
        }
        match piece.doing {
            _ if narrow => self.flat.add_colored_rect(shown, color),
            Doing::Computed if piece.again => {
                self.flat.add_colored_rect(shown, color.gamma_multiply(0.22));
                stripes(&mut self.flat, shown, rect.left(), hatch(rect.height()), color);
                self.outline(rect, Stroke::new(1.5, color), StrokeKind::Inside);
            }
            Doing::Computed | Doing::Unknown | Doing::WrittenCheckpoint => {
                self.shapes.push(Shape::rect_filled(rect, RADIUS, color));
            }
            Doing::Around => self.shapes.push(Shape::rect_filled(rect, RADIUS, color.gamma_multiply(0.45))),
            Doing::Written => {
                self.flat.add_colored_rect(shown.with_min_y(rect.center().y), color);
                self.outline(rect, Stroke::new(1.0, color), StrokeKind::Inside);
            }
            Doing::ReadBack | Doing::ReadMemory | Doing::ReadDisk | Doing::Fetched => {
                self.outline(rect, Stroke::new(1.5, color), StrokeKind::Inside);
                if rect.width() >= GLYPH_MIN && shown.contains(rect.center()) {
                    self.glyph(piece.doing, rect, color);
                }
            }
        }
    }

    /// An arrow for the checkpoint, a dot for memory, lines for the disk, ticks for map outputs.
    fn glyph(&mut self, doing: Doing, rect: Rect, color: Color32) {
        let (c, r) = (rect.center(), (rect.height() * 0.25).min(4.0));
        let stroke = Stroke::new(1.5, color);
        match doing {
            Doing::ReadBack => {
                self.shapes.push(Shape::line_segment([c - vec2(0.0, r), c + vec2(0.0, r)], stroke));
                let head = vec![c + vec2(-r * 0.85, r * 0.2), c + vec2(0.0, r), c + vec2(r * 0.85, r * 0.2)];
                self.shapes.push(Shape::line(head, stroke));
            }
            Doing::ReadMemory => self.shapes.push(Shape::circle_filled(c, r * 0.6, color)),
            Doing::ReadDisk => {
                for y in [-r * 0.5, r * 0.5] {
                    self.shapes.push(Shape::line_segment([c + vec2(-r, y), c + vec2(r, y)], stroke));
                }
            }
            _ => {
                for x in [-r, 0.0, r] {
                    let top = pos2(c.x + x, rect.top());
                    self.shapes.push(Shape::line_segment([top, top + vec2(0.0, r * 1.5)], stroke));
                }
            }
        }
    }

    fn outline(&mut self, rect: Rect, stroke: Stroke, kind: StrokeKind) {
        if self.shown(rect).is_some() {
            // An edge that is out of view is drawn just out of view.
            let view = self.view.expand2(vec2(8.0, 0.0));
            let rect = Rect::from_x_y_ranges(
                rect.left().max(view.left())..=rect.right().min(view.right()),
                rect.top()..=rect.bottom(),
            );
            self.shapes.push(Shape::rect_stroke(rect, RADIUS.min(rect.width() / 2.0), stroke, kind));
        }
    }

    /// The part of a rectangle that is in view.
    fn shown(&self, rect: Rect) -> Option<Rect> {
        let shown = rect.intersect(self.view);
        shown.is_positive().then_some(shown)
    }
}
