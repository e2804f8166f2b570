//! From what a DBC file says to codecs.

use super::super::codec::{Kind, MessageCodec, Selector, SignalCodec};
use super::super::frame::CanId;
use super::super::plan::Plan;
use super::scanner::Problem;
use super::{File, Message, Signal};

/// Holds signals that belong to no message.
const NO_MESSAGE: &str = "VECTOR__INDEPENDENT_SIG_MSG";
/// In a DBC, bit 31 marks an identifier of 29 bits.
const EXTENDED: u32 = 0x8000_0000;
/// CAN FD's longest frame.
const BYTES_MOST: usize = 64;

pub(super) fn compile(mut file: File) -> Result<Vec<MessageCodec>, Problem> {
    let messages = std::mem::take(&mut file.messages);
    let real = messages.into_iter().filter(|message| message.name != NO_MESSAGE);
    real.map(|message| compile_message(message, &file)).collect()
}

fn compile_message(message: Message, file: &File) -> Result<MessageCodec, Problem> {
    let refused = |line, text: String| Problem { line, text };
    // Files in the wild leave the mark out where the number alone says that it is a long one.
    let extended = message.id & EXTENDED != 0 || message.id > 0x7ff;
    let id = CanId::new(message.id & !EXTENDED, extended)
        .ok_or_else(|| refused(message.line, format!("identifier {} has more than 29 bits", message.id)))?;
    if message.length > BYTES_MOST {
        return Err(refused(message.line, format!("{} bytes; a CAN frame has at most 64", message.length)));
    }
    let mut signals = Vec::with_capacity(message.signals.len());
    for signal in &message.signals {
        signals.push(compile_signal(signal, &message, file)?);
    }
    let depths = depths(&signals).ok_or_else(|| {
        refused(message.line, format!("message {}: signals select each other in a circle", message.name))
    })?;
    let mut order: Vec<usize> = (0..signals.len()).collect();
    order.sort_by_key(|&index| depths.get(index));
    Ok(MessageCodec {
        multiplexed: signals.iter().any(SignalCodec::is_multiplexed),
        period_ms: file.periods.get(&message.id).copied(),
        name: message.name,
        id,
        length: message.length,
        sender: message.sender,
        signals,
        order,
    })
}

fn compile_signal(signal: &Signal, message: &Message, file: &File) -> Result<SignalCodec, Problem> {
    let refused = |text: String| Problem {
        line: signal.line,
        text: format!("message {}, signal {}: {text}", message.name, signal.name),
    };
    let plan = Plan::new(signal.start, signal.length, signal.order).ok_or_else(|| {
        refused(format!("{}|{}: 1 to 64 bits within 64 bytes", signal.start, signal.length))
    })?;
    if signal.scale == 0.0 {
        return Err(refused("a scale of 0".to_owned()));
    }
    let key = (message.id, signal.name.clone());
    let kind = match (file.floats.get(&key), signal.length) {
        (None | Some(0), _) if signal.signed => Kind::Signed,
        (None | Some(0), _) => Kind::Unsigned,
        (Some(1), 32) => Kind::Float32,
        (Some(2), 64) => Kind::Float64,
        (Some(kind), bits) => return Err(refused(format!("value type {kind} with {bits} bits"))),
    };
    Ok(SignalCodec {
        name: signal.name.clone(),
        unit: signal.unit.clone(),
        choices: file.choices.get(&key).cloned().unwrap_or_default(),
        range: signal.range,
        plan,
        kind,
        bits: signal.length as u32,
        scale: signal.scale,
        offset: signal.offset,
        selector: selector(signal, message, file, &key).map_err(refused)?,
    })
}

/// An extended entry names the selector; else it is the message's only `M`.
fn selector(
    signal: &Signal,
    message: &Message,
    file: &File,
    key: &(u32, String),
) -> Result<Option<Selector>, String> {
    let place = |name: &str| message.signals.iter().position(|candidate| candidate.name == name);
    if let Some((name, ranges)) = file.selections.get(key) {
        let index = place(name).ok_or_else(|| format!("its selector {name} is not in the message"))?;
        return Ok(Some(Selector { index, ranges: ranges.clone() }));
    }
    let Some(value) = signal.multiplexing.by_value.filter(|_| signal.multiplexing.selected) else {
        return Ok(None);
    };
    let mut selectors = message
        .signals
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.multiplexing.selects && !candidate.multiplexing.selected);
    match (selectors.next(), selectors.next()) {
        (Some((index, _)), None) => Ok(Some(Selector { index, ranges: vec![(value, value)] })),
        (None, _) => Err("multiplexed, but no signal of the message selects".to_owned()),
        (Some(_), Some(_)) => Err("two signals select, and no SG_MUL_VAL_ says which".to_owned()),
    }
}

/// How many selectors stand above each signal; `None` for a circle.
fn depths(signals: &[SignalCodec]) -> Option<Vec<usize>> {
    let depth = |start: &SignalCodec| {
        let mut depth = 0;
        let mut next = start.selector.as_ref();
        while let Some(selector) = next {
            depth += 1;
            if depth > signals.len() {
                return None;
            }
            next = signals.get(selector.index)?.selector.as_ref();
        }
        Some(depth)
    };
    signals.iter().map(depth).collect()
}
