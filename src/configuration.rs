//! All files that decide what a run does: read from the disk for a drive, from the recording for a replay.

use crate::fault::Faults;
use crate::models::ModelChoices;
use anyhow::{Context, Result, bail};
use auriga_hal::SensorRig;
use auriga_map::{LanePosition, Map, Route, RouteSegment};
use auriga_planning::PlannerConfig;
use auriga_runtime::TimingProfile;
use auriga_runtime::recording::Recording;
use auriga_sim_bridge::Scenario;
use auriga_vehicle::VehicleParameters;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a run is told from outside, apart from files. Kept in the recording.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seed of all that is drawn by chance.
    pub seed: u64,
    /// Must-fail control: planner and gate brake for obstacles.
    pub obstacle_braking: bool,
    /// Must-fail control: the planner stops at red lights.
    pub obey_lights: bool,
    /// Must-fail control: lidar and camera see road users.
    #[serde(default = "yes")]
    pub road_users_visible: bool,
    /// What is made to go wrong. Of sensors and bus it is in what was recorded; of nodes a replay repeats it.
    #[serde(default)]
    pub faults: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            obstacle_braking: true,
            obey_lights: true,
            road_users_visible: true,
            faults: Vec::new(),
        }
    }
}

/// A file that decides what a run does.
#[derive(Clone, Debug)]
pub struct ConfigurationFile {
    /// Its part in the run, which is its name in the recording: `scenario.toml`, `map.xodr`, …
    pub role: &'static str,
    /// Where it came from.
    pub origin: String,
    /// Its content.
    pub text: String,
}

/// Everything that a simulated drive needs, checked.
pub struct Configuration {
    /// From outside.
    pub settings: Settings,
    /// What goes wrong.
    pub faults: Faults,
    /// Who is about.
    pub scenario: Scenario,
    /// The road network.
    pub map: Arc<Map>,
    /// The ego car's way.
    pub route: Route,
    /// Where it starts.
    pub start: LanePosition,
    /// The sensors.
    pub rig: SensorRig,
    /// What the stack believes about its car.
    pub vehicle: VehicleParameters,
    /// When nodes run.
    pub timing: TimingProfile,
    /// The planner's limits.
    pub planner: PlannerConfig,
    /// The networks.
    pub models: ModelChoices,
    /// All files, by role.
    pub files: Vec<ConfigurationFile>,
}

/// Where configuration files come from.
pub enum Origin<'a> {
    /// The disk; paths by role, relative to the folder that holds `configs/`.
    Disk(BTreeMap<&'static str, PathBuf>),
    /// A recording's attachments.
    Recording(&'a Recording),
}

/// Roles of the files, also their names in a recording.
pub mod role {
    /// Who is about.
    pub const SCENARIO: &str = "scenario.toml";
    /// The road network.
    pub const MAP: &str = "map.xodr";
    /// The sensors.
    pub const SENSORS: &str = "sensors.toml";
    /// What the stack believes about its car.
    pub const VEHICLE: &str = "vehicle.toml";
    /// What the gate lets the car do.
    pub const GATE: &str = "gate.toml";
    /// The simulated car.
    pub const PLANT: &str = "plant.toml";
    /// When nodes run.
    pub const TIMING: &str = "timing.toml";
    /// Which networks run, and on what.
    pub const MODELS: &str = "models.toml";
    /// The car's messages, of a drive over a CAN bus.
    pub const PROFILE: &str = "profile.toml";
    /// The layout of these messages.
    pub const DBC: &str = "profile.dbc";
    /// Settings from the command line.
    pub const SETTINGS: &str = "settings.toml";
}

/// The folder that holds `configs/`: the current one or one above it, else the source tree that built this binary.
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let with_configs = here.ancestors().find(|folder| folder.join("configs/scenarios").is_dir());
    with_configs.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), Path::to_path_buf)
}

/// A path as the user gave it: as it stands, or under the root.
pub fn locate(path: &Path) -> PathBuf {
    if path.exists() || path.is_absolute() { path.to_path_buf() } else { root().join(path) }
}

/// A timing profile's file: as it was given, or `jetson-orin` for `configs/timing/jetson-orin.toml`.
pub fn timing_file(given: &Path) -> PathBuf {
    let is_name = given.extension().is_none() && given.components().count() == 1 && !given.exists();
    if is_name { Path::new("configs/timing").join(given).with_extension("toml") } else { given.to_path_buf() }
}

impl Origin<'_> {
    /// The disk; what is not given is the default town, car and networks of a simulated drive.
    pub fn disk<const N: usize>(given: [(&'static str, PathBuf); N]) -> Self {
        let mut paths: BTreeMap<_, _> = [
            (role::SCENARIO, "configs/scenarios/town.toml"),
            (role::SENSORS, "configs/sensors/default.toml"),
            (role::VEHICLE, "configs/vehicles/auriga-sedan.toml"),
            (role::GATE, "configs/vehicles/auriga-sedan-gate.toml"),
            (role::PLANT, "configs/vehicles/auriga-sedan-plant.toml"),
            (role::TIMING, "configs/timing/cpu.toml"),
            (role::MODELS, "configs/models/own.toml"),
        ]
        .map(|(role, path)| (role, PathBuf::from(path)))
        .into();
        paths.extend(given);
        Self::Disk(paths)
    }

    /// One file more; of a recording, nothing.
    pub fn add(&mut self, role: &'static str, path: PathBuf) {
        if let Self::Disk(paths) = self {
            paths.insert(role, path);
        }
    }

    /// A file that only some drives have.
    fn optional(&self, role: &'static str) -> Result<Option<ConfigurationFile>> {
        let is_there = match self {
            Self::Disk(paths) => paths.contains_key(role),
            Self::Recording(recording) => recording.attachment(role)?.is_some(),
        };
        is_there.then(|| self.file(role, None)).transpose()
    }

    fn file(&self, role: &'static str, path: Option<&Path>) -> Result<ConfigurationFile> {
        match self {
            Self::Disk(paths) => {
                let path = match (path, paths.get(role)) {
                    (Some(path), _) => locate(path),
                    (None, Some(path)) => locate(path),
                    (None, None) => bail!("no path for {role}"),
                };
                let origin = path.display().to_string();
                let text =
                    std::fs::read_to_string(&path).with_context(|| format!("{origin}: cannot be read"))?;
                Ok(ConfigurationFile { role, origin, text })
            }
            Self::Recording(recording) => {
                let name = recording.path().display().to_string();
                let bytes = recording
                    .attachment(role)?
                    .with_context(|| format!("{name}: has no attachment {role}; record the drive again"))?;
                let origin = format!("{name}: {role}");
                let text = String::from_utf8(bytes).with_context(|| format!("{origin}: is not UTF-8"))?;
                Ok(ConfigurationFile { role, origin, text })
            }
        }
    }
}

impl Configuration {
    /// Reads and checks all files.
    pub fn load(origin: &Origin<'_>, settings: Settings) -> Result<Self> {
        let scenario_file = origin.file(role::SCENARIO, None)?;
        let mut scenario = Scenario::from_toml(&scenario_file.text, &scenario_file.origin)?;
        scenario.controls.road_users_visible &= settings.road_users_visible;
        let map_file = origin.file(role::MAP, Some(Path::new(&scenario.map)))?;
        let map = Map::from_opendrive(&map_file.text)
            .map_err(|error| anyhow::anyhow!("{}: {error}", map_file.origin))?;
        let sensors_file = origin.file(role::SENSORS, None)?;
        let vehicle_file = origin.file(role::VEHICLE, None)?;
        let timing_file = origin.file(role::TIMING, None)?;
        let plant_file = origin.file(role::PLANT, None)?;
        let gate_file = origin.file(role::GATE, None)?;
        let models_file = origin.file(role::MODELS, None)?;
        let stops = scenario.itinerary(&map).with_context(|| scenario_file.origin.clone())?;
        let Some(&start) = stops.first() else { bail!("{}: the ego car has no start", scenario_file.origin) };
        let route = route_through(&map, &stops).with_context(|| {
            format!("{}: [ego]: no route leads from start over via to goal", scenario_file.origin)
        })?;
        let planner = PlannerConfig {
            lights_enabled: scenario.lights.enabled,
            ignore_lights: !settings.obey_lights,
            obstacle_braking: settings.obstacle_braking,
            ..PlannerConfig::default()
        };
        let settings_file = ConfigurationFile {
            role: role::SETTINGS,
            origin: "command line".to_owned(),
            text: toml::to_string(&settings)?,
        };
        let faults = Faults::parse(&settings.faults)?;
        let mut timing = TimingProfile::from_toml(&timing_file.text, &timing_file.origin)?;
        faults.apply(&mut timing)?;
        let mut configuration = Self {
            faults,
            timing,
            rig: SensorRig::from_toml(&sensors_file.text, &sensors_file.origin)?,
            vehicle: VehicleParameters::from_toml(&vehicle_file.text, &vehicle_file.origin)?,
            models: ModelChoices::from_toml(&models_file.text, &models_file.origin)?,
            map: Arc::new(map),
            files: vec![
                scenario_file,
                map_file,
                sensors_file,
                vehicle_file,
                gate_file,
                plant_file,
                timing_file,
                models_file,
                settings_file,
            ],
            settings,
            scenario,
            route,
            start,
            planner,
        };
        for role in [role::PROFILE, role::DBC] {
            configuration.files.extend(origin.optional(role)?);
        }
        Ok(configuration)
    }

    /// The configuration that a recording was made with.
    pub fn of_recording(recording: &Recording) -> Result<Self> {
        let origin = Origin::Recording(recording);
        let settings = origin.file(role::SETTINGS, None)?;
        let parsed = toml::from_str(&settings.text).with_context(|| settings.origin)?;
        Self::load(&origin, parsed)
    }

    /// A file by its role; its text is empty where there is none.
    pub fn file(&self, role: &str) -> (&str, &str) {
        let found = self.files.iter().find(|file| file.role == role);
        found.map_or(("", ""), |file| (&file.text, &file.origin))
    }
}

/// The route that passes all stops in order.
fn route_through(map: &Map, stops: &[LanePosition]) -> Option<Route> {
    let mut segments: Vec<RouteSegment> = Vec::new();
    let mut length = 0.0;
    for leg in stops.windows(2) {
        let route = map.route(leg[0], leg[1])?;
        length += route.length;
        let mut leg = route.segments.into_iter();
        let first = leg.next()?;
        match segments.last_mut() {
            // A leg goes on where the one before ended: on the same lane.
            Some(last) if last.lane == first.lane => {
                last.s_end = first.s_end;
                last.change_to_next = first.change_to_next;
            }
            _ => segments.push(first),
        }
        segments.extend(leg);
    }
    (!segments.is_empty()).then_some(Route { segments, length })
}
