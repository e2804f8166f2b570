//! The bench messages (`configs/can/auriga_bench.dbc`), for both ends.

use super::layout::Layout;
use crate::plant::PlantState;
use auriga_geometry::{LogicalTime, Pose2};
use auriga_hal::HalError;
use auriga_hal::can::{CanFrame, Database};

const FILE: &str = "auriga_bench.dbc";
const TEXT: &str = include_str!("../../../configs/can/auriga_bench.dbc");

/// What a bench asks of the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Be where the start messages say.
    Start,
    /// It is this late for what follows.
    Clock,
    /// Move on to here, and say where you are.
    Advance,
    /// The test is over.
    End,
}

/// What the car answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// It was never put anywhere.
    NotStarted,
    /// The bench was silent for too long; the car has gone on by its own clock.
    WentOnAlone,
}

/// Where a test begins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Start {
    /// `base_link` in `map`.
    pub pose: Pose2,
    /// m/s.
    pub speed: f64,
    /// Of the noise of the car's own sensors.
    pub seed: u64,
}

/// The car as a bench's position system and its own probes have it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Its motion, rounded to the messages' steps.
    pub state: PlantState,
    /// What its control unit asks of drive and brakes, m/s².
    pub demand: f64,
    /// The brake lights.
    pub braking: bool,
    /// Whether it stops on its own account.
    pub stops_by_itself: bool,
}

/// The messages' layouts.
#[derive(Clone, Debug)]
pub struct BenchMessages {
    clock: Layout<2>,
    done: Layout<2>,
    start_place: Layout<2>,
    start_motion: Layout<2>,
    start_seed: Layout<2>,
    place: Layout<2>,
    heading: Layout<2>,
    velocity: Layout<2>,
    acceleration: Layout<3>,
    actuators: Layout<4>,
}

const REQUESTS: [Request; 4] = [Request::Start, Request::Clock, Request::Advance, Request::End];
const STATUSES: [Status; 3] = [Status::Done, Status::NotStarted, Status::WentOnAlone];

fn code<T: PartialEq>(all: &[T], one: &T) -> f64 {
    all.iter().position(|candidate| candidate == one).unwrap_or(0) as f64
}

fn nanos(time: LogicalTime) -> f64 {
    time.as_nanos().max(0) as f64
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

impl BenchMessages {
    /// The messages of the bench's own DBC file.
    ///
    /// # Errors
    /// Never with the file that was built in.
    pub fn new() -> Result<Self, HalError> {
        let database = Database::from_dbc(TEXT, FILE)?;
        Ok(Self {
            clock: Layout::bind(&database, FILE, "BENCH_CLOCK", ["TIME", "REQUEST"])?,
            done: Layout::bind(&database, FILE, "BENCH_DONE", ["TIME", "STATUS"])?,
            start_place: Layout::bind(&database, FILE, "BENCH_START_PLACE", ["X", "Y"])?,
            start_motion: Layout::bind(&database, FILE, "BENCH_START_MOTION", ["YAW", "SPEED"])?,
            start_seed: Layout::bind(&database, FILE, "BENCH_START_SEED", ["LOW", "HIGH"])?,
            place: Layout::bind(&database, FILE, "BENCH_PLACE", ["X", "Y"])?,
            heading: Layout::bind(&database, FILE, "BENCH_HEADING", ["YAW", "YAW_RATE"])?,
            velocity: Layout::bind(&database, FILE, "BENCH_VELOCITY", ["FORWARDS", "LEFT"])?,
            acceleration: Layout::bind(&database, FILE, "BENCH_ACCELERATION", ["FORWARDS", "LEFT", "YAW"])?,
            actuators: Layout::bind(
                &database,
                FILE,
                "BENCH_ACTUATORS",
                ["STEERING_ANGLE", "ACCELERATION", "BRAKING", "STOPS_BY_ITSELF"],
            )?,
        })
    }

    /// The bench: what time it is, and what is to be done.
    pub fn clock(&mut self, time: LogicalTime, request: Request) -> Result<CanFrame, HalError> {
        self.clock.frame([nanos(time), code(&REQUESTS, &request)])
    }

    /// The car: what the bench asks.
    pub fn read_clock(&self, frame: &CanFrame) -> Option<(LogicalTime, Request)> {
        let [time, request] = self.clock.read(frame)?;
        Some((LogicalTime::from_nanos(time as i64), *REQUESTS.get(request as usize)?))
    }

    /// The car: the answer.
    pub fn done(&mut self, time: LogicalTime, status: Status) -> Result<CanFrame, HalError> {
        self.done.frame([nanos(time), code(&STATUSES, &status)])
    }

    /// The bench: the car's answer.
    pub fn read_done(&self, frame: &CanFrame) -> Option<(LogicalTime, Status)> {
        let [time, status] = self.done.read(frame)?;
        Some((LogicalTime::from_nanos(time as i64), *STATUSES.get(status as usize)?))
    }

    /// The bench: where the car shall start.
    pub fn start(&mut self, start: &Start) -> Result<[CanFrame; 3], HalError> {
        let (low, high) = (start.seed & 0xffff_ffff, start.seed >> 32);
        Ok([
            self.start_place.frame([start.pose.x, start.pose.y])?,
            self.start_motion.frame([start.pose.yaw, start.speed])?,
            self.start_seed.frame([low as f64, high as f64])?,
        ])
    }

    /// The car: takes in where it shall start; true when the frame was about that.
    pub fn read_start(&self, frame: &CanFrame, start: &mut Start) -> bool {
        if let Some([x, y]) = self.start_place.read(frame) {
            (start.pose.x, start.pose.y) = (x, y);
        } else if let Some([yaw, speed]) = self.start_motion.read(frame) {
            (start.pose.yaw, start.speed) = (yaw, speed.max(0.0));
        } else if let Some([low, high]) = self.start_seed.read(frame) {
            start.seed = (high as u64) << 32 | low as u64;
        } else {
            return false;
        }
        true
    }

    /// The car: where it is.
    pub fn motion(&mut self, motion: &Motion) -> Result<[CanFrame; 5], HalError> {
        let state = &motion.state;
        Ok([
            self.place.frame([state.pose.x, state.pose.y])?,
            self.heading.frame([state.pose.yaw, state.yaw_rate])?,
            self.velocity.frame([state.speed, state.lateral_speed])?,
            self.acceleration.frame([
                state.acceleration,
                state.lateral_acceleration,
                state.yaw_acceleration.clamp(-60.0, 60.0),
            ])?,
            self.actuators.frame([
                state.steering_angle,
                motion.demand,
                flag(motion.braking),
                flag(motion.stops_by_itself),
            ])?,
        ])
    }

    /// The bench: takes in where the car is; true when the frame was about that.
    pub fn read_motion(&self, frame: &CanFrame, motion: &mut Motion) -> bool {
        let state = &mut motion.state;
        if let Some([x, y]) = self.place.read(frame) {
            (state.pose.x, state.pose.y) = (x, y);
        } else if let Some([yaw, rate]) = self.heading.read(frame) {
            (state.pose.yaw, state.yaw_rate) = (yaw, rate);
        } else if let Some([forwards, left]) = self.velocity.read(frame) {
            (state.speed, state.lateral_speed) = (forwards, left);
        } else if let Some([forwards, left, yaw]) = self.acceleration.read(frame) {
            (state.acceleration, state.lateral_acceleration, state.yaw_acceleration) = (forwards, left, yaw);
        } else if let Some([angle, demand, braking, stops]) = self.actuators.read(frame) {
            (state.steering_angle, motion.demand) = (angle, demand);
            (motion.braking, motion.stops_by_itself) = (braking > 0.0, stops > 0.0);
        } else {
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_one_end_says_the_other_hears(
            x in -1e5..1e5_f64, y in -1e5..1e5_f64, yaw in -3.15..3.15_f64, speed in 0.0..100.0_f64,
            lateral in -20.0..20.0_f64, acceleration in -20.0..20.0_f64, seed in any::<u64>(), time in 0..1_i64 << 50,
        ) {
            let mut bench = BenchMessages::new().unwrap();
            let state = PlantState {
                pose: Pose2::new(x, y, yaw),
                speed,
                lateral_speed: lateral,
                yaw_rate: lateral / 10.0,
                yaw_acceleration: lateral,
                acceleration,
                lateral_acceleration: acceleration / 2.0,
                steering_angle: yaw / 6.0,
            };
            let said = Motion { state, demand: acceleration, braking: true, stops_by_itself: false };
            let mut heard = Motion::default();
            for frame in bench.motion(&said).unwrap() {
                prop_assert!(bench.read_motion(&frame, &mut heard));
            }
            let pairs = [
                (heard.state.pose.x, x, 5.1e-5), (heard.state.pose.y, y, 5.1e-5), (heard.state.pose.yaw, yaw, 1.1e-9),
                (heard.state.speed, speed, 5.1e-8), (heard.state.lateral_speed, lateral, 5.1e-8),
                (heard.state.yaw_rate, state.yaw_rate, 5.1e-9), (heard.state.yaw_acceleration, lateral, 1.1e-3),
                (heard.state.acceleration, acceleration, 5.1e-6), (heard.state.steering_angle, yaw / 6.0, 5.1e-10),
                (heard.state.lateral_acceleration, acceleration / 2.0, 5.1e-6), (heard.demand, acceleration, 5.1e-4),
            ];
            for (heard, said, step) in pairs {
                prop_assert!((heard - said).abs() <= step, "{heard} {said}");
            }
            prop_assert!(heard.braking && !heard.stops_by_itself);

            let start = Start { pose: Pose2::new(x, y, yaw), speed, seed };
            let mut begun = Start::default();
            for frame in bench.start(&start).unwrap() {
                prop_assert!(bench.read_start(&frame, &mut begun));
            }
            prop_assert_eq!(begun.seed, seed);
            prop_assert!((begun.speed - speed).abs() < 1e-7);
            let time = LogicalTime::from_nanos(time);
            for request in REQUESTS {
                let frame = bench.clock(time, request).unwrap();
                prop_assert_eq!(bench.read_clock(&frame), Some((time, request)));
                prop_assert_eq!(bench.read_done(&frame), None);
            }
            for status in STATUSES {
                prop_assert_eq!(bench.read_done(&bench.clone().done(time, status).unwrap()), Some((time, status)));
            }
        }

        #[test]
        fn no_frame_panics(id in 1530..1560_u16, data in prop::collection::vec(any::<u8>(), 0..=8)) {
            let bench = BenchMessages::new().unwrap();
            let frame = CanFrame::classic(auriga_hal::can::CanId::Standard(id), &data).unwrap();
            let _ = (bench.read_clock(&frame), bench.read_done(&frame));
            let _ = (bench.read_start(&frame, &mut Start::default()), bench.read_motion(&frame, &mut Motion::default()));
        }
    }
}
