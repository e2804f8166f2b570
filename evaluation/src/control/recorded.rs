//! Recorded drives as paths to follow: comma2k19's poses and KITTI's INS.

use super::{Course, Motion, RecordedPath};
use crate::EvaluationError;
use auriga_geometry::Vec2;
use auriga_geometry::math::{atan2, hypot, sin_cos};
use auriga_sim_bridge::sensors::TangentPlane;

/// The drive's poses come 20 times a second; smoothed over half a second to each side.
const COMMA_SPREAD: usize = 10;
/// One INS sample for each scan, 0.1036 s apart (`../shared/data/kitti_raw/README.md`).
const KITTI_PERIOD_S: f64 = 0.1036;
const KITTI_SPREAD: usize = 4;

impl RecordedPath {
    /// A comma2k19 segment: the contents of `global_pose/frame_positions` (NumPy, ECEF, metres) and `frame_times` (s).
    ///
    /// # Errors
    /// [`EvaluationError::File`] where a file is no NumPy array of 64-bit floats, or too short to be a path.
    pub fn comma2k19(positions: &[u8], times: &[u8]) -> Result<Self, EvaluationError> {
        let places = floats(positions, "frame_positions")?;
        let times = floats(times, "frame_times")?;
        let (points, _) = places.as_chunks::<3>();
        if points.len() < 4 || times.len() != points.len() {
            return Err(file_error("frame_positions", "not three coordinates for each of the frame's times"));
        }
        Self::through("comma2k19", &east_north(points), &times, COMMA_SPREAD)
    }

    /// A KITTI drive: the text of its INS samples, one a line.
    ///
    /// # Errors
    /// [`EvaluationError::Line`] where a line does not begin with latitude and longitude in degrees; [`EvaluationError::File`]
    /// where there are too few.
    pub fn kitti(oxts: &str) -> Result<Self, EvaluationError> {
        let mut places = Vec::new();
        let mut plane = None;
        for (i, line) in oxts.lines().enumerate() {
            let mut numbers = line.split_whitespace().map(str::parse::<f64>);
            let (Some(Ok(latitude)), Some(Ok(longitude))) = (numbers.next(), numbers.next()) else {
                let problem = "expected latitude and longitude".to_owned();
                return Err(EvaluationError::Line { file: "oxts".to_owned(), line: i + 1, problem });
            };
            let plane =
                plane.get_or_insert_with(|| TangentPlane::new(latitude.to_radians(), longitude.to_radians()));
            places.push(plane.to_map(latitude, longitude));
        }
        let times: Vec<f64> = (0..places.len()).map(|i| i as f64 * KITTI_PERIOD_S).collect();
        Self::through("KITTI 0005", &places, &times, KITTI_SPREAD)
    }

    fn through(name: &str, places: &[Vec2], times: &[f64], spread: usize) -> Result<Self, EvaluationError> {
        let course = Course::through(places, spread)
            .ok_or_else(|| file_error(name, "too few places to make a path"))?;
        let mut near = 0.0;
        let mut samples = Vec::with_capacity(places.len());
        for (place, time) in places.iter().zip(times) {
            near = course.beside(&auriga_geometry::Pose2::new(place.x, place.y, 0.0), near).s.max(near);
            samples.push((near, *time));
        }
        Ok(Self { name: name.to_owned(), course, motion: Motion::recorded(&samples) })
    }
}

fn file_error(file: &str, problem: &str) -> EvaluationError {
    EvaluationError::File { file: file.to_owned(), problem: problem.to_owned() }
}

/// ECEF to east and north of the first point, in its tangent plane.
fn east_north(points: &[[f64; 3]]) -> Vec<Vec2> {
    let [x0, y0, z0] = points[0];
    let longitude = atan2(y0, x0);
    // WGS 84: e² = 0.00669438; the latitude's fixed point is reached in a few rounds near the ground.
    let distance = hypot(x0, y0);
    let mut latitude = atan2(z0, distance * (1.0 - 0.006_694_379_990_14));
    for _ in 0..8 {
        let (sin, _) = sin_cos(latitude);
        let radius = 6_378_137.0 / (1.0 - 0.006_694_379_990_14 * sin * sin).sqrt();
        latitude = atan2(z0 + 0.006_694_379_990_14 * radius * sin, distance);
    }
    let ((sin_lat, cos_lat), (sin_lon, cos_lon)) = (sin_cos(latitude), sin_cos(longitude));
    points
        .iter()
        .map(|[x, y, z]| {
            let (dx, dy, dz) = (x - x0, y - y0, z - z0);
            let outwards = cos_lon * dx + sin_lon * dy;
            Vec2::new(cos_lon * dy - sin_lon * dx, cos_lat * dz - sin_lat * outwards)
        })
        .collect()
}

/// The numbers of a NumPy file (format 1.0 or 2.0) of little-endian 64-bit floats in C order.
fn floats(bytes: &[u8], file: &str) -> Result<Vec<f64>, EvaluationError> {
    let bad = |problem: &str| file_error(file, problem);
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| bad("not a NumPy file"))?;
    let (length, at) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err(bad("an unknown version of the NumPy format")),
    };
    let header = rest.get(at..at + length).ok_or_else(|| bad("it ends within its header"))?;
    let header = core::str::from_utf8(header).map_err(|_| bad("its header is not text"))?;
    if !header.contains("'<f8'") || !header.contains("'fortran_order': False") {
        return Err(bad("not an array of little-endian 64-bit floats in C order"));
    }
    let (numbers, left) = rest[at + length..].as_chunks::<8>();
    if !left.is_empty() {
        return Err(bad("it ends within a number"));
    }
    let numbers: Vec<f64> = numbers.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect();
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(numbers)
    } else {
        Err(bad("a number is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(numbers: &[f64], header: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        bytes
    }

    const HEADER: &str = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n";

    #[test]
    fn numpy_files_are_read_or_refused() {
        assert_eq!(floats(&array(&[1.0, -2.5], HEADER), "a").unwrap(), [1.0, -2.5]);
        let refuses = |bytes: &[u8], part: &str| {
            let error = floats(bytes, "some file").unwrap_err().to_string();
            assert!(error.contains("some file") && error.contains(part), "{error}");
        };
        refuses(b"", "not a NumPy");
        refuses(b"\x93NUMPY\x07", "version");
        refuses(&array(&[1.0], HEADER)[..30], "header");
        refuses(&array(&[1.0], &HEADER.replace("f8", "f4")), "64-bit");
        refuses(&array(&[f64::NAN], HEADER), "finite");
        let mut cut = array(&[1.0], HEADER);
        cut.pop();
        refuses(&cut, "within a number");
        assert!(RecordedPath::comma2k19(&array(&[1.0; 9], HEADER), &array(&[1.0; 3], HEADER)).is_err());
        assert!(RecordedPath::kitti("49.0 8.4\n49.0\n").unwrap_err().to_string().contains("oxts:2"));
        assert!(RecordedPath::kitti("").is_err());
    }

    #[test]
    fn east_is_east_and_north_is_north() {
        // On the equator at Greenwich: y points east, z north.
        let places = east_north(&[[6_378_137.0, 0.0, 0.0], [6_378_137.0, 3.0, 0.0], [6_378_137.0, 0.0, 4.0]]);
        assert!(
            (places[1] - Vec2::new(3.0, 0.0)).norm() < 1e-9
                && (places[2] - Vec2::new(0.0, 4.0)).norm() < 1e-9
        );
    }
}
