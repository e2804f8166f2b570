//! WGS 84 latitude and longitude as metres on a plane.

use auriga_geometry::Vec2;
use auriga_geometry::math::{cos, sin};

/// Equatorial radius, metres (WGS 84; NIMA TR8350.2, table 3.1).
const EQUATORIAL_M: f64 = 6_378_137.0;
/// First eccentricity squared (the same, table 3.3).
const ECCENTRICITY_SQUARED: f64 = 6.694_379_990_14e-3;

/// The plane that touches the ellipsoid at the map's origin: x east, y north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TangentPlane {
    latitude: f64,
    longitude: f64,
    /// Metres a radian of latitude and of longitude.
    north: f64,
    east: f64,
}

impl TangentPlane {
    /// The plane at an origin in radians.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Self {
        let s = sin(latitude);
        let w = 1.0 - ECCENTRICITY_SQUARED * s * s;
        let normal = EQUATORIAL_M / w.sqrt();
        let meridian = EQUATORIAL_M * (1.0 - ECCENTRICITY_SQUARED) / (w * w.sqrt());
        Self { latitude, longitude, north: meridian, east: normal * cos(latitude) }
    }

    /// Metres east and north of the origin; latitude and longitude in degrees.
    #[must_use]
    pub fn to_plane(&self, latitude_deg: f64, longitude_deg: f64) -> Vec2 {
        Vec2::new(
            (longitude_deg.to_radians() - self.longitude) * self.east,
            (latitude_deg.to_radians() - self.latitude) * self.north,
        )
    }

    /// Latitude and longitude in degrees of a point of the plane.
    #[must_use]
    pub fn to_degrees(&self, point: Vec2) -> (f64, f64) {
        (
            (point.y / self.north + self.latitude).to_degrees(),
            (point.x / self.east + self.longitude).to_degrees(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_degree_is_as_long_as_geodesy_says() {
        // Length of a degree at 49° (Bowring's closed forms as tabulated): latitude 111 212.5 m, longitude 73 171.8 m.
        let plane = TangentPlane::new(49.0_f64.to_radians(), 8.0_f64.to_radians());
        let p = plane.to_plane(49.01, 8.01);
        assert!((p.y * 100.0 - 111_213.0).abs() < 20.0, "{}", p.y);
        assert!((p.x * 100.0 - 73_172.0).abs() < 20.0, "{}", p.x);
    }

    proptest! {
        #[test]
        fn there_and_back(lat in -80.0..80.0, lon in -179.0..179.0, x in -5e3..5e3, y in -5e3..5e3) {
            let plane = TangentPlane::new(f64::to_radians(lat), f64::to_radians(lon));
            let (a, b) = plane.to_degrees(Vec2::new(x, y));
            prop_assert!((plane.to_plane(a, b) - Vec2::new(x, y)).norm() < 1e-5);
        }
    }
}
