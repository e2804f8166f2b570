//! Reading tables of an SQLite database file (sqlite.org/fileformat2.html): what rosbag2's storage needs and no more.
//!
//! Rows are found by walking a table's b-tree once; a row is fetched again by its page and cell. The file is only read. A
//! database with changes in a write-ahead log or a hot journal beside it is refused: not all of it would be seen.

use super::bag::{Entry, Index, Topic};
use super::malformed;
use crate::HalError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// A row is not larger.
const ROW_MOST: u64 = 256 << 20;
/// Trees are not deeper: 2^32 pages of at least two children.
const DEPTH_MOST: usize = 40;

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Other,
}

/// A row of a table, and where it is.
struct Row<'a> {
    page: u32,
    /// Place among the page's cells.
    cell: usize,
    /// Its number in the table.
    number: i64,
    record: &'a [u8],
}

/// Pages of a database.
#[derive(Debug)]
struct Pages {
    file: File,
    size: usize,
    /// Bytes of a page that are used.
    usable: usize,
    count: u32,
}

fn be(bytes: &[u8], at: usize, count: usize) -> Result<u64, String> {
    let bytes = at.checked_add(count).and_then(|end| bytes.get(at..end)).ok_or("a page ends early")?;
    Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// A variable-length integer and what follows it.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), String> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        if place == 8 {
            return Ok((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[place + 1..]));
        }
    }
    Err("a number ends early".to_owned())
}

/// Two's complement, as SQLite keeps integers of 1 to 8 bytes.
fn signed(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))
}

/// A row's values, from its record.
fn values(record: &[u8]) -> Result<Vec<Value<'_>>, String> {
    let (length, _) = varint(record)?;
    let (header, mut body) = record
        .split_at_checked(usize::try_from(length).unwrap_or(usize::MAX))
        .ok_or("a row's header is too long")?;
    let (_, mut types) = varint(header)?;
    let mut found = Vec::new();
    while !types.is_empty() {
        let (code, left) = varint(types)?;
        types = left;
        let size = match code {
            0 | 8 | 9 => 0,
            1..=4 => code,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err("a value of a reserved type".to_owned()),
            _ => (code - 12) / 2,
        };
        let (bytes, left) = body
            .split_at_checked(usize::try_from(size).unwrap_or(usize::MAX))
            .ok_or("a value is longer than its row")?;
        body = left;
        found.push(match code {
            1..=6 => Value::Integer(signed(bytes)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            12.. => Value::Bytes(bytes),
            _ => Value::Other,
        });
    }
    Ok(found)
}

impl Pages {
    fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        let mut header = [0; 100];
        file.read_exact_at(&mut header, 0).map_err(|_| "ends in its header".to_owned())?;
        let size = match be(&header, 16, 2)? as usize {
            1 => 65_536,
            size => size,
        };
        let usable = size.saturating_sub(usize::from(header[20]));
        if !size.is_power_of_two() || size < 512 || usable < 480 {
            return Err(format!("has pages of {size} bytes"));
        }
        if header[56..60] != [0, 0, 0, 1] {
            return Err("its texts are not UTF-8".to_owned());
        }
        let count = u32::try_from(bytes / size as u64).unwrap_or(u32::MAX);
        Ok(Self { file, size, usable, count })
    }

    /// A page by its number, which starts at 1.
    fn read(&self, number: u32, page: &mut Vec<u8>) -> Result<(), String> {
        if number == 0 || number > self.count {
            return Err(format!("page {number} is missing: the file has {}", self.count));
        }
        page.resize(self.size, 0);
        let at = u64::from(number - 1) * self.size as u64;
        self.file.read_exact_at(page, at).map_err(|error| format!("page {number}: {error}"))
    }

    /// Where the cells of a b-tree page start; its kind.
    fn cells(&self, number: u32, page: &[u8]) -> Result<(u8, Vec<usize>), String> {
        let start = if number == 1 { 100 } else { 0 };
        let kind = page[start];
        if kind != LEAF && kind != INTERIOR {
            return Err(format!("page {number} is no page of a table"));
        }
        let first = start + if kind == LEAF { 8 } else { 12 };
        let count = be(page, start + 3, 2)? as usize;
        let cells: Result<Vec<usize>, String> =
            (0..count).map(|cell| Ok(be(page, first + 2 * cell, 2)? as usize)).collect();
        Ok((kind, cells?))
    }

    /// The record of a leaf's cell, with what of it lies on other pages, and its row number.
    fn record(&self, page: &[u8], cell: usize, record: &mut Vec<u8>) -> Result<i64, String> {
        let bytes = page.get(cell..self.usable).ok_or("a cell lies outside its page")?;
        let (size, bytes) = varint(bytes)?;
        let (row, bytes) = varint(bytes)?;
        if size > ROW_MOST {
            return Err(format!("a row of {size} bytes"));
        }
        let (size, usable) = (size as usize, self.usable);
        // File format, section 1.6: how much of a record stays in its cell.
        let most = usable - 35;
        let least = (usable - 12) * 32 / 255 - 23;
        let here = match least + size.saturating_sub(least) % (usable - 4) {
            _ if size <= most => size,
            surplus if surplus <= most => surplus,
            _ => least,
        };
        record.clear();
        record.extend_from_slice(bytes.get(..here).ok_or("a row is longer than its page")?);
        let mut next = if here < size { be(bytes, here, 4)? as u32 } else { 0 };
        let mut overflow = Vec::new();
        while record.len() < size {
            self.read(next, &mut overflow)?;
            next = be(&overflow, 0, 4)? as u32;
            let left = (size - record.len()).min(usable - 4);
            record.extend_from_slice(&overflow[4..4 + left]);
        }
        Ok(row as i64)
    }

    /// Visits all rows of a table in order.
    fn rows(&self, root: u32, visit: &mut dyn FnMut(Row<'_>) -> Result<(), String>) -> Result<(), String> {
        let (mut page, mut record, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut left = vec![(root, 0)];
        while let Some((number, depth)) = left.pop() {
            if !seen.insert(number) || depth > DEPTH_MOST {
                return Err(format!("page {number} is in the table twice"));
            }
            self.read(number, &mut page)?;
            let (kind, cells) = self.cells(number, &page)?;
            if kind == INTERIOR {
                let start = if number == 1 { 100 } else { 0 };
                left.push((be(&page, start + 8, 4)? as u32, depth + 1));
                for cell in cells.iter().rev() {
                    left.push((be(&page, *cell, 4)? as u32, depth + 1));
                }
                continue;
            }
            for (number_in_page, cell) in cells.into_iter().enumerate() {
                let row = self.record(&page, cell, &mut record)?;
                visit(Row { page: number, cell: number_in_page, number: row, record: &record })?;
            }
        }
        Ok(())
    }
}

/// A table: its first page, and its columns' places.
struct Table {
    root: u32,
    columns: BTreeMap<String, usize>,
}

impl Table {
    fn find(pages: &Pages, wanted: &str) -> Result<Option<Self>, String> {
        let mut found = None;
        pages.rows(1, &mut |Row { record, .. }| {
            let row = values(record)?;
            let [Value::Bytes(b"table"), Value::Bytes(name), _, Value::Integer(root), Value::Bytes(sql)] =
                row[..]
            else {
                return Ok(());
            };
            if name == wanted.as_bytes() {
                let sql = String::from_utf8_lossy(sql);
                let inside = sql.split_once('(').map_or("", |(_, inside)| inside);
                let names =
                    inside.split(',').map(|column| column.split_whitespace().next().unwrap_or_default());
                let columns =
                    names.enumerate().map(|(place, name)| (name.trim_matches('"').to_owned(), place));
                let root = u32::try_from(root).unwrap_or(0);
                found = Some(Self { root, columns: columns.collect() });
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn column(&self, name: &str) -> Result<usize, String> {
        self.columns.get(name).copied().ok_or_else(|| format!("a table has no column {name}"))
    }
}

/// A `.db3` whose messages can be fetched one by one.
#[derive(Debug)]
pub(super) struct SqliteFile {
    path: PathBuf,
    pages: Pages,
    /// Column of the messages' bytes.
    data: usize,
    packed: bool,
    page: Vec<u8>,
    record: Vec<u8>,
    unpacked: Vec<u8>,
}

impl SqliteFile {
    /// Goes through the whole file and notes where each message is. Messages may be `packed`: compressed one by one.
    pub(super) fn open(path: &Path, number: u16, packed: bool, index: &mut Index) -> Result<Self, HalError> {
        for suffix in ["-wal", "-journal"] {
            let mut beside = path.as_os_str().to_owned();
            beside.push(suffix);
            if std::fs::metadata(&beside).is_ok_and(|file| file.len() > 0) {
                let problem = format!(
                    "was not closed: {} is beside it; let SQLite complete it: sqlite3 {} 'PRAGMA wal_checkpoint(TRUNCATE)'",
                    PathBuf::from(beside).display(),
                    path.display()
                );
                return Err(malformed(path, problem));
            }
        }
        let opened = Self::read(path, number, packed, index);
        opened.map_err(|problem| malformed(path, format!("{problem}; the database is damaged, get it again")))
    }

    fn read(path: &Path, number: u16, packed: bool, index: &mut Index) -> Result<Self, String> {
        let pages = Pages::open(path)?;
        let table =
            |name| Table::find(&pages, name)?.ok_or_else(|| format!("has no table {name}: no rosbag2"));
        let (topics, messages) = (table("topics")?, table("messages")?);
        let places = places(&pages, &topics, index)?;
        let (topic, time) = (messages.column("topic_id")?, messages.column("timestamp")?);
        let data = messages.column("data")?;
        pages.rows(messages.root, &mut |Row { page, cell, number: row, record }| {
            let values = values(record)?;
            let (Some(Value::Integer(topic)), Some(Value::Integer(log_time)), Some(Value::Bytes(bytes))) =
                (values.get(topic), values.get(time), values.get(data))
            else {
                return Err(format!("row {row} of the messages is none"));
            };
            let topic =
                *places.get(topic).ok_or_else(|| format!("row {row}: a message of an unknown topic"))?;
            let (offset, length) = (cell as u64, bytes.len() as u32);
            index.message(Entry { topic, file: number, place: page, log_time: *log_time, offset, length })
        })?;
        let (page, record, unpacked) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { path: path.to_owned(), pages, data, packed, page, record, unpacked })
    }

    /// A message's bytes.
    pub(super) fn message(&mut self, entry: &Entry) -> Result<&[u8], HalError> {
        let Self { path, pages, data, packed, page, record, unpacked } = self;
        let wrong = |problem: String| malformed(path, problem);
        pages.read(entry.place, page).map_err(wrong)?;
        let (_, cells) = pages.cells(entry.place, page).map_err(wrong)?;
        let cell = usize::try_from(entry.offset).ok().and_then(|cell| cells.get(cell).copied());
        let changed = || malformed(path, "has changed since it was opened; start again");
        pages.record(page, cell.ok_or_else(changed)?, record).map_err(wrong)?;
        let record: &[u8] = record;
        let values = values(record).map_err(wrong)?;
        let Some(&Value::Bytes(bytes)) = values.get(*data) else { return Err(changed()) };
        if !*packed {
            return Ok(bytes);
        }
        unpacked.clear();
        zstd::stream::read::Decoder::new(bytes)
            .and_then(|stream| stream.take(ROW_MOST).read_to_end(unpacked))
            .map_err(|error| malformed(path, format!("a message cannot be decompressed ({error})")))?;
        Ok(unpacked)
    }
}

/// The bag's topics by the numbers that the database gives them.
fn places(pages: &Pages, topics: &Table, index: &mut Index) -> Result<BTreeMap<i64, u16>, String> {
    let columns = [topics.column("name")?, topics.column("type")?, topics.column("serialization_format")?];
    let hash = topics.columns.get("type_description_hash").copied();
    let mut places = BTreeMap::new();
    pages.rows(topics.root, &mut |Row { number: row, record, .. }| {
        let values = values(record)?;
        let text = |column: usize| match values.get(column) {
            Some(Value::Bytes(bytes)) => {
                std::str::from_utf8(bytes).map_err(|_| "a name is not UTF-8".to_owned())
            }
            _ => Err(format!("row {row} of the topics is none")),
        };
        let [name, type_name, format] = [text(columns[0])?, text(columns[1])?, text(columns[2])?];
        let unreadable = (format != "cdr")
            .then(|| format!("holds messages in the encoding {format:?}; only CDR can be read"));
        let topic = Topic {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            type_hash: hash.map_or("", |column| text(column).unwrap_or_default()).to_owned(),
            unreadable,
        };
        places.insert(row, index.topic(topic)?);
        Ok(())
    })?;
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_the_file_format() {
        for (bytes, value) in [
            (&[0x7f][..], 0x7f),
            (&[0x81, 0x00], 0x80),
            (&[0xff; 9], u64::MAX),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x05], 5),
        ] {
            assert_eq!(varint(bytes), Ok((value, &[][..])));
        }
        assert!(varint(&[0x80, 0x80]).is_err());
        assert_eq!((signed(&[0xff]), signed(&[0x7f, 0xff]), signed(&[0x80, 0, 0])), (-1, 32_767, -8_388_608));
    }

    #[test]
    fn a_row_of_all_types() {
        let record = [8, 0, 1, 7, 8, 9, 16, 15, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', b'c'];
        let expected = [
            Value::Other,
            Value::Integer(-2),
            Value::Other,
            Value::Integer(0),
            Value::Integer(1),
            Value::Bytes(b"ab"),
            Value::Bytes(b"c"),
        ];
        assert_eq!(values(&record).unwrap(), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_row_is_a_panic(record in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = values(&record);
        }
    }
}
