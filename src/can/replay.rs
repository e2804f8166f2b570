//! `auriga can replay`: a log's frames onto a bus, with the log's timing.

use super::{BusArguments, read_log, send_frame};
use anyhow::Result;
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub const EXAMPLES: &str = "\
Examples:
  auriga can replay drive.log socketcan:vcan0
  auriga can replay drive.log unix:/tmp/bus --host        # others: auriga can decode --profile ... unix:/tmp/bus
  auriga can replay drive.log unix:/tmp/bus --fast --interface can1";

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    /// A log in candump's format, or - for standard input
    #[arg(value_name = "LOG")]
    log: String,
    #[command(flatten)]
    bus: BusArguments,
    /// As fast as the bus takes them
    #[arg(long)]
    fast: bool,
    /// Only what was heard on this interface
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
}

/// A look at Ctrl-C so often.
const LOOK: Duration = Duration::from_millis(50);

#[allow(clippy::disallowed_methods, reason = "the log's timing is kept on the wall clock")]
fn clock() -> Instant {
    Instant::now()
}

/// Sends all frames of the log.
pub fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<()> {
    let mut bus = arguments.bus.open_to_speak(stop)?;
    let mut begun: Option<(u64, Instant)> = None;
    let mut sent: u64 = 0;
    read_log(&arguments.log, |line| {
        let wanted = arguments.interface.as_ref().is_none_or(|name| *name == line.interface);
        if stop.load(Ordering::Relaxed) || !wanted {
            return Ok(());
        }
        let (first, start) = *begun.get_or_insert_with(|| (line.micros, clock()));
        if !arguments.fast {
            let due = Duration::from_micros(line.micros.saturating_sub(first));
            while let Some(left) = due.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                std::thread::sleep(left.min(LOOK));
            }
        }
        send_frame(&mut *bus, &line.frame)?;
        sent += 1;
        Ok(())
    })?;
    eprintln!("{sent} frames");
    Ok(())
}
