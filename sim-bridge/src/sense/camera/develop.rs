//! From linear light to the bytes of the picture: the lens's softness, the sensor's noise, the tone curve.

use super::texture::hash;
use crate::sense::mesh::Vec3f;
use auriga_geometry::math::{TAU, ln, powf, sin_cos};

const CURVE: usize = 4096;
/// Light above this is white.
const BRIGHTEST: f32 = 4.0;
const NORMALS: usize = 16384;

/// Tables of the tone curve and of normally distributed noise, and rows in work.
#[derive(Clone, Debug)]
pub(super) struct Developer {
    curve: Vec<u8>,
    normals: Vec<f32>,
    noise: f32,
    rows: [Vec<Vec3f>; 3],
}

/// Weights of a Gaussian of 0.5 pixels over a pixel and its neighbours.
const BLUR: (f32, f32) = (0.787, 0.1065);

impl Developer {
    pub(super) fn new(width: usize, noise: f64) -> Self {
        // A film-like curve (Narkowicz, 2015, "ACES filmic tone mapping curve"), then the display's gamma.
        let tone = |i: usize| {
            let root = i as f32 / CURVE as f32;
            let x = root * root * BRIGHTEST;
            let y = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14);
            (powf(y.clamp(0.0, 1.0), 1.0 / 2.2) * 255.0 + 0.5) as u8
        };
        let normal = |i: usize| {
            let uniform = |k: i32| (f64::from(hash(i as i32, k)) + 0.5) / 4_294_967_296.0;
            let (sin, _) = sin_cos(TAU * uniform(1));
            ((-2.0 * ln(uniform(2))).sqrt() * sin) as f32
        };
        Self {
            curve: (0..=CURVE).map(tone).collect(),
            normals: (0..NORMALS).map(normal).collect(),
            noise: noise as f32,
            rows: core::array::from_fn(|_| vec![Vec3f::zeros(); width]),
        }
    }

    /// Develops `light` (row by row) into `bytes` (RGB). `key` picks the noise.
    pub(super) fn develop(
        &mut self,
        light: &[Vec3f],
        width: usize,
        exposure: f32,
        key: u32,
        bytes: &mut [u8],
    ) {
        let height = light.len() / width;
        let row = |y: usize| &light[y * width..(y + 1) * width];
        blur_row(row(0), &mut self.rows[0]);
        blur_row(row(0), &mut self.rows[1]);
        for y in 0..height {
            blur_row(row((y + 1).min(height - 1)), &mut self.rows[(y + 2) % 3]);
            let (above, here, below) = (&self.rows[y % 3], &self.rows[(y + 1) % 3], &self.rows[(y + 2) % 3]);
            let mut dice = hash(key as i32, y as i32);
            for (x, out) in bytes[y * width * 3..(y + 1) * width * 3].chunks_exact_mut(3).enumerate() {
                let soft = here[x] * BLUR.0 + (above[x] + below[x]) * BLUR.1;
                for k in 0..3 {
                    // A linear congruential step (Numerical Recipes' "quick and dirty" constants) picks from the table.
                    dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let n = self.normals[(dice >> 18) as usize];
                    let value = soft[k] * exposure * (1.0 + self.noise * n) + 0.2 * self.noise * n * exposure;
                    let root = (value.clamp(0.0, BRIGHTEST) / BRIGHTEST).sqrt();
                    out[k] = self.curve[(root * CURVE as f32) as usize];
                }
            }
        }
    }
}

fn blur_row(row: &[Vec3f], out: &mut [Vec3f]) {
    let last = row.len() - 1;
    for (x, out) in out.iter_mut().enumerate() {
        let (left, right) = (row[x.saturating_sub(1)], row[(x + 1).min(last)]);
        *out = row[x] * BLUR.0 + (left + right) * BLUR.1;
    }
}
