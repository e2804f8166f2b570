//! A bag's sensors, emitted as logical time passes.

use super::bag::Bag;
use super::choice::Type;
use super::cloud::Layout;
use super::survey::{Event, LEAST_LATENCY, TICK};
use super::{RosbagPlatform, picture};
use crate::platform::least_intervals;
use crate::{Emission, HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::geometry_msgs::{Quaternion, TwistStamped};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{CameraInfo, CompressedImage, Image, Imu, NavSatFix, PointCloud2};
use auriga_messages::std_msgs::Header;
use auriga_wire::{Message, from_cdr};
use std::sync::Arc;

/// The sensing half of a bag.
pub(super) struct RosbagSensors {
    bag: Bag,
    /// In the order of capture.
    events: Vec<Event>,
    next: usize,
    last_tick: Option<LogicalTime>,
}

fn decode<M: Message>(bytes: &[u8]) -> Result<M, String> {
    from_cdr(bytes).map_err(|error| error.to_string())
}

fn stamped(frame: &str, at: LogicalTime) -> Header {
    Header { stamp: at.into(), frame_id: frame.to_owned() }
}

/// Row-major 3×3, finite, no negative variance.
fn is_covariance(c: &[f64; 9]) -> bool {
    c.iter().all(|value| value.is_finite()) && [c[0], c[4], c[8]].iter().all(|variance| *variance >= 0.0)
}

/// What a measurement does not have is marked as the definition of `sensor_msgs/Imu` asks. Many drivers leave an orientation
/// of zeros where they have none.
fn with_absences(mut imu: Imu) -> Imu {
    let q = &imu.orientation;
    let squared = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    if !(0.99..=1.01).contains(&squared) || !is_covariance(&imu.orientation_covariance) {
        (imu.orientation, imu.orientation_covariance) = (Quaternion::default(), [0.0; 9]);
        imu.orientation_covariance[0] = -1.0;
    } else {
        let length = squared.sqrt();
        imu.orientation = Quaternion { x: q.x / length, y: q.y / length, z: q.z / length, w: q.w / length };
    }
    for covariance in [&mut imu.angular_velocity_covariance, &mut imu.linear_acceleration_covariance] {
        if !is_covariance(covariance) {
            *covariance = [0.0; 9];
        }
    }
    imu
}

/// The message in Auriga's own form: its layout or encoding, frame and clock.
fn message(event: &Event, bytes: &[u8]) -> Result<SensorMessage, String> {
    let at = event.capture;
    let wheels = |speed_mps| {
        let state = VehicleState { stamp: at.into(), speed_mps, ..VehicleState::default() };
        SensorMessage::VehicleState(Arc::new(state))
    };
    let picture =
        |image| SensorMessage::Camera(Arc::new(Image { header: stamped("camera_front", at), ..image }));
    Ok(match event.message {
        Type::PointCloud2 => {
            let cloud: PointCloud2 = decode(bytes)?;
            let scan = Layout::of(&cloud)?.convert(&cloud, event.sweep, event.oldest_capture);
            SensorMessage::Lidar(Arc::new(scan))
        }
        Type::Image => picture(picture::convert(&decode(bytes)?)?),
        Type::CompressedImage => picture(picture::decompress(&decode::<CompressedImage>(bytes)?)?),
        Type::CameraInfo => {
            let info: CameraInfo = decode(bytes)?;
            SensorMessage::CameraInfo(Arc::new(CameraInfo { header: stamped("camera_front", at), ..info }))
        }
        Type::Imu => {
            let imu: Imu = decode(bytes)?;
            SensorMessage::Imu(Arc::new(with_absences(Imu { header: stamped("imu", at), ..imu })))
        }
        Type::NavSatFix => {
            let mut fix: NavSatFix = decode(bytes)?;
            if !is_covariance(&fix.position_covariance) {
                (fix.position_covariance, fix.position_covariance_type) = ([0.0; 9], 0);
            }
            // NaN: the receiver has no altitude (sensor_msgs/NavSatFix).
            fix.altitude = if fix.altitude.is_finite() { fix.altitude } else { 0.0 };
            SensorMessage::Gnss(Arc::new(NavSatFix { header: stamped("gnss", at), ..fix }))
        }
        Type::VehicleState => {
            let state: VehicleState = decode(bytes)?;
            SensorMessage::VehicleState(Arc::new(VehicleState { stamp: at.into(), ..state }))
        }
        Type::TwistStamped => wheels(decode::<TwistStamped>(bytes)?.twist.linear.x),
        Type::Odometry => wheels(decode::<Odometry>(bytes)?.twist.twist.linear.x),
    })
}

impl RosbagSensors {
    pub(super) fn new(platform: RosbagPlatform) -> Self {
        Self { bag: platform.bag, events: platform.survey.events, next: 0, last_tick: None }
    }
}

impl Sensors for RosbagSensors {
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
            return Err(HalError::backwards("rosbag", now));
        }
        while let Some(&event) = self.events.get(self.next).filter(|event| event.capture <= now) {
            self.next += 1;
            match message(&event, self.bag.message(&event.entry)?) {
                Ok(message) => sink.emissions.push(Emission {
                    kind: event.kind,
                    oldest_capture: event.oldest_capture,
                    capture: event.capture,
                    arrival: event.arrival.max(now + LEAST_LATENCY),
                    payload: Payload::Ready(message),
                }),
                // Only a compressed picture whose inside is damaged comes this far.
                Err(problem) => {
                    let name = &self.bag.index.topics[usize::from(event.entry.topic)].name;
                    tracing::warn!(
                        "topic {name}, captured at {:.3} s: left out: {problem}",
                        event.capture.as_secs_f64()
                    );
                }
            }
        }
        sink.finished = self.next == self.events.len();
        Ok(())
    }
}
