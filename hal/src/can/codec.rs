//! Messages and signals, ready to be read from frames and written into them.

use super::frame::{CanFrame, CanId};
use super::plan::Plan;
use crate::HalError;
use std::collections::BTreeMap;

/// How a signal's bits are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unsigned,
    Signed,
    Float32,
    Float64,
}

/// When a multiplexed signal is in the frame: while its selector's raw value lies in one of the ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    /// The selecting signal's place in the message.
    pub index: usize,
    /// Inclusive.
    pub ranges: Vec<(u64, u64)>,
}

/// One signal of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalCodec {
    /// Its name in the DBC file.
    pub name: String,
    /// Its unit, in the file's words.
    pub unit: String,
    /// Names of raw values (`VAL_`).
    pub choices: BTreeMap<i64, String>,
    /// The file's range, physical; often 0 to 0, and never enforced.
    pub range: (f64, f64),
    pub(crate) plan: Plan,
    pub(crate) kind: Kind,
    pub(crate) bits: u32,
    pub(crate) scale: f64,
    pub(crate) offset: f64,
    pub(crate) selector: Option<Selector>,
}

/// From here on a raw value times a scale may need more than the 53 bits of an `f64`'s significand.
const BITS_EXACT: u32 = 40;

impl SignalCodec {
    /// Physical value = raw · scale + offset.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// See [`SignalCodec::scale`].
    #[must_use]
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Only in some of the message's frames.
    #[must_use]
    pub fn is_multiplexed(&self) -> bool {
        self.selector.is_some()
    }

    /// The name of a physical value, if the file names it.
    #[must_use]
    pub fn choice(&self, value: f64) -> Option<&str> {
        let raw = ((value - self.offset) / self.scale).round_ties_even();
        self.choices.get(&(raw as i64)).map(String::as_str)
    }

    fn signed(&self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        (raw << unused) as i64 >> unused
    }

    #[inline]
    fn physical(&self, raw: u64) -> f64 {
        match self.kind {
            Kind::Float32 => f64::from(f32::from_bits(raw as u32)) * self.scale + self.offset,
            Kind::Float64 => f64::from_bits(raw) * self.scale + self.offset,
            _ if self.bits > BITS_EXACT => self.physical_long(raw),
            Kind::Unsigned => raw as f64 * self.scale + self.offset,
            Kind::Signed => self.signed(raw) as f64 * self.scale + self.offset,
        }
    }

    /// Whole numbers are reckoned exactly and rounded once.
    fn physical_long(&self, raw: u64) -> f64 {
        let whole = |number: f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        let raw = if self.kind == Kind::Signed { i128::from(self.signed(raw)) } else { i128::from(raw) };
        if whole(self.scale) && whole(self.offset) {
            (raw * self.scale as i128 + self.offset as i128) as f64
        } else {
            raw as f64 * self.scale + self.offset
        }
    }

    /// The bits for a physical value, rounded to the nearest step, halves to even.
    fn raw(&self, value: f64) -> Result<u64, &'static str> {
        if value.is_nan() && matches!(self.kind, Kind::Unsigned | Kind::Signed) {
            return Err("not a number");
        }
        let steps = (value - self.offset) / self.scale;
        // 2^bits, exactly.
        let span = if self.bits == 64 { 18_446_744_073_709_551_616.0 } else { (1_u64 << self.bits) as f64 };
        let (low, high) = match self.kind {
            Kind::Float32 => return Ok(u64::from((steps as f32).to_bits())),
            Kind::Float64 => return Ok(steps.to_bits()),
            Kind::Unsigned => (0.0, span),
            Kind::Signed => (-0.5 * span, 0.5 * span),
        };
        let steps = steps.round_ties_even();
        if steps < low || steps >= high {
            return Err("does not fit into the signal's bits");
        }
        Ok(if self.kind == Kind::Signed { steps as i64 as u64 } else { steps as u64 })
    }
}

/// One message: its signals, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageCodec {
    /// Its name in the DBC file.
    pub name: String,
    /// Its identifier.
    pub id: CanId,
    /// Bytes of data.
    pub length: usize,
    /// Who sends it, in the file's words.
    pub sender: String,
    /// The period at which it is sent, ms (`GenMsgCycleTime`), if the file says so.
    pub period_ms: Option<f64>,
    pub(crate) signals: Vec<SignalCodec>,
    /// Selectors before what they select.
    pub(crate) order: Vec<usize>,
    pub(crate) multiplexed: bool,
}

impl MessageCodec {
    /// Its signals, in the file's order: that of the values.
    #[must_use]
    pub fn signals(&self) -> &[SignalCodec] {
        &self.signals
    }

    /// The place of a signal among the values.
    #[must_use]
    pub fn index_of(&self, signal: &str) -> Option<usize> {
        self.signals.iter().position(|candidate| candidate.name == signal)
    }

    /// Physical values by signal; `None` where the data is too short, or the signal is not in this frame (multiplexing).
    ///
    /// Writes as many as `values` has room for. More than 64 bytes of data are not looked at.
    pub fn decode(&self, data: &[u8], values: &mut [Option<f64>]) {
        let mut padded = [0; 64];
        let length = data.len().min(64);
        padded[..length].copy_from_slice(&data[..length]);
        self.decode_padded(&padded, length, values);
    }

    /// As [`MessageCodec::decode`], without a copy.
    pub fn decode_frame(&self, frame: &CanFrame, values: &mut [Option<f64>]) {
        self.decode_padded(frame.padded(), frame.len(), values);
    }

    fn decode_padded(&self, data: &[u8; 64], length: usize, values: &mut [Option<f64>]) {
        for (index, (signal, value)) in self.signals.iter().zip(values).enumerate() {
            let here =
                signal.plan.fits(length) && (!self.multiplexed || self.is_selected(index, data, length));
            *value = if here { Some(signal.physical(signal.plan.load(data))) } else { None };
        }
    }

    /// One signal's physical value.
    #[must_use]
    pub fn decode_signal(&self, index: usize, data: &[u8]) -> Option<f64> {
        let mut padded = [0; 64];
        let length = data.len().min(64);
        padded[..length].copy_from_slice(&data[..length]);
        let signal = self.signals.get(index)?;
        let here = signal.plan.fits(length) && self.is_selected(index, &padded, length);
        here.then(|| signal.physical(signal.plan.load(&padded)))
    }

    /// Up the chain of selectors (extended multiplexing); it has no circle.
    fn is_selected(&self, index: usize, data: &[u8; 64], length: usize) -> bool {
        let mut next = self.signals.get(index);
        while let Some(selector) = next.and_then(|signal| signal.selector.as_ref()) {
            let Some(by) = self.signals.get(selector.index).filter(|by| by.plan.fits(length)) else {
                return false;
            };
            let raw = by.plan.load(data);
            if !selector.ranges.iter().any(|&(low, high)| (low..=high).contains(&raw)) {
                return false;
            }
            next = Some(by);
        }
        true
    }

    /// Writes physical values, in the signals' order, into data. `None` leaves the bits as they are, and so does a signal
    /// that the selectors do not select; so do bits of no signal.
    ///
    /// # Errors
    /// Data shorter than a signal needs, a value that its bits cannot hold, or NaN. Data may then be changed in part.
    pub fn encode(&self, values: &[Option<f64>], data: &mut [u8]) -> Result<(), HalError> {
        let length = data.len().min(64);
        let mut padded = [0; 64];
        padded[..length].copy_from_slice(&data[..length]);
        for &index in &self.order {
            let (Some(signal), Some(&Some(value))) = (self.signals.get(index), values.get(index)) else {
                continue;
            };
            if self.multiplexed && !self.is_selected(index, &padded, length) {
                continue;
            }
            if !signal.plan.fits(length) {
                return Err(self.refused(signal, value, "the frame is too short for it"));
            }
            let raw = signal.raw(value).map_err(|problem| self.refused(signal, value, problem))?;
            signal.plan.store(&mut padded, raw);
        }
        data[..length].copy_from_slice(&padded[..length]);
        Ok(())
    }

    #[cold]
    fn refused(&self, signal: &SignalCodec, value: f64, problem: &'static str) -> HalError {
        HalError::Signal { message: self.name.clone(), signal: signal.name.clone(), value, problem }
    }
}
