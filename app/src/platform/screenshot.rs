//! Pictures without a display: runs a user interface for some frames and paints the last one.

use super::cpu_renderer::{CpuRenderer, Picture};
use super::whole_file::write_whole;
use anyhow::Context as _;
use egui::{Color32, Pos2, RawInput, Rect, Vec2};
use std::path::Path;

/// What a picture should look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Pixels per point.
    pub pixels_per_point: f32,
    /// Frames to run, 1/60 s apart; animations and layouts need a few to settle.
    pub frames: u32,
    /// Painted where the user interface paints nothing.
    pub background: Color32,
}

impl Default for Shot {
    fn default() -> Self {
        Self { size: [1280, 800], pixels_per_point: 1.0, frames: 4, background: Color32::BLACK }
    }
}

/// Runs `ui` headless in `ctx` and returns the picture of the last frame.
pub fn paint(ctx: &egui::Context, shot: Shot, mut ui: impl FnMut(&mut egui::Ui)) -> Picture {
    let mut renderer = CpuRenderer::default();
    let size = Vec2::new(shot.size[0] as f32, shot.size[1] as f32) / shot.pixels_per_point;
    let mut picture = Picture::new(shot.size[0], shot.size[1], shot.background);
    let frames = shot.frames.max(1);
    for frame in 0..frames {
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            time: Some(f64::from(frame) / 60.0),
            ..RawInput::default()
        };
        input.viewports.entry(input.viewport_id).or_default().native_pixels_per_point = Some(shot.pixels_per_point);
        let mut output = ctx.run_ui(input, &mut ui);
        renderer.update_textures(&mut output.textures_delta);
        if frame + 1 == frames {
            let primitives = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
            picture = renderer.render(&primitives, shot.size, output.pixels_per_point, shot.background);
        }
    }
    picture
}

/// Writes a picture as PNG.
///
/// # Errors
/// When the file cannot be written to its end; then what was there before is still there.
pub fn write_png(picture: &Picture, path: &Path) -> anyhow::Result<()> {
    let written = write_whole(path, |file| {
        let mut encoder = png::Encoder::new(file, picture.width, picture.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&picture.pixels)?;
        Ok(writer.finish()?)
    });
    written.with_context(|| format!("Cannot write the picture {}", path.display()))
}
