//! Which files a drive has, and when each was captured.

use super::oxts::OxtsRow;
use super::{malformed, read_error};
use crate::HalError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::path::{Path, PathBuf};

/// Between two scans where there are no time stamps: the mean over the drives (the data's own readme).
const SCAN_PERIOD: LogicalDuration = LogicalDuration::from_micros(103_600);

/// One scan's file. Start and end are at the rear.
#[derive(Debug, PartialEq)]
pub(super) struct ScanFile {
    pub path: PathBuf,
    pub frame: u64,
    pub start: LogicalTime,
    pub end: LogicalTime,
    /// What the manifest says, where there is one.
    pub points: Option<usize>,
}

#[derive(Debug, PartialEq)]
pub(super) struct ImageFile {
    pub path: PathBuf,
    pub capture: LogicalTime,
}

#[derive(Debug, PartialEq)]
pub(super) struct OxtsSample {
    pub row: OxtsRow,
    pub capture: LogicalTime,
}

/// The files of a drive in the order of time.
#[derive(Debug)]
pub(super) struct Drive {
    pub scans: Vec<ScanFile>,
    pub images: Vec<ImageFile>,
    pub oxts: Vec<OxtsSample>,
    /// The folder with `calib_cam_to_cam.txt`.
    pub calibration: PathBuf,
}

impl Drive {
    pub(super) fn open(folder: &Path) -> Result<Self, HalError> {
        if !folder.is_dir() {
            return Err(malformed(folder, "no such folder; give a drive such as kitti_raw/drive_0052"));
        }
        let drive = if folder.join("velodyne_points").is_dir() {
            with_timestamps(folder)
        } else if folder.join("velodyne").is_dir() {
            without_timestamps(folder)
        } else {
            Err(malformed(
                folder,
                "has neither velodyne_points/ (KITTI raw) nor velodyne/; give the folder of one drive",
            ))
        }?;
        if drive.scans.windows(2).any(|pair| pair[1].start <= pair[0].start) {
            return Err(malformed(folder, "the scans' instants do not increase; get the time stamps again"));
        }
        Ok(drive)
    }
}

/// Frame `k` lasts from `k` to `k + 1` periods; pictures and INS rows are from its middle.
fn without_timestamps(folder: &Path) -> Result<Drive, HalError> {
    let period = SCAN_PERIOD.as_nanos();
    let files = numbered(&folder.join("velodyne"), &["kvz", "bin"])?;
    let first = files.first().map_or(0, |(frame, _)| *frame) as i64;
    let instant = |frame: u64, halves: i64| {
        LogicalTime::from_nanos((frame as i64 - first) * period + halves * period / 2)
    };
    let mut scans: Vec<ScanFile> = files
        .into_iter()
        .map(|(frame, path)| ScanFile {
            path,
            frame,
            start: instant(frame, 0),
            end: instant(frame, 2),
            points: None,
        })
        .collect();
    check_manifest(folder, &mut scans)?;
    let image_folder = folder.join("image_02");
    let images = if image_folder.is_dir() { numbered(&image_folder, &["png", "jpg"])? } else { Vec::new() };
    let images = images
        .into_iter()
        .map(|(frame, path)| ImageFile { path, capture: instant(frame, 1) })
        .filter(|image| image.capture >= LogicalTime::ZERO)
        .collect();
    let rows_path = folder.join("oxts.txt");
    let mut oxts = Vec::new();
    if rows_path.is_file() {
        let text = std::fs::read_to_string(&rows_path).map_err(read_error(&rows_path))?;
        for (line, row) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let row = OxtsRow::parse(row).map_err(|problem| {
                malformed(&rows_path, format!("line {}: {problem}; get the file again", line + 1))
            })?;
            oxts.push(OxtsSample { row, capture: instant(line as u64, 1) });
        }
        let last = scans.last().map_or(0, |scan| scan.frame as usize + 1);
        if oxts.len() < last {
            let problem = format!("{} rows for frames up to {last}; get the file again", oxts.len());
            return Err(malformed(&rows_path, problem));
        }
        oxts.retain(|sample| sample.capture >= LogicalTime::ZERO);
    }
    Ok(Drive { scans, images, oxts, calibration: calibration_folder(folder)? })
}

/// KITTI raw's layout: a line of each `timestamps.txt` per frame number.
fn with_timestamps(folder: &Path) -> Result<Drive, HalError> {
    let scanner = folder.join("velodyne_points");
    let files = numbered(&scanner.join("data"), &["bin", "kvz"])?;
    let middles = Timestamps::open(&scanner.join("timestamps.txt"))?;
    let starts = Timestamps::open_optional(&scanner.join("timestamps_start.txt"))?;
    let ends = Timestamps::open_optional(&scanner.join("timestamps_end.txt"))?;
    let half = SCAN_PERIOD.as_nanos() / 2;
    let mut spans = Vec::with_capacity(files.len());
    for (frame, path) in files {
        let middle = middles.at(frame)?;
        let start = starts.as_ref().map_or(Ok(middle - half), |starts| starts.at(frame))?;
        let end = ends.as_ref().map_or(Ok(middle + half), |ends| ends.at(frame))?;
        if end <= start || end - start > 1_000_000_000 {
            let problem = format!("its scan lasts {} ns; get the time stamps again", end - start);
            return Err(malformed(&path, problem));
        }
        spans.push((frame, path, start, end));
    }
    let epoch = spans.first().map_or(0, |(_, _, start, _)| *start);
    let since = |nanos: i64| LogicalTime::from_nanos(nanos - epoch);
    let scans = spans
        .into_iter()
        .map(|(frame, path, start, end)| ScanFile {
            path,
            frame,
            start: since(start),
            end: since(end),
            points: None,
        })
        .collect();
    let mut images = Vec::new();
    let image_folder = folder.join("image_02");
    if image_folder.is_dir() {
        let stamps = Timestamps::open(&image_folder.join("timestamps.txt"))?;
        for (frame, path) in numbered(&image_folder.join("data"), &["png", "jpg"])? {
            images.push(ImageFile { path, capture: since(stamps.at(frame)?) });
        }
    }
    let mut oxts = Vec::new();
    let ins_folder = folder.join("oxts");
    if ins_folder.is_dir() {
        let stamps = Timestamps::open(&ins_folder.join("timestamps.txt"))?;
        for (frame, path) in numbered(&ins_folder.join("data"), &["txt"])? {
            let text = std::fs::read_to_string(&path).map_err(read_error(&path))?;
            let row = OxtsRow::parse(&text)
                .map_err(|problem| malformed(&path, format!("{problem}; get the file again")))?;
            oxts.push(OxtsSample { row, capture: since(stamps.at(frame)?) });
        }
    }
    images.retain(|image| image.capture >= LogicalTime::ZERO);
    oxts.retain(|sample| sample.capture >= LogicalTime::ZERO);
    let unordered = images.windows(2).any(|pair| pair[1].capture <= pair[0].capture)
        || oxts.windows(2).any(|pair| pair[1].capture <= pair[0].capture);
    if unordered {
        let problem = "the instants of image_02 or oxts do not increase; get the time stamps again";
        return Err(malformed(folder, problem));
    }
    Ok(Drive { scans, images, oxts, calibration: calibration_folder(folder)? })
}

/// The files of a folder whose names are numbers, in order.
fn numbered(folder: &Path, extensions: &[&str]) -> Result<Vec<(u64, PathBuf)>, HalError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read_error(folder))? {
        let path = entry.map_err(read_error(folder))?.path();
        let fits = path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e));
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (true, Some(number)) = (fits, number) {
            if number > 10_000_000 {
                return Err(malformed(&path, "frame numbers go up to 10,000,000; rename it"));
            }
            files.push((number, path));
        }
    }
    files.sort();
    if files.is_empty() {
        let problem =
            format!("no files with a frame number and .{}; get the drive again", extensions.join(" or ."));
        return Err(malformed(folder, problem));
    }
    Ok(files)
}

/// `velodyne_manifest.csv`: frame, points, hash. Every scan that it names must be there.
fn check_manifest(folder: &Path, scans: &mut [ScanFile]) -> Result<(), HalError> {
    let path = folder.join("velodyne_manifest.csv");
    if !path.is_file() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).map_err(read_error(&path))?;
    for (line, row) in text.lines().enumerate().skip(1) {
        let mut cells = row.split(',');
        let frame: Option<u64> = cells.next().and_then(|cell| cell.parse().ok());
        let points = cells.next().and_then(|cell| cell.parse().ok());
        let (Some(frame), Some(points)) = (frame, points) else {
            return Err(malformed(&path, format!("line {}: not `frame,points,hash`", line + 1)));
        };
        let scan = scans.iter_mut().find(|scan| scan.frame == frame).ok_or_else(|| {
            malformed(&folder.join("velodyne"), format!("frame {frame:010} is missing; get the drive again"))
        })?;
        scan.points = Some(points);
    }
    Ok(())
}

/// The folder itself, the one above, or a `calib_*` folder beside it.
fn calibration_folder(folder: &Path) -> Result<PathBuf, HalError> {
    let folder = std::path::absolute(folder).map_err(read_error(folder))?;
    let above = folder.parent().unwrap_or(&folder).to_owned();
    let mut candidates = vec![folder.clone(), above.clone()];
    if let Ok(entries) = std::fs::read_dir(&above) {
        let mut beside: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.starts_with("calib_"))
            })
            .collect();
        beside.sort();
        candidates.append(&mut beside);
    }
    candidates.into_iter().find(|candidate| candidate.join("calib_cam_to_cam.txt").is_file()).ok_or_else(|| {
        malformed(
            &above,
            "no calib_cam_to_cam.txt here, in the drive or in calib_*/; get the calibration of the drive's date",
        )
    })
}

/// Lines such as `2011-09-26 13:02:25.594360375`, one a frame.
struct Timestamps {
    path: PathBuf,
    nanos: Vec<i64>,
}

impl Timestamps {
    fn open(path: &Path) -> Result<Self, HalError> {
        let text = std::fs::read_to_string(path).map_err(read_error(path))?;
        let mut nanos = Vec::new();
        for (line, stamp) in text.lines().map(str::trim).enumerate() {
            // Frames that were lost have an empty line.
            let parsed = if stamp.is_empty() { Some(i64::MIN) } else { parse_timestamp(stamp) };
            nanos.push(parsed.ok_or_else(|| {
                malformed(path, format!("line {}: {stamp:?} is no time stamp; get the file again", line + 1))
            })?);
        }
        Ok(Self { path: path.to_owned(), nanos })
    }

    fn open_optional(path: &Path) -> Result<Option<Self>, HalError> {
        if path.is_file() { Self::open(path).map(Some) } else { Ok(None) }
    }

    fn at(&self, frame: u64) -> Result<i64, HalError> {
        match self.nanos.get(frame as usize) {
            Some(&nanos) if nanos != i64::MIN => Ok(nanos),
            _ => Err(malformed(&self.path, format!("no time stamp for frame {frame}; get the file again"))),
        }
    }
}

/// Nanoseconds since 1970 in the clock of the recording.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':');
    let hour: i64 = time.next()?.parse().ok()?;
    let minute: i64 = time.next()?.parse().ok()?;
    let (second, fraction) = time.next()?.split_once('.').unwrap_or_default();
    let second: i64 = second.parse().ok()?;
    let digits = fraction.len();
    let in_range = (1970..2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range || !(1..=9).contains(&digits) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.parse::<i64>().ok()? * 10_i64.pow(9 - digits as u32);
    // Days from the civil date (Hinnant, "chrono-compatible low-level date algorithms"): years start in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era_year = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = era_year * 365 + era_year / 4 - era_year / 100 + day_of_year;
    let days = shifted.div_euclid(400) * 146_097 + day_of_era - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000_000 + second * 1_000_000_000 + fraction)
}
