//! An MCAP file as somebody else's recorder wrote it (MCAP specification, mcap.dev/spec, version 0): chunks or none,
//! compressed with zstd, lz4 or not, with or without a summary, complete or cut short.
//!
//! The summary is not used: a file without one, or with a wrong one, is read the same way.

use super::bag::{Entry, Index, Topic};
use super::malformed;
use crate::HalError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub(super) const MAGIC: &[u8; 8] = b"\x89MCAP0\r\n";
const RECORD_HEADER: u64 = 9;
/// A chunk that claims more than this is taken for damaged.
const CHUNK_MOST: u64 = 1 << 30;
/// Records that are read whole, and messages outside chunks, are not larger.
const RECORD_MOST: u64 = 256 << 20;
/// Decompressed chunks that are kept: messages are taken in the order of their capture, which is not that of the file.
const CHUNKS_KEPT: usize = 4;

mod op {
    pub const FOOTER: u8 = 0x02;
    pub const SCHEMA: u8 = 0x03;
    pub const CHANNEL: u8 = 0x04;
    pub const MESSAGE: u8 = 0x05;
    pub const CHUNK: u8 = 0x06;
    pub const DATA_END: u8 = 0x0f;
}

/// A file whose messages can be fetched one by one.
#[derive(Debug)]
pub(super) struct McapFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Where chunks lie: offset and length of the record's content.
    chunks: Vec<(u64, u64)>,
    kept: Vec<(u32, Vec<u8>)>,
    single: Vec<u8>,
}

/// An [`Entry`]'s place when its message is in no chunk.
const NO_CHUNK: u32 = u32::MAX;

/// Reads a record's fields one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let Some((taken, left)) = self.0.split_at_checked(count) else {
            return Err("a field is longer than its record".to_owned());
        };
        self.0 = left;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        let little_endian = self.take(bytes)?;
        Ok(little_endian.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.number(4)?;
        std::str::from_utf8(self.take(length as usize)?).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// The next record: its operation code and its content.
    fn record(&mut self) -> Result<(u8, &'a [u8]), String> {
        let op = self.number(1)? as u8;
        let length = usize::try_from(self.number(8)?).unwrap_or(usize::MAX);
        Ok((op, self.take(length)?))
    }
}

/// What is known of schemas and channels while the file is gone through.
#[derive(Default)]
struct Names {
    /// (type name, encoding) by schema number.
    schemas: BTreeMap<u16, (String, String)>,
    /// Place in the bag's topics by channel number.
    channels: BTreeMap<u16, u16>,
}

impl Names {
    fn schema(&mut self, record: &[u8]) -> Result<(), String> {
        let mut fields = Fields(record);
        let id = fields.number(2)? as u16;
        let (name, encoding) = (fields.text()?.to_owned(), fields.text()?.to_owned());
        self.schemas.insert(id, (name, encoding));
        Ok(())
    }

    fn channel(&mut self, record: &[u8], index: &mut Index) -> Result<(), String> {
        let mut fields = Fields(record);
        let (id, schema) = (fields.number(2)? as u16, fields.number(2)? as u16);
        let (name, encoding) = (fields.text()?, fields.text()?);
        let none = (String::new(), String::new());
        let (type_name, schema_encoding) = self.schemas.get(&schema).unwrap_or(&none);
        let unreadable = match (encoding, schema_encoding.as_str()) {
            ("ros1", _) | (_, "ros1msg") => Some(
                "holds messages of ROS 1; convert the recording to ROS 2, for instance with rosbags-convert (PyPI rosbags)"
                    .to_owned(),
            ),
            ("cdr", _) => None,
            (other, _) => Some(format!("holds messages in the encoding {other:?}; only CDR (rosbag2) can be read")),
        };
        let topic = Topic {
            name: name.to_owned(),
            type_name: type_name.clone(),
            type_hash: hash(&mut fields)?,
            unreadable,
        };
        self.channels.insert(id, index.topic(topic)?);
        Ok(())
    }

    /// A message's record: where it belongs, and where its bytes start in the record.
    fn message(&self, record: &[u8]) -> Result<(u16, i64, usize), String> {
        let mut fields = Fields(record);
        let channel = fields.number(2)? as u16;
        let _sequence = fields.number(4)?;
        let log_time =
            i64::try_from(fields.number(8)?).map_err(|_| "a message's instant is out of range".to_owned())?;
        let _publish_time = fields.number(8)?;
        let topic = self.channels.get(&channel).ok_or("a message of an unknown channel")?;
        Ok((*topic, log_time, record.len() - fields.0.len()))
    }
}

/// The type's hash that rosbag2 keeps beside a channel; empty where there is none.
fn hash(fields: &mut Fields<'_>) -> Result<String, String> {
    let length = fields.number(4)?;
    let mut map = Fields(fields.take(length as usize)?);
    while !map.0.is_empty() {
        let (key, value) = (map.text()?, map.text()?);
        if key == "topic_type_hash" {
            return Ok(value.to_owned());
        }
    }
    Ok(String::new())
}

impl McapFile {
    /// Goes through the whole file and notes where each message is.
    pub(super) fn open(path: &Path, number: u16, index: &mut Index) -> Result<Self, HalError> {
        let read = |error| HalError::Read { path: path.to_owned(), source: error };
        let file = File::open(path).map_err(read)?;
        let bytes = file.metadata().map_err(read)?.len();
        let mut this = Self {
            path: path.to_owned(),
            file,
            bytes,
            chunks: Vec::new(),
            kept: Vec::new(),
            single: Vec::new(),
        };
        if let Some((at, problem)) = this.walk(number, index)? {
            if this.is_complete()? {
                return Err(malformed(
                    path,
                    format!("byte {at}: {problem}; the file is damaged, get it again"),
                ));
            }
            index.notes.push(format!(
                "{}: ends early, at byte {at} of {bytes}: what is there is used",
                path.display()
            ));
        }
        Ok(this)
    }

    /// Goes from record to record. Gives where and why it had to stop before the data's end.
    fn walk(&mut self, number: u16, index: &mut Index) -> Result<Option<(u64, String)>, HalError> {
        let (mut names, mut at) = (Names::default(), MAGIC.len() as u64);
        let (mut content, mut records) = (Vec::new(), Vec::new());
        loop {
            let mut header = [0; RECORD_HEADER as usize];
            if self.bytes.saturating_sub(at) < RECORD_HEADER {
                return Ok(Some((at, "the file ends in a record's header".to_owned())));
            }
            self.read(at, &mut header)?;
            let mut fields = Fields(&header);
            let (op, length) = (fields.number(1).unwrap_or(0) as u8, fields.number(8).unwrap_or(u64::MAX));
            let start = at + RECORD_HEADER;
            if length > self.bytes - start {
                return Ok(Some((at, "a record is longer than the file".to_owned())));
            }
            if matches!(op, op::DATA_END | op::FOOTER) {
                return Ok(None);
            }
            if matches!(op, op::SCHEMA | op::CHANNEL | op::MESSAGE | op::CHUNK) {
                if length > RECORD_MOST.max(if op == op::CHUNK { CHUNK_MOST } else { 0 }) {
                    return Ok(Some((at, format!("a record of {length} bytes"))));
                }
                content.resize(length as usize, 0);
                self.read(start, &mut content)?;
                let kept = match op {
                    op::SCHEMA => names.schema(&content),
                    op::CHANNEL => names.channel(&content, index),
                    op::MESSAGE => names.message(&content).and_then(|(topic, log_time, skip)| {
                        let (place, offset) = (NO_CHUNK, start + skip as u64);
                        let length = content.len() - skip;
                        index.message(Entry {
                            topic,
                            file: number,
                            place,
                            log_time,
                            offset,
                            length: length as u32,
                        })
                    }),
                    _ => unpack(&content, &mut records).and_then(|()| {
                        let place = self.chunks.len() as u32;
                        self.chunks.push((start, length));
                        chunk(&records, number, place, &mut names, index)
                    }),
                };
                if let Err(problem) = kept {
                    return Ok(Some((at, problem)));
                }
            } else if op == 0 {
                return Ok(Some((at, "no record where one should be".to_owned())));
            }
            at = start + length;
        }
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), HalError> {
        let error = |source| HalError::Read { path: self.path.clone(), source };
        self.file.read_exact_at(into, at).map_err(error)
    }

    fn is_complete(&self) -> Result<bool, HalError> {
        let mut end = [0; MAGIC.len()];
        let Some(at) = self.bytes.checked_sub(2 * MAGIC.len() as u64) else { return Ok(false) };
        self.read(at + MAGIC.len() as u64, &mut end)?;
        Ok(&end == MAGIC)
    }

    /// A message's bytes.
    pub(super) fn message(&mut self, entry: &Entry) -> Result<&[u8], HalError> {
        let changed = |path: &Path| malformed(path, "has changed since it was opened; start again");
        if entry.place == NO_CHUNK {
            let mut single = std::mem::take(&mut self.single);
            single.resize(entry.length as usize, 0);
            self.read(entry.offset, &mut single)?;
            self.single = single;
            return Ok(&self.single);
        }
        if !self.kept.iter().any(|(chunk, _)| *chunk == entry.place) {
            let (start, length) = self.chunks.get(entry.place as usize).copied().unwrap_or_default();
            let mut content = vec![0; length as usize];
            self.read(start, &mut content)?;
            let mut records = if self.kept.len() < CHUNKS_KEPT { Vec::new() } else { self.kept.remove(0).1 };
            unpack(&content, &mut records).map_err(|_| changed(&self.path))?;
            self.kept.push((entry.place, records));
        }
        let records = self.kept.iter().find(|(chunk, _)| *chunk == entry.place).map(|(_, records)| records);
        let from = usize::try_from(entry.offset).unwrap_or(usize::MAX);
        let bytes = records.and_then(|records| records.get(from..)?.get(..entry.length as usize));
        bytes.ok_or_else(|| changed(&self.path))
    }
}

/// Goes through a chunk's records.
fn chunk(records: &[u8], file: u16, place: u32, names: &mut Names, index: &mut Index) -> Result<(), String> {
    let mut fields = Fields(records);
    while !fields.0.is_empty() {
        let (op, content) = fields.record()?;
        match op {
            op::SCHEMA => names.schema(content)?,
            op::CHANNEL => names.channel(content, index)?,
            op::MESSAGE => {
                let (topic, log_time, skip) = names.message(content)?;
                let offset = (records.len() - fields.0.len() - content.len() + skip) as u64;
                let length = (content.len() - skip) as u32;
                index.message(Entry { topic, file, place, log_time, offset, length })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A chunk's records, decompressed and checked against their checksum.
fn unpack(content: &[u8], records: &mut Vec<u8>) -> Result<(), String> {
    let mut fields = Fields(content);
    let _times = (fields.number(8)?, fields.number(8)?);
    let (size, crc) = (fields.number(8)?, fields.number(4)? as u32);
    let compression = fields.text()?;
    let length = usize::try_from(fields.number(8)?).unwrap_or(usize::MAX);
    let packed = fields.take(length)?;
    if size > CHUNK_MOST {
        return Err(format!("a chunk claims {size} bytes, more than 1 GiB"));
    }
    records.clear();
    // One byte more than announced shows that there is more.
    let unpacked = match compression {
        "" => {
            records.extend_from_slice(packed);
            Ok(0)
        }
        "zstd" => zstd::stream::read::Decoder::new(packed)
            .and_then(|stream| stream.take(size + 1).read_to_end(records)),
        "lz4" => lz4_flex::frame::FrameDecoder::new(packed).take(size + 1).read_to_end(records),
        other => return Err(format!("a chunk is compressed with {other:?}; zstd, lz4 and none can be read")),
    };
    unpacked.map_err(|error| format!("a chunk cannot be decompressed ({error})"))?;
    if records.len() as u64 != size {
        return Err(format!("a chunk of {size} bytes has {}", records.len()));
    }
    if crc != 0 && crc != crc32fast::hash(records) {
        return Err("a chunk's checksum is wrong".to_owned());
    }
    Ok(())
}
