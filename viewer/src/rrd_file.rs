//! The `.rrd` file as a sink of Rerun's that keeps its first error.
//!
//! Rerun's own `FileSink` (0.36) says what went wrong to a logger only, and waits for ever for a writer that has given up.

use crate::ViewerError;
use rerun::external::re_build_info::CrateVersion;
use rerun::external::re_log_encoding::{Encoder, EncodingOptions};
use rerun::log::LogMsg;
use rerun::sink::{LogSink, SinkFlushError};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Writer = Encoder<BufWriter<File>>;

/// The file while it is open, or the first error.
enum State {
    Open(Box<Writer>),
    Failed(String),
    Closed,
}

/// An `.rrd` file; clones write to the same one.
#[derive(Clone)]
pub(crate) struct RrdFile {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

impl RrdFile {
    /// Makes the file, or empties the one that is there.
    pub(crate) fn create(path: &Path) -> Result<Self, ViewerError> {
        let opened = |problem: String| ViewerError::Open { file: path.to_path_buf(), problem };
        let file = File::create(path).map_err(|error| opened(error.to_string()))?;
        let options = EncodingOptions::PROTOBUF_COMPRESSED;
        let writer = Encoder::new_eager(CrateVersion::LOCAL, options, BufWriter::new(file))
            .map_err(|error| opened(error.to_string()))?;
        Ok(Self { path: path.to_path_buf(), state: Arc::new(Mutex::new(State::Open(Box::new(writer)))) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while writing leaves an encoder that says so itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the open file, and gives it up at the first error.
    fn attempt<E: std::error::Error>(&self, act: impl FnOnce(&mut Writer) -> Result<(), E>) {
        let mut state = self.lock();
        if let State::Open(writer) = &mut *state
            && let Err(error) = act(writer)
        {
            let failed = std::mem::replace(&mut *state, State::Failed(with_causes(&error)));
            abandon(failed);
        }
    }

    /// Writes the end and closes the file: its size. What is sent later is lost.
    pub(crate) fn finish(&self) -> Result<u64, ViewerError> {
        self.attempt(|writer| writer.finish());
        self.attempt(|writer| writer.flush_blocking());
        match std::mem::replace(&mut *self.lock(), State::Closed) {
            State::Failed(problem) => Err(ViewerError::Write { file: self.path.clone(), problem }),
            State::Open(_) | State::Closed => {
                let size = std::fs::metadata(&self.path).map(|metadata| metadata.len());
                size.map_err(|error| ViewerError::Write {
                    file: self.path.clone(),
                    problem: error.to_string(),
                })
            }
        }
    }
}

/// Lets go of a file without a second attempt at its end.
fn abandon(state: State) {
    if let State::Open(writer) = state
        && let Ok(buffered) = writer.into_inner()
    {
        // The buffer's bytes are lost as well: the error that brought us here stands for them.
        drop(buffered.into_parts());
    }
}

/// An error with what caused it, for which Rerun's messages often leave no room.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl LogSink for RrdFile {
    fn send(&self, message: LogMsg) {
        self.attempt(|writer| writer.append(&message).map(drop));
    }

    fn flush_blocking(&self, _timeout: Duration) -> Result<(), SinkFlushError> {
        self.attempt(|writer| writer.flush_blocking());
        match &*self.lock() {
            State::Failed(problem) => Err(SinkFlushError::failed(problem.as_str())),
            State::Open(_) | State::Closed => Ok(()),
        }
    }

    fn defers_finalization_to_shutdown(&self) -> bool {
        true
    }
}
