//! A hierarchy of boxes over a mesh's triangles: finds the nearest one on a ray.

use super::{Mesh, Vec3f};

const LEAF: usize = 4;
const DEPTH: usize = 40;

#[derive(Clone, Copy, Debug)]
struct Node {
    low: [f32; 3],
    high: [f32; 3],
    /// A leaf's first triangle, or the second child (the first follows its parent).
    first: u32,
    /// A leaf's number of triangles; 0 for an inner node.
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Face {
    corner: Vec3f,
    edges: [Vec3f; 2],
    triangle: u32,
}

/// Where a ray meets a mesh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Multiples of the ray's direction from its origin.
    pub distance: f32,
    /// Index into [`Mesh::triangles`].
    pub triangle: u32,
}

/// The hierarchy. Built once for a mesh.
#[derive(Clone, Debug, Default)]
pub struct Bvh {
    nodes: Vec<Node>,
    faces: Vec<Face>,
}

impl Bvh {
    /// Splits the triangles at the median of the longest axis, down to four a leaf.
    #[must_use]
    pub fn new(mesh: &Mesh) -> Self {
        let mut faces: Vec<Face> = mesh
            .triangles
            .iter()
            .zip(0_u32..)
            .map(|(t, triangle)| Face {
                corner: t.corners[0],
                edges: [t.corners[1] - t.corners[0], t.corners[2] - t.corners[0]],
                triangle,
            })
            .collect();
        let mut nodes = Vec::with_capacity(faces.len());
        if !faces.is_empty() {
            split(&mut nodes, &mut faces, 0);
        }
        Self { nodes, faces }
    }

    /// The nearest triangle on the ray before `limit` (in multiples of `direction`), seen from either side.
    #[must_use]
    pub fn nearest(&self, origin: Vec3f, direction: Vec3f, limit: f32) -> Option<Hit> {
        let inverse = direction.map(|d| if d.abs() > 1e-12 { 1.0 / d } else { 1e12_f32.copysign(d) });
        let mut best = Hit { distance: limit, triangle: u32::MAX };
        let mut stack = [0_u32; DEPTH];
        let mut depth = 0;
        let mut at = 0_usize;
        if self.nodes.is_empty() || enter(&self.nodes[0], origin, inverse) >= limit {
            return None;
        }
        loop {
            let node = &self.nodes[at];
            if node.count > 0 {
                for face in &self.faces[node.first as usize..(node.first + node.count) as usize] {
                    if let Some(distance) = meet(face, origin, direction)
                        && distance < best.distance
                    {
                        best = Hit { distance, triangle: face.triangle };
                    }
                }
            } else {
                let (a, b) = (at + 1, node.first as usize);
                let (da, db) =
                    (enter(&self.nodes[a], origin, inverse), enter(&self.nodes[b], origin, inverse));
                let (near, far, near_at, far_at) = if da <= db { (da, db, a, b) } else { (db, da, b, a) };
                if near < best.distance {
                    if far < best.distance && depth < DEPTH {
                        stack[depth] = far_at as u32;
                        depth += 1;
                    }
                    at = near_at;
                    continue;
                }
            }
            if depth == 0 {
                return (best.triangle != u32::MAX).then_some(best);
            }
            depth -= 1;
            at = stack[depth] as usize;
        }
    }
}

/// Appends the node of `faces` (which begin at index `first` of the whole) and, behind it, its children.
fn split(nodes: &mut Vec<Node>, faces: &mut [Face], first: usize) {
    let mut low = Vec3f::repeat(f32::INFINITY);
    let mut high = -low;
    let (mut center_low, mut center_high) = (low, high);
    for face in faces.iter() {
        for corner in [face.corner, face.corner + face.edges[0], face.corner + face.edges[1]] {
            low = low.inf(&corner);
            high = high.sup(&corner);
        }
        center_low = center_low.inf(&center(face));
        center_high = center_high.sup(&center(face));
    }
    let at = nodes.len();
    // A hair wider, so that rounding does not lose a triangle that lies in the box's face.
    let node = Node {
        low: low.add_scalar(-1e-4).into(),
        high: high.add_scalar(1e-4).into(),
        first: first as u32,
        count: faces.len() as u32,
    };
    nodes.push(node);
    if faces.len() <= LEAF {
        return;
    }
    let axis = (center_high - center_low).imax();
    faces.sort_by(|a, b| center(a)[axis].total_cmp(&center(b)[axis]).then(a.triangle.cmp(&b.triangle)));
    let half = faces.len() / 2;
    let (left, right) = faces.split_at_mut(half);
    split(nodes, left, first);
    nodes[at].first = nodes.len() as u32;
    nodes[at].count = 0;
    split(nodes, right, first + half);
}

fn center(face: &Face) -> Vec3f {
    face.corner + (face.edges[0] + face.edges[1]) / 3.0
}

/// Where the ray enters the node's box (0 inside); infinite where it misses.
#[inline]
fn enter(node: &Node, origin: Vec3f, inverse: Vec3f) -> f32 {
    let mut near = 0.0_f32;
    let mut far = f32::INFINITY;
    for k in 0..3 {
        let a = (node.low[k] - origin[k]) * inverse[k];
        let b = (node.high[k] - origin[k]) * inverse[k];
        near = near.max(a.min(b));
        far = far.min(a.max(b));
    }
    if near <= far { near } else { f32::INFINITY }
}

/// Möller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
#[inline]
fn meet(face: &Face, origin: Vec3f, direction: Vec3f) -> Option<f32> {
    let p = direction.cross(&face.edges[1]);
    let det = face.edges[0].dot(&p);
    if det.abs() < 1e-12 {
        return None;
    }
    let inverse = 1.0 / det;
    let offset = origin - face.corner;
    let u = offset.dot(&p) * inverse;
    if !(0.0..=1.0).contains(&u) {
        return None;
    }
    let q = offset.cross(&face.edges[0]);
    let w = direction.dot(&q) * inverse;
    if w < 0.0 || u + w > 1.0 {
        return None;
    }
    let distance = face.edges[1].dot(&q) * inverse;
    (distance > 1e-4).then_some(distance)
}
