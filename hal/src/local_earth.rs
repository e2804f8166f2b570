//! WGS 84 positions as metres on the plane that touches the ellipsoid at an origin.

use auriga_geometry::Vec3;
use auriga_geometry::math::{atan2, cos, hypot, sin};

/// Equatorial radius, metres, and first eccentricity squared of WGS 84 (NIMA TR8350.2, chapter 3).
const EQUATORIAL_M: f64 = 6_378_137.0;
const ECCENTRICITY_SQUARED: f64 = 6.694_379_990_14e-3;

/// The plane that touches the ellipsoid at an origin: x east, y north, z up from the origin's height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalEarth {
    origin: [f64; 2],
    altitude: f64,
    /// Metres a radian of latitude and of longitude.
    north: f64,
    east: f64,
}

impl LocalEarth {
    /// At a latitude and longitude in radians.
    pub(crate) fn new(origin: [f64; 2], altitude: f64) -> Self {
        let sine = sin(origin[0]);
        let w = 1.0 - ECCENTRICITY_SQUARED * sine * sine;
        let normal = EQUATORIAL_M / w.sqrt();
        Self {
            origin,
            altitude,
            north: normal * (1.0 - ECCENTRICITY_SQUARED) / w,
            east: normal * cos(origin[0]),
        }
    }

    /// Metres; latitude and longitude in radians.
    pub(crate) fn to_plane(self, [latitude, longitude]: [f64; 2], altitude: f64) -> Vec3 {
        Vec3::new(
            (longitude - self.origin[1]) * self.east,
            (latitude - self.origin[0]) * self.north,
            altitude - self.altitude,
        )
    }

    /// Latitude, longitude (degrees) and altitude, moved by metres east, north and up.
    pub(crate) fn moved(&self, [latitude_deg, longitude_deg]: [f64; 2], altitude: f64, by: Vec3) -> [f64; 3] {
        [
            latitude_deg + (by.y / self.north).to_degrees(),
            longitude_deg + (by.x / self.east).to_degrees(),
            altitude + by.z,
        ]
    }
}

/// Latitude and longitude (radians) and height above the ellipsoid (metres) of a point in the earth-centred, earth-fixed
/// frame. Fixed-point iteration on the latitude (Hofmann-Wellenhof et al., *GNSS*, 2008, section 8.2.1): for points near
/// the ground each round brings about two and a half digits.
pub(crate) fn geodetic(ecef: Vec3) -> ([f64; 2], f64) {
    let from_axis = hypot(ecef.x, ecef.y);
    let mut latitude = atan2(ecef.z, from_axis * (1.0 - ECCENTRICITY_SQUARED));
    let mut height = 0.0;
    for _ in 0..8 {
        let sine = sin(latitude);
        let normal = EQUATORIAL_M / (1.0 - ECCENTRICITY_SQUARED * sine * sine).sqrt();
        height = from_axis / cos(latitude) - normal;
        latitude = atan2(ecef.z, from_axis * (1.0 - ECCENTRICITY_SQUARED * normal / (normal + height)));
    }
    ([latitude, atan2(ecef.y, ecef.x)], height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The closed form the other way round (the same source, equation 8.8).
    fn ecef([latitude, longitude]: [f64; 2], height: f64) -> Vec3 {
        let sine = sin(latitude);
        let normal = EQUATORIAL_M / (1.0 - ECCENTRICITY_SQUARED * sine * sine).sqrt();
        let from_axis = (normal + height) * cos(latitude);
        let z = (normal * (1.0 - ECCENTRICITY_SQUARED) + height) * sine;
        Vec3::new(from_axis * cos(longitude), from_axis * sin(longitude), z)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn there_and_back(latitude in -1.4..1.4, longitude in -3.1..3.1, height in -400.0..9e3) {
            let ([lat, lon], h) = geodetic(ecef([latitude, longitude], height));
            prop_assert!((lat - latitude).abs() < 1e-12 && (lon - longitude).abs() < 1e-12, "{lat} {lon}");
            prop_assert!((h - height).abs() < 1e-5, "{h}");
        }

        /// Near the origin the plane's metres are those of space.
        #[test]
        fn the_plane_keeps_distances(latitude in -1.2..1.2, longitude in -3.0..3.0, east in -500.0..500.0, north in -500.0..500.0) {
            let earth = LocalEarth::new([latitude, longitude], 30.0);
            let moved = earth.moved([f64::to_degrees(latitude), f64::to_degrees(longitude)], 30.0, Vec3::new(east, north, 0.0));
            let there = [moved[0].to_radians(), moved[1].to_radians()];
            let on_plane = earth.to_plane(there, moved[2]);
            prop_assert!((on_plane - Vec3::new(east, north, 0.0)).norm() < 1e-6);
            let in_space = (ecef(there, 30.0) - ecef([latitude, longitude], 30.0)).norm();
            prop_assert!((in_space - hypot(east, north)).abs() < 0.15, "{in_space}");
        }
    }
}
