//! The runtime beside its peers: one line of a table per process, so that nothing is left over from the one before.
//!
//!     cargo run --release --features peers -- all

#[cfg(feature = "peers")]
mod copper;
mod machine;
mod ours;
mod probe;

use auriga_runtime::{Measuring, Pacing};
use ours::Run;
use std::error::Error;
use std::path::PathBuf;

const ITERATIONS: usize = 1_000_000;

/// Everything that can be measured on its own.
const LINES: &[&str] = &[
    "iteration ours",
    "iteration copper",
    "iteration ours",
    "iteration copper",
    "iteration ours-measured",
    "logged ours",
    "logged copper",
    "logged ours",
    "logged copper",
    "logged-10us ours",
    "paced-100 ours",
    "paced-100 copper",
    "paced-1000 ours",
    "paced-1000 copper",
];

fn print_intervals(ticks: &[u64]) {
    let spans = probe::intervals(ticks);
    let at = |share| probe::quantile(&spans, share);
    print!(
        "{} iterations: p50 {} ns, p90 {} ns, p99 {} ns, p99.9 {} ns",
        ticks.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999)
    );
}

fn print_jitter(ticks: &[u64], period: u64) {
    let (off, drift) = probe::jitter(ticks, period);
    let at = |share| probe::quantile(&off, share) as f64 * 1e-3;
    print!(
        "{} intervals off: p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs, most {:.1} µs; drift {drift:.0} ppm",
        off.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn ours(iterations: usize, record: Option<&PathBuf>, measuring: Measuring) -> Result<(), Box<dyn Error>> {
    let record = record.map(PathBuf::as_path);
    let run = Run {
        iterations,
        period_us: 10,
        threads: 0,
        pacing: Pacing::Virtual,
        executor: "",
        record,
        measuring,
    };
    let (ticks, bytes) = ours::ticks(&run)?;
    print_intervals(&ticks);
    if bytes > 0 {
        print!("; {:.1} bytes per iteration", bytes as f64 / iterations as f64);
    }
    Ok(())
}

/// At a period at which the recorder keeps up.
fn ours_logged_paced(path: &PathBuf) -> Result<(), Box<dyn Error>> {
    let run = Run {
        iterations: 200_000,
        period_us: 10,
        threads: 0,
        pacing: Pacing::Live,
        executor: "cores = [1]\npolicy = \"fifo\"\npriority = 80\nspin_us = 10000",
        record: Some(path),
        measuring: Measuring::Nothing,
    };
    let (ticks, bytes) = ours::ticks(&run)?;
    print_intervals(&ticks);
    print!("; {:.1} bytes per iteration", bytes as f64 / run.iterations as f64);
    Ok(())
}

fn ours_paced(hz: u64) -> Result<(), Box<dyn Error>> {
    let run = Run {
        iterations: 10 * hz as usize,
        period_us: (1_000_000 / hz) as u32,
        threads: 0,
        pacing: Pacing::Live,
        executor: "cores = [1]\npolicy = \"fifo\"\npriority = 80\nspin_us = 200\nlock_memory = true",
        record: None,
        measuring: Measuring::Nothing,
    };
    let (ticks, _) = ours::ticks(&run)?;
    print_jitter(&ticks, 1_000_000_000 / hz);
    Ok(())
}

#[cfg(feature = "peers")]
fn copper(logs: bool, folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let ticks = copper::ticks(ITERATIONS, &folder.join("bench.copper"), logs)?;
    print_intervals(&ticks);
    if logs {
        let files = std::fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.metadata().ok());
        let bytes: u64 = files.map(|file| file.len()).sum();
        print!("; {:.1} bytes per iteration", bytes as f64 / ITERATIONS as f64);
    }
    Ok(())
}

fn line(name: &str) -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("auriga-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let recording = folder.join("bench.mcap");
    match name {
        "iteration ours" => ours(ITERATIONS, None, Measuring::Nothing)?,
        "iteration ours-measured" => ours(ITERATIONS, None, Measuring::All)?,
        "logged ours" => ours(ITERATIONS, Some(&recording), Measuring::Nothing)?,
        "logged-10us ours" => ours_logged_paced(&recording)?,
        "paced-100 ours" => ours_paced(100)?,
        "paced-1000 ours" => ours_paced(1_000)?,
        #[cfg(feature = "peers")]
        "iteration copper" => copper(false, &folder)?,
        #[cfg(feature = "peers")]
        "logged copper" => copper(true, &folder)?,
        #[cfg(feature = "peers")]
        "paced-100 copper" => copper::paced(1_000, 100, &folder.join("bench.copper"))?,
        #[cfg(feature = "peers")]
        "paced-1000 copper" => copper::paced(10_000, 1_000, &folder.join("bench.copper"))?,
        _ => print!("not in this build"),
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    if asked != "all" {
        return line(&asked);
    }
    for name in LINES {
        let before = machine::jiffies();
        let child = std::process::Command::new(std::env::current_exe()?).args(name.split(' ')).output()?;
        let said = String::from_utf8_lossy(&child.stdout);
        let said = if child.status.success() {
            said.into_owned()
        } else {
            String::from_utf8_lossy(&child.stderr).into_owned()
        };
        println!("| {name} | {} | {} |", said.trim(), machine::since(before));
    }
    Ok(())
}
