//! A small quadratic program, solved exactly: least ½ uᵀHu + gᵀu, each input bounded in magnitude and in change.
//!
//! [`Problem`] is what a model predictive controller with one input condenses to: a dense Hessian over N moves, bounds on each
//! move and on its change from the one before. [`Solver`] is a dual active-set method. It allocates nothing, uses plain
//! multiplications and additions in a fixed order, and so gives the same bits on every machine. [`Problem::residual`] says how
//! exactly any solver's answer fulfils the conditions of Karush, Kuhn and Tucker.
//!
//! ```
//! use auriga_control::qp::{Problem, Solver};
//!
//! // Nearest point to (3, 3) with |u| ≤ 2 and no change above 1.5, from 0.
//! let problem = Problem {
//!     hessian: [[1.0, 0.0], [0.0, 1.0]],
//!     gradient: [-3.0, -3.0],
//!     previous: 0.0,
//!     least: -2.0,
//!     most: 2.0,
//!     change_most: [1.5; 2],
//! };
//! let mut solver = Solver::new(100);
//! let solution = solver.solve(&problem)?;
//! assert_eq!(solution.inputs, [1.5, 2.0]);
//! assert!(problem.residual(&solution).largest() < 1e-12);
//! # Ok::<(), auriga_control::ControlError>(())
//! ```

mod solver;

pub use solver::Solver;

/// Least ½ uᵀHu + gᵀu subject to `least` ≤ uᵢ ≤ `most` and |uᵢ − uᵢ₋₁| ≤ `change_most`ᵢ, where u₋₁ is `previous`.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem<const N: usize> {
    /// Symmetric and positive definite; the lower triangle is read.
    pub hessian: [[f64; N]; N],
    /// Linear part.
    pub gradient: [f64; N],
    /// The input in force before the first.
    pub previous: f64,
    /// Least input.
    pub least: f64,
    /// Greatest input.
    pub most: f64,
    /// Greatest change from `previous` to the first input, and from each input to the next.
    pub change_most: [f64; N],
}

/// Inputs and what holds them. A multiplier is positive where the upper side of its bound holds, negative at the lower one:
/// Hu + g + (multipliers of bounds) + Dᵀ(multipliers of changes) = 0, D being the difference from one input to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution<const N: usize> {
    /// The minimiser.
    pub inputs: [f64; N],
    /// One for each bound on an input.
    pub bound_multipliers: [f64; N],
    /// One for each bound on a change.
    pub change_multipliers: [f64; N],
    /// Constraints taken up and dropped on the way.
    pub iterations: usize,
}

/// How far an answer is from fulfilling the conditions of Karush, Kuhn and Tucker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Residual {
    /// Greatest component of Hu + g + Aᵀy, as a share of the greatest component of g (of 1 where g is smaller).
    pub stationarity: f64,
    /// Greatest violation of a bound.
    pub feasibility: f64,
    /// Greatest |multiplier · distance to its bound|, as a share like stationarity.
    pub complementarity: f64,
}

impl Residual {
    /// The greatest of the three; infinite where one is not a number.
    #[must_use]
    pub fn largest(&self) -> f64 {
        let parts = [self.stationarity, self.feasibility, self.complementarity];
        if parts.iter().any(|part| part.is_nan()) {
            return f64::INFINITY;
        }
        parts.iter().fold(0.0, |most, part| most.max(*part))
    }
}

impl<const N: usize> Problem<N> {
    /// The value of row `row` of the constraints at `u`: input `row`, or from N on the change to input `row` − N.
    #[must_use]
    fn row(&self, row: usize, u: &[f64; N]) -> f64 {
        if row < N {
            u[row]
        } else if row == N {
            u[0] - self.previous
        } else {
            u[row - N] - u[row - N - 1]
        }
    }

    /// Lower and upper bound of a row.
    const fn bounds(&self, row: usize) -> (f64, f64) {
        if row < N {
            (self.least, self.most)
        } else {
            (-self.change_most[row - N], self.change_most[row - N])
        }
    }

    /// An entry of the Hessian; only its lower triangle is read.
    const fn curvature(&self, i: usize, j: usize) -> f64 {
        if j <= i { self.hessian[i][j] } else { self.hessian[j][i] }
    }

    /// How exactly an answer, of whatever solver, is one.
    #[must_use]
    pub fn residual(&self, solution: &Solution<N>) -> Residual {
        let (u, bounds, changes) =
            (&solution.inputs, &solution.bound_multipliers, &solution.change_multipliers);
        let scale = self.gradient.iter().fold(1.0_f64, |most, g| most.max(g.abs()));
        let mut residual = Residual::default();
        // `max` would let NaN through.
        let keep = |worst: &mut f64, value: f64| {
            if value.is_nan() || value > *worst {
                *worst = value;
            }
        };
        for i in 0..N {
            let mut slope = self.gradient[i] + bounds[i] + changes[i];
            if i + 1 < N {
                slope -= changes[i + 1];
            }
            for (j, input) in u.iter().enumerate() {
                slope += self.curvature(i, j) * input;
            }
            keep(&mut residual.stationarity, slope.abs() / scale);
        }
        for row in 0..2 * N {
            let (value, (least, most)) = (self.row(row, u), self.bounds(row));
            keep(&mut residual.feasibility, (least - value).max(value - most).max(0.0));
            let multiplier = if row < N { bounds[row] } else { changes[row - N] };
            let slack = if multiplier > 0.0 { most - value } else { value - least };
            keep(&mut residual.complementarity, (multiplier * slack).abs() / scale);
        }
        residual
    }
}
