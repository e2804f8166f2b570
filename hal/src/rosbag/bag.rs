//! A rosbag2: one or several files of one recording, MCAP or SQLite, with or without its `metadata.yaml`.

use super::mcap::{self, McapFile};
use super::sqlite::{self, SqliteFile};
use super::{malformed, metadata};
use crate::HalError;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where one message is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Place of its topic in the bag's topics.
    pub topic: u16,
    /// Which of the bag's files.
    pub file: u16,
    /// Of MCAP the chunk, of SQLite the page.
    pub place: u32,
    /// When it was recorded, nanoseconds.
    pub log_time: i64,
    /// Of MCAP where its bytes start, of SQLite the number of its cell.
    pub offset: u64,
    /// Bytes.
    pub length: u32,
}

/// A topic as the bag declares it.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub name: String,
    pub type_name: String,
    /// `RIHS01_…`, or empty.
    pub type_hash: String,
    /// Why its messages cannot be read, if so.
    pub unreadable: Option<String>,
}

/// What is found while files are gone through.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub topics: Vec<Topic>,
    pub messages: Vec<Entry>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// More messages than these are not kept track of.
const MESSAGES_MOST: usize = 1 << 28;

impl Index {
    /// The place of a topic; topics of one name and type are one.
    pub(super) fn topic(&mut self, topic: Topic) -> Result<u16, String> {
        let is_same = |known: &Topic| known.name == topic.name && known.type_name == topic.type_name;
        let place = self.topics.iter().position(is_same).unwrap_or_else(|| {
            self.topics.push(topic);
            self.topics.len() - 1
        });
        u16::try_from(place).map_err(|_| "more than 65,536 topics".to_owned())
    }

    pub(super) fn message(&mut self, entry: Entry) -> Result<(), String> {
        if self.messages.len() >= MESSAGES_MOST {
            return Err(format!("more than {MESSAGES_MOST} messages; split the recording"));
        }
        self.messages.push(entry);
        Ok(())
    }
}

#[derive(Debug)]
enum Storage {
    Mcap(McapFile),
    Sqlite(SqliteFile),
}

/// An open bag.
#[derive(Debug)]
pub(super) struct Bag {
    pub index: Index,
    files: Vec<Storage>,
}

impl Bag {
    /// Opens a file, a folder with a `metadata.yaml`, or a folder with one such file.
    pub(super) fn open(path: &Path) -> Result<Self, HalError> {
        let mut bag = Self { index: Index::default(), files: Vec::new() };
        for (path, packed) in files_of(path)? {
            let number = bag.files.len() as u16;
            let storage = match kind(&path)? {
                Kind::Mcap if !packed => Storage::Mcap(McapFile::open(&path, number, &mut bag.index)?),
                Kind::Mcap => {
                    return Err(malformed(
                        &path,
                        "has compressed messages beside its compressed chunks; write it anew",
                    ));
                }
                Kind::Sqlite => Storage::Sqlite(SqliteFile::open(&path, number, packed, &mut bag.index)?),
            };
            bag.files.push(storage);
        }
        Ok(bag)
    }

    /// A message's bytes.
    pub(super) fn message(&mut self, entry: &Entry) -> Result<&[u8], HalError> {
        match self.files.get_mut(usize::from(entry.file)) {
            Some(Storage::Mcap(file)) => file.message(entry),
            Some(Storage::Sqlite(file)) => file.message(entry),
            None => Ok(&[]),
        }
    }
}

enum Kind {
    Mcap,
    Sqlite,
}

/// What a file is, by its first bytes.
fn kind(path: &Path) -> Result<Kind, HalError> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    file.map_err(|source| HalError::Read { path: path.to_owned(), source })?;
    let is = |magic: &[u8]| start.starts_with(magic);
    let name = path.display();
    Err(malformed(
        path,
        if is(mcap::MAGIC) {
            return Ok(Kind::Mcap);
        } else if is(sqlite::MAGIC) {
            return Ok(Kind::Sqlite);
        } else if is(b"#ROSBAG V") {
            format!("is a ROS 1 bag; convert it: rosbags-convert --src {name} --dst FOLDER (PyPI rosbags)")
        } else if is(&[0x28, 0xb5, 0x2f, 0xfd]) {
            format!("is compressed as a whole; decompress it: zstd -d {name}")
        } else {
            "is no rosbag2 file: neither MCAP nor SQLite; give the .mcap, the .db3 or the bag's folder"
                .to_owned()
        },
    ))
}

/// The files of a bag, in the order of recording, and whether their messages are compressed one by one.
fn files_of(path: &Path) -> Result<Vec<(PathBuf, bool)>, HalError> {
    let is_description = path.extension().is_some_and(|extension| extension == "yaml");
    let folder = if is_description { path.parent().unwrap_or(path) } else { path };
    let is_file = !folder.is_dir();
    // A file of a bag with a description is described by it too.
    let description =
        if is_file { path.with_file_name("metadata.yaml") } else { folder.join("metadata.yaml") };
    if !description.is_file() {
        return if is_file {
            Ok(vec![(path.to_owned(), false)])
        } else {
            Ok(vec![(only_file(folder)?, false)])
        };
    }
    let read = |source| HalError::Read { path: description.clone(), source };
    let text = std::fs::read_to_string(&description).map_err(read)?;
    let found = metadata::parse(&text);
    let packed = match (found.compression_mode.as_str(), found.compression_format.as_str()) {
        ("" | "none", _) | (_, "") => false,
        ("message", "zstd") => true,
        ("file", _) => {
            let problem = "its files are compressed as a whole; decompress them (zstd -d) and write compression_mode: \"\"";
            return Err(malformed(&description, problem));
        }
        (mode, format) => {
            return Err(malformed(
                &description,
                format!("compression_mode {mode}, format {format}: only zstd is known"),
            ));
        }
    };
    if is_file {
        return Ok(vec![(path.to_owned(), packed)]);
    }
    let names = found.files.iter().filter_map(|name| Path::new(name).file_name());
    let files: Vec<(PathBuf, bool)> = names.map(|name| (folder.join(name), packed)).collect();
    if files.is_empty() { Ok(vec![(only_file(folder)?, packed)]) } else { Ok(files) }
}

fn only_file(folder: &Path) -> Result<PathBuf, HalError> {
    let read = |source| HalError::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "mcap" || extension == "db3") {
            found.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([path]) => Ok(path),
        Err(found) => {
            let problem =
                format!("holds {} files .mcap or .db3 and no metadata.yaml; name the file", found.len());
            Err(malformed(folder, problem))
        }
    }
}
