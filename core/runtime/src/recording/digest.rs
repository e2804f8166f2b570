//! The digest of a recording: the same for two runs exactly when they published the same bytes at the same instants.

use auriga_geometry::LogicalTime;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Topics below this name hold measurements of the wall clock and are in no digest.
pub const DIAGNOSTICS_PREFIX: &str = "/auriga/diagnostics/";

/// SHA-256 over the topics in the order of their names; of each its name, its number of messages, and SHA-256 over
/// (publication instant, sequence number, length, CDR bytes) of its messages in order. Numbers are little endian.
/// `/auriga/diagnostics/*` and attachments are left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// SHA-256 of bytes as lower-case hexadecimal text.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Digest(Sha256::digest(bytes).into()).to_string()
}

/// SHA-256 of one message's instant, number and bytes.
pub(super) fn message_hash(publication: LogicalTime, sequence: u32, cdr: &[u8]) -> [u8; 32] {
    let mut topic = TopicDigest::default();
    topic.add(publication, sequence, cdr);
    topic.hash.finalize().into()
}

#[derive(Clone, Default)]
struct TopicDigest {
    hash: Sha256,
    messages: u64,
}

impl TopicDigest {
    fn add(&mut self, publication: LogicalTime, sequence: u32, cdr: &[u8]) {
        self.hash.update(publication.as_nanos().to_le_bytes());
        self.hash.update(sequence.to_le_bytes());
        self.hash.update((cdr.len() as u64).to_le_bytes());
        self.hash.update(cdr);
        self.messages += 1;
    }
}

/// Builds a [`Digest`] message by message. Topics are known by their index.
pub(super) struct DigestBuilder {
    topics: Vec<(String, TopicDigest)>,
}

impl DigestBuilder {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self { topics: names.map(|name| (name.to_owned(), TopicDigest::default())).collect() }
    }

    /// Adds a message; an index that was not announced is a program error.
    pub(super) fn add(&mut self, topic: u16, publication: LogicalTime, sequence: u32, cdr: &[u8]) {
        let (name, digest) = &mut self.topics[usize::from(topic)];
        if name.starts_with(DIAGNOSTICS_PREFIX) {
            digest.messages += 1; // counted, not hashed
        } else {
            digest.add(publication, sequence, cdr);
        }
    }

    pub(super) fn messages(&self) -> Vec<(String, u64)> {
        self.topics.iter().map(|(name, topic)| (name.clone(), topic.messages)).collect()
    }

    pub(super) fn finish(mut self) -> Digest {
        self.topics.retain(|(name, _)| !name.starts_with(DIAGNOSTICS_PREFIX));
        self.topics.sort_by(|a, b| a.0.cmp(&b.0));
        let mut all = Sha256::new();
        for (name, topic) in self.topics {
            all.update((name.len() as u64).to_le_bytes());
            all.update(name.as_bytes());
            all.update(topic.messages.to_le_bytes());
            all.update(topic.hash.finalize());
        }
        Digest(all.finalize().into())
    }
}
