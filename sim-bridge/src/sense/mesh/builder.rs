//! Building blocks of meshes: lofts, boxes, tubes, discs, patches projected onto a body, and smooth normals.

use super::{Material, Mesh, Triangle, Vec3f};
use auriga_geometry::math::{cosf, sinf};
use core::f32::consts::TAU;

/// A point.
pub(super) fn v(x: f32, y: f32, z: f32) -> Vec3f {
    Vec3f::new(x, y, z)
}

/// Piecewise linear through `(x, y)` pairs with ascending `x`; constant beyond the ends.
pub(super) fn curve(points: &[(f32, f32)], x: f32) -> f32 {
    let mut last = points[0];
    if x <= last.0 {
        return last.1;
    }
    for &next in &points[1..] {
        if x <= next.0 {
            return last.1 + (next.1 - last.1) * (x - last.0) / (next.0 - last.0).max(1e-6);
        }
        last = next;
    }
    last.1
}

/// Collects triangles and finishes them into a [`Mesh`].
#[derive(Default)]
pub(super) struct Builder {
    triangles: Vec<Triangle>,
}

impl Builder {
    /// Adds a triangle; one without area is left out.
    pub(super) fn triangle(&mut self, corners: [Vec3f; 3], material: Material, color: [f32; 3]) {
        let normal = (corners[1] - corners[0]).cross(&(corners[2] - corners[0]));
        let norm = normal.norm();
        if norm > 1e-8 {
            self.triangles.push(Triangle { corners, normals: [normal / norm; 3], material, color });
        }
    }

    /// Adds a quadrangle as two triangles.
    pub(super) fn quad(&mut self, q: [Vec3f; 4], material: Material, color: [f32; 3]) {
        self.triangle([q[0], q[1], q[2]], material, color);
        self.triangle([q[0], q[2], q[3]], material, color);
    }

    /// Joins rings of equally many points; `paint` says what the cell (ring, segment) is made of.
    pub(super) fn loft(
        &mut self,
        rings: &[Vec<Vec3f>],
        closed: bool,
        paint: impl Fn(usize, usize) -> (Material, [f32; 3]),
    ) {
        for (i, pair) in rings.windows(2).enumerate() {
            let n = pair[0].len().min(pair[1].len());
            let segments = if closed { n } else { n.saturating_sub(1) };
            for j in 0..segments {
                let k = (j + 1) % n;
                let (material, color) = paint(i, j);
                self.quad([pair[0][j], pair[0][k], pair[1][k], pair[1][j]], material, color);
            }
        }
    }

    /// Closes a ring with triangles around its centre.
    pub(super) fn cap(&mut self, ring: &[Vec3f], material: Material, color: [f32; 3]) {
        let center = ring.iter().sum::<Vec3f>() / ring.len() as f32;
        for (i, &a) in ring.iter().enumerate() {
            self.triangle([center, a, ring[(i + 1) % ring.len()]], material, color);
        }
    }

    /// A box between two corners.
    pub(super) fn cuboid(&mut self, low: Vec3f, high: Vec3f, material: Material, color: [f32; 3]) {
        let at = |i: usize| {
            v(
                if i & 1 == 0 { low.x } else { high.x },
                if i & 2 == 0 { low.y } else { high.y },
                if i & 4 == 0 { low.z } else { high.z },
            )
        };
        for face in [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]] {
            self.quad(face.map(at), material, color);
        }
    }

    /// A tube through points with a radius at each; its ends are closed.
    pub(super) fn tube(&mut self, path: &[(Vec3f, f32)], sides: usize, material: Material, color: [f32; 3]) {
        let mut rings = Vec::with_capacity(path.len());
        for (i, &(center, radius)) in path.iter().enumerate() {
            let along = path[(i + 1).min(path.len() - 1)].0 - path[i.saturating_sub(1)].0;
            let along = along / along.norm().max(1e-6);
            let side = if along.z.abs() < 0.8 { Vec3f::z() } else { Vec3f::x() };
            let a = along.cross(&side).normalize();
            let b = along.cross(&a);
            let ring = (0..sides).map(|j| {
                let angle = TAU * j as f32 / sides as f32;
                center + (a * cosf(angle) + b * sinf(angle)) * radius
            });
            rings.push(ring.collect::<Vec<_>>());
        }
        self.loft(&rings, true, |_, _| (material, color));
        self.cap(&rings[0], material, color);
        self.cap(&rings[rings.len() - 1], material, color);
    }

    /// A ball stretched to `radii`, from `bottom` (−1 lowest, 1 highest) upwards, with `rows` × `sides` cells.
    pub(super) fn ellipsoid(
        &mut self,
        center: Vec3f,
        radii: Vec3f,
        (rows, sides): (usize, usize),
        material: Material,
        color: [f32; 3],
    ) {
        let ring = |i: usize| {
            let latitude = core::f32::consts::PI * (i as f32 / rows as f32 - 0.5);
            let (flat, high) = (cosf(latitude).max(0.0), sinf(latitude));
            (0..sides)
                .map(|j| {
                    let angle = TAU * j as f32 / sides as f32;
                    center + v(flat * cosf(angle), flat * sinf(angle), high).component_mul(&radii)
                })
                .collect::<Vec<_>>()
        };
        let rings: Vec<_> = (0..=rows).map(ring).collect();
        self.loft(&rings, true, |_, _| (material, color));
    }

    /// A ring or disc in the plane y = const around `center`, from the angle `span.0` to `span.1`; its inner edge (radius
    /// `inner.0`) is displaced by `inner.1` along y, its outer edge by `outer.1`.
    pub(super) fn disc(
        &mut self,
        center: Vec3f,
        (inner, outer): ((f32, f32), (f32, f32)),
        span: (f32, f32),
        sides: usize,
        material: Material,
        color: [f32; 3],
    ) {
        let ring = |(radius, offset): (f32, f32)| {
            (0..=sides)
                .map(|j| {
                    let angle = span.0 + (span.1 - span.0) * j as f32 / sides as f32;
                    center + v(radius * cosf(angle), offset, radius * sinf(angle))
                })
                .collect::<Vec<_>>()
        };
        self.loft(&[ring(inner), ring(outer)], false, |_, _| (material, color));
    }

    /// A disc that faces +x.
    pub(super) fn disc_facing_x(
        &mut self,
        center: Vec3f,
        radius: f32,
        sides: usize,
        material: Material,
        color: [f32; 3],
    ) {
        let ring: Vec<_> = (0..sides)
            .map(|j| {
                let angle = TAU * j as f32 / sides as f32;
                center + v(0.0, radius * cosf(angle), radius * sinf(angle))
            })
            .collect();
        self.cap(&ring, material, color);
    }

    /// Number of triangles so far.
    pub(super) fn len(&self) -> usize {
        self.triangles.len()
    }

    /// The outermost surface among the first `count` triangles on the line along `axis` (0 x, 1 y) through (`u`, `w`): the
    /// other horizontal coordinate and the height. `side` is +1 or −1: the end to look from.
    fn outermost(&self, count: usize, axis: usize, side: f32, u: f32, w: f32) -> Option<f32> {
        let other = 1 - axis;
        let mut best: Option<f32> = None;
        for triangle in &self.triangles[..count] {
            let [a, b, c] = triangle.corners;
            let d = (b[other] - a[other]) * (c.z - a.z) - (c[other] - a[other]) * (b.z - a.z);
            if d.abs() < 1e-9 {
                continue;
            }
            let s = ((u - a[other]) * (c.z - a.z) - (c[other] - a[other]) * (w - a.z)) / d;
            let t = ((b[other] - a[other]) * (w - a.z) - (u - a[other]) * (b.z - a.z)) / d;
            if s >= -1e-4 && t >= -1e-4 && s + t <= 1.0002 {
                let hit = a[axis] + s * (b[axis] - a[axis]) + t * (c[axis] - a[axis]);
                if best.is_none_or(|best| hit * side > best * side) {
                    best = Some(hit);
                }
            }
        }
        best
    }

    /// Lays a patch with corners `(across, height)` onto the first `count` triangles, seen along `axis` from `side`, `lift`
    /// metres above them.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn patch(
        &mut self,
        count: usize,
        (axis, side): (usize, f32),
        corners: [(f32, f32); 4],
        cells: (usize, usize),
        lift: f32,
        material: Material,
        color: [f32; 3],
    ) {
        let mut rings: Vec<Vec<Vec3f>> = Vec::with_capacity(cells.0 + 1);
        for i in 0..=cells.0 {
            let s = i as f32 / cells.0 as f32;
            let mut ring = Vec::with_capacity(cells.1 + 1);
            for j in 0..=cells.1 {
                let t = j as f32 / cells.1 as f32;
                let mix = |f: fn((f32, f32)) -> f32| {
                    let low = f(corners[0]) * (1.0 - s) + f(corners[1]) * s;
                    let high = f(corners[3]) * (1.0 - s) + f(corners[2]) * s;
                    low * (1.0 - t) + high * t
                };
                let (u, w) = (mix(|c| c.0), mix(|c| c.1));
                let Some(depth) = self.outermost(count, axis, side, u, w) else { return };
                let depth = depth + lift * side;
                ring.push(if axis == 0 { v(depth, u, w) } else { v(u, depth, w) });
            }
            rings.push(ring);
        }
        self.loft(&rings, false, |_, _| (material, color));
    }

    /// The mesh, with normals smoothed where triangles of one material meet at less than `crease` (its cosine).
    pub(super) fn finish(mut self, size: Vec3f, crease: f32) -> Mesh {
        let mut order: Vec<([i32; 3], usize, usize)> = Vec::with_capacity(self.triangles.len() * 3);
        for (i, triangle) in self.triangles.iter().enumerate() {
            for (k, corner) in triangle.corners.iter().enumerate() {
                order.push(([0, 1, 2].map(|c| (corner[c] * 2000.0 + 0.5).floor() as i32), i, k));
            }
        }
        order.sort_unstable();
        let faces: Vec<(Vec3f, f32)> = self
            .triangles
            .iter()
            .map(|t| {
                let area = (t.corners[1] - t.corners[0]).cross(&(t.corners[2] - t.corners[0])).norm();
                (t.normals[0], area)
            })
            .collect();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            for &(_, i, k) in group {
                let own = faces[i].0;
                let mut sum = Vec3f::zeros();
                for &(_, other, _) in group {
                    let (normal, area) = faces[other];
                    let cosine = own.dot(&normal);
                    if cosine.abs() >= crease && self.triangles[other].material == self.triangles[i].material
                    {
                        sum += normal * (area * cosine.signum());
                    }
                }
                let norm = sum.norm();
                if norm > 1e-9 {
                    self.triangles[i].normals[k] = sum / norm;
                }
            }
        }
        Mesh { triangles: self.triangles, size }
    }
}
