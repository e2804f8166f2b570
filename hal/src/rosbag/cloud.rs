//! Somebody else's point cloud in Auriga's layout: its fields in any order and datatype, of either byte order, organised or
//! not, with or without the instants of its points.

use crate::points::{POINT_BYTES, point_fields};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::sensor_msgs::{PointCloud2, PointField};

const POINTS_MOST: u64 = 1 << 22;
/// No turn takes longer: a point's instant farther from its scan's is of another clock.
const SWEEP_MOST_NS: f64 = 1e9;
/// No lidar of a car sees farther along an axis, metres: some drivers write such values where nothing came back.
const COORDINATE_MOST: f64 = 500.0;

/// Where one value lies within a point.
#[derive(Clone, Copy, Debug)]
struct Slot {
    offset: usize,
    datatype: u8,
}

impl Slot {
    /// The first field of one of these names, checked to lie within a point.
    fn find(cloud: &PointCloud2, names: &[&str]) -> Result<Option<Self>, String> {
        let Some(field) = names.iter().find_map(|name| cloud.fields.iter().find(|field| field.name == *name))
        else {
            return Ok(None);
        };
        let size = match field.datatype {
            PointField::INT8 | PointField::UINT8 => 1,
            PointField::INT16 | PointField::UINT16 => 2,
            PointField::INT32 | PointField::UINT32 | PointField::FLOAT32 => 4,
            PointField::FLOAT64 => 8,
            other => return Err(format!("field {}: datatype {other} is unknown", field.name)),
        };
        let (offset, step) = (field.offset as usize, cloud.point_step as usize);
        if offset.checked_add(size).is_none_or(|end| end > step) {
            return Err(format!(
                "field {}: at byte {offset}, {size} bytes, lies beyond a point of {step}",
                field.name
            ));
        }
        Ok(Some(Self { offset, datatype: field.datatype }))
    }

    fn number(self, point: &[u8], big_endian: bool) -> f64 {
        let raw = |count: usize| {
            let mut bytes = [0; 8];
            bytes[..count].copy_from_slice(&point[self.offset..self.offset + count]);
            if big_endian {
                bytes[..count].reverse();
            }
            bytes
        };
        let four = || raw(4)[..4].try_into().unwrap_or([0; 4]);
        let two = || raw(2)[..2].try_into().unwrap_or([0; 2]);
        match self.datatype {
            PointField::INT8 => f64::from(raw(1)[0] as i8),
            PointField::UINT8 => f64::from(raw(1)[0]),
            PointField::INT16 => f64::from(i16::from_le_bytes(two())),
            PointField::UINT16 => f64::from(u16::from_le_bytes(two())),
            PointField::INT32 => f64::from(i32::from_le_bytes(four())),
            PointField::UINT32 => f64::from(u32::from_le_bytes(four())),
            PointField::FLOAT32 => f64::from(f32::from_le_bytes(four())),
            _ => f64::from_le_bytes(raw(8)),
        }
    }
}

/// How a point's instant is given.
#[derive(Clone, Copy, Debug)]
enum Times {
    /// Nanoseconds after the stamp.
    Nanos(Slot),
    /// Seconds after the stamp; or, where that would be more than a sweep, since the clock's epoch.
    Seconds(Slot),
    None,
}

/// How a cloud's points are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    position: [Slot; 3],
    intensity: Option<Slot>,
    ring: Option<Slot>,
    times: Times,
    row_bytes: usize,
    stamp_s: f64,
}

/// What a scan holds beside its points' places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    /// From the stamp to the oldest point's instant.
    pub oldest: LogicalDuration,
    /// From the stamp to the newest point's.
    pub newest: LogicalDuration,
    /// Points that can be used.
    pub points: usize,
}

impl Layout {
    /// # Errors
    /// What is wrong with a field or the sizes, naming it.
    pub(super) fn of(cloud: &PointCloud2) -> Result<Self, String> {
        let needed = |name: &'static str| {
            Slot::find(cloud, &[name])?.ok_or_else(|| {
                let names: Vec<&str> = cloud.fields.iter().map(|field| field.name.as_str()).collect();
                format!("field {name}: missing; the cloud has {}", names.join(", "))
            })
        };
        let position = [needed("x")?, needed("y")?, needed("z")?];
        let times =
            match Slot::find(cloud, &["t", "time", "time_offset", "offset_time", "timestamp", "time_stamp"])?
            {
                None => Times::None,
                Some(slot) if slot.datatype >= PointField::FLOAT32 => Times::Seconds(slot),
                Some(slot) => Times::Nanos(slot),
            };
        let (width, height, step) =
            (u64::from(cloud.width), u64::from(cloud.height), u64::from(cloud.point_step));
        if width * height > POINTS_MOST {
            return Err(format!("width {width}, height {height}: more than {POINTS_MOST} points"));
        }
        let packed = width * step;
        let row_bytes = if height > 1 { u64::from(cloud.row_step).max(packed) } else { packed };
        let needed = height.checked_sub(1).map_or(0, |rows| rows * row_bytes + packed);
        if (cloud.data.len() as u64) < needed {
            let there = cloud.data.len();
            return Err(format!(
                "field data: {there} bytes for {width} by {height} points of {step}, which take {needed}"
            ));
        }
        Ok(Self {
            position,
            intensity: Slot::find(cloud, &["intensity", "i", "reflectance", "reflectivity", "intensities"])?,
            ring: Slot::find(cloud, &["ring", "channel", "line", "laser_id"])?,
            times,
            row_bytes: row_bytes as usize,
            stamp_s: LogicalTime::from(&cloud.header.stamp).as_secs_f64(),
        })
    }

    /// Calls for each usable point: its bytes, place, and nanoseconds after the stamp.
    fn points(&self, cloud: &PointCloud2, mut visit: impl FnMut(&[u8], [f64; 3], f64)) {
        let (step, big) = (cloud.point_step as usize, cloud.is_bigendian);
        if cloud.width == 0 || step == 0 {
            return;
        }
        for row in 0..cloud.height as usize {
            let start = row * self.row_bytes;
            for point in cloud.data[start..start + cloud.width as usize * step].chunks_exact(step) {
                let at = self.position.map(|slot| slot.number(point, big));
                let is_near = at.iter().all(|value| value.abs() <= COORDINATE_MOST);
                // All zero: nothing came back.
                if !is_near || at == [0.0; 3] {
                    continue;
                }
                let nanos = match self.times {
                    Times::None => 0.0,
                    Times::Nanos(slot) => slot.number(point, big),
                    Times::Seconds(slot) => match slot.number(point, big) {
                        seconds if seconds.abs() * 1e9 <= SWEEP_MOST_NS => seconds * 1e9,
                        seconds => (seconds - self.stamp_s) * 1e9,
                    },
                };
                if nanos.abs() <= SWEEP_MOST_NS {
                    visit(point, at, nanos);
                }
            }
        }
    }

    /// From when to when the scan was swept.
    pub(super) fn sweep(&self, cloud: &PointCloud2) -> Sweep {
        let (mut least, mut most, mut points) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        self.points(cloud, |_, _, nanos| {
            (least, most, points) = (least.min(nanos), most.max(nanos), points + 1);
        });
        let nanos =
            |value: f64| LogicalDuration::from_nanos(if value.is_finite() { value as i64 } else { 0 });
        Sweep { oldest: nanos(least), newest: nanos(most), points }
    }

    /// The scan in Auriga's layout, its stamp the instant of the oldest point.
    pub(super) fn convert(&self, cloud: &PointCloud2, sweep: Sweep, oldest: LogicalTime) -> PointCloud2 {
        let mut data = Vec::with_capacity(sweep.points * POINT_BYTES);
        let (least, span) = (sweep.oldest.as_nanos(), (sweep.newest - sweep.oldest).as_nanos());
        let big = cloud.is_bigendian;
        self.points(cloud, |point, at, nanos| {
            let intensity = self.intensity.map_or(0.0, |slot| {
                let value = slot.number(point, big);
                // Whole numbers are shares of their datatype's range in all drivers that are known.
                match slot.datatype {
                    PointField::UINT8 => value / 255.0,
                    PointField::UINT16 => value / 65_535.0,
                    _ if value.is_finite() => value,
                    _ => 0.0,
                }
            });
            at.iter()
                .chain([&intensity])
                .for_each(|value| data.extend_from_slice(&(*value as f32).to_le_bytes()));
            let after = (nanos as i64 - least).clamp(0, span) as u32;
            data.extend_from_slice(&after.to_le_bytes());
            let ring = self.ring.map_or(0, |slot| slot.number(point, big) as u16);
            data.extend_from_slice(&ring.to_le_bytes());
            data.extend_from_slice(&[0; 2]);
        });
        let mut converted = PointCloud2 {
            height: 1,
            width: (data.len() / POINT_BYTES) as u32,
            fields: point_fields(),
            point_step: POINT_BYTES as u32,
            row_step: data.len() as u32,
            data,
            is_dense: true,
            ..PointCloud2::default()
        };
        converted.header.stamp = oldest.into();
        "lidar".clone_into(&mut converted.header.frame_id);
        converted
    }
}
