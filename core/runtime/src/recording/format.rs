//! The records of an MCAP file as bytes (MCAP specification, mcap.dev/spec, version 0).

use std::collections::BTreeMap;

pub(super) const MAGIC: &[u8; 8] = b"\x89MCAP0\r\n";
/// Operation code and length.
pub(super) const RECORD_HEADER: usize = 9;

pub(super) mod op {
    pub const HEADER: u8 = 0x01;
    pub const FOOTER: u8 = 0x02;
    pub const SCHEMA: u8 = 0x03;
    pub const CHANNEL: u8 = 0x04;
    pub const MESSAGE: u8 = 0x05;
    pub const CHUNK: u8 = 0x06;
    pub const MESSAGE_INDEX: u8 = 0x07;
    pub const CHUNK_INDEX: u8 = 0x08;
    pub const ATTACHMENT: u8 = 0x09;
    pub const ATTACHMENT_INDEX: u8 = 0x0a;
    pub const STATISTICS: u8 = 0x0b;
    pub const METADATA: u8 = 0x0c;
    pub const METADATA_INDEX: u8 = 0x0d;
    pub const SUMMARY_OFFSET: u8 = 0x0e;
    pub const DATA_END: u8 = 0x0f;
}

/// Appends one record: its operation code, its length, then the fields that `fields` appends.
pub(super) fn put_record(out: &mut Vec<u8>, op: u8, fields: impl FnOnce(&mut Vec<u8>)) {
    out.push(op);
    let length_at = out.len();
    out.extend_from_slice(&[0; 8]);
    fields(out);
    let length = (out.len() - length_at - 8) as u64;
    out[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
}

/// Appends fields of a record. Lengths over their 32 bits are a program error.
pub(super) trait PutField {
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_text(&mut self, text: &str);
    /// The length of `fields` in bytes as 32 bits, then `fields`.
    fn put_sized(&mut self, fields: impl FnOnce(&mut Self));
}

impl PutField for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_text(&mut self, text: &str) {
        self.put_sized(|out| out.extend_from_slice(text.as_bytes()));
    }
    fn put_sized(&mut self, fields: impl FnOnce(&mut Self)) {
        let length_at = self.len();
        self.put_u32(0);
        fields(self);
        let length = self.len() - length_at - 4;
        assert!(length <= u32::MAX as usize, "a part of an MCAP record has at most 2^32 - 1 bytes");
        self[length_at..length_at + 4].copy_from_slice(&(length as u32).to_le_bytes());
    }
}

pub(super) fn put_text_map(out: &mut Vec<u8>, map: &BTreeMap<String, String>) {
    out.put_sized(|out| {
        for (key, value) in map {
            out.put_text(key);
            out.put_text(value);
        }
    });
}

/// What is wrong with a record, and at which byte of what was given to [`Fields::new`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FormatError {
    pub at: usize,
    pub problem: &'static str,
}

/// Reads the fields of a record one after the other.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn error(&self, problem: &'static str) -> FormatError {
        FormatError { at: self.at, problem }
    }

    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], FormatError> {
        let left = &self.bytes[self.at..];
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| left.get(..count))
            .ok_or_else(|| self.error("a field is longer than its record"))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FormatError> {
        self.take_array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FormatError> {
        self.take_array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FormatError> {
        self.take_array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FormatError> {
        self.take_array().map(u64::from_le_bytes)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    pub(super) fn text(&mut self) -> Result<&'a str, FormatError> {
        let at = self.at;
        let length = self.u32()?;
        std::str::from_utf8(self.take(u64::from(length))?)
            .map_err(|_| FormatError { at, problem: "a text is not UTF-8" })
    }

    pub(super) fn text_map(&mut self) -> Result<BTreeMap<String, String>, FormatError> {
        let length = self.u32()?;
        let start = self.at;
        let mut entries = Fields::new(self.take(u64::from(length))?);
        let mut map = BTreeMap::new();
        while !entries.is_empty() {
            let entry = entries
                .text()
                .and_then(|key| Ok((key.to_owned(), entries.text()?.to_owned())))
                .map_err(|error| FormatError { at: start + error.at, ..error })?;
            map.insert(entry.0, entry.1);
        }
        Ok(map)
    }

    /// The next record of a sequence of records: its operation code, and its content.
    pub(super) fn record(&mut self) -> Result<(u8, &'a [u8]), FormatError> {
        let op = self.u8()?;
        let length = self.u64()?;
        Ok((op, self.take(length)?))
    }
}
