//! Decoding and encoding CAN frames, beside PyPI `cantools` and `opendbc` in the same run.
//!
//! `AURIGA_PYTHON=python-with-both cargo bench -p auriga-hal --bench can`
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use auriga_hal::can::{CanId, Database};
use criterion::{Criterion, Throughput, criterion_group};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn one_message(criterion: &mut Criterion) {
    let file = Path::new(HERE).join("../configs/can/toyota_rav4_tssp.dbc");
    let database = Database::read(&file).unwrap();
    // Cruise: 4 signals. The same message in the peers' script.
    let message = database.message(CanId::Standard(0x1d2)).unwrap();
    let data = [0x30, 0x00, 0x00, 0x12, 0x34, 0x56, 0x80, 0x9f];
    let mut values = vec![None; message.signals().len()];
    message.decode(&data, &mut values);
    let mut group = criterion.benchmark_group("cruise");
    group.throughput(Throughput::Elements(message.signals().len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| message.decode(black_box(&data), black_box(&mut values)));
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

fn recorded_minute(criterion: &mut Criterion) {
    let raw =
        std::env::var_os("AURIGA_DATA").map_or_else(|| Path::new(HERE).join("../../shared/data"), Into::into);
    let raw = raw.join("comma2k19/example_1/processed_log/CAN/raw_can");
    let (Some(sources), Some(ids), Some(data)) =
        (npy(&raw.join("src")), npy(&raw.join("address")), npy(&raw.join("data")))
    else {
        println!("skipped: no {}", raw.display());
        return;
    };
    let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap());
    let databases = ["toyota_rav4_tssp.dbc", "toyota_tssp_radar.dbc"]
        .map(|name| Database::read(&Path::new(HERE).join("../configs/can").join(name)).unwrap());
    let frames: Vec<_> = data
        .chunks_exact(8)
        .zip(sources.chunks_exact(8).map(number).zip(ids.chunks_exact(8).map(number)))
        .filter(|(_, (source, _))| *source < 2)
        .map(|(data, (source, id))| (source as usize, CanId::new(id as u32, id > 0x7ff).unwrap(), data))
        .collect();
    let mut values = [None; 64];
    let mut signals = 0;
    for (bus, id, _) in &frames {
        signals += databases[*bus].message(*id).map_or(0, |message| message.signals().len());
    }
    println!("{} frames, {signals} signals of known messages", frames.len());
    let mut group = criterion.benchmark_group("recorded minute");
    group.throughput(Throughput::Elements(signals as u64));
    group.bench_function("look up and decode", |bencher| {
        bencher.iter(|| {
            for (bus, id, data) in &frames {
                if let Some(message) = databases[*bus].message(*id) {
                    message.decode(black_box(data), black_box(&mut values));
                }
            }
        });
    });
    group.finish();
}

fn peers() {
    let Some(python) = std::env::var_os("AURIGA_PYTHON") else {
        println!("skipped: the peers (AURIGA_PYTHON names a Python with cantools, numpy and opendbc)");
        return;
    };
    let script = Path::new(HERE).join("benches/can_peers.py");
    let _ = Command::new(python).arg(script).arg(Path::new(HERE).join("..")).status();
}

criterion_group!(benches, one_message, recorded_minute);

fn main() {
    benches();
    peers();
}
