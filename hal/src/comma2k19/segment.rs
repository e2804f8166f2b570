//! The files of a minute: read, checked, and put on the run's clock.

use crate::can::{CanFrame, CanId, Database};
use crate::{HalError, npy};
use auriga_geometry::{LogicalTime, Vec3};
use std::path::{Path, PathBuf};

/// What lasts longer is no minute, but a wrong file.
const LONGEST_S: f64 = 180.0;
/// GPS time began 1980-01-06, so many seconds after Unix time did (IS-GPS-200, section 3.3.4), and is ahead of UTC by 18 s.
const GPS_EPOCH_S: f64 = 315_964_800.0;
const LEAP_S: f64 = 18.0;
const WEEK_S: f64 = 604_800.0;
/// The receiver's clock and the device's stay together as closely within a minute.
const CLOCKS_APART_S: f64 = 0.005;
/// From a position's epoch to the log.
const FIX_LAG_S: f64 = 2.0;
/// The message whose coming makes a new vehicle state.
pub(super) const WHEELS: &str = "WHEEL_SPEEDS";

/// A frame as the device read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heard {
    pub at: LogicalTime,
    /// 0: the car's, 1: the radar's.
    pub bus: u8,
    pub frame: CanFrame,
}

/// Forward, right, down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InertialSample {
    pub at: LogicalTime,
    /// rad/s.
    pub rate: Vec3,
    /// m/s².
    pub force: Vec3,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub capture: LogicalTime,
    pub logged: LogicalTime,
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub altitude_m: f64,
}

/// The device in the earth-centred, earth-fixed frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GlobalPose {
    pub at: LogicalTime,
    pub position: Vec3,
    pub velocity: Vec3,
    /// w, x, y, z.
    pub orientation: [f64; 4],
}

/// Everything of a minute, each list in the order of time.
#[derive(Debug, PartialEq)]
pub(super) struct Segment {
    pub frames: Vec<Heard>,
    pub inertial: Vec<InertialSample>,
    pub positions: Vec<Position>,
    pub poses: Vec<GlobalPose>,
    pub wheels: CanId,
}

/// The run's clock in the device's.
#[derive(Clone, Copy)]
struct Clock {
    epoch_s: f64,
}

impl Clock {
    fn at(self, boot_s: f64) -> LogicalTime {
        LogicalTime::from_nanos(((boot_s - self.epoch_s) * 1e9).round() as i64)
    }
}

fn malformed(path: &Path, problem: impl Into<String>) -> HalError {
    HalError::Recording { path: path.to_owned(), problem: problem.into() }
}

/// A file's times: finite, not running backwards (or, `strictly`, increasing), not empty.
fn times(path: &Path, strictly: bool) -> Result<Vec<f64>, HalError> {
    let times = npy::floats(path, 1)?;
    let bad = |row: usize, what: &str| malformed(path, format!("row {row}: {what}; get the file again"));
    if let Some(row) = times.iter().position(|time| !time.is_finite()) {
        return Err(bad(row, "its time is not finite"));
    }
    let is_wrong = |pair: &[f64]| pair[1] < pair[0] || strictly && pair[1] == pair[0];
    if let Some(row) = times.windows(2).position(is_wrong) {
        return Err(bad(row + 1, "its time is not after the row's before"));
    }
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if last - first > LONGEST_S => {
            Err(malformed(path, format!("lasts {:.0} s; give the folder of one minute", last - first)))
        }
        (None, _) => Err(malformed(path, "is empty; get the file again")),
        _ => Ok(times),
    }
}

/// The rows of `value` beside `t`: as many, and finite in the columns that are used.
fn rows(folder: &Path, columns: usize, used: &[usize], rows: usize) -> Result<Vec<f64>, HalError> {
    let path = folder.join("value");
    let values = npy::floats(&path, columns)?;
    check_rows(&path, values.len() / columns, rows)?;
    let is_bad = |row: &[f64]| used.iter().any(|&column| !row[column].is_finite());
    if let Some(row) = values.chunks_exact(columns).position(is_bad) {
        return Err(malformed(&path, format!("row {row}: is not finite; get the file again")));
    }
    Ok(values)
}

fn check_rows(path: &Path, there: usize, wanted: usize) -> Result<(), HalError> {
    if there == wanted {
        return Ok(());
    }
    Err(malformed(path, format!("has {there} rows for {wanted} times; get the files again")))
}

impl Segment {
    pub fn open(folder: &Path, car: &Database, radar: &Database) -> Result<Self, HalError> {
        let log = folder.join("processed_log");
        if !log.is_dir() {
            let problem = "has no processed_log/; give the folder of one minute, such as comma2k19/example_1";
            return Err(malformed(folder, problem));
        }
        let raw = RawCan::open(&log.join("CAN/raw_can"))?;
        let inertial = inertial(&log.join("IMU"))?;
        let positions = positions(&log.join("GNSS"))?;
        let poses = poses(&folder.join("global_pose"))?;
        let firsts =
            [raw.times.first(), inertial.first().map(|(at, ..)| at), poses.first().map(|(at, _)| at)];
        let first_capture = positions.first().map_or(f64::INFINITY, |(capture, ..)| *capture);
        let clock = Clock { epoch_s: firsts.into_iter().flatten().copied().fold(first_capture, f64::min) };
        let last = raw.times.last().copied().unwrap_or(clock.epoch_s);
        let apart = [
            inertial.first().map(|row| row.0),
            positions.first().map(|row| row.0),
            poses.first().map(|row| row.0),
            Some(last),
        ];
        if apart.into_iter().flatten().any(|at| (at - clock.epoch_s).abs() > LONGEST_S) {
            return Err(malformed(folder, "its files are of different times; get the minute again"));
        }
        let wheels = car.message_by_name(WHEELS).map(|message| message.id);
        let frames = raw.frames(clock, car, radar)?;
        let wheels = wheels.filter(|id| frames.iter().any(|heard| heard.bus == 0 && heard.frame.id == *id));
        let wheels = wheels.ok_or_else(|| {
            let problem = format!(
                "no {WHEELS} was heard on bus 0, as a Toyota RAV4 has them; give a minute of the RAV4 (chunks 1 and 2)"
            );
            malformed(&log.join("CAN/raw_can"), problem)
        })?;
        Ok(Self {
            frames,
            inertial: inertial
                .into_iter()
                .map(|(at, rate, force)| InertialSample { at: clock.at(at), rate, force })
                .collect(),
            positions: positions
                .into_iter()
                .map(|(capture, logged, [latitude_deg, longitude_deg, altitude_m])| Position {
                    capture: clock.at(capture),
                    logged: clock.at(logged),
                    latitude_deg,
                    longitude_deg,
                    altitude_m,
                })
                .collect(),
            poses: poses.into_iter().map(|(at, pose)| GlobalPose { at: clock.at(at), ..pose }).collect(),
            wheels,
        })
    }

    /// The first satellite position, radians.
    pub fn origin(&self) -> [f64; 2] {
        self.positions.first().map_or([0.0; 2], |position| {
            [position.latitude_deg.to_radians(), position.longitude_deg.to_radians()]
        })
    }
}

/// The three columns of the raw CAN log.
struct RawCan {
    folder: PathBuf,
    times: Vec<f64>,
    sources: Vec<i64>,
    addresses: Vec<i64>,
    data: Vec<[u8; 8]>,
}

impl RawCan {
    fn open(folder: &Path) -> Result<Self, HalError> {
        let times = times(&folder.join("t"), false)?;
        let sources = npy::integers(&folder.join("src"))?;
        let addresses = npy::integers(&folder.join("address"))?;
        let data = npy::strings_of_8(&folder.join("data"))?;
        for (name, count) in [("src", sources.len()), ("address", addresses.len()), ("data", data.len())] {
            check_rows(&folder.join(name), count, times.len())?;
        }
        Ok(Self { folder: folder.to_owned(), times, sources, addresses, data })
    }

    /// What the car's buses said; what the device itself sent (sources from 128 on) is left out. The log does not keep a
    /// frame's length: it is the one that the DBC file gives, else 8.
    fn frames(&self, clock: Clock, car: &Database, radar: &Database) -> Result<Vec<Heard>, HalError> {
        let mut frames = Vec::with_capacity(self.times.len());
        let columns = self.times.iter().zip(&self.sources).zip(self.addresses.iter().zip(&self.data));
        for (row, ((time, source), (address, data))) in columns.enumerate() {
            let (bus, database) = match source {
                0 => (0, car),
                1 => (1, radar),
                _ => continue,
            };
            let id = u32::try_from(*address).ok().and_then(|number| CanId::new(number, number > 0x7ff));
            let id = id.ok_or_else(|| {
                let problem = format!("row {row}: {address} is no CAN identifier; get the file again");
                malformed(&self.folder.join("address"), problem)
            })?;
            let length = database.message(id).map_or(8, |message| message.length.min(8));
            let frame = data.get(..length).and_then(|data| CanFrame::classic(id, data));
            frames.extend(frame.map(|frame| Heard { at: clock.at(*time), bus, frame }));
        }
        Ok(frames)
    }
}

fn three(row: &[f64]) -> Vec3 {
    Vec3::new(row[0], row[1], row[2])
}

/// Time, rates and forces; both sensors are read together.
fn inertial(folder: &Path) -> Result<Vec<(f64, Vec3, Vec3)>, HalError> {
    let (gyro, accelerometer) = (folder.join("gyro"), folder.join("accelerometer"));
    let at = times(&gyro.join("t"), true)?;
    if times(&accelerometer.join("t"), true)? != at {
        let problem = "its times are not the gyro's; get the files again";
        return Err(malformed(&accelerometer.join("t"), problem));
    }
    let rates = rows(&gyro, 3, &[0, 1, 2], at.len())?;
    let forces = rows(&accelerometer, 3, &[0, 1, 2], at.len())?;
    let both = rates.chunks_exact(3).zip(forces.chunks_exact(3));
    Ok(at.into_iter().zip(both).map(|(at, (rate, force))| (at, three(rate), three(force))).collect())
}

/// Capture and logging (the device's clock), latitude, longitude (degrees), altitude.
fn positions(folder: &Path) -> Result<Vec<(f64, f64, [f64; 3])>, HalError> {
    let offset = receiver_clock(&folder.join("raw_gnss_ublox"))?;
    let live = folder.join("live_gnss_ublox");
    let logged = times(&live.join("t"), true)?;
    let values = rows(&live, 6, &[0, 1, 3, 4], logged.len())?;
    let mut positions: Vec<(f64, f64, [f64; 3])> = Vec::with_capacity(logged.len());
    for (row, (logged, value)) in logged.into_iter().zip(values.chunks_exact(6)).enumerate() {
        let bad = |problem: String| {
            Err(malformed(&live.join("value"), format!("row {row}: {problem}; get the file again")))
        };
        let [latitude, longitude, altitude] = [value[0], value[1], value[4]];
        if latitude.abs() > 89.0 || longitude.abs() > 180.0 {
            return bad(format!("latitude {latitude} or longitude {longitude} is out of range"));
        }
        // The readme says seconds; they are milliseconds.
        let capture = value[3] * 1e-3 - GPS_EPOCH_S + LEAP_S + offset;
        if !(0.0..FIX_LAG_S).contains(&(logged - capture)) {
            return bad(format!("its UTC is {:.3} s before it was logged", logged - capture));
        }
        if positions.last().is_some_and(|(before, ..)| *before >= capture) {
            return bad("its UTC is not after the row's before".to_owned());
        }
        positions.push((capture, logged, [latitude, longitude, altitude]));
    }
    Ok(positions)
}

/// The device's clock less GPS time, seconds.
fn receiver_clock(folder: &Path) -> Result<f64, HalError> {
    let at = times(&folder.join("t"), false)?;
    let values = rows(folder, 10, &[1, 2], at.len())?;
    let offset = |(at, row): (&f64, &[f64])| at - (row[1] * WEEK_S + row[2]);
    let mut offsets = at.iter().zip(values.chunks_exact(10)).map(offset);
    let first = offsets.next().unwrap_or_default();
    match offsets.find(|other| (other - first).abs() > CLOCKS_APART_S) {
        None => Ok(first),
        Some(other) => {
            let problem = format!("its GPS time and its times part by {:.3} s", (other - first).abs());
            Err(malformed(&folder.join("value"), format!("{problem}; get the files again")))
        }
    }
}

fn poses(folder: &Path) -> Result<Vec<(f64, GlobalPose)>, HalError> {
    let at = times(&folder.join("frame_times"), true)?;
    let read = |name: &str, columns: usize| -> Result<Vec<f64>, HalError> {
        let path = folder.join(name);
        let values = npy::floats(&path, columns)?;
        check_rows(&path, values.len() / columns, at.len())?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(cell) => {
                let problem = format!("row {}: is not finite; get the file again", cell / columns);
                Err(malformed(&path, problem))
            }
        }
    };
    let positions = read("frame_positions", 3)?;
    let velocities = read("frame_velocities", 3)?;
    let orientations = read("frame_orientations", 4)?;
    let moving = positions.chunks_exact(3).zip(velocities.chunks_exact(3));
    let mut poses = Vec::with_capacity(at.len());
    for ((at, (position, velocity)), q) in at.into_iter().zip(moving).zip(orientations.chunks_exact(4)) {
        let orientation = [q[0], q[1], q[2], q[3]];
        let (position, velocity) = (three(position), three(velocity));
        poses.push((at, GlobalPose { at: LogicalTime::ZERO, position, velocity, orientation }));
    }
    Ok(poses)
}
