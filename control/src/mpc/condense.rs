//! From a model along the horizon to a quadratic program in the commands alone.

use super::Discrete;
use crate::qp::Problem;
use auriga_vehicle::path_model::{HEADING, LATERAL, PathState, SIDE_SPEED, YAW_RATE};

/// Steps in the horizon.
pub const STEPS: usize = 20;

/// One step of the horizon: the model over it, and what is paid for at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    /// Over the step.
    pub model: Discrete,
    /// Rows of the outputs that are to be zero: lateral error, its rate, yaw rate less the path's.
    pub outputs: [PathState; 3],
    /// What the outputs are at state zero.
    pub offsets: [f64; 3],
    /// Weights of their squares.
    pub weights: [f64; 3],
    /// Change of the command over the step that the path asks for, rad.
    pub change_wanted: f64,
    /// Weight of the square of what the change differs from it.
    pub change_weight: f64,
}

impl Stage {
    /// The outputs' rows: speed (m/s) and rear axle's distance behind the centre of gravity (m).
    pub fn rows(speed: f64, to_rear: f64) -> [PathState; 3] {
        let mut rows = [PathState::zeros(); 3];
        rows[0][LATERAL] = 1.0;
        rows[1][HEADING] = speed;
        rows[1][SIDE_SPEED] = 1.0;
        rows[1][YAW_RATE] = -to_rear;
        rows[2][YAW_RATE] = 1.0;
        rows
    }
}

/// Fills Hessian and gradient: the sum over the stages of weights · outputs² + change_weight · (change − wanted)².
pub(crate) fn condense(stages: &[Stage; STEPS], start: &PathState, problem: &mut Problem<STEPS>) {
    let mut free = *start;
    // effect[j]: what a unit of command j does to the state at the end of the current stage.
    let mut effect = [PathState::zeros(); STEPS];
    problem.hessian = [[0.0; STEPS]; STEPS];
    problem.gradient = [0.0; STEPS];
    for (k, stage) in stages.iter().enumerate() {
        free = stage.model.state * free + stage.model.drift;
        for past in &mut effect[..k] {
            *past = stage.model.state * *past;
        }
        effect[k] = stage.model.input;
        for ((row, offset), weight) in stage.outputs.iter().zip(stage.offsets).zip(stage.weights) {
            let mut seen = [0.0; STEPS];
            for (out, state) in seen[..=k].iter_mut().zip(&effect) {
                *out = dot(row, state);
            }
            let at_rest = dot(row, &free) + offset;
            for i in 0..=k {
                let share = weight * seen[i];
                problem.gradient[i] += share * at_rest;
                for (entry, other) in problem.hessian[i][..=i].iter_mut().zip(&seen) {
                    *entry += share * other;
                }
            }
        }
        let weight = stage.change_weight;
        problem.hessian[k][k] += weight;
        problem.gradient[k] -= weight * stage.change_wanted;
        if k == 0 {
            problem.gradient[0] -= weight * problem.previous;
        } else {
            problem.hessian[k - 1][k - 1] += weight;
            problem.hessian[k][k - 1] -= weight;
            problem.gradient[k - 1] += weight * stage.change_wanted;
        }
    }
    for i in 0..STEPS {
        for j in 0..i {
            problem.hessian[j][i] = problem.hessian[i][j];
        }
    }
}

fn dot(a: &PathState, b: &PathState) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] + a[4] * b[4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_vehicle::VehicleParameters;
    use auriga_vehicle::path_model::{Along, SingleTrack, WHEEL};
    use proptest::prelude::*;

    /// What a command sequence costs, step by step.
    fn cost(stages: &[Stage; STEPS], start: &PathState, previous: f64, u: &[f64]) -> f64 {
        let (mut x, mut last, mut sum) = (*start, previous, 0.0);
        for (stage, command) in stages.iter().zip(u) {
            x = stage.model.state * x + stage.model.input * *command + stage.model.drift;
            for ((row, offset), weight) in stage.outputs.iter().zip(stage.offsets).zip(stage.weights) {
                let output = row.dot(&x) + offset;
                sum += weight * output * output;
            }
            let change = command - last - stage.change_wanted;
            sum += stage.change_weight * change * change;
            last = *command;
        }
        0.5 * sum
    }

    proptest! {
        /// The program's value is the cost of driving the model, up to what no command changes.
        #[test]
        fn the_programs_value_is_the_models_cost(
            u in prop::collection::vec(-0.3..0.3_f64, STEPS),
            speed in 0.5..30.0_f64,
            curvature in -0.02..0.02_f64,
            previous in -0.1..0.1_f64,
        ) {
            let model = SingleTrack::new(&VehicleParameters::default());
            let stages: [Stage; STEPS] = core::array::from_fn(|k| {
                let at = Along { speed: speed + 0.1 * k as f64, curvature, bank: 0.01 };
                let steady = model.steady_turn(&at);
                let (a, b) = model.jacobian(&steady, &at);
                let drift = model.derivative(&steady, 0.0, &at) - a * steady;
                Stage {
                    model: Discrete::hold(&a, &b, &drift, 0.01 + 0.005 * k as f64),
                    outputs: Stage::rows(at.speed, 1.45),
                    offsets: [0.0, 0.1, -0.2],
                    weights: [1.0, 0.3, 0.5],
                    change_wanted: 0.01 * curvature * k as f64,
                    change_weight: 0.2,
                }
            });
            let mut start = PathState::zeros();
            (start[LATERAL], start[WHEEL]) = (0.4, previous);
            let mut problem = Problem {
                hessian: [[0.0; STEPS]; STEPS],
                gradient: [0.0; STEPS],
                previous,
                least: -1.0,
                most: 1.0,
                change_most: [1.0; STEPS],
            };
            condense(&stages, &start, &mut problem);
            let mut value = 0.0;
            for i in 0..STEPS {
                value += problem.gradient[i] * u[i];
                for j in 0..STEPS {
                    value += 0.5 * u[i] * problem.hessian[i][j] * u[j];
                }
            }
            let expected = cost(&stages, &start, previous, &u) - cost(&stages, &start, previous, &[0.0; STEPS]);
            prop_assert!((value - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{value} {expected}");
        }
    }
}
