//! Going through the chosen topics once before the drive begins: every message is looked at, put on the run's clock, or
//! left out with its reason.

use super::bag::{Bag, Entry};
use super::choice::{Choice, Type};
use super::cloud::{Layout, Sweep};
use super::{RosbagOptions, malformed, picture};
use crate::{HalError, SensorKind};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::{TwistStamped, Vector3};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{CameraInfo, CompressedImage, Image, Imu, NavSatFix, PointCloud2};
use auriga_wire::{Message, from_cdr};
use std::collections::BTreeMap;
use std::path::Path;

/// The span between two ticks.
pub(super) const TICK: LogicalDuration = LogicalDuration::from_millis(2);
/// From a tick to what it emits.
pub(super) const LEAST_LATENCY: LogicalDuration = LogicalDuration::from_millis(1);
/// From capture to arrival where the recording does not tell.
const LATENCY: LogicalDuration = LogicalDuration::from_millis(2);
/// A message that was recorded later than this after its capture was not late, but has another clock, nanoseconds.
const LATE_MOST_NS: i64 = 1_000_000_000;
/// A stamp that is farther from the moment of recording than those of its topic are is wrong, nanoseconds.
const ASTRAY_NS: i64 = 10_000_000_000;
/// Topics whose first stamps are farther apart are on different clocks, nanoseconds.
const CLOCKS_APART_NS: i64 = 3_600_000_000_000;
/// No recording is longer, nanoseconds.
const LONGEST_NS: i64 = 24 * 3_600_000_000_000;

/// A message of the drive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub kind: SensorKind,
    pub message: Type,
    pub entry: Entry,
    /// Of a scan.
    pub sweep: Sweep,
    pub oldest_capture: LogicalTime,
    pub capture: LogicalTime,
    pub arrival: LogicalTime,
}

/// What the survey found.
#[derive(Debug)]
pub(super) struct Survey {
    /// In the order of capture.
    pub events: Vec<Event>,
    /// What a user should know.
    pub notes: Vec<String>,
    /// Latitude and longitude of the first usable position, radians.
    pub origin: Option<[f64; 2]>,
    /// The first calibration of the camera.
    pub calibration: Option<CameraInfo>,
    /// Of the pictures.
    pub size: Option<(u32, u32)>,
}

/// A message that was looked at: its stamp, and what of the scan is after it.
struct Seen {
    stamp: Time,
    sweep: Sweep,
}

/// Why a message is not used.
enum Flaw {
    /// It alone: it is left out.
    LeftOut(&'static str),
    /// Its whole topic cannot be read.
    Wrong(String),
}

impl From<String> for Flaw {
    fn from(problem: String) -> Self {
        Self::Wrong(problem)
    }
}

fn decode<M: Message>(bytes: &[u8]) -> Result<M, Flaw> {
    from_cdr(bytes).map_err(|error| Flaw::Wrong(error.to_string()))
}

fn finite(values: &[f64]) -> Result<(), Flaw> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Flaw::LeftOut("not finite")) }
}

fn vector(v: &Vector3) -> [f64; 3] {
    [v.x, v.y, v.z]
}

impl Survey {
    fn look(&mut self, choice: &Choice, bytes: &[u8]) -> Result<Seen, Flaw> {
        let mut sweep = Sweep { oldest: LogicalDuration::ZERO, newest: LogicalDuration::ZERO, points: 0 };
        let stamp = match choice.message {
            Type::PointCloud2 => {
                let cloud: PointCloud2 = decode(bytes)?;
                sweep = Layout::of(&cloud)?.sweep(&cloud);
                if sweep.points == 0 {
                    return Err(Flaw::LeftOut("no usable point"));
                }
                cloud.header.stamp
            }
            Type::Image => {
                let image: Image = decode(bytes)?;
                self.picture(picture::check(&image)?)?;
                image.header.stamp
            }
            Type::CompressedImage => {
                let image: CompressedImage = decode(bytes)?;
                self.picture(picture::check_compressed(&image)?)?;
                image.header.stamp
            }
            Type::CameraInfo => {
                let info: CameraInfo = decode(bytes)?;
                let all: Vec<f64> =
                    info.k.iter().chain(&info.r).chain(&info.p).chain(&info.d).copied().collect();
                finite(&all)?;
                if info.k[0] <= 0.0
                    || info.k[4] <= 0.0
                    || info.k[8] != 1.0
                    || info.width == 0
                    || info.height == 0
                {
                    return Err(Flaw::LeftOut("not calibrated"));
                }
                let stamp = info.header.stamp.clone();
                self.calibration.get_or_insert(info);
                stamp
            }
            Type::Imu => {
                let imu: Imu = decode(bytes)?;
                finite(&vector(&imu.angular_velocity))?;
                finite(&vector(&imu.linear_acceleration))?;
                imu.header.stamp
            }
            Type::NavSatFix => {
                let fix: NavSatFix = decode(bytes)?;
                if fix.status.status >= 0 {
                    finite(&[fix.latitude, fix.longitude])?;
                    let is_on_earth = fix.latitude.abs() <= 90.0 && fix.longitude.abs() <= 180.0;
                    if !is_on_earth {
                        return Err(Flaw::LeftOut("latitude or longitude out of range"));
                    }
                    self.origin.get_or_insert([fix.latitude.to_radians(), fix.longitude.to_radians()]);
                }
                fix.header.stamp
            }
            Type::VehicleState => {
                let state: VehicleState = decode(bytes)?;
                finite(&[state.speed_mps, state.steering_angle_rad])?;
                state.stamp
            }
            Type::TwistStamped => {
                let twist: TwistStamped = decode(bytes)?;
                finite(&[twist.twist.linear.x])?;
                twist.header.stamp
            }
            Type::Odometry => {
                let odometry: Odometry = decode(bytes)?;
                finite(&[odometry.twist.twist.linear.x])?;
                odometry.header.stamp
            }
        };
        Ok(Seen { stamp, sweep })
    }

    fn picture(&mut self, size: (u32, u32)) -> Result<(), Flaw> {
        match *self.size.get_or_insert(size) {
            first if first == size => Ok(()),
            first => Err(Flaw::Wrong(format!("{size:?} pixels where the first picture has {first:?}"))),
        }
    }
}

/// A message on the recording's own clock, nanoseconds.
struct Placed {
    place: usize,
    entry: Entry,
    sweep: Sweep,
    stamp: i64,
}

/// The middle one.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Looks at every message of the chosen topics.
///
/// # Errors
/// The first message that shows that its topic cannot be read, by topic and number; clocks that do not fit together.
pub(super) fn survey(
    bag: &mut Bag,
    path: &Path,
    choices: &[Choice],
    options: &RosbagOptions,
) -> Result<Survey, HalError> {
    let mut survey =
        Survey { events: Vec::new(), notes: Vec::new(), origin: None, calibration: None, size: None };
    let places: BTreeMap<u16, usize> =
        choices.iter().enumerate().map(|(place, choice)| (choice.topic, place)).collect();
    let mut placed: Vec<Vec<Placed>> = choices.iter().map(|_| Vec::new()).collect();
    let mut left_out: BTreeMap<(usize, &'static str), u64> = BTreeMap::new();
    let mut numbers = vec![0_u64; choices.len()];
    for entry in bag.index.messages.clone() {
        let Some(&place) = places.get(&entry.topic) else { continue };
        let number = numbers[place];
        numbers[place] += 1;
        let choice = &choices[place];
        match survey.look(choice, bag.message(&entry)?) {
            Ok(Seen { stamp, sweep }) => {
                let stamp = LogicalTime::from(&stamp).as_nanos();
                let stamp = if stamp == 0 || options.log_time { entry.log_time } else { stamp };
                placed[place].push(Placed { place, entry, sweep, stamp });
            }
            Err(Flaw::LeftOut(why)) => *left_out.entry((place, why)).or_default() += 1,
            Err(Flaw::Wrong(problem)) => {
                let name = &bag.index.topics[usize::from(choice.topic)].name;
                return Err(malformed(path, format!("topic {name}, message {number}: {problem}")));
            }
        }
    }
    for (place, of_topic) in placed.iter_mut().enumerate() {
        let before = of_topic.len();
        let astray = median(
            of_topic.iter().map(|placed| placed.stamp.saturating_sub(placed.entry.log_time)).collect(),
        );
        of_topic.retain(|placed| {
            let off = placed.stamp.saturating_sub(placed.entry.log_time).saturating_sub(astray);
            off.saturating_abs() <= ASTRAY_NS
        });
        let count = (before - of_topic.len()) as u64;
        if count > 0 {
            left_out.insert((place, "stamp far from when it was recorded"), count);
        }
    }
    let name = |place: usize| bag.index.topics[usize::from(choices[place].topic)].name.as_str();
    for ((place, why), count) in &left_out {
        survey.notes.push(format!(
            "topic {}: {count} of {} messages left out: {why}",
            name(*place),
            numbers[*place]
        ));
    }
    let epoch = epoch(&placed, path, name)?;
    for of_topic in placed {
        schedule(&of_topic, choices, epoch, options, &mut survey.events);
    }
    let order = |kind| SensorKind::ALL.iter().position(|other| *other == kind);
    survey.events.sort_by_key(|event| (event.capture, order(event.kind)));
    Ok(survey)
}

/// The earliest instant of anything.
fn epoch<'a>(placed: &[Vec<Placed>], path: &Path, name: impl Fn(usize) -> &'a str) -> Result<i64, HalError> {
    let oldest = |placed: &Placed| placed.stamp.saturating_add(placed.sweep.oldest.as_nanos());
    let firsts: Vec<(i64, usize)> = placed
        .iter()
        .enumerate()
        .filter_map(|(place, of_topic)| Some((of_topic.iter().map(oldest).min()?, place)))
        .collect();
    let last = placed.iter().flatten().map(|placed| placed.stamp).max();
    let (Some(first), Some(latest), Some(last)) = (firsts.iter().min(), firsts.iter().max(), last) else {
        return Err(malformed(path, "none of its messages can be used"));
    };
    if latest.0.saturating_sub(first.0) > CLOCKS_APART_NS {
        return Err(malformed(
            path,
            format!(
                "the stamps of {} and {} are {:.0} s apart: they are of different clocks; take the instants of recording: --log-time",
                name(first.1),
                name(latest.1),
                latest.0.saturating_sub(first.0) as f64 * 1e-9
            ),
        ));
    }
    if last.saturating_sub(first.0) > LONGEST_NS {
        return Err(malformed(path, "lasts longer than a day; cut it into parts"));
    }
    Ok(first.0)
}

/// The events of one topic. They arrive when they were recorded, where that is a little after their capture.
fn schedule(
    of_topic: &[Placed],
    choices: &[Choice],
    epoch: i64,
    options: &RosbagOptions,
    events: &mut Vec<Event>,
) {
    let end = |placed: &Placed| placed.stamp.saturating_add(placed.sweep.newest.as_nanos());
    let lag =
        median(of_topic.iter().map(|placed| placed.entry.log_time.saturating_sub(end(placed))).collect());
    let is_told = (0..=LATE_MOST_NS).contains(&lag) && !options.log_time;
    let withheld = options.gnss_withheld_after.map_or(LogicalTime::MAX, |span| LogicalTime::ZERO + span);
    let mut in_order: Vec<&Placed> = of_topic.iter().collect();
    in_order.sort_by_key(|placed| (end(placed), placed.stamp));
    let mut last = LogicalTime::from_nanos(i64::MIN / 2);
    for placed in in_order {
        let Choice { kind, message, .. } = choices[placed.place];
        let at = |nanos: i64| LogicalTime::from_nanos(nanos.saturating_sub(epoch));
        let capture = at(end(placed));
        let oldest_capture = at(placed.stamp.saturating_add(placed.sweep.oldest.as_nanos()));
        if kind == SensorKind::Gnss && capture >= withheld {
            continue;
        }
        let tick = TICK.as_nanos();
        let ticked = LogicalTime::from_nanos((capture.as_nanos() + tick - 1).div_euclid(tick) * tick);
        let late = placed.entry.log_time.saturating_sub(end(placed));
        let is_late = is_told && (0..=LATE_MOST_NS).contains(&late);
        let told = capture + if is_late { LogicalDuration::from_nanos(late) } else { LATENCY };
        let arrival = told.max(ticked + LEAST_LATENCY).max(last + LogicalDuration::LEAST);
        last = arrival;
        events.push(Event {
            kind,
            message,
            entry: placed.entry,
            sweep: placed.sweep,
            oldest_capture,
            capture,
            arrival,
        });
    }
}
