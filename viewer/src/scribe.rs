//! What the viewer's thread does with each item.

use crate::camera::{self, Camera};
use crate::cloud::{Cloud, Motion};
use crate::palette;
use crate::stage::{self, Stage};
use crate::{ViewItem, ViewerError, map_layer, objects, plan, plots, radar};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose3};
use auriga_messages::auriga_msgs::{BehaviorDecision, GroundTruth, SafeCommandRecord, VehicleState};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_perception_msgs::TrafficLightGroupArray;
use auriga_messages::nav_msgs::Odometry;
use rerun::components::TextLogLevel;
use std::collections::BTreeMap;

/// Curves and the car's pose are drawn no more often than this; the recording has them all.
const FAST: LogicalDuration = LogicalDuration::from_millis(50);
/// Scans, and what lies about slowly.
const SLOW: LogicalDuration = LogicalDuration::from_millis(190);

/// Lets something through at most once per period.
#[derive(Default)]
struct Pace {
    last: Option<LogicalTime>,
}

impl Pace {
    fn due(&mut self, time: LogicalTime, period: LogicalDuration) -> bool {
        let due = self.last.is_none_or(|last| time.since(last) >= period || time < last);
        if due {
            self.last = Some(time);
        }
        due
    }
}

#[derive(Default)]
struct Paces {
    ego: Pace,
    state: Pace,
    control: Pace,
    gate: Pace,
    truth: Pace,
    scan: Pace,
    target: Pace,
}

/// Draws items one after the other.
pub(crate) struct Scribe {
    stage: Stage,
    lamps: BTreeMap<u32, [f32; 3]>,
    burning: Vec<(u32, u8)>,
    seen: Vec<(u32, u8)>,
    cloud: Cloud,
    camera: Camera,
    motion: Motion,
    paces: Paces,
    decision: (String, String),
    gate: (u8, u8),
    /// The car's bus has told the speed; else it is taken from the ego state.
    bus_tells_speed: bool,
}

impl Scribe {
    pub(crate) fn new(stage: Stage, thin: usize) -> Self {
        Self {
            stage,
            lamps: BTreeMap::new(),
            burning: Vec::new(),
            seen: Vec::new(),
            cloud: Cloud::new(thin),
            camera: Camera::default(),
            motion: Motion::default(),
            paces: Paces::default(),
            decision: Default::default(),
            gate: (u8::MAX, u8::MAX),
            bus_tells_speed: false,
        }
    }

    /// Takes where the lidar is, in `base_link`.
    pub(crate) fn place_lidar(&mut self, pose: Pose3) {
        self.cloud.lidar = pose;
    }

    /// Takes where the traffic lights are, by signal.
    pub(crate) fn place_lamps(&mut self, lamps: BTreeMap<u32, [f32; 3]>) {
        self.lamps = lamps;
    }

    /// Draws one item; `time` is the instant of its publication.
    pub(crate) fn draw(&mut self, time: LogicalTime, item: &ViewItem) -> Result<(), ViewerError> {
        match item {
            ViewItem::PointCloud2(cloud) => {
                if !self.paces.scan.due(time, SLOW) {
                    return Ok(());
                }
                self.cloud.draw(&self.stage, cloud, &self.motion)
            }
            ViewItem::Image(image) => self.camera.draw(&self.stage, image),
            ViewItem::RadarTracks(tracks) => radar::draw(&self.stage, tracks),
            ViewItem::Odometry(odometry) => self.ego(odometry),
            ViewItem::Detection3DArray(found) => objects::draw_detections(&self.stage, found),
            ViewItem::Detection2DArray(found) => camera::draw_detections(&self.stage, found),
            ViewItem::TrackedObjects(tracks) => objects::draw_tracks(&self.stage, tracks),
            ViewItem::PredictedObjects(predicted) => objects::draw_predictions(&self.stage, predicted),
            ViewItem::Trajectory(trajectory) => plan::draw(&self.stage, trajectory),
            ViewItem::BehaviorDecision(decision) => self.decision(time, decision),
            ViewItem::VehicleState(state) => self.vehicle_state(time, state),
            ViewItem::Control(control) => self.control(time, control),
            ViewItem::SafeCommandRecord(record) => self.safe_command(time, record),
            ViewItem::GroundTruth(truth) => self.truth(time, truth),
            ViewItem::TrafficLightGroupArray(lights) => self.seen_lights(lights),
        }
    }

    fn ego(&mut self, odometry: &Odometry) -> Result<(), ViewerError> {
        let stamp = LogicalTime::from(&odometry.header.stamp);
        let pose = Pose3::from(&odometry.pose.pose);
        let twist = &odometry.twist.twist;
        self.motion = Motion { pose, stamp, speed_mps: twist.linear.x, yaw_rate_radps: twist.angular.z };
        if !self.paces.ego.due(stamp, FAST) {
            return Ok(());
        }
        if !self.bus_tells_speed {
            plots::add(&self.stage, &plots::SPEED, stamp, twist.linear.x)?;
        }
        self.stage.draw(stage::EGO, stamp, &stage::transform(&pose))
    }

    fn decision(&mut self, time: LogicalTime, decision: &BehaviorDecision) -> Result<(), ViewerError> {
        if self.paces.target.due(time, FAST) {
            plots::add(&self.stage, &plots::SPEED_TARGET, time, decision.target_speed_mps)?;
        }
        if self.decision.0 == decision.rule && self.decision.1 == decision.because_of {
            return Ok(());
        }
        if self.decision.0 != decision.rule {
            let state = rerun::StateChange::single(decision.rule.as_str());
            self.stage.draw(stage::BEHAVIOR_STATE, time, &state)?;
        }
        self.decision = (decision.rule.clone(), decision.because_of.clone());
        let because = match decision.because_of.as_str() {
            "" => String::new(),
            reason => format!(" because of {reason}"),
        };
        let stop = if decision.stop_distance_m.is_finite() {
            format!(", stop in {:.1} m", decision.stop_distance_m)
        } else {
            String::new()
        };
        let text = format!(
            "{}{because}{stop}, {:.1} m/s, {:.0} m left",
            decision.rule, decision.target_speed_mps, decision.route_left_m
        );
        self.log(stage::BEHAVIOR_LOG, time, TextLogLevel::INFO, text)
    }

    fn vehicle_state(&mut self, time: LogicalTime, state: &VehicleState) -> Result<(), ViewerError> {
        self.bus_tells_speed = true;
        if !self.paces.state.due(time, FAST) {
            return Ok(());
        }
        plots::add(&self.stage, &plots::SPEED, time, state.speed_mps)?;
        plots::add(&self.stage, &plots::STEERING, time, state.steering_angle_rad)
    }

    fn control(&mut self, time: LogicalTime, control: &Control) -> Result<(), ViewerError> {
        if !self.paces.control.due(time, FAST) {
            return Ok(());
        }
        let acceleration = f64::from(control.longitudinal.acceleration);
        plots::add(&self.stage, &plots::ACCELERATION_COMMAND, time, acceleration)?;
        let angle = f64::from(control.lateral.steering_tire_angle);
        plots::add(&self.stage, &plots::STEERING_COMMAND, time, angle)
    }

    fn safe_command(&mut self, time: LogicalTime, record: &SafeCommandRecord) -> Result<(), ViewerError> {
        if self.gate != (record.state, record.reason) {
            if self.gate.0 != record.state {
                let state = rerun::StateChange::single(record.state_name.as_str());
                self.stage.draw(stage::GATE_STATE, time, &state)?;
            }
            self.gate = (record.state, record.reason);
            let level = match record.state {
                0 | 1 => TextLogLevel::INFO,
                _ => TextLogLevel::WARN,
            };
            let text = format!("gate: {}, {}", record.state_name, record.reason_name);
            self.log(stage::GATE_LOG, time, level, text)?;
        }
        if !(record.active && self.paces.gate.due(time, FAST)) {
            return Ok(());
        }
        plots::add(&self.stage, &plots::ACCELERATION_SAFE, time, record.acceleration_mps2)?;
        plots::add(&self.stage, &plots::STEERING_SAFE, time, record.steering_angle_rad)
    }

    fn truth(&mut self, time: LogicalTime, truth: &GroundTruth) -> Result<(), ViewerError> {
        for event in &truth.events {
            let at = LogicalTime::from(&event.stamp);
            self.log(stage::EVENT_LOG, at, TextLogLevel::ERROR, event.text.clone())?;
        }
        if !self.paces.truth.due(time, FAST + FAST) {
            return Ok(());
        }
        plots::add(&self.stage, &plots::ACCELERATION_TRUE, time, truth.ego_acceleration.linear.x)?;
        objects::draw_truth(&self.stage, truth)?;
        let burning: Vec<(u32, u8)> = truth.lights.iter().map(|light| (light.signal, light.color)).collect();
        if burning == self.burning {
            return Ok(());
        }
        self.burning = burning;
        map_layer::draw_lamps(&self.stage, stage::LIGHTS, time, &self.lamps, &self.burning)
    }

    fn seen_lights(&mut self, lights: &TrafficLightGroupArray) -> Result<(), ViewerError> {
        let seen: Vec<(u32, u8)> = lights
            .traffic_light_groups
            .iter()
            .filter_map(|group| {
                let signal = u32::try_from(group.traffic_light_group_id).ok()?;
                Some((signal, group.elements.first()?.color))
            })
            .collect();
        if seen == self.seen {
            return Ok(());
        }
        self.seen = seen;
        let time = LogicalTime::from(&lights.stamp);
        map_layer::draw_lamps(&self.stage, stage::SEEN_LIGHTS, time, &self.lamps, &self.seen)
    }

    fn log(&self, entity: &str, time: LogicalTime, level: &str, text: String) -> Result<(), ViewerError> {
        let rgb = match level {
            TextLogLevel::ERROR => [255, 80, 80],
            TextLogLevel::WARN => [255, 184, 80],
            _ => palette::PAINT,
        };
        let entry = rerun::TextLog::new(text).with_level(level).with_color(palette::color(rgb));
        self.stage.draw(entity, time, &entry)
    }
}
