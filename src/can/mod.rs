//! `auriga can`: looks into a CAN bus and speaks on it. Logs are in candump's format (`candump -L`), so that they can be
//! read and written with can-utils and python-can too.

mod decode;
mod replay;
mod send;

use crate::run;
use anyhow::{Context, Result, bail};
use auriga_hal::HalError;
use auriga_hal::can::{BusFault, CanBus, CanFrame, Endpoint, LogLine, UnixBus};
use clap::{Args, Subcommand};
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Writes what is said on a bus, as `candump -L` does
    #[command(after_help = DUMP_EXAMPLES)]
    Dump(DumpArguments),
    /// Says what frames mean: their signals with units, of a log or of a bus
    #[command(after_help = decode::EXAMPLES)]
    Decode(decode::Arguments),
    /// Sends frames, given as bytes or as signals
    #[command(after_help = send::EXAMPLES)]
    Send(send::Arguments),
    /// Sends the frames of a log, with its timing
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Arguments),
}

const DUMP_EXAMPLES: &str = "\
Buses: unix:PATH, slcan:DEVICE[@KBIT], socketcan:INTERFACE

Examples:
  auriga can dump unix:/tmp/car
  auriga can dump socketcan:can0 --count 1000 > drive.log
  auriga can dump slcan:/dev/ttyACM0@500 --seconds 10";

#[derive(Args)]
struct DumpArguments {
    #[command(flatten)]
    bus: BusArguments,
    /// End after so many frames
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
}

/// A bus.
#[derive(Args)]
struct BusArguments {
    /// unix:PATH, slcan:DEVICE[@KBIT] or socketcan:INTERFACE
    #[arg(value_name = "BUS")]
    bus: Endpoint,
    /// Of a Unix bus: make it, instead of connecting to one that is there; who speaks waits for somebody who listens
    #[arg(long)]
    host: bool,
}

impl BusArguments {
    fn open(&self) -> Result<Box<dyn CanBus>> {
        if self.host {
            return Ok(self.bus.host()?);
        }
        let advice = match &self.bus {
            Endpoint::Unix(_) => "nobody may have made it yet (--host makes it)",
            _ => "is it there, and may you use it?",
        };
        self.bus.open().context(advice)
    }

    /// As [`BusArguments::open`]; a Unix bus that was just made is spoken on when somebody listens.
    fn open_to_speak(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn CanBus>> {
        let Endpoint::Unix(path) = &self.bus else { return self.open() };
        if !self.host {
            return self.open();
        }
        let mut bus = UnixBus::listen(path)?;
        while bus.peers() == 0 && !stop.load(Ordering::Relaxed) {
            let _ = bus.receive(LOOK)?;
        }
        Ok(Box::new(bus))
    }

    /// An interface's name in a log: without blanks, and no longer than the kernel's.
    fn interface(&self) -> String {
        match &self.bus {
            Endpoint::Kernel(interface) => interface.clone(),
            Endpoint::Unix(_) => "unix0".to_owned(),
            Endpoint::Slcan(..) => "slcan0".to_owned(),
        }
    }
}

/// Runs a part; true when it ended well.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let stop = run::stop_flag(false)?;
    let done = match &arguments.what {
        What::Dump(arguments) => dump(arguments, &stop),
        What::Decode(arguments) => decode::run(arguments, &stop),
        What::Send(arguments) => send::run(arguments, &stop),
        What::Replay(arguments) => replay::run(arguments, &stop),
    };
    match done {
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(true),
        done => done.map(|()| true),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

fn dump(arguments: &DumpArguments, stop: &Arc<AtomicBool>) -> Result<()> {
    let mut bus = arguments.bus.open()?;
    let mut out = std::io::stdout().lock();
    let limit = Limit { count: arguments.count, seconds: arguments.seconds };
    listen(&mut *bus, &arguments.bus.interface(), &limit, stop, |line| {
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    })
}

/// When enough was heard.
struct Limit {
    count: Option<u64>,
    seconds: Option<f64>,
}

/// Microseconds since 1970, as candump has them.
#[allow(clippy::disallowed_methods, reason = "a log says when a frame came")]
fn wall_micros() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A look at Ctrl-C so often.
const LOOK: Duration = Duration::from_millis(50);

/// Hands over frame after frame of a bus until there were enough, Ctrl-C, or the bus is gone.
fn listen(
    bus: &mut dyn CanBus,
    interface: &str,
    limit: &Limit,
    stop: &Arc<AtomicBool>,
    mut each: impl FnMut(&LogLine) -> Result<()>,
) -> Result<()> {
    let begun = wall_micros();
    let mut heard = 0;
    while !stop.load(Ordering::Relaxed) && limit.count.is_none_or(|count| heard < count) {
        let over = |seconds: f64| wall_micros().saturating_sub(begun) as f64 * 1e-6 > seconds;
        if limit.seconds.is_some_and(over) {
            return Ok(());
        }
        match bus.receive(LOOK) {
            Ok(Some(frame)) => {
                heard += 1;
                each(&LogLine { micros: wall_micros(), interface: interface.to_owned(), frame })?;
            }
            Ok(None) => {}
            Err(error @ HalError::Bus { fault: BusFault::Malformed | BusFault::Full, .. }) => {
                eprintln!("warning: {error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Hands over line after line of a log (`-`: standard input); empty lines and comments (`#`) are passed over.
fn read_log(file: &str, mut each: impl FnMut(LogLine) -> Result<()>) -> Result<()> {
    let input: Box<dyn BufRead> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let opened =
            std::fs::File::open(Path::new(file)).with_context(|| format!("{file}: cannot be read"))?;
        Box::new(std::io::BufReader::new(opened))
    };
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("{file}: line {}", number + 1))?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.parse().with_context(|| format!("{file}: line {}", number + 1))?;
        each(parsed)?;
    }
    Ok(())
}

/// Sends a frame; to a queue that is full it is given again for a while.
fn send_frame(bus: &mut dyn CanBus, frame: &CanFrame) -> Result<()> {
    for _ in 0..1_000 {
        match bus.send(frame) {
            Ok(()) => return Ok(()),
            Err(HalError::Bus { fault: BusFault::Full, .. }) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("{}: the queue is full for a second: nobody takes the frames", bus.name())
}
