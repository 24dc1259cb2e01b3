//! The loom: the lineage as a scene, drawn by egui_graphs.
//!
//! egui_graphs asks for a repaint in every `show()`, so a window left alone would paint for ever. The
//! view therefore keeps the shapes of its last `show()` and paints those while neither the scene, the
//! view, the selection, the theme nor the pointer's work on it changed.

mod backdrop;
mod bridge;
mod camera;
mod cells;
mod detail;
mod edge_shape;
pub(in crate::ui) mod fan;
mod names;
mod node_shape;
mod overview;

use self::bridge::{Bridge, Gesture};
use self::camera::{Camera, Motion, View, ZOOM_STEP};
use self::detail::Detail;
use crate::command::AppCommand;
use crate::command::shortcuts::{PanelKey, taken};
use crate::scene::{NodeKey, Scene};
use crate::theme::{STEP, Theme, Tokens};
use crate::ui::ViewCtx;
use egui::{Id, Pos2, Rect, Sense, Shape, Ui, UiBuilder, Vec2};
use egui_graphs::{MetadataFrame, SettingsInteraction, SettingsNavigation};
use std::sync::Arc;

/// The name under which egui_graphs keeps its own state.
const WIDGET: &str = "lineage";

/// What the view keeps between frames.
#[derive(Default)]
pub struct LineageViewState {
    camera: Camera,
    bridge: Bridge,
    scene: Option<Arc<Scene>>,
    painted: Option<Painted>,
    widget: Option<Id>,
    /// Where egui_graphs was shown last; it shifts its content when it is shown elsewhere.
    top_left: Option<Pos2>,
    shows: u64,
    /// A column that somebody asked to see; the next frame aims at it.
    wanted: Option<Rect>,
    /// Canvas and view of the last frame.
    seen: Option<(Rect, View)>,
}

/// What the shapes of a `show()` depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PaintKey {
    canvas: Rect,
    clip: Rect,
    view: View,
    theme: Theme,
    selection: Option<NodeKey>,
    pixels_per_point: f32,
    /// Fonts of the system may join ours at any time.
    fonts: usize,
}

struct Painted {
    key: PaintKey,
    shapes: Vec<Shape>,
    /// How full the glyph atlas was; when it is emptied, glyphs in `shapes` point nowhere.
    atlas_fill: f32,
}

impl LineageViewState {
    /// How often egui_graphs was shown: a view left alone does not count on.
    pub fn shows(&self) -> u64 {
        self.shows
    }

    /// Brings a column of the loom into view. The caller ends following.
    pub fn show_column(&mut self, column: Option<Rect>) {
        self.wanted = column;
    }

    /// The x coordinates of the scene that were visible in the last frame.
    pub fn visible_x(&self) -> Option<(f32, f32)> {
        let (canvas, view) = self.seen?;
        let x = |screen: f32| (screen - canvas.min.x - view.pan.x) / view.zoom;
        Some((x(canvas.min.x), x(canvas.max.x)))
    }
}

/// Draws the lineage into the rest of `ui`. `follow` ends when the user pans or zooms.
pub fn lineage_view_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState, follow: &mut bool) {
    let canvas = ui.available_rect_before_wrap();
    if canvas.width() < 1.0 || canvas.height() < 1.0 {
        return;
    }
    ui.advance_cursor_after_rect(canvas);
    take_scene(ctx, state);
    navigate(ui, ctx, state, canvas, follow);
    let key = PaintKey {
        canvas,
        clip: ui.clip_rect().intersect(canvas),
        view: state.camera.view(),
        theme: Theme::of(ui.ctx()),
        selection: ctx.selection,
        pixels_per_point: ui.pixels_per_point(),
        fonts: ui.ctx().fonts(|fonts| fonts.definitions().font_data.len()),
    };
    if !repaint(ui, state, key) {
        show(ui, ctx, state, key, follow);
    }
    names::names_ui(ui, ctx, canvas, state.camera.view());
    cells::cells_ui(ui, ctx, canvas, state.camera.view());
    state.seen = Some((canvas, state.camera.view()));
}

/// Draws the whole lineage without buttons, for a picture.
pub fn lineage_picture_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState) {
    let canvas = ui.available_rect_before_wrap();
    take_scene(ctx, state);
    state.camera.fit_all(ctx.scene, canvas.size());
    state.camera.step(ctx.scene, canvas.size(), false, f32::INFINITY);
    let key = PaintKey {
        canvas,
        clip: canvas,
        view: state.camera.view(),
        theme: Theme::of(ui.ctx()),
        selection: None,
        pixels_per_point: ui.pixels_per_point(),
        fonts: ui.ctx().fonts(|fonts| fonts.definitions().font_data.len()),
    };
    let mut follow = false;
    show(ui, ctx, state, key, &mut follow);
}

fn take_scene(ctx: &ViewCtx<'_>, state: &mut LineageViewState) {
    let same = state.scene.as_ref().is_some_and(|old| Arc::ptr_eq(old, ctx.scene) || old.looks_like(ctx.scene));
    if !same {
        state.scene = Some(Arc::clone(ctx.scene));
        state.painted = None;
    }
}

/// Keys, wheel and camera motion. Drag and pinch belong to egui_graphs.
fn navigate(ui: &Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState, canvas: Rect, follow: &mut bool) {
    let pressed = |key: PanelKey| taken(ui.ctx(), key);
    if let Some(column) = state.wanted.take() {
        state.camera.show_column(column, canvas.size());
    }
    let mut factor = 1.0;
    if pressed(PanelKey::ZoomIn) {
        factor = ZOOM_STEP;
    }
    if pressed(PanelKey::ZoomOut) {
        factor = 1.0 / ZOOM_STEP;
    }
    if factor != 1.0 {
        state.camera.zoom_by(factor, canvas.size());
        *follow = false;
    }
    if pressed(PanelKey::Fit) {
        state.camera.fit(ctx.scene, canvas.size());
        *follow = false;
    }
    if let Some(wheel) = wheel_over(ui, state, canvas) {
        let view = state.camera.view();
        state.camera.take(View { pan: view.pan + wheel, ..view });
        *follow = false;
    }
    let animate = ui.style().animation_time > 0.0 && state.shows > 0;
    let dt = if animate { ui.input(|input| input.stable_dt.min(0.1)) } else { f32::INFINITY };
    if state.camera.step(ctx.scene, canvas.size(), *follow, dt) == Motion::Moving {
        ui.ctx().request_repaint();
    }
}

/// Where the wheel moves the view: sideways too when the lineage is no taller than the canvas.
fn wheel_over(ui: &Ui, state: &LineageViewState, canvas: Rect) -> Option<Vec2> {
    let over = state.widget.and_then(|id| ui.ctx().read_response(id)).is_some_and(|r| r.contains_pointer());
    let wheel = ui.input(|input| input.smooth_scroll_delta());
    if !over || wheel == Vec2::ZERO {
        return None;
    }
    let bounds = state.scene.as_ref().and_then(|scene| scene.bounds);
    let fits = bounds.is_some_and(|b| b.height() * state.camera.view().zoom <= canvas.height());
    Some(if fits && wheel.x == 0.0 { Vec2::new(wheel.y, 0.0) } else { wheel })
}

/// Paints the kept shapes when nothing changed; says whether it could.
fn repaint(ui: &Ui, state: &LineageViewState, key: PaintKey) -> bool {
    let (Some(painted), Some(widget)) = (&state.painted, state.widget) else { return false };
    let busy = ui.ctx().read_response(widget).is_some_and(|response| {
        let zooming = response.contains_pointer() && ui.input(|input| input.zoom_delta()) != 1.0;
        zooming || response.dragged() || response.drag_stopped() || response.clicked()
    });
    if busy || painted.key != key || atlas_fill(ui) < painted.atlas_fill {
        return false;
    }
    ui.interact(key.canvas, widget, Sense::click_and_drag());
    ui.painter_at(key.clip).extend(painted.shapes.iter().cloned());
    true
}

fn atlas_fill(ui: &Ui) -> f32 {
    ui.ctx().fonts(|fonts| fonts.font_atlas_fill_ratio())
}

fn show(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState, key: PaintKey, follow: &mut bool) {
    let (canvas, view) = (key.canvas, key.view);
    let tokens = Tokens::of(ui.ctx());
    let layer = ui.layer_id();
    let count = |ui: &Ui| ui.ctx().graphics(|g| g.get(layer).map_or(0, |list| list.all_entries().len()));
    let before = count(ui);
    state.shows += 1;

    let painter = ui.painter_at(key.clip);
    backdrop::paint_behind(&painter, ctx.scene, canvas, view, tokens);
    let visible = names::visible(ctx, canvas, key.clip, view).count();
    let detail = Detail::of(view.zoom, visible);
    if detail == Detail::Far {
        overview::paint(&painter, ctx, canvas, view, tokens);
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt(WIDGET).max_rect(canvas));
    child.set_clip_rect(key.clip);
    let mut meta = MetadataFrame::new(Some(WIDGET.to_owned())).load(&child);
    meta.zoom = view.zoom;
    meta.pan = view.pan - state.top_left.map_or(Vec2::ZERO, |old| canvas.min - old);
    meta.save(&mut child);
    let zooming = child.input(|input| input.zoom_delta()) != 1.0;
    let shown = bridge::View::new()
        .with_id(Some(WIDGET.to_owned()))
        .with_interactions(&SettingsInteraction::new().with_node_clicking_enabled(true))
        .with_navigations(
            &SettingsNavigation::new()
                .with_fit_to_screen_enabled(false)
                .with_zoom_and_pan_enabled(true)
                .with_zoom_speed(0.04),
        )
        .show(&mut child, state.bridge.graph(ctx.scene, ctx.selection, detail));
    backdrop::paint_above(&painter, ctx.scene, canvas, view, tokens);
    state.widget = Some(shown.response.id);
    state.top_left = Some(canvas.min);

    let mut moved = View { ..view };
    for gesture in Bridge::gestures(&shown.changes) {
        match gesture {
            Gesture::Panned(pan) => moved.pan = pan,
            Gesture::Zoomed(zoom) => moved.zoom = zoom,
        }
    }
    if shown.response.clicked() {
        let at = shown.response.interact_pointer_pos();
        let hit = at.and_then(|at| names::node_at(ctx, canvas, view, at));
        let command = hit.map(|key| cells::clicked_key(ctx, key, canvas, view, at));
        ctx.send.send(command.unwrap_or(AppCommand::Select(None)));
    }
    state.painted = None;
    if moved == view {
        let shapes = ui.ctx().graphics(|graphics| {
            let entries = graphics.get(layer).map(|list| list.all_entries().skip(before));
            entries.into_iter().flatten().map(|entry| entry.shape.clone()).collect()
        });
        state.painted = Some(Painted { key, shapes, atlas_fill: atlas_fill(ui) });
    } else if zooming || shown.response.dragged() {
        state.camera.take(moved);
        *follow = false;
    } else {
        // The first `show()` in a context always fits the graph to the screen; nobody should see it.
        ui.ctx().request_discard("egui_graphs fitted the view in its first frame");
    }
}

/// Zoom, fit and follow, from right to left in a row beside the sentence: nothing lies over the lineage.
pub fn view_controls_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState, follow: &mut bool) {
    let size = state.seen.map_or(Vec2::ZERO, |(canvas, _)| canvas.size());
    ui.spacing_mut().item_spacing.x = STEP;
    let mut button = |label: &str, name: &'static str, hover: &str| {
        let response = ui.button(label).on_hover_text(hover);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
        response.clicked()
    };
    if button("+", "Zoom in", "Zoom in, key +") {
        state.camera.zoom_by(ZOOM_STEP, size);
        *follow = false;
    }
    if button("−", "Zoom out", "Zoom out, key −") {
        state.camera.zoom_by(1.0 / ZOOM_STEP, size);
        *follow = false;
    }
    if button("Fit", "Fit", "Show everything, key 0; of a long run its end, then all of it") {
        state.camera.fit(ctx.scene, size);
        *follow = false;
    }
    if !*follow && button("Follow", "Follow", "Follow the running batch, key F") {
        ctx.send.send(AppCommand::FollowCamera);
    }
}
