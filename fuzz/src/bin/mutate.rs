//! A fuzzer for a stable compiler: mutates map files without end and reports what panics or takes long.
//!
//!     cargo run --release --manifest-path fuzz/Cargo.toml --bin mutate -- SECONDS SEED FILE...
//!
//! Files are cut down to some of their roads (or lanelets), then bytes, numbers, attributes and elements are changed, dropped,
//! doubled and swapped. A finding is written beside the current folder as `finding-<n>` and ends the run with status 1.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One input may take this long by the clock, on a machine that has other things to do.
const SLOW: Duration = Duration::from_secs(120);
/// Largest input, bytes.
const SIZE_MAX: usize = 60_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        // PCG's multiplier; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

/// Values that have broken parsers before.
const NASTY: [&str; 22] = [
    "0",
    "-0",
    "1",
    "-1",
    "1e8",
    "-1e8",
    "1e-300",
    "1e308",
    "1e999",
    "NaN",
    "inf",
    "-inf",
    "",
    " ",
    "0x10",
    "99999999999",
    "-32768",
    "1.7976931348623157e308",
    "5e-324",
    "3.14159",
    "200000",
    "1000",
];

/// The ranges of quoted attribute values.
fn values(text: &[u8]) -> Vec<(usize, usize)> {
    let quotes: Vec<usize> = (0..text.len()).filter(|i| text[*i] == b'"' || text[*i] == b'\'').collect();
    quotes
        .windows(2)
        .filter(|pair| pair[0] > 0 && text[pair[0] - 1] == b'=')
        .map(|pair| (pair[0] + 1, pair[1]))
        .collect()
}

/// The ranges of lines, which in these files mostly are elements.
fn lines(text: &[u8]) -> Vec<(usize, usize)> {
    let mut start = 0;
    let mut found = Vec::new();
    for (i, byte) in text.iter().enumerate() {
        if *byte == b'\n' {
            found.push((start, i + 1));
            start = i + 1;
        }
    }
    found
}

fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    match random.below(10) {
        0 => {
            let at = random.below(text.len());
            text[at] = random.below(128) as u8;
        }
        1 => {
            let lines = lines(text);
            if !lines.is_empty() {
                let (from, to) = lines[random.below(lines.len())];
                text.drain(from..to);
            }
        }
        2 => {
            let lines = lines(text);
            if !lines.is_empty() {
                let (from, to) = lines[random.below(lines.len())];
                let copy = text[from..to].to_vec();
                let (at, _) = lines[random.below(lines.len())];
                text.splice(at..at, copy);
            }
        }
        _ => {
            let values = values(text);
            if values.is_empty() {
                return;
            }
            let (from, to) = values[random.below(values.len())];
            let new = match random.below(3) {
                0 => NASTY[random.below(NASTY.len())].as_bytes().to_vec(),
                1 => {
                    let (a, b) = values[random.below(values.len())];
                    text[a..b].to_vec()
                }
                _ => {
                    let mut digits = text[from..to].to_vec();
                    if !digits.is_empty() {
                        let at = random.below(digits.len());
                        digits[at] = b"0123456789-.e"[random.below(13)];
                    }
                    digits
                }
            };
            text.splice(from..to, new);
        }
    }
}

/// Cuts a large file down: the header and some of its top-level elements.
fn cut(text: &str, random: &mut Random) -> Vec<u8> {
    if text.len() <= SIZE_MAX {
        return text.as_bytes().to_vec();
    }
    let (open, close) =
        if text.contains("<osm") { ("<osm>", "</osm>") } else { ("<OpenDRIVE>", "</OpenDRIVE>") };
    let mut out = String::from(open);
    out.push('\n');
    for (start, end) in [
        ("<road ", "</road>"),
        ("<junction ", "</junction>"),
        ("<controller ", "</controller>"),
        ("<node ", "</node>"),
        ("<way ", "</way>"),
        ("<relation ", "</relation>"),
    ] {
        let starts: Vec<usize> = text.match_indices(start).map(|(at, _)| at).collect();
        let first = random.below(starts.len());
        for at in starts.iter().skip(first).take(400) {
            let Some(length) = text[*at..].find(end) else { break };
            if out.len() + length > SIZE_MAX {
                break;
            }
            out += &text[*at..at + length + end.len()];
            out.push('\n');
        }
    }
    out += close;
    out.into_bytes()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |i: usize| arguments.get(i).and_then(|text| text.parse::<u64>().ok());
    let (Some(seconds), Some(seed)) = (number(1), number(2)) else {
        eprintln!("mutate SECONDS SEED FILE...");
        return ExitCode::from(2);
    };
    let files: Vec<String> =
        arguments[3..].iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    if files.is_empty() {
        eprintln!("no file could be read");
        return ExitCode::from(2);
    }
    let mut random = Random(seed);
    let (begun, mut runs, mut findings) = (Instant::now(), 0u64, 0);
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(seconds) && findings < 10 {
        let mut text = cut(&files[random.below(files.len())], &mut random);
        for _ in 0..1 + random.below(12) {
            if !text.is_empty() {
                mutate(&mut text, &mut random);
            }
        }
        let before = Instant::now();
        let panicked = catch_unwind(|| auriga_fuzz::read_and_ask(&text)).is_err();
        let took = before.elapsed();
        slowest = slowest.max(took);
        if panicked || took > SLOW {
            findings += 1;
            let name = format!("finding-{seed}-{findings}");
            let _ = std::fs::write(&name, &text);
            eprintln!("{name}: {} after {took:?}", if panicked { "panic" } else { "slow" });
        }
        runs += 1;
    }
    println!("{runs} inputs in {:?}, {findings} findings, the slowest {slowest:?}", begun.elapsed());
    if findings == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
