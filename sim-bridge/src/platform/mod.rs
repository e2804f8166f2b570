//! The platform `embedded`: the simulated world behind the same interface as a real car.

mod actuation;
mod emission;
mod ticking;
mod truth;
mod worker;

use crate::plant::{Plant, PlantParameters};
use crate::scenario::{Scenario, Success};
use crate::sense::{LidarCaster, StaticScene};
use crate::sensors::{Gnss, Inertial, TangentPlane, Wheels};
use crate::world::{World, WorldSnapshot};
use crate::{Noise, SimError};
use actuation::BusWriter;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::{Platform, PlatformParts, SensorMessage, SensorRig};
use auriga_map::{LanePosition, Map};
use auriga_messages::sensor_msgs::PointCloud2;
use emission::{Clockwork, camera_info};
use std::collections::VecDeque;
use std::sync::Arc;
use ticking::EmbeddedSensors;
use worker::{Pool, SensorThread};

/// The span between two ticks.
pub const TICK: LogicalDuration = LogicalDuration::from_millis(10);
/// Commands that may be on their way to the car at once; more is an error of whoever sends them.
const COMMAND_QUEUE: usize = 256;

/// The built-in simulator as a platform.
pub struct EmbeddedPlatform {
    sensors: EmbeddedSensors,
    vehicle: BusWriter,
}

impl EmbeddedPlatform {
    /// Sets the scene. Everything that will happen is a function of the arguments and of the commands.
    ///
    /// # Errors
    /// [`SimError::Place`] when the scenario names something that the map does not have, [`SimError::Thread`] when a sensor
    /// thread cannot be started.
    pub fn new(
        scenario: &Scenario,
        map: Arc<Map>,
        rig: &SensorRig,
        plant: &PlantParameters,
        seed: u64,
    ) -> Result<Self, SimError> {
        let goal = scenario.itinerary(&map)?.last().copied();
        let world = World::new(map.clone(), scenario, plant, seed)?;
        let ego = Plant::new(plant, world.start(), scenario.ego.speed_mps, LogicalTime::ZERO);
        let plane = TangentPlane::of_map(map.geo_reference().as_ref());
        let lidar = match &rig.lidar {
            Some(lidar) => Some(lidar_thread(lidar, &map, seed)?),
            None => None,
        };
        let (sender, receiver) = crossbeam_channel::bounded(COMMAND_QUEUE);
        let sensors = EmbeddedSensors {
            clockwork: Clockwork::new(rig),
            gnss: rig.gnss.as_ref().map(|gnss| Gnss::new(gnss, plane, Noise::new(seed, 21))),
            imu: rig.imu.as_ref().map(|imu| Inertial::new(imu, Noise::new(seed, 22))),
            wheels: Wheels::new(&rig.wheels, Noise::new(seed, 23)),
            camera_info: rig.camera.as_ref().map(camera_info),
            lidar,
            turn: Vec::new(),
            turn_filled: 0,
            world,
            ego,
            queue: VecDeque::with_capacity(COMMAND_QUEUE),
            commands: receiver,
            snapshot: WorldSnapshot::default(),
            incidents: Vec::new(),
            ending: ticking::Ending::new(scenario, goal),
            road_users_visible: scenario.controls.road_users_visible,
            finished: false,
        };
        Ok(Self { sensors, vehicle: BusWriter::new(sender) })
    }
}

impl Platform for EmbeddedPlatform {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: Box::new(self.sensors), vehicle: Some(Box::new(self.vehicle)) }
    }
}

fn lidar_thread(rig: &auriga_hal::LidarRig, map: &Map, seed: u64) -> Result<SensorThread, SimError> {
    let scene = Arc::new(StaticScene::new(map, seed));
    let mut caster = LidarCaster::new(rig, scene, seed);
    let mut pool: Pool<PointCloud2> = Pool::default();
    SensorThread::start("lidar", move |snapshots| {
        SensorMessage::Lidar(pool.fill(|cloud| caster.scan(snapshots, cloud)))
    })
}

/// When a scenario has ended well, and the place where it should.
#[derive(Clone, Copy, Debug)]
struct Aim {
    success: Success,
    goal: Option<LanePosition>,
}
