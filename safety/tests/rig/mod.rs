//! A gate with well-behaved inputs around it, for the tests to spoil.
#![allow(dead_code, clippy::unwrap_used)]

use auriga_safety::*;

pub const MS: i64 = 1_000_000;
pub const TICK_NS: i64 = 10 * MS;

pub fn vehicle() -> VehicleLimits {
    VehicleLimits {
        wheelbase_m: 2.8,
        front_m: 3.7,
        rear_m: 1.0,
        width_m: 1.9,
        max_steering_angle_rad: 0.6,
        max_steering_rate_rad_s: 0.8,
        max_deceleration_mps2: 8.0,
        max_acceleration_mps2: 3.0,
    }
}

pub struct Rig {
    pub gate: Gate,
    pub now_ns: i64,
    pub speed_mps: f64,
    pub steering_angle_rad: f64,
    pub driver_torque_nm: f64,
    pub driver_brake: f64,
    pub driver_gas: f64,
    pub distance_m: f64,
    pub closing_speed_mps: Option<f64>,
    pub wanted_steering_rad: f64,
    pub wanted_acceleration_mps2: f64,
    pub engage: Option<EngageRequest>,
    /// Which inputs still come.
    pub vehicle_lives: bool,
    pub obstacle_lives: bool,
    pub command_lives: bool,
    last: GateInputs,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(GateConfig::of(vehicle()))
    }

    pub fn with(config: GateConfig) -> Self {
        Self {
            gate: Gate::new(config).unwrap(),
            now_ns: 1_000 * MS,
            speed_mps: 10.0,
            steering_angle_rad: 0.0,
            driver_torque_nm: 0.0,
            driver_brake: 0.0,
            driver_gas: 0.0,
            distance_m: f64::INFINITY,
            closing_speed_mps: None,
            wanted_steering_rad: 0.0,
            wanted_acceleration_mps2: 0.0,
            engage: None,
            vehicle_lives: true,
            obstacle_lives: true,
            command_lives: true,
            last: GateInputs::default(),
        }
    }

    pub fn engaged(mode: Mode) -> Self {
        let mut rig = Self::new();
        rig.press(mode);
        let command = rig.tick();
        assert_eq!(command.record().state, GateState::Engaged);
        rig
    }

    pub fn press(&mut self, mode: Mode) {
        let request = match mode {
            Mode::Supervised => Engage::Supervised,
            Mode::Automated => Engage::Automated,
        };
        // Stamped for the tick that comes.
        self.engage = Some(EngageRequest { stamp_ns: self.now_ns + TICK_NS, request });
    }

    pub fn press_disengage(&mut self) {
        self.engage = Some(EngageRequest { stamp_ns: self.now_ns + TICK_NS, request: Engage::Disengage });
    }

    pub fn inputs(&mut self) -> GateInputs {
        let stamp_ns = self.now_ns;
        if self.vehicle_lives {
            self.last.vehicle = Some(VehicleState {
                stamp_ns,
                speed_mps: self.speed_mps,
                steering_angle_rad: self.steering_angle_rad,
                driver_torque_nm: self.driver_torque_nm,
                driver_brake: self.driver_brake,
                driver_gas: self.driver_gas,
            });
        }
        if self.obstacle_lives {
            self.last.obstacle = Some(NearestObstacle {
                stamp_ns,
                distance_m: self.distance_m,
                closing_speed_mps: self.closing_speed_mps,
            });
        }
        if self.command_lives {
            self.last.command = Some(Command {
                stamp_ns,
                steering_angle_rad: self.wanted_steering_rad,
                acceleration_mps2: self.wanted_acceleration_mps2,
            });
        }
        self.last.engage = self.engage;
        self.last
    }

    pub fn tick(&mut self) -> SafeCommand {
        self.now_ns += TICK_NS;
        let inputs = self.inputs();
        self.gate.step(self.now_ns, &inputs)
    }

    /// As many ticks; the last one's record.
    pub fn ticks(&mut self, count: usize) -> SafeCommandRecord {
        (0..count).map(|_| self.tick().record()).last().unwrap()
    }

    /// A point mass that does at once what the gate says.
    pub fn drive_tick(&mut self) -> SafeCommandRecord {
        let record = self.tick().record();
        if record.active {
            let seconds = TICK_NS as f64 * 1e-9;
            let speed = (self.speed_mps + record.acceleration_mps2 * seconds).max(0.0);
            self.distance_m -= 0.5 * (self.speed_mps + speed) * seconds;
            self.speed_mps = speed;
            self.steering_angle_rad = record.steering_angle_rad;
        }
        record
    }
}
