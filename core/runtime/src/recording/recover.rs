//! Mending a recording that ends early: what is whole goes into a new file with a summary, which every reader opens.

use super::{Attachment, Recorder, RecorderOptions, Recording, RecordingError, RecordingSummary};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use std::path::Path;
use std::sync::Arc;

/// What was saved, and what was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The new file.
    pub summary: RecordingSummary,
    /// The last instant that was saved.
    pub end: LogicalTime,
    /// Bytes at the end of the old file that were no whole chunk; 0 when the file was complete.
    pub lost_bytes: u64,
}

/// A message as its bytes.
struct Raw(Vec<u8>);

impl AnyMessage for Raw {
    fn type_name(&self) -> &'static str {
        "bytes"
    }

    fn write_cdr(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.0);
    }
}

/// Writes what is whole in `from` to `to`: the same topics, attachments, metadata and messages. The metadata key `recovered`
/// of the new file says where the old one ended. A complete file is copied message by message: its digest stays.
///
/// # Errors
/// When one of the files cannot be read or written, or both are the same.
pub fn recover(from: &Path, to: &Path) -> Result<Recovered, RecordingError> {
    if std::fs::canonicalize(from).is_ok_and(|from| std::fs::canonicalize(to).is_ok_and(|to| from == to)) {
        return Err(RecordingError::Misuse(format!("{}: choose another file for the result", to.display())));
    }
    let old = Recording::open(from)?;
    let mut options = RecorderOptions::new(old.topics().to_vec());
    for (name, media_type) in old.attachments() {
        let bytes = old.attachment(name)?.unwrap_or_default();
        options.attachments.push(Attachment::new(name, media_type, bytes));
    }
    options.metadata = old.metadata();
    options.gaps = old.gaps();
    let lost_bytes = old.truncated_at().map_or(0, |at| old.bytes().saturating_sub(at));
    if let Some(at) = old.truncated_at() {
        options.metadata.insert("recovered".to_owned(), format!("the original ends early, at byte {at}"));
    }
    let recorder = Recorder::create(to, options)?;
    let handle = recorder.handle();
    let mut end = LogicalTime::ZERO;
    let mut messages = old.messages();
    while let Some(message) = messages.next_message()? {
        end = end.max(message.publication);
        let raw = Arc::new(Raw(message.cdr.to_vec()));
        handle.record(message.topic, message.sequence, message.publication, raw)?;
    }
    Ok(Recovered { summary: recorder.finish()?, end, lost_bytes })
}
