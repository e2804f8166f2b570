//! What a recording lacks: messages that were left out because the queue or the disk was full.
//!
//! In the file it is the metadata record `auriga.gaps`: of each topic with a gap, how many messages, and between which
//! instants. It is written whenever a chunk is closed and there is news, so that a file that ends early tells of it too.

use super::TopicInfo;
use auriga_geometry::LogicalTime;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Name of the metadata record.
pub(super) const GAPS: &str = "auriga.gaps";

/// Messages of a topic that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The topic.
    pub topic: String,
    /// How many of its messages were left out.
    pub messages: u64,
    /// The first of them.
    pub first: LogicalTime,
    /// The last of them.
    pub last: LogicalTime,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.as_secs_f64(), self.last.as_secs_f64());
        write!(f, "{} of {} between {first:.3} and {last:.3} s", self.messages, self.topic)
    }
}

pub(super) fn put_gaps(gaps: &[Gap]) -> BTreeMap<String, String> {
    let entry = |gap: &Gap| {
        let Gap { topic, messages, first, last } = gap;
        (topic.clone(), format!("{messages} {} {}", first.as_nanos(), last.as_nanos()))
    };
    gaps.iter().map(entry).collect()
}

/// The gaps of a metadata record; entries that are not ours are skipped.
pub(super) fn parse_gaps(entries: &BTreeMap<String, String>) -> Vec<Gap> {
    let parse = |(topic, text): (&String, &String)| {
        let mut numbers = text.split(' ');
        let messages = numbers.next()?.parse().ok()?;
        let mut instant = || Some(LogicalTime::from_nanos(numbers.next()?.parse().ok()?));
        Some(Gap { topic: topic.clone(), messages, first: instant()?, last: instant()? })
    };
    entries.iter().filter_map(parse).collect()
}

/// What one topic lacks, counted by whoever hands over its messages.
struct Counter {
    messages: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
}

/// Counts what is left out, without a lock and without allocating.
pub(super) struct Counters(Vec<Counter>);

impl Counters {
    /// With what is missing already.
    pub(super) fn new(topics: &[TopicInfo], gaps: &[Gap]) -> Self {
        let counter = |topic: &TopicInfo| {
            let gap = gaps.iter().find(|gap| gap.topic == topic.name);
            let instant =
                |gap: Option<LogicalTime>, none| AtomicI64::new(gap.map_or(none, LogicalTime::as_nanos));
            Counter {
                messages: AtomicU64::new(gap.map_or(0, |gap| gap.messages)),
                first: instant(gap.map(|gap| gap.first), i64::MAX),
                last: instant(gap.map(|gap| gap.last), i64::MIN),
            }
        };
        Self(topics.iter().map(counter).collect())
    }

    pub(super) fn left_out(&self, topic: u16, at: LogicalTime) {
        if let Some(counter) = self.0.get(usize::from(topic)) {
            counter.first.fetch_min(at.as_nanos(), Ordering::Relaxed);
            counter.last.fetch_max(at.as_nanos(), Ordering::Relaxed);
            counter.messages.fetch_add(1, Ordering::Release);
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|counter| counter.messages.load(Ordering::Relaxed)).sum()
    }

    /// By topic, in the order of names.
    pub(super) fn gaps(&self, topics: &[TopicInfo]) -> Vec<Gap> {
        let gap = |(topic, counter): (&TopicInfo, &Counter)| {
            let messages = counter.messages.load(Ordering::Acquire);
            let instant = |at: &AtomicI64| LogicalTime::from_nanos(at.load(Ordering::Relaxed));
            let (first, last) = (instant(&counter.first), instant(&counter.last));
            (messages > 0).then(|| Gap { topic: topic.name.clone(), messages, first, last })
        };
        let mut gaps: Vec<Gap> = topics.iter().zip(&self.0).filter_map(gap).collect();
        gaps.sort_by(|one, other| one.topic.cmp(&other.topic));
        gaps
    }
}
