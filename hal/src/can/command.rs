//! From a safe command to the frames that say it, within what the car accepts.

use super::codec::MessageCodec;
use super::database::Database;
use super::frame::{CanFrame, CanId};
use super::profile::VehicleProfile;
use super::protection::Protection;
use super::torque::{SteeringTorque, TorqueFile};
use crate::HalError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_safety::SafeCommand;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A profile's commands: `MESSAGE.SIGNAL` each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandFile {
    /// 1 in every command.
    #[serde(default)]
    active: Vec<String>,
    /// 1 while the car is to be kept standing.
    hold: Option<String>,
    /// 0 while the car is to be kept standing.
    release: Option<String>,
    /// Always so.
    #[serde(default)]
    constant: BTreeMap<String, f64>,
    acceleration_mps2: String,
    steering_angle_rad: Option<String>,
    steering_torque: Option<TorqueFile>,
    pub limits: LimitsFile,
}

/// What the car accepts. A command beyond is refused, not cut: whoever made it believed in another car.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    pub steering_angle_rad: f64,
    pub steering_rate_radps: f64,
    /// Lowest and highest.
    pub acceleration_mps2: (f64, f64),
}

/// What a signal of a command says.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Constant(f64),
    Hold,
    Release,
    Acceleration,
    SteeringAngle,
    SteeringTorque,
}

/// One message of the command.
#[derive(Clone, Debug)]
struct Part {
    codec: MessageCodec,
    period: LogicalDuration,
    protection: Option<Protection>,
    meanings: Vec<(usize, Meaning)>,
    values: Vec<Option<f64>>,
    sent: Option<LogicalTime>,
    counter: Option<u8>,
}

/// All messages of the command.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    parts: Vec<Part>,
    torque: Option<SteeringTorque>,
    limits: LimitsFile,
    /// When a steering angle was said last, and which.
    last: Option<(LogicalTime, f64)>,
    frames: Vec<CanFrame>,
}

/// A period that is over but for so much counts as over.
const EARLY: LogicalDuration = LogicalDuration::from_millis(1);
/// Rates are judged over no longer than this.
const RATE_SPAN_LONGEST_S: f64 = 0.05;
/// The instants of live commands jitter by up to this.
const RATE_SLACK_S: f64 = 0.01;
/// What rounding may add to a limit, of it.
const ROUNDING: f64 = 1e-6;

impl Commands {
    pub fn bind(profile: &VehicleProfile, file: &CommandFile, database: &Database) -> Result<Self, HalError> {
        let LimitsFile { steering_angle_rad, steering_rate_radps, acceleration_mps2: (lowest, highest) } =
            file.limits;
        if !(steering_angle_rad > 0.0 && steering_rate_radps > 0.0 && lowest < 0.0 && highest > 0.0) {
            return Err(profile.problem("command.limits", "must leave room on both sides of 0"));
        }
        let mut signals: Vec<(&str, &str, Meaning)> = Vec::new();
        signals
            .extend(file.active.iter().map(|name| ("command.active", name.as_str(), Meaning::Constant(1.0))));
        signals.extend(
            file.constant
                .iter()
                .map(|(name, &value)| ("command.constant", name.as_str(), Meaning::Constant(value))),
        );
        signals.extend(file.hold.iter().map(|name| ("command.hold", name.as_str(), Meaning::Hold)));
        signals.extend(file.release.iter().map(|name| ("command.release", name.as_str(), Meaning::Release)));
        signals.push(("command.acceleration_mps2", &file.acceleration_mps2, Meaning::Acceleration));
        let mut torque = None;
        match (&file.steering_angle_rad, &file.steering_torque) {
            (Some(name), None) => {
                signals.push(("command.steering_angle_rad", name, Meaning::SteeringAngle));
            }
            (None, Some(law)) => {
                torque = Some(SteeringTorque::bind(profile, law, database)?);
                signals.push(("command.steering_torque.signal", &law.signal, Meaning::SteeringTorque));
            }
            _ => {
                return Err(
                    profile.problem("command", "needs steering_angle_rad or steering_torque, not both")
                );
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for (field, name, meaning) in signals {
            let (message, place) = profile.signal(database, field, name)?;
            match parts.iter_mut().find(|part| part.codec.id == message.id) {
                Some(part) => part.meanings.push((place, meaning)),
                None => parts.push(Part::new(profile, database, message, (place, meaning))?),
            }
        }
        let frames = Vec::with_capacity(parts.len());
        Ok(Self { parts, torque, limits: file.limits, last: None, frames })
    }

    /// What the steering torque law must hear; see [`SteeringTorque::hear`].
    pub fn hear(&mut self, id: CanId, values: &[Option<f64>]) {
        if let Some(torque) = &mut self.torque {
            torque.hear(id, values);
        }
    }

    /// The frames that are due at `now`; none while the command is not active. `steering_angle_rad` is what the car says.
    pub fn say(
        &mut self,
        now: LogicalTime,
        command: &SafeCommand,
        steering_angle_rad: Option<f64>,
    ) -> Result<&[CanFrame], HalError> {
        self.frames.clear();
        if !command.active() {
            self.last = None;
            if let Some(torque) = &mut self.torque {
                torque.rest();
            }
            return Ok(&self.frames);
        }
        self.permit(now, command)?;
        let torque = match &mut self.torque {
            Some(law) => law.command(command.steering_angle_rad(), steering_angle_rad)?,
            None => 0.0,
        };
        for part in &mut self.parts {
            if part.sent.is_some_and(|sent| now.since(sent) + EARLY < part.period) {
                continue;
            }
            let frame = part.frame(command, torque)?;
            part.sent = Some(now);
            self.frames.push(frame);
        }
        Ok(&self.frames)
    }

    fn permit(&mut self, now: LogicalTime, command: &SafeCommand) -> Result<(), HalError> {
        let (angle, acceleration) = (command.steering_angle_rad(), command.acceleration_mps2());
        let (lowest, highest) = self.limits.acceleration_mps2;
        let (most, wide) = (self.limits.steering_angle_rad, 1.0 + ROUNDING);
        if !(-most * wide..=most * wide).contains(&angle) {
            return Err(refused(&format!("a wheel angle of {angle} rad: this car takes {most} at most")));
        }
        if !(lowest * wide..=highest * wide).contains(&acceleration) {
            return Err(refused(&format!("{acceleration} m/s²: this car takes {lowest} to {highest}")));
        }
        if let Some((at, before)) = self.last {
            let span = (now.since(at).as_secs_f64().max(0.0) + RATE_SLACK_S).min(RATE_SPAN_LONGEST_S);
            let most = self.limits.steering_rate_radps * span;
            if (angle - before).abs() > most * wide {
                let problem = format!("the wheel angle jumps from {before} to {angle} rad in {span} s");
                return Err(refused(&problem));
            }
        }
        self.last = Some((now, angle));
        Ok(())
    }
}

impl Part {
    fn new(
        profile: &VehicleProfile,
        database: &Database,
        message: &MessageCodec,
        first: (usize, Meaning),
    ) -> Result<Self, HalError> {
        let period = profile.period(&message.name).filter(|period| *period > LogicalDuration::from_nanos(0));
        let period = period.ok_or_else(|| {
            profile.problem(&format!("timing.{}.period_ms", message.name), "how often is it to be sent?")
        })?;
        Ok(Self {
            codec: message.clone(),
            period,
            protection: profile.protection_of(database, message.id),
            meanings: vec![first],
            values: vec![None; message.signals().len()],
            sent: None,
            counter: None,
        })
    }

    fn frame(&mut self, command: &SafeCommand, torque: f64) -> Result<CanFrame, HalError> {
        for &(place, meaning) in &self.meanings {
            let value = match meaning {
                Meaning::Constant(value) => value,
                Meaning::Hold => f64::from(u8::from(command.hold())),
                Meaning::Release => f64::from(u8::from(!command.hold())),
                Meaning::Acceleration => command.acceleration_mps2(),
                Meaning::SteeringAngle => command.steering_angle_rad(),
                Meaning::SteeringTorque => torque,
            };
            if let Some(slot) = self.values.get_mut(place) {
                *slot = Some(value);
            }
        }
        let mut data = [0; 64];
        let length = self.codec.length;
        let data = data.get_mut(..length).ok_or_else(|| refused("a message of more than 64 bytes"))?;
        self.codec.encode(&self.values, data)?;
        if let Some(protection) = &self.protection {
            self.counter = protection.seal(self.codec.id, data, self.counter);
        }
        let frame = match length {
            0..=8 => CanFrame::classic(self.codec.id, data),
            _ => CanFrame::fd(self.codec.id, data),
        };
        frame.ok_or_else(|| refused("a message of a length that no frame has"))
    }
}

pub(super) fn refused(problem: &str) -> HalError {
    HalError::Platform { platform: "can", problem: format!("command refused: {problem}") }
}
