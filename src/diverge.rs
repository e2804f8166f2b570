//! `auriga diverge`: where two recordings part, and who parted them.

use crate::run::println_line;
use anyhow::{Context, Result};
use auriga_runtime::recording::{Difference, Recording, compare};
use auriga_runtime::trace::{self, TraceRecord};
use auriga_wire::Schema;
use clap::Args;
use std::path::PathBuf;

/// What the command line says of a comparison.
#[derive(Args)]
pub struct Arguments {
    /// A recording.mcap
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Show at most so many fields that differ
    #[arg(long, value_name = "COUNT", default_value_t = 12)]
    fields: usize,
}

/// Compares; true when no message differs.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let (first, second) = (Recording::open(&arguments.first)?, Recording::open(&arguments.second)?);
    for recording in [&first, &second] {
        if let Some(byte) = recording.truncated_at() {
            eprintln!("{}: ends early, at byte {byte}; comparing what is there", recording.path().display());
        }
    }
    let mut differences = compare(&first, &second)?;
    if differences.is_empty() {
        println_line("no message differs");
        return Ok(true);
    }
    // Of those that part at the same instant, the one that the stack writes first; the trace tells of the others.
    let place = |topic: &str| first.topics().iter().position(|known| known.name == topic);
    differences.sort_by_key(|difference| {
        let topic = difference.topic();
        (difference.at(), topic == trace::TOPIC, place(topic))
    });
    describe(&first, &second, &differences[0], arguments.fields)?;
    if differences.len() > 1 {
        println_line("after that");
        for difference in &differences[1..] {
            println_line(&format!("  {difference}"));
        }
    }
    Ok(false)
}

fn describe(first: &Recording, second: &Recording, difference: &Difference, most: usize) -> Result<()> {
    println_line(&format!("first difference\n  {difference}"));
    let Difference::Message { topic, first: (_, sequence), second: (_, other_sequence), byte, .. } =
        difference
    else {
        return Ok(());
    };
    let (mine, others) = (message(first, topic, *sequence)?, message(second, topic, *other_sequence)?);
    if topic != trace::TOPIC {
        describe_maker(first, second, topic, *sequence)?;
    }
    if byte.is_some() {
        let known = first.topics().iter().find(|known| known.name == *topic);
        let known = known.with_context(|| format!("{topic}: not among the topics"))?;
        let schema = Schema::parse(&known.type_name, &known.schema_text)?;
        println_line("  fields");
        for (path, a, b) in schema.differences(&mine, &others, most)? {
            println_line(&format!("    {path}: {a}, then {b}"));
        }
    }
    Ok(())
}

/// The node that made a message, and whether what it saw was the same in both.
fn describe_maker(first: &Recording, second: &Recording, topic: &str, sequence: u32) -> Result<()> {
    let (Some(record), other) = (maker(first, topic, sequence)?, maker(second, topic, sequence)?) else {
        println_line("  made by nobody that the trace knows");
        return Ok(());
    };
    println_line(&format!(
        "  made by {}, released at {}{}",
        record.node,
        seconds(record.release),
        match &other {
            Some(other) if other.release != record.release =>
                format!(", in the second at {}", seconds(other.release)),
            _ => String::new(),
        }
    ));
    for input in &record.inputs {
        let name = &first.topics()[usize::from(input.topic)].name;
        let held = if input.fresh { "fresh" } else { "held" };
        let theirs = other.as_ref().and_then(|other| {
            other.inputs.iter().find(|theirs| {
                second.topics().get(usize::from(theirs.topic)).is_some_and(|topic| topic.name == *name)
            })
        });
        let verdict = match theirs {
            None => "not an input in the second".to_owned(),
            Some(theirs) if theirs.sequence != input.sequence => {
                format!("#{} in the second", theirs.sequence)
            }
            Some(_) if message(first, name, input.sequence)? == message(second, name, input.sequence)? => {
                "the same in both".to_owned()
            }
            Some(_) => "differs too".to_owned(),
        };
        println_line(&format!("    from {name} #{}, {held}: {verdict}", input.sequence));
    }
    Ok(())
}

fn seconds(nanos: i64) -> String {
    format!("{:.6} s", nanos as f64 * 1e-9)
}

/// The record of the release that made a message.
fn maker(recording: &Recording, topic: &str, sequence: u32) -> Result<Option<TraceRecord>> {
    let Some(index) = recording.topics().iter().position(|known| known.name == topic) else {
        return Ok(None);
    };
    let mut messages = recording.messages_of(&[trace::TOPIC])?;
    while let Some(message) = messages.next_message()? {
        let record = message.decode::<TraceRecord>()?;
        let made =
            |output: &trace::OutputRecord| usize::from(output.topic) == index && output.sequence == sequence;
        if record.outputs.iter().any(made) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The bytes of a message; empty where it is not there.
fn message(recording: &Recording, topic: &str, sequence: u32) -> Result<Vec<u8>> {
    let mut messages = recording.messages_of(&[topic])?;
    while let Some(message) = messages.next_message()? {
        if message.sequence == sequence {
            return Ok(message.cdr.to_vec());
        }
    }
    Ok(Vec::new())
}
