//! Paints egui's output without a GPU, a display or a driver: the same bytes on every machine.
//!
//! Serves the `screenshot` command and the image tests. Blends in gamma space with premultiplied
//! alpha, as egui's own backends do.

use super::raster::{self, Clip, Corner, Texture};
use egui::epaint::{ClippedPrimitive, ImageData, Primitive};
use egui::{Color32, TextureId, TexturesDelta};
use std::collections::BTreeMap;

/// A finished picture: 8-bit RGBA, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width × height × 4` bytes.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn new(width: u32, height: u32, color: Color32) -> Self {
        let count = width as usize * height as usize;
        let pixels = std::iter::repeat_n(color.to_array(), count).flatten().collect();
        Self { width, height, pixels }
    }

    /// The pixel at `x`, `y`, or `None` outside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 4]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = (y as usize * self.width as usize + x as usize) * 4;
        self.pixels[at..at + 4].try_into().ok()
    }

    pub(super) fn blend(&mut self, x: usize, y: usize, source: [f32; 4]) {
        let at = (y * self.width as usize + x) * 4;
        let keep = 1.0 - source[3] / 255.0;
        for (channel, value) in self.pixels[at..at + 4].iter_mut().zip(source) {
            *channel = (value + f32::from(*channel) * keep + 0.5) as u8;
        }
    }

    /// Blends one colour over the pixels `from..to` of row `y`.
    pub(super) fn blend_run(&mut self, from: usize, to: usize, y: usize, source: [f32; 4]) {
        if source[3] >= 255.0 {
            let row = y * self.width as usize;
            let color = source.map(|c| (c + 0.5) as u8);
            for pixel in self.pixels[(row + from) * 4..(row + to) * 4].as_chunks_mut::<4>().0 {
                *pixel = color;
            }
            return;
        }
        for x in from..to {
            self.blend(x, y, source);
        }
    }
}

/// Keeps egui's textures and turns its triangles into pictures.
#[derive(Debug, Default)]
pub struct CpuRenderer {
    textures: BTreeMap<TextureId, Texture>,
    /// Freed after the picture that still uses them.
    dying: Vec<TextureId>,
}

impl CpuRenderer {
    /// Takes over the changes of one pass and leaves `delta` empty.
    pub fn update_textures(&mut self, delta: &mut TexturesDelta) {
        for id in self.dying.drain(..) {
            self.textures.remove(&id);
        }
        // The order of a hash map cannot be seen here: textures do not depend on each other.
        for (id, changes) in delta.set.drain() {
            let texture = self.textures.entry(id).or_default();
            for change in changes {
                apply(texture, &change);
            }
        }
        self.dying.extend(delta.free.drain());
    }

    /// Paints tessellated primitives over `background`, in the manner of a GPU backend.
    pub fn render(
        &self,
        primitives: &[ClippedPrimitive],
        size: [u32; 2],
        pixels_per_point: f32,
        background: Color32,
    ) -> Picture {
        let mut picture = Picture::new(size[0], size[1], background);
        let white = Texture::default();
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let bound = |value: f32, limit: u32| (value * pixels_per_point).round().clamp(0.0, limit as f32) as i64;
            let clip = Clip {
                min: [bound(clip_rect.min.x, size[0]), bound(clip_rect.min.y, size[1])],
                max: [bound(clip_rect.max.x, size[0]), bound(clip_rect.max.y, size[1])],
            };
            let texture = self.textures.get(&mesh.texture_id).unwrap_or(&white);
            for triangle in mesh.indices.as_chunks::<3>().0 {
                let corners = triangle.map(|index| {
                    let vertex = mesh.vertices.get(index as usize).copied().unwrap_or_default();
                    Corner {
                        x: vertex.pos.x * pixels_per_point,
                        y: vertex.pos.y * pixels_per_point,
                        u: vertex.uv.x,
                        v: vertex.uv.y,
                        color: vertex.color,
                    }
                });
                raster::fill(&mut picture, clip, corners, texture);
            }
        }
        picture
    }
}

fn apply(texture: &mut Texture, change: &egui::epaint::ImageDelta) {
    let ImageData::Color(image) = &change.image;
    texture.options = change.options;
    let Some([left, top]) = change.pos else {
        texture.size = image.size;
        texture.texels.clone_from(&image.pixels);
        return;
    };
    let (width, row_length) = (image.size[0], texture.size[0]);
    if width == 0 || left + width > row_length || top + image.size[1] > texture.size[1] {
        return;
    }
    for (row, texels) in image.pixels.chunks_exact(width).enumerate() {
        let at = (top + row) * row_length + left;
        texture.texels[at..at + width].copy_from_slice(texels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::epaint::{Mesh, Vertex};
    use egui::{Pos2, Rect, pos2};

    fn quad(color: Color32, corners: [Pos2; 4]) -> ClippedPrimitive {
        let mut mesh = Mesh::default();
        mesh.vertices.extend(corners.map(|pos| Vertex { pos, uv: Pos2::ZERO, color }));
        mesh.indices.extend([0, 1, 2, 0, 2, 3]);
        ClippedPrimitive { clip_rect: Rect::EVERYTHING, primitive: Primitive::Mesh(mesh) }
    }

    /// Without the top-left rule the diagonal of a translucent rectangle is painted twice or left
    /// open, and every panel shows a seam.
    #[test]
    fn a_translucent_rectangle_is_even() {
        let color = Color32::from_rgba_premultiplied(0, 60, 0, 120);
        let cases = [
            [pos2(1.0, 1.0), pos2(31.0, 1.0), pos2(31.0, 17.0), pos2(1.0, 17.0)],
            [pos2(1.0, 17.0), pos2(31.0, 17.0), pos2(31.0, 1.0), pos2(1.0, 1.0)],
            [pos2(0.5, 0.5), pos2(30.5, 0.5), pos2(30.5, 16.5), pos2(0.5, 16.5)],
        ];
        for corners in cases {
            let picture = CpuRenderer::default().render(&[quad(color, corners)], [32, 20], 1.0, Color32::BLACK);
            let mut painted: Vec<[u8; 4]> =
                picture.pixels.as_chunks::<4>().0.iter().copied().filter(|p| *p != [0, 0, 0, 255]).collect();
            assert_eq!(painted.len(), 30 * 16, "{corners:?}");
            painted.dedup();
            assert_eq!(painted, [[0, 60, 0, 255]], "{corners:?}");
        }
    }

    /// Without clipping a scrolled panel would paint over its neighbours.
    #[test]
    fn nothing_is_painted_outside_the_clip_rectangle() {
        let mut primitive =
            quad(Color32::WHITE, [pos2(-9.0, -9.0), pos2(99.0, -9.0), pos2(99.0, 99.0), pos2(-9.0, 99.0)]);
        primitive.clip_rect = Rect::from_min_max(pos2(2.0, 3.0), pos2(5.0, 7.0));
        let picture = CpuRenderer::default().render(&[primitive], [20, 20], 2.0, Color32::BLACK);
        let white = picture.pixels.as_chunks::<4>().0.iter().filter(|p| **p == [255; 4]).count();
        assert_eq!(white, 6 * 8);
    }
}
