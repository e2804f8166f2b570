//! The stack's controller on the simulator's car, and the harness itself.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_control::{Controller, ControllerConfig, LateralLaw, LateralReport, MpcConfig};
use auriga_evaluation::control::{
    Condition, Course, Drive, Follower, Knowledge, Motion, RecordedPath, TEST_CURVES, TestCurve, Textbook,
    Tracking,
};
use auriga_geometry::math::TAU;
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2};
use auriga_hal::SensorRig;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_sim_bridge::plant::{Command, Plant, PlantParameters};
use auriga_vehicle::VehicleParameters;
use auriga_vehicle::path_model::{Along, HEADING, SingleTrack, WHEEL};
use std::collections::VecDeque;
use std::io::Write;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../configs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn plant() -> PlantParameters {
    PlantParameters::from_toml(&read("vehicles/auriga-sedan-plant.toml"), "plant").unwrap()
}

fn vehicle() -> VehicleParameters {
    VehicleParameters::from_toml(&read("vehicles/auriga-sedan.toml"), "sedan").unwrap()
}

/// The controller, and what it said of itself.
struct Ours {
    controller: Controller,
    fall_backs: usize,
    errors: usize,
    residual: f64,
    angles: Vec<u32>,
}

impl Ours {
    fn new(config: ControllerConfig) -> Self {
        let controller = Controller::new(config, vehicle()).unwrap();
        Self { controller, fall_backs: 0, errors: 0, residual: 0.0, angles: Vec::new() }
    }
}

impl Follower for Ours {
    fn step(
        &mut self,
        now: LogicalTime,
        t: &Trajectory,
        e: &Odometry,
        v: &VehicleState,
        command: &mut Control,
    ) {
        if self.controller.step(now, Some(t), Some(e), Some(v), command).is_err() {
            self.errors += 1;
        }
        match self.controller.lateral_report() {
            LateralReport::Predictive(report) => self.residual = self.residual.max(report.residual),
            LateralReport::FallBack(_) => self.fall_backs += 1,
            LateralReport::Held | LateralReport::Feedback => {}
        }
        self.angles.push(command.lateral.steering_tire_angle.to_bits());
    }

    fn fall_backs(&self) -> usize {
        self.fall_backs
    }
}

fn drive(course: &Course, motion: &Motion, condition: &Condition, follower: &mut dyn Follower) -> Tracking {
    let rig = SensorRig::from_toml(&read("sensors/default.toml"), "rig").unwrap();
    Drive { course, motion, plant: &plant(), rig: &rig, condition, seed: 1 }.run(follower, None)
}

fn on_curve(curve: &TestCurve, asked: f64, condition: &Condition) -> (Tracking, Ours) {
    let (course, motion) = curve.build(asked);
    let mut ours = Ours::new(ControllerConfig::default());
    (drive(&course, &motion, condition, &mut ours), ours)
}

fn on_all_curves(asked: f64, condition: &Condition, aim: f64) {
    for curve in &TEST_CURVES {
        let (tracking, ours) = on_curve(curve, asked, condition);
        let rms = tracking.lateral_m.rms.unwrap();
        assert!(!tracking.is_lost && rms <= aim, "{}: {rms} m RMS", curve.name);
        assert!(
            ours.fall_backs == 0 && ours.errors == 0 && ours.residual < 1e-8,
            "{}: {}",
            curve.name,
            ours.residual
        );
    }
}

#[test]
fn all_curves_up_to_3_mps2_are_tracked_within_5_cm() {
    on_all_curves(3.0, &Condition::PLAIN, 0.05);
}

#[test]
fn all_curves_at_80_percent_of_the_grip_are_tracked_within_10_cm() {
    on_all_curves(0.8 * 0.95 * 9.806_65, &Condition::PLAIN, 0.10);
    on_all_curves(0.8 * 0.3 * 9.806_65, &Condition { friction: 0.3, ..Condition::PLAIN }, 0.10);
}

#[test]
fn wrong_parameters_wind_and_a_told_delay_are_borne() {
    let conditions = [
        Condition { factors: [0.8, 1.2, 1.2, 1.2], ..Condition::PLAIN },
        Condition { factors: [1.2, 0.8, 1.2, 1.2], ..Condition::PLAIN },
        Condition { gusts_n: 1000.0, ..Condition::PLAIN },
        Condition { knowledge: Knowledge::Noisy, ..Condition::PLAIN },
        Condition { tilt: (0.07, 0.0), ..Condition::PLAIN },
    ];
    for condition in &conditions {
        on_all_curves(3.0, condition, 0.10);
    }
    let late = Condition { delay_s: 0.2, ..Condition::PLAIN };
    for curve in &TEST_CURVES {
        let (course, motion) = curve.build(3.0);
        let config = ControllerConfig { dead_time_s: 0.21, ..ControllerConfig::default() };
        let tracking = drive(&course, &motion, &late, &mut Ours::new(config));
        assert!(tracking.lateral_m.rms.unwrap() < 0.06, "{}", curve.name);
    }
}

#[test]
fn when_the_solver_fails_the_feedback_law_drives() {
    // No answer is as exact as that: every tick falls back.
    let mpc = MpcConfig { residual_max: 1e-300, ..MpcConfig::default() };
    let config = ControllerConfig { mpc, ..ControllerConfig::default() };
    let (course, motion) = TEST_CURVES[3].build(2.0);
    let mut fallen = Ours::new(config.clone());
    let by_fall_back = drive(&course, &motion, &Condition::PLAIN, &mut fallen);
    assert!(fallen.fall_backs as f64 > 0.9 * motion.duration() * 100.0, "{}", fallen.fall_backs);
    assert!(matches!(fallen.controller.lateral_report(), LateralReport::FallBack(_)));
    // And it is the same law that can be asked for.
    let mut asked =
        Ours::new(ControllerConfig { lateral_law: LateralLaw::Feedback, ..ControllerConfig::default() });
    let as_asked = drive(&course, &motion, &Condition::PLAIN, &mut asked);
    let difference = by_fall_back.lateral_m.rms.unwrap() - as_asked.lateral_m.rms.unwrap();
    assert!(!by_fall_back.is_lost && difference.abs() < 0.01, "{difference}");
    assert!(by_fall_back.lateral_m.magnitude_max().unwrap() < 0.5);
}

#[test]
fn the_same_drive_gives_the_same_bits() {
    let noisy = Condition { knowledge: Knowledge::Noisy, ..Condition::PLAIN };
    let (_, first) = on_curve(&TEST_CURVES[16], 3.0, &noisy);
    let (_, second) = on_curve(&TEST_CURVES[16], 3.0, &noisy);
    assert!(first.angles.len() > 500 && first.angles == second.angles);
}

#[test]
fn it_pulls_away_drives_clothoids_and_stands_where_it_should() {
    let (course, motion) = TestCurve::at_speed(6.0).build_from_stand_to_stand(2.0);
    for climb in [0.0, 0.08, -0.08] {
        let condition = Condition { tilt: (0.0, climb), ..Condition::PLAIN };
        let tracking = drive(&course, &motion, &condition, &mut Ours::new(ControllerConfig::default()));
        assert!(tracking.lateral_m.magnitude_max().unwrap() < 0.1, "{:?}", tracking.lateral_m);
        assert!(tracking.speed_mps.magnitude_max().unwrap() < 0.4, "{climb}: {:?}", tracking.speed_mps);
    }
}

/// What `auriga-sedan.toml` says of its tyres and its steering, as circles and a step of the simulated car show it.
#[test]
fn the_stack_believes_of_its_car_what_circles_and_a_step_show() {
    let model = SingleTrack::new(&vehicle());
    for (speed, wheel) in [(10.0, 0.03), (15.0, 0.03), (20.0, 0.022), (25.0, 0.022)] {
        let mut car = Plant::new(&plant(), Pose2::default(), speed, LogicalTime::ZERO);
        let mut queue = VecDeque::new();
        let mut now = LogicalTime::ZERO;
        for _ in 0..1500 {
            let acceleration = 2.0 * (speed - car.state().speed);
            queue
                .push_back((now, Command { active: true, steering_angle: wheel, acceleration, hold: false }));
            now += LogicalDuration::from_millis(10);
            car.advance(now, &mut queue);
        }
        let state = *car.state();
        let curvature = state.yaw_rate / state.speed;
        let believed = model.steady_turn(&Along { speed: state.speed, curvature, bank: 0.0 });
        let slip = -state.lateral_speed / state.speed;
        let pull = state.yaw_rate * state.speed;
        assert!((believed[WHEEL] / wheel - 1.0).abs() < 0.05, "{pull} m/s²: {} {wheel}", believed[WHEEL]);
        assert!((believed[HEADING] / slip - 1.0).abs() < 0.10, "{pull} m/s²: {} {slip}", believed[HEADING]);
    }
    let mut car = Plant::new(&plant(), Pose2::default(), 10.0, LogicalTime::ZERO);
    let step = Command { active: true, steering_angle: 0.02, acceleration: 0.0, hold: false };
    let mut queue = VecDeque::from([(LogicalTime::ZERO, step)]);
    car.advance(LogicalTime::ZERO + LogicalDuration::from_secs_f64(vehicle().steering_lag_s), &mut queue);
    // After one time constant 1 − 1/e.
    assert!((car.state().steering_angle / 0.02 - 0.632).abs() < 0.03, "{}", car.state().steering_angle);
}

#[test]
fn courses_are_what_their_curvature_says() {
    let circle = Course::of_curvature(TAU * 25.0, |_| 1.0 / 25.0);
    assert!(circle.at(circle.length()).0.distance(&Pose2::default()) < 0.1);
    // Beside it: 0.3 m to the left, turned by 0.02 rad.
    let (at, _) = circle.at(40.0);
    let pose = at.compose(&Pose2::new(0.0, 0.3, 0.02));
    let beside = circle.beside(&pose, 42.0);
    assert!(
        (beside.lateral - 0.3).abs() < 1e-3
            && (beside.heading - 0.02).abs() < 1e-3
            && (beside.s - 40.0).abs() < 0.05
    );
    let names: std::collections::BTreeSet<_> = TEST_CURVES.iter().map(|curve| curve.name).collect();
    assert_eq!(names.len(), 25);
    for curve in &TEST_CURVES {
        let (course, motion) = curve.build(3.0);
        let asked = course.sharpest(0.0, course.length()) * curve.speed * curve.speed;
        assert!(asked <= 3.0 + 1e-6, "{}: {asked}", curve.name);
        assert!(motion.duration() > 4.0 && motion.duration() < 80.0, "{}: {}", curve.name, motion.duration());
        if curve.name.starts_with("lane change") {
            let end = course.at(course.length()).0;
            assert!((end.y - 3.5).abs() < 0.1 && end.yaw.abs() < 1e-3, "{}: {end:?}", curve.name);
        }
    }
}

#[test]
fn motion_from_stand_to_stand_ends_at_the_end() {
    let motion = Motion::from_stand_to_stand(100.0, 8.0, 1.5, 0.6);
    let (s, v, _) = motion.at(motion.duration());
    assert!((s - 100.0).abs() < 1.0 && v == 0.0, "{s} {v}");
    let fastest = (0..4000).map(|i| motion.at(f64::from(i) * 0.01).1).fold(0.0, f64::max);
    assert!((fastest - 8.0).abs() < 0.5, "{fastest}");
}

#[test]
fn the_textbooks_laws_follow_a_circle() {
    let (course, motion) = TEST_CURVES[3].build(2.0);
    for mut law in [Textbook::PurePursuit { time: 0.4 }, Textbook::Stanley { gain: 2.0 }] {
        let tracking = drive(&course, &motion, &Condition::PLAIN, &mut law);
        assert!(
            tracking.lateral_m.magnitude_max().unwrap() < 0.5,
            "{}: {:?}",
            law.name(),
            tracking.lateral_m
        );
    }
}

#[test]
fn recorded_paths_are_driven() {
    let data = std::path::PathBuf::from(std::env::var("AURIGA_DATA").unwrap_or_default());
    let poses = data.join("comma2k19/example_1/global_pose");
    let oxts = data.join("kitti_raw/drive_0005/oxts.txt");
    if !poses.exists() || !oxts.exists() {
        assert!(
            std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"),
            "no {} or {}",
            poses.display(),
            oxts.display()
        );
        let _ = writeln!(std::io::stderr(), "skipped: no {} or {}", poses.display(), oxts.display());
        return;
    }
    let file = |name| std::fs::read(poses.join(name)).unwrap();
    let comma = RecordedPath::comma2k19(&file("frame_positions"), &file("frame_times")).unwrap();
    // 1011.8 m by its own poses (../shared/data/comma2k19/README.md).
    assert!((comma.course.length() - 1011.8).abs() < 3.0, "{}", comma.course.length());
    let oxts = std::fs::read_to_string(oxts).unwrap();
    let kitti = RecordedPath::kitti(&oxts).unwrap();
    // The INS's own forward speed, its ninth column, summed over samples 0.1036 s apart.
    let speeds = oxts.lines().filter_map(|line| line.split_whitespace().nth(8)?.parse::<f64>().ok());
    let driven = 0.1036 * speeds.sum::<f64>();
    assert!((kitti.course.length() - driven).abs() < 2.0, "{} {driven}", kitti.course.length());
    for path in [comma, kitti] {
        let tracking =
            drive(&path.course, &path.motion, &Condition::PLAIN, &mut Ours::new(ControllerConfig::default()));
        assert!(
            !tracking.is_lost && tracking.lateral_m.rms.unwrap() < 0.05,
            "{}: {:?}",
            path.name,
            tracking.lateral_m
        );
    }
}
