//! The dual active-set method of Goldfarb and Idnani ("A numerically stable dual method for solving strictly convex quadratic
//! programs", Mathematical Programming 27, 1983). It starts from the active set of its last solution.

use super::{Problem, Solution};
use crate::ControlError;

/// A constraint that holds: a row of the problem, and which side (+1 the lower, −1 the upper one).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Held {
    row: usize,
    sign: f64,
}

/// The solver and its workspace. Its answer depends on the problem alone, up to rounding: the active set that it starts from
/// decides how long it takes.
#[derive(Clone, Debug)]
pub struct Solver<const N: usize> {
    iterations_most: usize,
    /// Row k is column k of J = L⁻ᵀQ.
    j: [[f64; N]; N],
    /// Entry [k] is column k of the upper triangular R, with JᵀA = (R 0)ᵀ for the held normals A.
    r: [[f64; N]; N],
    held: [Held; N],
    multipliers: [f64; N],
    count: usize,
}

impl<const N: usize> Solver<N> {
    /// A solver that gives up after so many constraints taken up or dropped.
    #[must_use]
    pub const fn new(iterations_most: usize) -> Self {
        Self {
            iterations_most,
            j: [[0.0; N]; N],
            r: [[0.0; N]; N],
            held: [Held { row: 0, sign: 1.0 }; N],
            multipliers: [0.0; N],
            count: 0,
        }
    }

    /// Forgets the last active set.
    pub const fn reset(&mut self) {
        self.count = 0;
    }

    /// The minimiser.
    ///
    /// # Errors
    /// [`ControlError::Solver`] where the Hessian is not positive definite, the bounds contradict each other, or the iterations
    /// run out.
    pub fn solve(&mut self, problem: &Problem<N>) -> Result<Solution<N>, ControlError> {
        let guess = (self.held, self.count);
        self.count = 0;
        self.factorise(problem)?;
        let mut u = self.unconstrained(problem);
        let mut iterations = 0;
        if guess.1 > 0 {
            iterations += self.warm_start(problem, &guess.0[..guess.1], &mut u);
        }
        while let Some((violated, slack)) = self.most_violated(problem, &u) {
            self.take_up(problem, violated, slack, &mut u, &mut iterations)?;
        }
        if !u.iter().all(|input| input.is_finite()) {
            return Err(ControlError::Solver { problem: "a number is not finite" });
        }
        Ok(self.solution(u, iterations))
    }

    /// J = L⁻ᵀ with H = LLᵀ.
    fn factorise(&mut self, problem: &Problem<N>) -> Result<(), ControlError> {
        let mut l = [[0.0; N]; N];
        for i in 0..N {
            for k in 0..=i {
                let mut rest = problem.hessian[i][k];
                for (a, b) in l[i][..k].iter().zip(&l[k][..k]) {
                    rest -= a * b;
                }
                if i == k {
                    // Written so that NaN is refused too.
                    if !(rest > 0.0 && rest.is_finite()) {
                        return Err(ControlError::Solver { problem: "its Hessian is not positive definite" });
                    }
                    l[i][i] = rest.sqrt();
                } else {
                    l[i][k] = rest / l[k][k];
                }
            }
        }
        // Row i of L⁻¹, by forward substitution.
        self.j = [[0.0; N]; N];
        for i in 0..N {
            let (done, here) = self.j.split_at_mut(i);
            let row = &mut here[0];
            for (k, earlier) in done.iter().enumerate() {
                for (entry, value) in row[..=k].iter_mut().zip(&earlier[..=k]) {
                    *entry -= l[i][k] * value;
                }
            }
            row[i] = 1.0;
            for entry in &mut row[..=i] {
                *entry /= l[i][i];
            }
        }
        Ok(())
    }

    /// −H⁻¹g = −J Jᵀ g.
    fn unconstrained(&self, problem: &Problem<N>) -> [f64; N] {
        let mut u = [0.0; N];
        for column in &self.j {
            let share = dot(column, &problem.gradient);
            for (input, entry) in u.iter_mut().zip(column) {
                *input -= share * entry;
            }
        }
        u
    }

    /// Holds the guessed constraints, drops those that would have to pull, and goes to the minimum under the rest: that is a
    /// state that the method could have come to by itself. Returns the constraints taken up and dropped.
    fn warm_start(&mut self, problem: &Problem<N>, guess: &[Held], u: &mut [f64; N]) -> usize {
        let free = *u;
        let mut steps = 0;
        for held in guess {
            let d = self.project(*held);
            // A normal that the held ones span can't be held as well.
            if d[self.count..].iter().any(|entry| entry.abs() > 1e-9 * dot(&d, &d).sqrt()) {
                self.hold(*held, d);
                steps += 1;
            }
        }
        loop {
            // λ = R⁻¹ R⁻ᵀ (b − Aᵀu).
            let mut half = [0.0; N];
            for k in 0..self.count {
                let mut rest = -slack(problem, self.held[k], &free);
                for (a, b) in self.r[k][..k].iter().zip(&half[..k]) {
                    rest -= a * b;
                }
                half[k] = rest / self.r[k][k];
            }
            let multipliers = self.back_substitute(half);
            let worst = (0..self.count).min_by(|a, b| multipliers[*a].total_cmp(&multipliers[*b]));
            match worst {
                Some(worst) if multipliers[worst] < 0.0 => {
                    self.drop_held(worst);
                    steps += 1;
                }
                _ => {
                    self.multipliers = multipliers;
                    *u = free;
                    for (column, share) in self.j[..self.count].iter().zip(&half) {
                        for (input, entry) in u.iter_mut().zip(column) {
                            *input += share * entry;
                        }
                    }
                    return steps;
                }
            }
        }
    }

    /// The constraint that is violated most, and by how much (negative).
    fn most_violated(&self, problem: &Problem<N>, u: &[f64; N]) -> Option<(Held, f64)> {
        let mut worst = None;
        let mut least = -1e-11;
        for row in 0..2 * N {
            for sign in [1.0, -1.0] {
                let candidate = Held { row, sign };
                let slack = slack(problem, candidate, u);
                if slack < least && !self.held[..self.count].contains(&candidate) {
                    (worst, least) = (Some((candidate, slack)), slack);
                }
            }
        }
        worst
    }

    /// Step 2 of the method: takes a violated constraint up, dropping held ones whose multipliers would turn negative.
    fn take_up(
        &mut self,
        problem: &Problem<N>,
        new: Held,
        mut slack_now: f64,
        u: &mut [f64; N],
        iterations: &mut usize,
    ) -> Result<(), ControlError> {
        let mut multiplier = 0.0;
        loop {
            *iterations += 1;
            if *iterations > self.iterations_most {
                return Err(ControlError::Solver { problem: "its iterations ran out" });
            }
            let d = self.project(new);
            let mut z = [0.0; N];
            let mut curvature = 0.0;
            for (column, share) in self.j.iter().zip(&d).skip(self.count) {
                curvature += share * share;
                for (entry, value) in z.iter_mut().zip(column) {
                    *entry += share * value;
                }
            }
            let fall = self.back_substitute(d);
            let mut partial = (f64::INFINITY, 0);
            for (k, rate) in fall[..self.count].iter().enumerate() {
                if *rate > 0.0 && self.multipliers[k] / rate < partial.0 {
                    partial = (self.multipliers[k] / rate, k);
                }
            }
            let dependent = curvature <= 1e-14 * dot(&d, &d);
            let full = if dependent { f64::INFINITY } else { -slack_now / curvature };
            let step = full.min(partial.0);
            if !step.is_finite() {
                return Err(ControlError::Solver { problem: "its bounds contradict each other" });
            }
            for (held, rate) in self.multipliers[..self.count].iter_mut().zip(&fall) {
                *held = (*held - step * rate).max(0.0);
            }
            multiplier += step;
            if !dependent {
                for (input, entry) in u.iter_mut().zip(&z) {
                    *input += step * entry;
                }
            }
            if full <= partial.0 {
                self.multipliers[self.count] = multiplier;
                self.hold(new, d);
                return Ok(());
            }
            self.drop_held(partial.1);
            slack_now = slack(problem, new, u);
        }
    }

    /// Jᵀ times a constraint's normal.
    fn project(&self, held: Held) -> [f64; N] {
        let mut d = [0.0; N];
        let input = held.row % N;
        for (entry, column) in d.iter_mut().zip(&self.j) {
            let before = if held.row > N { column[input - 1] } else { 0.0 };
            *entry = held.sign * (column[input] - before);
        }
        d
    }

    /// R⁻¹ times the first entries of `d`; zeros after them.
    fn back_substitute(&self, mut d: [f64; N]) -> [f64; N] {
        d[self.count..].fill(0.0);
        for k in (0..self.count).rev() {
            d[k] /= self.r[k][k];
            let value = d[k];
            for (entry, factor) in d[..k].iter_mut().zip(&self.r[k][..k]) {
                *entry -= factor * value;
            }
        }
        d
    }

    /// Adds a constraint with `d` = Jᵀ·normal to the factors; its multiplier is in its place already.
    fn hold(&mut self, held: Held, mut d: [f64; N]) {
        for k in (self.count + 1..N).rev() {
            if d[k] == 0.0 {
                continue;
            }
            let (cos, sin, length) = rotation(d[k - 1], d[k]);
            (d[k - 1], d[k]) = (length, 0.0);
            rotate(&mut self.j, k - 1, cos, sin);
        }
        self.r[self.count] = d;
        self.held[self.count] = held;
        self.count += 1;
    }

    /// Takes constraint `place` out of the factors.
    fn drop_held(&mut self, place: usize) {
        self.held[place..self.count].rotate_left(1);
        self.multipliers[place..self.count].rotate_left(1);
        self.r[place..self.count].rotate_left(1);
        self.count -= 1;
        for k in place..self.count {
            let (cos, sin, length) = rotation(self.r[k][k], self.r[k][k + 1]);
            (self.r[k][k], self.r[k][k + 1]) = (length, 0.0);
            for column in &mut self.r[k + 1..self.count] {
                let (a, b) = (column[k], column[k + 1]);
                (column[k], column[k + 1]) = (cos * a + sin * b, cos * b - sin * a);
            }
            rotate(&mut self.j, k, cos, sin);
        }
    }

    fn solution(&self, inputs: [f64; N], iterations: usize) -> Solution<N> {
        let mut solution =
            Solution { inputs, bound_multipliers: [0.0; N], change_multipliers: [0.0; N], iterations };
        for (held, multiplier) in self.held[..self.count].iter().zip(&self.multipliers) {
            let rows =
                if held.row < N { &mut solution.bound_multipliers } else { &mut solution.change_multipliers };
            rows[held.row % N] -= held.sign * multiplier;
        }
        solution
    }
}

/// Distance to a constraint's side; negative where it is violated.
fn slack<const N: usize>(problem: &Problem<N>, held: Held, u: &[f64; N]) -> f64 {
    let (least, most) = problem.bounds(held.row);
    let value = problem.row(held.row, u);
    if held.sign > 0.0 { value - least } else { most - value }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += x * y;
    }
    sum
}

/// Cosine, sine and length of the rotation that turns (a, b) into (length, 0).
fn rotation(a: f64, b: f64) -> (f64, f64, f64) {
    let length = (a * a + b * b).sqrt();
    if length > 0.0 { (a / length, b / length, length) } else { (1.0, 0.0, 0.0) }
}

/// Rotates rows `k` and `k + 1`.
fn rotate<const N: usize>(rows: &mut [[f64; N]; N], k: usize, cos: f64, sin: f64) {
    let (upper, lower) = rows.split_at_mut(k + 1);
    for (a, b) in upper[k].iter_mut().zip(&mut lower[0]) {
        (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
    }
}
