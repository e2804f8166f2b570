//! Decoding and encoding CAN frames, beside PyPI `cantools` and `opendbc` in the same run.
//!
//! `AURIGA_PYTHON=python-with-both cargo bench -p auriga-hal --bench can`
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use auriga_hal::can::{CanId, Database};
use criterion::{Criterion, Throughput, criterion_group};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Cruise: 4 signals. The same message in the peers' script.
const CRUISE: u16 = 0x1d2;
const DATA: [u8; 8] = [0x30, 0x00, 0x00, 0x12, 0x34, 0x56, 0x80, 0x9f];

fn car() -> Database {
    Database::read(&Path::new(HERE).join("../configs/can/toyota_rav4_tssp.dbc")).unwrap()
}

fn one_message(criterion: &mut Criterion) {
    let database = car();
    let message = database.message(CanId::Standard(CRUISE)).unwrap();
    let mut values = vec![None; message.signals().len()];
    message.decode(&DATA, &mut values);
    let mut group = criterion.benchmark_group("cruise");
    group.throughput(Throughput::Elements(message.signals().len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| message.decode(black_box(&DATA), black_box(&mut values)));
    });
    let mut out = [0; 8];
    group.bench_function("encode", |bencher| {
        bencher.iter(|| message.encode(black_box(&values), black_box(&mut out)).unwrap());
    });
    group.finish();
    assert_eq!(message.decode_signal(0, &out), values[0]);
}

/// NumPy's .npy, version 1: its bytes.
fn npy(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    Some(bytes[10 + header..].to_vec())
}

/// The frames of both buses, each with its bus.
struct Minute {
    databases: [Database; 2],
    frames: Vec<(usize, CanId, [u8; 8])>,
    signals: usize,
}

impl Minute {
    fn read() -> Option<Self> {
        let data = std::env::var_os("AURIGA_DATA")
            .map_or_else(|| Path::new(HERE).join("../../shared/data"), Into::into);
        let raw = data.join("comma2k19/example_1/processed_log/CAN/raw_can");
        let columns = (npy(&raw.join("src")), npy(&raw.join("address")), npy(&raw.join("data")));
        let (Some(sources), Some(ids), Some(data)) = columns else {
            println!("skipped: no {}", raw.display());
            return None;
        };
        let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap());
        let databases = ["toyota_rav4_tssp.dbc", "toyota_tssp_radar.dbc"]
            .map(|name| Database::read(&Path::new(HERE).join("../configs/can").join(name)).unwrap());
        let frames: Vec<_> = data
            .chunks_exact(8)
            .zip(sources.chunks_exact(8).map(number).zip(ids.chunks_exact(8).map(number)))
            .filter(|(_, (source, _))| *source < 2)
            .map(|(data, (source, id))| {
                (source as usize, CanId::new(id as u32, id > 0x7ff).unwrap(), data.try_into().unwrap())
            })
            .collect();
        let signals_of = |(bus, id, _): &(usize, CanId, [u8; 8])| {
            databases[*bus].message(*id).map_or(0, |message| message.signals().len())
        };
        let signals = frames.iter().map(signals_of).sum();
        Some(Self { frames, signals, databases })
    }

    fn decode(&self, values: &mut [Option<f64>]) {
        for (bus, id, data) in &self.frames {
            if let Some(message) = self.databases[*bus].message(*id) {
                message.decode(black_box(data), black_box(values));
            }
        }
    }
}

fn recorded_minute(criterion: &mut Criterion) {
    let Some(minute) = Minute::read() else { return };
    println!("{} frames, {} signals of known messages", minute.frames.len(), minute.signals);
    let mut values = [None; 64];
    let mut group = criterion.benchmark_group("recorded minute");
    group.throughput(Throughput::Elements(minute.signals as u64));
    group.bench_function("look up and decode", |bencher| bencher.iter(|| minute.decode(&mut values)));
    group.finish();
}

/// The processor time of this thread, seconds: what the machine does beside does not count.
fn processor_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// The least processor time of many rounds, seconds a turn. The peers' script measures in the same way, in fewer rounds.
fn best(times: u32, mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let begin = processor_s();
        (0..times).for_each(|_| work());
        (processor_s() - begin) / f64::from(times)
    };
    (0..60).map(round).fold(f64::INFINITY, f64::min)
}

/// Runs the peers and sets their figures beside ours, measured next to them.
fn peers() {
    let Some(python) = std::env::var_os("AURIGA_PYTHON") else {
        println!("skipped: the peers (AURIGA_PYTHON names a Python with cantools, numpy and opendbc)");
        return;
    };
    let script = Path::new(HERE).join("benches/can_peers.py");
    let run = Command::new(python).arg(script).arg(Path::new(HERE).join("..")).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    print!("{said}{}", String::from_utf8_lossy(&run.stderr));
    let figure = |name: &str| -> Option<f64> {
        said.lines().find_map(|line| line.strip_prefix(&format!("= {name} = "))?.parse().ok())
    };
    let database = car();
    let message = database.message(CanId::Standard(CRUISE)).unwrap();
    let (mut values, mut out) = (vec![None; message.signals().len()], [0; 8]);
    let decode = best(50_000, || message.decode(black_box(&DATA), black_box(&mut values))) * 1e9;
    let encode = best(50_000, || message.encode(black_box(&values), black_box(&mut out)).unwrap()) * 1e9;
    for (name, ours) in [("decode", decode), ("encode", encode)] {
        if let Some(theirs) = figure(&format!("cantools {name} ns")) {
            println!("{name}: {ours:.1} ns, cantools {theirs:.0} ns: {:.0} times as fast", theirs / ours);
        }
    }
    let Some(minute) = Minute::read() else { return };
    let mut values = [None; 64];
    let ours = minute.signals as f64 / best(1, || minute.decode(&mut values)) / 1e6;
    for name in ["cantools", "opendbc"] {
        if let Some(theirs) = figure(&format!("{name} minute M signals/s")) {
            let times = ours / theirs;
            println!(
                "the minute: {ours:.0} M signals/s, {name} {theirs:.3} M signals/s: {times:.0} times as fast"
            );
        }
    }
}

criterion_group!(benches, one_message, recorded_minute);

fn main() {
    benches();
    peers();
}
