//! From materials to light.

use super::sky::Sky;
use super::texture::{Texture, hash};
use crate::sense::mesh::{Material, Vec3f};
use crate::sense::scene::{Form, Solid, pane};
use crate::world::{ActorSnapshot, LightColor};

/// What drawn triangles belong to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Owner {
    /// A road user, with the colour of its paint.
    Actor(ActorSnapshot, [f32; 3]),
    /// A traffic light and what it shows.
    Light(auriga_map::SignalId, LightColor),
    /// A thing that stands still.
    Solid(Solid),
}

/// A point of a surface in view.
pub(super) struct Point {
    /// Map frame, metres from the ground's anchor; z above the road.
    pub place: Vec3f,
    /// Unit normal, towards the viewer.
    pub normal: Vec3f,
    /// Unit direction from the camera.
    pub view: Vec3f,
}

/// Light that the lit part of a lamp sends out.
fn glow(material: Material, owner: &Owner, blink: bool) -> Option<Vec3f> {
    let light = match (material, owner) {
        (Material::Headlamp, _) => [0.22, 0.22, 0.21],
        (Material::TailLamp, Owner::Actor(actor, _)) if actor.braking => [2.4, 0.10, 0.08],
        (Material::TailLamp, _) => [0.10, 0.004, 0.004],
        (Material::IndicatorLeft, Owner::Actor(actor, _)) if blink && actor.indicator > 0 => {
            [2.6, 1.15, 0.10]
        }
        (Material::IndicatorRight, Owner::Actor(actor, _)) if blink && actor.indicator < 0 => {
            [2.6, 1.15, 0.10]
        }
        (Material::LensRed, Owner::Light(_, LightColor::Red | LightColor::RedAmber)) => [3.4, 0.12, 0.07],
        (Material::LensYellow, Owner::Light(_, LightColor::Amber | LightColor::RedAmber)) => {
            [3.1, 1.30, 0.06]
        }
        (Material::LensGreen, Owner::Light(_, LightColor::Green)) => [0.06, 2.5, 1.15],
        _ => return None,
    };
    Some(Vec3f::from(light))
}

/// Reflectance at normal incidence, and share of the mirrored light at grazing incidence (Schlick, 1994).
fn gloss(material: Material) -> Option<(f32, f32)> {
    match material {
        Material::Paint => Some((0.045, 0.75)),
        Material::Glass => Some((0.06, 0.75)),
        Material::Metal => Some((0.35, 0.5)),
        Material::Headlamp | Material::TailLamp => Some((0.06, 0.6)),
        _ => None,
    }
}

/// The light that comes from a surface to the camera, haze not included.
pub(super) fn shade(
    point: &Point,
    mut material: Material,
    color: [f32; 3],
    owner: &Owner,
    blink: bool,
    sky: &Sky,
    texture: &Texture,
) -> Vec3f {
    let mut albedo = Vec3f::from(color);
    let (p, n) = (&point.place, &point.normal);
    let mut occlusion = 1.0;
    match owner {
        Owner::Actor(_, paint) => {
            if material == Material::Paint {
                albedo = Vec3f::from(*paint);
            } else if material == Material::Cloth {
                albedo *= 0.8 + 0.4 * texture.rough(p.z * 9.0, (p.x + p.y) * 9.0);
            }
            // Less of the sky is seen from below a car's belt.
            occlusion = 0.45 + 0.55 * (p.z / 0.8).clamp(0.0, 1.0);
        }
        Owner::Light(..) => {}
        Owner::Solid(solid) => {
            (material, albedo) = solid_color(solid, material, albedo, point, texture);
            occlusion = 0.6 + 0.4 * (p.z / 1.5).clamp(0.0, 1.0);
        }
    }
    if let Some(light) = glow(material, owner, blink)
        && matches!(material, Material::LensRed | Material::LensYellow | Material::LensGreen)
    {
        return light;
    }
    let sun = n.dot(&sky.sun).max(0.0);
    let above = 0.5 + 0.5 * n.z;
    let ambient = (sky.ambient.0 * above + sky.ambient.1 * (1.0 - above)) * occlusion;
    let mut light = albedo.component_mul(&(sky.sunlight * sun + ambient));
    if let Some((straight, grazing)) = gloss(material) {
        let cosine = (-point.view.dot(n)).clamp(0.0, 1.0);
        let c = 1.0 - cosine;
        let mirrored = straight + (1.0 - straight) * (c * c) * (c * c) * c * grazing;
        let reflected = point.view + n * (2.0 * cosine);
        let mut around = if reflected.z > 0.12 {
            sky.at(reflected.z)
        } else if reflected.z > 0.0 {
            // Houses and trees stand along the horizon.
            sky.at(reflected.z) * (reflected.z / 0.12) + Vec3f::repeat(0.16) * (1.0 - reflected.z / 0.12)
        } else {
            Vec3f::repeat(0.15) * occlusion
        };
        let glint = reflected.dot(&sky.sun);
        if glint > 0.9 {
            let mut g = glint;
            for _ in 0..6 {
                g *= g;
            }
            around += sky.sunlight * (g * 8.0);
        }
        light = light * (1.0 - mirrored) + around * mirrored;
    }
    if let Some(own) = glow(material, owner, blink) {
        light += own;
    }
    light
}

/// Windows, plaster and leaves.
fn solid_color(
    solid: &Solid,
    material: Material,
    albedo: Vec3f,
    point: &Point,
    texture: &Texture,
) -> (Material, Vec3f) {
    let (p, n) = (&point.place, &point.normal);
    match material {
        Material::Facade => {
            let (sin, cos) = (solid.heading.0 as f32, solid.heading.1 as f32);
            let facing = n.x * cos + n.y * sin;
            let (u, wall) = if let Form::Box([length, width, _]) = solid.form {
                let (dx, dy) = (point.place.x, point.place.y);
                // `place` is already relative to the solid's middle here.
                if facing.abs() > 0.7 {
                    (-dx * sin + dy * cos + width, 0)
                } else {
                    (dx * cos + dy * sin + length, 1)
                }
            } else {
                (0.0, 0)
            };
            let plaster = 0.86 + 0.26 * texture.fractal(u * 0.7, p.z * 0.7);
            match pane(u, p.z, solid.seed) {
                Some((i, j)) => {
                    let q = (hash(i + solid.seed as i32, j * 2 + wall) >> 8) as f32 / 16_777_216.0;
                    (Material::Glass, Vec3f::new(0.03, 0.035, 0.045) + Vec3f::new(0.10, 0.11, 0.12) * (q * q))
                }
                None => {
                    let storey = p.z / 3.1;
                    let ledge = storey - storey.floor() < 0.04;
                    (Material::Masonry, albedo * if ledge { plaster * 0.75 } else { plaster })
                }
            }
        }
        Material::Foliage => {
            let leaves = texture.rough((p.x + p.y) * 1.9, p.z * 1.9 + p.x * 0.8)
                * texture.rough(p.y * 3.1 - p.x * 2.0 + 40.0, p.z * 3.3);
            (material, albedo * (0.25 + 2.9 * leaves))
        }
        Material::Masonry | Material::Bark | Material::Matte => {
            (material, albedo * (0.8 + 0.4 * texture.rough(p.z * 2.0 + p.x, (p.x + p.y) * 2.0)))
        }
        _ => (material, albedo),
    }
}
