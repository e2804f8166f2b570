//! What can go wrong at the edge to hardware and recordings.

use std::path::PathBuf;

/// An error of a platform, saying where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum HalError {
    /// A file could not be read.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A configuration file is wrong; the text names line and field.
    #[error("{file}: {problem}")]
    Configuration {
        /// The file.
        file: String,
        /// Line, field, and what is wrong with it.
        problem: String,
    },
    /// A recording is wrong; the text says where and what.
    #[error("{path}: {problem}")]
    Recording {
        /// The file or folder.
        path: PathBuf,
        /// Where and what is wrong, and what to do.
        problem: String,
    },
    /// Something happened to a CAN bus.
    #[error("CAN bus {bus}: {fault:?}: {problem}")]
    Bus {
        /// The bus.
        bus: String,
        /// What happened, to be acted on.
        fault: crate::can::BusFault,
        /// What happened, for people.
        problem: String,
    },
    /// A value cannot be written into a CAN message.
    #[error("message {message}, signal {signal}: {value}: {problem}")]
    Signal {
        /// The message's name.
        message: String,
        /// The signal's name.
        signal: String,
        /// The value.
        value: f64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A part of the platform stopped working.
    #[error("platform {platform}: {problem}")]
    Platform {
        /// The platform's name.
        platform: &'static str,
        /// What happened, and what to do.
        problem: String,
    },
}

impl HalError {
    /// A platform was ticked at an instant before the last one.
    #[must_use]
    pub fn backwards(platform: &'static str, now: auriga_geometry::LogicalTime) -> Self {
        let problem =
            format!("ticked at {:.6} s, before its last tick; tick in the order of time", now.as_secs_f64());
        Self::Platform { platform, problem }
    }
}
