//! What can be wrong with what the evaluation is given.

/// Why an evaluation can't be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A line of a foreign text file is not as its format says.
    #[error("{file}:{line}: {problem}")]
    Line {
        /// The file, as the caller named it.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A file lacks an entry.
    #[error("{file}: no entry `{entry}`")]
    MissingEntry {
        /// The file, as the caller named it.
        file: String,
        /// The entry's name.
        entry: &'static str,
    },
    /// A foreign file is not as its format says.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The report can't be written as JSON.
    #[error("the report can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
