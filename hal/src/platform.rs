//! What a platform is: sensors that are ticked, and a vehicle that takes safe commands.

use crate::HalError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::auriga_msgs::{Engage, GroundTruth, VehicleState};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::radar_msgs::RadarTracks;
use auriga_messages::sensor_msgs::{CameraInfo, Image, Imu, NavSatFix, PointCloud2};
use auriga_safety::SafeCommand;
use auriga_wire::to_cdr;
use crossbeam_channel::Receiver;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a platform may emit. Each kind is one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named after the messages in SensorMessage")]
pub enum SensorKind {
    Lidar,
    Camera,
    CameraInfo,
    Radar,
    Gnss,
    Imu,
    VehicleState,
    Engage,
    Truth,
    ReferenceOdometry,
}

impl SensorKind {
    /// All kinds, in the order in which messages of one arrival instant become visible.
    pub const ALL: [Self; 10] = [
        Self::Engage,
        Self::VehicleState,
        Self::Imu,
        Self::Gnss,
        Self::Radar,
        Self::CameraInfo,
        Self::Camera,
        Self::Lidar,
        Self::ReferenceOdometry,
        Self::Truth,
    ];

    /// Its name, as faults and people have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lidar => "lidar",
            Self::Camera => "camera",
            Self::CameraInfo => "camera_info",
            Self::Radar => "radar",
            Self::Gnss => "gnss",
            Self::Imu => "imu",
            Self::VehicleState => "vehicle_state",
            Self::Engage => "engage",
            Self::Truth => "truth",
            Self::ReferenceOdometry => "reference_odometry",
        }
    }
}

/// A message from the platform, shared by reference.
#[derive(Clone, Debug)]
pub enum SensorMessage {
    /// A scan in the sensor's frame.
    Lidar(Arc<PointCloud2>),
    /// A picture.
    Camera(Arc<Image>),
    /// The camera's calibration.
    CameraInfo(Arc<CameraInfo>),
    /// What a radar follows, in the sensor's frame.
    Radar(Arc<RadarTracks>),
    /// A satellite position.
    Gnss(Arc<NavSatFix>),
    /// An inertial measurement.
    Imu(Arc<Imu>),
    /// What the car's bus says.
    VehicleState(Arc<VehicleState>),
    /// Who shall drive.
    Engage(Arc<Engage>),
    /// The simulator's world, for the evaluation only.
    Truth(Arc<GroundTruth>),
    /// A recorded drive's reference trajectory (an INS), for the evaluation only.
    ReferenceOdometry(Arc<Odometry>),
}

impl SensorMessage {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> SensorKind {
        match self {
            Self::Lidar(_) => SensorKind::Lidar,
            Self::Camera(_) => SensorKind::Camera,
            Self::CameraInfo(_) => SensorKind::CameraInfo,
            Self::Radar(_) => SensorKind::Radar,
            Self::Gnss(_) => SensorKind::Gnss,
            Self::Imu(_) => SensorKind::Imu,
            Self::VehicleState(_) => SensorKind::VehicleState,
            Self::Engage(_) => SensorKind::Engage,
            Self::Truth(_) => SensorKind::Truth,
            Self::ReferenceOdometry(_) => SensorKind::ReferenceOdometry,
        }
    }

    /// The message as CDR with its encapsulation header, as a recording holds it.
    #[must_use]
    pub fn to_cdr(&self) -> Vec<u8> {
        match self {
            Self::Lidar(message) => to_cdr(&**message),
            Self::Camera(message) => to_cdr(&**message),
            Self::CameraInfo(message) => to_cdr(&**message),
            Self::Radar(message) => to_cdr(&**message),
            Self::Gnss(message) => to_cdr(&**message),
            Self::Imu(message) => to_cdr(&**message),
            Self::VehicleState(message) => to_cdr(&**message),
            Self::Engage(message) => to_cdr(&**message),
            Self::Truth(message) => to_cdr(&**message),
            Self::ReferenceOdometry(message) => to_cdr(&**message),
        }
    }
}

/// A message that is computed beside the run; the runtime waits for it only when its arrival instant has come.
pub type Pending = Receiver<Result<SensorMessage, HalError>>;

/// A message, or the promise of one.
#[derive(Debug)]
pub enum Payload {
    /// Here.
    Ready(SensorMessage),
    /// On its way from another thread, through a channel of capacity 1.
    Pending(Pending),
}

/// One message with its instants.
#[derive(Debug)]
pub struct Emission {
    /// What it is.
    pub kind: SensorKind,
    /// Capture instant of its oldest part (a scan's first point).
    pub oldest_capture: LogicalTime,
    /// Capture instant, not after the tick that emits it; of a scan, its end. The message's own stamp is the same; of a scan,
    /// it is that of the oldest part.
    pub capture: LogicalTime,
    /// When it reaches the stack: later than the tick that made it, and per kind never earlier than the one before.
    pub arrival: LogicalTime,
    /// The message.
    pub payload: Payload,
}

/// Takes what a tick emits.
#[derive(Debug, Default)]
pub struct SensorSink {
    /// In the order of emission; cleared by the runtime after each tick.
    pub emissions: Vec<Emission>,
    /// Set by a recorded drive when nothing more will come.
    pub finished: bool,
}

/// What a recorded drive's sensors declare, from the arrivals of all their messages: each kind's least interval, a second at
/// most.
pub(crate) fn least_intervals(
    arrivals: impl Iterator<Item = (SensorKind, LogicalTime)>,
) -> Vec<(SensorKind, LogicalDuration)> {
    let mut seen: BTreeMap<SensorKind, (Option<LogicalTime>, LogicalDuration)> = BTreeMap::new();
    for (kind, arrival) in arrivals {
        let (last, least) = seen.entry(kind).or_insert((None, LogicalDuration::from_millis(1_000)));
        if let Some(before) = last.replace(arrival) {
            *least = (*least).min(arrival - before);
        }
    }
    let declared = |kind| seen.get(&kind).map(|(_, least)| (kind, *least));
    SensorKind::ALL.into_iter().filter_map(declared).collect()
}

/// The sensing half of a platform, ticked in logical time.
pub trait Sensors: Send {
    /// The span between two ticks.
    fn tick_period(&self) -> LogicalDuration;

    /// The least span from a tick to the arrival of anything that it emits; at least 1 µs.
    fn least_latency(&self) -> LogicalDuration;

    /// Which kinds this platform emits, each once, with the least interval between the arrivals of two of a kind.
    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)>;

    /// Advances the platform to `now` and emits what it captured since the last tick. Once finished, it says nothing more.
    /// [`crate::conformance::sensing`] holds a platform to all of this.
    ///
    /// # Errors
    /// When `now` is before the last tick, or the platform can no longer sense. Bad single messages are not errors: they are emitted, or left out.
    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError>;
}

/// The actuating half of a platform.
///
/// Contract: when no command comes for the vehicle's own time-out (0.2 s), the vehicle stops by itself.
pub trait Vehicle: Send {
    /// Puts a command into effect at `effective_at`. It is consumed: the gate makes a new one every tick.
    ///
    /// # Errors
    /// When the bus does not take it.
    fn actuate(&mut self, command: SafeCommand, effective_at: LogicalTime) -> Result<(), HalError>;
}

/// The two halves.
pub struct PlatformParts {
    /// Ticked by the runtime.
    pub sensors: Box<dyn Sensors>,
    /// Absent for a recorded drive.
    pub vehicle: Option<Box<dyn Vehicle>>,
}

/// A clock, sensors and perhaps a vehicle.
pub trait Platform {
    /// For messages and the recording: `embedded`, `kitti`, …
    fn name(&self) -> &'static str;

    /// Gives the halves to the runtime, which uses them from different threads.
    fn split(self: Box<Self>) -> PlatformParts;
}
