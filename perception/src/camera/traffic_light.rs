//! The colour of traffic lights: where the map says that a light is, cut it out, let a classifier look, and believe it
//! only when it says so twice.

use super::Picture;
use crate::PerceptionError;
use crate::error::positive;
use crate::tracking::CameraModel;
use auriga_geometry::math::{cos, sin};
use auriga_geometry::{LogicalTime, Pose2, Vec2, Vec3};
use auriga_map::{Map, SignalId, SignalKind};
use auriga_messages::autoware_perception_msgs::{
    TrafficLightElement, TrafficLightGroup, TrafficLightGroupArray,
};
use std::collections::BTreeMap;

/// Which lights are looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightSelectorConfig {
    /// Lights farther off are left out, metres.
    pub range_most_m: f64,
    /// Lights that look smaller are left out, pixels of height.
    pub height_least_px: f64,
    /// The cut-out is greater than the housing by this factor: localization is not exact.
    pub grow: f64,
    /// At most so many lights a picture, the nearest first.
    pub lights_most: usize,
}

impl Default for LightSelectorConfig {
    fn default() -> Self {
        Self { range_most_m: 80.0, height_least_px: 6.0, grow: 1.25, lights_most: 8 }
    }
}

/// A light in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightRegion {
    /// Which.
    pub signal: SignalId,
    /// Top left corner, pixels; within the picture.
    pub low: Vec2,
    /// Bottom right corner, pixels; within the picture.
    pub high: Vec2,
    /// From the camera, metres.
    pub range_m: f64,
}

/// Finds the map's lights in a picture.
#[derive(Clone, Debug)]
pub struct LightSelector {
    config: LightSelectorConfig,
    camera: CameraModel,
}

/// A face turned away farther than this from the camera (cosine) shows nothing.
const FACING_LEAST: f64 = 0.5;

impl LightSelector {
    /// For one camera.
    ///
    /// # Errors
    /// A range, height or factor that is not above zero.
    pub fn new(config: LightSelectorConfig, camera: CameraModel) -> Result<Self, PerceptionError> {
        positive("range_most_m", config.range_most_m)?;
        positive("height_least_px", config.height_least_px)?;
        positive("grow", config.grow)?;
        Ok(Self { config, camera })
    }

    /// The lights in the picture, nearest first; `ego` is where the car was at the picture's instant.
    pub fn select(&self, map: &Map, ego: &Pose2, out: &mut Vec<LightRegion>) {
        out.clear();
        let ground = map
            .nearest_lane(ego.position(), Some(ego.yaw))
            .map_or(0.0, |at| map.lane(at.lane).centerline.at(at.s).z);
        for signal in map.signals().iter().filter(|s| s.kind == SignalKind::TrafficLight) {
            let flat = ego.to_local(signal.position.xy());
            let center = Vec3::new(flat.x, flat.y, signal.position.z - ground);
            let from_camera = center - self.camera.optical_pose.translation;
            let range_m = from_camera.norm();
            let face = signal.yaw - ego.yaw;
            let facing = -(from_camera.x * cos(face) + from_camera.y * sin(face)) / range_m.max(1e-6);
            if range_m > self.config.range_most_m || facing < FACING_LEAST {
                continue;
            }
            let size = Vec2::new(signal.width, signal.height) * (self.config.grow / 2.0);
            if let Some((low, high)) = self.region(center, face, size) {
                out.push(LightRegion { signal: signal.id, low, high, range_m });
            }
        }
        out.sort_by(|a, b| a.range_m.total_cmp(&b.range_m).then(a.signal.cmp(&b.signal)));
        out.truncate(self.config.lights_most);
    }

    /// The rectangle around a plate; `None` where it is not wholly in the picture or too small.
    fn region(&self, center: Vec3, face: f64, half: Vec2) -> Option<(Vec2, Vec2)> {
        let mut low = Vec2::new(f64::INFINITY, f64::INFINITY);
        let mut high = -low;
        for (a, b) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
            let across = Vec3::new(-sin(face), cos(face), 0.0) * (a * half.x);
            let pixel = self.camera.project(center + across + Vec3::new(0.0, 0.0, b * half.y))?;
            (low, high) = (low.inf(&pixel), high.sup(&pixel));
        }
        let size = (f64::from(self.camera.size.0), f64::from(self.camera.size.1));
        let is_inside = low.x >= 0.0 && low.y >= 0.0 && high.x <= size.0 && high.y <= size.1;
        (is_inside && high.y - low.y >= self.config.height_least_px).then_some((low, high))
    }
}

/// How a classifier wants its cut-outs: colours less `mean`, times `scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightCrop {
    /// Columns and rows.
    pub size: (usize, usize),
    /// Blue, green, red.
    pub mean: [f32; 3],
    /// Factor after the mean.
    pub scale: f32,
    /// Red, green, blue instead of blue, green, red.
    pub rgb: bool,
    /// Three planes instead of rows of pixels.
    pub planar: bool,
}

impl Default for LightCrop {
    /// Apollo's classifier for upright lights: 32 × 96.
    fn default() -> Self {
        Self { size: (32, 96), mean: [66.56, 66.58, 69.06], scale: 0.01, rgb: false, planar: false }
    }
}

impl LightCrop {
    /// Cuts a region out of a picture into a classifier's input.
    ///
    /// # Errors
    /// A tensor of another size.
    pub fn cut(
        &self,
        picture: &Picture<'_>,
        region: &LightRegion,
        input: &mut [f32],
    ) -> Result<(), PerceptionError> {
        let (columns, rows) = self.size;
        if input.len() != 3 * columns * rows {
            let problem =
                format!("input tensor has {} values, {} are expected", input.len(), 3 * columns * rows);
            return Err(PerceptionError::Network { name: "traffic light".to_owned(), problem });
        }
        let step = (region.high - region.low).component_div(&Vec2::new(columns as f64, rows as f64));
        for row in 0..rows {
            let y = region.low.y + (row as f64 + 0.5) * step.y - 0.5;
            for column in 0..columns {
                let x = region.low.x + (column as f64 + 0.5) * step.x - 0.5;
                let bgr = picture.sample(x as f32, y as f32);
                let at = row * columns + column;
                for (k, value) in bgr.iter().enumerate() {
                    let channel = if self.rgb { 2 - k } else { k };
                    let place = if self.planar { channel * rows * columns + at } else { 3 * at + channel };
                    input[place] = (value - self.mean[k]) * self.scale;
                }
            }
        }
        Ok(())
    }
}

/// What a light shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LightColor {
    /// Dark, or not to be made out.
    #[default]
    Unknown,
    /// Stop.
    Red,
    /// Amber.
    Yellow,
    /// Go.
    Green,
}

impl LightColor {
    /// From a classifier's scores for black, red, yellow, green; unsure is [`Unknown`](Self::Unknown).
    #[must_use]
    pub fn from_scores(scores: &[f32]) -> (Self, f32) {
        let colors = [Self::Unknown, Self::Red, Self::Yellow, Self::Green];
        let best = scores.iter().zip(colors).fold((0.0, Self::Unknown), |best, (&score, color)| {
            if score > best.0 { (score, color) } else { best }
        });
        if best.0 < 0.5 { (Self::Unknown, best.0) } else { (best.1, best.0) }
    }

    fn element(self) -> u8 {
        match self {
            Self::Unknown => TrafficLightElement::UNKNOWN,
            Self::Red => TrafficLightElement::RED,
            Self::Yellow => TrafficLightElement::AMBER,
            Self::Green => TrafficLightElement::GREEN,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Belief {
    shown: LightColor,
    since_seen: LogicalTime,
    confidence: f32,
    rival: LightColor,
    rival_count: u32,
}

/// Pictures in a row that must agree before a light is believed to be green, and any other colour.
const TO_GREEN: u32 = 3;
const TO_OTHER: u32 = 2;
/// A belief that was not confirmed for longer is given up, seconds.
const FORGET_S: f64 = 1.0;

/// Holds what each light shows from picture to picture.
#[derive(Clone, Debug, Default)]
pub struct LightFilter {
    beliefs: BTreeMap<SignalId, Belief>,
}

impl LightFilter {
    /// Takes in what a classifier said about the lights of one picture. `out` gets every light that is believed to show
    /// something, by ascending id; with a map, the lights that switch together with one of them too.
    pub fn step(
        &mut self,
        time: LogicalTime,
        seen: &[(SignalId, LightColor, f32)],
        map: Option<&Map>,
        out: &mut TrafficLightGroupArray,
    ) {
        for &(signal, color, confidence) in seen {
            let belief = self.beliefs.entry(signal).or_default();
            belief.take(time, color, confidence);
        }
        self.beliefs.retain(|_, b| time.since(b.since_seen).as_secs_f64() <= FORGET_S);
        let mut shown: BTreeMap<SignalId, (LightColor, f32)> = BTreeMap::new();
        for (signal, belief) in self.beliefs.iter().filter(|(_, b)| b.shown != LightColor::Unknown) {
            let group = map.and_then(|m| m.signals().get(signal.index())).and_then(|s| s.controller);
            if let (Some(map), Some(_)) = (map, group) {
                let same = map.signals().iter().filter(|s| {
                    s.controller == group && s.kind == SignalKind::TrafficLight && s.id != *signal
                });
                for other in same {
                    shown.entry(other.id).or_insert((belief.shown, belief.confidence));
                }
            }
            shown.insert(*signal, (belief.shown, belief.confidence));
        }
        out.stamp = time.into();
        out.traffic_light_groups.clear();
        out.traffic_light_groups.extend(shown.iter().map(|(signal, (color, confidence))| {
            TrafficLightGroup {
                traffic_light_group_id: i64::from(signal.0),
                elements: vec![TrafficLightElement {
                    color: color.element(),
                    shape: 1,
                    status: 2,
                    confidence: *confidence,
                }],
            }
        }));
    }
}

impl Belief {
    fn take(&mut self, time: LogicalTime, color: LightColor, confidence: f32) {
        if color == LightColor::Unknown {
            if self.shown == LightColor::Unknown {
                self.since_seen = time;
            }
            return;
        }
        if color == self.shown {
            (self.since_seen, self.confidence, self.rival_count) = (time, confidence, 0);
            return;
        }
        self.rival_count = if color == self.rival { self.rival_count + 1 } else { 1 };
        self.rival = color;
        let needed = if color == LightColor::Green { TO_GREEN } else { TO_OTHER };
        if self.rival_count >= needed {
            (self.shown, self.confidence, self.rival_count) = (color, confidence, 0);
        }
        if self.rival_count == 0 || self.shown == LightColor::Unknown {
            self.since_seen = time;
        }
    }
}

#[cfg(test)]
mod tests;
