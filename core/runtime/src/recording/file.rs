//! The MCAP file being written: header, topics, attachments, chunks, summary.
//!
//! A chunk is put together in memory and appended at once, so that a file that ends early ends in whole chunks and at
//! most one torn one. A chunk is closed by its size and by logical time alone, so that its bounds repeat.
//!
//! Topics with large messages (scans, pictures) have chunks of their own: whoever wants the others need not decompress them.

use super::format::{MAGIC, PutField, RECORD_HEADER, op, put_record, put_text_map};
use super::gaps::{Gap, put_gaps};
use super::storage::Storage;
use super::{Attachment, TopicInfo};
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::collections::BTreeMap;
use std::io;

/// A chunk is closed before a message that would make it larger. A larger message has a chunk of its own.
pub(super) const CHUNK_BYTES_MOST: usize = 4 << 20;
/// A chunk is closed before a message this much later than its first.
pub(super) const CHUNK_SPAN_MOST: LogicalDuration = LogicalDuration::from_millis(1_000);
/// A topic with a message above this is one of the large ones from then on.
pub(super) const LARGE_BYTES: usize = 128 << 10;
const LARGE: usize = 0;
const SMALL: usize = 1;
const ZSTD_LEVEL: i32 = 1;
const MESSAGE_FIELDS: usize = 2 + 4 + 8 + 8;

/// What the summary at the end says of one chunk.
struct ChunkIndex {
    start: u64,
    end: u64,
    offset: u64,
    length: u64,
    message_indexes: Vec<(u16, u64)>,
    message_index_length: u64,
    compressed: u64,
    uncompressed: u64,
}

/// What the summary says of an attachment or a metadata record.
struct PartIndex {
    offset: u64,
    length: u64,
    data_size: u64,
    name: String,
    media_type: String,
}

/// A chunk that is being put together.
struct OpenChunk {
    /// Its records.
    records: Vec<u8>,
    start: LogicalTime,
    end: LogicalTime,
    /// Per topic (instant, offset in the chunk).
    messages: Vec<Vec<(u64, u64)>>,
}

impl OpenChunk {
    fn new(topics: usize) -> Self {
        Self {
            records: Vec::with_capacity(CHUNK_BYTES_MOST),
            start: LogicalTime::ZERO,
            end: LogicalTime::ZERO,
            messages: (0..topics).map(|_| Vec::with_capacity(256)).collect(),
        }
    }

    /// Whether it has to be closed before a record of this size and instant.
    fn is_due(&self, size: usize, publication: LogicalTime) -> bool {
        let full = self.records.len() + size > CHUNK_BYTES_MOST;
        let old = publication.since(self.start) >= CHUNK_SPAN_MOST;
        !self.records.is_empty() && (full || old)
    }

    /// Takes note of a message whose record is about to be appended.
    fn note(&mut self, topic: usize, publication: LogicalTime) {
        if self.records.is_empty() {
            (self.start, self.end) = (publication, publication);
        }
        self.start = self.start.min(publication);
        self.end = self.end.max(publication);
        self.messages[topic].push((nanos(publication), self.records.len() as u64));
    }
}

pub(super) struct RecordingFile<S> {
    storage: S,
    topics: Vec<TopicInfo>,
    /// Bytes appended so far.
    at: u64,
    /// Of everything before the end of the data section.
    crc: crc32fast::Hasher,
    compressor: zstd::bulk::Compressor<'static>,
    /// The open chunks, by [`LARGE`] and [`SMALL`]; they are closed together.
    open: [OpenChunk; 2],
    /// By topic: whether it is one of the large ones.
    is_large: Vec<bool>,
    compressed: Vec<u8>,
    out: Vec<u8>,
    chunks: Vec<ChunkIndex>,
    attachments: Vec<PartIndex>,
    metadata: Vec<PartIndex>,
    /// Messages per topic.
    counts: Vec<u64>,
    span: Option<(LogicalTime, LogicalTime)>,
}

impl<S: Storage> RecordingFile<S> {
    /// Writes everything before the first message.
    pub(super) fn create(
        storage: S,
        topics: Vec<TopicInfo>,
        attachments: &[Attachment],
        metadata: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> io::Result<Self> {
        let mut file = Self {
            storage,
            at: 0,
            crc: crc32fast::Hasher::new(),
            compressor: zstd::bulk::Compressor::new(ZSTD_LEVEL)?,
            open: [OpenChunk::new(topics.len()), OpenChunk::new(topics.len())],
            is_large: vec![false; topics.len()],
            compressed: Vec::new(),
            out: Vec::new(),
            chunks: Vec::new(),
            attachments: Vec::new(),
            metadata: Vec::new(),
            counts: vec![0; topics.len()],
            span: None,
            topics,
        };
        file.out.extend_from_slice(MAGIC);
        put_record(&mut file.out, op::HEADER, |out| {
            out.put_text("ros2");
            out.put_text(concat!("auriga/", env!("CARGO_PKG_VERSION")));
        });
        put_topics(&mut file.out, &file.topics);
        file.append_out()?;
        for attachment in attachments {
            file.attach(attachment)?;
        }
        for (name, entries) in metadata {
            file.put_metadata(name, entries)?;
        }
        file.storage.sync()?;
        Ok(file)
    }

    /// Appends what is in `out`, and clears it.
    fn append_out(&mut self) -> io::Result<()> {
        self.storage.append(&self.out)?;
        self.crc.update(&self.out);
        self.at += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    fn attach(&mut self, attachment: &Attachment) -> io::Result<()> {
        put_record(&mut self.out, op::ATTACHMENT, |out| {
            let start = out.len();
            out.put_u64(0); // logged and created at the run's epoch
            out.put_u64(0);
            out.put_text(&attachment.name);
            out.put_text(&attachment.media_type);
            out.put_u64(attachment.bytes.len() as u64);
            out.extend_from_slice(&attachment.bytes);
            let crc = crc32fast::hash(&out[start..]);
            out.put_u32(crc);
        });
        self.attachments.push(PartIndex {
            offset: self.at,
            length: self.out.len() as u64,
            data_size: attachment.bytes.len() as u64,
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
        });
        self.append_out()
    }

    fn put_metadata(&mut self, name: &str, entries: &BTreeMap<String, String>) -> io::Result<()> {
        put_record(&mut self.out, op::METADATA, |out| {
            out.put_text(name);
            put_text_map(out, entries);
        });
        self.metadata.push(PartIndex {
            offset: self.at,
            length: self.out.len() as u64,
            data_size: 0,
            name: name.to_owned(),
            media_type: String::new(),
        });
        self.append_out()
    }

    /// Adds a message to the open chunk, after closing it where it is full or old enough. `publication` is not negative
    /// and `topic` is one of the topics: the caller has checked.
    pub(super) fn append(
        &mut self,
        topic: u16,
        sequence: u32,
        publication: LogicalTime,
        cdr: &[u8],
    ) -> io::Result<()> {
        let (index, size) = (usize::from(topic), RECORD_HEADER + MESSAGE_FIELDS + cdr.len());
        self.is_large[index] |= cdr.len() > LARGE_BYTES;
        let lane = if self.is_large[index] { LARGE } else { SMALL };
        let is_due =
            |(k, open): (usize, &OpenChunk)| open.is_due(if k == lane { size } else { 0 }, publication);
        if self.open.iter().enumerate().any(is_due) {
            self.close_chunks()?;
        }
        let (first, last) = self.span.unwrap_or((publication, publication));
        self.span = Some((first.min(publication), last.max(publication)));
        self.counts[index] += 1;
        let (chunk, log_time) = (&mut self.open[lane], nanos(publication));
        chunk.note(index, publication);
        put_record(&mut chunk.records, op::MESSAGE, |out| {
            out.put_u16(channel_id(index));
            out.put_u32(sequence);
            out.put_u64(log_time);
            out.put_u64(log_time);
            out.extend_from_slice(cdr);
        });
        Ok(())
    }

    /// Chunks that were closed.
    pub(super) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes appended.
    pub(super) fn bytes(&self) -> u64 {
        self.at
    }

    /// What the storage still takes, where it says.
    pub(super) fn free(&self) -> Option<u64> {
        self.storage.free()
    }

    /// Says what is missing up to here. Told again whenever there is more: the last word counts.
    pub(super) fn tell_gaps(&mut self, gaps: &[Gap]) -> io::Result<()> {
        let entries = put_gaps(gaps);
        self.put_metadata(super::gaps::GAPS, &entries)
    }

    /// Closes both chunks, the large messages' first: a file that ends early holds everything up to some instant, and of what
    /// came after it large messages at most, which the trace does not know.
    pub(super) fn close_chunks(&mut self) -> io::Result<()> {
        for lane in [LARGE, SMALL] {
            if !self.open[lane].records.is_empty() {
                self.close_chunk(lane)?;
            }
        }
        self.storage.sync()
    }

    fn close_chunk(&mut self, lane: usize) -> io::Result<()> {
        let open = &mut self.open[lane];
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(open.records.len()));
        self.compressor.compress_to_buffer(&open.records, &mut self.compressed)?;
        let (start, end) = (nanos(open.start), nanos(open.end));
        let (chunk, compressed) = (&open.records, &self.compressed);
        put_record(&mut self.out, op::CHUNK, |out| {
            out.put_u64(start);
            out.put_u64(end);
            out.put_u64(chunk.len() as u64);
            out.put_u32(crc32fast::hash(chunk));
            out.put_text("zstd");
            out.put_u64(compressed.len() as u64);
            out.extend_from_slice(compressed);
        });
        let length = self.out.len() as u64;
        let mut message_indexes = Vec::new();
        for (topic, messages) in open.messages.iter_mut().enumerate() {
            if messages.is_empty() {
                continue;
            }
            message_indexes.push((channel_id(topic), self.at + self.out.len() as u64));
            put_record(&mut self.out, op::MESSAGE_INDEX, |out| {
                out.put_u16(channel_id(topic));
                out.put_sized(|out| {
                    for &(log_time, offset) in messages.iter() {
                        out.put_u64(log_time);
                        out.put_u64(offset);
                    }
                });
            });
            messages.clear();
        }
        self.chunks.push(ChunkIndex {
            start,
            end,
            offset: self.at,
            length,
            message_indexes,
            message_index_length: self.out.len() as u64 - length,
            compressed: compressed.len() as u64,
            uncompressed: chunk.len() as u64,
        });
        open.records.clear();
        self.append_out()
    }

    /// Writes what is left and the summary. Returns the size of the file.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.close_chunks()?;
        let crc = self.crc.clone().finalize();
        put_record(&mut self.out, op::DATA_END, |out| out.put_u32(crc));
        self.append_out()?;
        let summary_start = self.at;
        let groups = self.put_summary();
        let offsets_start = summary_start + self.out.len() as u64;
        for (group, start, length) in groups {
            put_record(&mut self.out, op::SUMMARY_OFFSET, |out| {
                out.push(group);
                out.put_u64(summary_start + start);
                out.put_u64(length);
            });
        }
        // The checksum is over the summary and the footer up to the checksum itself.
        self.out.push(op::FOOTER);
        self.out.put_u64(8 + 8 + 4);
        self.out.put_u64(summary_start);
        self.out.put_u64(offsets_start);
        let crc = crc32fast::hash(&self.out);
        self.out.put_u32(crc);
        self.out.extend_from_slice(MAGIC);
        self.append_out()?;
        self.storage.sync()?;
        Ok(self.at)
    }

    /// Puts the summary into `out`; returns (operation code, start, length) of its groups, from the summary's start.
    fn put_summary(&mut self) -> Vec<(u8, u64, u64)> {
        let mut groups = Vec::new();
        let mut start = 0;
        let mut out = std::mem::take(&mut self.out);
        let mut close = |group: u8, out: &Vec<u8>| {
            if out.len() > start {
                groups.push((group, start as u64, (out.len() - start) as u64));
                start = out.len();
            }
        };
        put_schemas(&mut out, &self.topics);
        close(op::SCHEMA, &out);
        put_channels(&mut out, &self.topics);
        close(op::CHANNEL, &out);
        self.put_statistics(&mut out);
        close(op::STATISTICS, &out);
        self.chunks.iter().for_each(|chunk| put_chunk_index(&mut out, chunk));
        close(op::CHUNK_INDEX, &out);
        for part in &self.attachments {
            put_record(&mut out, op::ATTACHMENT_INDEX, |out| {
                out.put_u64(part.offset);
                out.put_u64(part.length);
                out.put_u64(0);
                out.put_u64(0);
                out.put_u64(part.data_size);
                out.put_text(&part.name);
                out.put_text(&part.media_type);
            });
        }
        close(op::ATTACHMENT_INDEX, &out);
        for part in &self.metadata {
            put_record(&mut out, op::METADATA_INDEX, |out| {
                out.put_u64(part.offset);
                out.put_u64(part.length);
                out.put_text(&part.name);
            });
        }
        close(op::METADATA_INDEX, &out);
        self.out = out;
        groups
    }

    fn put_statistics(&self, out: &mut Vec<u8>) {
        let (first, last) = self.span.unwrap_or_default();
        put_record(out, op::STATISTICS, |out| {
            out.put_u64(self.counts.iter().sum());
            out.put_u16(schemas(&self.topics).len() as u16);
            out.put_u32(self.topics.len() as u32);
            out.put_u32(self.attachments.len() as u32);
            out.put_u32(self.metadata.len() as u32);
            out.put_u32(self.chunks.len() as u32);
            out.put_u64(nanos(first));
            out.put_u64(nanos(last));
            out.put_sized(|out| {
                for (topic, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                    out.put_u16(channel_id(topic));
                    out.put_u64(count);
                }
            });
        });
    }
}

fn put_chunk_index(out: &mut Vec<u8>, chunk: &ChunkIndex) {
    put_record(out, op::CHUNK_INDEX, |out| {
        out.put_u64(chunk.start);
        out.put_u64(chunk.end);
        out.put_u64(chunk.offset);
        out.put_u64(chunk.length);
        out.put_sized(|out| {
            for &(channel, offset) in &chunk.message_indexes {
                out.put_u16(channel);
                out.put_u64(offset);
            }
        });
        out.put_u64(chunk.message_index_length);
        out.put_text("zstd");
        out.put_u64(chunk.compressed);
        out.put_u64(chunk.uncompressed);
    });
}

/// Zero is a valid channel number, but some readers treat it as "none".
fn channel_id(topic: usize) -> u16 {
    topic as u16 + 1
}

fn nanos(time: LogicalTime) -> u64 {
    time.as_nanos().max(0).unsigned_abs()
}

/// The first topic of each type; a schema's number is its place in this list plus one.
fn schemas(topics: &[TopicInfo]) -> Vec<&TopicInfo> {
    let mut schemas: Vec<&TopicInfo> = Vec::new();
    for topic in topics {
        if !schemas.iter().any(|schema| schema.type_name == topic.type_name) {
            schemas.push(topic);
        }
    }
    schemas
}

fn put_topics(out: &mut Vec<u8>, topics: &[TopicInfo]) {
    put_schemas(out, topics);
    put_channels(out, topics);
}

fn put_schemas(out: &mut Vec<u8>, topics: &[TopicInfo]) {
    for (index, schema) in schemas(topics).iter().enumerate() {
        put_record(out, op::SCHEMA, |out| {
            out.put_u16(index as u16 + 1);
            out.put_text(&schema.type_name);
            out.put_text("ros2msg");
            out.put_text(&schema.schema_text);
        });
    }
}

/// The metadata are those that rosbag2_storage_mcap writes.
fn put_channels(out: &mut Vec<u8>, topics: &[TopicInfo]) {
    let schemas = schemas(topics);
    for (index, topic) in topics.iter().enumerate() {
        let schema =
            schemas.iter().position(|schema| schema.type_name == topic.type_name).unwrap_or_default();
        let metadata = BTreeMap::from([
            ("offered_qos_profiles".to_owned(), String::new()),
            ("topic_type_hash".to_owned(), topic.type_hash.clone()),
        ]);
        put_record(out, op::CHANNEL, |out| {
            out.put_u16(channel_id(index));
            out.put_u16(schema as u16 + 1);
            out.put_text(&topic.name);
            out.put_text("cdr");
            put_text_map(out, &metadata);
        });
    }
}
