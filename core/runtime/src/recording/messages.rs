//! Messages of a recording one after the other, in the order of their instants.
//!
//! Chunks may overlap in time (scans and pictures have some of their own): those that do are open at the same time, and the
//! earliest message of any of them comes next.

use super::RecordingError;
use super::format::{Fields, FormatError, RECORD_HEADER, op};
use super::reader::Recording;
use auriga_geometry::LogicalTime;
use auriga_wire::Message;

/// As many blocks are open at once. A file with more that overlap is read in the order of the file.
const OPEN_MOST: usize = 16;

/// A message in a recording.
#[derive(Clone, Copy, Debug)]
pub struct RecordedMessage<'a> {
    /// Place of its topic in [`Recording::topics`].
    pub topic: u16,
    /// Its topic's name.
    pub topic_name: &'a str,
    /// Its number within the topic.
    pub sequence: u32,
    /// The instant at which it became visible.
    pub publication: LogicalTime,
    /// The message with its encapsulation header.
    pub cdr: &'a [u8],
}

impl RecordedMessage<'_> {
    /// The message as `M`.
    ///
    /// # Errors
    /// When the bytes are not an `M`.
    pub fn decode<M: Message>(&self) -> Result<M, RecordingError> {
        let mut message = M::default();
        self.decode_into(&mut message)?;
        Ok(message)
    }

    /// Replaces `message`, reusing its buffers.
    ///
    /// # Errors
    /// When the bytes are not an `M`; `message` is then unspecified.
    pub fn decode_into<M: Message>(&self, message: &mut M) -> Result<(), RecordingError> {
        auriga_wire::read_cdr(self.cdr, message).map_err(|error| RecordingError::Message {
            topic: self.topic_name.to_owned(),
            sequence: self.sequence,
            problem: error.to_string(),
        })
    }
}

/// A message's record within a block.
#[derive(Clone, Copy, Debug)]
struct Found {
    topic: u16,
    sequence: u32,
    log_time: i64,
    /// Where the message starts in the block's records, and where it ends.
    cdr: (usize, usize),
}

/// A block that is being read.
struct OpenBlock {
    /// Its place in the file.
    place: usize,
    records: Vec<u8>,
    /// Up to here it has been read.
    at: usize,
    /// The next message.
    head: Option<Found>,
}

/// Messages one after the other; only the chunks of their instant are in memory.
pub struct Messages<'r> {
    recording: &'r Recording,
    wanted: Vec<bool>,
    /// First and last instant of what is wanted.
    window: (LogicalTime, LogicalTime),
    /// Places of the blocks by their first instant, which stands beside.
    order: Vec<(LogicalTime, usize)>,
    /// The next of them to be opened.
    next_block: usize,
    open: Vec<OpenBlock>,
    /// The open block whose message was given out last.
    taken: Option<usize>,
    /// Reused from block to block.
    spare: Vec<Vec<u8>>,
    raw: Vec<u8>,
}

impl<'r> Messages<'r> {
    /// All messages.
    pub(super) fn of(recording: &'r Recording) -> Self {
        let mut latest = LogicalTime::from_nanos(i64::MIN);
        let begins = recording.blocks.iter().enumerate().map(|(place, block)| {
            // What does not say when it begins stays where it is.
            let begins = block.span.map_or(latest, |(first, _)| first);
            latest = latest.max(begins);
            (begins, place)
        });
        let mut order: Vec<(LogicalTime, usize)> = begins.collect();
        order.sort_unstable();
        Self {
            recording,
            wanted: vec![true; recording.topics().len()],
            window: (LogicalTime::from_nanos(i64::MIN), LogicalTime::MAX),
            order,
            next_block: 0,
            open: Vec::new(),
            taken: None,
            spare: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// Only those of some topics, by the topics' places.
    pub(super) fn only(mut self, wanted: Vec<bool>) -> Self {
        self.wanted = wanted;
        self
    }

    /// Only what became visible from one instant to another, both included. Chunks outside are not decompressed.
    #[must_use]
    pub fn within(mut self, from: LogicalTime, to: LogicalTime) -> Self {
        self.window = (from, to);
        self
    }

    /// The next message; `None` at the end. It borrows from the reader: decode or copy it before asking for the next.
    ///
    /// # Errors
    /// When the file is damaged there. The next call goes on with the next chunk.
    pub fn next_message(&mut self) -> Result<Option<RecordedMessage<'_>>, RecordingError> {
        if let Some(k) = self.taken.take() {
            self.advance(k)?;
        }
        loop {
            let earliest = self.open.iter().enumerate().filter_map(|(k, open)| {
                let found = open.head.as_ref()?;
                Some((found.log_time, open.place, k))
            });
            let earliest = earliest.min();
            if let Some(&(begins, place)) = self.order.get(self.next_block)
                && earliest.is_none_or(|(at, ..)| begins.as_nanos() <= at && self.open.len() < OPEN_MOST)
            {
                self.next_block += 1;
                self.open_block(place)?;
                continue;
            }
            let Some((.., k)) = earliest else { return Ok(None) };
            self.taken = Some(k);
            let open = &self.open[k];
            return Ok(open.head.as_ref().map(|found| RecordedMessage {
                topic: found.topic,
                topic_name: &self.recording.topics()[usize::from(found.topic)].name,
                sequence: found.sequence,
                publication: LogicalTime::from_nanos(found.log_time),
                cdr: &open.records[found.cdr.0..found.cdr.1],
            }));
        }
    }

    /// Whether a block may hold what is wanted.
    fn may_hold(&self, place: usize) -> bool {
        let block = &self.recording.blocks[place];
        let in_window =
            block.span.is_none_or(|(first, last)| last >= self.window.0 && first <= self.window.1);
        let is_wanted = |channel: &u16| {
            let topic = self.recording.channels.get(channel);
            topic.is_none_or(|topic| self.wanted[usize::from(*topic)])
        };
        in_window && (block.channels.is_empty() || block.channels.iter().any(is_wanted))
    }

    fn open_block(&mut self, place: usize) -> Result<(), RecordingError> {
        if !self.may_hold(place) {
            return Ok(());
        }
        let mut records = self.spare.pop().unwrap_or_default();
        self.recording.load(&self.recording.blocks[place], &mut self.raw, &mut records)?;
        self.open.push(OpenBlock { place, records, at: 0, head: None });
        self.advance(self.open.len() - 1)
    }

    /// Finds a block's next message; closes the block where there is none.
    fn advance(&mut self, k: usize) -> Result<(), RecordingError> {
        let open = &mut self.open[k];
        let result = loop {
            if open.at == open.records.len() {
                break Ok(None);
            }
            let start = open.at;
            match next_record(open, self.recording, &self.wanted, self.window) {
                Ok(None) => {}
                Ok(found) => break Ok(found),
                Err(error) => break Err(FormatError { at: start + error.at, ..error }),
            }
        };
        let offset = self.recording.blocks[open.place].offset;
        match result {
            Ok(Some(found)) => {
                open.head = Some(found);
                return Ok(());
            }
            Ok(None) => self.spare.push(self.open.swap_remove(k).records),
            Err(error) => {
                self.open.swap_remove(k);
                return Err(self.recording.in_block(offset, &error));
            }
        }
        Ok(())
    }
}

/// Goes over one record; returns it where it is a message that is wanted.
fn next_record(
    open: &mut OpenBlock,
    recording: &Recording,
    wanted: &[bool],
    window: (LogicalTime, LogicalTime),
) -> Result<Option<Found>, FormatError> {
    let mut fields = Fields::new(&open.records[open.at..]);
    let (op, content) = fields.record()?;
    let end = open.at + fields.at();
    open.at = end;
    if op != op::MESSAGE {
        return Ok(None);
    }
    let mut fields = Fields::new(content);
    let (channel, sequence) = (fields.u16()?, fields.u32()?);
    let (log_time, _publish_time) = (fields.u64()?, fields.u64()?);
    let error = |problem| FormatError { at: RECORD_HEADER, problem };
    let topic = *recording
        .channels
        .get(&channel)
        .ok_or_else(|| error("a message of an unknown topic; the file is damaged"))?;
    if !wanted[usize::from(topic)] {
        return Ok(None);
    }
    let log_time =
        i64::try_from(log_time).map_err(|_| error("a message's instant is out of range; damaged"))?;
    let at = LogicalTime::from_nanos(log_time);
    if at < window.0 || at > window.1 {
        return Ok(None);
    }
    Ok(Some(Found { topic, sequence, log_time, cdr: (end - fields.rest().len(), end) }))
}
