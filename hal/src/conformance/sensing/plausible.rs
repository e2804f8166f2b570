//! Whether a message's values can be what they say: finite or declared absent, and of a size that their units allow.

use super::{Rule, Said, SensingReport};
use crate::SensorMessage;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::auriga_msgs::{Engage, VehicleState};
use auriga_messages::geometry_msgs::{Pose, Quaternion, Twist, Vector3};
use auriga_messages::radar_msgs::RadarTracks;
use auriga_messages::sensor_msgs::{CameraInfo, Image, Imu, NavSatFix, PointCloud2, PointField};
use std::collections::BTreeSet;

/// No car is faster, m/s.
const SPEED_MOST: f64 = 100.0;
/// No car turns faster, rad/s: a spin is below 6. A gyro in degrees is beyond it soon.
const RATE_MOST: f64 = 12.0;
/// No sensor in a car that still drives feels more, m/s².
const FORCE_MOST: f64 = 200.0;
/// The mean force on a car that drives about is gravity's, within this, m/s²: units of g are not.
const GRAVITY: std::ops::RangeInclusive<f64> = 8.0..=12.0;
/// So many measurements are needed for a mean.
const FORCES_LEAST: u32 = 50;
/// No front wheel is turned farther, rad.
const STEERING_MOST: f64 = 1.2;
/// No sensor of a car sees farther, metres.
const RANGE_MOST: f64 = 1_000.0;

/// The message's own instant, and its frame where it has one.
pub(super) fn stamp_and_frame(message: &SensorMessage) -> (LogicalTime, Option<&str>) {
    let header = match message {
        SensorMessage::Lidar(m) => &m.header,
        SensorMessage::Camera(m) => &m.header,
        SensorMessage::CameraInfo(m) => &m.header,
        SensorMessage::Radar(m) => &m.header,
        SensorMessage::Gnss(m) => &m.header,
        SensorMessage::Imu(m) => &m.header,
        SensorMessage::Truth(m) => &m.header,
        SensorMessage::ReferenceOdometry(m) => &m.header,
        SensorMessage::VehicleState(m) => return (LogicalTime::from(&m.stamp), None),
        SensorMessage::Engage(m) => return (LogicalTime::from(&m.stamp), None),
    };
    (LogicalTime::from(&header.stamp), Some(&header.frame_id))
}

/// What is found in single messages, and over all of them.
#[derive(Debug, Default)]
pub(super) struct Plausibility {
    forces: u32,
    force_sum: f64,
}

impl Plausibility {
    pub(super) fn message(&mut self, now: LogicalTime, said: &Said, report: &mut SensingReport) {
        let problem = match &said.message {
            SensorMessage::Lidar(m) => scan(m, said.capture.since(said.oldest_capture)),
            SensorMessage::Camera(m) => picture(m),
            SensorMessage::CameraInfo(m) => calibration(m),
            SensorMessage::Radar(m) => radar(m),
            SensorMessage::Gnss(m) => position(m),
            SensorMessage::Imu(m) => self.inertial(m),
            SensorMessage::VehicleState(m) => vehicle(m),
            SensorMessage::Engage(m) => engage(m),
            SensorMessage::Truth(m) => moving(&m.ego_pose, &m.ego_twist),
            SensorMessage::ReferenceOdometry(m) => moving(&m.pose.pose, &m.twist.twist),
        };
        if let Err(problem) = problem {
            report.note(Rule::Plausibility, now, || format!("{:?}: {problem}", said.kind));
        }
    }

    /// Judges what only many messages show.
    pub(super) fn finish(&self, now: LogicalTime, report: &mut SensingReport) {
        let mean = self.force_sum / f64::from(self.forces.max(1));
        if self.forces >= FORCES_LEAST && !GRAVITY.contains(&mean) {
            report.note(Rule::Plausibility, now, || {
                format!("Imu: a mean specific force of {mean:.2} m/s² is not gravity's")
            });
        }
    }

    fn inertial(&mut self, imu: &Imu) -> Result<(), String> {
        within("angular_velocity", &imu.angular_velocity, RATE_MOST)?;
        within("linear_acceleration", &imu.linear_acceleration, FORCE_MOST)?;
        let force = norm(&imu.linear_acceleration);
        (self.forces, self.force_sum) = (self.forces.saturating_add(1), self.force_sum + force);
        let covariances = [&imu.angular_velocity_covariance, &imu.linear_acceleration_covariance];
        covariances.into_iter().try_for_each(covariance)?;
        if imu.orientation_covariance[0] == -1.0 {
            return Ok(());
        }
        covariance(&imu.orientation_covariance)?;
        orientation(&imu.orientation)
    }
}

fn demand(is_kept: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if is_kept { Ok(()) } else { Err(text()) }
}

fn norm(v: &Vector3) -> f64 {
    (v.x * v.x + v.y * v.y + v.z * v.z).sqrt()
}

/// Finite, and not longer than that.
fn within(name: &str, v: &Vector3, most: f64) -> Result<(), String> {
    demand(norm(v) <= most, || format!("{name} = {} {} {}: not within {most}", v.x, v.y, v.z))
}

fn number(name: &str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<(), String> {
    demand(range.contains(&value), || format!("{name} = {value}: not in {range:?}"))
}

/// Row-major 3×3 with finite entries and no negative variance.
fn covariance(c: &[f64; 9]) -> Result<(), String> {
    let is_fine = c.iter().all(|v| v.is_finite()) && [c[0], c[4], c[8]].iter().all(|v| *v >= 0.0);
    demand(is_fine, || format!("covariance {c:?}"))
}

fn orientation(q: &Quaternion) -> Result<(), String> {
    let squared = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    demand((squared - 1.0).abs() <= 1e-6, || format!("orientation of length {}", squared.sqrt()))
}

fn moving(pose: &Pose, twist: &Twist) -> Result<(), String> {
    let p = &pose.position;
    demand([p.x, p.y, p.z].iter().all(|v| v.is_finite()), || format!("position {} {} {}", p.x, p.y, p.z))?;
    orientation(&pose.orientation)?;
    within("twist.linear", &twist.linear, SPEED_MOST)?;
    within("twist.angular", &twist.angular, RATE_MOST)
}

fn position(fix: &NavSatFix) -> Result<(), String> {
    if fix.status.status < 0 {
        return Ok(());
    }
    number("latitude", fix.latitude, -90.0..=90.0)?;
    number("longitude", fix.longitude, -180.0..=180.0)?;
    number("altitude", fix.altitude, -500.0..=10_000.0)?;
    if fix.position_covariance_type == 0 { Ok(()) } else { covariance(&fix.position_covariance) }
}

fn vehicle(state: &VehicleState) -> Result<(), String> {
    number("speed_mps", state.speed_mps, -SPEED_MOST..=SPEED_MOST)?;
    number("steering_angle_rad", state.steering_angle_rad, -STEERING_MOST..=STEERING_MOST)?;
    number("driver_torque_nm", state.driver_torque_nm, -100.0..=100.0)?;
    number("driver_brake", state.driver_brake, 0.0..=1.0)?;
    number("driver_gas", state.driver_gas, 0.0..=1.0)
}

fn engage(engage: &Engage) -> Result<(), String> {
    let known = [Engage::DISENGAGE, Engage::SUPERVISED, Engage::AUTOMATED];
    demand(known.contains(&engage.request), || format!("request = {}", engage.request))
}

fn radar(tracks: &RadarTracks) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for track in &tracks.tracks {
        let p = &track.position;
        within("position", &Vector3 { x: p.x, y: p.y, z: p.z }, RANGE_MOST)?;
        within("velocity", &track.velocity, 2.0 * SPEED_MOST)?;
        within("acceleration", &track.acceleration, FORCE_MOST)?;
        within("size", &track.size, 100.0)?;
        demand(names.insert(track.uuid.uuid), || "two tracks of one uuid".to_owned())?;
    }
    Ok(())
}

fn picture(image: &Image) -> Result<(), String> {
    let channels = match image.encoding.as_str() {
        "rgb8" | "bgr8" => 3,
        "mono8" => 1,
        other => return Err(format!("encoding {other:?}")),
    };
    let (width, step, height) = (u64::from(image.width), u64::from(image.step), u64::from(image.height));
    let length = image.data.len() as u64;
    let fits = width > 0 && step >= width * channels && length == step * height;
    demand(fits, || format!("{length} bytes for {width} by {height} of {}, step {step}", image.encoding))
}

fn calibration(info: &CameraInfo) -> Result<(), String> {
    demand(info.width > 0 && info.height > 0, || "a picture without pixels".to_owned())?;
    let all = info.k.iter().chain(&info.r).chain(&info.p).chain(&info.d);
    demand(all.into_iter().all(|v| v.is_finite()), || "not finite".to_owned())?;
    demand(info.k[0] > 0.0 && info.k[4] > 0.0 && info.k[8] == 1.0, || format!("k = {:?}", info.k))
}

/// A value of a point, by its field's name.
fn field(cloud: &PointCloud2, name: &str, datatype: u8) -> Option<usize> {
    let field = cloud.fields.iter().find(|field| field.name == name && field.datatype == datatype)?;
    let start = field.offset as usize;
    (start.checked_add(4)? <= cloud.point_step as usize).then_some(start)
}

fn scan(cloud: &PointCloud2, sweep: LogicalDuration) -> Result<(), String> {
    let (step, points) = (u64::from(cloud.point_step), u64::from(cloud.width) * u64::from(cloud.height));
    let length = cloud.data.len() as u64;
    demand(step > 0 && points.checked_mul(step) == Some(length), || {
        format!("{length} bytes for {points} points of {step}")
    })?;
    let place =
        |name| field(cloud, name, PointField::FLOAT32).ok_or_else(|| format!("no field {name} of FLOAT32"));
    let places = [place("x")?, place("y")?, place("z")?];
    let t = field(cloud, "t", PointField::UINT32);
    let four = |point: &[u8], at: usize| -> [u8; 4] {
        point.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
    };
    for (number, point) in cloud.data.chunks_exact(cloud.point_step as usize).enumerate() {
        let [x, y, z] = places.map(|at| f64::from(f32::from_le_bytes(four(point, at))));
        let is_absent = !cloud.is_dense && !(x + y + z).is_finite();
        let range = (x * x + y * y + z * z).sqrt();
        demand(is_absent || range <= RANGE_MOST, || format!("point {number} at {x} {y} {z}"))?;
        let offset = t.map_or(0, |at| i64::from(u32::from_le_bytes(four(point, at))));
        demand(offset <= sweep.as_nanos(), || format!("point {number} is {offset} ns after the oldest"))?;
    }
    Ok(())
}
