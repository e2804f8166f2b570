//! A minute's sensors, emitted as logical time passes.

use super::reference::Reference;
use super::segment::{InertialSample, Position, Segment};
use super::{Comma2k19Platform, Mounting};
use crate::can::{CanCar, RadarCycle, ToyotaRadar};
use crate::{Emission, HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_geometry::{LogicalDuration, LogicalTime, Vec3};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};
use std::sync::Arc;

const TICK: LogicalDuration = LogicalDuration::from_millis(5);
const LEAST_LATENCY: LogicalDuration = LogicalDuration::from_millis(1);
/// From an inertial sample or a picture to its arrival (the recording does not tell).
const QUICK: LogicalDuration = LogicalDuration::from_millis(2);

/// A row of one of the lists that carry their own instants.
#[derive(Clone, Copy, Debug)]
struct Event {
    kind: SensorKind,
    row: usize,
    capture: LogicalTime,
    arrival: LogicalTime,
}

/// The sensing half of a minute.
pub(super) struct Comma2k19Sensors {
    segment: Segment,
    car: CanCar,
    radar: ToyotaRadar,
    mounting: Mounting,
    reference: Reference,
    /// In the order of capture.
    events: Vec<Event>,
    next_event: usize,
    next_frame: usize,
    last_tick: Option<LogicalTime>,
}

impl Comma2k19Sensors {
    pub fn new(platform: Comma2k19Platform) -> Self {
        let Comma2k19Platform { segment, car, radar, mounting, options } = platform;
        let withheld = options.gnss_withheld_after.map_or(LogicalTime::MAX, |span| LogicalTime::ZERO + span);
        Self {
            reference: Reference::new(&segment, mounting.device),
            events: schedule(&segment, withheld),
            segment,
            car,
            radar,
            mounting,
            next_event: 0,
            next_frame: 0,
            last_tick: None,
        }
    }

    fn message(&self, event: &Event) -> Option<SensorMessage> {
        Some(match event.kind {
            SensorKind::Imu => {
                SensorMessage::Imu(Arc::new(imu(self.segment.inertial.get(event.row)?, &self.mounting)))
            }
            SensorKind::Gnss => {
                SensorMessage::Gnss(Arc::new(fix(self.segment.positions.get(event.row)?, &self.mounting)))
            }
            _ => SensorMessage::ReferenceOdometry(Arc::new(
                self.reference.odometry(&self.segment.poses, event.row)?,
            )),
        })
    }

    /// Hears the buses up to `now`: the instant of the last wheel speeds, if there were any, and the last radar cycle.
    fn listen(&mut self, now: LogicalTime) -> (Option<LogicalTime>, Option<RadarCycle>) {
        let (mut wheels, mut cycle) = (None, None);
        while let Some(heard) = self.segment.frames.get(self.next_frame).filter(|heard| heard.at <= now) {
            self.next_frame += 1;
            if heard.bus == 1 {
                cycle = self.radar.hear(heard.at, &heard.frame).or(cycle);
            } else if self.car.hear(&heard.frame) && heard.frame.id == self.segment.wheels {
                wheels = Some(heard.at);
            }
        }
        (wheels, cycle)
    }

    /// The car's state, once all of it was heard.
    fn state(&self, at: LogicalTime) -> Option<VehicleState> {
        let state = self.car.state();
        Some(VehicleState {
            stamp: at.into(),
            speed_mps: state.speed_mps?,
            steering_angle_rad: state.steering_angle_rad?,
            driver_torque_nm: state.driver_torque_nm?,
            driver_brake: state.driver_brake?,
            driver_gas: state.driver_gas?,
        })
    }
}

impl Sensors for Comma2k19Sensors {
    fn tick_period(&self) -> LogicalDuration {
        TICK
    }

    fn least_latency(&self) -> LogicalDuration {
        LEAST_LATENCY
    }

    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        let interval = |kind| match kind {
            // Heard frames become at most one message a tick.
            SensorKind::VehicleState => Some((kind, TICK)),
            SensorKind::Radar => {
                self.segment.frames.iter().any(|heard| heard.bus == 1).then_some((kind, TICK))
            }
            _ => {
                let arrivals: Vec<LogicalTime> = self
                    .events
                    .iter()
                    .filter(|event| event.kind == kind)
                    .map(|event| event.arrival)
                    .collect();
                let least = arrivals.windows(2).map(|pair| pair[1] - pair[0]).min();
                (!arrivals.is_empty()).then_some((kind, least.unwrap_or(LogicalDuration::from_millis(1_000))))
            }
        };
        SensorKind::ALL.into_iter().filter_map(interval).collect()
    }

    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        if self.last_tick.replace(now).is_some_and(|last| now < last) {
            return Err(HalError::backwards("comma2k19", now));
        }
        let mut emit = |kind, oldest_capture, capture, arrival, message| {
            let payload = Payload::Ready(message);
            sink.emissions.push(Emission { kind, oldest_capture, capture, arrival, payload });
        };
        let soonest = now + LEAST_LATENCY;
        let (wheels, cycle) = self.listen(now);
        if let Some((at, state)) = wheels.and_then(|at| Some((at, self.state(at)?))) {
            emit(SensorKind::VehicleState, at, at, soonest, SensorMessage::VehicleState(Arc::new(state)));
        }
        if let Some(RadarCycle { first, last, tracks }) = cycle {
            emit(SensorKind::Radar, first, last, soonest, SensorMessage::Radar(Arc::new(tracks)));
        }
        while let Some(&event) = self.events.get(self.next_event).filter(|event| event.capture <= now) {
            self.next_event += 1;
            if let Some(message) = self.message(&event) {
                emit(event.kind, event.capture, event.capture, event.arrival.max(soonest), message);
            }
        }
        sink.finished = self.next_event == self.events.len() && self.next_frame == self.segment.frames.len();
        Ok(())
    }
}

/// What carries its own instant, in the order of capture, then as `SensorKind::ALL` has it.
fn schedule(segment: &Segment, withheld: LogicalTime) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |kind, row, capture: LogicalTime, arrival: LogicalTime| {
        let tick = TICK.as_nanos();
        let ticked = LogicalTime::from_nanos((capture.as_nanos() + tick - 1).div_euclid(tick) * tick);
        events.push(Event { kind, row, capture, arrival: arrival.max(ticked + LEAST_LATENCY) });
    };
    for (row, sample) in segment.inertial.iter().enumerate() {
        add(SensorKind::Imu, row, sample.at, sample.at + QUICK);
    }
    for (row, position) in segment.positions.iter().enumerate().filter(|(_, p)| p.capture < withheld) {
        add(SensorKind::Gnss, row, position.capture, position.logged);
    }
    for (row, pose) in segment.poses.iter().enumerate() {
        add(SensorKind::ReferenceOdometry, row, pose.at, pose.at + QUICK);
    }
    let place = |kind| SensorKind::ALL.iter().position(|other| *other == kind);
    events.sort_by_key(|event| (event.capture, place(event.kind)));
    events
}

fn forward_left_up(v: Vec3) -> Vec3 {
    Vec3::new(v.x, -v.y, -v.z)
}

fn imu(sample: &InertialSample, mounting: &Mounting) -> Imu {
    let mut imu = Imu {
        angular_velocity: forward_left_up(sample.rate).into(),
        linear_acceleration: forward_left_up(sample.force).into(),
        ..Imu::default()
    };
    imu.header.stamp = sample.at.into();
    "imu".clone_into(&mut imu.header.frame_id);
    imu.orientation_covariance[0] = -1.0;
    for diagonal in [0, 4, 8] {
        imu.angular_velocity_covariance[diagonal] = mounting.gyro_noise * mounting.gyro_noise;
        imu.linear_acceleration_covariance[diagonal] = mounting.accel_noise * mounting.accel_noise;
    }
    imu
}

/// The recording has no word on how good a position is: the rig's is stated, as an approximation.
fn fix(position: &Position, mounting: &Mounting) -> NavSatFix {
    let mut fix = NavSatFix {
        latitude: position.latitude_deg,
        longitude: position.longitude_deg,
        altitude: position.altitude_m,
        position_covariance_type: 1,
        ..NavSatFix::default()
    };
    fix.header.stamp = position.capture.into();
    "gnss".clone_into(&mut fix.header.frame_id);
    // GPS and GLONASS: both are in the receiver's raw measurements.
    fix.status.service = 3;
    let variance = mounting.fix_sigma * mounting.fix_sigma;
    // Height is half again as uncertain, as a rule of thumb.
    for (diagonal, factor) in [(0, 1.0), (4, 1.0), (8, 2.25)] {
        fix.position_covariance[diagonal] = factor * variance;
    }
    fix
}
