//! What can go wrong between us and Rerun.

use std::path::PathBuf;

/// Why the viewer could not start, or could not write all.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// Neither a file nor a viewer was named.
    #[error("neither an .rrd file nor a Rerun viewer to connect to is named")]
    NoTarget,
    /// The file can't be made.
    #[error("{file}: can't be written: {problem}")]
    Open {
        /// The file.
        file: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The file is incomplete: the disk is full or gone.
    #[error("{file}: incomplete, not all could be written: {problem}")]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The viewer's address makes no sense, or nobody answers there.
    #[error(
        "the Rerun viewer at `{url}` can't be reached: {problem} (start it with `rerun`, or leave `--connect` out)"
    )]
    Connect {
        /// The address.
        url: String,
        /// What was wrong.
        problem: String,
    },
    /// The viewer's thread can't be started or has died.
    #[error("the viewer's thread: {0}")]
    Thread(String),
    /// Rerun refused some data.
    #[error("Rerun refused data: {0}")]
    Log(#[from] Box<rerun::RecordingStreamError>),
}

impl From<rerun::RecordingStreamError> for ViewerError {
    fn from(error: rerun::RecordingStreamError) -> Self {
        Self::Log(Box::new(error))
    }
}
