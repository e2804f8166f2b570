//! The inertial sensor: specific force and turn rate at its place in the car.

use crate::noise::Noise;
use crate::plant::PlantState;
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_hal::ImuRig;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::Vector3;
use auriga_messages::sensor_msgs::Imu;

const GRAVITY: f64 = 9.806_65;

/// Measures specific force and turn rate.
#[derive(Clone, Debug)]
pub struct Inertial {
    rig: ImuRig,
    pose: Pose3,
    noise: Noise,
    gyro_bias: Vec3,
    accel_bias: Vec3,
}

impl Inertial {
    /// A sensor whose constant biases are drawn from `noise`.
    #[must_use]
    pub fn new(rig: &ImuRig, mut noise: Noise) -> Self {
        let gyro_bias = normal3(&mut noise) * rig.gyro_bias_radps;
        let accel_bias = normal3(&mut noise) * rig.accel_bias_mps2;
        Self { rig: rig.clone(), pose: rig.pose.to_pose3(), noise, gyro_bias, accel_bias }
    }

    /// What it measures at `now`: at a place `p` the car's acceleration is a + α × p + ω × (ω × p).
    pub fn measure(&mut self, now: LogicalTime, motion: &PlantState) -> Imu {
        let place = self.pose.translation;
        let rate = Vec3::new(0.0, 0.0, motion.yaw_rate);
        let turn = Vec3::new(0.0, 0.0, motion.yaw_acceleration);
        let acceleration = Vec3::new(motion.acceleration, motion.lateral_acceleration, GRAVITY)
            + turn.cross(&place)
            + rate.cross(&rate.cross(&place));
        let rate = self.pose.rotation.inverse_transform_vector(&rate)
            + self.gyro_bias
            + normal3(&mut self.noise) * self.rig.gyro_noise_radps;
        let force = self.pose.rotation.inverse_transform_vector(&acceleration)
            + self.accel_bias
            + normal3(&mut self.noise) * self.rig.accel_noise_mps2;
        let mut imu = Imu {
            angular_velocity: Vector3::from(rate),
            linear_acceleration: Vector3::from(force),
            ..Imu::default()
        };
        imu.orientation.w = 1.0;
        imu.orientation_covariance[0] = -1.0;
        for i in [0, 4, 8] {
            imu.angular_velocity_covariance[i] = self.rig.gyro_noise_radps * self.rig.gyro_noise_radps;
            imu.linear_acceleration_covariance[i] = self.rig.accel_noise_mps2 * self.rig.accel_noise_mps2;
        }
        imu.header.stamp = Time::from(now);
        imu.header.frame_id = "imu".to_owned();
        imu
    }
}

fn normal3(noise: &mut Noise) -> Vec3 {
    Vec3::new(noise.normal(), noise.normal(), noise.normal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_hal::MountPose;

    #[test]
    fn at_rest_it_measures_gravity_upwards_plus_its_bias() {
        let rig = ImuRig {
            pose: MountPose { x_m: 1.0, ..MountPose::default() },
            rate_hz: 100.0,
            gyro_noise_radps: 0.002,
            gyro_bias_radps: 0.0,
            accel_noise_mps2: 0.05,
            accel_bias_mps2: 0.0,
            latency_ms: 1.0,
        };
        let mut sensor = Inertial::new(&rig, Noise::new(1, 1));
        let n = 20_000;
        let (mut mean, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let imu = sensor.measure(LogicalTime::ZERO, &PlantState::default());
            mean += imu.linear_acceleration.z / f64::from(n);
            square += imu.angular_velocity.z * imu.angular_velocity.z / f64::from(n);
        }
        assert!((mean - GRAVITY).abs() < 0.002);
        assert!((square.sqrt() - 0.002).abs() < 1e-4);
        // In a turn a sensor 1 m ahead feels the centripetal pull of that metre: −ω² forwards.
        let turning = PlantState { yaw_rate: 0.5, ..PlantState::default() };
        let mean =
            (0..n).map(|_| sensor.measure(LogicalTime::ZERO, &turning).linear_acceleration.x).sum::<f64>()
                / f64::from(n);
        assert!((mean + 0.25).abs() < 0.002);
    }
}
