//! `auriga explain`: from a command at the actuators back along its causes.

use crate::attestation::{self, Attested};
use crate::run::println_line;
use anyhow::{Context, Result, bail};
use auriga_geometry::{LogicalTime, Pose2};
use auriga_messages::auriga_msgs::{BehaviorDecision, NearestObstacle, SafeCommandRecord};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, PredictedObject, PredictedObjects, TrackedObjects, TrafficLightElement,
    TrafficLightGroupArray,
};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::unique_identifier_msgs::UUID;
use auriga_messages::vision_msgs::{Detection2DArray, Detection3D, Detection3DArray};
use auriga_runtime::recording::Recording;
use auriga_runtime::trace::{self, TraceRecord};
use auriga_wire::Message;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the command line asks.
#[derive(Args)]
pub struct Arguments {
    /// A recording.mcap of a drive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which instant: the last command that left the gate up to then, in seconds since the run's start
    #[arg(long, value_name = "SECONDS")]
    at: f64,
}

/// Causes are looked for this far back, nanoseconds: more than the longest chain takes.
const BACK_NS: i64 = 2_000_000_000;
/// Too large to keep, and without text: only their trace is read.
const BULK: [&str; 3] = ["/sensing/lidar/points", "/sensing/camera/front/image", "/map/markers"];
/// A detection farther from an object than this is not its own, metres.
const SAME_PLACE_M: f64 = 3.0;

/// Explains one command.
pub fn run(arguments: &Arguments) -> Result<bool> {
    if !arguments.at.is_finite() || arguments.at < 0.0 {
        bail!("--at {}: give seconds since the run's start", arguments.at);
    }
    let recording = Recording::open(&arguments.file)?;
    let past = Past::read(&recording, LogicalTime::from_nanos((arguments.at * 1e9).round() as i64))?;
    let gate = past.records.iter().rev().find(|record| record.node == "gate" && !record.outputs.is_empty());
    let gate = gate.with_context(|| {
        format!("{}: no command left the gate in the 2 s before {} s", past.file, arguments.at)
    })?;
    let mut story = Story { past: &past, at: gate.publication, lines: Vec::new() };
    story.gate(gate)?;
    for line in story.lines {
        println_line(&line);
    }
    Ok(true)
}

/// What happened before an instant.
struct Past {
    file: String,
    topics: Vec<String>,
    records: Vec<TraceRecord>,
    /// Place of the record that made a message.
    makers: BTreeMap<(u16, u32), usize>,
    bytes: BTreeMap<(u16, u32), Vec<u8>>,
    /// The recording's choice of networks, and what ran them.
    models: Option<String>,
    networks: Vec<Attested>,
}

type Id = (u16, u32);

impl Past {
    fn read(recording: &Recording, at: LogicalTime) -> Result<Self> {
        let topics: Vec<String> = recording.topics().iter().map(|topic| topic.name.clone()).collect();
        let wanted: Vec<&str> =
            topics.iter().map(String::as_str).filter(|topic| !BULK.contains(topic)).collect();
        let from = LogicalTime::from_nanos(at.as_nanos().saturating_sub(BACK_NS));
        let (mut records, mut makers, mut bytes) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut messages = recording.messages_of(&wanted)?.within(from, at);
        while let Some(message) = messages.next_message()? {
            if message.topic_name == trace::TOPIC {
                let record = message.decode::<TraceRecord>()?;
                for output in &record.outputs {
                    makers.insert((output.topic, output.sequence), records.len());
                }
                records.push(record);
            } else {
                bytes.insert((message.topic, message.sequence), message.cdr.to_vec());
            }
        }
        let models = recording.attachment("models.toml")?;
        let models = models.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let networks = attestation::recorded(recording)?;
        Ok(Self {
            networks,
            file: recording.path().display().to_string(),
            topics,
            records,
            makers,
            bytes,
            models,
        })
    }

    fn input(&self, record: &TraceRecord, topic: &str) -> Option<Id> {
        let is = |index: u16| self.topics.get(usize::from(index)).is_some_and(|name| name == topic);
        record.inputs.iter().find(|input| is(input.topic)).map(|input| (input.topic, input.sequence))
    }

    fn output(&self, record: &TraceRecord, topic: &str) -> Option<Id> {
        let is = |index: u16| self.topics.get(usize::from(index)).is_some_and(|name| name == topic);
        record.outputs.iter().find(|output| is(output.topic)).map(|output| (output.topic, output.sequence))
    }

    fn maker(&self, id: Id) -> Option<&TraceRecord> {
        self.makers.get(&id).and_then(|place| self.records.get(*place))
    }

    fn decode<M: Message>(&self, id: Option<Id>) -> Result<Option<M>> {
        let Some(bytes) = id.and_then(|id| self.bytes.get(&id)) else { return Ok(None) };
        let decoded = auriga_wire::from_cdr::<M>(bytes);
        decoded.map(Some).with_context(|| format!("{}: a message cannot be decoded", self.file))
    }

    /// The network in a role of `models.toml`, with the hash of its weights and what ran it.
    fn model(&self, role: &str) -> String {
        let parsed = self.models.as_ref().and_then(|text| text.parse::<toml::Table>().ok());
        let name = parsed.and_then(|table| Some(table.get(role)?.get("model")?.as_str()?.to_owned()));
        let Some(name) = name else { return String::new() };
        let attested = self.networks.iter().find(|network| network.model == name);
        attested.map_or(format!(" by the network {name}"), |network| {
            let hash = network.weights_sha256.get(..12).unwrap_or(&network.weights_sha256);
            format!(" by the network {name} (weights {hash}…, on {})", network.provider)
        })
    }
}

/// The lines so far.
struct Story<'p> {
    past: &'p Past,
    /// When the command left.
    at: i64,
    lines: Vec<String>,
}

impl Story<'_> {
    /// One line: when, how long before the command, who, what.
    fn say(&mut self, at: i64, who: &str, what: &str) {
        let before = (self.at - at) as f64 * 1e-6;
        self.lines.push(format!("{:10.3} s {before:7.1} ms before   {who:<18} {what}", at as f64 * 1e-9));
    }

    fn gate(&mut self, gate: &TraceRecord) -> Result<()> {
        let past = self.past;
        let sent = past.decode::<SafeCommandRecord>(past.output(gate, "/control/safe_command"))?;
        let sent = sent.context("the command itself is not in the recording")?;
        let command = past.decode::<Control>(past.input(gate, "/control/command"))?;
        let what = if sent.active {
            format!(
                "{:+.2} m/s², wheels {:+.4} rad: {}, {}",
                sent.acceleration_mps2, sent.steering_angle_rad, sent.state_name, sent.reason_name
            )
        } else {
            format!("sends nothing: {}, {}", sent.state_name, sent.reason_name)
        };
        self.say(gate.publication, "gate", &what);
        self.obstacle(gate)?;
        let Some(command) = command else {
            self.lines.push("no command had reached the gate".to_owned());
            return Ok(());
        };
        let Some(controller) = past.input(gate, "/control/command").and_then(|id| past.maker(id)) else {
            self.lines.push("the command in force is older than 2 s: nothing new came".to_owned());
            return Ok(());
        };
        let what = format!(
            "asks for {:+.2} m/s², wheels {:+.4} rad",
            command.longitudinal.acceleration, command.lateral.steering_tire_angle
        );
        self.say(controller.publication, "controller", &what);
        self.planner(controller)
    }

    /// The gate's own channel.
    fn obstacle(&mut self, gate: &TraceRecord) -> Result<()> {
        let past = self.past;
        let id = past.input(gate, "/perception/lidar/nearest_obstacle");
        let Some(nearest) = past.decode::<NearestObstacle>(id)? else { return Ok(()) };
        let what = if nearest.distance_m.is_finite() {
            let closing = if nearest.closing_speed_mps.is_finite() {
                format!("comes nearer at {:.1} m/s", nearest.closing_speed_mps)
            } else {
                "taken as standing".to_owned()
            };
            format!(
                "{:.1} m free before the bumper ({} points), {closing}",
                nearest.distance_m, nearest.points
            )
        } else {
            "the way is free".to_owned()
        };
        let at = id.and_then(|id| past.maker(id)).map_or(gate.release, |record| record.publication);
        self.say(at, "obstacle channel", &what);
        Ok(())
    }

    fn planner(&mut self, controller: &TraceRecord) -> Result<()> {
        let past = self.past;
        let trajectory = past.input(controller, "/planning/trajectory");
        let Some(planner) = trajectory.and_then(|id| past.maker(id)) else {
            self.lines.push("no trajectory of the last 2 s".to_owned());
            return Ok(());
        };
        let Some(decision) = past.decode::<BehaviorDecision>(past.output(planner, "/planning/behavior"))?
        else {
            return Ok(());
        };
        let mut what = decision.rule.clone();
        if !decision.because_of.is_empty() {
            what += &format!(" because of {}", decision.because_of);
        }
        what += &format!("; aims at {:.1} m/s", decision.target_speed_mps);
        if decision.stop_distance_m.is_finite() {
            what += &format!(", stops in {:.1} m", decision.stop_distance_m);
        }
        self.say(planner.publication, "planner", &what);
        let ego = past.decode::<Odometry>(past.input(planner, "/localization/ego"))?;
        if let Some(ego) = &ego {
            let p = &ego.pose.pose.position;
            let what = format!("at ({:.1}, {:.1}) m, {:.1} m/s", p.x, p.y, ego.twist.twist.linear.x);
            self.say(LogicalTime::from(&ego.header.stamp).as_nanos(), "localization", &what);
        }
        let number = |prefix: &str| decision.because_of.strip_prefix(prefix)?.parse::<u64>().ok();
        if let (Some(object), Some(ego)) = (number("object "), &ego) {
            self.object(planner, object, &Pose2::from(&ego.pose.pose))?;
        } else if decision.because_of.starts_with("signal ") {
            self.lights(planner)?;
        }
        self.sensors(planner);
        Ok(())
    }

    fn object(&mut self, planner: &TraceRecord, number: u64, ego: &Pose2) -> Result<()> {
        let past = self.past;
        let id = past.input(planner, "/perception/predictions");
        let Some(predictions) = past.decode::<PredictedObjects>(id)? else { return Ok(()) };
        let is_it = |object: &&PredictedObject| number_of(&object.object_id) == number;
        let Some(object) = predictions.objects.iter().find(is_it) else { return Ok(()) };
        let pose = Pose2::from(&object.kinematics.initial_pose_with_covariance.pose);
        let local = ego.to_local(pose.position());
        let twist = &object.kinematics.initial_twist_with_covariance.twist.linear;
        let what = format!(
            "object {number}: {}, {:.1} m ahead and {:.1} m to the {}, {:.1} m/s, {} way(s) on",
            class_name(object.classification.first()),
            local.x,
            local.y.abs(),
            if local.y >= 0.0 { "left" } else { "right" },
            (twist.x * twist.x + twist.y * twist.y).sqrt(),
            object.kinematics.predicted_paths.len()
        );
        let Some(predictor) = id.and_then(|id| past.maker(id)) else { return Ok(()) };
        self.say(predictor.publication, "prediction", &what);
        let Some(tracker) = past.input(predictor, "/perception/objects").and_then(|id| past.maker(id)) else {
            return Ok(());
        };
        let tracks = past.decode::<TrackedObjects>(past.output(tracker, "/perception/objects"))?;
        let track = tracks.and_then(|tracks| {
            tracks.objects.into_iter().find(|track| number_of(&track.object_id) == number)
        });
        let Some(track) = track else { return Ok(()) };
        let size = &track.shape.dimensions;
        let what = format!(
            "object {number}: {:.1} × {:.1} × {:.1} m, {}, sure to {:.0} %",
            size.x,
            size.y,
            size.z,
            if track.kinematics.is_stationary { "stands" } else { "moves" },
            100.0 * track.existence_probability
        );
        self.say(tracker.publication, "tracking", &what);
        self.detections(tracker, ego, &pose)
    }

    fn detections(&mut self, tracker: &TraceRecord, ego: &Pose2, object: &Pose2) -> Result<()> {
        let past = self.past;
        let id = past.input(tracker, "/perception/lidar/detections");
        if let (Some(lidar), Some(maker)) =
            (past.decode::<Detection3DArray>(id)?, id.and_then(|id| past.maker(id)))
        {
            let away =
                |detection: &Detection3D| Pose2::from(&detection.bbox.center).distance(&ego.relative(object));
            let nearest = lidar.detections.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
            let what = match nearest.filter(|detection| away(detection) < SAME_PLACE_M) {
                Some(detection) => {
                    let best = detection.results.first().map(|result| &result.hypothesis);
                    let at = &detection.bbox.center.position;
                    format!(
                        "{} ({:.2}) at ({:.1}, {:.1}) m in base_link, one of {}",
                        best.map_or("unknown", |best| best.class_id.as_str()),
                        best.map_or(0.0, |best| best.score),
                        at.x,
                        at.y,
                        lidar.detections.len()
                    )
                }
                None => format!("not there in this scan; {} others", lidar.detections.len()),
            };
            self.say(maker.publication, "lidar detection", &what);
        }
        let id = past.input(tracker, "/perception/camera/detections");
        if let (Some(camera), Some(maker)) =
            (past.decode::<Detection2DArray>(id)?, id.and_then(|id| past.maker(id)))
        {
            let what =
                format!("{} in the picture{}", camera.detections.len(), past.model("camera_detection"));
            self.say(maker.publication, "camera detection", &what);
        }
        Ok(())
    }

    fn lights(&mut self, planner: &TraceRecord) -> Result<()> {
        let past = self.past;
        let id = past.input(planner, "/perception/traffic_lights");
        let (Some(lights), Some(maker)) =
            (past.decode::<TrafficLightGroupArray>(id)?, id.and_then(|id| past.maker(id)))
        else {
            self.lines.push("no light has been seen: what is not seen counts as red".to_owned());
            return Ok(());
        };
        let groups = lights.traffic_light_groups.iter().filter_map(|group| {
            let best = group.elements.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
            let color = match best.color {
                TrafficLightElement::RED => "red",
                TrafficLightElement::AMBER => "amber",
                TrafficLightElement::GREEN => "green",
                _ => "unknown",
            };
            Some(format!("#{} {color} ({:.2})", group.traffic_light_group_id, best.confidence))
        });
        let seen: Vec<String> = groups.collect();
        let seen = if seen.is_empty() { "none in sight".to_owned() } else { seen.join(", ") };
        let what = format!("{seen}{}", past.model("traffic_lights"));
        self.say(maker.publication, "traffic lights", &what);
        Ok(())
    }

    /// The oldest capture among what was new to the planner.
    fn sensors(&mut self, planner: &TraceRecord) {
        if planner.reaction != trace::NONE {
            let sweep_ms = (planner.reaction - planner.reaction_oldest) as f64 * 1e-6;
            let mut what = "the oldest capture among what was new to the planner".to_owned();
            if sweep_ms > 0.0 {
                what += &format!("; the oldest sweep began {sweep_ms:.1} ms before it");
            }
            self.say(planner.reaction, "sensors", &what);
        }
    }
}

fn number_of(id: &UUID) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&id.uuid[..8]);
    u64::from_le_bytes(number)
}

fn class_name(best: Option<&ObjectClassification>) -> &'static str {
    match best.map_or(ObjectClassification::UNKNOWN, |best| best.label) {
        ObjectClassification::CAR => "car",
        ObjectClassification::TRUCK => "truck",
        ObjectClassification::BUS => "bus",
        ObjectClassification::MOTORCYCLE => "motorcycle",
        ObjectClassification::BICYCLE => "bicycle",
        ObjectClassification::PEDESTRIAN => "pedestrian",
        _ => "unknown thing",
    }
}
