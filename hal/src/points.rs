//! How Auriga's own sensors lay out a scan's points.
//!
//! ```
//! use auriga_hal::points::{POINT_BYTES, point_fields};
//!
//! let fields = point_fields();
//! assert_eq!(fields[5].name, "ring");
//! assert!(fields.iter().all(|field| (field.offset as usize) < POINT_BYTES));
//! ```

use auriga_messages::sensor_msgs::PointField;

/// Bytes of a point; the last two are not used.
pub const POINT_BYTES: usize = 24;

/// x, y, z in metres and intensity as `f32`, nanoseconds since the scan's stamp as `u32`, the beam's number as `u16`.
#[must_use]
pub fn point_fields() -> Vec<PointField> {
    let float = PointField::FLOAT32;
    let fields = [
        ("x", 0, float),
        ("y", 4, float),
        ("z", 8, float),
        ("intensity", 12, float),
        ("t", 16, PointField::UINT32),
        ("ring", 20, PointField::UINT16),
    ];
    let field = |(name, offset, datatype): (&str, u32, u8)| PointField {
        name: name.to_owned(),
        offset,
        datatype,
        count: 1,
    };
    fields.map(field).to_vec()
}
