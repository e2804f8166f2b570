//! The gate's own channel: how far the way along the measured steering is free, from lidar geometry alone.
//!
//! It shares the reading of the cloud with the detector and nothing else: its ground is a simpler one, it forms no boxes,
//! and it knows no tracks. A few points close together in the way are an obstacle, whatever they are; how fast they come
//! nearer is told from the last scans where it is plain, and left open elsewhere.

use super::closing::ClosingSpeed;
use super::{Cloud, Motion, SCAN_POINTS_LEAST, deskew};
use crate::error::{finite, positive};
use crate::{PerceptionError, Repeats};
use auriga_geometry::math::{atan2, tan};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_messages::auriga_msgs::{NearestObstacle, VehicleState};
use auriga_messages::geometry_msgs::Vector3;
use auriga_messages::sensor_msgs::PointCloud2;

/// What the channel must know about car and scanner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObstacleChannelConfig {
    /// The scanner in `base_link`.
    pub lidar_pose: Pose3,
    /// From the rear axle to the front bumper, metres.
    pub front_m: f64,
    /// From the rear axle to the rear bumper, metres.
    pub rear_m: f64,
    /// The car's width, metres.
    pub width_m: f64,
    /// Between the axles, metres.
    pub wheelbase_m: f64,
    /// Kept free on both sides beyond the car's width, metres.
    pub margin_m: f64,
    /// How far it looks, metres from the front bumper.
    pub look_ahead_m: f64,
    /// Points lower above the ground are the ground, metres.
    pub lowest_m: f64,
    /// Points higher above the ground are passed under, metres.
    pub highest_m: f64,
    /// With fewer points in a scan the scanner is blind.
    pub scan_points_least: usize,
    /// So many points make an obstacle.
    pub points_least: usize,
    /// They lie within this of each other along the way and across, metres.
    pub together_m: f64,
}

impl Default for ObstacleChannelConfig {
    fn default() -> Self {
        Self {
            lidar_pose: Pose3 { translation: auriga_geometry::Vec3::new(1.2, 0.0, 1.9), ..Pose3::default() },
            front_m: 3.65,
            rear_m: 0.95,
            width_m: 1.85,
            wheelbase_m: 2.8,
            margin_m: 0.15,
            look_ahead_m: 60.0,
            lowest_m: 0.25,
            highest_m: 2.2,
            scan_points_least: SCAN_POINTS_LEAST,
            points_least: 4,
            together_m: 0.4,
        }
    }
}

/// Length of a stretch of the way with a ground height of its own, metres.
const STRETCH_M: f64 = 1.0;
/// Stretches behind the look-ahead are kept so that the ground under the last points is known.
const STRETCHES: usize = 80;
/// Points farther to the side of the way are of no interest, metres: at full lock the outer front corner sweeps 2.3 m out.
const SIDE_M: f64 = 2.8;
/// The steepest road, with the car's own pitch on it.
const SLOPE_MOST: f64 = 0.16;
/// How far the ground may lie off where the slope so far leads, metres.
const GROUND_STEP_M: f64 = 0.16;

/// A point beside the way, or in it.
#[derive(Clone, Copy, Debug)]
struct Beside {
    /// Along the way, metres: from the rear axle; once it is known to be in the way, from the front bumper.
    along: f64,
    /// To the left of the middle of the way, metres.
    across: f64,
    position: [f32; 3],
}

/// Looks along the way of the measured steering.
#[derive(Clone, Debug)]
pub struct ObstacleChannel {
    config: ObstacleChannelConfig,
    repeats: Repeats,
    cloud: Cloud,
    points: Vec<[f32; 3]>,
    lowest: Vec<(f64, f64)>,
    ground: Vec<f64>,
    beside: Vec<Beside>,
    in_the_way: Vec<Beside>,
    closing: ClosingSpeed,
}

impl ObstacleChannel {
    /// A channel for one car.
    ///
    /// # Errors
    /// A length that is not above zero, a band that is empty, no point needed.
    pub fn new(config: ObstacleChannelConfig) -> Result<Self, PerceptionError> {
        positive("front_m", config.front_m)?;
        positive("rear_m", config.rear_m)?;
        positive("width_m", config.width_m)?;
        positive("wheelbase_m", config.wheelbase_m)?;
        positive("look_ahead_m", config.look_ahead_m)?;
        positive("lowest_m", config.lowest_m)?;
        positive("highest_m - lowest_m", config.highest_m - config.lowest_m)?;
        positive("points_least", config.points_least as f64)?;
        positive("together_m", config.together_m)?;
        if !(config.margin_m.is_finite() && config.margin_m >= 0.0) {
            let (field, problem) = ("margin_m", "must not be negative");
            return Err(PerceptionError::Configuration { field, value: config.margin_m, problem });
        }
        Ok(Self {
            config,
            repeats: Repeats::of("lidar"),
            cloud: Cloud::default(),
            points: Vec::new(),
            lowest: vec![(0.0, f64::INFINITY); STRETCHES],
            ground: vec![0.0; STRETCHES],
            beside: Vec::new(),
            in_the_way: Vec::new(),
            closing: ClosingSpeed::default(),
        })
    }

    /// The free way in one scan. At an error `out` is left as it was: the gate sees that it grows old.
    ///
    /// # Errors
    /// A cloud that can't be read, is the one before, or has hardly a point; a vehicle state that is not finite.
    pub fn step(
        &mut self,
        _now: LogicalTime,
        cloud: &PointCloud2,
        vehicle: &VehicleState,
        out: &mut NearestObstacle,
    ) -> Result<(), PerceptionError> {
        finite("speed_mps", vehicle.speed_mps)?;
        finite("steering_angle_rad", vehicle.steering_angle_rad)?;
        self.cloud.read(cloud)?;
        self.cloud.demand(self.config.scan_points_least)?;
        self.repeats.check(self.cloud.start, &cloud.data)?;
        let curvature = tan(vehicle.steering_angle_rad.clamp(-1.2, 1.2)) / self.config.wheelbase_m;
        let motion = Motion { speed_mps: vehicle.speed_mps, yaw_rate_rps: vehicle.speed_mps * curvature };
        deskew(&self.cloud, &self.config.lidar_pose, &motion, &mut self.points);
        let way = Way::new(curvature);
        self.find_beside(&way);
        self.find_ground();
        self.collect(&way);
        self.note_places(vehicle.speed_mps);
        out.stamp = self.cloud.end.into();
        (out.distance_m, out.points, out.position) = (f64::INFINITY, 0, Vector3::default());
        out.closing_speed_mps = f64::NAN;
        if let Some((nearest, count)) = self.nearest() {
            let place = [way.along(nearest.position) as f32, nearest.across as f32];
            if let Some(speed) = self.closing.speed_of(place, self.config.together_m) {
                out.closing_speed_mps = vehicle.speed_mps - speed.max(0.0);
            }
            let [x, y, z] = nearest.position.map(f64::from);
            out.distance_m = nearest.along.max(0.0);
            out.points = count as u32;
            out.position = Vector3 { x, y, z };
        }
        Ok(())
    }

    fn is_own_car(&self, [x, y, _]: [f32; 3]) -> bool {
        let c = &self.config;
        let (x, y) = (f64::from(x), f64::from(y));
        x < c.front_m + 0.05 && x > -c.rear_m - 0.05 && y.abs() < c.width_m / 2.0 + 0.1
    }

    fn find_beside(&mut self, way: &Way) {
        self.beside.clear();
        let most = self.config.look_ahead_m + self.config.front_m + STRETCH_M;
        for &position in &self.points {
            if position[0] <= 0.0 || self.is_own_car(position) {
                continue;
            }
            let across = way.across(position);
            if across.abs() < SIDE_M {
                let along = way.along(position);
                if along < most {
                    self.beside.push(Beside { along, across, position });
                }
            }
        }
    }

    /// The height of the ground along the way: the lowest points of each stretch, as far as a road may climb.
    fn find_ground(&mut self) {
        self.lowest.fill((0.0, f64::INFINITY));
        for point in &self.beside {
            let z = f64::from(point.position[2]);
            let stretch = (point.along / STRETCH_M) as usize;
            if stretch < STRETCHES && z < self.lowest[stretch].1 && z > -0.5 - SLOPE_MOST * point.along {
                self.lowest[stretch] = (point.along, z);
            }
        }
        let (mut at, mut height, mut slope) = (0.0, 0.0, 0.0);
        for (stretch, ground) in self.ground.iter_mut().enumerate() {
            let (along, z) = self.lowest[stretch];
            let gap = along - at;
            let is_ground = z.is_finite()
                && (z - height - slope * gap).abs() < GROUND_STEP_M + 0.05 * gap.min(6.0)
                && z.abs() < GROUND_STEP_M + SLOPE_MOST * along;
            if is_ground {
                let seen = ((z - height) / gap.max(2.0 * STRETCH_M)).clamp(-SLOPE_MOST, SLOPE_MOST);
                slope += 0.3 * (seen - slope);
                (at, height) = (along, z);
            }
            let middle = (stretch as f64 + 0.5) * STRETCH_M;
            *ground = height + slope * (middle - at).clamp(-STRETCH_M, 10.0);
        }
    }

    fn ground_at(&self, along: f64) -> f64 {
        let t = (along / STRETCH_M - 0.5).clamp(0.0, (STRETCHES - 1) as f64);
        let i = (t as usize).min(STRETCHES - 2);
        self.ground[i] + (self.ground[i + 1] - self.ground[i]) * (t - i as f64)
    }

    fn collect(&mut self, way: &Way) {
        let c = self.config;
        let half = c.width_m / 2.0 + c.margin_m;
        self.in_the_way.clear();
        for point in &self.beside {
            let Some(along) = way.free_way(point, c.front_m, half).filter(|&way| way <= c.look_ahead_m)
            else {
                continue;
            };
            if self.is_obstacle(point) {
                self.in_the_way.push(Beside { along, ..*point });
            }
        }
        self.in_the_way.sort_by(|a, b| a.along.total_cmp(&b.along));
    }

    /// What stands above the ground beside the way, too: what comes into it from there has a speed at once.
    fn note_places(&mut self, speed_mps: f64) {
        let mut closing = std::mem::take(&mut self.closing);
        let places = self.beside.iter().filter(|point| self.is_obstacle(point));
        let places = places.map(|point| [point.along as f32, point.across as f32]);
        closing.note(self.cloud.end, speed_mps, places);
        self.closing = closing;
    }

    fn is_obstacle(&self, point: &Beside) -> bool {
        let above = f64::from(point.position[2]) - self.ground_at(point.along);
        above > self.config.lowest_m && above < self.config.highest_m
    }

    /// The nearest point that has enough others around it, and how many there are.
    fn nearest(&self) -> Option<(Beside, usize)> {
        let c = &self.config;
        self.in_the_way.iter().enumerate().find_map(|(i, point)| {
            let count = self.in_the_way[i..]
                .iter()
                .take_while(|other| other.along <= point.along + c.together_m)
                .filter(|other| (other.across - point.across).abs() <= c.together_m)
                .count();
            (count >= c.points_least).then_some((*point, count))
        })
    }
}

/// The path of the rear axle's centre at a fixed steering angle: a circle, or a straight line.
struct Way {
    curvature: f64,
}

impl Way {
    fn new(curvature: f64) -> Self {
        Self { curvature: if curvature.abs() < 1e-5 { 0.0 } else { curvature } }
    }

    /// Metres along the path to the place beside which a point lies; the circle's centre is at (0, 1/k).
    fn along(&self, [x, y, _]: [f32; 3]) -> f64 {
        let (x, y, k) = (f64::from(x), f64::from(y), self.curvature);
        if k == 0.0 { x } else { atan2(k * x, 1.0 - k * y) / k }
    }

    /// Metres that a point lies to the left of the path.
    fn across(&self, [x, y, _]: [f32; 3]) -> f64 {
        let (x, y, k) = (f64::from(x), f64::from(y), self.curvature);
        let (ux, uy) = (k * x, 1.0 - k * y);
        (2.0 * y - k * (x * x + y * y)) / (1.0 + (ux * ux + uy * uy).sqrt())
    }

    /// How far the car can drive along the path before its front or side reaches a point; `None` where it never does, and
    /// where the point is beside the car already.
    ///
    /// Seen from the car, the point moves on a circle around the turning centre (0, r), backwards. It comes in through the
    /// front edge where its circle meets x = `front` with |y| <= `half`; or, where it passes on the inner side of that
    /// edge, through the inner side. Outside the outer front corner it never comes in.
    fn free_way(&self, point: &Beside, front: f64, half: f64) -> Option<f64> {
        let k = self.curvature;
        if k == 0.0 {
            let way = point.along - front;
            return (point.across.abs() <= half && way >= -BEHIND_BUMPER_M).then_some(way);
        }
        let (x, y) = (f64::from(point.position[0]), f64::from(point.position[1]));
        let radius = 1.0 / k;
        let squared = x * x + (y - radius) * (y - radius);
        let met = radius - (squared - front * front).max(0.0).sqrt() * radius.signum();
        let edge = if met.abs() <= half {
            (front, met)
        } else {
            let inner = half * radius.signum();
            let reach = squared - (radius - inner) * (radius - inner);
            if !(0.0..=front * front).contains(&reach) {
                return None;
            }
            (reach.sqrt(), inner)
        };
        let way = point.along - atan2(k * edge.0, 1.0 - k * edge.1) / k;
        (way >= -BEHIND_BUMPER_M).then_some(way)
    }
}

/// A point that noise put so far behind the edge still counts as touching it, metres.
const BEHIND_BUMPER_M: f64 = 0.05;

#[cfg(test)]
mod tests;
