//! The plant against closed forms.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed unwrap is a failed test")]

mod town;

use auriga_geometry::math::{cos, exp, hypot, ln, sin, tan};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2};
use auriga_sim_bridge::plant::{Command, Plant, PlantParameters, Push};
use proptest::prelude::*;
use std::collections::VecDeque;

fn parameters() -> PlantParameters {
    PlantParameters::from_toml(&town::read("configs/vehicles/auriga-sedan-plant.toml"), "plant").unwrap()
}

/// Drives for `seconds` with the command that `choose` gives every 10 ms.
fn drive(plant: &mut Plant, start: f64, seconds: f64, mut choose: impl FnMut(&Plant) -> Option<Command>) {
    let mut queue = VecDeque::new();
    let mut now = LogicalTime::ZERO + LogicalDuration::from_secs_f64(start);
    for _ in 0..(seconds * 100.0) as usize {
        if let Some(command) = choose(plant) {
            queue.push_back((now, command));
        }
        now += LogicalDuration::from_millis(10);
        plant.advance(now, &mut queue);
    }
}

fn command(steering_angle: f64, acceleration: f64) -> Command {
    Command { active: true, steering_angle, acceleration, hold: false }
}

fn cruise(plant: &Plant, speed: f64, steering_angle: f64) -> Option<Command> {
    Some(command(steering_angle, (2.0 * (speed - plant.state().speed)).clamp(-3.0, 3.0)))
}

#[test]
fn a_steady_circle_has_the_single_track_models_radius() {
    // Rajamani (2012), equation 3.12: δ = L / R + K_us v² / R, K_us = m (l_r C_r − l_f C_f) / (C_f C_r L).
    let p = parameters();
    let (rear, front) = (p.body.gravity_centre_m, p.body.wheelbase_m - p.body.gravity_centre_m);
    let (cf, cr) = (p.tyres.front_stiffness_n_per_rad, p.tyres.rear_stiffness_n_per_rad);
    let understeer = p.body.mass_kg * (rear * cr - front * cf) / (cf * cr * p.body.wheelbase_m);
    for (speed, delta) in [(5.0, 0.10), (10.0, 0.03), (14.0, 0.012)] {
        let mut plant = Plant::new(&p, Pose2::default(), speed, LogicalTime::ZERO);
        drive(&mut plant, 0.0, 15.0, |plant| cruise(plant, speed, delta));
        let v = plant.state().speed;
        let expected = v * delta / (p.body.wheelbase_m + understeer * v * v);
        let ratio = plant.state().yaw_rate / expected;
        assert!((ratio - 1.0).abs() < 0.015, "v {v} δ {delta}: {} {expected}", plant.state().yaw_rate);
        let lateral = plant.state().lateral_acceleration;
        assert!((lateral - v * plant.state().yaw_rate).abs() < 0.01, "{lateral}");
    }
}

#[test]
fn at_walking_pace_it_turns_as_its_geometry_says() {
    let p = parameters();
    let mut plant = Plant::new(&p, Pose2::default(), 0.8, LogicalTime::ZERO);
    drive(&mut plant, 0.0, 10.0, |plant| cruise(plant, 0.8, 0.4));
    let expected = plant.state().speed * tan(0.4) / p.body.wheelbase_m;
    assert!((plant.state().yaw_rate - expected).abs() < 1e-3);
    assert!(plant.state().lateral_speed.abs() < 1e-9);
}

#[test]
fn the_braking_distance_is_that_of_the_lag_and_the_deceleration() {
    // With a first-order lag τ the car rolls about v τ further than v² / 2a, less a τ² / 2 at the end.
    let p = parameters();
    for (speed, braking) in [(10.0, 3.0), (14.0, 5.0), (8.0, 2.0)] {
        let mut plant = Plant::new(&p, Pose2::default(), speed, LogicalTime::ZERO);
        drive(&mut plant, 0.0, 12.0, |_| Some(command(0.0, -braking)));
        let lag = p.drive.brake_lag_s;
        let expected = speed * speed / (2.0 * braking) + speed * lag - braking * lag * lag / 2.0;
        let driven = plant.state().pose.x;
        assert_eq!(plant.state().speed, 0.0);
        assert!((driven - expected).abs() < 0.02 * expected, "{driven} {expected}");
    }
}

#[test]
fn kinetic_energy_is_the_work_of_the_drive_less_the_losses() {
    // Per kilogram: the drive's force follows its command with a first-order lag; rolling and air take what the control
    // unit does not make up for.
    let p = parameters();
    let mut plant = Plant::new(&p, Pose2::default(), 2.0, LogicalTime::ZERO);
    let (mut work, mut before, mut time) = (0.0, 2.0, 0.0);
    let lost = 1.0 - p.drive.resistance_compensation;
    let air = 0.5 * 1.2 * p.body.drag_area_m2 / p.body.mass_kg;
    drive(&mut plant, 0.0, 8.0, |plant| {
        let v = (plant.state().speed + before) / 2.0;
        let resistance = (air * v * v + p.body.rolling_resistance * 9.806_65) * lost;
        if time > 0.0 {
            let force = 1.5 * (1.0 - exp(-(time - 0.005) / p.drive.drive_lag_s));
            work += (force - resistance) * v * 0.01;
        }
        before = plant.state().speed;
        time += 0.01;
        Some(command(0.0, 1.5))
    });
    let gained = (before * before - 2.0 * 2.0) / 2.0;
    assert!((work - gained).abs() < 0.005 * gained, "{work} {gained}");
    assert!(gained > 60.0);
}

#[test]
fn side_wind_drifts_it_as_the_tyres_yield() {
    // Straight wheels, a side force at the centre of gravity: both axles slip until their tyres carry it, and the car turns
    // by F · K_us / m, as if the wheels were turned by so much (Rajamani 2012, section 3.3).
    let p = parameters();
    let (rear, front) = (p.body.gravity_centre_m, p.body.wheelbase_m - p.body.gravity_centre_m);
    let (cf, cr) = (p.tyres.front_stiffness_n_per_rad, p.tyres.rear_stiffness_n_per_rad);
    let understeer = p.body.mass_kg * (rear * cr - front * cf) / (cf * cr * p.body.wheelbase_m);
    let (speed, force) = (20.0, 800.0);
    let mut plant = Plant::new(&p, Pose2::default(), speed, LogicalTime::ZERO);
    plant.push(Push { left_n: force, ..Push::default() });
    drive(&mut plant, 0.0, 8.0, |plant| cruise(plant, speed, 0.0));
    let v = plant.state().speed;
    let expected = v * force / p.body.mass_kg * understeer / (p.body.wheelbase_m + understeer * v * v);
    assert!((plant.state().yaw_rate / expected - 1.0).abs() < 0.02, "{} {expected}", plant.state().yaw_rate);
}

#[test]
fn on_a_slope_brakes_hold_it_and_without_them_it_rolls() {
    let p = parameters();
    let slope = Push { forward_n: 0.08 * 9.806_65 * p.body.mass_kg, ..Push::default() };
    let held = Command { active: true, steering_angle: 0.0, acceleration: -1.5, hold: true };
    let mut plant = Plant::new(&p, Pose2::default(), 0.0, LogicalTime::ZERO);
    plant.push(slope);
    drive(&mut plant, 0.0, 1.0, |_| Some(held));
    drive(&mut plant, 1.0, 3.0, |_| Some(held));
    let crept = plant.state().pose.x;
    assert!(plant.state().speed == 0.0 && crept < 0.1, "{crept}");
    drive(&mut plant, 4.0, 2.0, |_| Some(command(0.0, 0.0)));
    // The brake lets go with the drive's lag; the car rolls from the instant at which it no longer holds.
    let left_over = 1.0 - p.drive.resistance_compensation;
    let pull = 9.806_65 * (0.08 - p.body.rolling_resistance * left_over);
    let (lag, begins) = (p.drive.drive_lag_s, p.drive.drive_lag_s * ln(1.5 / pull));
    let expected = pull * (2.0 - begins) - 1.5 * lag * (pull / 1.5 - exp(-2.0 / lag));
    assert!((plant.state().speed - expected).abs() < 0.01, "{} {expected}", plant.state().speed);
}

#[test]
fn standing_it_does_not_drift() {
    let p = parameters();
    let start = Pose2::new(3.0, 4.0, 0.7);
    let mut plant = Plant::new(&p, start, 0.0, LogicalTime::ZERO);
    drive(&mut plant, 0.0, 20.0, |_| {
        Some(Command { active: true, steering_angle: 0.3, acceleration: -0.5, hold: true })
    });
    assert_eq!(plant.state().pose, start);
    assert_eq!(plant.state().speed, 0.0);
}

#[test]
fn without_commands_it_stops_by_itself() {
    let p = parameters();
    let mut plant = Plant::new(&p, Pose2::default(), 12.0, LogicalTime::ZERO);
    drive(&mut plant, 0.0, 1.0, |plant| cruise(plant, 12.0, 0.0));
    drive(&mut plant, 1.0, 0.15, |_| None);
    assert!(plant.state().speed > 11.9, "within the time-out nothing changes");
    drive(&mut plant, 1.15, 6.0, |_| None);
    assert_eq!(plant.state().speed, 0.0);
}

#[test]
fn a_command_acts_at_its_instant_and_not_before() {
    let p = parameters();
    let at = LogicalTime::ZERO + LogicalDuration::from_millis(25);
    let mut plant = Plant::new(&p, Pose2::default(), 10.0, LogicalTime::ZERO);
    let mut queue = VecDeque::from([(at, command(0.0, -8.0))]);
    plant.advance(at, &mut queue);
    assert_eq!(queue.len(), 1);
    let speed = plant.state().speed;
    plant.advance(at + LogicalDuration::from_millis(1), &mut queue);
    assert!(queue.is_empty() && plant.state().speed < speed);
}

#[test]
fn mistakes_name_file_line_and_field() {
    let text = town::read("configs/vehicles/auriga-sedan-plant.toml");
    let check = |from: &str, to: &str, parts: &[&str]| {
        assert!(text.contains(from));
        let error = PlantParameters::from_toml(&text.replace(from, to), "p.toml").unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    };
    check("mass_kg = 1600.0", "mass_kg = -1.0", &["p.toml", "line 12", "body.mass_kg"]);
    check("mass_kg", "mass_lb", &["p.toml", "mass_lb"]);
    check("friction = 0.95", "friction = \"much\"", &["p.toml", "friction"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_commanded_it_stays_finite_and_forward(
        speed in 0.0..25.0,
        commands in prop::collection::vec((-2.0..2.0, -20.0..20.0), 1..20),
    ) {
        let p = parameters();
        let mut plant = Plant::new(&p, Pose2::default(), speed, LogicalTime::ZERO);
        for (i, &(steering, acceleration)) in commands.iter().enumerate() {
            drive(&mut plant, i as f64 * 0.3, 0.3, |_| Some(command(steering, acceleration)));
            let s = plant.state();
            prop_assert!(s.speed >= 0.0 && s.speed.is_finite() && s.yaw_rate.is_finite() && s.lateral_speed.is_finite());
            prop_assert!(s.steering_angle.abs() <= p.steering.max_angle_rad + 1e-9);
            // Tyres hold the car to what grip allows.
            prop_assert!(hypot(s.acceleration, s.lateral_acceleration) < 1.6 * p.tyres.friction * 9.81, "{:?}", s);
        }
    }

    #[test]
    fn mirrored_steering_gives_the_mirrored_path(speed in 1.0..15.0, steering in 0.01..0.2) {
        let p = parameters();
        let run = |sign: f64| {
            let mut plant = Plant::new(&p, Pose2::default(), speed, LogicalTime::ZERO);
            drive(&mut plant, 0.0, 3.0, |plant| cruise(plant, speed, sign * steering));
            *plant.state()
        };
        let (a, b) = (run(1.0), run(-1.0));
        prop_assert!((a.pose.x - b.pose.x).abs() < 1e-9 && (a.pose.y + b.pose.y).abs() < 1e-9);
        prop_assert!((sin(a.pose.yaw) + sin(b.pose.yaw)).abs() < 1e-9 && (cos(a.pose.yaw) - cos(b.pose.yaw)).abs() < 1e-9);
    }
}
