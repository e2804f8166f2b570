//! Reading a point cloud message of any layout into points.

use crate::PerceptionError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::sensor_msgs::{PointCloud2, PointField};

/// The most points taken from one scan.
const POINTS_MAX: usize = 1 << 22;
/// A point later than this after the scan's start has a broken time and is skipped, nanoseconds.
const OFFSET_MAX_NS: u32 = 1_000_000_000;

/// One return.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LidarPoint {
    /// In the sensor's frame, metres.
    pub position: [f32; 3],
    /// As the sensor gives it; 0 where it gives none.
    pub intensity: f32,
    /// Nanoseconds after the scan's start; 0 where the cloud has no times.
    pub time_offset_ns: u32,
    /// Beam number; 0 where the cloud has none.
    pub ring: u16,
}

/// The points of one scan. Kept by its user, so that its memory is reused.
#[derive(Clone, Debug, Default)]
pub struct Cloud {
    /// Instant of the oldest point.
    pub start: LogicalTime,
    /// Instant of the newest point.
    pub end: LogicalTime,
    /// Finite points only.
    pub points: Vec<LidarPoint>,
    /// Points left out because a coordinate or time was not usable, or all coordinates were zero (no return).
    pub skipped: usize,
}

impl Cloud {
    /// Replaces the points by those of a message.
    ///
    /// # Errors
    /// Missing `x`, `y` or `z`, an unknown field type, a field past the end of a point, or data shorter than stated. The
    /// cloud is empty then.
    pub fn read(&mut self, message: &PointCloud2) -> Result<(), PerceptionError> {
        self.points.clear();
        self.skipped = 0;
        self.start = LogicalTime::from(&message.header.stamp);
        self.end = self.start;
        let layout = Layout::of(message)?;
        let step = message.point_step as usize;
        let row_bytes = check_size(message, step)?;
        if message.width == 0 {
            return Ok(());
        }
        self.points.reserve(message.width as usize * message.height as usize);
        let mut offset_max = 0;
        for row in 0..message.height as usize {
            let start = row * row_bytes;
            let row = &message.data[start..start + message.width as usize * step];
            for bytes in row.chunks_exact(step) {
                let point = if layout.is_plain { layout.point_plain(bytes) } else { layout.point(bytes) };
                match point {
                    Some(point) => {
                        offset_max = offset_max.max(point.time_offset_ns);
                        self.points.push(point);
                    }
                    None => self.skipped += 1,
                }
            }
        }
        self.end = self.start + LogicalDuration::from_nanos(i64::from(offset_max));
        Ok(())
    }

    /// Refuses a scan with fewer points.
    ///
    /// # Errors
    /// [`PerceptionError::Blind`]; the cloud is empty then.
    pub fn demand(&mut self, least: usize) -> Result<(), PerceptionError> {
        let points = self.points.len();
        if points < least {
            self.points.clear();
            return Err(PerceptionError::Blind { points, least });
        }
        Ok(())
    }
}

/// Checks the data's size; gives bytes a row.
fn check_size(message: &PointCloud2, step: usize) -> Result<usize, PerceptionError> {
    let (width, height) = (message.width as usize, message.height as usize);
    if width.saturating_mul(height) > POINTS_MAX {
        return Err(PerceptionError::CloudTooLarge {
            points: width.saturating_mul(height),
            most: POINTS_MAX,
        });
    }
    let packed = width * step;
    let row_bytes = if height > 1 { (message.row_step as usize).max(packed) } else { packed };
    let needed = if height == 0 { 0 } else { (height - 1).saturating_mul(row_bytes).saturating_add(packed) };
    if message.data.len() < needed {
        return Err(PerceptionError::CloudTooShort {
            width: message.width,
            height: message.height,
            available: message.data.len(),
            needed,
        });
    }
    Ok(row_bytes)
}

/// Where one value lies within a point.
#[derive(Clone, Copy, Debug)]
struct Slot {
    offset: usize,
    datatype: u8,
}

/// Where the values lie within a point.
#[derive(Clone, Copy, Debug)]
struct Layout {
    x: Slot,
    y: Slot,
    z: Slot,
    intensity: Option<Slot>,
    time: Option<Slot>,
    ring: Option<Slot>,
    big_endian: bool,
    /// Start of the scan, seconds: sensors that give absolute times give them in these.
    start_s: f64,
    /// Little endian, f32 coordinates and intensity, u32 times, u16 rings: read without looking at types.
    is_plain: bool,
}

impl Layout {
    fn of(message: &PointCloud2) -> Result<Self, PerceptionError> {
        let needed = |name: &'static str| {
            find(message, &[name])?.ok_or_else(|| PerceptionError::MissingField {
                field: name,
                present: message.fields.iter().map(|f| f.name.clone()).collect(),
            })
        };
        let (x, y, z) = (needed("x")?, needed("y")?, needed("z")?);
        let intensity = find(message, &["intensity", "i", "reflectance", "reflectivity"])?;
        let time = find(message, &["t", "time", "time_offset", "offset_time", "timestamp"])?;
        let ring = find(message, &["ring", "channel", "line"])?;
        let is = |slot: Option<Slot>, datatype| slot.is_none_or(|s| s.datatype == datatype);
        let is_plain = !message.is_bigendian
            && [Some(x), Some(y), Some(z), intensity].iter().all(|&s| is(s, PointField::FLOAT32))
            && is(time, PointField::UINT32)
            && is(ring, PointField::UINT16);
        let start_s = LogicalTime::from(&message.header.stamp).as_secs_f64();
        Ok(Self { x, y, z, intensity, time, ring, big_endian: message.is_bigendian, start_s, is_plain })
    }

    fn point_plain(&self, bytes: &[u8]) -> Option<LidarPoint> {
        let f = |slot: Slot| f32::from_le_bytes(array(bytes, slot.offset));
        finish(LidarPoint {
            position: [f(self.x), f(self.y), f(self.z)],
            intensity: self.intensity.map_or(0.0, f),
            time_offset_ns: self.time.map_or(0, |slot| u32::from_le_bytes(array(bytes, slot.offset))),
            ring: self.ring.map_or(0, |slot| u16::from_le_bytes(array(bytes, slot.offset))),
        })
    }

    fn point(&self, bytes: &[u8]) -> Option<LidarPoint> {
        let value = |slot: Slot| number(bytes, slot, self.big_endian);
        let time = match self.time {
            None => 0.0,
            Some(slot) if slot.datatype >= PointField::FLOAT32 => {
                let seconds = value(slot);
                let is_absolute = seconds > f64::from(OFFSET_MAX_NS) * 1e-9;
                (if is_absolute { seconds - self.start_s } else { seconds }) * 1e9
            }
            Some(slot) => value(slot),
        };
        if !(-1e6..=f64::from(OFFSET_MAX_NS)).contains(&time) {
            return None;
        }
        finish(LidarPoint {
            position: [value(self.x) as f32, value(self.y) as f32, value(self.z) as f32],
            intensity: self.intensity.map_or(0.0, |slot| value(slot) as f32),
            time_offset_ns: time.max(0.0) as u32,
            ring: self.ring.map_or(0, |slot| value(slot) as u16),
        })
    }
}

/// The point, if it is one.
fn finish(mut point: LidarPoint) -> Option<LidarPoint> {
    let [x, y, z] = point.position;
    if !(x.is_finite() && y.is_finite() && z.is_finite()) || point.time_offset_ns > OFFSET_MAX_NS {
        return None;
    }
    if x == 0.0 && y == 0.0 && z == 0.0 {
        return None;
    }
    if !point.intensity.is_finite() {
        point.intensity = 0.0;
    }
    Some(point)
}

/// The first field that has one of these names, checked.
fn find(message: &PointCloud2, names: &[&str]) -> Result<Option<Slot>, PerceptionError> {
    let Some(field) = names.iter().find_map(|name| message.fields.iter().find(|f| f.name == *name)) else {
        return Ok(None);
    };
    let size = match field.datatype {
        PointField::INT8 | PointField::UINT8 => 1,
        PointField::INT16 | PointField::UINT16 => 2,
        PointField::INT32 | PointField::UINT32 | PointField::FLOAT32 => 4,
        PointField::FLOAT64 => 8,
        datatype => {
            return Err(PerceptionError::UnknownDatatype { field: field.name.clone(), datatype });
        }
    };
    let offset = field.offset as usize;
    let (point_step, needed) = (message.point_step as usize, offset + size);
    if needed > point_step {
        return Err(PerceptionError::PointStepTooSmall { field: field.name.clone(), point_step, needed });
    }
    Ok(Some(Slot { offset, datatype: field.datatype }))
}

/// `N` bytes from `offset`; the layout was checked to lie within the point.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

fn number(bytes: &[u8], slot: Slot, big_endian: bool) -> f64 {
    fn ordered<const N: usize>(bytes: &[u8], offset: usize, big_endian: bool) -> [u8; N] {
        let mut out = array(bytes, offset);
        if big_endian {
            out.reverse();
        }
        out
    }
    let (o, big) = (slot.offset, big_endian);
    match slot.datatype {
        PointField::INT8 => f64::from(i8::from_le_bytes(array(bytes, o))),
        PointField::UINT8 => f64::from(bytes[o]),
        PointField::INT16 => f64::from(i16::from_le_bytes(ordered(bytes, o, big))),
        PointField::UINT16 => f64::from(u16::from_le_bytes(ordered(bytes, o, big))),
        PointField::INT32 => f64::from(i32::from_le_bytes(ordered(bytes, o, big))),
        PointField::UINT32 => f64::from(u32::from_le_bytes(ordered(bytes, o, big))),
        PointField::FLOAT32 => f64::from(f32::from_le_bytes(ordered(bytes, o, big))),
        _ => f64::from_le_bytes(ordered(bytes, o, big)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(name: &str, offset: u32, datatype: u8) -> PointField {
        PointField { name: name.to_owned(), offset, datatype, count: 1 }
    }

    fn xyz_cloud(points: &[[f32; 3]]) -> PointCloud2 {
        PointCloud2 {
            height: 1,
            width: points.len() as u32,
            fields: ["x", "y", "z"].iter().zip([0, 4, 8]).map(|(n, o)| field(n, o, 7)).collect(),
            point_step: 12,
            data: points.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(),
            ..PointCloud2::default()
        }
    }

    #[test]
    fn unusable_points_are_counted_not_kept() {
        let mut cloud = Cloud::default();
        cloud
            .read(&xyz_cloud(&[[1.0, 2.0, 3.0], [f32::NAN, 0.0, 0.0], [0.0; 3], [f32::INFINITY, 1.0, 1.0]]))
            .unwrap();
        assert_eq!((cloud.points.len(), cloud.skipped), (1, 3));
        assert_eq!(cloud.points[0].position, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn wrong_layouts_are_named() {
        let mut cloud = Cloud::default();
        let good = xyz_cloud(&[[1.0, 2.0, 3.0]; 4]);
        let mut missing = good.clone();
        missing.fields.remove(0);
        assert!(cloud.read(&missing).unwrap_err().to_string().contains("no field `x`"));
        let mut narrow = good.clone();
        narrow.point_step = 10;
        assert!(cloud.read(&narrow).unwrap_err().to_string().contains("field `z` ends at byte 12"));
        let mut short = good.clone();
        short.data.truncate(47);
        assert!(cloud.read(&short).unwrap_err().to_string().contains("47 bytes of data"));
        let mut strange = good.clone();
        strange.fields[1].datatype = 9;
        assert!(cloud.read(&strange).unwrap_err().to_string().contains("data type 9"));
        let mut huge = good;
        huge.width = u32::MAX;
        assert!(cloud.read(&huge).is_err() && cloud.points.is_empty());
    }

    proptest! {
        #[test]
        fn any_order_type_and_byte_order_reads_the_same(
            values in prop::collection::vec((-80.0_f32..80.0, -80.0_f32..80.0, 0.1_f32..3.0, 0_u32..100_000_000), 1..30),
            big in any::<bool>(), double in any::<bool>(),
        ) {
            let size = if double { 8 } else { 4 };
            let put = |data: &mut Vec<u8>, v: f32| {
                let mut b = if double { f64::from(v).to_le_bytes().to_vec() } else { v.to_le_bytes().to_vec() };
                if big { b.reverse(); }
                data.extend(b);
            };
            let mut data = Vec::new();
            for &(x, y, z, t) in &values {
                put(&mut data, z);
                put(&mut data, x);
                data.extend(if big { t.to_be_bytes() } else { t.to_le_bytes() });
                put(&mut data, y);
            }
            let kind = if double { PointField::FLOAT64 } else { PointField::FLOAT32 };
            let message = PointCloud2 {
                height: 1,
                width: values.len() as u32,
                fields: vec![
                    field("z", 0, kind),
                    field("x", size, kind),
                    field("t", 2 * size, PointField::UINT32),
                    field("y", 2 * size + 4, kind),
                ],
                is_bigendian: big,
                point_step: 3 * size + 4,
                data,
                ..PointCloud2::default()
            };
            let mut cloud = Cloud::default();
            cloud.read(&message).unwrap();
            prop_assert_eq!(cloud.points.len(), values.len());
            for (point, &(x, y, z, t)) in cloud.points.iter().zip(&values) {
                prop_assert_eq!(point.position, [x, y, z]);
                prop_assert_eq!(point.time_offset_ns, t);
            }
            let last = values.iter().map(|v| v.3).max().unwrap();
            prop_assert_eq!(cloud.end.as_nanos(), i64::from(last));
        }

        #[test]
        fn garbage_never_panics(
            fields in prop::collection::vec(("[xyzti]", 0_u32..40, 0_u8..10), 0..7),
            data in prop::collection::vec(any::<u8>(), 0..400),
            width in 0_u32..40, height in 0_u32..4, step in 0_u32..40, row_step in any::<u32>(), big in any::<bool>(),
        ) {
            let fields = fields.iter().map(|(n, o, d)| field(n, *o, *d)).collect();
            let message = PointCloud2 {
                height, width, fields, is_bigendian: big, point_step: step, row_step, data, ..PointCloud2::default()
            };
            let mut cloud = Cloud::default();
            if cloud.read(&message).is_ok() {
                prop_assert!(cloud.points.iter().all(|p| p.position.iter().all(|v| v.is_finite())));
            }
        }
    }
}
