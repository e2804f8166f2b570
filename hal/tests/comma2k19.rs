//! A recorded minute of a Toyota RAV4 (comma2k19), decoded with our own DBC files, against the values shipped with it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test, and a skipped one says so"
)]

use auriga_hal::can::{CanId, Checked, Checksum, Database, Protection};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// NumPy's .npy, version 1: shape and bytes.
fn npy(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..6], b"\x93NUMPY", "{}", path.display());
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[10..10 + header]).contains("'fortran_order': False"));
    bytes[10 + header..].to_vec()
}

fn floats(path: &Path) -> Vec<f64> {
    npy(path).chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn integers(path: &Path) -> Vec<i64> {
    npy(path).chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

struct Recorded {
    t: f64,
    source: i64,
    id: CanId,
    data: [u8; 8],
}

fn folder() -> Option<PathBuf> {
    let folder =
        std::env::var_os("AURIGA_DATA").map(PathBuf::from)?.join("comma2k19/example_1/processed_log/CAN");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("AURIGA_REQUIRE_DATA").is_err(), "{} is missing", folder.display());
    let _ = writeln!(std::io::stderr(), "skipped: no {}", folder.display());
    None
}

fn frames(folder: &Path) -> Vec<Recorded> {
    let raw = folder.join("raw_can");
    let (times, sources, ids) =
        (floats(&raw.join("t")), integers(&raw.join("src")), integers(&raw.join("address")));
    let data = npy(&raw.join("data"));
    let frames: Vec<_> = data
        .chunks_exact(8)
        .zip(times.iter().zip(&sources).zip(&ids))
        .map(|(data, ((&t, &source), &id))| Recorded {
            t,
            source,
            id: CanId::new(u32::try_from(id).unwrap(), id > 0x7ff).unwrap(),
            data: data.try_into().unwrap(),
        })
        .collect();
    assert_eq!(frames.len(), 135_468);
    frames
}

fn database(name: &str) -> Database {
    Database::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/can").join(name)).unwrap()
}

#[test]
fn steering_wheels_and_speed_are_the_shipped_ones() {
    let Some(folder) = folder() else { return };
    let frames = frames(&folder);
    let car = database("toyota_rav4_tssp.dbc");
    let of =
        |id: u16| frames.iter().filter(move |frame| frame.source == 0 && frame.id == CanId::Standard(id));

    let steering = car.message(CanId::Standard(0x25)).unwrap();
    let (whole, fraction) =
        (steering.index_of("ANGLE").unwrap(), steering.index_of("ANGLE_FRACTION").unwrap());
    let shipped = floats(&folder.join("steering_angle/value"));
    let times = floats(&folder.join("steering_angle/t"));
    let mut values = vec![None; steering.signals().len()];
    let mut count = 0;
    for (frame, (shipped, t)) in of(0x25).zip(shipped.iter().zip(&times)) {
        steering.decode(&frame.data, &mut values);
        let angle = values[whole].unwrap() + values[fraction].unwrap();
        assert_eq!((angle.to_bits(), frame.t), (shipped.to_bits(), *t), "{angle} {shipped}");
        count += 1;
    }
    assert_eq!((count, shipped.len()), (4974, 4974));

    let wheels = car.message(CanId::Standard(0xaa)).unwrap();
    let places =
        ["FRONT_LEFT", "FRONT_RIGHT", "REAR_LEFT", "REAR_RIGHT"].map(|name| wheels.index_of(name).unwrap());
    let shipped = floats(&folder.join("wheel_speed/value"));
    let mut values = vec![None; wheels.signals().len()];
    let (mut worst, mut count) = (0.0_f64, 0);
    for (frame, shipped) in of(0xaa).zip(shipped.chunks_exact(4)) {
        wheels.decode(&frame.data, &mut values);
        for (place, shipped) in places.iter().zip(shipped) {
            worst = worst.max((values[*place].unwrap() / 3.6 - shipped).abs());
        }
        count += 1;
    }
    println!("wheel speeds: {count} frames, largest difference {worst:e} m/s");
    assert!(worst < 1e-12 && count == 4974);
}

/// The shipped rows were decoded with the upper 13 of the distance's 15 bits, in steps of 0.04 m, and count from 2.7 m behind
/// the radar (where the recording device is).
fn shipped_distance(distance: f64) -> f64 {
    ((distance * 100.0).round() / 4.0).floor() * 0.04 + 2.7
}

#[test]
fn every_radar_track_is_the_shipped_one() {
    let Some(folder) = folder() else { return };
    let frames = frames(&folder);
    let radar = database("toyota_tssp_radar.dbc");
    // Frames that were read from the device together have one time: several of a track may.
    let mut by_key: BTreeMap<(u64, u32), Vec<&Recorded>> = BTreeMap::new();
    for frame in
        frames.iter().filter(|frame| frame.source == 1 && (0x210..0x220).contains(&frame.id.number()))
    {
        by_key.entry((frame.t.to_bits(), frame.id.number())).or_default().push(frame);
    }
    let times = floats(&folder.join("radar/t"));
    let rows = floats(&folder.join("radar/value"));
    let mut tracks = 0;
    for (row, t) in rows.chunks_exact(7).zip(&times) {
        let id = row[5] as u32;
        let message = radar.message(CanId::new(id, false).unwrap()).unwrap();
        let is_it = |frame: &&&Recorded| {
            let value = |name| message.decode_signal(message.index_of(name).unwrap(), &frame.data).unwrap();
            let pairs = [
                (shipped_distance(value("DISTANCE")), row[0]),
                (-value("LATERAL"), row[1]),
                (value("RELATIVE_SPEED"), row[2]),
                (value("NEW"), row[6]),
                (value("VALID"), 1.0),
            ];
            pairs.iter().all(|(ours, shipped)| (ours - shipped).abs() < 1e-9)
        };
        assert!(
            by_key[&(t.to_bits(), id)].iter().any(|frame| is_it(&frame)),
            "track {id:#x} at {t}: {row:?}"
        );
        tracks += 1;
    }
    let valid = by_key.values().flatten().filter(|frame| frame.data[6] & 1 != 0).count();
    println!("{tracks} tracks; {valid} frames are valid");
    assert_eq!((tracks, valid), (10_100, 10_100));
}

#[test]
fn every_checksum_of_the_minute_verifies() {
    let Some(folder) = folder() else { return };
    let frames = frames(&folder);
    let buses = [(0, database("toyota_rav4_tssp.dbc")), (1, database("toyota_tssp_radar.dbc"))];
    let protection = Protection { checksum: Some(Checksum::Toyota), counter: None };
    let (mut verified, mut without) = (0, 0);
    for frame in &frames {
        // What the device sent comes back as source 128 (on bus 0) and 129 (on the radar's).
        let Some((_, database)) = buses.iter().find(|(bus, _)| *bus == frame.source % 128) else { continue };
        let protected = database.message(frame.id).filter(|message| message.index_of("CHECKSUM").is_some());
        let Some(message) = protected else {
            without += 1;
            continue;
        };
        let data = &frame.data[..message.length];
        assert_eq!(protection.check(frame.id, data, &mut None), Checked::Good, "{} {data:x?}", message.name);
        verified += 1;
    }
    println!("{verified} checksums verified; {without} frames have none");
    assert!(verified > 100_000);
}
