//! Actuators answer late and not faster than they can.

/// A first-order lag with a bounded rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Actuator {
    /// Where it is.
    pub value: f64,
}

impl Actuator {
    /// Moves towards `target` for `dt` seconds with the time constant `lag`, at most `max_rate` per second.
    pub fn step(&mut self, target: f64, lag: f64, max_rate: f64, dt: f64) {
        let rate = ((target - self.value) / lag.max(dt)).clamp(-max_rate, max_rate);
        self.value += rate * dt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::math::exp;

    #[test]
    fn it_follows_the_closed_form_of_a_lag() {
        let mut actuator = Actuator::default();
        for _ in 0..300 {
            actuator.step(1.0, 0.1, 1e9, 0.001);
        }
        assert!((actuator.value - (1.0 - exp(-3.0))).abs() < 1e-3);
    }

    #[test]
    fn its_rate_is_bounded() {
        let mut actuator = Actuator::default();
        for _ in 0..100 {
            actuator.step(10.0, 0.1, 0.5, 0.001);
        }
        assert!((actuator.value - 0.05).abs() < 1e-9);
    }
}
