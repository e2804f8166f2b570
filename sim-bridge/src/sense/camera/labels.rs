//! What the last picture shows, for training and for checking detectors.

use super::CameraRenderer;
use super::shade::Owner;
use crate::world::{ActorKind, LightColor};
use auriga_map::SignalId;

/// Who or what a label is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// A road user: its id and kind.
    Actor(u32, ActorKind),
    /// A traffic light and what it shows.
    Light(SignalId, LightColor),
}

/// An object with at least one pixel in the last picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisibleObject {
    /// Who or what.
    pub subject: Subject,
    /// Its number in [`CameraRenderer::instances`].
    pub instance: u32,
    /// Around its visible pixels: left, top, right, bottom; right and bottom exclusive.
    pub bounds: [u32; 4],
    /// Around all pixels that it would have in the picture with nothing in front.
    pub full_bounds: [u32; 4],
    /// Number of its visible pixels.
    pub visible_pixels: u32,
    /// Number of pixels that it would have in the picture with nothing in front.
    pub total_pixels: u32,
    /// From the camera to its origin, metres.
    pub distance: f64,
    /// The direction that it heads or looks to against the direction to the camera, radians: 0 shows its face.
    pub aspect: f64,
}

#[derive(Clone, Copy)]
struct Extent {
    count: u32,
    bounds: [u32; 4],
}

impl Extent {
    const NONE: Self = Self { count: 0, bounds: [u32::MAX, u32::MAX, 0, 0] };

    fn add(&mut self, at: usize, width: usize) {
        let (x, y) = ((at % width) as u32, (at / width) as u32);
        let [left, top, right, bottom] = self.bounds;
        self.count += 1;
        self.bounds = [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)];
    }
}

impl CameraRenderer {
    /// The road users and traffic lights in the last picture, in the order of their numbers. Draws every object once more,
    /// alone: meant for data sets, not for every frame of a drive.
    #[must_use]
    pub fn visible_objects(&self) -> Vec<VisibleObject> {
        let view = &self.view;
        let width = view.screen.width;
        let mut visible = vec![Extent::NONE; view.owners.len() + 1];
        for (at, &instance) in self.frame.instance.iter().enumerate() {
            if instance > 0 {
                visible[instance as usize].add(at, width);
            }
        }
        let mut total = vec![Extent::NONE; view.owners.len() + 1];
        let mut stamp = vec![0_u32; self.frame.instance.len()];
        for drawn in &view.triangles {
            let instance = drawn.owner + 1;
            if visible[instance as usize].count > 0 {
                drawn.setup.fill(&view.screen, |at, _| {
                    if stamp[at] != instance {
                        stamp[at] = instance;
                        total[instance as usize].add(at, width);
                    }
                });
            }
        }
        let object = |(i, owner): (usize, &Owner)| {
            let (seen, all) = (visible[i + 1], total[i + 1]);
            let (subject, place, yaw) = match owner {
                Owner::Actor(actor, _) => {
                    (Subject::Actor(actor.id, actor.kind), actor.pose.translation, actor.pose.yaw())
                }
                Owner::Light(signal, color) => {
                    let housing = self.scene.housings.iter().find(|h| h.signal == *signal)?;
                    (Subject::Light(*signal, *color), housing.position, housing.yaw)
                }
                Owner::Solid(_) => return None,
            };
            let to_camera = view.eye - place;
            let bearing = auriga_geometry::math::atan2(to_camera.y, to_camera.x);
            (seen.count > 0).then(|| VisibleObject {
                subject,
                instance: i as u32 + 1,
                bounds: seen.bounds,
                full_bounds: all.bounds,
                visible_pixels: seen.count,
                total_pixels: all.count.max(seen.count),
                distance: to_camera.norm(),
                aspect: auriga_geometry::math::wrap_angle(yaw - bearing),
            })
        };
        view.owners.iter().enumerate().filter_map(object).collect()
    }
}
