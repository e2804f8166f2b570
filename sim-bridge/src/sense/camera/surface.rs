//! Colours of the ground: asphalt with wheel tracks and patches, worn marks, slabs, kerbs and grass.

use super::texture::{Texture, floor, unit};
use crate::sense::ground::{CELLS_PER_METRE, Cell, Cover, Ground};
use crate::sense::mesh::Vec3f;

/// How dark wheels have made the asphalt, by the place across the lane (0 to 255): two Gaussian bands.
#[derive(Clone, Debug)]
pub(super) struct Tracks([f32; 256]);

impl Tracks {
    pub(super) fn new() -> Self {
        let mut table = [0.0; 256];
        for (i, value) in table.iter_mut().enumerate() {
            let u = i as f32 / 255.0;
            let band = |middle: f32| {
                let x = (u - middle) * 9.0;
                auriga_geometry::math::expf(-x * x)
            };
            *value = band(0.25) + band(0.75);
        }
        Self(table)
    }
}

/// The ground's linear reflectance at (`x`, `y`), metres from the ground's anchor, seen from `depth` metres. `face`: the
/// kerb's upright face.
#[inline]
pub(super) fn ground_color(
    ground: &Ground,
    texture: &Texture,
    tracks: &Tracks,
    cell: Cell,
    (x, y): (f32, f32),
    depth: f32,
    face: bool,
) -> Vec3f {
    match cell.cover() {
        Cover::Grass => {
            let n = 0.45
                + 0.75 * texture.fractal(x * 1.1, y * 1.1)
                + 0.30 * (texture.rough(x * 9.0, y * 9.0) - 0.5);
            let dry = 0.75 + 0.6 * texture.fractal(x * 0.13 + 5.0, y * 0.13);
            Vec3f::new(0.10 * dry, 0.145, 0.05) * n
        }
        Cover::Sidewalk => {
            let (i, j) = (floor(x / 0.6), floor(y / 0.6));
            let mut c = 0.34 * (0.86 + 0.3 * texture.fractal(x * 2.3, y * 2.3));
            c *= 0.94 + 0.11 * unit(i, j);
            let (a, b) = (x - 0.6 * i as f32, y - 0.6 * j as f32);
            if depth < 25.0 && (a < 0.02 || b < 0.02) {
                c *= 0.72;
            }
            Vec3f::new(c, c * 0.97, c * 0.92)
        }
        Cover::Kerb => {
            let c = if face { 0.30 } else { 0.42 } * (0.8 + 0.35 * texture.fractal(x * 3.0, y * 3.0));
            Vec3f::new(c, c, c * 0.97)
        }
        Cover::Shoulder => {
            let c = 0.14 * (0.80 + 0.35 * texture.fractal(x * 1.7, y * 1.7));
            marked(ground, texture, cell, (x, y), depth, Vec3f::new(c, c, c))
        }
        Cover::Cycle => {
            let n = 0.80 + 0.35 * texture.fractal(x * 1.7, y * 1.7);
            marked(ground, texture, cell, (x, y), depth, Vec3f::new(0.24, 0.09, 0.07) * n)
        }
        cover @ (Cover::Road | Cover::Junction) => {
            let worn =
                if cover == Cover::Road { tracks.0[(cell.across() * 255.0) as usize & 255] } else { 0.3 };
            let grain =
                (1.2 - depth * 0.05).clamp(0.0, 1.0) * 0.13 * (texture.grain(x * 40.0, y * 40.0) - 0.5);
            let mut c = 0.135
                * (0.80
                    + 0.30 * texture.fractal(x * 1.3, y * 1.3)
                    + 0.30 * (texture.fractal(x * 0.11, y * 0.11) - 0.5)
                    + grain
                    - 0.08 * worn);
            // Patches of newer asphalt.
            if texture.rough(x * 0.04 + 9.0, y * 0.04) > 0.66 {
                c *= 0.86;
            }
            marked(ground, texture, cell, (x, y), depth, Vec3f::new(c, c, c * 1.02))
        }
    }
}

/// Lays worn paint over a colour where a mark is.
#[inline]
fn marked(
    ground: &Ground,
    texture: &Texture,
    cell: Cell,
    (x, y): (f32, f32),
    depth: f32,
    color: Vec3f,
) -> Vec3f {
    // Near the camera a cell is larger than a pixel: between cells, coverage is interpolated.
    let coverage = if depth < 22.0 { smooth_mark(ground, x, y) } else { cell.mark() };
    if coverage <= 0.0 {
        return color;
    }
    let wear = texture.fractal(x * 6.0, y * 6.0);
    let paint = 0.62 * (0.72 + 0.4 * texture.fractal(x * 3.0 + 4.0, y * 3.0));
    let paint =
        if cell.is_yellow() { Vec3f::new(paint, paint * 0.72, paint * 0.16) } else { Vec3f::repeat(paint) };
    let cover = coverage * (1.0 - ((wear - 0.62) * 6.0).clamp(0.0, 0.75));
    color * (1.0 - cover) + paint * cover
}

#[inline]
fn smooth_mark(ground: &Ground, x: f32, y: f32) -> f32 {
    let (x, y) = (x * CELLS_PER_METRE - 0.5, y * CELLS_PER_METRE - 0.5);
    let (i, j) = (floor(x), floor(y));
    let [here, right, above, across] = ground.marks_at(i, j);
    if here + right + above + across == 0.0 {
        return 0.0;
    }
    let (a, b) = (x - i as f32, y - j as f32);
    (here * (1.0 - a) + right * a) * (1.0 - b) + (above * (1.0 - a) + across * a) * b
}
