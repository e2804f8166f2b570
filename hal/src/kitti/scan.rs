//! A scan's file as a point cloud.
//!
//! `.bin`: little-endian f32 x, y, z (metres), reflectance (0 to 1) a point. `.kvz`: the same without loss in a quarter of
//! the size: `KVZ1`, the number of points n (u32), then a zstd frame of n differences of x, of y, of z (i32,
//! millimetres), and n reflectances (u8, hundredths); all little endian.

use super::{malformed, read_error};
use crate::HalError;
use crate::points::{POINT_BYTES, point_fields};
use auriga_geometry::math::atan2f;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::sensor_msgs::PointCloud2;
use std::f32::consts::PI;
use std::path::Path;

const POINTS_MOST: usize = 1_000_000;

/// x, y, z in metres, reflectance 0 to 1.
pub(super) type Point = [f32; 4];

/// Reads a scan into `points`, by the file's extension.
pub(super) fn read(path: &Path, points: &mut Vec<Point>) -> Result<(), HalError> {
    let bytes = std::fs::read(path).map_err(read_error(path))?;
    let decoded = if path.extension().is_some_and(|extension| extension == "kvz") {
        from_kvz(&bytes, points)
    } else {
        from_bin(&bytes, points)
    };
    decoded.map_err(|problem| malformed(path, problem))
}

pub(super) fn from_bin(bytes: &[u8], points: &mut Vec<Point>) -> Result<(), String> {
    if !bytes.len().is_multiple_of(16) {
        return Err(format!(
            "{} bytes are no multiple of the 16 of a point; the scan is cut short, get the file again",
            bytes.len()
        ));
    }
    check_count(bytes.len() / 16)?;
    points.clear();
    points.extend(bytes.as_chunks::<16>().0.iter().map(|point| {
        let value = |i: usize| f32::from_le_bytes([point[i], point[i + 1], point[i + 2], point[i + 3]]);
        [value(0), value(4), value(8), value(12)]
    }));
    Ok(())
}

pub(super) fn from_kvz(bytes: &[u8], points: &mut Vec<Point>) -> Result<(), String> {
    let (b"KVZ1", [n0, n1, n2, n3, frame @ ..]) = bytes.split_at_checked(4).unwrap_or_default() else {
        return Err("does not start with KVZ1 and a number of points; get the file again".to_owned());
    };
    let n = u32::from_le_bytes([*n0, *n1, *n2, *n3]) as usize;
    check_count(n)?;
    let columns = zstd::bulk::decompress(frame, 13 * n)
        .map_err(|error| format!("{n} points cannot be decompressed ({error}); get the file again"))?;
    if columns.len() != 13 * n {
        return Err(format!(
            "{n} points announced, {} bytes instead of {} follow; get the file again",
            columns.len(),
            13 * n
        ));
    }
    points.clear();
    points.resize(n, [0.0; 4]);
    let (coordinates, reflectances) = columns.split_at(12 * n);
    for (axis, column) in coordinates.chunks_exact((4 * n).max(1)).enumerate() {
        let mut sum = 0_i64;
        for (point, difference) in points.iter_mut().zip(column.as_chunks::<4>().0) {
            sum += i64::from(i32::from_le_bytes(*difference));
            point[axis] = (sum as f64 / 1000.0) as f32;
        }
    }
    for (point, &reflectance) in points.iter_mut().zip(reflectances) {
        point[3] = (f64::from(reflectance) / 100.0) as f32;
    }
    Ok(())
}

fn check_count(points: usize) -> Result<(), String> {
    match points {
        0 => Err("no points; get the file again".to_owned()),
        1..=POINTS_MOST => Ok(()),
        _ => Err(format!("{points} points, more than {POINTS_MOST} that a scanner could give; damaged")),
    }
}

/// Fills `cloud` with a scan in Auriga's layout. Points that are not finite are left out; rings are unknown (0).
pub(super) fn to_cloud(points: &[Point], start: LogicalTime, span: LogicalDuration, cloud: &mut PointCloud2) {
    cloud.header.stamp = start.into();
    "lidar".clone_into(&mut cloud.header.frame_id);
    cloud.fields = point_fields();
    cloud.data.clear();
    cloud.data.reserve(points.len() * POINT_BYTES);
    let span_ns = span.as_nanos().clamp(0, i64::from(u32::MAX)) as f64;
    for point in points.iter().filter(|point| point.iter().all(|value| value.is_finite())) {
        let [x, y, z, reflectance] = *point;
        let mut bytes = [0; POINT_BYTES];
        bytes[0..4].copy_from_slice(&x.to_le_bytes());
        bytes[4..8].copy_from_slice(&y.to_le_bytes());
        bytes[8..12].copy_from_slice(&z.to_le_bytes());
        bytes[12..16].copy_from_slice(&reflectance.to_le_bytes());
        let nanos = (f64::from(turned(x, y)) * span_ns) as u32;
        bytes[16..20].copy_from_slice(&nanos.to_le_bytes());
        cloud.data.extend_from_slice(&bytes);
    }
    cloud.height = 1;
    cloud.width = (cloud.data.len() / POINT_BYTES) as u32;
    cloud.is_bigendian = false;
    cloud.point_step = POINT_BYTES as u32;
    cloud.row_step = cloud.data.len() as u32;
    cloud.is_dense = true;
}

/// The part of the turn, 0 to 1, after which the scanner looks at a point: 0 at the rear, then right, ahead (½), left.
pub(super) fn turned(x: f32, y: f32) -> f32 {
    ((atan2f(y, x) + PI) / (2.0 * PI)).clamp(0.0, 1.0)
}
