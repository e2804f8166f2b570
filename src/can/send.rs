//! `auriga can send`: frames, given as bytes or as signals.

use super::{BusArguments, send_frame};
use crate::platform::read_profile;
use anyhow::{Context, Result, bail};
use auriga_hal::can::{CanFrame, Database, LogLine, Protection, VehicleProfile};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const EXAMPLES: &str = "\
Frames: ID#BYTES as candump writes them (123#DEADBEEF, 123#R, 123##1 for CAN FD), or, with a profile,
MESSAGE:SIGNAL=VALUE,... in the signals' units; then counter and checksum are made as the profile says.

Examples:
  auriga can send socketcan:can0 123#DEADBEEF
  auriga can send --profile auriga-sim unix:/tmp/car COMMAND:ACTIVE=1,ACCELERATION=1.5 --count 300 --period 0.01";

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    bus: BusArguments,
    /// Frames, as bytes or as signals
    #[arg(value_name = "FRAME", required = true)]
    frames: Vec<String>,
    /// The vehicle profile that says what signals there are
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Send all of them so often
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u64,
    /// Seconds from one time to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 0.1)]
    period: f64,
}

/// A frame, and how its counter and checksum are made.
struct Prepared {
    frame: CanFrame,
    protection: Option<Protection>,
    counter: Option<u8>,
}

/// Sends.
pub fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<()> {
    if !(0.0..=3600.0).contains(&arguments.period) {
        bail!("--period is from 0 to 3600 seconds");
    }
    let profile = arguments.profile.as_deref().map(read_profile).transpose()?;
    let mut frames = Vec::new();
    for text in &arguments.frames {
        frames.push(prepare(text, profile.as_ref()).with_context(|| format!("frame `{text}`"))?);
    }
    let mut bus = arguments.bus.open_to_speak(stop)?;
    for turn in 0..arguments.count {
        if turn > 0 {
            std::thread::sleep(Duration::from_secs_f64(arguments.period));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for prepared in &mut frames {
            if let Some(protection) = &prepared.protection {
                let frame = &mut prepared.frame;
                prepared.counter = protection.seal(frame.id, frame.data_mut(), prepared.counter);
            }
            send_frame(&mut *bus, &prepared.frame)?;
        }
    }
    Ok(())
}

fn prepare(text: &str, profile: Option<&(VehicleProfile, Database)>) -> Result<Prepared> {
    if text.contains('#') {
        let line: LogLine = format!("(0.000000) x {text}").parse().ok().context(
            "is not ID#BYTES: 3 digits of a standard identifier or 8 of an extended one, then bytes",
        )?;
        return Ok(Prepared { frame: line.frame, protection: None, counter: None });
    }
    let (name, signals) = text.split_once(':').context("is neither ID#BYTES nor MESSAGE:SIGNAL=VALUE,...")?;
    let (profile, database) = profile.context("--profile says what signals there are")?;
    let message = database.message_by_name(name).with_context(|| format!("there is no message {name}"))?;
    let mut values = vec![None; message.signals().len()];
    for assignment in signals.split(',') {
        let (signal, value) =
            assignment.split_once('=').with_context(|| format!("`{assignment}` is not SIGNAL=VALUE"))?;
        let place = message.index_of(signal).with_context(|| format!("{name} has no signal {signal}"))?;
        let value = value.parse().with_context(|| format!("`{value}` is not a number"))?;
        *values.get_mut(place).context("a signal without a place")? = Some(value);
    }
    let mut data = [0; 64];
    let data = data.get_mut(..message.length).context("a message of more than 64 bytes")?;
    message.encode(&values, data)?;
    let frame = match message.length {
        0..=8 => CanFrame::classic(message.id, data),
        _ => CanFrame::fd(message.id, data),
    };
    let frame = frame.context("a message of a length that no frame has")?;
    Ok(Prepared { frame, protection: profile.protection(name), counter: None })
}
