//! The simulated car's own figures (`configs/vehicles/*-plant.toml`); the stack never sees them.

use crate::SimError;
use crate::error::field_error;
use auriga_geometry::{OrientedBox, Pose2, Vec2};
use serde::Deserialize;

/// The simulated car: body, tyres, drive, brakes, steering and control unit.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantParameters {
    /// For a person to read.
    pub name: String,
    /// The body.
    pub body: Body,
    /// The tyres.
    pub tyres: Tyres,
    /// Drive and brakes.
    pub drive: Drive,
    /// The steering actuator.
    pub steering: Steering,
    /// The control unit on the bus.
    pub ecu: Ecu,
}

/// Size and mass.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Front bumper to rear bumper, metres.
    pub length_m: f64,
    /// Metres.
    pub width_m: f64,
    /// Metres.
    pub height_m: f64,
    /// Rear axle to rear bumper, metres.
    pub rear_overhang_m: f64,
    /// Front axle to rear axle, metres.
    pub wheelbase_m: f64,
    /// Rear axle to centre of gravity, metres.
    pub gravity_centre_m: f64,
    /// Kilograms.
    pub mass_kg: f64,
    /// About the vertical axis, kg·m².
    pub yaw_inertia_kgm2: f64,
    /// Drag coefficient times frontal area, m².
    pub drag_area_m2: f64,
    /// Share of the weight.
    pub rolling_resistance: f64,
}

/// Cornering stiffness and grip.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tyres {
    /// Both front tyres, N/rad.
    pub front_stiffness_n_per_rad: f64,
    /// Both rear tyres, N/rad.
    pub rear_stiffness_n_per_rad: f64,
    /// Friction coefficient.
    pub friction: f64,
}

/// What the motor and the brakes can do, and how fast.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    /// m/s².
    pub max_acceleration_mps2: f64,
    /// m/s², positive.
    pub max_deceleration_mps2: f64,
    /// Time constant of the motor, seconds.
    pub drive_lag_s: f64,
    /// Time constant of the brakes, seconds.
    pub brake_lag_s: f64,
    /// Share of air drag and rolling resistance that the control unit makes up for.
    pub resistance_compensation: f64,
}

/// The steering actuator.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steering {
    /// Front wheel angle, rad.
    pub max_angle_rad: f64,
    /// Front wheel, rad/s.
    pub max_rate_radps: f64,
    /// Time constant, seconds.
    pub lag_s: f64,
}

/// The control unit that takes the commands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ecu {
    /// Without a command for so long it brakes by itself, seconds.
    pub command_timeout_s: f64,
    /// How hard, m/s², positive.
    pub timeout_deceleration_mps2: f64,
}

impl PlantParameters {
    /// Parses and checks a plant file.
    ///
    /// # Errors
    /// An unknown key, a missing one, or an impossible value; names file, line and field.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, SimError> {
        let plant: Self = toml::from_str(text).map_err(|error| SimError::Configuration {
            file: file.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        plant.check().map_err(|(field, problem)| field_error(text, file, field, &problem))?;
        Ok(plant)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let positive = [
            ("body.length_m", self.body.length_m),
            ("body.width_m", self.body.width_m),
            ("body.height_m", self.body.height_m),
            ("body.wheelbase_m", self.body.wheelbase_m),
            ("body.gravity_centre_m", self.body.gravity_centre_m),
            ("body.mass_kg", self.body.mass_kg),
            ("body.yaw_inertia_kgm2", self.body.yaw_inertia_kgm2),
            ("tyres.front_stiffness_n_per_rad", self.tyres.front_stiffness_n_per_rad),
            ("tyres.rear_stiffness_n_per_rad", self.tyres.rear_stiffness_n_per_rad),
            ("tyres.friction", self.tyres.friction),
            ("drive.max_acceleration_mps2", self.drive.max_acceleration_mps2),
            ("drive.max_deceleration_mps2", self.drive.max_deceleration_mps2),
            ("drive.drive_lag_s", self.drive.drive_lag_s - 0.002),
            ("drive.brake_lag_s", self.drive.brake_lag_s - 0.002),
            ("steering.max_angle_rad", self.steering.max_angle_rad),
            ("steering.max_rate_radps", self.steering.max_rate_radps),
            ("steering.lag_s", self.steering.lag_s - 0.002),
            ("ecu.command_timeout_s", self.ecu.command_timeout_s),
            ("ecu.timeout_deceleration_mps2", self.ecu.timeout_deceleration_mps2),
        ];
        for (field, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err((field, "must be finite and above 0 (a lag: above 0.002)".to_owned()));
            }
        }
        let shares = [
            ("drive.resistance_compensation", self.drive.resistance_compensation, 1.0),
            ("body.rolling_resistance", self.body.rolling_resistance, 0.2),
            ("body.drag_area_m2", self.body.drag_area_m2, 10.0),
            ("body.rear_overhang_m", self.body.rear_overhang_m, self.body.length_m - self.body.wheelbase_m),
            ("steering.max_angle_rad", self.steering.max_angle_rad, 1.2),
        ];
        for (field, value, most) in shares {
            if !(0.0..=most).contains(&value) {
                return Err((field, format!("{value} is not in 0..={most}")));
            }
        }
        if self.body.gravity_centre_m >= self.body.wheelbase_m {
            return Err(("body.gravity_centre_m", "must lie between the axles".to_owned()));
        }
        Ok(())
    }

    /// The footprint of the car whose `base_link` is at `pose`.
    #[must_use]
    pub fn footprint(&self, pose: &Pose2) -> OrientedBox {
        let body = &self.body;
        let center = pose.to_parent(Vec2::new(body.length_m / 2.0 - body.rear_overhang_m, 0.0));
        OrientedBox::new(Pose2::new(center.x, center.y, pose.yaw), body.length_m, body.width_m)
    }

    /// Rear axle to front bumper, metres.
    #[must_use]
    pub fn front_m(&self) -> f64 {
        self.body.length_m - self.body.rear_overhang_m
    }
}
