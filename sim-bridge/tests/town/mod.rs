//! The committed town, rig and car, for tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use auriga_hal::SensorRig;
use auriga_map::Map;
use auriga_sim_bridge::Scenario;
use auriga_sim_bridge::plant::PlantParameters;
use std::sync::Arc;

pub struct Town {
    pub map: Arc<Map>,
    pub plant: PlantParameters,
    pub rig: SensorRig,
}

pub fn read(path: &str) -> String {
    let file = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

impl Town {
    pub fn load() -> Self {
        Self {
            map: Arc::new(Map::from_opendrive(&read("configs/maps/town.xodr")).unwrap()),
            plant: PlantParameters::from_toml(&read("configs/vehicles/auriga-sedan-plant.toml"), "plant")
                .unwrap(),
            rig: SensorRig::from_toml(&read("configs/sensors/default.toml"), "rig").unwrap(),
        }
    }

    /// The rig with a coarse lidar and a small picture.
    pub fn quick_rig(&self) -> SensorRig {
        let mut rig = self.rig.clone();
        if let Some(lidar) = &mut rig.lidar {
            (lidar.beams, lidar.columns) = (16, 360);
        }
        if let Some(camera) = &mut rig.camera {
            (camera.width, camera.height) = (96, 64);
        }
        rig
    }

    pub fn scenario(&self, name: &str) -> Scenario {
        Scenario::from_toml(&read(&format!("configs/scenarios/{name}.toml")), name).unwrap()
    }

    /// Nothing scripted; the ego car starts on Main Street.
    pub fn empty_scenario(&self, vehicles: usize, pedestrians: usize) -> Scenario {
        let text = format!(
            "name = \"empty\"\nmap = \"configs/maps/town.xodr\"\nduration_s = 600.0\n[ego]\n\
             start = {{ road = \"1\", lane = -1, s_m = 20.0 }}\ngoal = {{ road = \"1\", lane = -1, s_m = 100.0 }}\n\
             [traffic]\nvehicles = {vehicles}\npedestrians = {pedestrians}\n"
        );
        Scenario::from_toml(&text, "empty").unwrap()
    }
}
