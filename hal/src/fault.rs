//! Sensors that fail, for tests of what the stack does then: silent, frozen, late, or nothing but NaN.
//!
//! ```
//! use auriga_hal::SensorKind;
//! use auriga_hal::fault::{SensorFault, SensorFaultKind};
//!
//! let fault: SensorFault = "silent:lidar@5-7".parse().unwrap();
//! assert_eq!((fault.sensor, fault.kind), (SensorKind::Lidar, SensorFaultKind::Silent));
//! assert_eq!(fault.to_string(), "silent:lidar@5-7");
//! ```

use crate::{Emission, HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::sensor_msgs::{PointCloud2, PointField};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// No drive takes so long, s.
const FOREVER_S: f64 = 1e6;

/// From one instant up to another, as `FROM[-UNTIL]` in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when on.
    pub from: LogicalTime,
    /// Until then.
    pub until: LogicalTime,
}

impl Window {
    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, now: LogicalTime) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// From its text; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = match text.split_once('-') {
            Some((from, until)) => (seconds(from)?, seconds(until)?),
            None => (seconds(text)?, LogicalDuration::from_secs_f64(FOREVER_S)),
        };
        let window = Self { from: LogicalTime::ZERO + from, until: LogicalTime::ZERO + until };
        (window.from < window.until).then_some(window)
    }
}

/// A span of time as the text of a fault has it, in seconds; `None` where it is not one.
#[must_use]
pub fn seconds(text: &str) -> Option<LogicalDuration> {
    let value: f64 = text.parse().ok()?;
    (0.0..FOREVER_S).contains(&value).then(|| LogicalDuration::from_secs_f64(value))
}

/// `WHAT@FROM[-UNTIL]`, and `WHAT` as `KIND[=VALUE][:TARGET]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultText<'a> {
    /// What happens.
    pub kind: &'a str,
    /// How much.
    pub value: Option<&'a str>,
    /// To whom.
    pub target: Option<&'a str>,
    /// When.
    pub window: Window,
}

impl<'a> FaultText<'a> {
    /// Takes a text apart; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (what, when) = text.split_once('@')?;
        let (what, target) = match what.split_once(':') {
            Some((_, "")) => return None,
            Some((what, target)) => (what, Some(target)),
            None => (what, None),
        };
        let (kind, value) = what.split_once('=').map_or((what, None), |(kind, value)| (kind, Some(value)));
        Some(Self { kind, value, target, window: Window::parse(when)? })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.from.as_secs_f64())?;
        if self.until < LogicalTime::ZERO + LogicalDuration::from_secs_f64(FOREVER_S) {
            write!(out, "-{}", self.until.as_secs_f64())?;
        }
        Ok(())
    }
}

/// What is wrong with a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorFaultKind {
    /// Nothing comes.
    Silent,
    /// The last measurement before the fault comes again and again, with new stamps.
    Frozen,
    /// What it says arrives so much later.
    Late(LogicalDuration),
    /// Every value that can be is NaN.
    Nan,
}

/// A fault of a sensor, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorFault {
    /// What is wrong.
    pub kind: SensorFaultKind,
    /// With which sensor.
    pub sensor: SensorKind,
    /// When.
    pub window: Window,
}

impl fmt::Display for SensorFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SensorFaultKind::Silent => write!(out, "silent")?,
            SensorFaultKind::Frozen => write!(out, "frozen")?,
            SensorFaultKind::Late(by) => write!(out, "late={}", by.as_secs_f64())?,
            SensorFaultKind::Nan => write!(out, "nan")?,
        }
        write!(out, ":{}@{}", self.sensor.name(), self.window)
    }
}

impl FromStr for SensorFault {
    type Err = HalError;

    fn from_str(text: &str) -> Result<Self, HalError> {
        parse(text).ok_or_else(|| HalError::Configuration {
            file: format!("fault `{text}`"),
            problem: "is not KIND:SENSOR@FROM[-UNTIL] in seconds, with a kind of silent, frozen, late=S, nan and a sensor \
                      of lidar, camera, radar, gnss, imu, vehicle_state, engage"
                .to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<SensorFault> {
    let text = FaultText::parse(text)?;
    let kind = match (text.kind, text.value) {
        ("silent", None) => SensorFaultKind::Silent,
        ("frozen", None) => SensorFaultKind::Frozen,
        ("late", Some(by)) => SensorFaultKind::Late(seconds(by)?),
        ("nan", None) => SensorFaultKind::Nan,
        _ => return None,
    };
    let sensor = SensorKind::ALL.into_iter().find(|sensor| Some(sensor.name()) == text.target)?;
    let is_sensor = !matches!(sensor, SensorKind::Truth | SensorKind::ReferenceOdometry);
    is_sensor.then_some(SensorFault { kind, sensor, window: text.window })
}

/// Sensors, and what is wrong with some of them. Without faults it hands everything on untouched.
pub struct FaultySensors {
    sensors: Box<dyn Sensors>,
    faults: Vec<SensorFault>,
    /// Of sensors that will freeze: the last measurement.
    last: BTreeMap<SensorKind, SensorMessage>,
    /// When the last message of a kind arrives.
    arrives: BTreeMap<SensorKind, LogicalTime>,
}

impl FaultySensors {
    /// Puts faults on top of sensors.
    #[must_use]
    pub fn new(sensors: Box<dyn Sensors>, faults: Vec<SensorFault>) -> Self {
        Self { sensors, faults, last: BTreeMap::new(), arrives: BTreeMap::new() }
    }

    /// What the stack gets instead; `None`: nothing.
    fn spoil(&mut self, mut emission: Emission) -> Result<Option<Emission>, HalError> {
        for fault in self.faults.iter().filter(|fault| fault.sensor == emission.kind) {
            let in_force = fault.window.contains(emission.capture);
            match fault.kind {
                SensorFaultKind::Silent if in_force => return Ok(None),
                SensorFaultKind::Late(by) if in_force => emission.arrival += by,
                SensorFaultKind::Nan if in_force => {
                    emission.payload = Payload::Ready(without_values(wait_for(emission.payload)?));
                }
                SensorFaultKind::Frozen if in_force => {
                    // A measurement is frozen as a whole: without one before it there is none.
                    let Some(last) = self.last.get(&emission.kind) else { return Ok(None) };
                    let instant = if emission.kind == SensorKind::Lidar {
                        emission.oldest_capture
                    } else {
                        emission.capture
                    };
                    emission.payload = Payload::Ready(stamped(last.clone(), instant));
                }
                SensorFaultKind::Frozen if emission.capture < fault.window.from => {
                    let message = wait_for(emission.payload)?;
                    self.last.insert(emission.kind, message.clone());
                    emission.payload = Payload::Ready(message);
                }
                _ => {}
            }
        }
        // What would overtake something late is lost.
        let arrives = self.arrives.entry(emission.kind).or_insert(emission.arrival);
        if emission.arrival < *arrives {
            return Ok(None);
        }
        *arrives = emission.arrival;
        Ok(Some(emission))
    }
}

impl Sensors for FaultySensors {
    fn tick_period(&self) -> LogicalDuration {
        self.sensors.tick_period()
    }

    fn least_latency(&self) -> LogicalDuration {
        self.sensors.least_latency()
    }

    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        self.sensors.kinds()
    }

    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        let first = sink.emissions.len();
        self.sensors.tick(now, sink)?;
        if self.faults.is_empty() {
            return Ok(());
        }
        for emission in sink.emissions.split_off(first) {
            sink.emissions.extend(self.spoil(emission)?);
        }
        Ok(())
    }
}

/// The message, now.
fn wait_for(payload: Payload) -> Result<SensorMessage, HalError> {
    match payload {
        Payload::Ready(message) => Ok(message),
        Payload::Pending(pending) => pending.recv().unwrap_or_else(|_| {
            let problem = "a sensor's thread has ended without an answer".to_owned();
            Err(HalError::Platform { platform: "faulty", problem })
        }),
    }
}

/// The same measurement with another stamp.
fn stamped(mut message: SensorMessage, instant: LogicalTime) -> SensorMessage {
    let stamp = match &mut message {
        SensorMessage::Lidar(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::Camera(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::CameraInfo(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::Radar(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::Gnss(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::Imu(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::VehicleState(m) => &mut Arc::make_mut(m).stamp,
        SensorMessage::Engage(m) => &mut Arc::make_mut(m).stamp,
        SensorMessage::Truth(m) => &mut Arc::make_mut(m).header.stamp,
        SensorMessage::ReferenceOdometry(m) => &mut Arc::make_mut(m).header.stamp,
    };
    *stamp = Time::from(instant);
    message
}

/// The same message with NaN for every value; what holds no such values stays as it is.
fn without_values(mut message: SensorMessage) -> SensorMessage {
    match &mut message {
        SensorMessage::Lidar(m) => blank(Arc::make_mut(m)),
        SensorMessage::Gnss(m) => {
            let fix = Arc::make_mut(m);
            (fix.latitude, fix.longitude, fix.altitude) = (f64::NAN, f64::NAN, f64::NAN);
        }
        SensorMessage::Imu(m) => {
            let imu = Arc::make_mut(m);
            for vector in [&mut imu.angular_velocity, &mut imu.linear_acceleration] {
                (vector.x, vector.y, vector.z) = (f64::NAN, f64::NAN, f64::NAN);
            }
        }
        SensorMessage::VehicleState(m) => {
            let state = Arc::make_mut(m);
            (state.speed_mps, state.steering_angle_rad) = (f64::NAN, f64::NAN);
        }
        SensorMessage::Radar(m) => {
            for track in &mut Arc::make_mut(m).tracks {
                (track.position.x, track.position.y) = (f64::NAN, f64::NAN);
            }
        }
        SensorMessage::Camera(_)
        | SensorMessage::CameraInfo(_)
        | SensorMessage::Engage(_)
        | SensorMessage::Truth(_)
        | SensorMessage::ReferenceOdometry(_) => {}
    }
    message
}

/// All coordinates of a scan become NaN.
fn blank(cloud: &mut PointCloud2) {
    let is_coordinate = |field: &&PointField| {
        matches!(field.name.as_str(), "x" | "y" | "z") && field.datatype == PointField::FLOAT32
    };
    let offsets: Vec<usize> =
        cloud.fields.iter().filter(is_coordinate).map(|field| field.offset as usize).collect();
    let not_a_number = if cloud.is_bigendian { f32::NAN.to_be_bytes() } else { f32::NAN.to_le_bytes() };
    for point in cloud.data.chunks_exact_mut((cloud.point_step as usize).max(1)) {
        for &offset in &offsets {
            if let Some(value) = point.get_mut(offset..offset + 4) {
                value.copy_from_slice(&not_a_number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
