//! What the gate reads: snapshots with stamps, checked at the door.

use crate::config::VehicleLimits;
use core::cmp::Ordering;

/// Logical time, nanoseconds since the run's epoch.
pub type Nanos = i64;

/// The car's own state, straight from the bus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleState {
    /// When it was measured.
    pub stamp_ns: Nanos,
    /// Wheel speed, m/s; negative backwards.
    pub speed_mps: f64,
    /// The front wheel's angle, rad; positive to the left.
    pub steering_angle_rad: f64,
    /// The driver's torque at the steering wheel, N·m.
    pub driver_torque_nm: f64,
    /// The driver's brake pedal, 0..1.
    pub driver_brake: f64,
    /// The driver's gas pedal, 0..1.
    pub driver_gas: f64,
}

/// The nearest thing in the car's way: the footprint swept along the arc of the measured steering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearestObstacle {
    /// When it was seen (the sensor's capture).
    pub stamp_ns: Nanos,
    /// The free distance along the arc from the front bumper, m. `INFINITY`: nothing within the looked-at range. Below 0
    /// counts as 0.
    pub distance_m: f64,
    /// How fast that distance shrinks, m/s, if it is known. Unknown or not finite: the obstacle counts as standing.
    pub closing_speed_mps: Option<f64>,
}

/// What the driver's button, or the simulation in its place, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engage {
    /// Be silent.
    Disengage,
    /// Drive in the supervised envelope.
    Supervised,
    /// Drive in the automated envelope.
    Automated,
}

/// A press of the button. The same request may be shown again and again: only its first sight counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngageRequest {
    /// When it was pressed.
    pub stamp_ns: Nanos,
    /// What for.
    pub request: Engage,
}

/// What the controller wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// When the controller made it. It is the heartbeat.
    pub stamp_ns: Nanos,
    /// The front wheel's angle, rad; positive to the left.
    pub steering_angle_rad: f64,
    /// Acceleration forwards, m/s². Negative brakes, and never drives backwards.
    pub acceleration_mps2: f64,
}

/// The latest snapshot of each input; `None` while there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GateInputs {
    /// From the bus.
    pub vehicle: Option<VehicleState>,
    /// From the geometric lidar channel.
    pub obstacle: Option<NearestObstacle>,
    /// From the platform.
    pub engage: Option<EngageRequest>,
    /// From the controller.
    pub command: Option<Command>,
}

/// A stamped input that the gate can judge.
pub(crate) trait Snapshot: Copy {
    fn stamp_ns(&self) -> Nanos;
    /// All figures finite and possible for this car.
    fn is_plausible(&self, vehicle: &VehicleLimits) -> bool;
}

/// No road vehicle that this gate guards goes faster, m/s. Unverified.
const SPEED_POSSIBLE_MPS: f64 = 100.0;
/// No controller means more, m/s²; catches broken units, not strong wishes. Unverified.
const ACCELERATION_POSSIBLE_MPS2: f64 = 50.0;
/// Sensors and controllers may be past the steering's stop by this factor. Beyond it: degrees, or garbage. Unverified.
const STEERING_POSSIBLE_FACTOR: f64 = 1.5;
/// No driver turns harder, N·m. Unverified.
const TORQUE_POSSIBLE_NM: f64 = 200.0;

/// `false` for NaN too.
fn magnitude_within(value: f64, limit: f64) -> bool {
    value.abs() <= limit
}

fn pedal_is_plausible(pedal: f64) -> bool {
    (-0.01..=1.01).contains(&pedal)
}

impl Snapshot for VehicleState {
    fn stamp_ns(&self) -> Nanos {
        self.stamp_ns
    }
    fn is_plausible(&self, vehicle: &VehicleLimits) -> bool {
        magnitude_within(self.speed_mps, SPEED_POSSIBLE_MPS)
            && magnitude_within(
                self.steering_angle_rad,
                vehicle.max_steering_angle_rad * STEERING_POSSIBLE_FACTOR,
            )
            && magnitude_within(self.driver_torque_nm, TORQUE_POSSIBLE_NM)
            && pedal_is_plausible(self.driver_brake)
            && pedal_is_plausible(self.driver_gas)
    }
}

impl Snapshot for NearestObstacle {
    fn stamp_ns(&self) -> Nanos {
        self.stamp_ns
    }
    fn is_plausible(&self, _vehicle: &VehicleLimits) -> bool {
        // `INFINITY` says that nothing was seen. The other infinity says that the channel is broken.
        self.distance_m > f64::NEG_INFINITY
    }
}

impl Snapshot for Command {
    fn stamp_ns(&self) -> Nanos {
        self.stamp_ns
    }
    fn is_plausible(&self, vehicle: &VehicleLimits) -> bool {
        magnitude_within(self.steering_angle_rad, vehicle.max_steering_angle_rad * STEERING_POSSIBLE_FACTOR)
            && magnitude_within(self.acceleration_mps2, ACCELERATION_POSSIBLE_MPS2)
    }
}

/// What the door did with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// There was none, or the last one was shown again.
    Nothing,
    Accepted,
    Refused,
}

/// What became of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Fresh,
    /// Nothing good for too long.
    Stale,
    /// Too long nothing good, and what came was impossible or stamped wrong.
    Implausible,
}

/// The last good snapshot of one input. What is implausible, from the future or out of order is as if it had not come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel<T> {
    last: Option<T>,
    refused_since: bool,
}

impl<T: Snapshot> Channel<T> {
    pub(crate) const fn new() -> Self {
        Self { last: None, refused_since: false }
    }

    /// The stamp doubles as the sender's alive counter: it must rise, and a snapshot shown again is no sign of life.
    pub(crate) fn accept(
        &mut self,
        now_ns: Nanos,
        snapshot: Option<T>,
        vehicle: &VehicleLimits,
    ) -> Admission {
        let Some(snapshot) = snapshot else { return Admission::Nothing };
        let stamp = snapshot.stamp_ns();
        let order = self.last.map_or(Ordering::Greater, |last| stamp.cmp(&last.stamp_ns()));
        if order == Ordering::Equal {
            return Admission::Nothing;
        }
        if order == Ordering::Greater && stamp <= now_ns && snapshot.is_plausible(vehicle) {
            self.last = Some(snapshot);
            self.refused_since = false;
            Admission::Accepted
        } else {
            self.refused_since = true;
            Admission::Refused
        }
    }

    pub(crate) fn last(&self) -> Option<T> {
        self.last
    }

    pub(crate) fn age_ns(&self, now_ns: Nanos) -> Option<Nanos> {
        self.last.map(|last| now_ns.saturating_sub(last.stamp_ns()))
    }

    pub(crate) fn health(&self, now_ns: Nanos, timeout_ns: Nanos) -> Health {
        match self.age_ns(now_ns) {
            Some(age) if (0..=timeout_ns).contains(&age) => Health::Fresh,
            _ if self.refused_since => Health::Implausible,
            _ => Health::Stale,
        }
    }
}
