//! Where the lineage is looked at from: follows the running batch until the user pans or zooms.

use crate::scene::Scene;
use egui::{Pos2, Rect, Vec2, vec2};

/// The zoom can go no further out than this.
pub const ZOOM_MIN: f32 = 0.005;
/// The zoom can go no further in than this.
pub const ZOOM_MAX: f32 = 4.0;
/// One key press or click on + or −.
pub const ZOOM_STEP: f32 = 1.25;
/// While following, the zoom stays in this range, so that words are readable and not huge.
const FOLLOW_ZOOM: (f32, f32) = (0.52, 1.7);
/// While following, a narrower focus is shown as if it were so wide, so that the first batches do not
/// change the zoom.
const STEADY_WIDTH: f32 = 760.0;
/// Of the free height, this much is above the lineage: it belongs to the sentence there.
const UPPER_SHARE: f32 = 0.35;
/// Kept free around what is looked at.
const MARGIN: f32 = 16.0;
/// Everything is a thin line when it is lower than this share of the canvas, and smaller than
/// [`LEGIBLE`].
const THIN_SHARE: f32 = 0.2;
/// Below this zoom cells cannot be told apart.
const LEGIBLE: f32 = 0.15;
/// How fast the camera approaches its goal, per second.
const SPEED: f32 = 7.0;

/// Scale and offset: a point of the scene is at `canvas.min + pan + point · zoom`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Screen points per scene point.
    pub zoom: f32,
    /// Where the origin of the scene is, from the upper left corner of the canvas.
    pub pan: Vec2,
}

impl View {
    /// A point of the scene on screen.
    pub fn pos(self, canvas: Rect, p: Pos2) -> Pos2 {
        canvas.min + self.pan + p.to_vec2() * self.zoom
    }

    /// A rectangle of the scene on screen.
    pub fn rect(self, canvas: Rect, r: Rect) -> Rect {
        Rect::from_min_max(self.pos(canvas, r.min), self.pos(canvas, r.max))
    }

    fn is_near(self, other: Self) -> bool {
        (self.pan - other.pan).length() < 0.5 && (self.zoom / other.zoom - 1.0).abs() < 0.002
    }
}

/// The view of now and where it is going.
#[derive(Clone, Debug, Default)]
pub struct Camera {
    view: Option<View>,
    goal: Option<View>,
}

/// Whether the camera has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// It needs another frame.
    Moving,
    /// It rests.
    Resting,
}

impl Camera {
    /// The view of now; the identity before the first step.
    pub fn view(&self) -> View {
        self.view.unwrap_or(View { zoom: 1.0, pan: Vec2::ZERO })
    }

    /// Goes on by `dt` seconds. `follow` aims at the scene's focus; otherwise the camera only ends
    /// what a key or button began. Without a view, or with `dt` infinite, it jumps.
    pub fn step(&mut self, scene: &Scene, canvas: Vec2, follow: bool, dt: f32) -> Motion {
        if follow {
            self.goal = follow_view(scene, canvas);
        }
        let Some(goal) = self.goal else { return Motion::Resting };
        let now = self.view.unwrap_or(goal);
        if now.is_near(goal) || dt.is_infinite() {
            self.view = Some(goal);
            self.goal = None;
            return Motion::Resting;
        }
        let share = 1.0 - (-dt * SPEED).exp();
        self.view = Some(View {
            zoom: now.zoom * (goal.zoom / now.zoom).powf(share),
            pan: now.pan + (goal.pan - now.pan) * share,
        });
        Motion::Moving
    }

    /// The user took over: this is the view from now on.
    pub fn take(&mut self, view: View) {
        self.view = Some(View { zoom: view.zoom.clamp(ZOOM_MIN, ZOOM_MAX), pan: view.pan });
        self.goal = None;
    }

    /// Aims at everything.
    pub fn fit_all(&mut self, scene: &Scene, canvas: Vec2) {
        self.goal = scene.bounds.map(|bounds| fit_view(bounds, canvas));
    }

    /// Aims at everything, as long as that is more than a thin line; else at the newest end in full height,
    /// and, asked once more, at everything all the same.
    pub fn fit(&mut self, scene: &Scene, canvas: Vec2) {
        let Some(bounds) = scene.bounds else { return };
        let (all, newest) = (fit_view(bounds, canvas), newest_view(bounds, canvas));
        let thin = bounds.height() * all.zoom < THIN_SHARE * canvas.y && all.zoom < LEGIBLE;
        let is_there = self.goal.unwrap_or(self.view()).is_near(newest);
        self.goal = Some(if thin && !is_there { newest } else { all });
    }

    /// Aims at a column: its middle in the middle of the canvas, at the zoom and height of now.
    pub fn show_column(&mut self, column: Rect, canvas: Vec2) {
        let from = self.goal.unwrap_or(self.view());
        self.goal =
            Some(View { zoom: from.zoom, pan: vec2(canvas.x / 2.0 - column.center().x * from.zoom, from.pan.y) });
    }

    /// Aims at a zoom that is `factor` times the one of now, around the middle.
    pub fn zoom_by(&mut self, factor: f32, canvas: Vec2) {
        let from = self.goal.unwrap_or(self.view());
        let zoom = (from.zoom * factor).clamp(ZOOM_MIN, ZOOM_MAX);
        let middle = canvas / 2.0;
        self.goal = Some(View { zoom, pan: middle - (middle - from.pan) * (zoom / from.zoom) });
    }
}

fn fit_view(bounds: Rect, canvas: Vec2) -> View {
    let room = (canvas - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
    let zoom = (room.x / bounds.width().max(1.0)).min(room.y / bounds.height().max(1.0)).clamp(ZOOM_MIN, FOLLOW_ZOOM.1);
    View { zoom, pan: canvas / 2.0 - bounds.center().to_vec2() * zoom }
}

/// The right end of everything, as large as its height allows.
fn newest_view(bounds: Rect, canvas: Vec2) -> View {
    let room = (canvas - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
    let zoom = (room.y / bounds.height().max(1.0)).clamp(ZOOM_MIN, 1.0);
    let y = canvas.y / 2.0 - bounds.center().y * zoom;
    View { zoom, pan: vec2(canvas.x - MARGIN - bounds.right() * zoom, y) }
}

/// The end of the focus at the right edge, so that what led to it is left of it; everything from the
/// left edge while it fits. Room that the focus keeps free for later is not shown.
fn follow_view(scene: &Scene, canvas: Vec2) -> Option<View> {
    let bounds = scene.bounds?;
    let focus = scene.focus.unwrap_or(bounds);
    let room = (canvas - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
    let (width, height) = (focus.width().max(STEADY_WIDTH), bounds.height().max(1.0));
    let zoom = (room.x / width).min(room.y / height).clamp(FOLLOW_ZOOM.0, FOLLOW_ZOOM.1);
    let x = if bounds.width() * zoom <= room.x {
        MARGIN - bounds.left() * zoom
    } else {
        canvas.x - MARGIN - focus.right().min(bounds.right()) * zoom
    };
    let free = room.y - bounds.height() * zoom;
    let y = if free >= 0.0 {
        MARGIN + free * UPPER_SHARE - bounds.top() * zoom
    } else {
        let lowest = canvas.y - MARGIN - bounds.bottom() * zoom;
        (canvas.y / 2.0 - focus.center().y * zoom).clamp(lowest, MARGIN - bounds.top() * zoom)
    };
    Some(View { zoom, pan: vec2(x, y) })
}
