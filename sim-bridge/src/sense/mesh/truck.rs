//! Trucks and buses.

use super::builder::{Builder, v};
use super::car::wheel;
use super::{Material, Mesh};

const DARK: [f32; 3] = [0.02, 0.02, 0.022];
const WINDOW: [f32; 3] = [0.02, 0.024, 0.028];
const PAINT: [f32; 3] = [0.4; 3];

/// A box truck; the box's colour varies.
#[must_use]
pub fn truck(variant: u32) -> Mesh {
    let (length, width, height) = (7.6, 2.4, 3.2);
    let (h, w) = (length / 2.0, width / 2.0);
    let mut b = Builder::default();
    let cab = h - 1.85;
    let load = [[0.60, 0.60, 0.58], [0.45, 0.10, 0.06], [0.10, 0.16, 0.30]][variant as usize % 3];
    b.cuboid(v(-h, -w, 0.95), v(cab - 0.1, w, height), Material::Matte, load);
    let section = [(cab, 0.55), (h - 0.03, 0.55), (h, 1.45), (h - 0.28, 2.45), (h - 0.5, 2.6), (cab, 2.6)];
    let rings: Vec<Vec<_>> = [-0.95, -0.90, 0.90, 0.95]
        .map(|y: f32| {
            let shrink = if y.abs() > 0.92 { 0.05 } else { 0.0 };
            section.iter().map(|&(x, z)| v(x - shrink * 0.5, y * w, z - shrink)).collect()
        })
        .into();
    b.loft(&rings, true, |_, _| (Material::Paint, PAINT));
    b.cap(&rings[0], Material::Paint, PAINT);
    b.cap(&rings[3], Material::Paint, PAINT);
    let screen = [
        v(h + 0.012, -w * 0.84, 1.50),
        v(h + 0.012, w * 0.84, 1.50),
        v(h - 0.25, w * 0.80, 2.40),
        v(h - 0.25, -w * 0.80, 2.40),
    ];
    b.quad(screen, Material::Glass, WINDOW);
    for side in [1.0, -1.0] {
        let y = side * (w * 0.95 + 0.01);
        b.quad(
            [v(h - 1.2, y, 1.55), v(h - 0.25, y, 1.55), v(h - 0.45, y, 2.3), v(h - 1.2, y, 2.3)],
            Material::Glass,
            WINDOW,
        );
    }
    b.cuboid(v(-h + 0.1, -0.5, 0.6), v(h - 0.2, 0.5, 0.95), Material::Matte, DARK);
    for (y0, y1) in [(-w * 0.98, -0.02), (0.02, w * 0.98)] {
        b.cuboid(v(-h - 0.012, y0, 1.0), v(-h, y1, height - 0.08), Material::Matte, load.map(|c| c * 0.88));
    }
    fittings(&mut b, h, w);
    for axle in [h - 0.95, -h * 0.55] {
        for side in [1.0, -1.0] {
            wheel(&mut b, v(axle, side * w * 0.97, 0.48), side, 0.48);
        }
    }
    b.finish(v(length, width, height), 0.8)
}

/// A city bus.
#[must_use]
pub fn bus() -> Mesh {
    let (length, width, height) = (11.0, 2.5, 3.1);
    let (h, w) = (length / 2.0, width / 2.0);
    let mut b = Builder::default();
    let half = [(0.96, 0.35), (1.0, 0.7), (1.0, 2.45), (0.96, 2.85), (0.80, 3.05), (0.0, 3.1)];
    let rings: Vec<Vec<_>> = [(-h, 0.97), (-h + 0.12, 1.0), (h - 0.15, 1.0), (h, 0.95)]
        .iter()
        .map(|&(x, shrink)| {
            let at = |&(y, z): &(f32, f32), side: f32| v(x, side * y * w * shrink, 1.7 + (z - 1.7) * shrink);
            let right = half[..5].iter().rev().map(|p| at(p, -1.0));
            half.iter().map(|p| at(p, 1.0)).chain(right).collect()
        })
        .collect();
    b.loft(&rings, true, |_, _| (Material::Paint, PAINT));
    b.cap(&rings[0], Material::Paint, PAINT);
    b.cap(&rings[3], Material::Paint, PAINT);
    for side in [1.0, -1.0] {
        let y = side * (w + 0.012);
        let mut x = -h + 0.35;
        while x < h - 1.3 {
            b.quad(
                [v(x, y, 1.25), v(x + 1.25, y, 1.25), v(x + 1.25, y, 2.4), v(x, y, 2.4)],
                Material::Glass,
                WINDOW,
            );
            x += 1.36;
        }
    }
    let (f, r) = (h + 0.012, -h - 0.012);
    b.quad(
        [v(f, -w * 0.88, 1.15), v(f, w * 0.88, 1.15), v(f, w * 0.86, 2.7), v(f, -w * 0.86, 2.7)],
        Material::Glass,
        WINDOW,
    );
    b.quad(
        [v(r, -w * 0.78, 1.6), v(r, w * 0.78, 1.6), v(r, w * 0.76, 2.6), v(r, -w * 0.76, 2.6)],
        Material::Glass,
        WINDOW,
    );
    fittings(&mut b, h, w);
    for axle in [h * 0.52, -h * 0.56] {
        for side in [1.0, -1.0] {
            wheel(&mut b, v(axle, side * w, 0.48), side, 0.48);
        }
    }
    b.finish(v(length, width, height), 0.8)
}

/// Lamps, plates and bumpers.
fn fittings(b: &mut Builder, h: f32, w: f32) {
    for side in [1.0_f32, -1.0] {
        let (y0, y1) = (side * w * 0.66, side * w * 0.86);
        let (low, high) = (y0.min(y1), y0.max(y1));
        b.cuboid(v(h - 0.02, low, 0.72), v(h + 0.03, high, 0.88), Material::Headlamp, [1.15, 1.15, 1.05]);
        b.cuboid(v(-h - 0.03, low, 0.75), v(-h, high, 0.97), Material::TailLamp, [0.45, 0.012, 0.014]);
        let material = if side > 0.0 { Material::IndicatorLeft } else { Material::IndicatorRight };
        b.cuboid(v(h - 0.02, low, 0.90), v(h + 0.03, high, 0.96), material, [0.40, 0.20, 0.05]);
        b.cuboid(v(-h - 0.03, low, 0.99), v(-h, high, 1.06), material, [0.42, 0.16, 0.05]);
    }
    b.cuboid(v(-h - 0.02, -0.26, 0.60), v(-h, 0.26, 0.72), Material::Plate, [0.74, 0.74, 0.66]);
    b.cuboid(v(-h - 0.005, -w * 0.9, 0.45), v(-h + 0.2, w * 0.9, 0.6), Material::Matte, DARK);
    b.cuboid(v(h - 0.2, -w * 0.94, 0.38), v(h + 0.015, w * 0.94, 0.66), Material::Matte, DARK);
}
