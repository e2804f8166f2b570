//! The simulated car behind its bus: frames in, frames out, and a clock that somebody else reads.

use super::bench::{BenchMessages, Motion, Request, Start, Status};
use super::fault::{Fault, Injector};
use super::unit::{CommandCounts, ControlUnit, StopReason};
use crate::Noise;
use crate::plant::{Command, Plant, PlantParameters, PlantState};
use crate::platform::WHEELS;
use crate::platform::ego::WARM_UP;
use crate::sensors::Wheels;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::can::{CanFrame, Database, VehicleProfile};
use auriga_hal::{HalError, WheelsRig};
use std::collections::VecDeque;

/// Where the car's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// From a clock: call [`SimCar::advance`].
    Clock,
    /// From the bench's frames.
    Bench,
    /// The bench has ended the test.
    Ended,
}

/// What the car is made of.
#[derive(Clone, Debug)]
pub struct CarSetup {
    /// Body, tyres, drive, control unit.
    pub plant: PlantParameters,
    /// The noise of its wheel sensors.
    pub wheels: WheelsRig,
    /// How its messages are protected, and how often they come.
    pub profile: VehicleProfile,
    /// Its messages.
    pub database: Database,
    /// What shall go wrong on its bus.
    pub faults: Vec<Fault>,
}

/// How a drive ended, as the car has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CarReport {
    /// The car's time.
    pub now: LogicalTime,
    /// Command frames.
    pub commands: CommandCounts,
    /// When a command was last obeyed.
    pub last_obeyed: Option<LogicalTime>,
    /// Since when it stops on its own account, why, and its speed then, m/s.
    pub stop: Option<(LogicalTime, StopReason, f64)>,
    /// Since when it stands.
    pub standing: Option<LogicalTime>,
    /// From the beginning of its own stop to where it is, metres.
    pub stopping_distance_m: f64,
}

/// The simulated car. No I/O: [`SimCar::hear`] takes frames, [`SimCar::said`] gives them.
#[derive(Debug)]
pub struct SimCar {
    setup: CarSetup,
    bench: BenchMessages,
    injector: Injector,
    start: Start,
    pace: Pace,
    plant: Plant,
    unit: ControlUnit,
    state_period: LogicalDuration,
    driver_period: LogicalDuration,
    began: LogicalTime,
    now: LogicalTime,
    next_state: LogicalTime,
    next_driver: LogicalTime,
    commands: VecDeque<(LogicalTime, Command)>,
    /// Frames on their way to the car, by arrival.
    incoming: Vec<(LogicalTime, CanFrame)>,
    /// Frames on their way from the car, by arrival.
    outgoing: Vec<(LogicalTime, CanFrame)>,
    passing: Vec<(LogicalTime, CanFrame)>,
    said: Vec<CanFrame>,
    own_stop: Option<(f64, PlantState)>,
    standing: Option<LogicalTime>,
}

/// Puts a frame where it belongs; of one instant, behind those that are there.
fn queue(frames: &mut Vec<(LogicalTime, CanFrame)>, at: LogicalTime, frame: CanFrame) {
    let place = frames.partition_point(|(other, _)| *other <= at);
    frames.insert(place, (at, frame));
}

impl SimCar {
    /// A car that stands, or drives, at `start`, at instant 0.
    ///
    /// # Errors
    /// A profile or database without the simulated car's messages or periods.
    pub fn new(setup: CarSetup, start: Start) -> Result<Self, HalError> {
        let injector = Injector::new(&setup.faults, &setup.profile, &setup.database)?;
        let unit = control_unit(&setup, start.seed)?;
        let period = |message: &str| {
            let period = setup.profile.period(message).filter(|period| *period >= LogicalDuration::LEAST);
            period.ok_or_else(|| HalError::Configuration {
                file: setup.profile.name.clone(),
                problem: format!("field `timing.{message}.period_ms`: how often does the car say it?"),
            })
        };
        Ok(Self {
            bench: BenchMessages::new()?,
            injector,
            pace: Pace::Clock,
            plant: Plant::new(&setup.plant, start.pose, start.speed, LogicalTime::ZERO),
            unit,
            state_period: period("STATE")?,
            driver_period: period("DRIVER")?,
            began: LogicalTime::ZERO,
            now: LogicalTime::ZERO,
            next_state: LogicalTime::ZERO,
            next_driver: LogicalTime::ZERO,
            commands: VecDeque::new(),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            passing: Vec::new(),
            said: Vec::new(),
            own_stop: None,
            standing: None,
            start,
            setup,
        })
    }

    /// Where its time comes from.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> LogicalTime {
        self.now
    }

    /// Its motion, as of its last own message.
    #[must_use]
    pub fn motion(&self) -> Motion {
        Motion {
            state: *self.plant.state(),
            demand: self.plant.demand().acceleration,
            braking: self.plant.braking(),
            stops_by_itself: self.unit.stop().is_some(),
        }
    }

    /// How it has gone so far.
    #[must_use]
    pub fn report(&self) -> CarReport {
        let place = self.plant.state().pose.position();
        CarReport {
            now: self.now,
            commands: self.unit.counts(),
            last_obeyed: self.unit.last_obeyed(),
            stop: self.unit.stop().map(|(at, why)| (at, why, self.own_stop.map_or(0.0, |(speed, _)| speed))),
            standing: self.standing,
            stopping_distance_m: self.own_stop.map_or(0.0, |(_, then)| (place - then.pose.position()).norm()),
        }
    }

    /// The bench is gone: time comes from a clock again, beginning with now.
    pub fn go_on_alone(&mut self) {
        self.pace = Pace::Clock;
    }

    /// Moves on to `now`, saying on the way what is due.
    ///
    /// # Errors
    /// A motion that the messages cannot hold.
    pub fn advance(&mut self, now: LogicalTime) -> Result<(), HalError> {
        loop {
            let arrivals = self.incoming.first().into_iter().chain(self.outgoing.first()).map(|(at, _)| *at);
            let next = arrivals.fold(self.next_state.min(self.next_driver), LogicalTime::min);
            if next > now {
                break;
            }
            self.now = self.now.max(next);
            self.happen()?;
        }
        self.now = self.now.max(now);
        Ok(())
    }

    /// Everything that is due now: what arrives, then what the car says.
    fn happen(&mut self) -> Result<(), HalError> {
        let now = self.now;
        while self.incoming.first().is_some_and(|(at, _)| *at <= now) {
            let (_, frame) = self.incoming.remove(0);
            self.obey(&frame);
        }
        if self.next_state <= now {
            self.move_plant();
            let frame = self.unit.say_state(now, self.plant.state())?;
            self.send(frame);
            self.next_state += self.state_period;
        }
        if self.next_driver <= now {
            let frame = self.unit.say_driver(now >= self.began + WARM_UP)?;
            self.send(frame);
            self.next_driver += self.driver_period;
        }
        while self.outgoing.first().is_some_and(|(at, _)| *at <= now) {
            let (_, frame) = self.outgoing.remove(0);
            self.said.push(frame);
        }
        Ok(())
    }

    fn move_plant(&mut self) {
        self.plant.advance(self.now, &mut self.commands);
        self.unit.watch(self.now);
        let state = *self.plant.state();
        if self.unit.stop().is_some() {
            self.own_stop.get_or_insert((state.speed, state));
        }
        self.standing = if state.speed > 0.0 { None } else { self.standing.or(Some(self.now)) };
    }

    fn send(&mut self, frame: CanFrame) {
        self.passing.clear();
        self.injector.pass(self.now, &frame, &mut self.passing);
        for &(at, frame) in &self.passing {
            queue(&mut self.outgoing, at, frame);
        }
    }

    fn obey(&mut self, frame: &CanFrame) {
        if let Some(command) = self.unit.hear(self.now, frame) {
            self.commands.push_back((self.now, command));
        }
    }

    /// Takes in a frame from the bus, at the car's time.
    ///
    /// # Errors
    /// A motion that the messages cannot hold.
    pub fn hear(&mut self, frame: &CanFrame) -> Result<(), HalError> {
        if let Some((time, request)) = self.bench.read_clock(frame) {
            return self.request(time, request);
        }
        if self.bench.read_start(frame, &mut self.start) || frame.id != self.unit.command_id() {
            return Ok(());
        }
        self.passing.clear();
        self.injector.pass(self.now, frame, &mut self.passing);
        for &(at, frame) in &self.passing {
            queue(&mut self.incoming, at, frame);
        }
        while self.incoming.first().is_some_and(|(at, _)| *at <= self.now) {
            let (_, frame) = self.incoming.remove(0);
            self.obey(&frame);
        }
        Ok(())
    }

    fn request(&mut self, time: LogicalTime, request: Request) -> Result<(), HalError> {
        match request {
            Request::Start => {
                self.restart(time)?;
                self.said.push(self.bench.done(time, Status::Done)?);
            }
            Request::Clock if self.pace == Pace::Bench => self.advance(time)?,
            Request::Advance if self.pace == Pace::Bench => {
                self.advance(time)?;
                self.move_plant();
                let motion = self.motion();
                self.said.extend(self.bench.motion(&motion)?);
                self.said.push(self.bench.done(time, Status::Done)?);
            }
            Request::Clock => {}
            Request::Advance => {
                let moved = self.now > LogicalTime::ZERO;
                let status = if moved { Status::WentOnAlone } else { Status::NotStarted };
                self.said.push(self.bench.done(time, status)?);
            }
            Request::End => self.pace = Pace::Ended,
        }
        Ok(())
    }

    fn restart(&mut self, time: LogicalTime) -> Result<(), HalError> {
        self.injector = Injector::new(&self.setup.faults, &self.setup.profile, &self.setup.database)?;
        self.unit = control_unit(&self.setup, self.start.seed)?;
        self.plant = Plant::new(&self.setup.plant, self.start.pose, self.start.speed, time);
        (self.began, self.now, self.next_state, self.next_driver) = (time, time, time, time);
        self.commands.clear();
        self.incoming.clear();
        self.outgoing.clear();
        self.said.clear();
        (self.own_stop, self.standing) = (None, None);
        self.pace = Pace::Bench;
        Ok(())
    }

    /// What it has said since the last call, in order.
    pub fn said(&mut self) -> std::vec::Drain<'_, CanFrame> {
        self.said.drain(..)
    }
}

fn control_unit(setup: &CarSetup, seed: u64) -> Result<ControlUnit, HalError> {
    let wheels = Wheels::new(&setup.wheels, Noise::new(seed, WHEELS));
    ControlUnit::new(&setup.profile, &setup.database, &setup.plant, wheels)
}
