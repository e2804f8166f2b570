//! The speed law: slopes, resistances, what drive and brakes can do, and no winding up.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_control::{Controller, ControllerConfig, Status};
use auriga_geometry::math::sin;
use auriga_geometry::{LogicalDuration, LogicalTime, Pose3, Vec3};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::nav_msgs::Odometry;
use auriga_vehicle::{SpeedTable, VehicleParameters};

/// A straight road that climbs, driven at a steady speed.
fn plan(now: LogicalTime, x: f64, speed: f64, climb: f64) -> Trajectory {
    let mut trajectory = Trajectory::default();
    trajectory.header.stamp = now.into();
    for i in 0..50 {
        let t = 0.1 * f64::from(i);
        let pose = Pose3::from_euler(Vec3::new(x + speed * t, 0.0, 0.0), 0.0, -climb, 0.0);
        trajectory.points.push(TrajectoryPoint {
            time_from_start: LogicalDuration::from_secs_f64(t).into(),
            pose: (&pose).into(),
            longitudinal_velocity_mps: speed as f32,
            ..TrajectoryPoint::default()
        });
    }
    trajectory
}

/// A controller whose car does what the test says.
struct Bench {
    controller: Controller,
    now: LogicalTime,
    status: Status,
}

impl Bench {
    fn new(car: VehicleParameters) -> Self {
        let controller = Controller::new(ControllerConfig::default(), car).unwrap();
        Self { controller, now: LogicalTime::ZERO, status: Status::NoEgo }
    }

    /// The command after so many ticks at a speed, with the plan's speed and climb, and the climb measured.
    fn command(&mut self, ticks: usize, speed: f64, planned: f64, told: f64, measured: f64) -> f64 {
        let mut command = Control::default();
        for _ in 0..ticks {
            self.now += LogicalDuration::from_millis(10);
            let mut ego = Odometry::default();
            ego.header.stamp = self.now.into();
            ego.pose.pose = (&Pose3::from_euler(Vec3::zeros(), 0.0, -measured, 0.0)).into();
            ego.twist.twist.linear.x = speed;
            let trajectory = plan(self.now, 0.0, planned, told);
            self.status =
                self.controller.step(self.now, Some(&trajectory), Some(&ego), None, &mut command).unwrap();
        }
        f64::from(command.longitudinal.acceleration)
    }
}

#[test]
fn a_slope_told_or_measured_is_made_up_for_with_the_resistances() {
    let car = VehicleParameters::default();
    for climb in [0.0, 0.08, -0.05] {
        let wanted = 9.806_65 * sin(climb) + car.resistance(12.0);
        for (told, measured) in [(climb, 0.0), (0.0, climb), (climb, climb)] {
            let command = Bench::new(car.clone()).command(60, 12.0, 12.0, told, measured);
            assert!((command - wanted).abs() < 0.02, "{told} {measured}: {command} {wanted}");
        }
    }
    // At 30 m/s air takes 0.5 · 1.2 · 0.65 · 900 / 1600, rolling 0.012 g; the car itself makes up for 80 %.
    assert!((car.resistance(30.0) - 0.2 * (0.219_375 + 0.117_68)).abs() < 1e-4);
}

#[test]
fn on_a_slope_it_holds_as_hard_as_the_slope_pulls() {
    for climb in [0.0, 0.1, -0.1] {
        let mut bench = Bench::new(VehicleParameters::default());
        let command = bench.command(50, 0.0, 0.0, climb, 0.0);
        assert_eq!(bench.status, Status::Holding);
        assert!(command < -0.55 - 9.8 * sin(climb).abs(), "{climb}: {command}");
    }
}

#[test]
fn more_than_the_maps_say_is_not_asked_for() {
    let drive_map = SpeedTable(vec![[5.0, 3.0], [15.0, 1.0]]);
    let brake_map = SpeedTable(vec![[0.0, 8.0], [30.0, 6.0]]);
    let car = VehicleParameters { drive_map, brake_map, ..VehicleParameters::default() };
    assert!((Bench::new(car.clone()).command(60, 15.0, 25.0, 0.0, 0.0) - 1.0).abs() < 1e-6);
    assert!((Bench::new(car.clone()).command(60, 10.0, 25.0, 0.0, 0.0) - 2.0).abs() < 1e-6);
    assert!((Bench::new(car).command(60, 30.0, 10.0, 0.0, 0.0) + 6.0).abs() < 1e-6);
}

#[test]
fn what_the_drive_can_not_give_does_not_wind_up() {
    let mut bench = Bench::new(VehicleParameters::default());
    assert!((bench.command(2000, 5.0, 15.0, 0.0, 0.0) - 3.0).abs() < 1e-6, "the drive's most");
    // There at last: nothing is left of the 20 s in which the car was too slow.
    let command = bench.command(50, 15.0, 15.0, 0.0, 0.0);
    assert!(command.abs() < 0.1, "{command}");
    // What the drive can give is made up for: an unknown pull of 0.3 m/s slower is worked off by the integral.
    let before = bench.command(1, 14.7, 15.0, 0.0, 0.0);
    let later = bench.command(300, 14.7, 15.0, 0.0, 0.0);
    assert!(later > before + 0.05, "{before} {later}");
}
