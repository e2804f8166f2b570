//! What can be wrong with a vehicle's description.

/// Why a vehicle file was refused: what was wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VehicleError {
    /// No TOML, an unknown or missing key, or a value of the wrong type.
    #[error("{file}: not a vehicle description: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words, with line, column and key.
        message: String,
    },
    /// A value that no car has.
    #[error("{file}: field `{field}`: {value} is impossible; it must lie in {least} ..= {most}")]
    OutOfRange {
        /// The file.
        file: String,
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: f64,
        /// Least possible value.
        least: f64,
        /// Greatest possible value.
        most: f64,
    },
    /// Values that contradict each other.
    #[error("{file}: field `{field}`: {problem}")]
    Contradiction {
        /// The file.
        file: String,
        /// The field's name.
        field: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}
