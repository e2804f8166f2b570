//! What can go wrong with an input.

/// An input that perception can't use, or a configuration that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PerceptionError {
    /// A point cloud has no such field.
    #[error("point cloud: no field `{field}` among {present:?}; x, y and z are needed")]
    MissingField {
        /// The field's name.
        field: &'static str,
        /// The names of the fields that are there.
        present: Vec<String>,
    },
    /// A point cloud's field has an unknown type.
    #[error("point cloud: field `{field}` has the unknown data type {datatype} (1 to 8 are known)")]
    UnknownDatatype {
        /// The field's name.
        field: String,
        /// Its type as stated.
        datatype: u8,
    },
    /// A field reaches past the end of a point.
    #[error(
        "point cloud: point_step is {point_step} bytes, but field `{field}` ends at byte {needed}; correct point_step or the field's offset"
    )]
    PointStepTooSmall {
        /// The field's name.
        field: String,
        /// Bytes a point as stated.
        point_step: usize,
        /// Bytes that the field needs.
        needed: usize,
    },
    /// The data is shorter than the stated number of points.
    #[error("point cloud: {available} bytes of data, but {height} rows of {width} points need {needed}")]
    CloudTooShort {
        /// Points a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes that are there.
        available: usize,
        /// Bytes that these points need.
        needed: usize,
    },
    /// More points than any known sensor gives in a turn.
    #[error("point cloud: {points} points; at most {most} are taken")]
    CloudTooLarge {
        /// As stated.
        points: usize,
        /// The limit.
        most: usize,
    },
    /// A scan of almost nothing: the scanner is blind. Nothing seen is not nothing there.
    #[error("point cloud: {points} points, and a scan of a road has {least} or more; the scanner is blind")]
    Blind {
        /// Points with finite coordinates.
        points: usize,
        /// The least.
        least: usize,
    },
    /// A sensor says the same again and again.
    #[error("the {sensor} has frozen: it says the same as before with a new stamp")]
    Frozen {
        /// The sensor.
        sensor: &'static str,
    },
    /// An input is of too long ago.
    #[error("the {what} are {age_s:.3} s old; at most {most_s} s are allowed")]
    Old {
        /// What.
        what: &'static str,
        /// How old, seconds.
        age_s: f64,
        /// The most, seconds.
        most_s: f64,
    },
    /// A message holds a number that is not finite.
    #[error("{what} is not finite")]
    NotFinite {
        /// The value.
        what: &'static str,
    },
    /// A configuration has an impossible value.
    #[error("{field} = {value}: {problem}")]
    Configuration {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        problem: &'static str,
    },
    /// An image can't be read.
    #[error("image: {problem}")]
    Image {
        /// What is wrong.
        problem: String,
    },
    /// A network failed, or its tensors have another size than the pre- or post-processing expects.
    #[error("network `{name}`: {problem}")]
    Network {
        /// The network.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// `Ok` where `value` is finite and above zero.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<(), PerceptionError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(PerceptionError::Configuration { field, value, problem: "must be finite and above 0" })
    }
}

/// `Ok` where `value` is finite.
pub(crate) fn finite(what: &'static str, value: f64) -> Result<(), PerceptionError> {
    if value.is_finite() { Ok(()) } else { Err(PerceptionError::NotFinite { what }) }
}
