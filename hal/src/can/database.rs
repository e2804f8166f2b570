//! A DBC file's messages, found by identifier.

use super::codec::{MessageCodec, SignalCodec};
use super::dbc;
use super::frame::CanId;
use crate::HalError;
use std::path::Path;

/// All messages of a DBC file, by identifier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Database {
    messages: Vec<MessageCodec>,
}

impl Database {
    /// From a DBC file's text; `file` is for the errors.
    ///
    /// # Errors
    /// What is no DBC, with its line. Entries about messages and signals that the file does not have are passed over, as
    /// are sections that do not bear on the layout.
    pub fn from_dbc(text: &str, file: &str) -> Result<Self, HalError> {
        let mut messages = dbc::parse(text, file)?;
        messages.sort_by_key(|message| message.id);
        Ok(Self { messages })
    }

    /// From a file. Text that is no UTF-8 is read as Latin-1, which many tools write.
    ///
    /// # Errors
    /// A file that cannot be read, or is no DBC.
    pub fn read(path: &Path) -> Result<Self, HalError> {
        let bytes =
            std::fs::read(path).map_err(|source| HalError::Read { path: path.to_path_buf(), source })?;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| error.into_bytes().iter().map(|&byte| char::from(byte)).collect());
        Self::from_dbc(&text, &path.display().to_string())
    }

    /// All messages, by identifier.
    #[must_use]
    pub fn messages(&self) -> &[MessageCodec] {
        &self.messages
    }

    /// The message with an identifier; of several, the file's last.
    #[must_use]
    pub fn message(&self, id: CanId) -> Option<&MessageCodec> {
        let end = self.messages.partition_point(|message| message.id <= id);
        self.messages.get(end.checked_sub(1)?).filter(|message| message.id == id)
    }

    /// The message with a name.
    #[must_use]
    pub fn message_by_name(&self, name: &str) -> Option<&MessageCodec> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// A message and the place of one of its signals, by names.
    #[must_use]
    pub fn signal(&self, message: &str, signal: &str) -> Option<(&MessageCodec, usize, &SignalCodec)> {
        let message = self.message_by_name(message)?;
        let index = message.index_of(signal)?;
        Some((message, index, message.signals().get(index)?))
    }
}
