//! Wheel speed and steering angle as the bus says them.

use crate::noise::Noise;
use crate::plant::PlantState;
use auriga_geometry::LogicalTime;
use auriga_hal::WheelsRig;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::builtin_interfaces::Time;

/// Measures wheel speed and steering angle.
#[derive(Clone, Debug)]
pub struct Wheels {
    rig: WheelsRig,
    scale: f64,
    noise: Noise,
}

impl Wheels {
    /// Sensors of a car whose wheels are off by a share that is drawn from `noise`.
    #[must_use]
    pub fn new(rig: &WheelsRig, mut noise: Noise) -> Self {
        Self { rig: rig.clone(), scale: 1.0 + rig.speed_scale_error * noise.normal(), noise }
    }

    /// What they say at `now`. Wheels that stand say exactly 0: no pulse comes.
    pub fn measure(&mut self, now: LogicalTime, motion: &PlantState) -> VehicleState {
        let (speed_noise, steering_noise) = (self.noise.normal(), self.noise.normal());
        let speed = if motion.speed > 0.0 {
            (motion.speed * self.scale + speed_noise * self.rig.speed_noise_mps).max(0.0)
        } else {
            0.0
        };
        VehicleState {
            stamp: Time::from(now),
            speed_mps: speed,
            steering_angle_rad: motion.steering_angle + steering_noise * self.rig.steering_noise_rad,
            ..VehicleState::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_and_scale_are_as_stated() {
        let rig = WheelsRig {
            rate_hz: 100.0,
            speed_noise_mps: 0.03,
            speed_scale_error: 0.005,
            steering_noise_rad: 0.001,
            latency_ms: 1.0,
        };
        let motion = PlantState { speed: 10.0, steering_angle: 0.1, ..PlantState::default() };
        let mut means = Vec::new();
        for seed in 0..200 {
            let mut wheels = Wheels::new(&rig, Noise::new(seed, 9));
            let n = 400;
            let mean = (0..n).map(|_| wheels.measure(LogicalTime::ZERO, &motion).speed_mps).sum::<f64>()
                / f64::from(n);
            means.push(mean / 10.0 - 1.0);
        }
        let deviation = (means.iter().map(|m| m * m).sum::<f64>() / means.len() as f64).sqrt();
        assert!((deviation - 0.005).abs() < 0.001, "{deviation}");
        let standing = PlantState::default();
        assert_eq!(Wheels::new(&rig, Noise::new(1, 9)).measure(LogicalTime::ZERO, &standing).speed_mps, 0.0);
    }
}
