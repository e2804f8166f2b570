//! Which sensor speaks at which tick, and how long its message travels.

use super::TICK;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::{CameraRig, Emission, Payload, SensorKind, SensorMessage, SensorRig, SensorSink};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::sensor_msgs::CameraInfo;

/// What has no latency of its own travels so long.
const QUICK: LogicalDuration = LogicalDuration::from_millis(1);
/// Ticks a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// One kind's rhythm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    kind: SensorKind,
    period: i64,
    latency: LogicalDuration,
}

/// All kinds' rhythms.
#[derive(Clone, Debug)]
pub struct Clockwork {
    rhythms: Vec<Rhythm>,
}

impl Clockwork {
    /// The rhythms of a rig's sensors; rates are rounded to whole ticks.
    #[must_use]
    pub fn new(rig: &SensorRig) -> Self {
        let mut rhythms = Vec::new();
        let mut add = |kind, rate_hz: f64, latency: LogicalDuration| {
            let period = ((TICKS_PER_SECOND / rate_hz + 0.5).floor() as i64).max(1);
            rhythms.push(Rhythm { kind, period, latency: latency.max(LogicalDuration::LEAST) });
        };
        let milliseconds = |latency_ms: f64| LogicalDuration::from_secs_f64(latency_ms * 1e-3);
        add(SensorKind::Engage, 10.0, QUICK);
        add(SensorKind::VehicleState, rig.wheels.rate_hz, milliseconds(rig.wheels.latency_ms));
        if let Some(imu) = &rig.imu {
            add(SensorKind::Imu, imu.rate_hz, milliseconds(imu.latency_ms));
        }
        if let Some(gnss) = &rig.gnss {
            add(SensorKind::Gnss, gnss.rate_hz, milliseconds(gnss.latency_ms));
        }
        if let Some(camera) = &rig.camera {
            add(SensorKind::CameraInfo, 1.0, QUICK);
            add(SensorKind::Camera, camera.rate_hz, milliseconds(camera.latency_ms));
        }
        if let Some(lidar) = &rig.lidar {
            add(SensorKind::Lidar, lidar.rate_hz, milliseconds(lidar.latency_ms));
        }
        add(SensorKind::Truth, 20.0, QUICK);
        Self { rhythms }
    }

    /// The kinds with the least interval between two of each. Truth also speaks out of turn.
    #[must_use]
    pub fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        let interval = |rhythm: &Rhythm| match rhythm.kind {
            SensorKind::Truth => TICK,
            _ => LogicalDuration::from_nanos(TICK.as_nanos() * rhythm.period),
        };
        self.rhythms.iter().map(|rhythm| (rhythm.kind, interval(rhythm))).collect()
    }

    /// The least latency of all.
    #[must_use]
    pub fn least_latency(&self) -> LogicalDuration {
        self.rhythms.iter().map(|rhythm| rhythm.latency).min().unwrap_or(QUICK)
    }

    /// Ticks between two messages of a kind; `None`: the rig has no such sensor.
    #[must_use]
    pub fn period(&self, kind: SensorKind) -> Option<i64> {
        self.rhythms.iter().find(|rhythm| rhythm.kind == kind).map(|rhythm| rhythm.period)
    }

    /// Whether a kind speaks at the tick `now`.
    #[must_use]
    pub fn due(&self, kind: SensorKind, now: LogicalTime) -> bool {
        let tick = now.as_nanos().div_euclid(TICK.as_nanos());
        self.period(kind).is_some_and(|period| tick % period == 0)
    }

    /// Emits what was captured between `oldest` and `now`.
    pub fn emit(
        &self,
        sink: &mut SensorSink,
        kind: SensorKind,
        oldest: LogicalTime,
        now: LogicalTime,
        payload: Payload,
    ) {
        let latency =
            self.rhythms.iter().find(|rhythm| rhythm.kind == kind).map_or(QUICK, |rhythm| rhythm.latency);
        sink.emissions.push(Emission {
            kind,
            oldest_capture: oldest,
            capture: now,
            arrival: now + latency,
            payload,
        });
    }

    /// Emits a message that was captured at `now` and is ready.
    pub fn emit_ready(&self, sink: &mut SensorSink, now: LogicalTime, message: SensorMessage) {
        self.emit(sink, message.kind(), now, now, Payload::Ready(message));
    }
}

/// The calibration of a pinhole camera.
#[must_use]
pub fn camera_info(rig: &CameraRig) -> CameraInfo {
    let focal = rig.focal_length();
    let (cx, cy) = (rig.width as f64 / 2.0, rig.height as f64 / 2.0);
    let mut info = CameraInfo {
        height: rig.height as u32,
        width: rig.width as u32,
        distortion_model: "plumb_bob".to_owned(),
        d: vec![0.0; 5],
        k: [focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0],
        r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p: [focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        ..CameraInfo::default()
    };
    info.header.stamp = Time::default();
    info.header.frame_id = "camera_front".to_owned();
    info
}
