//! CAN over a serial line: the ASCII protocol of Lawicel's CAN232, which many USB adapters speak ("slcan").

use super::bus::{BusFault, CanBus, fault, system, wait};
use super::frame::{CanFrame, CanId, FrameKind};
use crate::HalError;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest line: an extended frame of 8 bytes with a time stamp.
const LINE_MOST: usize = 1 + 8 + 1 + 16 + 4;
/// As many frames are kept when they come faster than they are taken.
const WAITING_MOST: usize = 1024;

/// The bit rates that the protocol has, as `S0` to `S8`, kbit/s.
const RATES_KBIT: [u32; 9] = [10, 20, 50, 100, 125, 250, 500, 800, 1000];

/// A serial adapter.
#[derive(Debug)]
pub struct SlcanBus {
    name: String,
    path: PathBuf,
    rate: usize,
    line: OwnedFd,
    reader: LineReader,
}

impl SlcanBus {
    /// Opens an adapter and its channel.
    ///
    /// # Errors
    /// No such device, or a bit rate that the protocol does not have.
    pub fn open(path: &Path, rate_kbit: u32) -> Result<Self, HalError> {
        let name = format!("slcan:{}", path.display());
        let rate = RATES_KBIT.iter().position(|&rate| rate == rate_kbit).ok_or_else(|| {
            let problem = format!("{rate_kbit} kbit/s: slcan has {RATES_KBIT:?}");
            fault(&name, BusFault::Unsuitable, problem)
        })?;
        let line = open(path).map_err(|error| system(&name, error))?;
        let mut bus = Self { name, path: path.to_path_buf(), rate, line, reader: LineReader::default() };
        bus.start()?;
        Ok(bus)
    }

    /// Closes a channel that was left open, sets the rate and opens it.
    fn start(&mut self) -> Result<(), HalError> {
        let commands = format!("C\rS{}\rO\r", self.rate);
        self.write(commands.as_bytes())
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), HalError> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.line, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(system(&self.name, error)),
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let line = rustix::fs::open(path, flags, Mode::empty())?;
    let mut settings = rustix::termios::tcgetattr(&line)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&line, rustix::termios::OptionalActions::Flush, &settings)?;
    Ok(line)
}

impl CanBus for SlcanBus {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, frame: &CanFrame) -> Result<(), HalError> {
        let Some(text) = to_line(frame) else {
            return Err(fault(
                &self.name,
                BusFault::Unsuitable,
                "slcan carries classic data and remote frames",
            ));
        };
        self.write(text.as_bytes())
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<CanFrame>, HalError> {
        let mut waited = false;
        loop {
            match self.reader.next() {
                Some(Line::Frame(frame)) => return Ok(Some(frame)),
                Some(Line::Answer) => continue,
                Some(Line::Refused) => {
                    return Err(fault(
                        &self.name,
                        BusFault::Full,
                        "the adapter refused a command or a frame",
                    ));
                }
                Some(Line::Status(flags)) if flags & STATUS_BUS_ERROR != 0 => {
                    return Err(fault(&self.name, BusFault::BusOff, format!("status {flags:#04x}")));
                }
                Some(Line::Status(_)) => continue,
                Some(Line::Malformed) => {
                    return Err(fault(&self.name, BusFault::Malformed, "a line that is no slcan"));
                }
                None => {}
            }
            let mut buffer = [0; 512];
            match rustix::io::read(&self.line, &mut buffer) {
                Ok(0) => return Err(fault(&self.name, BusFault::Unplugged, "the serial line has ended")),
                Ok(read) => self.reader.push(buffer.get(..read).unwrap_or_default()),
                Err(Errno::AGAIN | Errno::INTR) if waited => return Ok(None),
                Err(Errno::AGAIN | Errno::INTR) => {
                    let mut polled = [PollFd::new(&self.line, PollFlags::IN)];
                    waited = true;
                    if !wait(&self.name, &mut polled, timeout)? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(system(&self.name, error)),
            }
        }
    }

    fn recover(&mut self) -> Result<(), HalError> {
        self.line = open(&self.path).map_err(|error| system(&self.name, error))?;
        self.reader = LineReader::default();
        self.start()
    }
}

/// Bit 7 of the adapter's status flags (CAN232 manual, command F).
const STATUS_BUS_ERROR: u8 = 0x80;

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Frame(CanFrame),
    /// Done.
    Answer,
    /// BEL: not done.
    Refused,
    Status(u8),
    Malformed,
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct LineReader {
    line: Vec<u8>,
    /// The line is too long; what is left of it is thrown away.
    overlong: bool,
    waiting: VecDeque<Line>,
}

impl LineReader {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\r' => {
                    let line = if self.overlong { Line::Malformed } else { parse(&self.line) };
                    self.line.clear();
                    self.overlong = false;
                    self.keep(line);
                }
                7 => {
                    self.line.clear();
                    self.keep(Line::Refused);
                }
                _ if self.line.len() >= LINE_MOST => self.overlong = true,
                _ => self.line.push(byte),
            }
        }
    }

    /// The oldest goes when there is no room.
    fn keep(&mut self, line: Line) {
        if self.waiting.len() >= WAITING_MOST {
            self.waiting.pop_front();
        }
        self.waiting.push_back(line);
    }

    fn next(&mut self) -> Option<Line> {
        self.waiting.pop_front()
    }
}

fn parse(line: &[u8]) -> Line {
    match line.split_first() {
        None => Line::Answer,
        Some((b't' | b'T' | b'r' | b'R', _)) => parse_frame(line).map_or(Line::Malformed, Line::Frame),
        // `z` and `Z` acknowledge a frame; serial number and version are not asked for, but may be answered.
        Some((b'z' | b'Z' | b'V' | b'N', _)) => Line::Answer,
        // Another end that is no adapter either: it opens its channel.
        Some((b'C' | b'O' | b'S', _)) => Line::Answer,
        Some((b'F', digits)) => hex(digits).map_or(Line::Malformed, |flags| Line::Status(flags as u8)),
        Some(_) => Line::Malformed,
    }
}

/// `tiiildd…` standard, `Tiiiiiiiildd…` extended, `r` and `R` remote; 4 digits of time may follow.
fn parse_frame(line: &[u8]) -> Option<CanFrame> {
    let (kind, rest) = line.split_first()?;
    let extended = kind.is_ascii_uppercase();
    let digits = if extended { 8 } else { 3 };
    let id = CanId::new(hex(rest.get(..digits)?)?, extended)?;
    let length = usize::try_from(hex(rest.get(digits..digits + 1)?)?).ok()?;
    let rest = rest.get(digits + 1..)?;
    if kind.eq_ignore_ascii_case(&b'r') {
        return if rest.is_empty() || rest.len() == 4 { CanFrame::remote(id, length) } else { None };
    }
    let (text, time) = (rest.get(..2 * length)?, rest.get(2 * length..)?);
    if length > 8 || !(time.is_empty() || time.len() == 4 && hex(time).is_some()) {
        return None;
    }
    let mut data = [0; 8];
    for (byte, pair) in data.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::try_from(hex(pair)?).ok()?;
    }
    CanFrame::classic(id, data.get(..length)?)
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// `None` for what the protocol has not.
fn to_line(frame: &CanFrame) -> Option<String> {
    let remote = match frame.kind {
        FrameKind::Data => false,
        FrameKind::Remote => true,
        FrameKind::Error => return None,
    };
    if frame.fd {
        return None;
    }
    let mut line = match (frame.id, remote) {
        (CanId::Standard(id), false) => format!("t{id:03X}"),
        (CanId::Standard(id), true) => format!("r{id:03X}"),
        (CanId::Extended(id), false) => format!("T{id:08X}"),
        (CanId::Extended(id), true) => format!("R{id:08X}"),
    };
    line.push_str(&format!("{}", frame.len()));
    if !remote {
        for byte in frame.data() {
            line.push_str(&format!("{byte:02X}"));
        }
    }
    line.push('\r');
    Some(line)
}

#[cfg(test)]
#[path = "slcan/tests.rs"]
mod tests;
