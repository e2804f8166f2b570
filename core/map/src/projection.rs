//! Between latitude and longitude and a map's plane: the transverse Mercator projection, and so UTM and MGRS.
//!
//! Krüger's series to the fourth order in the third flattening (Karney, "Transverse Mercator with an accuracy of a few
//! nanometers", Journal of Geodesy 85, 2011, equations 35 and 36): within a micrometre inside a zone. Written out, not taken
//! from PROJ, because its results would depend on the platform's libm.
//!
//! ```
//! use auriga_map::Projection;
//!
//! let projection = Projection::from_proj("+proj=utm +zone=54 +datum=WGS84").unwrap();
//! let at = projection.project(35.903_555_800_615_61_f64.to_radians(), 139.933_399_790_225_68_f64.to_radians());
//! assert!((at.x - 403_751.1965).abs() < 1e-3 && (at.y - 3_973_776.8611).abs() < 1e-3);
//! ```

use auriga_geometry::Vec2;
use auriga_geometry::math::{FRAC_PI_2, atan, atan2, cos, exp, ln, sin, sin_cos, tan, wrap_angle};

/// WGS 84: semi-major axis, metres, and flattening. GRS 80 differs by a tenth of a millimetre.
const SEMI_MAJOR: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
/// The third flattening.
const N: f64 = FLATTENING / (2.0 - FLATTENING);
const N2: f64 = N * N;
const N3: f64 = N * N2;
const N4: f64 = N2 * N2;
/// The radius of the sphere whose meridians are as long.
const RADIUS: f64 = SEMI_MAJOR / (1.0 + N) * (1.0 + N2 / 4.0 + N4 / 64.0);
/// Karney's α and β.
const FORWARD: [f64; 4] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 5.0 / 16.0 * N3 + 41.0 / 180.0 * N4,
    13.0 / 48.0 * N2 - 3.0 / 5.0 * N3 + 557.0 / 1440.0 * N4,
    61.0 / 240.0 * N3 - 103.0 / 140.0 * N4,
    49_561.0 / 161_280.0 * N4,
];
const INVERSE: [f64; 4] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 37.0 / 96.0 * N3 - N4 / 360.0,
    N2 / 48.0 + N3 / 15.0 - 437.0 / 1440.0 * N4,
    17.0 / 480.0 * N3 - 37.0 / 840.0 * N4,
    4397.0 / 161_280.0 * N4,
];

/// A transverse Mercator projection of the WGS 84 ellipsoid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// The central meridian, radians east.
    pub longitude: f64,
    /// The latitude that has `y` = `offset.y` on the central meridian, radians north.
    pub latitude: f64,
    /// Scale on the central meridian.
    pub scale: f64,
    /// Added to east and north, metres.
    pub offset: Vec2,
}

impl Projection {
    /// The plane that touches at a point; radians.
    #[must_use]
    pub fn local(latitude: f64, longitude: f64) -> Self {
        Self { longitude, latitude, scale: 1.0, offset: Vec2::zeros() }
    }

    /// UTM's zone for a point, radians, without the exceptions of Norway and Svalbard.
    #[must_use]
    pub fn utm(latitude: f64, longitude: f64) -> Self {
        let zone = ((wrap_angle(longitude).to_degrees() + 180.0) / 6.0).floor().clamp(0.0, 59.0);
        Self::utm_zone(zone as u32 + 1, latitude < 0.0)
    }

    fn utm_zone(zone: u32, south: bool) -> Self {
        let longitude = (6.0 * f64::from(zone) - 183.0).to_radians();
        let north = if south { 10_000_000.0 } else { 0.0 };
        Self { longitude, latitude: 0.0, scale: 0.9996, offset: Vec2::new(500_000.0, north) }
    }

    /// From the PROJ text of a `<geoReference>`: `+proj=tmerc` and `+proj=utm`; `None` for others. The ellipsoid is taken
    /// for WGS 84, geoid grids are not looked at.
    #[must_use]
    pub fn from_proj(text: &str) -> Option<Self> {
        let word = |key: &str| text.split_whitespace().find_map(|word| word.strip_prefix(key));
        let number = |key: &str, default: f64| match word(key) {
            Some(value) => value.parse::<f64>().ok().filter(|value| value.is_finite()),
            None => Some(default),
        };
        let shift = Vec2::new(number("+x_0=", 0.0)?, number("+y_0=", 0.0)?);
        match word("+proj=")? {
            "utm" => {
                let zone = word("+zone=")?.parse().ok().filter(|zone| (1..=60).contains(zone))?;
                Some(Self::utm_zone(zone, text.split_whitespace().any(|word| word == "+south")))
            }
            "tmerc" | "etmerc" => {
                let scale = number("+k_0=", number("+k=", 1.0)?)?;
                let (latitude, longitude) = (number("+lat_0=", 0.0)?, number("+lon_0=", 0.0)?);
                let valid = scale > 0.0 && latitude.abs() <= 90.0 && longitude.abs() <= 360.0;
                valid.then_some(Self {
                    longitude: longitude.to_radians(),
                    latitude: latitude.to_radians(),
                    scale,
                    offset: shift,
                })
            }
            _ => None,
        }
    }

    /// The point of the plane for a latitude and longitude, radians; metres.
    #[must_use]
    pub fn project(&self, latitude: f64, longitude: f64) -> Vec2 {
        let at = from_sphere(latitude, wrap_angle(longitude - self.longitude));
        let origin = from_sphere(self.latitude, 0.0);
        self.offset + (at - origin) * (self.scale * RADIUS)
    }

    /// (latitude, longitude) of a point of the plane; radians.
    #[must_use]
    pub fn unproject(&self, point: Vec2) -> (f64, f64) {
        let at = (point - self.offset) / (self.scale * RADIUS) + from_sphere(self.latitude, 0.0);
        let (mut xi, mut eta) = (at.y, at.x);
        for (j, beta) in INVERSE.iter().enumerate() {
            let k = 2.0 * (j + 1) as f64;
            let (sin, cos) = sin_cos(k * at.y);
            xi -= beta * sin * cosh(k * at.x);
            eta -= beta * cos * sinh(k * at.x);
        }
        let (sin_xi, cos_xi) = sin_cos(xi);
        let sinh_eta = sinh(eta);
        let tau_conformal = sin_xi / (sinh_eta * sinh_eta + cos_xi * cos_xi).sqrt();
        (from_conformal(tau_conformal), wrap_angle(self.longitude + atan2(sinh_eta, cos_xi)))
    }
}

/// East and north on the unit sphere of rectified latitude, for a longitude counted from the central meridian.
fn from_sphere(latitude: f64, longitude: f64) -> Vec2 {
    let tau = conformal(latitude);
    let (sin_longitude, cos_longitude) = (sin(longitude), cos(longitude));
    let xi = atan2(tau, cos_longitude);
    let eta = asinh(sin_longitude / (tau * tau + cos_longitude * cos_longitude).sqrt());
    let mut at = Vec2::new(eta, xi);
    for (j, alpha) in FORWARD.iter().enumerate() {
        let k = 2.0 * (j + 1) as f64;
        let (sin, cos) = sin_cos(k * xi);
        at += Vec2::new(alpha * cos * sinh(k * eta), alpha * sin * cosh(k * eta));
    }
    at
}

fn eccentricity() -> f64 {
    (FLATTENING * (2.0 - FLATTENING)).sqrt()
}

/// The tangent of the conformal latitude (Karney, equations 7 to 9).
fn conformal(latitude: f64) -> f64 {
    let e = eccentricity();
    // Just below the poles, where the tangent is still finite.
    let steepest = FRAC_PI_2 - 1e-9;
    let tau = tan(latitude.clamp(-steepest, steepest));
    let sigma = sinh(e * atanh(e * tau / (1.0 + tau * tau).sqrt()));
    tau * (1.0 + sigma * sigma).sqrt() - sigma * (1.0 + tau * tau).sqrt()
}

/// The latitude of a conformal latitude's tangent, by Newton's method (Karney, equations 19 to 21).
fn from_conformal(tau_conformal: f64) -> f64 {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let mut tau = tau_conformal;
    for _ in 0..5 {
        let at = conformal(atan(tau));
        let slope = (1.0 + (1.0 - e2) * tau * tau) / ((1.0 - e2) * (1.0 + tau * tau).sqrt());
        tau += (tau_conformal - at) / (1.0 + at * at).sqrt() * slope;
    }
    atan(tau)
}

fn sinh(x: f64) -> f64 {
    // Near zero the difference of the exponentials would lose its digits.
    if x.abs() < 1e-3 { x * (1.0 + x * x / 6.0 * (1.0 + x * x / 20.0)) } else { 0.5 * (exp(x) - exp(-x)) }
}

fn cosh(x: f64) -> f64 {
    0.5 * (exp(x) + exp(-x))
}

fn asinh(x: f64) -> f64 {
    let size = x.abs();
    // As sinh: ln(1 + y) for a small y by its series.
    let y = size + size * size / (1.0 + (size * size + 1.0).sqrt());
    x.signum() * ln_1p(y)
}

fn atanh(x: f64) -> f64 {
    0.5 * (ln_1p(x) - ln_1p(-x))
}

fn ln_1p(x: f64) -> f64 {
    if x.abs() < 1e-3 { x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * 0.2)))) } else { ln(1.0 + x) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_are_where_proj_says() {
        // pyproj 3.7 (PROJ 9).
        let cases = [
            (
                "+proj=utm +zone=54 +datum=WGS84",
                35.903_555_800_615_61,
                139.933_399_790_225_68,
                403_751.196_500_409_1,
                3_973_776.861_122_271,
            ),
            (
                "+proj=utm +zone=32 +south +datum=WGS84",
                -33.2,
                7.3,
                341_542.962_868_037_6,
                6_325_253.263_671_469,
            ),
            (
                "+proj=tmerc +lat_0=49 +lon_0=8 +k=1",
                49.003_456_543_51,
                8.424_275_907_07,
                31_042.841_495_578_392,
                471.150_230_057_423_1,
            ),
            ("+proj=tmerc +lat_0=49 +lon_0=8", -3.0, 11.5, 389_330.334_144_009_86, -5_761_976.440_310_366),
        ];
        for (proj, latitude, longitude, x, y) in cases {
            let at = Projection::from_proj(proj)
                .unwrap()
                .project(f64::to_radians(latitude), f64::to_radians(longitude));
            assert!((at - Vec2::new(x, y)).norm() < 1e-5, "{proj}: {at}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(latitude in -1.4..1.4f64, longitude in -0.07..0.07f64, origin in -3.0..3.0f64) {
            let projection = Projection { longitude: origin, latitude: 0.3, scale: 0.9996, offset: Vec2::new(5.0, -7.0) };
            let point = projection.project(latitude, origin + longitude);
            let (found_latitude, found_longitude) = projection.unproject(point);
            prop_assert!((found_latitude - latitude).abs() < 1e-11, "{}", found_latitude - latitude);
            prop_assert!(wrap_angle(found_longitude - origin - longitude).abs() < 1e-11);
        }
    }
}
