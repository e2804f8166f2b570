//! The satellite receiver: white noise and a slow wander.

use super::TangentPlane;
use crate::noise::Noise;
use auriga_geometry::math::exp;
use auriga_geometry::{LogicalTime, Pose2, Vec2, Vec3};
use auriga_hal::GnssRig;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::sensor_msgs::{NavSatFix, NavSatStatus};

/// Measures the antenna's position.
#[derive(Clone, Debug)]
pub struct Gnss {
    rig: GnssRig,
    antenna: Vec3,
    plane: TangentPlane,
    noise: Noise,
    wander: Vec3,
    last: Option<LogicalTime>,
}

impl Gnss {
    /// A receiver over `plane` with random numbers of its own.
    #[must_use]
    pub fn new(rig: &GnssRig, plane: TangentPlane, mut noise: Noise) -> Self {
        let wander = Vec3::new(noise.normal(), noise.normal(), noise.normal()) * rig.wander_m;
        Self { rig: rig.clone(), antenna: rig.pose.to_pose3().translation, plane, noise, wander, last: None }
    }

    /// A fix at `now`. The wander is a first-order Gauss-Markov process with the rig's deviation and time constant.
    pub fn measure(&mut self, now: LogicalTime, base_link: &Pose2) -> NavSatFix {
        let span = self.last.map_or(0.0, |last| now.since(last).as_secs_f64());
        self.last = Some(now);
        let keep = exp(-span / self.rig.wander_s);
        let fresh = self.rig.wander_m * (1.0 - keep * keep).max(0.0).sqrt();
        self.wander = self.wander * keep + self.normal3() * fresh;
        let white = self.normal3() * self.rig.noise_m;
        let antenna = base_link.to_parent(Vec2::new(self.antenna.x, self.antenna.y));
        // Heights are about twice as uncertain as positions, as the satellites are all above.
        let error = Vec3::new(1.0, 1.0, 2.0).component_mul(&(self.wander + white));
        let (latitude, longitude) = self.plane.to_degrees(antenna + error.xy());
        let variance = self.rig.noise_m * self.rig.noise_m + self.rig.wander_m * self.rig.wander_m;
        let mut fix = NavSatFix {
            status: NavSatStatus { status: 2, service: 1 },
            latitude,
            longitude,
            altitude: self.antenna.z + error.z,
            position_covariance_type: 2,
            ..NavSatFix::default()
        };
        fix.position_covariance[0] = variance;
        fix.position_covariance[4] = variance;
        fix.position_covariance[8] = 4.0 * variance;
        fix.header.stamp = Time::from(now);
        fix.header.frame_id = "gnss".to_owned();
        fix
    }

    fn normal3(&mut self) -> Vec3 {
        Vec3::new(self.noise.normal(), self.noise.normal(), self.noise.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::LogicalDuration;
    use auriga_hal::MountPose;

    #[test]
    fn its_errors_have_the_stated_deviations() {
        let rig = GnssRig {
            pose: MountPose { x_m: 1.0, z_m: 1.5, ..MountPose::default() },
            rate_hz: 10.0,
            noise_m: 0.05,
            wander_m: 0.10,
            wander_s: 2.0,
            latency_ms: 1.0,
        };
        let plane = TangentPlane::new(0.8, 0.2);
        let mut gnss = Gnss::new(&rig, plane, Noise::new(3, 4));
        let pose = Pose2::new(100.0, -50.0, 0.5);
        let antenna = pose.to_parent(Vec2::new(1.0, 0.0));
        let mut now = LogicalTime::ZERO;
        let errors: Vec<f64> = (0..40_000)
            .map(|_| {
                now += LogicalDuration::from_millis(100);
                let fix = gnss.measure(now, &pose);
                (plane.to_map(fix.latitude, fix.longitude) - antenna).x
            })
            .collect();
        let n = errors.len() as f64;
        let mean = errors.iter().sum::<f64>() / n;
        let variance = errors.iter().map(|e| e * e).sum::<f64>() / n;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance.sqrt() - (0.05_f64 * 0.05 + 0.1 * 0.1).sqrt()).abs() < 0.01, "{variance}");
        // Neighbouring errors share the wander: their covariance is its variance, decayed by 0.1 s.
        let covariance = errors.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n;
        assert!((covariance - 0.01 * exp(-0.05)).abs() < 0.0015, "{covariance}");
    }
}
