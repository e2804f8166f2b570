//! Anybody's rosbag2 as a platform: standard sensor messages, in MCAP or SQLite storage.
//!
//! Read are `sensor_msgs` `PointCloud2` (any fields, datatypes, byte order), `Image` (the usual encodings),
//! `CompressedImage` (PNG, JPEG), `CameraInfo`, `Imu`, `NavSatFix`, and as wheel speed the forward speed of
//! `geometry_msgs/TwistStamped` or `nav_msgs/Odometry`. Where the sensors sit is in a rig ([`SensorRig`]); a sensor that the
//! rig does not have is not read.
//!
//! Before the drive begins, every message of the chosen topics is looked at once. What is wrong with a topic is an error
//! with topic, message and field; single messages that hold no usable value are left out and told of.
//!
//! **Time.** A message was captured at its stamp (where that is 0, or on demand: when it was recorded) and arrives when it
//! was recorded, or 2 ms after its capture where the recorder's clock is another one. A scan's points may carry instants
//! (`t`, `time`, `timestamp`, …: integers are nanoseconds, floats seconds after the stamp or absolute); without them the
//! scan is taken for captured all at once. The run's epoch is the earliest capture.
//!
//! ```no_run
//! use auriga_hal::rosbag::{RosbagOptions, RosbagPlatform};
//! use auriga_hal::{Platform, SensorKind, SensorRig};
//!
//! let file = "configs/sensors/default.toml";
//! let rig = SensorRig::from_toml(&std::fs::read_to_string(file).unwrap(), file).unwrap();
//! let mut options = RosbagOptions::default();
//! options.remap.insert("/velodyne_points".to_owned(), SensorKind::Lidar);
//! let platform = RosbagPlatform::open("drive.mcap".as_ref(), &rig, &options).unwrap();
//! for note in platform.notes() {
//!     eprintln!("{note}");
//! }
//! assert!(Box::new(platform).split().vehicle.is_none());
//! ```

mod bag;
mod choice;
mod cloud;
mod mcap;
mod metadata;
mod picture;
mod sensors;
mod sqlite;
mod survey;
#[cfg(test)]
mod tests;

use crate::{HalError, Platform, PlatformParts, SensorKind, SensorRig};
use auriga_geometry::LogicalDuration;
use auriga_messages::sensor_msgs::CameraInfo;
use bag::Bag;
use choice::Choice;
use sensors::RosbagSensors;
use std::collections::BTreeMap;
use std::path::Path;
use survey::Survey;

/// How to read a bag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosbagOptions {
    /// Which of its topics is which sensor. A kind that is not named here is the topic of our own name, else the only one of
    /// its type.
    pub remap: BTreeMap<String, SensorKind>,
    /// Our own names of the topics.
    pub names: BTreeMap<SensorKind, String>,
    /// Messages were captured when they were recorded, whatever their stamps say.
    pub log_time: bool,
    /// No satellite positions from this long after the epoch on: for measuring drift.
    pub gnss_withheld_after: Option<LogicalDuration>,
}

/// An open bag.
#[derive(Debug)]
pub struct RosbagPlatform {
    bag: Bag,
    choices: Vec<Choice>,
    survey: Survey,
}

fn malformed(path: &Path, problem: impl Into<String>) -> HalError {
    HalError::Recording { path: path.to_owned(), problem: problem.into() }
}

impl RosbagPlatform {
    /// Opens a bag (a file, or its folder) and goes through it once.
    ///
    /// # Errors
    /// What cannot be read, by file and byte, or by topic, message and field; topics that cannot be told apart; a picture
    /// of another size than the rig's camera has, where the bag has no calibration.
    pub fn open(path: &Path, rig: &SensorRig, options: &RosbagOptions) -> Result<Self, HalError> {
        let mut bag = Bag::open(path)?;
        let choices =
            choice::choose(&bag.index.topics, rig, options).map_err(|problem| malformed(path, problem))?;
        if choices.is_empty() {
            let names: Vec<String> = bag
                .index
                .topics
                .iter()
                .map(|topic| format!("{} ({})", topic.name, topic.type_name))
                .collect();
            let problem = format!("has no topic of a sensor that the rig has; it has: {}", names.join(", "));
            return Err(malformed(path, problem));
        }
        let mut survey = survey::survey(&mut bag, path, &choices, options)?;
        if let Some((width, height)) = survey.size {
            let stated = match (&survey.calibration, &rig.camera) {
                (Some(info), _) => (info.width, info.height),
                (None, camera) => camera.as_ref().map_or((0, 0), |rig| (rig.width as u32, rig.height as u32)),
            };
            if stated != (width, height) {
                let whose = if survey.calibration.is_some() { "calibration" } else { "rig's camera" };
                let problem = format!(
                    "pictures have {width} by {height} pixels, the {whose} {} by {}: give the rig this camera's size and view",
                    stated.0, stated.1
                );
                return Err(malformed(path, problem));
            }
        }
        let has = |kind| choices.iter().any(|choice| choice.kind == kind);
        if has(SensorKind::Imu) && !has(SensorKind::VehicleState) {
            let could = choice::could_tell_speed(&bag.index.topics);
            let ours =
                options.names.get(&SensorKind::VehicleState).map_or("the vehicle state", String::as_str);
            let hint = if could.is_empty() {
                String::new()
            } else {
                format!("; it could be in {}: --remap T={ours}", could.join(", "))
            };
            survey.notes.push(format!("no topic tells the wheels' speed{hint}"));
        }
        if survey.calibration.as_ref().is_some_and(|info| info.d.iter().any(|value| *value != 0.0)) {
            survey.notes.push(
                "the camera's pictures are distorted: boxes at their edges are a little off".to_owned(),
            );
        }
        survey.notes.splice(0..0, std::mem::take(&mut bag.index.notes));
        Ok(Self { bag, choices, survey })
    }

    /// Which topic stands in for which sensor.
    pub fn topics(&self) -> impl Iterator<Item = (SensorKind, &str)> {
        let name = |choice: &Choice| self.bag.index.topics[usize::from(choice.topic)].name.as_str();
        self.choices.iter().map(move |choice| (choice.kind, name(choice)))
    }

    /// What a user should know: a file that ends early, messages that were left out, a sensor that is missing.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.survey.notes
    }

    /// Latitude and longitude of the first usable satellite position, radians.
    #[must_use]
    pub fn origin(&self) -> Option<[f64; 2]> {
        self.survey.origin
    }

    /// The camera's calibration as the bag has it.
    #[must_use]
    pub fn calibration(&self) -> Option<&CameraInfo> {
        self.survey.calibration.as_ref()
    }
}

impl Platform for RosbagPlatform {
    fn name(&self) -> &'static str {
        "rosbag"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: Box::new(RosbagSensors::new(*self)), vehicle: None }
    }
}
