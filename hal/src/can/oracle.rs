//! Every DBC file in `../shared/data/opendbc` that PyPI `cantools` loads gives `cantools`' values for random frames, both
//! ways. `hal/tests/can/cantools_oracle.py` says how the digests were made.

use super::codec::MessageCodec;
use super::{CanId, Database};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const FRAMES: usize = 8;

struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether encoding is unambiguous and within what a Python float holds.
fn encodes(message: &MessageCodec) -> bool {
    let mut seen = [0; 64];
    message.signals.iter().all(|signal| {
        let mut mask = [0; 64];
        signal.plan.store(&mut mask, u64::MAX);
        let free = seen.iter().zip(mask).all(|(seen, mask)| seen & mask == 0);
        for (seen, mask) in seen.iter_mut().zip(mask) {
            *seen |= mask;
        }
        free && signal.bits <= 52 && signal.selector.is_none() && signal.plan.fits(message.length)
    })
}

fn line(message: &MessageCodec, data: &[u8]) -> String {
    let mut values = vec![None; message.signals().len()];
    message.decode(data, &mut values);
    let named: BTreeMap<_, _> = message
        .signals()
        .iter()
        .zip(&values)
        .filter_map(|(signal, value)| Some((signal.name.as_str(), (*value)?)))
        .collect();
    let mut text = String::new();
    for (name, value) in named {
        let gap = if text.is_empty() { "" } else { " " };
        write!(text, "{gap}{name}={:016x}", value.to_bits()).unwrap();
    }
    let mut again = vec![0; message.length];
    if encodes(message) {
        message.encode(&values, &mut again).unwrap();
    } else {
        again.clear();
    }
    format!("{:x} {} {text} > {}", message.id.number(), hex(data), hex(&again))
}

/// Messages, frames and digest of one file.
fn digest(database: &Database, name: &str, left_out: &BTreeSet<(String, String)>) -> (usize, usize, String) {
    let mut random = SplitMix64(name.len() as u64);
    let (mut sha, mut messages, mut frames) = (Sha256::new(), 0, 0);
    let mut sorted: Vec<_> = database.messages().iter().collect();
    sorted.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
    for message in sorted {
        let id = format!("{:x}", message.id.number());
        if left_out.contains(&(name.to_owned(), format!("{id} {}", message.name))) {
            sha.update(format!("left out {id} {}\n", message.name));
            continue;
        }
        messages += 1;
        for _ in 0..FRAMES {
            let data: Vec<u8> = (0..message.length).map(|_| random.next() as u8).collect();
            let line = line(message, &data);
            if std::env::var("AURIGA_ORACLE").is_ok_and(|wanted| name.contains(&wanted)) {
                println!("{line}");
            }
            sha.update(line + "\n");
            frames += 1;
        }
    }
    (messages, frames, hex(&sha.finalize()))
}

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from)?;
    let folder = root.join("opendbc/opendbc/dbc");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("AURIGA_REQUIRE_DATA").is_err(), "{} is missing", folder.display());
    None
}

#[test]
fn every_file_of_opendbc_gives_the_values_of_cantools() {
    let Some(folder) = folder() else {
        let _ = writeln!(std::io::stderr(), "skipped: no opendbc under AURIGA_DATA");
        return;
    };
    let golden = include_str!("../../tests/can/cantools.txt");
    let left_out: BTreeSet<_> = golden
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" leaves out "))
        .map(|(file, message)| (file.to_owned(), message.to_owned()))
        .collect();
    let (mut files, mut frames, mut wrong) = (0, 0, Vec::new());
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let [name, messages, count, expected] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let database = Database::read(&folder.join(name)).unwrap();
        let found = digest(&database, name, &left_out);
        if (found.0.to_string().as_str(), found.1.to_string().as_str(), found.2.as_str())
            != (messages, count, expected)
        {
            wrong.push(format!("{name}: {} messages, {} frames", found.0, found.1));
        }
        files += 1;
        frames += found.1;
    }
    println!("{files} files, {frames} frames");
    assert_eq!(files, 97);
    assert_eq!(wrong, Vec::<String>::new());
}

/// The 21 that `cantools` refuses: what of them is a DBC is read, and what is none is refused with its line.
#[test]
fn the_other_files_are_read_or_refused_with_their_line() {
    let Some(folder) = folder() else {
        let _ = writeln!(std::io::stderr(), "skipped: no opendbc under AURIGA_DATA");
        return;
    };
    let mut files = Vec::new();
    list(&folder, &mut files);
    let read = files.iter().filter(|path| match Database::read(path) {
        Ok(database) => {
            database.message(CanId::Standard(0x7ff)).is_none_or(|message| !message.name.is_empty())
        }
        Err(error) => {
            assert!(error.to_string().contains(": line "), "{error}");
            println!("{error}");
            false
        }
    });
    let read = read.count();
    println!("{read} of {} files", files.len());
    assert!(read >= 110 && files.len() >= 118);
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "dbc") {
            files.push(path);
        }
    }
}
