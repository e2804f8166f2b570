//! Rays against the forms of things that stand still, in the thing's own frame.

use crate::sense::mesh::Vec3f;
use crate::sense::scene::Form;

/// Where a ray meets a form: distance, the outward normal's cosine against the ray, and the place on the surface
/// (metres along the wall, metres above its foot).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SolidHit {
    pub distance: f32,
    pub cosine: f32,
    pub place: (f32, f32),
}

/// The nearest hit in front of `origin`; `dice` in (0, 1] says how deep a ray gets into a crown.
#[inline]
pub(super) fn meet(form: &Form, origin: Vec3f, direction: Vec3f, dice: impl Fn() -> f32) -> Option<SolidHit> {
    match *form {
        Form::Box([length, width, height]) => meet_box(origin, direction, [length, width, height]),
        Form::Cylinder(radius, height) => meet_cylinder(origin, direction, radius, height),
        Form::Crown { radii, mean_free_path } => {
            let (enter, leave) = cross_ellipsoid(origin, direction, radii)?;
            // The free path in leaves is exponential (Beer and Lambert).
            let depth = -auriga_geometry::math::ln(f64::from(dice())) as f32 * mean_free_path;
            let distance = enter.max(0.0) + depth;
            (distance < leave).then_some(SolidHit { distance, cosine: 0.7, place: (0.0, 0.0) })
        }
    }
}

/// Slabs (Kay and Kajiya, 1986).
fn meet_box(origin: Vec3f, direction: Vec3f, [length, width, height]: [f32; 3]) -> Option<SolidHit> {
    let (low, high) = ([-length, -width, 0.0], [length, width, height]);
    let (mut near, mut far, mut axis) = (0.0_f32, f32::INFINITY, 3);
    for k in 0..3 {
        if direction[k].abs() < 1e-9 {
            if origin[k] < low[k] || origin[k] > high[k] {
                return None;
            }
            continue;
        }
        let inverse = 1.0 / direction[k];
        let (a, b) = ((low[k] - origin[k]) * inverse, (high[k] - origin[k]) * inverse);
        if a.min(b) > near {
            (near, axis) = (a.min(b), k);
        }
        far = far.min(a.max(b));
    }
    if near > far || axis == 3 {
        return None;
    }
    let at = origin + direction * near;
    let along = if axis == 0 { at.y + width } else { at.x + length };
    Some(SolidHit { distance: near, cosine: direction[axis].abs(), place: (along, at.z) })
}

fn meet_cylinder(origin: Vec3f, direction: Vec3f, radius: f32, height: f32) -> Option<SolidHit> {
    let a = direction.x * direction.x + direction.y * direction.y;
    let b = origin.x * direction.x + origin.y * direction.y;
    // The ray's nearest approach to the axis, rather than a difference of large squares.
    let reach = (origin.x * direction.y - origin.y * direction.x) / a.sqrt().max(1e-9);
    let under = radius * radius - reach * reach;
    if a < 1e-9 || under < 0.0 {
        return None;
    }
    let half = under.sqrt();
    let distance = -b / a - half / a.sqrt();
    let z = origin.z + direction.z * distance;
    if distance <= 0.0 || z < 0.0 || z > height {
        return None;
    }
    Some(SolidHit { distance, cosine: half / radius * a.sqrt(), place: (0.0, z) })
}

/// Where the ray enters and leaves an ellipsoid that stands on the origin.
fn cross_ellipsoid(origin: Vec3f, direction: Vec3f, radii: [f32; 3]) -> Option<(f32, f32)> {
    let radii = Vec3f::from(radii);
    let o = (origin - Vec3f::new(0.0, 0.0, radii.z)).component_div(&radii);
    let d = direction.component_div(&radii);
    let (a, b) = (d.norm_squared(), o.dot(&d));
    let nearest = o - d * (b / a);
    let under = 1.0 - nearest.norm_squared();
    if under <= 0.0 {
        return None;
    }
    let half = (under / a).sqrt();
    let leave = -b / a + half;
    (leave > 0.0).then_some((-b / a - half, leave))
}
