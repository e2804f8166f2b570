//! The quadratic program's solver: its answers fulfil the conditions of Karush, Kuhn and Tucker, which for a convex program
//! are sufficient; and it notices what has no answer.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_control::ControlError;
use auriga_control::qp::{Problem, Solution, Solver};
use proptest::prelude::*;

const N: usize = 20;

/// A Hessian FᵀF + εI from random factors, as badly conditioned as `floor` is small.
fn problem() -> impl Strategy<Value = Problem<N>> {
    let numbers = prop::collection::vec(-1.0..1.0_f64, N * N);
    let gradient = prop::collection::vec(-10.0..10.0_f64, N);
    (numbers, gradient, -4.0..0.0_f64, (-2.0..2.0_f64, 0.01..1.0_f64, 0.05..2.0_f64)).prop_map(
        |(numbers, gradient, floor, (previous, change, most))| {
            let mut hessian = [[0.0; N]; N];
            for i in 0..N {
                for j in 0..N {
                    hessian[i][j] = (0..N).map(|k| numbers[k * N + i] * numbers[k * N + j]).sum();
                }
                hessian[i][i] += auriga_geometry::math::pow(10.0, floor);
            }
            let gradient = core::array::from_fn(|i| gradient[i]);
            let previous = previous.clamp(-most, most);
            // Steps of growing length.
            let change_most = core::array::from_fn(|i| change * (1.0 + 0.2 * i as f64));
            Problem { hessian, gradient, previous, least: -most, most, change_most }
        },
    )
}

fn nearly_equal(a: &Solution<N>, b: &Solution<N>) -> bool {
    a.inputs.iter().zip(&b.inputs).all(|(x, y)| (x - y).abs() < 1e-7)
}

proptest! {
    #[test]
    fn its_answer_is_optimal(problem in problem()) {
        let solution = Solver::new(400).solve(&problem).unwrap();
        prop_assert!(problem.residual(&solution).largest() < 1e-9, "{:?}", problem.residual(&solution));
    }

    /// From the active set of another problem it comes to the same answer.
    #[test]
    fn a_warm_start_changes_nothing_but_the_time(first in problem(), second in problem()) {
        let mut warm = Solver::new(400);
        warm.solve(&first).unwrap();
        let warmly = warm.solve(&second).unwrap();
        let coldly = Solver::new(400).solve(&second).unwrap();
        prop_assert!(problem_holds(&second, &warmly) && nearly_equal(&warmly, &coldly));
        // Its own active set is the right one at once: each constraint is taken up once.
        let again = warm.solve(&second).unwrap();
        let held = |s: &Solution<N>| s.bound_multipliers.iter().chain(&s.change_multipliers).filter(|m| **m != 0.0).count();
        prop_assert!(nearly_equal(&again, &coldly) && again.iterations <= held(&coldly) + 1, "{}", again.iterations);
    }

    /// A residual that could not find a wrong answer would be worth nothing.
    #[test]
    fn a_wrong_answer_has_a_residual(problem in problem(), place in 0..N, by in prop::sample::select(vec![-0.01, 0.01])) {
        let mut solution = Solver::new(400).solve(&problem).unwrap();
        solution.inputs[place] += by;
        prop_assert!(problem.residual(&solution).largest() > 1e-8);
        solution.inputs[place] = f64::NAN;
        prop_assert!(problem.residual(&solution).largest().is_infinite());
    }
}

fn problem_holds(problem: &Problem<N>, solution: &Solution<N>) -> bool {
    problem.residual(solution).largest() < 1e-9
}

fn simple() -> Problem<3> {
    Problem {
        hessian: [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]],
        gradient: [-2.0, -2.0, -2.0],
        previous: 0.0,
        least: -1.0,
        most: 1.0,
        change_most: [0.25; 3],
    }
}

#[test]
fn a_ramp_at_the_greatest_change_is_found() {
    // As fast as allowed towards (1, 1, 1).
    let solution = Solver::new(50).solve(&simple()).unwrap();
    assert_eq!(solution.inputs, [0.25, 0.5, 0.75]);
    assert!(solution.change_multipliers.iter().all(|m| *m > 0.0));
}

#[test]
fn what_has_no_answer_is_an_error() {
    let fails = |problem: &Problem<3>, iterations: usize, part: &str| {
        let error = Solver::new(iterations).solve(problem).unwrap_err();
        assert!(matches!(error, ControlError::Solver { .. }) && error.to_string().contains(part), "{error}");
    };
    fails(&Problem { previous: 2.0, ..simple() }, 50, "contradict");
    fails(&Problem { gradient: [f64::NAN; 3], ..simple() }, 50, "finite");
    fails(&Problem { hessian: [[0.0; 3]; 3], ..simple() }, 50, "positive definite");
    fails(&Problem { hessian: [[f64::NAN; 3]; 3], ..simple() }, 50, "positive definite");
    fails(&simple(), 1, "ran out");
    // And it works again afterwards.
    let mut solver = Solver::new(50);
    assert!(solver.solve(&Problem { gradient: [f64::INFINITY; 3], ..simple() }).is_err());
    assert!(solver.solve(&simple()).is_ok());
}
