//! The parameters of one vehicle (`configs/vehicles/*.toml`).

use crate::VehicleError;
use auriga_geometry::math::{atan, tan};
use auriga_geometry::{OrientedBox, Pose2, Vec2};
use serde::Deserialize;

/// What the stack believes about the car that it drives.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleParameters {
    /// For a person to read.
    pub name: String,
    /// Front axle to rear axle, metres.
    pub wheelbase_m: f64,
    /// Bumper to bumper, metres.
    pub length_m: f64,
    /// Without mirrors, metres.
    pub width_m: f64,
    /// Ground to roof, metres.
    pub height_m: f64,
    /// Rear axle to rear bumper, metres.
    pub rear_overhang_m: f64,
    /// With its load, kg.
    pub mass_kg: f64,
    /// Greatest angle of the front wheels to either side, rad.
    pub max_steering_angle_rad: f64,
    /// Greatest rate of the front wheels' angle, rad/s.
    pub max_steering_rate_rad_s: f64,
    /// Greatest acceleration that the car can do, m/s².
    pub max_acceleration_mps2: f64,
    /// Greatest deceleration that the car can do, m/s², positive.
    pub max_deceleration_mps2: f64,
    /// Time constant from a commanded to the real wheel angle, seconds.
    pub steering_lag_s: f64,
    /// Time constant from a commanded to the real acceleration, seconds.
    pub acceleration_lag_s: f64,
    /// Extra wheel angle that a lateral acceleration needs, rad per m/s².
    #[serde(default)]
    pub understeer_gradient_rad_s2_m: f64,
    /// Angle by which the rear tyres slip outwards under lateral acceleration, rad per m/s²: the car's heading then points
    /// that much into the curve.
    #[serde(default)]
    pub rear_slip_gradient_rad_s2_m: f64,
}

impl Default for VehicleParameters {
    /// The sedan of `configs/vehicles/auriga-sedan.toml`.
    fn default() -> Self {
        Self {
            name: "auriga-sedan".to_owned(),
            wheelbase_m: 2.8,
            length_m: 4.6,
            width_m: 1.85,
            height_m: 1.5,
            rear_overhang_m: 0.95,
            mass_kg: 1600.0,
            max_steering_angle_rad: 0.6,
            max_steering_rate_rad_s: 0.6,
            max_acceleration_mps2: 3.0,
            max_deceleration_mps2: 8.0,
            steering_lag_s: 0.12,
            acceleration_lag_s: 0.2,
            understeer_gradient_rad_s2_m: 0.001,
            rear_slip_gradient_rad_s2_m: 0.006,
        }
    }
}

impl VehicleParameters {
    /// Reads the text of a vehicle file; `file` is only named in errors.
    ///
    /// # Errors
    /// [`VehicleError`] where the text is no TOML, has an unknown or missing key, or a value that no car has.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, VehicleError> {
        let parameters: Self = toml::from_str(text)
            .map_err(|error| VehicleError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        parameters.check(file)?;
        Ok(parameters)
    }

    /// Whether every value is one that a car can have; `file` is only named in errors.
    ///
    /// # Errors
    /// [`VehicleError::OutOfRange`] or [`VehicleError::Contradiction`] with the first field that is wrong.
    pub fn check(&self, file: &str) -> Result<(), VehicleError> {
        let ranges = [
            ("wheelbase_m", self.wheelbase_m, 0.5, 12.0),
            ("length_m", self.length_m, 0.5, 25.0),
            ("width_m", self.width_m, 0.3, 4.0),
            ("height_m", self.height_m, 0.3, 5.0),
            ("rear_overhang_m", self.rear_overhang_m, 0.0, 8.0),
            ("mass_kg", self.mass_kg, 50.0, 80_000.0),
            ("max_steering_angle_rad", self.max_steering_angle_rad, 0.05, 1.4),
            ("max_steering_rate_rad_s", self.max_steering_rate_rad_s, 0.02, 10.0),
            ("max_acceleration_mps2", self.max_acceleration_mps2, 0.1, 20.0),
            ("max_deceleration_mps2", self.max_deceleration_mps2, 0.5, 20.0),
            ("steering_lag_s", self.steering_lag_s, 0.0, 2.0),
            ("acceleration_lag_s", self.acceleration_lag_s, 0.0, 2.0),
            ("understeer_gradient_rad_s2_m", self.understeer_gradient_rad_s2_m, -0.05, 0.05),
            ("rear_slip_gradient_rad_s2_m", self.rear_slip_gradient_rad_s2_m, 0.0, 0.05),
        ];
        for (field, value, least, most) in ranges {
            // Written so that NaN is refused too.
            if !(value >= least && value <= most) {
                return Err(VehicleError::OutOfRange { file: file.to_owned(), field, value, least, most });
            }
        }
        if self.rear_overhang_m + self.wheelbase_m > self.length_m {
            return Err(VehicleError::Contradiction {
                file: file.to_owned(),
                field: "length_m",
                problem: "shorter than rear_overhang_m + wheelbase_m: the front wheels would stand before the bumper",
            });
        }
        Ok(())
    }

    /// From `base_link` to the front bumper, metres.
    #[must_use]
    pub fn front_m(&self) -> f64 {
        self.length_m - self.rear_overhang_m
    }

    /// The ground that the car covers when its `base_link` is at the given pose.
    #[must_use]
    pub fn footprint(&self, base_link: &Pose2) -> OrientedBox {
        let center = base_link.to_parent(Vec2::new(self.front_m() - self.length_m / 2.0, 0.0));
        OrientedBox::new(Pose2::new(center.x, center.y, base_link.yaw), self.length_m, self.width_m)
    }

    /// Curvature of the path of `base_link` at a front wheel angle, 1/m, left positive (kinematic bicycle).
    #[must_use]
    pub fn curvature(&self, steering_angle_rad: f64) -> f64 {
        tan(steering_angle_rad) / self.wheelbase_m
    }

    /// The front wheel angle that makes a curvature, rad (kinematic bicycle, without the actuator's limit).
    #[must_use]
    pub fn steering_angle(&self, curvature: f64) -> f64 {
        atan(self.wheelbase_m * curvature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEDAN: &str = include_str!("../../../configs/vehicles/auriga-sedan.toml");

    #[test]
    fn the_file_and_the_default_are_the_same_car() {
        assert_eq!(VehicleParameters::from_toml(SEDAN, "sedan").unwrap(), VehicleParameters::default());
    }

    #[test]
    fn errors_name_file_and_field() {
        let check = |from: &str, to: &str, names: &[&str]| {
            let text = SEDAN.replace(from, to);
            assert_ne!(text, SEDAN);
            let error = VehicleParameters::from_toml(&text, "car.toml").unwrap_err().to_string();
            for name in names {
                assert!(error.contains(name), "{error:?} lacks {name:?}");
            }
        };
        check("wheelbase_m = 2.8", "wheelbase_m = -2.8", &["car.toml", "wheelbase_m", "-2.8"]);
        check("wheelbase_m = 2.8", "wheelbase_m = nan", &["car.toml", "wheelbase_m"]);
        check("wheelbase_m = 2.8", "wheelbase_mm = 2800.0", &["car.toml", "wheelbase_mm"]);
        check("length_m = 4.6", "length_m = 3.0", &["car.toml", "length_m", "shorter"]);
        check("mass_kg = 1600.0", "mass_kg = \"heavy\"", &["car.toml", "mass_kg"]);
        check("mass_kg = 1600.0", "", &["car.toml", "mass_kg"]);
    }

    proptest! {
        #[test]
        fn the_footprint_reaches_from_bumper_to_bumper(x in -1e3..1e3, y in -1e3..1e3, yaw in -3.1..3.1) {
            let car = VehicleParameters::default();
            let pose = Pose2::new(x, y, yaw);
            let local = car.footprint(&pose).corners().map(|corner| pose.to_local(corner));
            for (corner, (ahead, left)) in local.iter().zip([(3.65, 0.925), (-0.95, 0.925), (-0.95, -0.925), (3.65, -0.925)]) {
                prop_assert!((corner.x - ahead).abs() < 1e-9 && (corner.y - left).abs() < 1e-9);
            }
        }

        #[test]
        fn curvature_and_angle_are_inverse(angle in -0.6..0.6) {
            let car = VehicleParameters::default();
            prop_assert!((car.steering_angle(car.curvature(angle)) - angle).abs() < 1e-12);
        }
    }
}
