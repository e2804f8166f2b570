//! Steering by model predictive control: a linear time-varying model of the car beside the path, 20 steps of growing length
//! ahead.
//!
//! Each tick the single-track model is linearised about the steady turn that each stretch of the path asks for (so curvature,
//! bank and speed to come are in it, and the tyres' bend under that load), sampled exactly, and condensed into a quadratic
//! program in the 20 commands to come. Paid for are lateral error, its rate, yaw rate beside the path's, and the change of the
//! command beyond what the path asks for: all four are zero in a steady turn, so none pulls against another. Commands
//! that are under way but have not arrived (dead time) are carried through the model first.

mod condense;
mod discrete;

pub use condense::STEPS;
use condense::{Stage, condense};
pub(crate) use discrete::Discrete;

use crate::qp::{Problem, Solution, Solver};
use crate::reference::{PathError, Reference};
use crate::{ControlError, MpcConfig};
use auriga_vehicle::VehicleParameters;
use auriga_vehicle::path_model::{Along, HEADING, LATERAL, PathState, SingleTrack, WHEEL};

/// What the controller starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// Beside the path.
    pub error: &'a PathError,
    /// Seconds after the trajectory's stamp.
    pub t: f64,
    /// m/s.
    pub speed: f64,
    /// Side speed, yaw rate and wheel angle, as the tyres see it.
    pub tyres: &'a PathState,
    /// Steering and slip offset, rad.
    pub offsets: (f64, f64),
    /// Commands under way, oldest first, each in force for a control period.
    pub under_way: &'a [f64],
    /// The last command; none before the first.
    pub previous: Option<f64>,
    /// Seconds each is in force.
    pub period: f64,
}

/// What one solution says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SolveReport {
    /// Constraints taken up and dropped.
    pub iterations: usize,
    /// Greatest residual of the conditions of Karush, Kuhn and Tucker.
    pub residual: f64,
}

/// The controller's model, weights and solver.
#[derive(Clone, Debug)]
pub(crate) struct LateralMpc {
    model: SingleTrack,
    config: MpcConfig,
    to_rear: f64,
    wheelbase: f64,
    understeer: f64,
    angle_most: f64,
    rate_most: f64,
    solver: Solver<STEPS>,
    problem: Problem<STEPS>,
    stages: [Stage; STEPS],
}

impl LateralMpc {
    pub fn new(config: &MpcConfig, car: &VehicleParameters) -> Self {
        Self {
            model: SingleTrack::new(car),
            config: config.clone(),
            to_rear: car.gravity_centre_m,
            wheelbase: car.wheelbase_m,
            understeer: car.understeer_gradient(),
            angle_most: car.max_steering_angle_rad,
            rate_most: car.max_steering_rate_rad_s,
            solver: Solver::new(config.solver_iterations_max),
            problem: Problem {
                hessian: [[0.0; STEPS]; STEPS],
                gradient: [0.0; STEPS],
                previous: 0.0,
                least: 0.0,
                most: 0.0,
                change_most: [0.0; STEPS],
            },
            stages: [Stage::default(); STEPS],
        }
    }

    /// Forgets the last solution.
    pub fn reset(&mut self) {
        self.solver.reset();
    }

    /// The problem that was solved last.
    pub fn problem(&self) -> &Problem<STEPS> {
        &self.problem
    }

    /// The front wheel angle to command, rad.
    ///
    /// # Errors
    /// [`ControlError::Solver`] where the solver fails or its answer is not exact enough.
    pub fn step(
        &mut self,
        reference: &Reference,
        start: &Start<'_>,
    ) -> Result<(f64, SolveReport), ControlError> {
        let (offset, slip) = start.offsets;
        let mut arrival = self.first(start);
        self.carry_through(reference, start, &mut arrival);
        self.look_ahead(reference, start, &arrival, slip);

        let problem = &mut self.problem;
        problem.least = offset - self.angle_most;
        problem.most = offset + self.angle_most;
        problem.previous = (start.previous.unwrap_or(start.tyres[WHEEL] - offset) + offset)
            .clamp(problem.least, problem.most);
        condense(&self.stages, &arrival.state, problem);
        let solution = self.solver.solve(problem)?;
        let report =
            SolveReport { iterations: solution.iterations, residual: problem.residual(&solution).largest() };
        if report.residual > self.config.residual_max {
            self.solver.reset();
            return Err(ControlError::Solver { problem: "its answer is not exact enough" });
        }
        let Solution { inputs, .. } = solution;
        Ok((inputs[0] - offset, report))
    }

    fn first(&self, start: &Start<'_>) -> Arrival {
        let mut state = *start.tyres;
        let most = self.config.lateral_error_max_m;
        state[LATERAL] = start.error.lateral.clamp(-most, most);
        state[HEADING] =
            start.error.heading.clamp(-self.config.heading_error_max_rad, self.config.heading_error_max_rad);
        Arrival { state, s: start.error.s, t: start.t }
    }

    /// Carries the state to the instant at which the command now computed arrives.
    fn carry_through(&self, reference: &Reference, start: &Start<'_>, arrival: &mut Arrival) {
        let (offset, slip) = start.offsets;
        let (length, dt) = (start.speed * start.period, start.period);
        let mut stretch =
            Stretch::new(&self.model, &reference.along(arrival.s, length, start.speed), slip, dt);
        for command in start.under_way {
            stretch.go_on(&self.model, &reference.along(arrival.s, length, start.speed), slip, dt);
            let model = &stretch.discrete;
            arrival.state = model.state * arrival.state + model.input * (command + offset) + model.drift;
            arrival.s += length;
            arrival.t += dt;
        }
    }

    /// Fills the stages from the path, the plan's speed and the model.
    fn look_ahead(&mut self, reference: &Reference, start: &Start<'_>, arrival: &Arrival, slip: f64) {
        let period = start.period;
        // An arithmetic series from the control period on.
        let growth = 2.0 * (self.config.horizon_s / STEPS as f64 - period).max(0.0) / (STEPS - 1) as f64;
        let mut dt = period;
        let weights = &self.config.weights;
        // The car follows the plan's speed, and what it differs by now it makes up for within about a second.
        let mut lead = start.speed - reference.at_time(start.t).speed;
        let (mut s, mut t, mut speed) = (arrival.s, arrival.t, start.speed);
        // What the last tick's first command was for.
        let before = reference.along(s - speed * period, speed * period, speed);
        let mut stretch = Stretch::new(&self.model, &before, slip, dt);
        for (k, stage) in self.stages.iter_mut().enumerate() {
            t += dt;
            lead *= 1.0 - dt.min(1.0);
            let next = (reference.at_time(t).speed + lead).max(0.0);
            let mean = 0.5 * (speed + next);
            let wheel_before = stretch.wheel;
            stretch.go_on(&self.model, &reference.along(s, mean * dt, mean), slip, dt);
            s += mean * dt;
            speed = next;
            // Lateral acceleration per wheel angle: what a turn of the wheel costs in comfort.
            let bite = mean * mean / (self.wheelbase + self.understeer.max(0.0) * mean * mean);
            let span = if k + 1 == STEPS { dt + weights.terminal } else { dt };
            // From the middle of the command before to the middle of this one.
            let apart = if k == 0 { period } else { dt - 0.5 * growth };
            self.problem.change_most[k] = self.rate_most * apart;
            *stage = Stage {
                model: stretch.discrete,
                outputs: Stage::rows(next, self.to_rear),
                offsets: [0.0, next * slip, -next * reference.curvature_at(s)],
                weights: [span * weights.lateral, span * weights.lateral_rate, span * weights.yaw_rate],
                change_wanted: stretch.wheel - wheel_before,
                change_weight: (weights.jerk * bite * bite + weights.steering_rate) / apart,
            };
            dt += growth;
        }
    }
}

/// A stretch of the path with the model that holds there.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    at: Along,
    /// The wheel angle of the steady turn, rad.
    wheel: f64,
    discrete: Discrete,
}

impl Stretch {
    /// The model about the steady turn, over `dt` seconds.
    fn new(model: &SingleTrack, at: &Along, slip: f64, dt: f64) -> Self {
        let steady = model.steady_turn(at);
        let (a, b) = model.jacobian(&steady, at);
        let mut drift = model.derivative(&steady, 0.0, at) - a * steady;
        drift[LATERAL] += at.speed * slip;
        Self { at: *at, wheel: steady[WHEEL], discrete: Discrete::hold(&a, &b, &drift, dt) }
    }

    /// Moves to the next stretch; where that is just the same, so is the model.
    fn go_on(&mut self, model: &SingleTrack, at: &Along, slip: f64, dt: f64) {
        if self.at != *at {
            *self = Self::new(model, at, slip, dt);
        }
    }
}

/// Where the car is when the command arrives.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    state: PathState,
    s: f64,
    t: f64,
}
