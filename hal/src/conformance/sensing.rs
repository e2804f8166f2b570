//! The sensing half: ticks a platform through and holds what it emits against the contract of [`Sensors`].
//!
//! Two platforms, made alike, are ticked side by side and must say the same; a third is ticked backwards and must refuse.
//! What is found is reported, not thrown: one run shows all of it.
//!
//! ```
//! use auriga_geometry::{LogicalDuration, LogicalTime};
//! use auriga_hal::conformance::sensing::{Rule, SensingCheck};
//! use auriga_hal::{HalError, Platform, PlatformParts, SensorKind, SensorSink, Sensors};
//!
//! /// Has nothing to say, and does not mind when time runs backwards.
//! struct Mute;
//! impl Sensors for Mute {
//!     fn tick_period(&self) -> LogicalDuration { LogicalDuration::from_millis(10) }
//!     fn least_latency(&self) -> LogicalDuration { LogicalDuration::from_millis(1) }
//!     fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> { Vec::new() }
//!     fn tick(&mut self, _: LogicalTime, _: &mut SensorSink) -> Result<(), HalError> { Ok(()) }
//! }
//! impl Platform for Mute {
//!     fn name(&self) -> &'static str { "mute" }
//!     fn split(self: Box<Self>) -> PlatformParts { PlatformParts { sensors: self, vehicle: None } }
//! }
//!
//! let report = SensingCheck::default().run(|| Ok(Box::new(Mute))).unwrap();
//! assert_eq!(report.rules(), [Rule::BadTick]);
//! ```

mod plausible;

use crate::{Emission, HalError, Payload, Platform, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_geometry::{LogicalDuration, LogicalTime};
use plausible::Plausibility;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Kinds are declared once each; intervals, tick period and least latency are at least 1 µs.
    Declaration,
    /// Only declared kinds come, and a message is of its emission's kind.
    Kind,
    /// A message arrives later than the tick that made it, by the least latency at least.
    Latency,
    /// Captures and arrivals of a kind do not run backwards.
    Order,
    /// Arrivals of a kind keep the declared interval.
    Interval,
    /// What is emitted was captured by then: oldest part ≤ capture ≤ tick ≤ arrival.
    Capture,
    /// The stamp in the message is the capture; of a scan, that of its oldest point.
    Stamp,
    /// A message names its frame.
    Frame,
    /// Values are finite or declared absent, and such as their units allow.
    Plausibility,
    /// A promised message comes.
    Promise,
    /// Two alike say the same, byte by byte.
    Determinism,
    /// Who has finished says nothing more.
    End,
    /// A tick before the last one is an error, and no panic.
    BadTick,
    /// A tick in the order of time is no error.
    Tick,
}

/// One thing that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What.
    pub rule: Rule,
    /// At which tick.
    pub tick: LogicalTime,
    /// The particulars.
    pub text: String,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensingReport {
    /// What was not kept: the first [`BREACHES_MOST`] of it.
    pub breaches: Vec<Breach>,
    /// Messages by kind.
    pub counts: BTreeMap<SensorKind, u64>,
    /// Whether it finished by itself.
    pub finished: bool,
}

/// More breaches than these are not told.
pub const BREACHES_MOST: usize = 64;

impl SensingReport {
    /// The rules that were not kept, each once.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self.breaches.iter().map(|breach| breach.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    fn note(&mut self, rule: Rule, tick: LogicalTime, text: impl FnOnce() -> String) {
        if self.breaches.len() < BREACHES_MOST {
            self.breaches.push(Breach { rule, tick, text: text() });
        }
    }
}

impl fmt::Display for SensingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.counts)?;
        for Breach { rule, tick, text } in &self.breaches {
            writeln!(f, "{:.6} s: {rule:?}: {text}", tick.as_secs_f64())?;
        }
        Ok(())
    }
}

/// How to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensingCheck {
    /// It is ticked for so long at most, unless it finishes.
    pub span: LogicalDuration,
    /// Two alike must say the same: not so of hardware.
    pub deterministic: bool,
}

impl Default for SensingCheck {
    /// Two seconds, deterministic.
    fn default() -> Self {
        Self { span: LogicalDuration::from_millis(2_000), deterministic: true }
    }
}

/// Ticks after the end.
const TICKS_AFTER: i64 = 20;
/// Ticks before time runs backwards.
const TICKS_BEFORE: i64 = 5;

impl SensingCheck {
    /// Puts platforms, made alike by `make`, through the suite. Messages that are computed beside are waited for.
    ///
    /// # Errors
    /// When `make` has one.
    pub fn run(
        &self,
        mut make: impl FnMut() -> Result<Box<dyn Platform>, HalError>,
    ) -> Result<SensingReport, HalError> {
        let mut report = SensingReport::default();
        let mut sensors = make()?.split().sensors;
        let mut twin = if self.deterministic { Some(make()?.split().sensors) } else { None };
        let mut watch = Watch::new(&*sensors, &mut report);
        let period = sensors.tick_period().max(LogicalDuration::LEAST);
        let (mut now, mut after) = (LogicalTime::ZERO, 0);
        while after < TICKS_AFTER && (report.finished || now.since(LogicalTime::ZERO) <= self.span) {
            after += i64::from(report.finished);
            let Some(said) = tick(&mut *sensors, now, &mut report) else { break };
            let said_by_twin = twin.as_mut().map(|twin| tick(&mut **twin, now, &mut report));
            watch.tick(now, &said, &mut report);
            if let Some(other) = said_by_twin {
                compare(now, &said, other.as_ref(), &mut report);
            }
            now += period;
        }
        watch.plausibility.finish(now, &mut report);
        backwards(&mut *make()?.split().sensors, period, &mut report);
        Ok(report)
    }
}

/// An emission whose message has come.
struct Said {
    kind: SensorKind,
    oldest_capture: LogicalTime,
    capture: LogicalTime,
    arrival: LogicalTime,
    message: SensorMessage,
}

/// All that one tick said, and whether it was the last.
struct Turn {
    said: Vec<Said>,
    finished: bool,
}

fn tick(sensors: &mut dyn Sensors, now: LogicalTime, report: &mut SensingReport) -> Option<Turn> {
    let mut sink = SensorSink::default();
    match catch_unwind(AssertUnwindSafe(|| sensors.tick(now, &mut sink))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            report.note(Rule::Tick, now, || error.to_string());
            return None;
        }
        Err(_) => {
            report.note(Rule::Tick, now, || "it panicked".to_owned());
            return None;
        }
    }
    let mut said = Vec::with_capacity(sink.emissions.len());
    for Emission { kind, oldest_capture, capture, arrival, payload } in sink.emissions {
        let message = match payload {
            Payload::Ready(message) => Ok(message),
            Payload::Pending(pending) => match pending.recv() {
                Ok(message) => message.map_err(|error| error.to_string()),
                Err(_) => Err("its thread has ended without an answer".to_owned()),
            },
        };
        match message {
            Ok(message) => said.push(Said { kind, oldest_capture, capture, arrival, message }),
            Err(problem) => report.note(Rule::Promise, now, || format!("{kind:?}: {problem}")),
        }
    }
    Some(Turn { said, finished: sink.finished })
}

/// What is remembered from tick to tick.
struct Watch {
    intervals: BTreeMap<SensorKind, LogicalDuration>,
    least_latency: LogicalDuration,
    /// Capture and arrival of each kind's last message.
    last: BTreeMap<SensorKind, (LogicalTime, LogicalTime)>,
    plausibility: Plausibility,
}

impl Watch {
    fn new(sensors: &dyn Sensors, report: &mut SensingReport) -> Self {
        let (period, least_latency) = (sensors.tick_period(), sensors.least_latency());
        let mut declare = |is_kept: bool, text: String| {
            if !is_kept {
                report.note(Rule::Declaration, LogicalTime::ZERO, || text);
            }
        };
        declare(period >= LogicalDuration::LEAST, format!("tick period {} ns", period.as_nanos()));
        let nanos = least_latency.as_nanos();
        declare(least_latency >= LogicalDuration::LEAST, format!("least latency {nanos} ns"));
        let mut intervals = BTreeMap::new();
        for (kind, interval) in sensors.kinds() {
            let nanos = interval.as_nanos();
            declare(interval >= LogicalDuration::LEAST, format!("{kind:?} every {nanos} ns"));
            declare(intervals.insert(kind, interval).is_none(), format!("{kind:?} is declared twice"));
        }
        Self { intervals, least_latency, last: BTreeMap::new(), plausibility: Plausibility::default() }
    }

    fn tick(&mut self, now: LogicalTime, turn: &Turn, report: &mut SensingReport) {
        if report.finished && !(turn.finished && turn.said.is_empty()) {
            report.note(Rule::End, now, || {
                format!("{} messages after the end, finished: {}", turn.said.len(), turn.finished)
            });
        }
        for said in &turn.said {
            self.instants(now, said, report);
            self.plausibility.message(now, said, report);
            let count = report.counts.entry(said.kind).or_insert(0);
            *count = count.saturating_add(1);
        }
        report.finished |= turn.finished;
    }

    fn instants(&mut self, now: LogicalTime, said: &Said, report: &mut SensingReport) {
        let Said { kind, oldest_capture, capture, arrival, message } = said;
        let mut demand = |rule, is_kept: bool, text: &dyn Fn() -> String| {
            if !is_kept {
                report.note(rule, now, || format!("{kind:?}: {}", text()));
            }
        };
        let seconds = |time: &LogicalTime| time.as_secs_f64();
        let interval = self.intervals.get(kind);
        demand(Rule::Kind, interval.is_some(), &|| "was not declared".to_owned());
        demand(Rule::Kind, message.kind() == *kind, &|| format!("holds {:?}", message.kind()));
        let late = arrival.since(now);
        demand(Rule::Latency, *arrival > now && late >= self.least_latency, &|| {
            format!("arrives {} ns after its tick", late.as_nanos())
        });
        let in_order = oldest_capture <= capture && *capture <= now;
        demand(Rule::Capture, in_order, &|| {
            format!("captured from {:.9} to {:.9} s", seconds(oldest_capture), seconds(capture))
        });
        if let Some((before, arrived)) = self.last.insert(*kind, (*capture, *arrival)) {
            demand(Rule::Order, before <= *capture && arrived <= *arrival, &|| {
                format!(
                    "captured {:.9} s, arrives {:.9} s: before the last one",
                    seconds(capture),
                    seconds(arrival)
                )
            });
            let apart = arrival.since(arrived);
            demand(Rule::Interval, interval.is_none_or(|least| apart >= *least), &|| {
                format!("arrives {} ns after the last one", apart.as_nanos())
            });
        }
        let wanted = if *kind == SensorKind::Lidar { oldest_capture } else { capture };
        let (stamp, frame) = plausible::stamp_and_frame(message);
        demand(Rule::Stamp, stamp == *wanted, &|| {
            format!("stamped {:.9} s, captured {:.9} s", seconds(&stamp), seconds(wanted))
        });
        demand(Rule::Frame, frame.is_none_or(|frame| !frame.is_empty()), &|| "has no frame_id".to_owned());
    }
}

fn compare(now: LogicalTime, one: &Turn, other: Option<&Turn>, report: &mut SensingReport) {
    let Some(other) = other else { return };
    let differs = |text: String| Some(text);
    let difference = if one.finished != other.finished {
        differs("one has finished and the other not".to_owned())
    } else if one.said.len() != other.said.len() {
        differs(format!("{} messages and {}", one.said.len(), other.said.len()))
    } else {
        one.said.iter().zip(&other.said).find_map(|(a, b)| {
            let instants = |said: &Said| (said.kind, said.oldest_capture, said.capture, said.arrival);
            if instants(a) != instants(b) {
                differs(format!("{:?} and {:?}", instants(a), instants(b)))
            } else if a.message.to_cdr() != b.message.to_cdr() {
                differs(format!("two messages of {:?}", a.kind))
            } else {
                None
            }
        })
    };
    if let Some(text) = difference {
        report.note(Rule::Determinism, now, || text);
    }
}

/// A fresh platform, ticked a few times and then at the beginning again.
fn backwards(sensors: &mut dyn Sensors, period: LogicalDuration, report: &mut SensingReport) {
    let mut now = LogicalTime::ZERO;
    for _ in 0..TICKS_BEFORE {
        now += period;
        if tick(sensors, now, &mut SensingReport::default()).is_none() {
            return;
        }
    }
    let earlier = LogicalTime::ZERO;
    let mut sink = SensorSink::default();
    match catch_unwind(AssertUnwindSafe(|| sensors.tick(earlier, &mut sink))) {
        Ok(Err(_)) => {}
        Ok(Ok(())) => {
            report.note(Rule::BadTick, earlier, || {
                format!("no error after a tick at {:.6} s", now.as_secs_f64())
            });
        }
        Err(_) => report.note(Rule::BadTick, earlier, || "it panicked".to_owned()),
    }
}

#[cfg(test)]
mod tests;
