//! Between the map's plane and the globe.

use auriga_geometry::Vec2;
use auriga_geometry::math::{cos, sin};
use auriga_map::GeoReference;

/// WGS 84: semi-major axis, metres.
const SEMI_MAJOR: f64 = 6_378_137.0;
/// WGS 84: flattening.
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// The plane that touches the ellipsoid at the map's origin: x east, y north.
///
/// `latitude = latitude0 + north / M`, `longitude = longitude0 + east / (N cos latitude0)`, with the radii of curvature
/// `M = a (1 − e²) / (1 − e² sin² latitude0)^(3/2)` (meridian) and `N = a / (1 − e² sin² latitude0)^(1/2)` (prime vertical)
/// at the origin. Within a few kilometres the error against a transverse Mercator projection is below 1 m, and it does
/// not matter: whoever localises uses the inverse of the same formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TangentPlane {
    latitude: f64,
    longitude: f64,
    meters_per_latitude: f64,
    meters_per_longitude: f64,
}

impl TangentPlane {
    /// The plane at `latitude`, `longitude`, radians.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Self {
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let sin_latitude = sin(latitude);
        let w = (1.0 - e2 * sin_latitude * sin_latitude).sqrt();
        Self {
            latitude,
            longitude,
            meters_per_latitude: SEMI_MAJOR * (1.0 - e2) / (w * w * w),
            meters_per_longitude: SEMI_MAJOR / w * cos(latitude),
        }
    }

    /// The plane of a map; one without a geo-reference lies where the equator meets the prime meridian.
    #[must_use]
    pub fn of_map(reference: Option<&GeoReference>) -> Self {
        reference.map_or_else(|| Self::new(0.0, 0.0), |origin| Self::new(origin.latitude, origin.longitude))
    }

    /// Latitude and longitude of a point of the map, degrees.
    #[must_use]
    pub fn to_degrees(&self, point_in_map: Vec2) -> (f64, f64) {
        let latitude = self.latitude + point_in_map.y / self.meters_per_latitude;
        let longitude = self.longitude + point_in_map.x / self.meters_per_longitude;
        (latitude.to_degrees(), longitude.to_degrees())
    }

    /// The point of the map at a latitude and longitude in degrees.
    #[must_use]
    pub fn to_map(&self, latitude: f64, longitude: f64) -> Vec2 {
        Vec2::new(
            (longitude.to_radians() - self.longitude) * self.meters_per_longitude,
            (latitude.to_radians() - self.latitude) * self.meters_per_latitude,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_degree_has_the_length_of_the_tables() {
        // NGA.STND.0036, WGS 84: at 45° a degree of latitude is 111 131.8 m, of longitude 78 846.8 m.
        let plane = TangentPlane::new(45.0_f64.to_radians(), 0.1);
        let (latitude, longitude) = plane.to_degrees(Vec2::new(78_846.8, 111_131.8));
        assert!((latitude - 46.0).abs() < 1e-5, "{latitude}");
        assert!((longitude - 0.1_f64.to_degrees() - 1.0).abs() < 1e-5, "{longitude}");
    }

    proptest! {
        #[test]
        fn there_and_back(x in -5e3..5e3, y in -5e3..5e3, latitude in -1.4..1.4, longitude in -3.0..3.0) {
            let plane = TangentPlane::new(latitude, longitude);
            let (a, b) = plane.to_degrees(Vec2::new(x, y));
            prop_assert!((plane.to_map(a, b) - Vec2::new(x, y)).norm() < 1e-6);
        }
    }
}
