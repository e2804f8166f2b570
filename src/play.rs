//! `auriga replay --play`: shows what was recorded, and runs nothing.

use crate::configuration::Configuration;
use crate::kitti;
use crate::run::{self, Scene, Watchers, println_line};
use crate::stack;
use anyhow::{Context, Result};
use auriga_hal::SensorKind;
use auriga_runtime::recording::Recording;
use auriga_runtime::{Graph, Publication, TimingProfile};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A graph needs a profile; one that runs nothing needs nothing in it.
const NO_TIMING: &str = "[contract]\nsensor_to_command_ms = 1.0\n[domain.none]\nthreads = 1\n[node]\n";

/// Plays into `recording.rrd`, or in real time into a running viewer; true when it came to its end.
pub fn run(path: &Path, recording: &Recording, out: Option<&Path>, connect: Option<&str>) -> Result<bool> {
    run::check_viewer(connect)?;
    let mut graph = Graph::new(TimingProfile::from_toml(NO_TIMING, "no timing")?);
    let topics = stack::Topics::declare(&mut graph, &SensorKind::ALL);
    let camera =
        topics.of_sensor(SensorKind::Camera).map(|index| graph.topics()[usize::from(index)].name.clone());
    let metadata = recording.metadata();
    let sources = metadata.get("source_topics").map_or("", String::as_str);
    let pictures = sources.split(',').any(|name| camera.as_deref() == Some(name));
    // Foreign drives have no map, car and rig of ours in their recording.
    let configuration = Configuration::of_recording(recording).ok();
    let mut watchers = Watchers::new(None);
    let folder = match connect {
        Some(_) => None,
        None => {
            let name = path.parent().and_then(Path::file_name);
            let name = name.map_or("drive".into(), |name| name.to_string_lossy());
            Some(run::new_folder(out, &format!("{name}-play"))?)
        }
    };
    let unknown =
        Scene { radar: None, map: None, lidar: None, camera: None, has_pictures: pictures, car: kitti::CAR };
    let scene = configuration.as_ref().map_or(unknown, Scene::of);
    watchers.show(
        folder.as_ref().map(|folder| folder.join("recording.rrd")),
        connect.map(str::to_owned),
        &scene,
        topics,
    )?;
    watchers.progress(recording.last_instant().as_secs_f64(), topics)?;
    let complete = play(&graph, recording, &mut watchers, connect.is_some())?;
    let written = watchers.finish()?;
    if let Some(folder) = folder {
        let megabytes = written.rrd_bytes as f64 / f64::from(1 << 20);
        println_line(&format!("written to {}: recording.rrd, {megabytes:.1} MiB", folder.display()));
    }
    Ok(complete)
}

/// Hands every message that this build knows to the observers, in the recorded order.
#[allow(
    clippy::disallowed_methods,
    reason = "playing in real time looks at the clock; nothing is computed from it"
)]
fn play(graph: &Graph, recording: &Recording, watchers: &mut Watchers, real_time: bool) -> Result<bool> {
    let stop = run::stop_flag(true)?;
    let (start, mut foreign) = (Instant::now(), 0_u64);
    let mut messages = recording.messages();
    while let Some(message) = messages.next_message()? {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let place = graph.topics().iter().position(|topic| {
            topic.name == message.topic_name
                && topic.type_name == recording.topics()[usize::from(message.topic)].type_name
        });
        let Some(place) = place else {
            foreign += 1;
            continue;
        };
        let decoded = graph.topics()[place]
            .decode(message.cdr)
            .with_context(|| format!("{}, message {}", message.topic_name, message.sequence))?;
        if real_time {
            let due = Duration::from_nanos(message.publication.as_nanos().max(0).unsigned_abs());
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        let publication = Publication {
            topic: place as u16,
            sequence: message.sequence,
            instant: message.publication,
            message: &decoded,
        };
        for observer in &mut watchers.observers {
            observer.observe(&publication)?;
        }
    }
    if foreign > 0 {
        println_line(&format!("{foreign} messages on topics that this build does not know were not shown"));
    }
    Ok(true)
}
