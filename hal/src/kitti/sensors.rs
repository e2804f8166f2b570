//! The drive's sensors, emitted as logical time passes.

use super::drive::{Drive, OxtsSample, ScanFile};
use super::oxts::{OxtsRow, imu_pose};
use super::{KittiOptions, KittiRig, malformed, scan};
use crate::local_earth::LocalEarth;
use crate::platform::least_intervals;
use crate::{Emission, HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_geometry::math::{TAU, ln, sin_cos};
use auriga_geometry::{LogicalDuration, LogicalTime, Vec3};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{CameraInfo, Image, Imu, NavSatFix, PointCloud2};
use rand_core::Rng;
use rand_pcg::Pcg64Mcg;
use std::path::Path;
use std::sync::Arc;

const TICK: LogicalDuration = LogicalDuration::from_millis(10);
const LEAST_LATENCY: LogicalDuration = LogicalDuration::from_millis(1);

/// What an emission is made from: a place in one of the drive's lists.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Scan(usize),
    Image(usize),
    Info(usize),
    Fix(usize, [f64; 3]),
    Ins(SensorKind, usize),
}

#[derive(Clone, Copy, Debug)]
struct Event {
    kind: SensorKind,
    origin: Origin,
    oldest_capture: LogicalTime,
    capture: LogicalTime,
    arrival: LogicalTime,
}

/// The sensing half of a drive.
pub(super) struct KittiSensors {
    drive: Drive,
    rig: KittiRig,
    earth: Option<LocalEarth>,
    noise_m: f64,
    /// In the order of capture.
    events: Vec<Event>,
    next: usize,
    points: Vec<scan::Point>,
    last_tick: Option<LogicalTime>,
}

impl KittiSensors {
    pub(super) fn new(drive: Drive, rig: KittiRig, options: KittiOptions) -> Self {
        let events = schedule(&drive, options);
        let earth = drive.oxts.first().map(|sample| earth(&sample.row));
        let noise_m = options.gnss_noise_m;
        Self { drive, rig, earth, noise_m, events, next: 0, points: Vec::new(), last_tick: None }
    }

    fn message(&mut self, event: &Event) -> Result<SensorMessage, HalError> {
        Ok(match event.origin {
            Origin::Scan(index) => {
                SensorMessage::Lidar(Arc::new(load_scan(&self.drive.scans[index], &mut self.points)?))
            }
            Origin::Image(index) => {
                let image = &self.drive.images[index];
                SensorMessage::Camera(Arc::new(load_image(&image.path, &self.rig, image.capture)?))
            }
            Origin::Info(index) => {
                let mut info: CameraInfo = self.rig.camera_info();
                info.header.stamp = self.drive.images[index].capture.into();
                SensorMessage::CameraInfo(Arc::new(info))
            }
            Origin::Fix(index, noise) => {
                SensorMessage::Gnss(Arc::new(self.fix(&self.drive.oxts[index], noise)))
            }
            Origin::Ins(SensorKind::Imu, index) => SensorMessage::Imu(Arc::new(imu(&self.drive.oxts[index]))),
            Origin::Ins(SensorKind::VehicleState, index) => {
                let sample = &self.drive.oxts[index];
                SensorMessage::VehicleState(Arc::new(VehicleState {
                    stamp: sample.capture.into(),
                    speed_mps: sample.row.velocity[0],
                    ..VehicleState::default()
                }))
            }
            Origin::Ins(_, index) => {
                SensorMessage::ReferenceOdometry(Arc::new(self.reference(&self.drive.oxts[index])))
            }
        })
    }

    /// The satellite position at the INS, moved by noise (standard normal numbers).
    fn fix(&self, sample: &OxtsSample, noise: [f64; 3]) -> NavSatFix {
        let earth = self.earth.unwrap_or_else(|| earth(&sample.row));
        let row = &sample.row;
        let degrees = [row.latitude_deg, row.longitude_deg];
        let [latitude, longitude, altitude] =
            earth.moved(degrees, row.altitude_m, Vec3::from(noise) * self.noise_m);
        let mut fix =
            NavSatFix { latitude, longitude, altitude, position_covariance_type: 2, ..NavSatFix::default() };
        fix.header.stamp = sample.capture.into();
        "imu".clone_into(&mut fix.header.frame_id);
        fix.status.service = 1;
        for diagonal in [0, 4, 8] {
            fix.position_covariance[diagonal] = self.noise_m * self.noise_m;
        }
        fix
    }

    /// `base_link` in `map`: the plane that touches the earth where the drive's first INS row is, z = 0 on the road there.
    fn reference(&self, sample: &OxtsSample) -> Odometry {
        let earth = self.earth.unwrap_or_else(|| earth(&sample.row));
        let mut pose = imu_pose(&earth, &sample.row).compose(&self.rig.imu_pose.inverse());
        pose.translation.z += self.rig.imu_pose.translation.z;
        let mut odometry = Odometry::default();
        odometry.header.stamp = sample.capture.into();
        "map".clone_into(&mut odometry.header.frame_id);
        "base_link".clone_into(&mut odometry.child_frame_id);
        odometry.pose.pose = Pose::from(&pose);
        odometry.twist.twist.linear = Vec3::from(sample.row.velocity).into();
        odometry.twist.twist.angular = Vec3::from(sample.row.rate).into();
        odometry
    }
}

impl Sensors for KittiSensors {
    fn tick_period(&self) -> LogicalDuration {
        TICK
    }

    fn least_latency(&self) -> LogicalDuration {
        LEAST_LATENCY
    }

    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        least_intervals(self.events.iter().map(|event| (event.kind, event.arrival)))
    }

    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        if self.last_tick.replace(now).is_some_and(|last| now < last) {
            return Err(HalError::backwards("kitti", now));
        }
        while let Some(&event) = self.events.get(self.next).filter(|event| event.capture <= now) {
            self.next += 1;
            let message = self.message(&event)?;
            sink.emissions.push(Emission {
                kind: event.kind,
                oldest_capture: event.oldest_capture,
                capture: event.capture,
                arrival: event.arrival.max(now + LEAST_LATENCY),
                payload: Payload::Ready(message),
            });
        }
        sink.finished = self.next == self.events.len();
        Ok(())
    }
}

fn earth(row: &OxtsRow) -> LocalEarth {
    LocalEarth::new(row.origin(), row.altitude_m)
}

/// From capture to arrival: roughly what the simulator's rig has.
fn latency(kind: SensorKind) -> LogicalDuration {
    LogicalDuration::from_millis(match kind {
        SensorKind::Lidar => 5,
        SensorKind::Camera | SensorKind::CameraInfo => 15,
        SensorKind::Gnss => 20,
        _ => 2,
    })
}

/// Everything that the drive emits, in the order of capture, then as `SensorKind::ALL` has it.
fn schedule(drive: &Drive, options: KittiOptions) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |kind, origin, oldest_capture, capture: LogicalTime| {
        let tick = TICK.as_nanos();
        let ticked = LogicalTime::from_nanos((capture.as_nanos() + tick - 1).div_euclid(tick) * tick);
        let arrival = (capture + latency(kind)).max(ticked + LEAST_LATENCY);
        events.push(Event { kind, origin, oldest_capture, capture, arrival });
    };
    for (index, scan) in drive.scans.iter().enumerate() {
        add(SensorKind::Lidar, Origin::Scan(index), scan.start, scan.end);
    }
    for (index, image) in drive.images.iter().enumerate() {
        add(SensorKind::CameraInfo, Origin::Info(index), image.capture, image.capture);
        add(SensorKind::Camera, Origin::Image(index), image.capture, image.capture);
    }
    let mut noise = Pcg64Mcg::new(u128::from(options.seed) << 1 | 1);
    let mut next_fix = LogicalTime::ZERO;
    let withheld = options.gnss_withheld_after.map_or(LogicalTime::MAX, |span| LogicalTime::ZERO + span);
    for (index, sample) in drive.oxts.iter().enumerate() {
        let at = sample.capture;
        for kind in [SensorKind::VehicleState, SensorKind::Imu, SensorKind::ReferenceOdometry] {
            add(kind, Origin::Ins(kind, index), at, at);
        }
        if at >= next_fix {
            let noise = [normal(&mut noise), normal(&mut noise), normal(&mut noise)];
            if at < withheld {
                add(SensorKind::Gnss, Origin::Fix(index, noise), at, at);
            }
            while next_fix <= at {
                next_fix += options.gnss_period.max(LogicalDuration::from_millis(1));
            }
        }
    }
    let place = |kind| SensorKind::ALL.iter().position(|other| *other == kind);
    events.sort_by_key(|event| (event.capture, place(event.kind)));
    events
}

/// Standard normal (Box and Muller 1958).
fn normal(generator: &mut Pcg64Mcg) -> f64 {
    let mut uniform = || (generator.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64);
    let radius = (-2.0 * ln(1.0 - uniform())).sqrt();
    radius * sin_cos(TAU * uniform()).1
}

fn load_scan(file: &ScanFile, points: &mut Vec<scan::Point>) -> Result<PointCloud2, HalError> {
    scan::read(&file.path, points)?;
    if file.points.is_some_and(|expected| expected != points.len()) {
        let problem = format!(
            "{} points, {} in velodyne_manifest.csv; get the file again",
            points.len(),
            file.points.unwrap_or_default()
        );
        return Err(malformed(&file.path, problem));
    }
    let mut cloud = PointCloud2::default();
    scan::to_cloud(points, file.start, file.end - file.start, &mut cloud);
    Ok(cloud)
}

fn load_image(path: &Path, rig: &KittiRig, capture: LogicalTime) -> Result<Image, HalError> {
    let picture = image::open(path)
        .map_err(|error| malformed(path, format!("no picture: {error}; get the file again")))?
        .into_rgb8();
    if picture.dimensions() != (rig.width, rig.height) {
        let (width, height) = picture.dimensions();
        let problem = format!(
            "{width} by {height} pixels, the calibration is for {} by {}; use the calibration of the drive's date",
            rig.width, rig.height
        );
        return Err(malformed(path, problem));
    }
    let mut image = Image {
        height: rig.height,
        width: rig.width,
        encoding: "rgb8".to_owned(),
        step: rig.width * 3,
        data: picture.into_raw(),
        ..Image::default()
    };
    image.header.stamp = capture.into();
    "camera_front".clone_into(&mut image.header.frame_id);
    Ok(image)
}

/// Rates and specific forces along the axes parallel to the ground: what a level sensor would measure.
fn imu(sample: &OxtsSample) -> Imu {
    let mut imu = Imu {
        angular_velocity: Vec3::from(sample.row.rate).into(),
        linear_acceleration: Vec3::from(sample.row.acceleration).into(),
        ..Imu::default()
    };
    imu.header.stamp = sample.capture.into();
    "imu".clone_into(&mut imu.header.frame_id);
    imu.orientation_covariance[0] = -1.0;
    // A tactical-grade unit's order of magnitude: 0.1°/s and 0.1 m/s².
    for diagonal in [0, 4, 8] {
        imu.angular_velocity_covariance[diagonal] = 3e-6;
        imu.linear_acceleration_covariance[diagonal] = 1e-2;
    }
    imu
}
