//! candump's log format (can-utils): `(seconds.micros) interface id#data`, one frame a line.
//!
//! ```
//! use auriga_hal::can::LogLine;
//!
//! let text = "(1436509052.249713) can0 044#2A366C2BBA";
//! let line: LogLine = text.parse().unwrap();
//! assert_eq!((line.micros, line.interface.as_str(), line.frame.len()), (1_436_509_052_249_713, "can0", 5));
//! assert_eq!(line.to_string(), text);
//! ```

use super::frame::{CanFrame, CanId, FrameKind};
use crate::HalError;
use std::fmt;
use std::str::FromStr;

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When, microseconds of the log's own clock.
    pub micros: u64,
    /// The interface's name.
    pub interface: String,
    /// What.
    pub frame: CanFrame,
}

impl FromStr for LogLine {
    type Err = HalError;

    fn from_str(text: &str) -> Result<Self, HalError> {
        parse(text).ok_or_else(|| HalError::Configuration {
            file: "candump log".to_owned(),
            problem: format!("`{text}` is not `(seconds.micros) interface id#data`"),
        })
    }
}

fn parse(text: &str) -> Option<LogLine> {
    let mut parts = text.split_whitespace();
    let time = parts.next()?.strip_prefix('(')?.strip_suffix(')')?;
    let (seconds, fraction) = time.split_once('.')?;
    if fraction.len() != 6 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let micros = seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.parse().ok()?)?;
    let interface = parts.next()?.to_owned();
    let frame = parse_frame(parts.next()?)?;
    // A direction, `R` or `T`, may follow.
    matches!(parts.next(), None | Some("R" | "T")).then_some(LogLine { micros, interface, frame })
}

fn parse_frame(text: &str) -> Option<CanFrame> {
    let (id, rest) = text.split_once('#')?;
    let number = u32::from_str_radix(id, 16).ok()?;
    if id.len() == 8 && number & 0x2000_0000 != 0 {
        let frame = CanFrame::classic(CanId::new(number & 0x1fff_ffff, true)?, &bytes(rest)?)?;
        return Some(CanFrame { kind: FrameKind::Error, ..frame });
    }
    let id = match id.len() {
        3 => CanId::new(number, false)?,
        8 => CanId::new(number, true)?,
        _ => return None,
    };
    if let Some(rest) = rest.strip_prefix('#') {
        let flags = u8::from_str_radix(rest.get(..1)?, 16).ok()?;
        let frame = CanFrame::fd(id, &bytes(rest.get(1..)?)?)?;
        return Some(CanFrame { bit_rate_switch: flags & 1 != 0, ..frame });
    }
    if let Some(length) = rest.strip_prefix(['R', 'r']) {
        return CanFrame::remote(id, if length.is_empty() { 0 } else { length.parse().ok()? });
    }
    CanFrame::classic(id, &bytes(rest)?)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) || hex.len() > 128 {
        return None;
    }
    (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}

impl fmt::Display for LogLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        write!(out, "({seconds}.{micros:06}) {} ", self.interface)?;
        let frame = &self.frame;
        match (frame.kind, frame.id) {
            (FrameKind::Error, id) => write!(out, "{:08X}#", id.number() | 0x2000_0000)?,
            (_, CanId::Standard(id)) => write!(out, "{id:03X}#")?,
            (_, CanId::Extended(id)) => write!(out, "{id:08X}#")?,
        }
        if frame.kind == FrameKind::Remote {
            return if frame.is_empty() { write!(out, "R") } else { write!(out, "R{}", frame.len()) };
        }
        if frame.fd {
            write!(out, "#{}", u8::from(frame.bit_rate_switch))?;
        }
        frame.data().iter().try_for_each(|byte| write!(out, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lines_of_the_manual() {
        for text in [
            "(1436509052.249713) vcan0 044#2A366C2BBA",
            "(1436509052.449847) vcan0 0F6#7ADFE07BD2",
            "(0.000001) can0 18DAF110#",
            "(1.000000) can0 123#R",
            "(1.000000) can0 123#R5",
            "(1.000000) can0 123##1112233445566778899AABBCC",
            "(1.000000) can0 20000040#0000000000000000",
        ] {
            assert_eq!(text.parse::<LogLine>().unwrap().to_string(), text);
        }
        assert_eq!("(1.000000) can0 123#DEAD R".parse::<LogLine>().unwrap().frame.data(), [0xde, 0xad]);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in [
            "",
            "(1.0) can0 123#00",
            "1.000000 can0 123#00",
            "(1.000000) can0",
            "(1.000000) can0 12#00",
            "(1.000000) can0 FFF#00",
            "(1.000000) can0 123#0",
            "(1.000000) can0 123#zz",
            "(1.000000) can0 123#112233445566778899",
            "(1.000000) can0 123#R9",
            "(1.000000) can0 123##0112233445566778899",
            "(99999999999999999999.000000) can0 123#00",
            "(1.000000) can0 123#é0",
        ] {
            assert!(text.parse::<LogLine>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn frames_survive(micros in any::<u64>(), id in 0..0x2000_0000_u32, extended in any::<bool>(), data in prop::collection::vec(any::<u8>(), 0..=8)) {
            let id = CanId::new(if extended { id } else { id & 0x7ff }, extended).unwrap();
            for frame in [CanFrame::classic(id, &data), CanFrame::fd(id, &data), CanFrame::remote(id, data.len())] {
                let line = LogLine { micros, interface: "can1".to_owned(), frame: frame.unwrap() };
                prop_assert_eq!(line.to_string().parse::<LogLine>().unwrap(), line);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<LogLine>();
        }
    }
}
