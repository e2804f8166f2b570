//! Writing points into a `sensor_msgs/PointCloud2`.

use auriga_geometry::LogicalTime;
use auriga_hal::points::{POINT_BYTES, point_fields};
use auriga_messages::sensor_msgs::PointCloud2;

/// Makes `cloud` an empty cloud of Auriga's layout.
pub(super) fn begin(cloud: &mut PointCloud2, stamp: LogicalTime) {
    cloud.header.stamp = stamp.into();
    if cloud.header.frame_id != "lidar" {
        "lidar".clone_into(&mut cloud.header.frame_id);
    }
    cloud.height = 1;
    cloud.width = 0;
    if cloud.fields.len() != 6 {
        cloud.fields = point_fields();
    }
    cloud.is_bigendian = false;
    cloud.point_step = POINT_BYTES as u32;
    cloud.is_dense = true;
    cloud.data.clear();
}

/// Coordinates are multiples of 1/512 m, as coarse as a real scanner's (2 mm); recordings are half as large for it.
const PER_METRE: f32 = 512.0;
/// Intensities are multiples of 1/255, as a real scanner's byte.
const INTENSITIES: f32 = 255.0;

#[inline]
fn rounded(value: f32, per_unit: f32) -> f32 {
    (value * per_unit).round() / per_unit
}

/// Appends a point.
#[inline]
pub(super) fn push(cloud: &mut PointCloud2, point: [f32; 3], intensity: f32, nanos: u32, ring: u16) {
    let mut bytes = [0_u8; POINT_BYTES];
    bytes[0..4].copy_from_slice(&rounded(point[0], PER_METRE).to_le_bytes());
    bytes[4..8].copy_from_slice(&rounded(point[1], PER_METRE).to_le_bytes());
    bytes[8..12].copy_from_slice(&rounded(point[2], PER_METRE).to_le_bytes());
    bytes[12..16].copy_from_slice(&rounded(intensity, INTENSITIES).to_le_bytes());
    bytes[16..20].copy_from_slice(&nanos.to_le_bytes());
    bytes[20..22].copy_from_slice(&ring.to_le_bytes());
    cloud.data.extend_from_slice(&bytes);
}

/// Sets the counts after the last point.
pub(super) fn end(cloud: &mut PointCloud2) {
    cloud.width = (cloud.data.len() / POINT_BYTES) as u32;
    cloud.row_step = cloud.data.len() as u32;
}
