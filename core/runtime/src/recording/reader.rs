//! Reading a recording back, chunk by chunk; also one that ends early.

use super::digest::{DigestBuilder, sha256_hex};
use super::format::{Fields, FormatError, MAGIC, RECORD_HEADER, op};
use super::gaps::{GAPS, Gap, parse_gaps};
use super::messages::Messages;
use super::{RecordingError, RecordingSummary, TopicInfo};
use auriga_geometry::LogicalTime;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The metadata record that holds the SHA-256 of each attachment.
pub(super) const ATTACHMENT_HASHES: &str = "auriga.attachments";
/// A chunk that claims more than this is taken for damaged.
const CHUNK_UNCOMPRESSED_MOST: u64 = 1 << 30;
/// Records that are read whole (not chunks, not attachments) are not larger.
const SMALL_RECORD_MOST: u64 = 64 << 20;
const FOOTER_BYTES: u64 = RECORD_HEADER as u64 + 20;

/// A part of the file that holds messages.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) offset: u64,
    length: u64,
    /// One chunk record's content; else message records as they are.
    chunk: bool,
    /// First and last instant, as a chunk's header has them.
    pub(super) span: Option<(LogicalTime, LogicalTime)>,
    /// Channels with messages in it, where message indexes follow it.
    pub(super) channels: Vec<u16>,
}

#[derive(Debug)]
struct AttachmentEntry {
    name: String,
    media_type: String,
    offset: u64,
    length: u64,
}

/// An open recording.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: File,
    bytes: u64,
    topics: Vec<TopicInfo>,
    /// Index of the topic by channel number.
    pub(super) channels: BTreeMap<u16, u16>,
    /// (name, text) by schema number.
    schemas: BTreeMap<u16, (String, String)>,
    attachments: Vec<AttachmentEntry>,
    metadata: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) blocks: Vec<Block>,
    truncated_at: Option<u64>,
}

/// Why the walk over the records ended.
enum Walk {
    Footer,
    /// The file ends, or what follows is no record, at this byte.
    Ends(u64, &'static str),
}

impl Recording {
    /// Opens a recording. One that ends early (a crash, a power cut, a full disk) is opened up to its last whole chunk,
    /// see [`Recording::is_truncated`].
    ///
    /// # Errors
    /// When the file cannot be read, is no MCAP file, or is complete but damaged.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(|error| RecordingError::read(path, &error))?;
        let bytes = file.metadata().map_err(|error| RecordingError::read(path, &error))?.len();
        let mut recording = Self {
            path: path.to_owned(),
            file,
            bytes,
            topics: Vec::new(),
            channels: BTreeMap::new(),
            schemas: BTreeMap::new(),
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
            blocks: Vec::new(),
            truncated_at: None,
        };
        let mut magic = [0; 8];
        recording.read_at(0, &mut magic[..bytes.min(8) as usize])?;
        if &magic != MAGIC {
            return Err(recording.malformed(0, "not an MCAP file; give a recording.mcap"));
        }
        let complete = recording.has_footer()?;
        match recording.walk()? {
            Walk::Footer => {
                if recording.channels.is_empty() {
                    recording.scan_blocks(false)?;
                }
            }
            Walk::Ends(offset, problem) if complete => return Err(recording.malformed(offset, problem)),
            Walk::Ends(offset, _) => {
                recording.truncated_at = Some(offset);
                recording.scan_blocks(true)?;
            }
        }
        Ok(recording)
    }

    /// Whether the file ends early. What is there up to its last whole chunk can be read.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated_at.is_some()
    }

    /// The byte up to which a truncated recording could be read.
    #[must_use]
    pub fn truncated_at(&self) -> Option<u64> {
        self.truncated_at
    }

    /// Size of its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last instant that a chunk's header tells of: quick, and zero where there are no chunks.
    #[must_use]
    pub fn last_instant(&self) -> LogicalTime {
        self.blocks
            .iter()
            .filter_map(|block| block.span)
            .map(|(_, last)| last)
            .max()
            .unwrap_or(LogicalTime::ZERO)
    }

    /// Its topics. A message names its topic by the place in this list.
    #[must_use]
    pub fn topics(&self) -> &[TopicInfo] {
        &self.topics
    }

    /// The metadata record `auriga`; empty where there is none.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        self.metadata.get("auriga").cloned().unwrap_or_default()
    }

    /// What is missing because the queue or the disk was full while it was recorded; empty where nothing is.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.metadata.get(GAPS).map(parse_gaps).unwrap_or_default()
    }

    /// Names and media types of the attachments.
    pub fn attachments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attachments.iter().map(|entry| (entry.name.as_str(), entry.media_type.as_str()))
    }

    /// The content of an attachment; `None` where there is none of that name.
    ///
    /// # Errors
    /// When it cannot be read or does not match its SHA-256.
    pub fn attachment(&self, name: &str) -> Result<Option<Vec<u8>>, RecordingError> {
        let Some(entry) = self.attachments.iter().find(|entry| entry.name == name) else { return Ok(None) };
        let bytes = self.read(entry.offset, entry.length)?;
        let expected = self.metadata.get(ATTACHMENT_HASHES).and_then(|hashes| hashes.get(name));
        if expected.is_some_and(|expected| *expected != sha256_hex(&bytes)) {
            let problem = format!("attachment {name} does not match its SHA-256; record again");
            return Err(self.malformed(entry.offset, &problem));
        }
        Ok(Some(bytes))
    }

    /// All messages, in the order of their instants.
    #[must_use]
    pub fn messages(&self) -> Messages<'_> {
        Messages::of(self)
    }

    /// The messages of some topics, in the order of their instants. Chunks without any are not decompressed.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn messages_of(&self, topics: &[&str]) -> Result<Messages<'_>, RecordingError> {
        let mut wanted = vec![false; self.topics.len()];
        for name in topics {
            let topic = self.topics.iter().position(|topic| topic.name == *name).ok_or_else(|| {
                let known: Vec<&str> = self.topics.iter().map(|topic| topic.name.as_str()).collect();
                RecordingError::NoSuchTopic {
                    path: self.path.clone(),
                    topic: (*name).to_owned(),
                    topics: known.join(", "),
                }
            })?;
            wanted[topic] = true;
        }
        Ok(Messages::of(self).only(wanted))
    }

    /// Counts and digest, from reading all messages.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn summary(&self) -> Result<RecordingSummary, RecordingError> {
        let mut digest = DigestBuilder::new(self.topics.iter().map(|topic| topic.name.as_str()));
        let mut messages = self.messages();
        while let Some(message) = messages.next_message()? {
            digest.add(message.topic, message.publication, message.sequence, message.cdr);
        }
        Ok(RecordingSummary {
            bytes: self.bytes,
            messages: digest.messages(),
            gaps: self.gaps(),
            ended_early: None,
            digest: digest.finish(),
        })
    }

    fn malformed(&self, offset: u64, problem: &str) -> RecordingError {
        RecordingError::Malformed { path: self.path.clone(), offset, problem: problem.to_owned() }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), RecordingError> {
        self.file.read_exact_at(into, offset).map_err(|error| RecordingError::read(&self.path, &error))
    }

    /// Bytes that lie inside the file: the callers have compared with its size.
    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, RecordingError> {
        let mut bytes = vec![0; length as usize];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    fn has_footer(&self) -> Result<bool, RecordingError> {
        let tail = FOOTER_BYTES + MAGIC.len() as u64;
        if self.bytes < tail + MAGIC.len() as u64 {
            return Ok(false);
        }
        let end = self.read(self.bytes - tail, tail)?;
        Ok(end.ends_with(MAGIC) && end[0] == op::FOOTER && end[1..9] == 20_u64.to_le_bytes())
    }

    /// Goes from record to record, over the chunks' contents.
    fn walk(&mut self) -> Result<Walk, RecordingError> {
        let mut offset = MAGIC.len() as u64;
        loop {
            if self.bytes - offset < RECORD_HEADER as u64 {
                return Ok(Walk::Ends(offset, "the file ends in a record's header"));
            }
            let header = self.read(offset, RECORD_HEADER as u64)?;
            let mut fields = Fields::new(&header);
            let (Ok(op), Ok(length)) = (fields.u8(), fields.u64()) else {
                return Ok(Walk::Ends(offset, "the file ends in a record's header"));
            };
            let content = offset + RECORD_HEADER as u64;
            if length > self.bytes - content {
                return Ok(Walk::Ends(offset, "a record is longer than the file; it is damaged"));
            }
            match op {
                op::FOOTER if content + length + MAGIC.len() as u64 == self.bytes => return Ok(Walk::Footer),
                op::FOOTER => return Ok(Walk::Ends(offset, "a footer before the end; the file is damaged")),
                0 => return Ok(Walk::Ends(offset, "no record where one should be; the file is damaged")),
                op::CHUNK => {
                    let span = self.span(content, length)?;
                    self.blocks.push(Block {
                        offset: content,
                        length,
                        chunk: true,
                        span,
                        channels: Vec::new(),
                    });
                }
                op::MESSAGE_INDEX if length >= 2 => {
                    let mut channel = [0; 2];
                    self.read_at(content, &mut channel)?;
                    if let Some(block) = self.blocks.last_mut() {
                        block.channels.push(u16::from_le_bytes(channel));
                    }
                }
                op::MESSAGE => self.add_plain(offset, content + length),
                op::SCHEMA | op::CHANNEL | op::METADATA | op::ATTACHMENT => {
                    if op != op::ATTACHMENT && length > SMALL_RECORD_MOST {
                        return Ok(Walk::Ends(offset, "a record is larger than 64 MiB; it is damaged"));
                    }
                    let bytes = self.read(content, length)?;
                    if let Err(error) = self.keep(op, &bytes, content) {
                        return Ok(Walk::Ends(content + error.at as u64, error.problem));
                    }
                }
                _ => {}
            }
            offset = content + length;
        }
    }

    /// Message records outside chunks are read together as long as they follow each other.
    fn add_plain(&mut self, start: u64, end: u64) {
        match self.blocks.last_mut() {
            Some(Block { offset, length, chunk: false, .. })
                if *offset + *length == start && end - *offset <= SMALL_RECORD_MOST =>
            {
                *length = end - *offset;
            }
            _ => {
                let (offset, length) = (start, end - start);
                self.blocks.push(Block { offset, length, chunk: false, span: None, channels: Vec::new() });
            }
        }
    }

    /// Takes in a record that describes the recording.
    fn keep(&mut self, op: u8, bytes: &[u8], content_offset: u64) -> Result<(), FormatError> {
        let mut fields = Fields::new(bytes);
        match op {
            op::SCHEMA => {
                let id = fields.u16()?;
                let name = fields.text()?.to_owned();
                let _encoding = fields.text()?;
                let text = fields.text()?.to_owned();
                self.schemas.entry(id).or_insert((name, text));
            }
            op::CHANNEL => self.keep_channel(&mut fields)?,
            op::METADATA => {
                let name = fields.text()?.to_owned();
                self.metadata.insert(name, fields.text_map()?);
            }
            _ => {
                let _times = (fields.u64()?, fields.u64()?);
                let (name, media_type) = (fields.text()?.to_owned(), fields.text()?.to_owned());
                let length = fields.u64()?;
                let offset = content_offset + fields.at() as u64;
                let _data = fields.take(length)?;
                let covered = fields.at();
                let crc = fields.u32()?;
                if crc != 0 && crc != crc32fast::hash(&bytes[..covered]) {
                    return Err(FormatError {
                        at: 0,
                        problem: "an attachment's checksum is wrong; it is damaged",
                    });
                }
                self.attachments.push(AttachmentEntry { name, media_type, offset, length });
            }
        }
        Ok(())
    }

    fn keep_channel(&mut self, fields: &mut Fields<'_>) -> Result<(), FormatError> {
        let (id, schema) = (fields.u16()?, fields.u16()?);
        let name = fields.text()?.to_owned();
        if fields.text()? != "cdr" {
            return Err(FormatError {
                at: fields.at(),
                problem: "a topic's messages are not CDR; only rosbag2 recordings can be read",
            });
        }
        let mut metadata = fields.text_map()?;
        if self.channels.contains_key(&id) {
            return Ok(()); // the summary repeats what stands before the first message
        }
        let Ok(index) = u16::try_from(self.topics.len()) else {
            return Err(FormatError { at: 0, problem: "more than 65,536 topics; it is damaged" });
        };
        let (type_name, schema_text) = self.schemas.get(&schema).cloned().unwrap_or_default();
        let type_hash = metadata.remove("topic_type_hash").unwrap_or_default();
        self.topics.push(TopicInfo { name, type_name, schema_text, type_hash });
        self.channels.insert(id, index);
        Ok(())
    }

    /// Reads every block, for topics declared inside chunks. With `recover`, the first damaged block ends the recording.
    fn scan_blocks(&mut self, recover: bool) -> Result<(), RecordingError> {
        let (mut raw, mut records) = (Vec::new(), Vec::new());
        for index in 0..self.blocks.len() {
            let offset = self.blocks[index].offset;
            let scanned = self
                .load(&self.blocks[index], &mut raw, &mut records)
                .and_then(|()| self.scan_records(&records).map_err(|error| self.in_block(offset, &error)));
            match scanned {
                Err(RecordingError::Malformed { .. }) if recover => {
                    self.truncated_at = Some(offset);
                    self.blocks.truncate(index);
                    return Ok(());
                }
                scanned => scanned?,
            }
        }
        Ok(())
    }

    fn scan_records(&mut self, records: &[u8]) -> Result<(), FormatError> {
        let mut fields = Fields::new(records);
        while !fields.is_empty() {
            let (op, bytes) = fields.record()?;
            if matches!(op, op::SCHEMA | op::CHANNEL) {
                self.keep(op, bytes, 0)?;
            }
        }
        Ok(())
    }

    pub(super) fn in_block(&self, offset: u64, error: &FormatError) -> RecordingError {
        self.malformed(offset, &format!("in this block, byte {}: {}", error.at, error.problem))
    }

    /// First and last instant of a chunk, as its header has them; `None` where it has none: what is too short is found out
    /// when it is loaded.
    fn span(&self, offset: u64, length: u64) -> Result<Option<(LogicalTime, LogicalTime)>, RecordingError> {
        if length < 16 {
            return Ok(None);
        }
        let mut times = [0; 16];
        self.read_at(offset, &mut times)?;
        let mut fields = Fields::new(&times);
        let (Ok(first), Ok(last)) = (fields.u64(), fields.u64()) else { return Ok(None) };
        let nanos = |time: u64| LogicalTime::from_nanos(i64::try_from(time).unwrap_or(i64::MAX));
        Ok(Some((nanos(first), nanos(last))))
    }

    /// The records of a block, decompressed and checked against their checksum.
    pub(super) fn load(
        &self,
        block: &Block,
        raw: &mut Vec<u8>,
        records: &mut Vec<u8>,
    ) -> Result<(), RecordingError> {
        let &Block { offset, length, chunk, .. } = block;
        let damaged = |problem: &str| self.malformed(offset, problem);
        let target = if chunk { &mut *raw } else { &mut *records };
        target.resize(length as usize, 0);
        self.read_at(offset, target)?;
        if !chunk {
            return Ok(());
        }
        let mut fields = Fields::new(raw);
        let header = (|| {
            let _times = (fields.u64()?, fields.u64()?);
            let (size, crc) = (fields.u64()?, fields.u32()?);
            let compression = fields.text()?;
            let length = fields.u64()?;
            Ok((size, crc, compression, fields.take(length)?))
        })();
        let (size, crc, compression, content) =
            header.map_err(|error: FormatError| self.in_block(offset, &error))?;
        records.clear();
        match compression {
            "" => records.extend_from_slice(content),
            "zstd" => {
                if size > CHUNK_UNCOMPRESSED_MOST || records.try_reserve(size as usize).is_err() {
                    return Err(damaged("a chunk claims to be larger than 1 GiB; it is damaged"));
                }
                zstd::bulk::Decompressor::new()
                    .and_then(|mut decompressor| decompressor.decompress_to_buffer(content, records))
                    .map_err(|_| damaged("a chunk cannot be decompressed; it is damaged"))?;
            }
            other => {
                let problem = format!("chunks are compressed with {other}; convert the file to zstd");
                return Err(damaged(&problem));
            }
        }
        if records.len() as u64 != size || (crc != 0 && crc32fast::hash(records) != crc) {
            return Err(damaged("a chunk's checksum is wrong; it is damaged"));
        }
        Ok(())
    }
}
