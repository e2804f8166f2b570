//! The platform `embedded`: the simulated world behind the same interface as a real car.

mod actuation;
pub(crate) mod ego;
mod emission;
mod ticking;
mod truth;
mod worker;

use crate::plant::{Plant, PlantParameters};
use crate::scenario::{Scenario, Success};
use crate::sense::{CameraRenderer, LidarCaster, StaticScene};
use crate::sensors::{Gnss, Inertial, TangentPlane, Wheels};
use crate::world::{World, WorldSnapshot};
use crate::{Noise, SimError};
use actuation::BusWriter;
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2};
use auriga_hal::{CameraRig, LidarRig, Platform, PlatformParts, SensorMessage, SensorRig};
use auriga_map::{LanePosition, Map};
use auriga_messages::sensor_msgs::{Image, PointCloud2};
pub(crate) use ego::EgoCar;
use ego::OwnCar;
use emission::{Clockwork, camera_info};
use std::sync::Arc;
pub(crate) use ticking::EmbeddedSensors;
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
        map: &Arc<Map>,
        rig: &SensorRig,
        plant: &PlantParameters,
        seed: u64,
    ) -> Result<Self, SimError> {
        let (sender, receiver) = crossbeam_channel::bounded(COMMAND_QUEUE);
        let sensors = surroundings(scenario, map, rig, plant, seed, |start| -> Result<_, SimError> {
            let car = Plant::new(plant, start, scenario.ego.speed_mps, LogicalTime::ZERO);
            let wheels = Wheels::new(&rig.wheels, Noise::new(seed, WHEELS));
            Ok(Box::new(OwnCar::new(car, wheels, receiver)) as Box<dyn EgoCar>)
        })?;
        Ok(Self { sensors, vehicle: BusWriter::new(sender) })
    }
}

/// Which of the seed's streams the wheels draw from.
pub(crate) const WHEELS: u64 = 23;

/// The world and the sensors of a car that `car` gives, from the place where it starts.
///
/// # Errors
/// As [`EmbeddedPlatform::new`]'s, and `car`'s.
pub(crate) fn surroundings<E: From<SimError>>(
    scenario: &Scenario,
    map: &Arc<Map>,
    rig: &SensorRig,
    plant: &PlantParameters,
    seed: u64,
    car: impl FnOnce(Pose2) -> Result<Box<dyn EgoCar>, E>,
) -> Result<EmbeddedSensors, E> {
    let goal = scenario.itinerary(map)?.last().copied();
    let world = World::new(Arc::clone(map), scenario, plant, seed)?;
    let plane = TangentPlane::of_map(map.geo_reference().as_ref());
    let (mut lidar, mut camera) = (None, None);
    if rig.lidar.is_some() || rig.camera.is_some() {
        let scene = Arc::new(StaticScene::new(map, seed));
        lidar = rig.lidar.as_ref().map(|lidar| lidar_thread(lidar, Arc::clone(&scene), seed)).transpose()?;
        camera = rig.camera.as_ref().map(|camera| camera_thread(camera, scene, seed)).transpose()?;
    }
    Ok(EmbeddedSensors {
        clockwork: Clockwork::new(rig),
        gnss: rig.gnss.as_ref().map(|gnss| Gnss::new(gnss, plane, Noise::new(seed, 21))),
        imu: rig.imu.as_ref().map(|imu| Inertial::new(imu, Noise::new(seed, 22))),
        camera_info: rig.camera.as_ref().map(camera_info),
        lidar,
        camera,
        shot: Vec::new(),
        turn: Vec::new(),
        turn_filled: 0,
        ego: car(world.start())?,
        world,
        snapshot: WorldSnapshot::default(),
        incidents: Vec::new(),
        ending: ticking::Ending::new(scenario, goal),
        road_users_visible: scenario.controls.road_users_visible,
        finished: false,
        last_tick: None,
    })
}

impl Platform for EmbeddedPlatform {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: Box::new(self.sensors), vehicle: Some(Box::new(self.vehicle)) }
    }
}

fn lidar_thread(rig: &LidarRig, scene: Arc<StaticScene>, seed: u64) -> Result<SensorThread, SimError> {
    let mut caster = LidarCaster::new(rig, scene, seed);
    let mut pool: Pool<PointCloud2> = Pool::default();
    SensorThread::start("lidar", move |turn| {
        SensorMessage::Lidar(pool.fill(|cloud| caster.scan(turn, cloud)))
    })
}

fn camera_thread(rig: &CameraRig, scene: Arc<StaticScene>, seed: u64) -> Result<SensorThread, SimError> {
    let mut renderer = CameraRenderer::new(rig, scene, seed);
    let mut pool: Pool<Image> = Pool::default();
    SensorThread::start("camera", move |moments| {
        SensorMessage::Camera(pool.fill(|image| {
            for moment in moments {
                renderer.render(moment, image);
            }
        }))
    })
}

/// When a scenario has ended well, and the place where it should.
#[derive(Clone, Copy, Debug)]
struct Aim {
    success: Success,
    goal: Option<LanePosition>,
}
