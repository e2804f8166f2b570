//! Exact sampling of a linear model under a held input.

use auriga_vehicle::path_model::{PathJacobian, PathState};

/// x⁺ = `state`·x + `input`·u + `drift`, over one step in which u and the drift are held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Discrete {
    pub state: PathJacobian,
    pub input: PathState,
    pub drift: PathState,
}

/// The series runs to this order; a step is halved until its norm is below [`NORM_MOST`]: the rest, 0.5¹⁰ / 10!, is below
/// 3·10⁻¹⁰ of the whole.
const ORDER: u32 = 9;
const NORM_MOST: f64 = 0.5;
/// 2³⁰ halvings reach any model that is not absurd.
const HALVINGS_MOST: u32 = 30;

impl Discrete {
    /// The zero-order hold of ẋ = `a`·x + `b`·u + `c` over `dt` seconds: Φ = exp(a·dt) = I + a·Ψ and Ψ = ∫ exp(a·t) dt, from
    /// the series at dt / 2ⁿ and n doublings, Ψ(2t) = Ψ(t) + Φ(t)·Ψ(t) (Van Loan 1978; Higham, *Functions of Matrices*, 10.3).
    pub fn hold(a: &PathJacobian, b: &PathState, c: &PathState, dt: f64) -> Self {
        let mut norm = 0.0_f64;
        for column in 0..5 {
            let sum = (0..5).fold(0.0, |sum, row| sum + a[(row, column)].abs());
            norm = norm.max(sum * dt);
        }
        let (mut halvings, mut t) = (0, dt);
        while norm > NORM_MOST && halvings < HALVINGS_MOST {
            norm *= 0.5;
            t *= 0.5;
            halvings += 1;
        }
        let step = a * t;
        let identity = PathJacobian::identity();
        // Σ stepⁱ / (i + 1)!, by Horner's rule.
        let mut sum = identity;
        for i in (1..=ORDER).rev() {
            sum = identity + step * sum / f64::from(i + 1);
        }
        let mut psi = sum * t;
        let mut phi = identity + a * psi;
        for _ in 0..halvings {
            psi += phi * psi;
            phi *= phi;
        }
        Self { state: phi, input: psi * b, drift: psi * c }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_vehicle::VehicleParameters;
    use auriga_vehicle::path_model::{Along, SingleTrack};
    use proptest::prelude::*;

    proptest! {
        /// Against a Runge-Kutta integration in small steps.
        #[test]
        fn one_held_step_is_the_integral(speed in 0.0..45.0_f64, curvature in -0.05..0.05_f64, dt in 0.005..0.12_f64, command in -0.1..0.1_f64) {
            let model = SingleTrack::new(&VehicleParameters::default());
            let at = Along { speed, curvature, bank: 0.02 };
            let near = PathState::new(0.1, 0.02, 0.1, 0.1, 0.03);
            let (a, b) = model.jacobian(&near, &at);
            let c = model.derivative(&near, 0.0, &at) - a * near;
            let held = Discrete::hold(&a, &b, &c, dt);
            let start = PathState::new(0.3, -0.1, 0.2, -0.1, 0.02);
            let rate = |x: &PathState| a * x + b * command + c;
            let (mut x, n) = (start, 4000_u32);
            let h = dt / f64::from(n);
            for _ in 0..n {
                let k1 = rate(&x);
                let k2 = rate(&(x + k1 * (h / 2.0)));
                let k3 = rate(&(x + k2 * (h / 2.0)));
                let k4 = rate(&(x + k3 * h));
                x += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
            }
            let sampled = held.state * start + held.input * command + held.drift;
            prop_assert!((sampled - x).norm() < 1e-8, "{sampled} {x}");
        }
    }
}
