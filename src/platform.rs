//! Which platform a drive is on: the simulated car right here, or behind a CAN bus.

use crate::configuration::{Configuration, Origin, locate, role};
use crate::sim::CarProcess;
use crate::stack;
use anyhow::{Context, Result, bail};
use auriga_hal::Platform;
use auriga_hal::can::{CanBus, CanCar, Database, Endpoint, VehicleProfile};
use auriga_sim_bridge::EmbeddedPlatform;
use auriga_sim_bridge::bus::{BusToCar, CanPlatform, Fault};
use auriga_sim_bridge::plant::PlantParameters;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Where the car is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// In this process
    #[default]
    Embedded,
    /// Behind a CAN bus, in a process of its own
    Can,
}

/// What the command line says of a drive over a CAN bus.
#[derive(Args)]
pub struct BusArguments {
    /// Of a car on a bus: its profile, by name or file
    #[arg(long, value_name = "NAME", default_value = "auriga-sim")]
    profile: String,
    /// Of a car on a bus: the bus on which `auriga sim car` runs: unix:PATH, slcan:DEVICE or socketcan:INTERFACE [default:
    /// the car is started too]
    #[arg(long, value_name = "ENDPOINT")]
    can: Option<Endpoint>,
}

/// A profile's file, by its name or path.
pub fn profile_file(profile: &str) -> PathBuf {
    let named = locate(&Path::new("configs/vehicles").join(format!("{profile}.toml")));
    if named.exists() { named } else { locate(Path::new(profile)) }
}

/// Reads a profile and the DBC file that it names.
pub fn read_profile(profile: &str) -> Result<(VehicleProfile, Database)> {
    let file = profile_file(profile);
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let profile = VehicleProfile::from_toml(&text, &file.display().to_string())?;
    let database = Database::read(&dbc_file(&profile))?;
    Ok((profile, database))
}

fn dbc_file(profile: &VehicleProfile) -> PathBuf {
    locate(&Path::new("configs/can").join(&profile.dbc))
}

impl BusArguments {
    /// The files that a drive over a bus has besides.
    pub fn add_files(&self, origin: &mut Origin<'_>) -> Result<()> {
        let (profile, _) = read_profile(&self.profile)?;
        origin.add(role::PROFILE, profile_file(&self.profile));
        origin.add(role::DBC, dbc_file(&profile));
        Ok(())
    }

    /// The bus, and the car behind it if it is started here.
    fn open(&self, sensors: &Path, faults: &[Fault]) -> Result<(Box<dyn CanBus>, Option<CarProcess>)> {
        if let Some(endpoint) = &self.can {
            if !faults.is_empty() {
                bail!(
                    "a fault of the bus is put in at the car: give it to `auriga sim car --can {endpoint}`"
                );
            }
            let bus = endpoint
                .open()
                .with_context(|| format!("is there a car? `auriga sim car --can {endpoint}` starts one"))?;
            return Ok((bus, None));
        }
        let mut car = CarProcess::start(&profile_file(&self.profile), sensors, faults)?;
        Ok((car.bus()?, Some(car)))
    }
}

/// Opens the platform; with it comes the car's process if it was started here.
pub fn open(
    choice: Choice,
    bus: &BusArguments,
    sensors: &Path,
    configuration: &Configuration,
    seed: u64,
) -> Result<(Box<dyn Platform>, Option<CarProcess>)> {
    let (text, file) = configuration.file(role::PLANT);
    let plant = PlantParameters::from_toml(text, file)?;
    let Configuration { scenario, map, rig, .. } = configuration;
    if choice == Choice::Embedded {
        if let Some(fault) = configuration.faults.bus.first() {
            bail!("--fault {fault}: is of a bus, and this car has none without --platform can");
        }
        return Ok((Box::new(EmbeddedPlatform::new(scenario, map, rig, &plant, seed)?), None));
    }
    let bind = || -> Result<CanCar> {
        let ((profile, profile_file), (dbc, dbc_file)) =
            (configuration.file(role::PROFILE), configuration.file(role::DBC));
        let database = Database::from_dbc(dbc, dbc_file)?;
        let profile = VehicleProfile::from_toml(profile, profile_file)?;
        profile.check_vehicle(&stack::vehicle_limits(&configuration.vehicle))?;
        Ok(profile.bind(database)?)
    };
    let (listener, speaker) = (bind()?, bind()?);
    let (bus, process) = bus.open(sensors, &configuration.faults.bus)?;
    let car = BusToCar { bus, listener, speaker };
    Ok((Box::new(CanPlatform::new(scenario, map, rig, &plant, seed, car)?), process))
}
