//! The parameters of one vehicle (`configs/vehicles/*.toml`).

use crate::{SpeedTable, VehicleError};
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
    /// Rear axle to centre of gravity, metres.
    pub gravity_centre_m: f64,
    /// About the vertical axis, kg·m².
    pub yaw_inertia_kgm2: f64,
    /// Cornering stiffness of both front tyres, N/rad.
    pub front_stiffness_n_per_rad: f64,
    /// Cornering stiffness of both rear tyres, N/rad.
    pub rear_stiffness_n_per_rad: f64,
    /// Friction coefficient that the tyres are believed to find.
    pub friction: f64,
    /// Time constant from a commanded to the real deceleration, seconds.
    pub brake_lag_s: f64,
    /// Greatest acceleration of the drive by speed, m/s².
    pub drive_map: SpeedTable,
    /// Greatest deceleration of the brakes by speed, m/s², positive.
    pub brake_map: SpeedTable,
    /// Drag coefficient times frontal area, m².
    pub drag_area_m2: f64,
    /// Rolling resistance as a share of the weight.
    pub rolling_resistance: f64,
    /// Share of drag and rolling resistance that the car's own control unit makes up for.
    pub resistance_compensation: f64,
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
            steering_lag_s: 0.06,
            acceleration_lag_s: 0.2,
            gravity_centre_m: 1.45,
            yaw_inertia_kgm2: 2700.0,
            front_stiffness_n_per_rad: 145_000.0,
            rear_stiffness_n_per_rad: 160_000.0,
            friction: 1.1,
            brake_lag_s: 0.1,
            drive_map: SpeedTable(vec![[0.0, 3.0]]),
            brake_map: SpeedTable(vec![[0.0, 8.0]]),
            drag_area_m2: 0.65,
            rolling_resistance: 0.012,
            resistance_compensation: 0.8,
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
            ("gravity_centre_m", self.gravity_centre_m, 0.0, 12.0),
            ("yaw_inertia_kgm2", self.yaw_inertia_kgm2, 10.0, 1e7),
            ("front_stiffness_n_per_rad", self.front_stiffness_n_per_rad, 1e3, 1e7),
            ("rear_stiffness_n_per_rad", self.rear_stiffness_n_per_rad, 1e3, 1e7),
            ("friction", self.friction, 0.05, 2.0),
            ("brake_lag_s", self.brake_lag_s, 0.0, 2.0),
            ("drag_area_m2", self.drag_area_m2, 0.0, 20.0),
            ("rolling_resistance", self.rolling_resistance, 0.0, 0.2),
            ("resistance_compensation", self.resistance_compensation, 0.0, 1.0),
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
        for (field, table) in [("drive_map", &self.drive_map), ("brake_map", &self.brake_map)] {
            if let Some(problem) = table.problem() {
                return Err(VehicleError::Contradiction { file: file.to_owned(), field, problem });
            }
        }
        // Written so that an axle that carries nothing is refused too.
        if self.gravity_centre_m <= 0.0 || self.gravity_centre_m >= self.wheelbase_m {
            return Err(VehicleError::Contradiction {
                file: file.to_owned(),
                field: "gravity_centre_m",
                problem: "not between the axles",
            });
        }
        Ok(())
    }

    /// Extra wheel angle that a lateral acceleration needs, rad per m/s² (Rajamani 2012, equation 3.12).
    #[must_use]
    pub fn understeer_gradient(&self) -> f64 {
        let to_front = self.wheelbase_m - self.gravity_centre_m;
        let per_axle = self.mass_kg / self.wheelbase_m;
        per_axle
            * (self.gravity_centre_m / self.front_stiffness_n_per_rad
                - to_front / self.rear_stiffness_n_per_rad)
    }

    /// Angle by which the rear tyres slip outwards under lateral acceleration, rad per m/s²: the car's heading then points
    /// that much into the curve.
    #[must_use]
    pub fn rear_slip_gradient(&self) -> f64 {
        let to_front = self.wheelbase_m - self.gravity_centre_m;
        self.mass_kg * to_front / (self.wheelbase_m * self.rear_stiffness_n_per_rad)
    }

    /// Deceleration by air and rolling that the control unit leaves, m/s² (air of 1.2 kg/m³).
    #[must_use]
    pub fn resistance(&self, speed: f64) -> f64 {
        let air = 0.6 * self.drag_area_m2 * speed * speed / self.mass_kg;
        (air + 9.806_65 * self.rolling_resistance) * (1.0 - self.resistance_compensation)
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
        check(
            "gravity_centre_m = 1.45",
            "gravity_centre_m = 2.9",
            &["gravity_centre_m", "between the axles"],
        );
        check("brake_map = [[0.0, 8.0]]", "brake_map = [[5.0, 8.0], [5.0, 7.0]]", &["brake_map", "ascend"]);
        check("friction = 1.1", "friction = nan", &["friction"]);
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
