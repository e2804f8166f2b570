//! Where two recordings differ.

use super::digest::{DIAGNOSTICS_PREFIX, message_hash};
use super::{Recording, RecordingError};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The first difference between two recordings on one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only one of them has the topic.
    Missing {
        /// The topic.
        topic: String,
        /// Whether it is the second that lacks it.
        in_second: bool,
    },
    /// The topic is of two types.
    Type {
        /// The topic.
        topic: String,
        /// Type in the first.
        first: String,
        /// Type in the second.
        second: String,
    },
    /// One ends where the other goes on.
    Count {
        /// The topic.
        topic: String,
        /// Messages in the first.
        first: u64,
        /// Messages in the second.
        second: u64,
        /// The instant of the first message that is in one of them only.
        at: LogicalTime,
    },
    /// The messages of one number differ.
    Message {
        /// The topic.
        topic: String,
        /// How many messages of the topic stand before it.
        index: u64,
        /// (Publication, sequence) in the first.
        first: (LogicalTime, u32),
        /// (Publication, sequence) in the second.
        second: (LogicalTime, u32),
        /// Offset of the first CDR byte that differs; `None` where only instant or sequence does.
        byte: Option<usize>,
    },
}

impl Difference {
    /// Its topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::Missing { topic, .. }
            | Self::Type { topic, .. }
            | Self::Count { topic, .. }
            | Self::Message { topic, .. } => topic,
        }
    }

    /// The instant at which the recordings part; `None` where they have different topics.
    #[must_use]
    pub fn at(&self) -> Option<LogicalTime> {
        match self {
            Self::Missing { .. } | Self::Type { .. } => None,
            Self::Count { at, .. } => Some(*at),
            Self::Message { first, second, .. } => Some(first.0.min(second.0)),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { topic, in_second } => {
                write!(f, "{topic}: missing in the {} recording", if *in_second { "second" } else { "first" })
            }
            Self::Type { topic, first, second } => write!(f, "{topic}: type {first}, then {second}"),
            Self::Count { topic, first, second, at } => {
                write!(f, "{topic}: {first} messages, then {second}; one goes on at {at}")
            }
            Self::Message { topic, index, first, second, byte } => {
                write!(f, "{topic}: message {index}: ")?;
                if first != second {
                    let ((at, sequence), (other_at, other_sequence)) = (first, second);
                    write!(f, "{at} #{sequence}, then {other_at} #{other_sequence}")?;
                } else {
                    write!(f, "at {}", first.0)?;
                }
                byte.map_or(Ok(()), |byte| write!(f, ": CDR byte {byte} differs"))
            }
        }
    }
}

type Print = (LogicalTime, u32, [u8; 32]);

/// The first difference on each topic, by the topics' names; empty when the recordings are equal.
/// `/auriga/diagnostics/*` and attachments are not compared.
///
/// # Errors
/// When one of them is damaged.
pub fn compare(first: &Recording, second: &Recording) -> Result<Vec<Difference>, RecordingError> {
    let (prints, others) = (fingerprints(first)?, fingerprints(second)?);
    let names: BTreeSet<&String> = prints.keys().chain(others.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        let (Some((type_name, a)), Some((other_type, b))) = (prints.get(name), others.get(name)) else {
            let in_second = !others.contains_key(name);
            differences.push(Difference::Missing { topic: name.clone(), in_second });
            continue;
        };
        if type_name != other_type {
            differences.push(Difference::Type {
                topic: name.clone(),
                first: type_name.clone(),
                second: other_type.clone(),
            });
        } else if let Some(index) = a.iter().zip(b).position(|(a, b)| a != b) {
            let byte = first_byte(&cdr_of(first, name, index)?, &cdr_of(second, name, index)?);
            differences.push(Difference::Message {
                topic: name.clone(),
                index: index as u64,
                first: (a[index].0, a[index].1),
                second: (b[index].0, b[index].1),
                byte,
            });
        } else if a.len() != b.len() {
            let longer = if a.len() > b.len() { a } else { b };
            differences.push(Difference::Count {
                topic: name.clone(),
                first: a.len() as u64,
                second: b.len() as u64,
                at: longer[a.len().min(b.len())].0,
            });
        }
    }
    Ok(differences)
}

/// What a run published on one topic, beside what a recording holds of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicComparison {
    /// The topic.
    pub topic: String,
    /// Messages in the recording.
    pub recorded: u64,
    /// Messages of the run.
    pub published: u64,
    /// Messages with the same number and bytes in both.
    pub same_bytes: u64,
    /// Those of them that became visible at the same instant too.
    pub same_instant: u64,
    /// The instant, in the run, of the first message with other bytes.
    pub first_other: Option<LogicalTime>,
}

impl TopicComparison {
    /// Whether run and recording are equal on this topic: the same messages at the same instants.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.recorded == self.published && self.same_instant == self.recorded
    }
}

/// Compares a run with a recording while it runs.
#[derive(Debug)]
pub struct Comparison {
    /// By the topic's place in the graph.
    topics: BTreeMap<u16, Compared>,
    cdr: Vec<u8>,
}

/// A topic's comparison so far, and instant and hash of each recorded message.
#[derive(Debug)]
struct Compared {
    comparison: TopicComparison,
    recorded: Vec<(LogicalTime, [u8; 32])>,
}

impl Comparison {
    /// With what `recording` holds on `topics` (place in the graph, name).
    ///
    /// # Errors
    /// When the recording is damaged.
    pub fn with(recording: &Recording, topics: &[(u16, &str)]) -> Result<Self, RecordingError> {
        let names: Vec<&str> = topics.iter().map(|(_, name)| *name).collect();
        let entry = |&(place, name): &(u16, &str)| {
            let comparison = TopicComparison { topic: name.to_owned(), ..TopicComparison::default() };
            (place, Compared { comparison, recorded: Vec::new() })
        };
        let mut compared = Self { topics: topics.iter().map(entry).collect(), cdr: Vec::new() };
        let mut messages = recording.messages_of(&names)?;
        while let Some(message) = messages.next_message()? {
            let place = topics.iter().find(|(_, name)| *name == message.topic_name).map(|(place, _)| *place);
            if let Some(topic) = place.and_then(|place| compared.topics.get_mut(&place)) {
                topic.comparison.recorded += 1;
                topic.recorded.push((message.publication, body_hash(message.cdr)));
            }
        }
        Ok(compared)
    }

    /// Takes a message of the run; they come in order.
    pub fn message(&mut self, topic: u16, instant: LogicalTime, message: &dyn AnyMessage) {
        let Some(Compared { comparison, recorded }) = self.topics.get_mut(&topic) else { return };
        self.cdr.clear();
        message.write_cdr(&mut self.cdr);
        let recorded = recorded.get(comparison.published as usize);
        comparison.published += 1;
        match recorded {
            Some((at, hash)) if *hash == body_hash(&self.cdr) => {
                comparison.same_bytes += 1;
                comparison.same_instant += u64::from(*at == instant);
            }
            _ => _ = comparison.first_other.get_or_insert(instant),
        }
    }

    /// What came of it, in the order of the graph.
    #[must_use]
    pub fn finish(self) -> Vec<TopicComparison> {
        self.topics.into_values().map(|topic| topic.comparison).collect()
    }
}

fn body_hash(cdr: &[u8]) -> [u8; 32] {
    message_hash(LogicalTime::ZERO, 0, cdr)
}

/// Type and messages by topic.
fn fingerprints(recording: &Recording) -> Result<BTreeMap<String, (String, Vec<Print>)>, RecordingError> {
    let mut prints: Vec<Vec<Print>> = recording.topics().iter().map(|_| Vec::new()).collect();
    let mut messages = recording.messages();
    while let Some(message) = messages.next_message()? {
        if !message.topic_name.starts_with(DIAGNOSTICS_PREFIX) {
            let hash = message_hash(message.publication, message.sequence, message.cdr);
            prints[usize::from(message.topic)].push((message.publication, message.sequence, hash));
        }
    }
    let topics = recording.topics().iter().zip(prints);
    Ok(topics
        .filter(|(topic, _)| !topic.name.starts_with(DIAGNOSTICS_PREFIX))
        .map(|(topic, prints)| (topic.name.clone(), (topic.type_name.clone(), prints)))
        .collect())
}

fn cdr_of(recording: &Recording, topic: &str, index: usize) -> Result<Vec<u8>, RecordingError> {
    let mut messages = recording.messages_of(&[topic])?;
    for _ in 0..index {
        messages.next_message()?;
    }
    Ok(messages.next_message()?.map(|message| message.cdr.to_vec()).unwrap_or_default())
}

fn first_byte(a: &[u8], b: &[u8]) -> Option<usize> {
    let common = a.iter().zip(b).position(|(a, b)| a != b);
    common.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))
}
