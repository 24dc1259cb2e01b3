//! Runs the shell under egui_kittest with the CPU renderer.

use super::demo;
use crate::command::{AppCommand, CommandSender};
use crate::model::{Model, Shown, Timeline};
use crate::platform::CpuRenderer;
use crate::race::RaceState;
use crate::scene::Scene;
use crate::ui::batches_panel::batches_ui;
use crate::ui::dock::Pane;
use crate::ui::storage_panel::storage_ui;
use crate::ui::{ShellState, TimeCtx, ViewCtx, shell_ui};
use egui_kittest::{Harness, TestRenderer};
use std::sync::Arc;

/// What stands for the app: applies the commands that change choices and keeps all of them.
pub struct World {
    pub model: Model,
    pub timeline: Timeline,
    pub scene: Arc<Scene>,
    pub race: RaceState,
    pub shell: ShellState,
    pub send: CommandSender,
    pub received: Vec<AppCommand>,
    pub frames: u32,
}

impl World {
    pub fn demo() -> Self {
        let mut shell = ShellState::default();
        shell.ui.programs = vec!["word-count".to_owned(), "page-rank".to_owned()];
        shell.ui.speed = 0.1;
        shell.ui.selection = Some(demo::key(8, 2));
        Self {
            model: demo::model(),
            timeline: Timeline::new(),
            scene: demo::scene(),
            race: RaceState::default(),
            shell,
            send: CommandSender::default(),
            received: Vec::new(),
            frames: 0,
        }
    }

    pub fn frame(&mut self, ui: &mut egui::Ui) {
        self.frames += 1;
        let ctx = ViewCtx {
            model: &self.model,
            scene: &self.scene,
            selection: self.shell.ui.selection,
            focus: self.shell.ui.focus,
            now: self.model.now,
            race: &self.race,
            controllable: true,
            time: TimeCtx { timeline: &self.timeline, shown: Shown::Live, running: true },
            send: &self.send,
        };
        shell_ui(ui, &ctx, &mut self.shell);
        for sent in self.send.drain() {
            self.shell.ui.apply(&sent.command);
            self.shell.apply(&sent.command);
            self.received.push(sent.command);
            ui.ctx().request_repaint();
        }
    }
}

impl World {
    /// One panel in place of the whole window.
    pub fn panel(&mut self, ui: &mut egui::Ui, below: Pane) {
        self.shell.ui.theme.apply(ui.ctx());
        if !crate::theme::fonts::are_bound(ui.ctx()) {
            ui.ctx().request_discard("the fonts are in force from the next pass on");
            return;
        }
        let ctx = ViewCtx {
            model: &self.model,
            scene: &self.scene,
            selection: self.shell.ui.selection,
            focus: self.shell.ui.focus,
            now: self.model.now,
            race: &self.race,
            controllable: true,
            time: TimeCtx { timeline: &self.timeline, shown: Shown::Live, running: true },
            send: &self.send,
        };
        match below {
            Pane::Batches => batches_ui(ui, &ctx, &mut self.shell.panels.batches),
            _ => storage_ui(ui, &ctx, &mut self.shell.panels.storage),
        }
    }
}

/// egui_kittest's view of the CPU renderer.
struct KittestRenderer(CpuRenderer);

impl TestRenderer for KittestRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        self.0.update_textures(delta);
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<image::RgbaImage, String> {
        let size = ctx.content_rect().size() * output.pixels_per_point;
        let primitives = ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        let size = [size.x.round() as u32, size.y.round() as u32];
        let picture = self.0.render(&primitives, size, output.pixels_per_point, egui::Color32::BLACK);
        image::RgbaImage::from_raw(picture.width, picture.height, picture.pixels)
            .ok_or_else(|| "a picture without pixels".to_owned())
    }
}

/// Paints without a display.
pub fn renderer() -> impl TestRenderer + 'static {
    KittestRenderer(CpuRenderer::default())
}

/// A window of 1280×800 over a world.
pub fn window(world: World) -> Harness<'static, World> {
    Harness::builder()
        .with_size(egui::vec2(1280.0, 800.0))
        .with_max_steps(16)
        .renderer(renderer())
        .build_ui_state(|ui, world: &mut World| world.frame(ui), world)
}
