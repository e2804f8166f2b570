//! Reads DBC text: messages, signals, multiplexing, value names, float types, cycle times. The format as Vector's *DBC File
//! Format Documentation* 1.0.5 has it, and what files in the wild make of it.

mod build;
mod scanner;

use super::codec::MessageCodec;
use super::plan::ByteOrder;
use crate::HalError;
use scanner::{Problem, Scanner};
use std::collections::BTreeMap;

/// A `SG_` line.
#[derive(Debug)]
struct Signal {
    line: usize,
    name: String,
    multiplexing: Multiplexing,
    start: usize,
    length: usize,
    order: ByteOrder,
    signed: bool,
    scale: f64,
    offset: f64,
    range: (f64, f64),
    unit: String,
}

/// `M`, `m3`, `m3M` or nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Multiplexing {
    selects: bool,
    selected: bool,
    by_value: Option<u64>,
}

/// A `BO_` line and its `SG_` lines.
#[derive(Debug)]
struct Message {
    line: usize,
    id: u32,
    name: String,
    length: usize,
    sender: String,
    signals: Vec<Signal>,
}

/// A `SG_MUL_VAL_` entry: the selector's name and ranges.
type Selection = (String, Vec<(u64, u64)>);

/// What the file says, before it is compiled.
#[derive(Debug, Default)]
struct File {
    messages: Vec<Message>,
    /// By message and signal.
    choices: BTreeMap<(u32, String), BTreeMap<i64, String>>,
    floats: BTreeMap<(u32, String), u64>,
    selections: BTreeMap<(u32, String), Selection>,
    periods: BTreeMap<u32, f64>,
}

/// The messages of a DBC text.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<MessageCodec>, HalError> {
    let refused = |problem: Problem| HalError::Configuration {
        file: file.to_owned(),
        problem: format!("line {}: {}", problem.line, problem.text),
    };
    let parsed = read(&mut Scanner::new(text)).map_err(refused)?;
    build::compile(parsed).map_err(refused)
}

fn read(scanner: &mut Scanner<'_>) -> Result<File, Problem> {
    let mut file = File::default();
    while let Some(keyword) = scanner.keyword() {
        match keyword {
            "BO_" => file.messages.push(message(scanner)?),
            "SG_" => {
                let signal = signal(scanner)?;
                match file.messages.last_mut() {
                    Some(message) => message.signals.push(signal),
                    None => return Err(scanner.problem("a signal before the first message")),
                }
            }
            "VAL_" => choices(scanner, &mut file)?,
            "SIG_VALTYPE_" => {
                let key = (scanner.number()?, scanner.word()?.to_owned());
                scanner.optional(':');
                file.floats.insert(key, scanner.number()?);
                scanner.end_of_statement()?;
            }
            "SG_MUL_VAL_" => selection(scanner, &mut file)?,
            "BA_" => attribute(scanner, &mut file)?,
            // Lists of names, over several lines, without an end of their own.
            "NS_" | "BU_" => scanner.skip_indented_lines(),
            "VERSION" | "BS_" => scanner.skip_line(),
            "CM_" | "VAL_TABLE_" | "BA_DEF_" | "BA_DEF_DEF_" | "BO_TX_BU_" | "BA_DEF_REL_" | "BA_REL_"
            | "BA_DEF_DEF_REL_" | "BU_SG_REL_" | "BU_EV_REL_" | "BU_BO_REL_" | "EV_" | "ENVVAR_DATA_"
            | "EV_DATA_" | "SIG_GROUP_" | "SIG_TYPE_REF_" | "SGTYPE_" | "SGTYPE_VAL_" | "BA_DEF_SGTYPE_"
            | "BA_SGTYPE_" | "SIGTYPE_VALTYPE_" | "CAT_DEF_" | "CAT_" | "NS_DESC_" | "FILTER" => {
                scanner.end_of_statement()?;
            }
            other => return Err(scanner.problem(&format!("`{other}` begins no statement of a DBC file"))),
        }
    }
    Ok(file)
}

/// `BO_ id name: length sender`
fn message(scanner: &mut Scanner<'_>) -> Result<Message, Problem> {
    let line = scanner.line();
    let id = scanner.number()?;
    let name = scanner.word()?.to_owned();
    scanner.expect(':')?;
    let length = scanner.number()?;
    let sender = scanner.rest_of_line().trim().to_owned();
    Ok(Message { line, id, name, length, sender, signals: Vec::new() })
}

/// `SG_ name [M|m3|m3M] : start|length@order sign (scale,offset) [least|most] "unit" receivers`
fn signal(scanner: &mut Scanner<'_>) -> Result<Signal, Problem> {
    let line = scanner.line();
    let name = scanner.word()?.to_owned();
    let multiplexing = if scanner.optional(':') {
        Multiplexing::default()
    } else {
        let word = scanner.word()?;
        let multiplexing = multiplexing(word)
            .ok_or_else(|| scanner.problem(&format!("`{word}` is no multiplexing: M, m3 or m3M")))?;
        scanner.expect(':')?;
        multiplexing
    };
    let start = scanner.number()?;
    scanner.expect('|')?;
    let length = scanner.number()?;
    scanner.expect('@')?;
    let order = match scanner.character() {
        Some('0') => ByteOrder::Big,
        Some('1') => ByteOrder::Little,
        _ => return Err(scanner.problem("the byte order must be 0 or 1")),
    };
    let signed = match scanner.character() {
        Some('+') => false,
        Some('-') => true,
        _ => return Err(scanner.problem("the sign must be + or -")),
    };
    scanner.expect('(')?;
    let scale = scanner.float()?;
    scanner.expect(',')?;
    let offset = scanner.float()?;
    scanner.expect(')')?;
    scanner.expect('[')?;
    let least = scanner.float()?;
    scanner.expect('|')?;
    let range = (least, scanner.float()?);
    scanner.expect(']')?;
    let unit = scanner.string()?;
    // Receivers; a list that ends in a comma goes on in the next line.
    while scanner.rest_of_line().trim_end().ends_with(',') {}
    Ok(Signal { line, name, multiplexing, start, length, order, signed, scale, offset, range, unit })
}

fn multiplexing(word: &str) -> Option<Multiplexing> {
    let (rest, selects) = match word.strip_suffix('M') {
        Some(rest) => (rest, true),
        None => (word, false),
    };
    if rest.is_empty() {
        return selects.then_some(Multiplexing { selects, selected: false, by_value: None });
    }
    let digits = rest.strip_prefix('m')?;
    let by_value = if digits.is_empty() { None } else { Some(digits.parse().ok()?) };
    Some(Multiplexing { selects, selected: true, by_value })
}

/// `VAL_ id signal 0 "off" 1 "on" ;`, and the same of an environment variable, which has no number.
fn choices(scanner: &mut Scanner<'_>, file: &mut File) -> Result<(), Problem> {
    let Ok(id) = scanner.number() else { return scanner.end_of_statement() };
    let signal = scanner.word()?.to_owned();
    let mut names = BTreeMap::new();
    while !scanner.optional(';') {
        let value: f64 = scanner.float()?;
        names.insert(value as i64, scanner.string()?);
    }
    file.choices.insert((id, signal), names);
    Ok(())
}

/// `SG_MUL_VAL_ id signal selector 0-0, 4-7;`
fn selection(scanner: &mut Scanner<'_>, file: &mut File) -> Result<(), Problem> {
    let key = (scanner.number()?, scanner.word()?.to_owned());
    let selector = scanner.word()?.to_owned();
    let mut ranges = Vec::new();
    loop {
        let low = scanner.number()?;
        scanner.expect('-')?;
        ranges.push((low, scanner.number()?));
        if !scanner.optional(',') {
            break;
        }
    }
    scanner.end_of_statement()?;
    file.selections.insert(key, (selector, ranges));
    Ok(())
}

/// `BA_ "GenMsgCycleTime" BO_ id milliseconds;`; other attributes do not bear on a codec.
fn attribute(scanner: &mut Scanner<'_>, file: &mut File) -> Result<(), Problem> {
    if scanner.string()? == "GenMsgCycleTime" && scanner.optional_word("BO_") {
        let id = scanner.number()?;
        file.periods.insert(id, scanner.float()?);
    }
    scanner.end_of_statement()
}

#[cfg(test)]
mod tests;
