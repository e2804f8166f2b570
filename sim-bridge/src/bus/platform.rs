//! The platform `can`: the world and its sensors here, the car behind a bus.
//!
//! A test bench with the car in the loop. The stack hears of the car's own state only what comes over the bus, read by its
//! profile, and what the gate lets through leaves as frames. Where the car is in the world comes over the same bus, as a
//! bench's position system would say it. The bench sets the pace: at each tick it says what time it is and waits for the
//! car to have got there; so a drive is the same to the byte, however fast either of the two computes.

use super::bench::{BenchMessages, Motion, Request, Start, Status};
use crate::plant::{PlantParameters, PlantState};
use crate::platform::{EgoCar, EmbeddedSensors, surroundings};
use crate::scenario::Scenario;
use crate::world::Ego;
use auriga_geometry::LogicalTime;
use auriga_hal::can::{BusFault, CanBus, CanCar, CanFrame};
use auriga_hal::{HalError, Platform, PlatformParts, SensorRig, Vehicle};
use auriga_map::Map;
use auriga_messages::auriga_msgs::{Engage, VehicleState};
use auriga_messages::builtin_interfaces::Time;
use auriga_safety::SafeCommand;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Frames that may be on their way to the bus at once; more is an error of whoever sends them.
const QUEUE: usize = 1024;
/// One wait for a frame.
const WAIT: Duration = Duration::from_millis(250);
/// So many waits without a frame, and the car counts as gone: 10 s.
const WAITS_MOST: usize = 40;
/// Between two answers of the car no more frames than this are expected.
const FRAMES_MOST: usize = 100_000;

/// The way to the car.
pub struct BusToCar {
    /// The bus.
    pub bus: Box<dyn CanBus>,
    /// Reads the car's frames.
    pub listener: CanCar,
    /// Makes the frames for the car.
    pub speaker: CanCar,
}

/// The built-in world around a car on a bus, as a platform.
pub struct CanPlatform {
    sensors: EmbeddedSensors,
    vehicle: CanVehicle,
}

impl CanPlatform {
    /// Sets the scene. The car itself is put into it with the first tick.
    ///
    /// # Errors
    /// As [`EmbeddedPlatform::new`](crate::EmbeddedPlatform::new)'s.
    pub fn new(
        scenario: &Scenario,
        map: &Arc<Map>,
        rig: &SensorRig,
        plant: &PlantParameters,
        seed: u64,
        car: BusToCar,
    ) -> Result<Self, HalError> {
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE);
        let BusToCar { bus, listener, speaker } = car;
        let bench = BenchMessages::new()?;
        let sensors = surroundings(scenario, map, rig, plant, seed, |pose| -> Result<_, HalError> {
            let start = Start { pose, speed: scenario.ego.speed_mps, seed };
            Ok(Box::new(BusCar {
                bus,
                bench,
                car: listener,
                frames: receiver,
                waiting: VecDeque::new(),
                motion: Motion {
                    state: PlantState { pose, speed: start.speed, ..PlantState::default() },
                    ..Motion::default()
                },
                start: Some(start),
                told: None,
                switch: None,
            }) as Box<dyn EgoCar>)
        })?;
        Ok(Self { sensors, vehicle: CanVehicle { car: speaker, sender } })
    }
}

impl Platform for CanPlatform {
    fn name(&self) -> &'static str {
        "can"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: Box::new(self.sensors), vehicle: Some(Box::new(self.vehicle)) }
    }
}

fn problem(problem: String) -> HalError {
    HalError::Platform { platform: "can", problem }
}

/// The car behind the bus, as the world sees it.
struct BusCar {
    bus: Box<dyn CanBus>,
    bench: BenchMessages,
    car: CanCar,
    frames: Receiver<(LogicalTime, CanFrame)>,
    waiting: VecDeque<(LogicalTime, CanFrame)>,
    motion: Motion,
    /// Not yet started.
    start: Option<Start>,
    /// When the state that was told last was heard.
    told: Option<LogicalTime>,
    /// Since when the driver's switch is as it is.
    switch: Option<(LogicalTime, u8)>,
}

impl BusCar {
    fn begin(&mut self, now: LogicalTime, start: &Start) -> Result<(), HalError> {
        for frame in self.bench.start(start)? {
            self.bus.send(&frame)?;
        }
        let begin = self.bench.clock(now, Request::Start)?;
        self.bus.send(&begin)?;
        // What the car said before is of another time.
        self.wait_for(now, |_, _| {})
    }

    /// Waits for the car's answer for `time`; `each` sees the frames before it.
    fn wait_for(
        &mut self,
        time: LogicalTime,
        mut each: impl FnMut(&mut Self, &CanFrame),
    ) -> Result<(), HalError> {
        let mut waits = 0;
        for _ in 0..FRAMES_MOST {
            let frame = match self.bus.receive(WAIT) {
                Ok(Some(frame)) => frame,
                Ok(None) if waits < WAITS_MOST => {
                    waits += 1;
                    continue;
                }
                Ok(None) => {
                    let name = self.bus.name();
                    return Err(problem(format!(
                        "no car answers on {name}: is `auriga sim car --can {name}` running?"
                    )));
                }
                // What is no frame is nobody's answer.
                Err(HalError::Bus { fault: BusFault::Malformed, .. }) => continue,
                Err(error) => return Err(error),
            };
            match self.bench.read_done(&frame) {
                Some((done, Status::Done)) if done == time => return Ok(()),
                Some((_, Status::Done)) => {}
                Some((_, Status::NotStarted)) => {
                    return Err(problem("the car was started anew while it drove".to_owned()));
                }
                Some((_, Status::WentOnAlone)) => {
                    let text = "the car waited too long for its bench and has gone on by its own clock";
                    return Err(problem(text.to_owned()));
                }
                None => each(self, &frame),
            }
        }
        Err(problem(format!("{FRAMES_MOST} frames and no answer of the car among them")))
    }

    fn hear(&mut self, frame: &CanFrame) {
        if !self.bench.read_motion(frame, &mut self.motion) {
            self.car.hear(frame);
        }
    }
}

impl Ego for BusCar {
    fn state(&self) -> &PlantState {
        &self.motion.state
    }

    fn braking(&self) -> bool {
        self.motion.braking
    }
}

impl EgoCar for BusCar {
    fn advance(&mut self, now: LogicalTime) -> Result<(), HalError> {
        if let Some(start) = self.start.take() {
            self.begin(now, &start)?;
        }
        self.waiting.extend(self.frames.try_iter());
        while let Some(&(at, frame)) = self.waiting.front().filter(|(at, _)| *at <= now) {
            self.waiting.pop_front();
            let clock = self.bench.clock(at, Request::Clock)?;
            self.bus.send(&clock)?;
            self.bus.send(&frame)?;
        }
        let advance = self.bench.clock(now, Request::Advance)?;
        self.bus.send(&advance)?;
        self.car.advance(now);
        self.wait_for(now, Self::hear)
    }

    fn vehicle_state(&mut self, _: LogicalTime) -> Option<VehicleState> {
        let state = self.car.state();
        let heard = state.heard.filter(|heard| self.told.is_none_or(|told| *heard > told))?;
        let told = VehicleState {
            stamp: Time::from(heard),
            speed_mps: state.speed_mps?,
            steering_angle_rad: state.steering_angle_rad?,
            driver_torque_nm: state.driver_torque_nm?,
            driver_brake: state.driver_brake?,
            driver_gas: state.driver_gas?,
        };
        self.told = Some(heard);
        Some(told)
    }

    /// The switch counts from when it was pressed; that it stays pressed is nothing new.
    fn engage(&mut self, now: LogicalTime) -> Option<Engage> {
        if let Some(request) = self.car.state().engage.map(|request| request as u8)
            && self.switch.map_or(Engage::DISENGAGE, |(_, before)| before) != request
        {
            self.switch = Some((now, request));
        }
        let stamp = Time::from(now);
        self.switch.map(|(since, request)| Engage { stamp, since: Time::from(since), request })
    }
}

impl Drop for BusCar {
    /// The car need not wait for its bench any more.
    fn drop(&mut self) {
        if let Ok(end) = self.bench.clock(LogicalTime::ZERO, Request::End) {
            let _ = self.bus.send(&end);
        }
    }
}

/// Says what the gate lets through. The sensing half, which has the bus, sends it at its instant.
pub struct CanVehicle {
    car: CanCar,
    sender: Sender<(LogicalTime, CanFrame)>,
}

impl Vehicle for CanVehicle {
    fn actuate(&mut self, command: SafeCommand, effective_at: LogicalTime) -> Result<(), HalError> {
        self.car.advance(effective_at);
        for frame in self.car.say(command)? {
            self.sender.try_send((effective_at, *frame)).map_err(|error| match error {
                TrySendError::Full(_) => {
                    problem("the queue to the bus is full: no ticks empty it".to_owned())
                }
                TrySendError::Disconnected(_) => {
                    problem("the bus is gone: its sensing half was dropped".to_owned())
                }
            })?;
        }
        Ok(())
    }
}
