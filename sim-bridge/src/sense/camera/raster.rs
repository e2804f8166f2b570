//! Triangles to pixels: near clip, set-up and a depth-tested fill.
//!
//! Depth is kept as its inverse, which is linear across the picture. Coordinates of the set-up count from the picture's
//! centre, so that single precision suffices for walls that reach far beyond its edges.

use super::texture::floor;
use crate::sense::mesh::Vec3f;

/// Nothing nearer than this is drawn, metres.
pub(super) const NEAR: f32 = 0.2;

/// A pinhole: pixel `(cx + f x/z, cy + f y/z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Screen {
    pub width: usize,
    pub height: usize,
    pub focal: f32,
}

impl Screen {
    pub(super) fn center(&self) -> (f32, f32) {
        (self.width as f32 / 2.0, self.height as f32 / 2.0)
    }
}

/// A corner in the camera's optical frame, with its normal in whatever frame the caller shades in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Corner {
    pub point: Vec3f,
    pub normal: Vec3f,
}

/// What a triangle needs in order to be filled and shaded; coefficients of x, y and 1, counted from the picture's centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Setup {
    /// Shares of the second and third corner at a pixel (linear in the picture, not in space).
    pub shares: [[f32; 3]; 2],
    /// Inverse depth.
    pub inverse_depth: [f32; 3],
    /// Inverse depths of the corners.
    pub corners: [f32; 3],
    columns: (i32, i32),
    rows: (i32, i32),
}

impl Setup {
    /// `None` where the triangle covers no pixel's centre. All corners must lie beyond [`NEAR`].
    pub(super) fn new(screen: &Screen, corners: [Vec3f; 3]) -> Option<Self> {
        let f = f64::from(screen.focal);
        let (cx, cy) = (screen.width as f64 / 2.0, screen.height as f64 / 2.0);
        let p = corners.map(|c| {
            let inverse = 1.0 / f64::from(c.z);
            (f * f64::from(c.x) * inverse, f * f64::from(c.y) * inverse, inverse)
        });
        let bound = |k: fn(&(f64, f64, f64)) -> f64, center: f64, size: usize| {
            let low = k(&p[0]).min(k(&p[1])).min(k(&p[2])) + center;
            let high = k(&p[0]).max(k(&p[1])).max(k(&p[2])) + center;
            let low = (low - 0.5).ceil().max(0.0);
            let high = (high - 0.5).floor().min(size as f64 - 1.0);
            (low <= high).then_some((low as i32, high as i32))
        };
        let columns = bound(|q| q.0, cx, screen.width)?;
        let rows = bound(|q| q.1, cy, screen.height)?;
        let ((x0, y0, d0), (x1, y1, d1), (x2, y2, d2)) = (p[0], p[1], p[2]);
        let area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
        if area.abs() < 1e-9 {
            return None;
        }
        let inverse = 1.0 / area;
        let b1 = [(y2 - y0) * inverse, (x0 - x2) * inverse, (x2 * y0 - x0 * y2) * inverse];
        let b2 = [(y0 - y1) * inverse, (x1 - x0) * inverse, (x0 * y1 - x1 * y0) * inverse];
        let mut depth = [0, 1, 2].map(|k| (d1 - d0) * b1[k] + (d2 - d0) * b2[k]);
        depth[2] += d0;
        let single = |a: [f64; 3]| a.map(|v| v as f32);
        Some(Self {
            shares: [single(b1), single(b2)],
            inverse_depth: single(depth),
            corners: [d0 as f32, d1 as f32, d2 as f32],
            columns,
            rows,
        })
    }

    /// Calls `pixel` with the index and the inverse depth of every pixel whose centre the triangle covers.
    #[inline]
    pub(super) fn fill(&self, screen: &Screen, mut pixel: impl FnMut(usize, f32)) {
        let (cx, cy) = screen.center();
        let [b1, b2] = self.shares;
        let b0 = [-b1[0] - b2[0], -b1[1] - b2[1], 1.0 - b1[2] - b2[2]];
        let slopes = [b0, b1, b2].map(|b| if b[0].abs() < 1e-9 { 0.0 } else { -1.0 / b[0] });
        for row in self.rows.0..=self.rows.1 {
            let y = row as f32 + 0.5 - cy;
            let (mut low, mut high) = (self.columns.0 as f32 + 0.5 - cx, self.columns.1 as f32 + 0.5 - cx);
            for (b, slope) in [b0, b1, b2].into_iter().zip(slopes) {
                // b₀ x + (b₁ y + b₂) ≥ 0 with a hair of tolerance: neighbours may both draw a shared edge.
                let rest = b[1] * y + b[2] + 1e-5;
                if slope < 0.0 {
                    low = low.max(rest * slope);
                } else if slope > 0.0 {
                    high = high.min(rest * slope);
                } else if rest < 0.0 {
                    high = f32::NEG_INFINITY;
                }
            }
            if low > high {
                continue;
            }
            let first = -floor(0.5 - cx - low).min(0);
            let last = floor(high + cx - 0.5).min(screen.width as i32 - 1);
            if first > last {
                continue;
            }
            let d = self.inverse_depth;
            let mut depth = d[0] * (first as f32 + 0.5 - cx) + d[1] * y + d[2];
            let start = row as usize * screen.width;
            for at in start + first as usize..=start + last as usize {
                pixel(at, depth);
                depth += d[0];
            }
        }
    }
}

/// Cuts a triangle at the near plane and hands on what is left: none, one or two triangles.
pub(super) fn clip(corners: [Corner; 3], mut emit: impl FnMut([Corner; 3])) {
    let behind = corners.iter().filter(|c| c.point.z < NEAR).count();
    match behind {
        0 => emit(corners),
        3 => {}
        _ => {
            let mut polygon = [corners[0]; 4];
            let mut n = 0;
            for k in 0..3 {
                let (a, b) = (corners[k], corners[(k + 1) % 3]);
                if a.point.z >= NEAR {
                    polygon[n] = a;
                    n += 1;
                }
                if (a.point.z >= NEAR) != (b.point.z >= NEAR) {
                    let t = (NEAR - a.point.z) / (b.point.z - a.point.z);
                    let mut point = a.point + (b.point - a.point) * t;
                    point.z = point.z.max(NEAR);
                    polygon[n] = Corner { point, normal: a.normal + (b.normal - a.normal) * t };
                    n += 1;
                }
            }
            for k in 1..n.saturating_sub(1) {
                emit([polygon[0], polygon[k], polygon[k + 1]]);
            }
        }
    }
}
