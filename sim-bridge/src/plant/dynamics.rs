//! Single-track model with saturating tyres (Rajamani, *Vehicle Dynamics and Control*, 2012, section 2.3), blended into the
//! kinematic one at walking pace, where slip angles lose their meaning.

use super::actuator::Actuator;
use super::ecu::{Command, Demand, Ecu};
use super::parameters::PlantParameters;
use auriga_geometry::math::{atan2, sin_cos, tan, tanh, wrap_angle};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2};

const GRAVITY: f64 = 9.806_65;
const AIR_DENSITY: f64 = 1.2;
const INNER_STEP: LogicalDuration = LogicalDuration::from_micros(1_000);
/// Below this speed the kinematic model alone, m/s.
const KINEMATIC_BELOW: f64 = 1.0;
/// Above this speed the tyres alone, m/s.
const DYNAMIC_ABOVE: f64 = 3.0;

/// The car's motion at one instant. Velocities and accelerations are those of `base_link`, in `base_link`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlantState {
    /// `base_link` in `map`.
    pub pose: Pose2,
    /// Forwards, m/s; never negative.
    pub speed: f64,
    /// To the left, m/s.
    pub lateral_speed: f64,
    /// rad/s.
    pub yaw_rate: f64,
    /// rad/s², mean over the last advance.
    pub yaw_acceleration: f64,
    /// Acceleration forwards, m/s², mean over the last advance.
    pub acceleration: f64,
    /// Acceleration to the left, m/s², mean over the last advance; in a steady turn speed × yaw rate.
    pub lateral_acceleration: f64,
    /// Front wheel angle, rad.
    pub steering_angle: f64,
}

/// What pushes the car from outside, at its centre of gravity: wind, or a slope's share of its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Push {
    /// Forwards, N.
    pub forward_n: f64,
    /// To the left, N.
    pub left_n: f64,
    /// About the vertical axis, to the left, N·m.
    pub turning_nm: f64,
}

/// The simulated car.
#[derive(Clone, Debug)]
pub struct Plant {
    parameters: PlantParameters,
    ecu: Ecu,
    steering: Actuator,
    force: Actuator,
    state: PlantState,
    time: LogicalTime,
    braking: bool,
    push: Push,
}

impl Plant {
    /// A car at `pose` that drives straight on at `speed`.
    #[must_use]
    pub fn new(parameters: &PlantParameters, pose: Pose2, speed: f64, time: LogicalTime) -> Self {
        Self {
            ecu: Ecu::new(&parameters.ecu),
            parameters: parameters.clone(),
            steering: Actuator::default(),
            force: Actuator::default(),
            state: PlantState { pose, speed: speed.max(0.0), ..PlantState::default() },
            time,
            braking: false,
            push: Push::default(),
        }
    }

    /// Its figures.
    #[must_use]
    pub fn parameters(&self) -> &PlantParameters {
        &self.parameters
    }

    /// Its motion now.
    #[must_use]
    pub fn state(&self) -> &PlantState {
        &self.state
    }

    /// Whether the brake lights are on.
    #[must_use]
    pub fn braking(&self) -> bool {
        self.braking
    }

    /// From now on the car is pushed so.
    pub fn push(&mut self, push: Push) {
        self.push = push;
    }

    /// What its control unit asks of the actuators now.
    #[must_use]
    pub fn demand(&self) -> Demand {
        self.ecu.demand(self.time, self.state.speed)
    }

    /// Advances to `now` in steps of 1 ms. `commands`, ascending by instant, come into effect on the way; later ones stay in
    /// the queue.
    pub fn advance(
        &mut self,
        now: LogicalTime,
        commands: &mut std::collections::VecDeque<(LogicalTime, Command)>,
    ) {
        let before = self.state;
        let start = self.time;
        while self.time < now {
            while let Some(&(at, command)) = commands.front() {
                if at > self.time {
                    break;
                }
                self.ecu.receive(at, command);
                commands.pop_front();
            }
            let span = now.since(self.time).min(INNER_STEP);
            let demand = self.ecu.demand(self.time, self.state.speed);
            self.step(demand, span.as_secs_f64());
            self.time += span;
        }
        let span = self.time.since(start).as_secs_f64();
        if span > 0.0 {
            let (a, b) = (&before, &mut self.state);
            let (speed, lateral) = ((a.speed + b.speed) / 2.0, (a.lateral_speed + b.lateral_speed) / 2.0);
            let yaw_rate = (a.yaw_rate + b.yaw_rate) / 2.0;
            b.acceleration = (b.speed - a.speed) / span - yaw_rate * lateral;
            b.lateral_acceleration = (b.lateral_speed - a.lateral_speed) / span + yaw_rate * speed;
            b.yaw_acceleration = (b.yaw_rate - a.yaw_rate) / span;
        }
    }

    fn step(&mut self, demand: Demand, dt: f64) {
        let steering = &self.parameters.steering;
        let wanted = demand.steering_angle.clamp(-steering.max_angle_rad, steering.max_angle_rad);
        self.steering.step(wanted, steering.lag_s, steering.max_rate_radps, dt);
        self.state.steering_angle = self.steering.value;

        let tractive = self.tractive_acceleration(demand.acceleration, dt);
        if self.stands(tractive, dt) {
            self.state.speed = 0.0;
            self.state.lateral_speed = 0.0;
            self.state.yaw_rate = 0.0;
            return;
        }
        self.step_motion(tractive, dt);
    }

    /// Drive or brake force per mass, after the actuators, m/s².
    fn tractive_acceleration(&mut self, wanted: f64, dt: f64) -> f64 {
        let drive = &self.parameters.drive;
        let wanted = wanted.clamp(-drive.max_deceleration_mps2, drive.max_acceleration_mps2);
        let lag = if wanted < self.force.value { drive.brake_lag_s } else { drive.drive_lag_s };
        self.force.step(wanted, lag, f64::INFINITY, dt);
        self.braking = self.force.value < -0.3;
        let grip = self.parameters.tyres.friction * GRAVITY;
        self.force.value.clamp(-grip, grip)
    }

    /// What rolling and air take, less what the control unit makes up for and what pushes from outside, m/s².
    fn resistance(&self) -> f64 {
        let body = &self.parameters.body;
        let air = 0.5 * AIR_DENSITY * body.drag_area_m2 * self.state.speed * self.state.speed / body.mass_kg;
        (air + body.rolling_resistance * GRAVITY) * (1.0 - self.parameters.drive.resistance_compensation)
            - self.push.forward_n / body.mass_kg
    }

    /// Brakes and rolling resistance bring the car to a stand and keep it there; they never push it backwards.
    fn stands(&self, tractive: f64, dt: f64) -> bool {
        self.state.speed + (tractive - self.resistance()) * dt <= 0.0
    }

    fn step_motion(&mut self, tractive: f64, dt: f64) {
        let body = &self.parameters.body;
        let (rear, front) = (body.gravity_centre_m, body.wheelbase_m - body.gravity_centre_m);
        let (mass, inertia) = (body.mass_kg, body.yaw_inertia_kgm2);
        let delta = self.state.steering_angle;
        let (sin_delta, cos_delta) = sin_cos(delta);
        let state = self.state;
        let (vx, vy, r) = (state.speed, state.lateral_speed + rear * state.yaw_rate, state.yaw_rate);

        let (front_force, rear_force) = if vx > KINEMATIC_BELOW {
            let slip_front = delta - atan2(vy + front * r, vx);
            let slip_rear = -atan2(vy - rear * r, vx);
            let weight = mass * GRAVITY / body.wheelbase_m;
            let tyres = &self.parameters.tyres;
            // The friction ellipse: what braking takes of the grip is not there for cornering.
            let used = (tractive / (tyres.friction * GRAVITY)).clamp(-1.0, 1.0);
            let left = (1.0 - used * used).max(0.04).sqrt();
            (
                tyre(tyres.front_stiffness_n_per_rad, slip_front, tyres.friction * weight * rear * left),
                tyre(tyres.rear_stiffness_n_per_rad, slip_rear, tyres.friction * weight * front * left),
            )
        } else {
            (0.0, 0.0)
        };

        // In a turn the front tyre's side force also holds the car back.
        let cornering_drag = front_force * sin_delta / mass;
        let vx_next = (vx + (tractive - self.resistance() - cornering_drag + r * vy) * dt).max(0.0);
        let side_force = front_force * cos_delta + rear_force + self.push.left_n;
        let turning = front * front_force * cos_delta - rear * rear_force + self.push.turning_nm;
        let vy_dynamic = vy + (side_force / mass - vx * r) * dt;
        let r_dynamic = r + turning / inertia * dt;
        let r_kinematic = vx_next * tan(delta) / body.wheelbase_m;
        let share = ((vx - KINEMATIC_BELOW) / (DYNAMIC_ABOVE - KINEMATIC_BELOW)).clamp(0.0, 1.0);
        let r_next = r_kinematic + (r_dynamic - r_kinematic) * share;
        let vy_next = (vy_dynamic - rear * r_next) * share;
        let vy_next = if share < 1.0 {
            // A car that slides sideways while it slows down is held by grip, not by the change of model.
            let (unheld, held) =
                (state.lateral_speed - vx * r * dt, self.parameters.tyres.friction * GRAVITY * dt);
            vy_next.clamp(unheld - held, unheld + held)
        } else {
            vy_next
        };

        let yaw = state.pose.yaw + (r + r_next) / 2.0 * dt;
        let (sin, cos) = sin_cos((state.pose.yaw + yaw) / 2.0);
        let (forward, left) = ((vx + vx_next) / 2.0, (state.lateral_speed + vy_next) / 2.0);
        self.state.pose = Pose2::new(
            state.pose.x + (cos * forward - sin * left) * dt,
            state.pose.y + (sin * forward + cos * left) * dt,
            wrap_angle(yaw),
        );
        self.state.speed = vx_next;
        self.state.lateral_speed = vy_next;
        self.state.yaw_rate = r_next;
    }
}

/// Side force of a tyre pair: linear at small slip, `most` at large slip, N.
fn tyre(stiffness: f64, slip: f64, most: f64) -> f64 {
    most * tanh(stiffness * slip / most)
}
