//! What can be wrong with a model, its card, or the runtime that executes it.

use std::path::PathBuf;

/// Everything that this crate reports. Each message says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A card that cannot be meant.
    #[error("{}:{line}: field `{field}`: {problem}", .file.display())]
    Card {
        /// The card.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key, as far as it is known.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No folder of the store has it.
    #[error(
        "no {what} in the model store; looked in {}; put it there, or name its folder in AURIGA_MODELS{hint}",
        list(.folders)
    )]
    NotFound {
        /// The file that was looked for.
        what: String,
        /// Where.
        folders: Vec<PathBuf>,
        /// Where to get it, if the card says so.
        hint: String,
    },
    /// The weights are not those of the card.
    #[error(
        "{}: sha256 is {found}, but the card `{card}` says {expected}; get the file from {origin}, or correct the card if \
         the model was meant to change",
        .file.display()
    )]
    HashMismatch {
        /// The weights.
        file: PathBuf,
        /// The card's name.
        card: String,
        /// What the file has.
        found: String,
        /// What the card says.
        expected: String,
        /// Where the right one comes from.
        origin: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {problem}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's answer.
        problem: String,
    },
    /// ONNX Runtime is not there and could not be fetched.
    #[error(
        "ONNX Runtime {version} is not there: {problem}. Either let this machine reach PyPI once (needs Python 3 with pip), \
         or put the library at {}, or name one of version 1.{minor_least} or newer in AURIGA_ORT_LIB",
        .place.display()
    )]
    RuntimeMissing {
        /// The version looked for.
        version: &'static str,
        /// The oldest minor version that will do.
        minor_least: u32,
        /// What went wrong.
        problem: String,
        /// Where it would be found.
        place: PathBuf,
    },
    /// The library is there but does not load.
    #[error("ONNX Runtime at {}: {problem}", .library.display())]
    RuntimeBroken {
        /// The library.
        library: PathBuf,
        /// Why not.
        problem: String,
    },
    /// No execution provider of the list works.
    #[error("model `{model}`: none of the demanded execution providers runs here:{problems}")]
    NoProvider {
        /// The card's name.
        model: String,
        /// One line for each provider.
        problems: String,
    },
    /// The network is not what its card says.
    #[error("model `{model}`: {problem}")]
    Network {
        /// The card's name.
        model: String,
        /// What does not fit.
        problem: String,
    },
    /// ONNX Runtime failed in a run.
    #[error("model `{model}`: inference failed: {problem}")]
    Inference {
        /// The card's name.
        model: String,
        /// ONNX Runtime's answer.
        problem: String,
    },
}

impl ModelError {
    pub(crate) fn file(path: impl Into<PathBuf>, problem: &impl ToString) -> Self {
        Self::File { path: path.into(), problem: problem.to_string() }
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
