//! Faults of the bus, put in at the car's side: `drop:COMMAND@5-6` loses all commands from second 5 to second 6.
//!
//! ```
//! use auriga_sim_bridge::bus::{Fault, FaultKind};
//!
//! let fault: Fault = "delay=0.08:STATE@4".parse().unwrap();
//! assert_eq!((fault.message.as_deref(), fault.kind), (Some("STATE"), FaultKind::Delay(80_000_000)));
//! ```

use crate::SimError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::HalError;
use auriga_hal::can::{CanFrame, CanId, Database, MessageCodec, Protection, VehicleProfile};
use auriga_hal::fault::{FaultText, Window, seconds};
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It does not arrive.
    Drop,
    /// It arrives so many nanoseconds later.
    Delay(i64),
    /// It arrives twice.
    Duplicate,
    /// Bits are flipped.
    Corrupt,
    /// After it comes the one from so many nanoseconds before, as it was.
    Replay(i64),
    /// After it comes another one, sealed by somebody who knows how.
    Forge,
    /// Its counter jumps by so much more each time.
    CounterJump(u8),
    /// The car's controller takes no part in the bus: nothing arrives either way.
    BusOff,
}

/// A fault, of a message or of all, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To which message; `None`: to all.
    pub message: Option<String>,
    /// When.
    pub window: Window,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::Drop => write!(out, "drop")?,
            FaultKind::Delay(nanos) => {
                write!(out, "delay={}", LogicalDuration::from_nanos(nanos).as_secs_f64())?
            }
            FaultKind::Duplicate => write!(out, "duplicate")?,
            FaultKind::Corrupt => write!(out, "corrupt")?,
            FaultKind::Replay(nanos) => {
                write!(out, "replay={}", LogicalDuration::from_nanos(nanos).as_secs_f64())?
            }
            FaultKind::Forge => write!(out, "forge")?,
            FaultKind::CounterJump(by) => write!(out, "counter-jump={by}")?,
            FaultKind::BusOff => write!(out, "bus-off")?,
        }
        if let Some(message) = &self.message {
            write!(out, ":{message}")?;
        }
        write!(out, "@{}", self.window)
    }
}

impl FromStr for Fault {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        parse(text).ok_or_else(|| SimError::Configuration {
            file: format!("fault `{text}`"),
            problem: "is not KIND[=VALUE][:MESSAGE]@FROM[-UNTIL] in seconds, with a kind of drop, delay=S, duplicate, \
                      corrupt, replay=S, forge, counter-jump=N, bus-off"
                .to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<Fault> {
    let FaultText { kind, value, target, window } = FaultText::parse(text)?;
    let message = target.map(str::to_owned);
    let span = || Some(seconds(value?)?.as_nanos());
    let kind = match (kind, value) {
        ("drop", None) => FaultKind::Drop,
        ("delay", Some(_)) => FaultKind::Delay(span()?),
        ("duplicate", None) => FaultKind::Duplicate,
        ("corrupt", None) => FaultKind::Corrupt,
        ("replay", Some(_)) => FaultKind::Replay(span()?),
        ("forge", None) => FaultKind::Forge,
        ("counter-jump", Some(by)) => FaultKind::CounterJump(by.parse().ok()?),
        ("bus-off", None) if message.is_none() => FaultKind::BusOff,
        _ => return None,
    };
    Some(Fault { kind, message, window })
}

/// What somebody who knows the scheme would say: the car stands, the driver steers, full throttle to the left.
const LIES: [(&str, &str, f64); 4] = [
    ("STATE", "SPEED", 0.0),
    ("DRIVER", "TORQUE", 8.0),
    ("COMMAND", "ACCELERATION", 3.0),
    ("COMMAND", "STEERING_ANGLE", 0.3),
];
/// As many frames of a message are remembered to be replayed.
const MEMORY: usize = 4096;

/// A message and what has happened to it.
#[derive(Clone, Debug)]
struct Victim {
    id: CanId,
    codec: MessageCodec,
    protection: Option<Protection>,
    past: VecDeque<(LogicalTime, CanFrame)>,
    count: u32,
    counter: Option<u8>,
}

/// Puts faults on frames.
#[derive(Clone, Debug)]
pub struct Injector {
    faults: Vec<(Fault, Option<CanId>)>,
    victims: Vec<Victim>,
}

impl Injector {
    /// An injector of faults on the simulated car's messages.
    ///
    /// # Errors
    /// A message that the database does not have.
    pub fn new(faults: &[Fault], profile: &VehicleProfile, database: &Database) -> Result<Self, HalError> {
        let mut bound = Vec::new();
        for fault in faults {
            let id = match &fault.message {
                Some(name) => {
                    let message = database.message_by_name(name).ok_or_else(|| HalError::Configuration {
                        file: profile.dbc.clone(),
                        problem: format!("a fault names {name}, which is not there"),
                    })?;
                    Some(message.id)
                }
                None => None,
            };
            bound.push((fault.clone(), id));
        }
        let victims = database.messages().iter().map(|codec| Victim {
            id: codec.id,
            codec: codec.clone(),
            protection: profile.protection(&codec.name),
            past: VecDeque::new(),
            count: 0,
            counter: None,
        });
        Ok(Self { faults: bound, victims: victims.collect() })
    }

    /// Whether nothing gets through at all.
    #[must_use]
    pub fn is_off(&self, now: LogicalTime) -> bool {
        self.faults.iter().any(|(fault, _)| fault.kind == FaultKind::BusOff && fault.holds(now))
    }

    /// What becomes of a frame that is sent at `now`: frames with the instants of their arrival, onto `out`.
    pub fn pass(&mut self, now: LogicalTime, frame: &CanFrame, out: &mut Vec<(LogicalTime, CanFrame)>) {
        if self.is_off(now) {
            return;
        }
        let Some(victim) = self.victims.iter_mut().find(|victim| victim.id == frame.id) else {
            out.push((now, *frame));
            return;
        };
        victim.remember(now, frame);
        let first = out.len();
        out.push((now, *frame));
        let hit =
            |(fault, id): &&(Fault, Option<CanId>)| fault.holds(now) && id.is_none_or(|id| id == frame.id);
        for (fault, _) in self.faults.iter().filter(hit) {
            match fault.kind {
                FaultKind::Drop | FaultKind::BusOff => out.truncate(first),
                FaultKind::Delay(nanos) => {
                    for (at, _) in &mut out[first..] {
                        *at += LogicalDuration::from_nanos(nanos);
                    }
                }
                FaultKind::Duplicate => out.extend_from_within(first..),
                FaultKind::Corrupt => {
                    for (_, frame) in &mut out[first..] {
                        victim.corrupt(frame);
                    }
                }
                FaultKind::Replay(nanos) => out.extend(victim.sent_before(now, nanos)),
                FaultKind::Forge => out.extend(victim.forged(frame).map(|forged| (now, forged))),
                FaultKind::CounterJump(by) => {
                    for (_, frame) in &mut out[first..] {
                        victim.jump(frame, by);
                    }
                }
            }
        }
    }
}

impl Fault {
    fn holds(&self, now: LogicalTime) -> bool {
        self.window.contains(now)
    }
}

impl Victim {
    fn remember(&mut self, now: LogicalTime, frame: &CanFrame) {
        if self.past.len() >= MEMORY {
            self.past.pop_front();
        }
        self.past.push_back((now, *frame));
        self.count = self.count.wrapping_add(1);
    }

    /// Flips one to three bits, others each time.
    fn corrupt(&self, frame: &mut CanFrame) {
        let bits = 8 * frame.len().max(1);
        for turn in 0..=self.count as usize % 3 {
            let bit = (self.count as usize * 7 + turn * 19) % bits;
            if let Some(byte) = frame.data_mut().get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    fn sent_before(&self, now: LogicalTime, nanos: i64) -> Option<(LogicalTime, CanFrame)> {
        let then = now - LogicalDuration::from_nanos(nanos);
        let frame = self.past.iter().rev().find(|(at, _)| *at <= then)?;
        Some((now, frame.1))
    }

    /// What follows the genuine frame, with another content.
    fn forged(&self, genuine: &CanFrame) -> Option<CanFrame> {
        let mut frame = *genuine;
        let mut values = vec![None; self.codec.signals().len()];
        for (_, signal, value) in LIES.iter().filter(|(message, _, _)| *message == self.codec.name) {
            values[self.codec.index_of(signal)?] = Some(*value);
        }
        self.codec.encode(&values, frame.data_mut()).ok()?;
        let protection = self.protection?;
        let last = protection.counter.and_then(|counter| counter.read(genuine.data()));
        protection.seal(frame.id, frame.data_mut(), last);
        Some(frame)
    }

    fn jump(&mut self, frame: &mut CanFrame, by: u8) {
        let Some(protection) = self.protection else { return };
        let Some(counter) = protection.counter else { return };
        let mut last = self.counter.or_else(|| counter.read(frame.data()));
        for _ in 0..by {
            last = last.map(|last| counter.after(last));
        }
        self.counter = protection.seal(frame.id, frame.data_mut(), last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_nonsense_is_refused() {
        let fault: Fault = "drop:COMMAND@5-6.5".parse().unwrap();
        assert_eq!((fault.kind, fault.message.as_deref()), (FaultKind::Drop, Some("COMMAND")));
        assert_eq!((fault.window.from.as_secs_f64(), fault.window.until.as_secs_f64()), (5.0, 6.5));
        for good in [
            "drop@1",
            "delay=0.05@1",
            "duplicate@1",
            "corrupt:STATE@0",
            "replay=1:STATE@2-3",
            "forge:COMMAND@4",
            "counter-jump=5@1",
            "bus-off@7",
        ] {
            let fault = good.parse::<Fault>().unwrap();
            assert_eq!(fault.to_string().parse::<Fault>().unwrap(), fault);
        }
        for bad in [
            "",
            "@",
            "drop",
            "drop@",
            "drop@x",
            "drop@5-4",
            "drop=1@5",
            "delay@5",
            "delay=x@5",
            "delay=-1@5",
            "bus-off:STATE@5",
            "melt@5",
            "drop:@5",
            "counter-jump=300@5",
            "drop@nan",
        ] {
            let error = bad.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("KIND"), "{error}");
        }
    }
}
