//! The gate itself: inputs in at the door, one transition, one command out.

use crate::command::{SafeCommand, SafeCommandRecord};
use crate::config::{ConfigError, Envelope, GateConfig};
use crate::counters::{Counters, Tick};
use crate::emergency::{EmergencyMemory, MEMORY_NS, WayAhead};
use crate::input::{
    Channel, Command, Engage, EngageRequest, GateInputs, Health, Nanos, NearestObstacle, VehicleState,
};
use crate::limit;
use crate::state::{Facts, GateState, Mode, Reason, transition};

/// Rate limits reckon with no more than this between two calls, ns: after a stall the command may not jump.
const STEP_LONGEST_NS: Nanos = 50_000_000;
/// Faster backwards than this is rolling away, m/s. Unverified.
const ROLLING_BACK_MPS: f64 = 0.5;

/// The last check before a command leaves. See the crate's documentation.
#[derive(Debug)]
pub struct Gate {
    config: GateConfig,
    state: GateState,
    mode: Mode,
    reason: Reason,
    now_ns: Option<Nanos>,
    vehicle: Channel<VehicleState>,
    obstacle: Channel<NearestObstacle>,
    command: Channel<Command>,
    /// Requests to engage up to this stamp have had their effect.
    requests_void_until_ns: Nanos,
    emergency: EmergencyMemory,
    /// The emergency began within a minimal-risk stop.
    within_stop: bool,
    steering_angle_rad: f64,
    acceleration_mps2: f64,
    counters: Counters,
}

/// What a state wants to send, and what became of it.
struct Output {
    steering_angle_rad: f64,
    acceleration_mps2: f64,
    hold: bool,
    steering_limited: bool,
    acceleration_limited: bool,
}

impl Gate {
    /// A silent gate.
    ///
    /// # Errors
    /// A configuration that cannot be meant.
    pub fn new(config: GateConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            config,
            state: GateState::Silent,
            mode: Mode::Supervised,
            reason: Reason::StartUp,
            now_ns: None,
            vehicle: Channel::new(),
            obstacle: Channel::new(),
            command: Channel::new(),
            requests_void_until_ns: Nanos::MIN,
            emergency: EmergencyMemory::new(),
            within_stop: false,
            steering_angle_rad: 0.0,
            acceleration_mps2: 0.0,
            counters: Counters::default(),
        })
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &GateConfig {
        &self.config
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> GateState {
        self.state
    }

    /// How often it cut, refused and intervened.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// One tick: judges the latest snapshots at logical time `now_ns` and gives the one command that may leave.
    ///
    /// To be called every tick, whether or not an input is new. Constant work, no allocation, no panic, whatever comes in.
    pub fn step(&mut self, now_ns: Nanos, inputs: &GateInputs) -> SafeCommand {
        let clock_went_back = self.now_ns.is_some_and(|last| now_ns < last);
        let now_ns = self.now_ns.map_or(now_ns, |last| now_ns.max(last));
        let elapsed_ns = self.now_ns.map_or(0, |last| now_ns.saturating_sub(last)).min(STEP_LONGEST_NS);
        self.now_ns = Some(now_ns);
        let vehicle = self.vehicle.accept(now_ns, inputs.vehicle, &self.config.vehicle);
        let obstacle = self.obstacle.accept(now_ns, inputs.obstacle, &self.config.vehicle);
        let command = self.command.accept(now_ns, inputs.command, &self.config.vehicle);

        let way = self.way_ahead(now_ns);
        let facts = self.facts(now_ns, clock_went_back, inputs.engage, way);
        let next = transition(self.state, self.mode, &facts);
        if let Some((state, mode, reason)) = next {
            self.enter(now_ns, state, mode, reason, inputs.engage, way);
        }
        let refused =
            if facts.engage.is_some() && self.state != GateState::Engaged { facts.refusal() } else { None };
        let output = self.output(elapsed_ns as f64 * 1e-9, &facts, way);
        self.steering_angle_rad = output.steering_angle_rad;
        self.acceleration_mps2 = output.acceleration_mps2;
        let active = self.state != GateState::Silent;
        self.counters.count(&Tick {
            clock_went_back,
            vehicle,
            obstacle,
            command,
            entered: next.map(|(state, _, reason)| (state, reason)),
            refused: refused.is_some(),
            active,
            steering_limited: output.steering_limited,
            acceleration_limited: output.acceleration_limited,
        });
        SafeCommand::new(SafeCommandRecord {
            stamp_ns: now_ns,
            active,
            steering_angle_rad: output.steering_angle_rad,
            acceleration_mps2: output.acceleration_mps2,
            hold: output.hold,
            state: self.state,
            mode: if active { Some(self.mode) } else { None },
            reason: self.reason,
            changed: next.is_some(),
            refused,
            steering_limited: output.steering_limited,
            acceleration_limited: output.acceleration_limited,
        })
    }

    fn envelope(&self) -> &Envelope {
        match self.mode {
            Mode::Supervised => &self.config.supervised,
            Mode::Automated => &self.config.automated,
        }
    }

    /// The last known wheel speed, m/s.
    fn speed_mps(&self) -> f64 {
        self.vehicle.last().map_or(0.0, |vehicle| vehicle.speed_mps)
    }

    fn way_ahead(&self, now_ns: Nanos) -> Option<WayAhead> {
        let obstacle = self.obstacle.last()?;
        let obstacle_age_ns = self.obstacle.age_ns(now_ns).filter(|&age| age <= MEMORY_NS)?;
        self.vehicle.age_ns(now_ns).filter(|&age| age <= MEMORY_NS)?;
        Some(WayAhead::judge(&self.config.emergency, &obstacle, obstacle_age_ns, self.speed_mps()))
    }

    fn facts(
        &mut self,
        now_ns: Nanos,
        clock_went_back: bool,
        request: Option<EngageRequest>,
        way: Option<WayAhead>,
    ) -> Facts {
        let timeouts = self.config.timeouts;
        let vehicle_health = self.vehicle.health(now_ns, timeouts.vehicle_state_ns);
        let obstacle_health = self.obstacle.health(now_ns, timeouts.obstacle_ns);
        let command_health = self.command.health(now_ns, timeouts.command_ns);
        let vehicle = self.vehicle.last().filter(|_| vehicle_health == Health::Fresh);
        let doubt = if clock_went_back { Some(Reason::ClockWentBack) } else { None }
            .or(doubt(vehicle_health, Reason::VehicleStateStale, Reason::VehicleStateImplausible))
            .or(doubt(obstacle_health, Reason::ObstacleStale, Reason::ObstacleImplausible))
            .or(doubt(command_health, Reason::CommandStale, Reason::CommandImplausible))
            .or(if self.speed_mps() < -ROLLING_BACK_MPS { Some(Reason::RollingBack) } else { None });

        let standing = self.state == GateState::EmergencyHold;
        let seen = way.filter(|_| obstacle_health == Health::Fresh);
        let free = self.emergency.is_free(&self.config.emergency, now_ns, seen, standing);
        let wants_to_go = self.command.last().is_some_and(|command| command.acceleration_mps2 > 0.0);
        let moving = self.speed_mps() > self.config.standstill_speed_mps;
        let (disengage, engage) = self.judge_request(now_ns, request);
        Facts {
            disengage,
            engage,
            driver: vehicle.and_then(|vehicle| self.driver_override(&vehicle)),
            doubt,
            threat: self.config.emergency_braking && moving && way.is_some_and(|way| way.is_blocked()),
            clear: free && !standing,
            may_go: free && standing && wants_to_go,
            standstill: vehicle
                .is_some_and(|vehicle| vehicle.speed_mps.abs() <= self.config.standstill_speed_mps),
            within_stop: self.within_stop,
        }
    }

    /// Steering and gas come before the brake, because the brake alone does not end an emergency.
    fn driver_override(&self, vehicle: &VehicleState) -> Option<Reason> {
        let limits = &self.config.driver;
        if vehicle.driver_torque_nm.abs() >= limits.torque_nm {
            Some(Reason::DriverSteering)
        } else if vehicle.driver_gas >= limits.gas {
            Some(Reason::DriverGas)
        } else if vehicle.driver_brake >= limits.brake {
            Some(Reason::DriverBrake)
        } else {
            None
        }
    }

    /// (disengage, engage). Disengaging is granted whatever its age; a request to engage must be new, and in time.
    fn judge_request(&mut self, now_ns: Nanos, request: Option<EngageRequest>) -> (bool, Option<Mode>) {
        let Some(request) = request.filter(|request| request.stamp_ns > self.requests_void_until_ns) else {
            return (false, None);
        };
        let mode = match request.request {
            Engage::Disengage => {
                self.requests_void_until_ns = request.stamp_ns.min(now_ns);
                return (true, None);
            }
            Engage::Supervised => Mode::Supervised,
            Engage::Automated => Mode::Automated,
        };
        let age_ns = now_ns.saturating_sub(request.stamp_ns);
        let in_time = (0..=self.config.timeouts.engage_ns).contains(&age_ns);
        (false, if in_time { Some(mode) } else { None })
    }

    fn enter(
        &mut self,
        now_ns: Nanos,
        state: GateState,
        mode: Mode,
        reason: Reason,
        request: Option<EngageRequest>,
        way: Option<WayAhead>,
    ) {
        let from = self.state;
        self.state = state;
        self.mode = mode;
        self.reason = reason;
        match state {
            GateState::Engaged if reason == Reason::EngageRequested => {
                if let Some(request) = request {
                    self.requests_void_until_ns = request.stamp_ns;
                }
            }
            // Whoever wants to engage after this asks after this.
            _ => self.requests_void_until_ns = self.requests_void_until_ns.max(now_ns),
        }
        match (from, state) {
            (GateState::Silent, _) => {
                // From what the wheels do, without a jump.
                let angle_max = self.config.vehicle.max_steering_angle_rad;
                let measured = self.vehicle.last().map_or(0.0, |vehicle| vehicle.steering_angle_rad);
                self.steering_angle_rad = measured.clamp(-angle_max, angle_max);
                self.acceleration_mps2 = 0.0;
            }
            (_, GateState::Engaged) => {
                let strongest = -self.envelope().deceleration_mps2.at(self.speed_mps());
                self.acceleration_mps2 = self.acceleration_mps2.max(strongest);
            }
            // The stop brakes as it would have from the start, and not as hard as before.
            (GateState::EmergencyBraking, GateState::MinimalRiskStop) => self.acceleration_mps2 = 0.0,
            (before, GateState::EmergencyBraking) => {
                self.within_stop = before == GateState::MinimalRiskStop;
                if let Some(way) = way {
                    self.emergency.begin(&way);
                }
            }
            (_, GateState::EmergencyHold) => self.emergency.restart_waiting(),
            _ => {}
        }
    }

    fn output(&self, seconds: f64, facts: &Facts, way: Option<WayAhead>) -> Output {
        let last = self.acceleration_mps2;
        // Braking that has begun does not get softer by doubt.
        let stop = last.min(-self.envelope().minimal_risk_deceleration_mps2);
        let emergency = last.min(-self.config.emergency.deceleration_mps2);
        match self.state {
            GateState::Silent => Output {
                steering_angle_rad: 0.0,
                acceleration_mps2: 0.0,
                hold: false,
                steering_limited: false,
                acceleration_limited: false,
            },
            GateState::Engaged => self.pass(seconds, facts, way),
            GateState::EmergencyBraking => self.brake(seconds, emergency, false),
            GateState::EmergencyHold => self.brake(seconds, emergency, true),
            GateState::MinimalRiskStop => self.brake(seconds, stop, false),
            GateState::StandstillHold => self.brake(seconds, stop, true),
        }
    }

    /// The controller's command, within the envelope.
    fn pass(&self, seconds: f64, facts: &Facts, way: Option<WayAhead>) -> Output {
        let (wanted_steering, wanted_acceleration) =
            self.command.last().map_or((self.steering_angle_rad, 0.0), |command| {
                (command.steering_angle_rad, command.acceleration_mps2)
            });
        let steering_angle_rad = self.limit_steering(seconds, wanted_steering);
        // Nobody moves off, or speeds up, towards what is in the way.
        let blocked = self.config.emergency_braking && way.is_some_and(|way| way.is_blocked());
        let permitted = if blocked { wanted_acceleration.min(0.0) } else { wanted_acceleration };
        let acceleration_mps2 = limit::acceleration(
            self.envelope(),
            self.speed_mps(),
            seconds,
            self.acceleration_mps2,
            permitted,
        );
        Output {
            steering_angle_rad,
            acceleration_mps2,
            hold: facts.standstill && acceleration_mps2 <= 0.0,
            steering_limited: steering_angle_rad != wanted_steering,
            acceleration_limited: acceleration_mps2 != wanted_acceleration,
        }
    }

    /// The gate's own braking, with the last safe steering.
    fn brake(&self, seconds: f64, acceleration_mps2: f64, hold: bool) -> Output {
        Output {
            steering_angle_rad: self.limit_steering(seconds, self.steering_angle_rad),
            acceleration_mps2,
            hold,
            steering_limited: false,
            acceleration_limited: false,
        }
    }

    fn limit_steering(&self, seconds: f64, wanted: f64) -> f64 {
        limit::steering(
            &self.config.vehicle,
            self.envelope(),
            self.speed_mps(),
            seconds,
            self.steering_angle_rad,
            wanted,
        )
    }
}

fn doubt(health: Health, stale: Reason, implausible: Reason) -> Option<Reason> {
    match health {
        Health::Fresh => None,
        Health::Stale => Some(stale),
        Health::Implausible => Some(implausible),
    }
}
