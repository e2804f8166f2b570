//! `auriga can decode`: frames as signals with units.

use super::{BusArguments, Limit, listen, read_log};
use crate::configuration::locate;
use crate::platform::read_profile;
use anyhow::{Result, bail};
use auriga_geometry::LogicalTime;
use auriga_hal::can::{
    CanId, Database, Endpoint, FrameKind, Guard, LogLine, MessageCodec, VehicleProfile, Verdict,
};
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub const EXAMPLES: &str = "\
With a profile, counters and checksums are checked too: what is wrong with a frame is said behind it.

Examples:
  auriga can decode --profile auriga-sim unix:/tmp/car
  auriga can decode --dbc configs/can/auriga_bench.dbc drive.log
  candump -L can0 | auriga can decode --profile toyota-rav4-tssp -
  auriga can decode --profile auriga-sim drive.log --message STATE";

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    /// A log in candump's format, - for standard input, or a bus: unix:PATH, slcan:DEVICE, socketcan:INTERFACE
    #[arg(value_name = "LOG|BUS")]
    input: String,
    /// The DBC file that says what frames mean
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    dbc: Option<PathBuf>,
    /// The vehicle profile that names the DBC file, and says how messages are protected
    #[arg(long, value_name = "NAME", conflicts_with = "dbc")]
    profile: Option<String>,
    /// Only this message; may be given several times
    #[arg(long, value_name = "NAME")]
    message: Vec<String>,
    /// End after so many frames
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Decodes until the input ends.
pub fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<()> {
    let (database, profile) = match (&arguments.dbc, &arguments.profile) {
        (Some(dbc), _) => (Database::read(&locate(dbc))?, None),
        (None, Some(profile)) => {
            let (profile, database) = read_profile(profile)?;
            (database, Some(profile))
        }
        (None, None) => bail!("--dbc or --profile says what frames mean"),
    };
    if let Some(unknown) = arguments.message.iter().find(|name| database.message_by_name(name).is_none()) {
        bail!("there is no message {unknown}");
    }
    let mut decoder = Decoder::new(database, profile.as_ref(), arguments.message.clone());
    let mut out = std::io::stdout().lock();
    if let Ok(bus) = arguments.input.parse::<Endpoint>() {
        let bus = BusArguments { bus, host: false };
        let limit = Limit { count: arguments.count, seconds: None };
        return listen(&mut *bus.open()?, &bus.interface(), &limit, stop, |line| {
            decoder.write(line, &mut out)?;
            Ok(out.flush()?)
        });
    }
    let mut left = arguments.count.unwrap_or(u64::MAX);
    read_log(&arguments.input, |line| {
        if left > 0 {
            decoder.write(&line, &mut out)?;
        }
        left = left.saturating_sub(1);
        Ok(())
    })?;
    out.flush()?;
    if decoder.unknown > 0 {
        eprintln!("{} frames were of messages that are not in the DBC file", decoder.unknown);
    }
    Ok(())
}

/// Writes what frames mean.
struct Decoder {
    database: Database,
    guards: BTreeMap<CanId, Guard>,
    only: Vec<String>,
    values: Vec<Option<f64>>,
    unknown: u64,
}

impl Decoder {
    fn new(database: Database, profile: Option<&VehicleProfile>, only: Vec<String>) -> Self {
        let guarded = database.messages().iter().filter_map(|message| {
            let protection = profile?.protection(&message.name)?;
            Some((message.id, Guard::new(protection)))
        });
        let guards = guarded.collect();
        let most = database.messages().iter().map(|message| message.signals().len()).max().unwrap_or(0);
        Self { database, guards, only, values: vec![None; most], unknown: 0 }
    }

    fn write(&mut self, line: &LogLine, out: &mut impl Write) -> std::io::Result<()> {
        let frame = &line.frame;
        let Some(message) = self.database.message(frame.id).filter(|_| frame.kind == FrameKind::Data) else {
            self.unknown += 1;
            return Ok(());
        };
        // Judged even when it is not shown: the counter goes on.
        let now =
            LogicalTime::from_nanos(i64::try_from(line.micros).unwrap_or(i64::MAX).saturating_mul(1_000));
        let verdict = self.guards.get_mut(&frame.id).map(|guard| guard.judge(now, frame));
        if !(self.only.is_empty() || self.only.contains(&message.name)) {
            return Ok(());
        }
        let (seconds, micros) = (line.micros / 1_000_000, line.micros % 1_000_000);
        write!(out, "({seconds}.{micros:06}) {} {}", line.interface, message.name)?;
        message.decode_frame(frame, &mut self.values);
        write_signals(message, &self.values, out)?;
        match verdict {
            None | Some(Verdict::Accepted(0)) => {}
            Some(Verdict::Accepted(missing)) => write!(out, "  ! {missing} missing before")?,
            Some(Verdict::Repeated) => write!(out, "  ! repeated")?,
            Some(Verdict::Corrupted) => write!(out, "  ! corrupted")?,
            Some(Verdict::OutOfOrder) => write!(out, "  ! out of order")?,
            Some(Verdict::Contradicted) => write!(out, "  ! contradicts the frame before")?,
            Some(Verdict::OnProbation) => write!(out, "  ! on probation")?,
        }
        writeln!(out)
    }
}

fn write_signals(
    message: &MessageCodec,
    values: &[Option<f64>],
    out: &mut impl Write,
) -> std::io::Result<()> {
    for (signal, value) in message.signals().iter().zip(values) {
        let Some(value) = value else { continue };
        // As many digits as the signal's step has, and not those of binary fractions.
        let shown = shortest(*value, signal.scale());
        write!(out, "  {}={shown}", signal.name)?;
        if !signal.unit.is_empty() {
            write!(out, " {}", signal.unit)?;
        }
        if let Some(choice) = signal.choice(*value) {
            write!(out, " \"{choice}\"")?;
        }
    }
    Ok(())
}

/// With the fewest digits that tell it from the signal's neighbouring values.
fn shortest(value: f64, step: f64) -> String {
    for digits in 0..=12 {
        let text = format!("{value:.digits$}");
        let off = text.parse::<f64>().map_or(f64::INFINITY, |shown| (shown - value).abs());
        if off <= step.abs() * 1e-3 {
            return text;
        }
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn values_have_as_many_digits_as_their_step() {
        assert_eq!(shortest(0.1 + 0.2, 0.1), "0.3");
        assert_eq!(shortest(12.5, 0.005), "12.5");
        assert_eq!(shortest(-0.000_05, 0.000_05), "-0.00005");
        assert_eq!(shortest(7.0, 1.0), "7");
        assert_eq!(shortest(1.0 / 3.0, 0.0), "0.3333333333333333");
    }
}
