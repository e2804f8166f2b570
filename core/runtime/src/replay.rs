//! Replay: a recording takes the place of the sources, and its trace drives the releases and durations.

use crate::executor::{Durations, RecordedStep};
use crate::message::AnyMessage;
use crate::node::NodeError;
use crate::recording::{Recording, RecordingError};
use crate::source::{Source, SourceEmission, SourceOutputs, SourcePayload};
use crate::topic::TopicInfo;
use crate::trace::{self, TraceRecord};
use auriga_geometry::{LogicalDuration, LogicalTime};
use crossbeam_channel::{Receiver, bounded};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the trace of a recording says about the run.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// The duration of every step.
    pub durations: Durations,
    /// The run's last instant; of a recording that was cut off, the last instant that it holds.
    pub end: LogicalTime,
    /// Whether the run came to its end.
    pub complete: bool,
}

/// Reads the trace of a recording.
///
/// # Errors
/// When the recording has no trace or is damaged.
pub fn recorded_run(recording: &Recording) -> Result<RecordedRun, RecordingError> {
    let mut steps = BTreeMap::new();
    let (mut end, mut complete) = (LogicalTime::ZERO, false);
    let mut messages = recording.messages_of(&[trace::TOPIC])?;
    let mut record = TraceRecord::default();
    while let Some(message) = messages.next_message()? {
        message.decode_into(&mut record)?;
        end = end.max(message.publication);
        match record.outcome {
            TraceRecord::END => complete = true,
            TraceRecord::SOURCE | TraceRecord::SKIPPED => {}
            outcome => {
                let at = LogicalTime::from_nanos(record.publication);
                let never = RecordedStep { publication: LogicalTime::MAX, outcome, hung: None };
                let step = steps.entry((record.node.clone(), record.release)).or_insert(never);
                if outcome == TraceRecord::HUNG {
                    step.hung = Some(at);
                } else {
                    (step.publication, step.outcome) = (at, outcome);
                }
            }
        }
    }
    Ok(RecordedRun { durations: Durations::Recorded(steps), end, complete })
}

/// Messages read ahead from the file.
const READ_AHEAD: usize = 64;

struct Recorded {
    output: usize,
    oldest_capture: LogicalTime,
    capture: LogicalTime,
    arrival: LogicalTime,
    message: Arc<dyn AnyMessage>,
}

/// A source that emits what a recording holds on some topics, with the recorded instants.
pub struct RecordedSource {
    messages: Receiver<Result<Recorded, NodeError>>,
    next: Option<Recorded>,
    ended: bool,
}

impl RecordedSource {
    /// Reads `topics` of the recording at `path`, in the order in which the graph's source declares them.
    ///
    /// # Errors
    /// When the file cannot be opened, lacks a topic, or no thread can be started to read it.
    pub fn open(path: &Path, topics: Vec<TopicInfo>) -> Result<Self, RecordingError> {
        let recording = Recording::open(path)?;
        let mut wanted: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        wanted.push(trace::TOPIC);
        recording.messages_of(&wanted)?;
        let (sender, messages) = bounded(READ_AHEAD);
        let path = path.to_owned();
        std::thread::Builder::new()
            .name("replay".to_owned())
            .spawn(move || {
                let mut send = |item| sender.send(item).is_ok();
                if let Err(error) = read(&recording, &topics, &mut send) {
                    send(Err(NodeError::new(error)));
                }
            })
            .map_err(|error| RecordingError::Read { path, problem: error.to_string() })?;
        Ok(Self { messages, next: None, ended: false })
    }
}

/// Sends the messages of `topics` with the captures that their trace records hold; a record follows its messages.
fn read(
    recording: &Recording,
    topics: &[TopicInfo],
    send: &mut dyn FnMut(Result<Recorded, NodeError>) -> bool,
) -> Result<(), RecordingError> {
    let mut wanted: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    wanted.push(trace::TOPIC);
    let mut messages = recording.messages_of(&wanted)?;
    let mut record = TraceRecord::default();
    let mut waiting: Vec<((u16, u32), Recorded)> = Vec::new();
    while let Some(message) = messages.next_message()? {
        if message.topic_name == trace::TOPIC {
            if waiting.is_empty() {
                continue;
            }
            message.decode_into(&mut record)?;
            // Other messages of the same instant may stand before their own record.
            let told = |place: &(u16, u32)| {
                record.outputs.iter().any(|output| (output.topic, output.sequence) == *place)
            };
            for (_, mut found) in waiting.extract_if(.., |(place, _)| told(place)) {
                found.oldest_capture = LogicalTime::from_nanos(record.age_oldest);
                found.capture = LogicalTime::from_nanos(record.age);
                if !send(Ok(found)) {
                    return Ok(()); // the run has ended
                }
            }
            continue;
        }
        let Some(output) = topics.iter().position(|topic| topic.name == message.topic_name) else { continue };
        let decoded = topics[output].decode(message.cdr).map_err(|error| RecordingError::Message {
            topic: message.topic_name.to_owned(),
            sequence: message.sequence,
            problem: error.to_string(),
        })?;
        let at = message.publication;
        let found = Recorded { output, oldest_capture: at, capture: at, arrival: at, message: decoded };
        waiting.push(((message.topic, message.sequence), found));
    }
    Ok(())
}

impl Source for RecordedSource {
    fn period(&self) -> LogicalDuration {
        LogicalDuration::from_millis(10)
    }

    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::LEAST
    }

    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        let until = now + LogicalDuration::LEAST + self.period();
        while !self.ended {
            if self.next.is_none() {
                match self.messages.recv() {
                    Ok(message) => self.next = Some(message?),
                    Err(_) => self.ended = true,
                }
                continue;
            }
            let Some(message) = self.next.take_if(|message| message.arrival < until) else { return Ok(()) };
            outputs.emissions.push(SourceEmission {
                output: message.output,
                oldest_capture: message.oldest_capture,
                capture: message.capture,
                arrival: message.arrival.max(now + LogicalDuration::LEAST),
                payload: SourcePayload::Ready(message.message),
            });
        }
        Ok(())
    }
}
