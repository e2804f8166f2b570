//! Localization on a drive with INS: fused, dead-reckoned, and from the scans alone.
//!
//! The INS stands in for the sensors (its forward speed and yaw rate as wheels and gyro), so this is no independent truth.

use crate::kitti;
use auriga_geometry::math::{TAU, cos, ln, wrap_angle};
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec2, Vec3};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};
use auriga_perception::localization::scan_matching::ScanMatcher;
use auriga_perception::localization::{Localizer, LocalizerConfig, TangentPlane};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Seconds between two INS rows and two scans.
pub const PERIOD_S: f64 = 0.1036;
/// The INS in `base_link`: from the recorded calibration and the lidar's place.
const INS: Vec3 = Vec3::new(-0.05, 0.32, 0.93);

/// The INS's rows as a drive of `base_link` on a plane.
pub struct Ins {
    pub poses: Vec<Pose2>,
    pub speed: Vec<f64>,
    pub yaw_rate: Vec<f64>,
    /// Latitude and longitude, degrees.
    pub degrees: Vec<(f64, f64)>,
    pub plane: TangentPlane,
    pub origin: (f64, f64),
}

impl Ins {
    /// The way by speed and yaw rate alone.
    fn summed(&self) -> Vec<Pose2> {
        let mut poses = vec![self.poses[0]];
        for k in 1..self.poses.len() {
            let turn = (self.yaw_rate[k - 1] + self.yaw_rate[k]) / 2.0 * PERIOD_S;
            let way = (self.speed[k - 1] + self.speed[k]) / 2.0 * PERIOD_S;
            let step = Pose2::new(way * cos(turn / 2.0), way * auriga_geometry::math::sin(turn / 2.0), turn);
            poses.push(poses[k - 1].compose(&step));
        }
        poses
    }
}

pub fn ins(data: &std::path::Path) -> Ins {
    let rows = kitti::oxts(data);
    let origin = (rows[0][0].to_radians(), rows[0][1].to_radians());
    let plane = TangentPlane::new(origin.0, origin.1);
    let poses = rows.iter().map(|r| {
        let yaw = r[5];
        let antenna = plane.to_plane(r[0], r[1]);
        let base = antenna - Pose2::new(0.0, 0.0, yaw).to_parent(INS.xy());
        Pose2::new(base.x, base.y, yaw)
    });
    Ins {
        poses: poses.collect(),
        speed: rows.iter().map(|r| r[8] + r[19] * INS.y).collect(),
        yaw_rate: rows.iter().map(|r| r[19]).collect(),
        degrees: rows.iter().map(|r| (r[0], r[1])).collect(),
        plane,
        origin,
    }
}

pub fn time(row: f64) -> LogicalTime {
    LogicalTime::from_nanos((row * PERIOD_S * 1e9) as i64 + 1_000_000_000)
}

fn noise(random: &mut Pcg64Mcg) -> f64 {
    let mut uniform = || (random.next_u64() as f64 + 0.5) / 18_446_744_073_709_551_616.0;
    let (a, b) = (uniform(), uniform());
    (-2.0 * ln(a)).sqrt() * cos(TAU * b)
}

/// Position error at each row, metres; fixes with 1 m of noise each `fix_every` rows, none after `until`.
fn run(ins: &Ins, seed: u64, fix_every: usize, until: usize) -> Vec<(f64, f64)> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let config = LocalizerConfig {
        origin_latitude: ins.origin.0,
        origin_longitude: ins.origin.1,
        gnss_lever_arm: INS.xy(),
        imu_pose: Pose3 { translation: INS, ..Pose3::default() },
        initial_pose: Some(ins.poses[0]),
        initial_sigma: (0.5, 0.05),
        ..LocalizerConfig::default()
    };
    let mut localizer = Localizer::new(config).unwrap();
    let mut out = Odometry::default();
    let mut errors = Vec::new();
    for k in 0..ins.poses.len() {
        let mut imu = Imu::default();
        imu.header.stamp = time(k as f64).into();
        imu.angular_velocity.z = ins.yaw_rate[k];
        let wheels = VehicleState { speed_mps: ins.speed[k], ..VehicleState::default() };
        let mut fix = NavSatFix { position_covariance_type: 2, ..NavSatFix::default() };
        fix.header.stamp = time(k as f64).into();
        (fix.position_covariance[0], fix.position_covariance[4]) = (1.0, 1.0);
        let truth = ins.plane.to_plane(ins.degrees[k].0, ins.degrees[k].1);
        let noisy = truth + Vec2::new(noise(&mut random), noise(&mut random));
        (fix.latitude, fix.longitude) = ins.plane.to_degrees(noisy);
        let is_fixed = k % fix_every == 0 && k < until;
        let handed = is_fixed.then_some(&fix);
        localizer.step(time(k as f64), &[&imu], &wheels, handed, &mut out).unwrap();
        let pose = Pose2::from(&out.pose.pose);
        errors.push((pose.distance(&ins.poses[k]), wrap_angle(pose.yaw - ins.poses[k].yaw).abs()));
    }
    errors
}

#[test]
fn a_noisy_fix_a_second_and_the_wheels_give_the_way() {
    let Some(data) = kitti::data() else { return };
    let ins = ins(&data);
    let way: f64 = ins.poses.windows(2).map(|p| p[0].distance(&p[1])).sum();
    let (mut squares, mut worst, mut count) = (0.0, 0.0_f64, 0.0);
    for seed in 0..10 {
        for (e, _) in run(&ins, seed, 10, usize::MAX) {
            squares += e * e;
            worst = worst.max(e);
            count += 1.0;
        }
    }
    let rms = f64::sqrt(squares / count);
    println!(
        "drive_0005, {way:.0} m, fixes of 1 m noise once a second, 10 seeds: rms {rms:.2} m, worst {worst:.2} m"
    );
    let alone = run(&ins, 0, 10, 1);
    let last = alone[alone.len() - 1];
    let share = last.0 / way * 100.0;
    println!(
        "drive_0005, position withheld: {:.2} m ({share:.1} %), heading {:.2} deg off at the end",
        last.0,
        last.1.to_degrees()
    );
    assert!(rms < 0.8 && worst < 2.5);
    // The recorded positions and the recorded speeds themselves differ by 4.4 % over this stretch.
    assert!(share < 8.0);
}

#[test]
fn scans_alone_give_the_way() {
    let Some(data) = kitti::data() else { return };
    let ins = ins(&data);
    let frames = kitti::drive_0005(&data);
    let mut matcher = ScanMatcher::new(kitti::lidar_pose());
    let mut out = Odometry::default();
    let (mut poses, mut speed_error) = (Vec::new(), 0.0_f64);
    for (k, frame) in frames.iter().enumerate() {
        // KITTI's row belongs to the instant at which the scanner looks ahead, in the middle of its turn.
        let message = kitti::to_message(&frame.scan, time(k as f64 - 0.5).as_nanos());
        matcher.step(&message, &mut out).unwrap();
        poses.push(Pose2::from(&out.pose.pose));
        if k > 3 && k + 1 < frames.len() {
            let truth = (ins.speed[k] + ins.speed[k + 1]) / 2.0;
            speed_error = speed_error.max((out.twist.twist.linear.x - truth).abs());
        }
    }
    // At a scan's end the car is half way between two rows.
    let halfway =
        |rows: &[Pose2]| -> Vec<Pose2> { rows.windows(2).map(|p| p[0].interpolate(&p[1], 0.5)).collect() };
    let matched = 100.0 * matcher.matched_share();
    println!("scan matching: worst speed error {speed_error:.2} m/s, {matched:.0} % matched");
    let by_position = compare("recorded positions", &poses, &halfway(&ins.poses));
    let by_speed = compare("recorded speed and yaw rate, summed", &poses, &halfway(&ins.summed()));
    // The recorded positions and the recorded speeds themselves differ by 4.4 % over this stretch.
    assert!(by_speed.0 < 3.0 && by_speed.1 < 2.0 && by_position.0 < 8.0);
}

/// How far off the end is, in per cent of the way and in degrees.
fn compare(name: &str, poses: &[Pose2], truth: &[Pose2]) -> (f64, f64) {
    let way: f64 = truth.windows(2).map(|p| p[0].distance(&p[1])).sum();
    let last = truth.len() - 1;
    let (seen, real) = (poses[0].relative(&poses[last]), truth[0].relative(&truth[last]));
    let (off, heading) = (seen.distance(&real), wrap_angle(seen.yaw - real.yaw).to_degrees().abs());
    let drift = off / way * 100.0;
    println!(
        "drive_0005, scan matching against {name}: {off:.2} m off after {way:.1} m ({drift:.2} %), heading {heading:.2} deg"
    );
    (drift, heading)
}
