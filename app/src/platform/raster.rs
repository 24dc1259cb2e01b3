//! Filling one textured triangle: exact coverage in integers, so that a picture is the same on
//! every machine.
//!
//! Coordinates are snapped to 1/256 pixel and edges follow the top-left rule, as on a GPU: two
//! triangles that share an edge never paint a pixel twice, which would show in translucent shapes.

use super::cpu_renderer::Picture;
use egui::{Color32, TextureFilter, TextureOptions};

/// Steps of a pixel to which corners are snapped.
const SUBPIXELS: i64 = 256;

/// A texture in premultiplied sRGBA, as egui uploads it.
#[derive(Clone, Debug, Default)]
pub(super) struct Texture {
    /// Width and height in texels.
    pub size: [usize; 2],
    /// Rows from the top.
    pub texels: Vec<Color32>,
    /// How it is sampled.
    pub options: TextureOptions,
}

/// A corner in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    pub x: f32,
    pub y: f32,
    pub u: f32,
    pub v: f32,
    pub color: Color32,
}

/// Pixels that may be painted: `min..max`, inside the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clip {
    pub min: [i64; 2],
    pub max: [i64; 2],
}

impl Texture {
    fn texel(&self, x: i64, y: i64) -> Color32 {
        let x = x.clamp(0, self.size[0] as i64 - 1) as usize;
        let y = y.clamp(0, self.size[1] as i64 - 1) as usize;
        self.texels[y * self.size[0] + x]
    }

    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        if self.texels.is_empty() {
            return [255.0; 4];
        }
        let (x, y) = (u * self.size[0] as f32, v * self.size[1] as f32);
        if self.options.magnification == TextureFilter::Nearest {
            return self.texel(x.floor() as i64, y.floor() as i64).to_array().map(f32::from);
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| self.texel(left + dx, top + dy).to_array());
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        let mut sum = [0.0; 4];
        for (corner, weight) in corners.iter().zip(weights) {
            for (channel, value) in sum.iter_mut().zip(corner) {
                *channel += weight * f32::from(*value);
            }
        }
        sum
    }
}

/// One edge as the plane `start + across·x + down·y` over pixel centres; inside is `>= 0`.
#[derive(Clone, Copy)]
struct Edge {
    across: i64,
    down: i64,
    start: i64,
    /// Subtracted so that pixels exactly on a right or bottom edge are outside.
    bias: i64,
}

impl Edge {
    fn new(from: [i64; 2], to: [i64; 2]) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let half = SUBPIXELS / 2;
        let start = dx * (half - from[1]) - dy * (half - from[0]);
        let top_left = dy < 0 || (dy == 0 && dx > 0);
        Self { across: -dy * SUBPIXELS, down: dx * SUBPIXELS, start, bias: i64::from(!top_left) }
    }

    fn at(self, x: i64, y: i64) -> i64 {
        self.start + self.across * x + self.down * y
    }

    /// Narrows `span` to the pixels of row `y` on the inner side.
    fn narrow(self, y: i64, span: &mut (i64, i64)) {
        let at_zero = self.at(0, y) - self.bias;
        match self.across {
            0 if at_zero < 0 => span.1 = span.0,
            0 => {}
            a if a > 0 => span.0 = span.0.max(-at_zero.div_euclid(a)),
            a => span.1 = span.1.min(at_zero.div_euclid(-a) + 1),
        }
    }
}

/// What changes from pixel to pixel: texture position and colour.
#[derive(Clone, Copy)]
struct Varying([f32; 6]);

impl Varying {
    fn of(corner: &Corner) -> Self {
        let [r, g, b, a] = corner.color.to_array().map(f32::from);
        Self([corner.u, corner.v, r, g, b, a])
    }

    fn weighted(corners: &[Self; 3], weights: [f32; 3]) -> Self {
        let mut sum = [0.0; 6];
        for (corner, weight) in corners.iter().zip(weights) {
            for (channel, value) in sum.iter_mut().zip(corner.0) {
                *channel += weight * value;
            }
        }
        Self(sum)
    }

    fn shade(self, texture: &Texture) -> [f32; 4] {
        let [u, v, r, g, b, a] = self.0;
        let texel = texture.sample(u, v);
        [r * texel[0] / 255.0, g * texel[1] / 255.0, b * texel[2] / 255.0, a * texel[3] / 255.0]
    }
}

/// Blends the triangle over the picture.
pub(super) fn fill(picture: &mut Picture, clip: Clip, corners: [Corner; 3], texture: &Texture) {
    let mut corners = corners;
    let mut points = corners.map(|c| [snap(c.x), snap(c.y)]);
    let mut area = cross(points);
    if area == 0 {
        return;
    }
    if area < 0 {
        corners.swap(1, 2);
        points.swap(1, 2);
        area = -area;
    }
    let edges = [Edge::new(points[1], points[2]), Edge::new(points[2], points[0]), Edge::new(points[0], points[1])];
    let varying = corners.each_ref().map(Varying::of);
    let flat = varying[1].0 == varying[0].0 && varying[2].0 == varying[0].0;
    let flat_source = flat.then(|| varying[0].shade(texture));

    let bottom = points.iter().map(|p| p[1]).max().unwrap_or(0).div_euclid(SUBPIXELS) + 1;
    let top = points.iter().map(|p| p[1]).min().unwrap_or(0).div_euclid(SUBPIXELS);
    for y in top.max(clip.min[1])..bottom.min(clip.max[1]) {
        let mut span = (clip.min[0], clip.max[0]);
        for edge in edges {
            edge.narrow(y, &mut span);
        }
        if span.0 >= span.1 {
            continue;
        }
        if let Some(source) = flat_source {
            picture.blend_run(span.0 as usize, span.1 as usize, y as usize, source);
            continue;
        }
        let weight = |x: i64| edges.map(|e| e.at(x, y) as f32 / area as f32);
        for x in span.0..span.1 {
            let source = Varying::weighted(&varying, weight(x)).shade(texture);
            picture.blend(x as usize, y as usize, source);
        }
    }
}

fn snap(value: f32) -> i64 {
    (f64::from(value) * SUBPIXELS as f64).round().clamp(-1e9, 1e9) as i64
}

fn cross(p: [[i64; 2]; 3]) -> i64 {
    (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0])
}
