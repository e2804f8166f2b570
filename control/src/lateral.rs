//! Who steers: predictive control, and the feedback law in the same tick where that fails.

use crate::config::LateralLaw;
use crate::dead_time::DeadTime;
use crate::feedback::Feedback;
use crate::mpc::{LateralMpc, STEPS, SolveReport, Start};
use crate::observer::{Measurement, Observer};
use crate::qp::Problem;
use crate::reference::{PathError, Reference};
use crate::{ControlError, ControllerConfig};
use auriga_geometry::Pose2;
use auriga_vehicle::VehicleParameters;
use auriga_vehicle::path_model::SingleTrack;

/// Commands under way at most: half a second at 100 Hz.
const UNDER_WAY_MOST: usize = 50;

/// Who steered at the last tick.
#[derive(Clone, Debug, PartialEq)]
pub enum LateralReport {
    /// Nobody: the wheels were held.
    Held,
    /// Predictive control.
    Predictive(SolveReport),
    /// The feedback law, because the configuration says so.
    Feedback,
    /// The feedback law, because predictive control failed.
    FallBack(ControlError),
}

/// What the steering is told at one tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub reference: &'a Reference,
    pub error: &'a PathError,
    /// Seconds after the trajectory's stamp.
    pub t: f64,
    /// `base_link` in the map.
    pub pose: Pose2,
    pub speed: f64,
    pub yaw_rate: f64,
    /// The wheels' angle now, if known.
    pub wheel: Option<f64>,
}

/// The steering.
#[derive(Clone, Debug)]
pub(crate) struct Lateral {
    observer: Observer,
    mpc: LateralMpc,
    feedback: Feedback,
    command: Option<f64>,
    /// The last commands, oldest first.
    sent: [f64; UNDER_WAY_MOST],
    /// How many of them have not arrived.
    dead_time: DeadTime,
    report: LateralReport,
}

impl Lateral {
    pub fn new(config: &ControllerConfig, car: &VehicleParameters) -> Self {
        let under_way = (config.dead_time_s / config.period_s).round().clamp(0.0, UNDER_WAY_MOST as f64);
        Self {
            observer: Observer::new(SingleTrack::new(car)),
            mpc: LateralMpc::new(&config.mpc, car),
            feedback: Feedback::default(),
            command: None,
            sent: [0.0; UNDER_WAY_MOST],
            dead_time: DeadTime::new(under_way as usize),
            report: LateralReport::Held,
        }
    }

    /// The front wheel angle to command (rad) and its rate (rad/s).
    pub fn step(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        now: &Situation<'_>,
    ) -> (f64, f64) {
        if let (Some(_), Some(wheel)) = (self.command, now.wheel) {
            self.dead_time.step(car, &self.sent, wheel, config.period_s);
        }
        self.observe(config, now);
        let wanted = match config.lateral_law {
            LateralLaw::Feedback => {
                self.report = LateralReport::Feedback;
                self.feedback.step(config, car, now.reference, now.error, now.speed)
            }
            LateralLaw::Predictive => match self.predictive(config, now) {
                Ok((angle, report)) => {
                    self.feedback.reset();
                    self.report = LateralReport::Predictive(report);
                    angle
                }
                Err(error) => {
                    self.report = LateralReport::FallBack(error);
                    self.feedback.step(config, car, now.reference, now.error, now.speed)
                }
            },
        };
        self.limit(config, car, wanted, now.wheel)
    }

    fn under_way(&self) -> usize {
        self.dead_time.ticks().min(UNDER_WAY_MOST)
    }

    fn observe(&mut self, config: &ControllerConfig, now: &Situation<'_>) {
        let measured =
            Measurement { pose: now.pose, speed: now.speed, yaw_rate: now.yaw_rate, wheel: now.wheel };
        // The newest command that was at work until now.
        let at_work = if self.command.is_some() {
            self.sent[UNDER_WAY_MOST - 1 - self.under_way().min(UNDER_WAY_MOST - 1)]
        } else {
            now.wheel.unwrap_or(0.0)
        };
        let bank = now.reference.tilt_at(now.error.s).0;
        self.observer.step(&measured, at_work, bank, config.period_s);
    }

    fn predictive(
        &mut self,
        config: &ControllerConfig,
        now: &Situation<'_>,
    ) -> Result<(f64, SolveReport), ControlError> {
        let mut error = *now.error;
        error.lateral += self.observer.place_correction(&now.pose);
        let start = Start {
            error: &error,
            t: now.t,
            speed: now.speed,
            tyres: &self.observer.tyres_state(),
            offsets: (self.observer.steering_offset(), self.observer.slip_offset()),
            under_way: &self.sent[UNDER_WAY_MOST - self.under_way()..],
            previous: self.command,
            period: config.period_s,
        };
        self.mpc.step(now.reference, &start)
    }

    /// Keeps the wheels where they are: at standstill, or with nothing to steer after.
    pub fn hold(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        measured: Option<f64>,
    ) -> (f64, f64) {
        self.observer.reset();
        self.dead_time.pause();
        self.report = LateralReport::Held;
        let angle = self.command.or(measured).unwrap_or(0.0);
        self.limit(config, car, angle, measured)
    }

    fn limit(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        wanted: f64,
        measured: Option<f64>,
    ) -> (f64, f64) {
        if self.command.is_none() {
            self.sent.fill(measured.unwrap_or(wanted));
        }
        let from = self.command.or(measured).unwrap_or(wanted);
        let step = car.max_steering_rate_rad_s * config.period_s;
        let most = car.max_steering_angle_rad;
        let angle = wanted.clamp(from - step, from + step).clamp(-most, most);
        self.command = Some(angle);
        self.sent.rotate_left(1);
        self.sent[UNDER_WAY_MOST - 1] = angle;
        (angle, (angle - from) / config.period_s)
    }

    /// Who steered at the last tick.
    pub fn report(&self) -> &LateralReport {
        &self.report
    }

    /// The quadratic program of the last tick.
    pub fn problem(&self) -> &Problem<STEPS> {
        self.mpc.problem()
    }

    /// Forgets all but its configuration.
    pub fn reset(&mut self) {
        self.observer.reset();
        self.mpc.reset();
        self.feedback.reset();
        self.dead_time.reset();
        self.command = None;
        self.report = LateralReport::Held;
    }
}
