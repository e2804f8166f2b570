//! A robot that is no car, on the runtime alone: a two-wheeled rover that follows a painted circle.
//!
//! It has one sensor (how far the line is to its left), one node that steers, and a sink that drives the wheels. It is run,
//! recorded, and run again from its recording: every byte is the same.
//!
//!     cargo run --release -p auriga-runtime --example rover

#![allow(clippy::print_stdout, reason = "an example talks")]

use auriga_geometry::math::{PI, atan2, sin_cos};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::recording::{Recorder, RecorderHandle, RecorderOptions, Recording, TopicInfo, compare};
use auriga_runtime::replay::{RecordedSource, recorded_run};
use auriga_runtime::{
    Durations, Executor, Graph, Group, Latest, Node, NodeError, Observer, Output, Publication, RunError,
    RunOptions, Source, SourceEmission, SourceOutputs, SourcePayload, Step, TimingProfile,
};
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

auriga_wire::message! {
    /// What the line sensor sees.
    pub struct LineOffset = "rover_msgs/msg/LineOffset" {
        /// How far the line is to the left of the rover's nose, metres.
        pub left_m: f64,
    }
}

auriga_wire::message! {
    /// What the wheels shall do.
    pub struct WheelSpeeds = "rover_msgs/msg/WheelSpeeds" {
        /// Left wheel, m/s.
        pub left_mps: f64,
        /// Right wheel, m/s.
        pub right_mps: f64,
    }
}

/// Radius of the painted circle, metres.
const CIRCLE_M: f64 = 2.0;
/// Between the wheels, metres.
const TRACK_M: f64 = 0.3;
/// From the axle to the line sensor, metres.
const NOSE_M: f64 = 0.2;
/// Speed on a straight, m/s.
const CRUISE_MPS: f64 = 0.8;
const TICK: LogicalDuration = LogicalDuration::from_millis(10);

/// The wheel speeds that take effect at an instant. Between the sink and the plant, as a bus is.
type Bus = Arc<Mutex<Vec<(LogicalTime, WheelSpeeds)>>>;

/// The rover in its world: the source.
struct Rover {
    x: f64,
    y: f64,
    heading: f64,
    wheels: WheelSpeeds,
    bus: Bus,
    /// State of a small generator of sensor noise (Knuth's MMIX constants).
    random: u64,
}

impl Rover {
    fn noise(&mut self) -> f64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 40) as f64 / f64::from(1_u32 << 24) - 0.5
    }

    /// How far the circle is to the left of the nose: positive when the nose is outside of it.
    fn offset(&mut self) -> f64 {
        let (sin, cos) = sin_cos(self.heading);
        let (x, y) = (self.x + NOSE_M * cos, self.y + NOSE_M * sin);
        (x * x + y * y).sqrt() - CIRCLE_M + 0.01 * self.noise()
    }
}

impl Source for Rover {
    fn period(&self) -> LogicalDuration {
        TICK
    }

    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }

    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        let mut bus = self.bus.lock().unwrap_or_else(PoisonError::into_inner);
        while bus.first().is_some_and(|(effective, _)| *effective <= now) {
            self.wheels = bus.remove(0).1;
        }
        drop(bus);
        let (left, right) = (self.wheels.left_mps, self.wheels.right_mps);
        let seconds = TICK.as_secs_f64();
        let (sin, cos) = sin_cos(self.heading);
        self.x += 0.5 * (left + right) * cos * seconds;
        self.y += 0.5 * (left + right) * sin * seconds;
        self.heading += (right - left) / TRACK_M * seconds;
        outputs.emissions.push(SourceEmission {
            output: 0,
            oldest_capture: now,
            capture: now,
            arrival: now + LogicalDuration::from_millis(1),
            payload: SourcePayload::Ready(Arc::new(LineOffset { left_m: self.offset() })),
        });
        Ok(())
    }
}

/// Steers towards the line.
#[derive(Default)]
struct Steer {
    before: Option<f64>,
}

impl Node for Steer {
    type Inputs = (Latest<LineOffset>,);
    type Outputs = (Output<WheelSpeeds>,);

    fn step(
        &mut self,
        _: &Step,
        (line,): &Self::Inputs,
        (wheels,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(line) = line.get() else { return Ok(()) };
        let drift = (line.left_m - self.before.replace(line.left_m).unwrap_or(line.left_m)) / 0.02;
        let turn = (2.0 * line.left_m + 0.8 * drift).clamp(-0.5, 0.5);
        *wheels.write() = WheelSpeeds { left_mps: CRUISE_MPS - turn, right_mps: CRUISE_MPS + turn };
        Ok(())
    }
}

/// The sink: hands the wheel speeds to the motors.
struct Motors {
    bus: Bus,
}

impl Node for Motors {
    type Inputs = (Latest<WheelSpeeds>,);
    type Outputs = ();

    fn step(&mut self, step: &Step, (wheels,): &Self::Inputs, (): &mut ()) -> Result<(), NodeError> {
        if let Some(wheels) = wheels.fresh() {
            let mut bus = self.bus.lock().unwrap_or_else(PoisonError::into_inner);
            bus.push((step.publication, WheelSpeeds::clone(wheels)));
        }
        Ok(())
    }
}

const TIMING: &str = r#"
    [contract]
    sensor_to_command_ms = 40.0
    [domain.main]
    threads = 1
    [node.steer]
    domain = "main"
    release = { period_ms = 20.0, phase_ms = 2.0 }
    budget_ms = 5.0
    [node.motors]
    domain = "main"
    release = { on = "/wheels" }
    budget_ms = 1.0
"#;

fn graph(source: impl Source, bus: &Bus) -> Result<Graph, Box<dyn Error>> {
    let mut graph = Graph::new(TimingProfile::from_toml(TIMING, "rover")?);
    let line = graph.topic::<LineOffset>("/line");
    let wheels = graph.topic::<WheelSpeeds>("/wheels");
    graph.source("rover", source, &[line.index()])?;
    graph.node("steer", Group::FIRST, Steer::default(), (line.latest(),), (wheels.publish(),))?;
    graph.node("motors", Group::FIRST, Motors { bus: Arc::clone(bus) }, (wheels.latest(),), ())?;
    Ok(graph)
}

/// Hands every message to the recorder.
struct Record(RecorderHandle);

impl Observer for Record {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let Publication { topic, sequence, instant, message } = *publication;
        let recorded = self.0.record(topic, sequence, instant, Arc::clone(message));
        recorded.map_err(|error| RunError::Observer(error.to_string()))
    }
}

fn run(graph: Graph, path: &Path, durations: Durations) -> Result<String, Box<dyn Error>> {
    let topics = graph.topics().iter().map(|topic| TopicInfo {
        name: topic.name.clone(),
        type_name: topic.type_name.to_owned(),
        schema_text: topic.schema_text.clone(),
        type_hash: topic.type_hash.clone(),
    });
    let recorder = Recorder::create(path, RecorderOptions::new(topics.collect()))?;
    let options = RunOptions {
        end: LogicalTime::from_nanos(60_000_000_000),
        durations,
        observers: vec![Box::new(Record(recorder.handle()))],
        ..RunOptions::default()
    };
    Executor::new(graph, options)?.run()?;
    Ok(recorder.finish()?.digest.to_string())
}

/// Root mean square of the offset after the first ten seconds, metres.
fn offset_rms(recording: &Recording) -> Result<f64, Box<dyn Error>> {
    let from = LogicalTime::from_nanos(10_000_000_000);
    let mut messages = recording.messages_of(&["/line"])?.within(from, LogicalTime::MAX);
    let (mut sum, mut count) = (0.0, 0);
    while let Some(message) = messages.next_message()? {
        let left = message.decode::<LineOffset>()?.left_m;
        (sum, count) = (sum + left * left, count + 1);
    }
    Ok((sum / f64::from(count.max(1))).sqrt())
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("auriga-rover-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (path, again) = (folder.join("rover.mcap"), folder.join("again.mcap"));

    let bus = Bus::default();
    let start = Rover {
        x: CIRCLE_M + 0.3,
        y: 0.0,
        heading: PI / 2.0 + atan2(0.1, 1.0),
        wheels: WheelSpeeds::default(),
        bus: Arc::clone(&bus),
        random: 1,
    };
    let first = graph(start, &bus)?;
    let line = first.topics().iter().find(|topic| topic.name == "/line").cloned().ok_or("no /line")?;
    let digest = run(first, &path, Durations::Profile)?;
    let recording = Recording::open(&path)?;
    println!("60 s driven, {:.3} m RMS off the line; digest {digest}", offset_rms(&recording)?);

    // The recording takes the rover's place; nobody listens on the bus.
    let source = RecordedSource::open(&path, vec![line])?;
    let recorded = recorded_run(&recording)?;
    run(graph(source, &Bus::default())?, &again, recorded.durations)?;
    let differences = compare(&recording, &Recording::open(&again)?)?;
    println!("replayed: {}", if differences.is_empty() { "equal to the byte" } else { "NOT equal" });
    std::fs::remove_dir_all(&folder)?;
    if differences.is_empty() { Ok(()) } else { Err("the replay differs".into()) }
}
