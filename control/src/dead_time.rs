//! How long a steering command is under way: found by comparing what was commanded with what the wheels did.
//!
//! For each number of ticks that a command may take, the wheel angle is modelled: dead time, lag, greatest rate. The one whose
//! model has followed the measured angle best over the last seconds wins, if it is better than the one in use by far and
//! explains why the wheels moved as they did (before the car is engaged, say, they don't move for the commands at all).
//! Slow differences (an offset, a wrong ratio) say nothing of time and are filtered out.

use auriga_vehicle::VehicleParameters;

/// Candidates: 0 to this many ticks less one.
const CANDIDATES: usize = 32;
/// Differences slower than this don't count, seconds; errors are forgotten over the other.
const SLOW_S: f64 = 0.5;
const MEMORY_S: f64 = 2.0;
/// Another candidate must leave less than this share of the error, for so long.
const BETTER: f64 = 0.4;
const PATIENCE_S: f64 = 0.2;
/// What it leaves must be less than this share of the wheels' own motion.
const EXPLAINS: f64 = 0.25;
/// A mean square below this, rad², is the sensor's noise.
const NOISE: f64 = 2e-6;

/// What one candidate would have done.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    angle: f64,
    slow: f64,
    error: f64,
}

/// The search.
#[derive(Clone, Debug)]
pub(crate) struct DeadTime {
    configured: usize,
    ticks: usize,
    candidates: [Candidate; CANDIDATES],
    /// The wheels' own motion, filtered like the differences: its slow part, and its mean square.
    motion: (f64, f64),
    doubted_s: f64,
    is_running: bool,
}

impl DeadTime {
    /// Starts from what the configuration says, in ticks.
    pub fn new(configured: usize) -> Self {
        Self {
            configured,
            ticks: configured,
            candidates: [Candidate::default(); CANDIDATES],
            motion: (0.0, 0.0),
            doubted_s: 0.0,
            is_running: false,
        }
    }

    /// Commands under way now.
    pub fn ticks(&self) -> usize {
        self.ticks
    }

    /// Takes in a tick of `dt` seconds: the commands sent before it, oldest first, and the wheel angle at its end.
    pub fn step(&mut self, car: &VehicleParameters, sent: &[f64], measured: f64, dt: f64) {
        let (lag, rate) = (car.steering_lag_s.max(dt), car.max_steering_rate_rad_s);
        let (slow, fast) = (dt / SLOW_S, dt / MEMORY_S);
        for (delay, candidate) in self.candidates.iter_mut().enumerate() {
            let Some(command) = sent.len().checked_sub(1 + delay).map(|i| sent[i]) else { continue };
            if !self.is_running {
                *candidate = Candidate { angle: measured, ..Candidate::default() };
            }
            candidate.angle += ((command - candidate.angle) / lag).clamp(-rate, rate) * dt;
            let difference = candidate.angle - measured;
            candidate.slow += slow * (difference - candidate.slow);
            let error = difference - candidate.slow;
            candidate.error += fast * (error * error - candidate.error);
        }
        if !self.is_running {
            self.motion = (measured, 0.0);
        }
        self.motion.0 += slow * (measured - self.motion.0);
        let motion = measured - self.motion.0;
        self.motion.1 += fast * (motion * motion - self.motion.1);
        self.is_running = true;
        self.judge(dt);
    }

    fn judge(&mut self, dt: f64) {
        let now = self.candidates[self.ticks.min(CANDIDATES - 1)].error;
        let best = (0..CANDIDATES)
            .min_by(|a, b| self.candidates[*a].error.total_cmp(&self.candidates[*b].error))
            .unwrap_or(self.ticks);
        let left = self.candidates[best].error;
        if now > NOISE && left < BETTER * now && left < EXPLAINS * self.motion.1 {
            self.doubted_s += dt;
        } else {
            self.doubted_s = 0.0;
        }
        if self.doubted_s > PATIENCE_S {
            self.ticks = best;
            self.doubted_s = 0.0;
        }
    }

    /// Starts the comparison anew (at standstill, say) and keeps what was found.
    pub fn pause(&mut self) {
        self.is_running = false;
        self.doubted_s = 0.0;
    }

    /// Back to what the configuration says.
    pub fn reset(&mut self) {
        *self = Self::new(self.configured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::math::sin;
    use proptest::prelude::*;

    /// Steers a wheel with a true dead time for `seconds`; returns what was found.
    fn found(truth: usize, configured: usize, amplitude: f64, offset: f64, seconds: f64) -> usize {
        let car = VehicleParameters::default();
        let mut search = DeadTime::new(configured);
        let mut sent = vec![0.0; 50];
        let mut wheel = 0.0;
        for i in 0..(seconds * 100.0) as usize {
            let t = i as f64 * 0.01;
            sent.rotate_left(1);
            sent[49] = amplitude * sin(2.0 * t);
            wheel += (sent[49 - truth] - wheel) / 0.06 * 0.01;
            // Noise that is the same on every machine.
            let noise = 0.001 * sin(1e4 * t * t);
            search.step(&car, &sent, wheel + offset + noise, 0.01);
        }
        search.ticks()
    }

    proptest! {
        #[test]
        fn a_dead_time_that_differs_is_found(truth in 8_usize..30, offset in -0.02..0.02_f64) {
            let found = found(truth, 1, 0.05, offset, 6.0);
            prop_assert!(found.abs_diff(truth) <= 4, "{found} {truth}");
        }

        #[test]
        fn one_that_is_right_is_kept(truth in 0_usize..30, amplitude in 0.0..0.2_f64) {
            prop_assert!(found(truth, truth, amplitude, 0.0, 5.0).abs_diff(truth) <= 1);
        }
    }

    /// Before the gate lets commands through, the wheels stand still whatever is commanded: that is no dead time.
    #[test]
    fn wheels_that_are_not_steered_have_no_dead_time() {
        let car = VehicleParameters::default();
        let mut search = DeadTime::new(1);
        let mut sent = vec![0.0; 50];
        for i in 0..300 {
            sent.rotate_left(1);
            sent[49] = 0.0005 * f64::from(i);
            search.step(&car, &sent, 0.0005 * sin(1e3 * f64::from(i)), 0.01);
            assert_eq!(search.ticks(), 1);
        }
    }

    #[test]
    fn without_steering_nothing_is_found() {
        assert_eq!(found(20, 1, 0.0, 0.01, 6.0), 1);
    }
}
