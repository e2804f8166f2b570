use super::*;
use crate::tests_support::Gauss;
use auriga_geometry::LogicalDuration;
use auriga_geometry::math::{sin, sin_cos, wrap_angle};
use auriga_messages::sensor_msgs::NavSatStatus;

const BIAS_TRUE: f64 = 0.004;
const SCALE_TRUE: f64 = 0.006;
const LEVER: (f64, f64) = (0.9, 0.2);

/// A made-up drive with noisy sensors.
struct Drive {
    pose: Pose2,
    speed: f64,
    rate: f64,
    time: LogicalTime,
    random: Gauss,
    plane: TangentPlane,
    late: Vec<(LogicalTime, NavSatFix)>,
    fix_noise: f64,
}

impl Drive {
    fn new(seed: u64) -> Self {
        Self {
            pose: Pose2::new(12.0, -7.0, 0.7),
            speed: 0.0,
            rate: 0.0,
            time: LogicalTime::ZERO,
            random: Gauss::new(seed),
            plane: TangentPlane::new(0.85, 0.15),
            late: Vec::new(),
            fix_noise: 0.3,
        }
    }

    fn config(&self, initial_pose: Option<Pose2>) -> LocalizerConfig {
        LocalizerConfig {
            origin_latitude: 0.85,
            origin_longitude: 0.15,
            gnss_lever_arm: Vec2::new(LEVER.0, LEVER.1),
            initial_pose,
            gnss_floor_m: 0.02,
            ..LocalizerConfig::default()
        }
    }

    /// 10 ms on; gives what the sensors say.
    fn advance(&mut self) -> (Imu, VehicleState, Option<NavSatFix>) {
        let t = self.time.as_secs_f64();
        let dt = 0.01;
        let goal = if t < 2.0 { 0.0 } else { 9.0 + 4.0 * sin(t * 0.13) };
        let gained = (goal - self.speed).clamp(-2.0 * dt, 2.0 * dt);
        self.speed += gained;
        self.rate = if t < 2.0 { 0.0 } else { 0.25 * sin(t * 0.21) };
        let turn = self.rate * dt;
        let (s, c) = sin_cos(turn / 2.0);
        self.pose = self.pose.compose(&Pose2::new(self.speed * dt * c, self.speed * dt * s, turn));
        self.time += LogicalDuration::from_millis(10);
        let mut imu = Imu::default();
        imu.header.stamp = self.time.into();
        imu.angular_velocity.z = self.rate + BIAS_TRUE + 0.002 * self.random.next();
        imu.linear_acceleration.x = gained / dt + 0.03 + 0.05 * self.random.next();
        let wheels = VehicleState {
            speed_mps: self.speed * (1.0 + SCALE_TRUE) + 0.03 * self.random.next(),
            ..VehicleState::default()
        };
        let arrived = self.late.iter().position(|l| l.0 <= self.time);
        let fix = arrived.map(|k| self.late.remove(k).1);
        if self.time.as_nanos() % 100_000_000 == 0 {
            let fix = self.fix();
            self.late.push((self.time + LogicalDuration::from_millis(20), fix));
        }
        (imu, wheels, fix)
    }

    fn fix(&mut self) -> NavSatFix {
        let antenna = self.pose.to_parent(Vec2::new(LEVER.0, LEVER.1));
        let noise = Vec2::new(self.random.next(), self.random.next()) * self.fix_noise;
        let (latitude, longitude) = self.plane.to_degrees(antenna + noise);
        let variance = self.fix_noise * self.fix_noise;
        let mut fix = NavSatFix {
            latitude,
            longitude,
            status: NavSatStatus { status: 2, service: 1 },
            position_covariance_type: 2,
            ..NavSatFix::default()
        };
        fix.header.stamp = self.time.into();
        (fix.position_covariance[0], fix.position_covariance[4]) = (variance, variance);
        fix
    }
}

fn error(out: &Odometry, truth: &Pose2) -> nalgebra::Vector3<f64> {
    let pose = Pose2::from(&out.pose.pose);
    nalgebra::Vector3::new(pose.x - truth.x, pose.y - truth.y, wrap_angle(pose.yaw - truth.yaw))
}

/// Normalised estimation error squared over x, y, yaw.
fn nees(out: &Odometry, truth: &Pose2) -> f64 {
    let c = &out.pose.covariance.0;
    let p = nalgebra::Matrix3::from_fn(|i, j| c[6 * [0, 1, 5][i] + [0, 1, 5][j]]);
    let e = error(out, truth);
    e.dot(&(p.try_inverse().unwrap() * e))
}

#[test]
fn the_error_is_what_the_covariance_says_and_the_biases_are_found() {
    let (mut sum, mut count) = (0.0, 0.0);
    for seed in 0..6 {
        let mut drive = Drive::new(seed);
        let start = Pose2::new(12.6, -7.3, 0.75);
        let mut localizer = Localizer::new(drive.config(Some(start))).unwrap();
        let mut out = Odometry::default();
        let mut worst = 0.0_f64;
        for k in 0..9000 {
            let (imu, wheels, fix) = drive.advance();
            let status = localizer.step(drive.time, &[&imu], &wheels, fix.as_ref(), &mut out).unwrap();
            if k > 1000 {
                assert_eq!(status, LocalizationStatus::Running);
                worst = worst.max(error(&out, &drive.pose).xy().norm());
                if k % 50 == 0 {
                    sum += nees(&out, &drive.pose);
                    count += 1.0;
                }
            }
        }
        let (bias, scale) = localizer.sensor_errors().unwrap();
        assert!((bias - BIAS_TRUE).abs() < 0.0008, "{bias}");
        assert!((scale - SCALE_TRUE).abs() < 0.004, "{scale}");
        assert!(worst < 0.5, "{worst}");
        assert!((out.twist.twist.linear.x - drive.speed).abs() < 0.15);
    }
    // Three degrees of freedom: 3 on average, if the covariance is right.
    let mean = sum / count;
    println!("normalised estimation error squared: {mean:.2} (3 is exact)");
    assert!((1.0..6.0).contains(&mean), "{mean}");
}

#[test]
fn without_an_initial_pose_driving_shows_it() {
    use LocalizationStatus::{Running, WaitingForFix, WaitingForMotion};
    let mut drive = Drive::new(9);
    let mut localizer = Localizer::new(drive.config(None)).unwrap();
    let mut out = Odometry::default();
    let (mut seen, mut last) = (Vec::new(), WaitingForFix);
    for _ in 0..3000 {
        let (imu, wheels, fix) = drive.advance();
        let status = localizer.step(drive.time, &[&imu], &wheels, fix.as_ref(), &mut out).unwrap();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        last = status;
    }
    assert_eq!(seen[..2], [WaitingForFix, WaitingForMotion]);
    assert_eq!(last, Running);
    let e = error(&out, &drive.pose);
    assert!(e.xy().norm() < 0.5 && e.z.abs() < 0.03, "{e}");
}

#[test]
fn wild_fixes_are_refused_and_a_gap_is_bridged() {
    let mut drive = Drive::new(4);
    let mut localizer = Localizer::new(drive.config(Some(drive.pose))).unwrap();
    let mut out = Odometry::default();
    for k in 0..6000 {
        let (imu, wheels, mut fix) = drive.advance();
        if let Some(fix) = fix.as_mut().filter(|_| k % 7 == 0) {
            fix.latitude += 0.001;
        }
        let gap = (4000..4500).contains(&k);
        let handed = if gap { None } else { fix.as_ref() };
        let status = localizer.step(drive.time, &[&imu], &wheels, handed, &mut out).unwrap();
        if k == 4490 {
            assert_eq!(status, LocalizationStatus::DeadReckoning);
        }
        if k > 1000 {
            assert!(error(&out, &drive.pose).xy().norm() < 0.8);
        }
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let mut localizer = Localizer::new(LocalizerConfig::default()).unwrap();
    let mut imu = Imu::default();
    imu.angular_velocity.z = f64::NAN;
    let mut out = Odometry::default();
    let wheels = VehicleState::default();
    assert!(localizer.step(LogicalTime::ZERO, &[&imu], &wheels, None, &mut out).is_err());
    let fix = NavSatFix { latitude: f64::INFINITY, ..NavSatFix::default() };
    assert!(localizer.step(LogicalTime::ZERO, &[], &wheels, Some(&fix), &mut out).is_err());
    let wheels = VehicleState { speed_mps: f64::NAN, ..wheels };
    assert!(localizer.step(LogicalTime::ZERO, &[], &wheels, None, &mut out).is_err());
}

/// The slow error of fixes must not turn a car that waits after a drive.
#[test]
fn a_standing_car_keeps_its_heading() {
    let mut drive = Drive::new(4);
    let mut localizer = Localizer::new(drive.config(Some(drive.pose))).unwrap();
    let mut out = Odometry::default();
    for _ in 0..3000 {
        let (imu, wheels, fix) = drive.advance();
        localizer.step(drive.time, &[&imu], &wheels, fix.as_ref(), &mut out).unwrap();
    }
    drive.fix_noise = 0.05;
    let (mut before, mut worst) = (None, 0.0_f64);
    for k in 0..6000 {
        drive.time += LogicalDuration::from_millis(10);
        let mut imu = Imu::default();
        imu.header.stamp = drive.time.into();
        imu.angular_velocity.z = BIAS_TRUE + 0.002 * drive.random.next();
        imu.linear_acceleration.x = 0.03 + 0.05 * drive.random.next();
        let truth = drive.pose;
        drive.pose.y += 0.3 * f64::from(k) / 6000.0;
        let fix = (k % 10 == 0).then(|| drive.fix());
        drive.pose = truth;
        localizer.step(drive.time, &[&imu], &VehicleState::default(), fix.as_ref(), &mut out).unwrap();
        let yaw = Pose2::from(&out.pose.pose).yaw;
        // The first second brings the filter's speed to zero.
        if k > 100 {
            worst = worst.max(wrap_angle(yaw - *before.get_or_insert(yaw)).abs());
        }
    }
    // What the bias now shows of the turns before is still taken in.
    assert!(worst < 0.002, "{worst}");
}
