//! Elementary functions with the same result on every machine (the `libm` crate; no platform libm, no fused
//! multiply-add), and angles.

pub use core::f64::consts::{FRAC_PI_2, PI, TAU};
pub use libm::{
    acos, asin, atan, atan2, atan2f, cbrt, cos, cosf, exp, expf, hypot, hypotf, log as ln, pow, powf, sin,
    sinf, tan, tanf, tanh, tanhf,
};

/// Sine and cosine of an angle in radians.
#[inline]
#[must_use]
pub fn sin_cos(angle: f64) -> (f64, f64) {
    libm::sincos(angle)
}

/// The same angle in (−π, π].
#[inline]
#[must_use]
pub fn wrap_angle(angle: f64) -> f64 {
    if angle > -PI && angle <= PI {
        return angle;
    }
    let turns = libm::floor((angle + PI) / TAU);
    let wrapped = angle - turns * TAU;
    if wrapped <= -PI {
        wrapped + TAU
    } else if wrapped > PI {
        wrapped - TAU
    } else {
        wrapped
    }
}

/// The signed turn from `from` to `to` by the shorter way, radians in (−π, π].
#[inline]
#[must_use]
pub fn angle_difference(to: f64, from: f64) -> f64 {
    wrap_angle(to - from)
}

/// Linear interpolation: `a` at 0, `b` at 1.
#[inline]
#[must_use]
pub fn lerp(a: f64, b: f64, ratio: f64) -> f64 {
    a + (b - a) * ratio
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wrapped_angle_is_in_range_and_the_same_direction(angle in -1e4..1e4) {
            let wrapped = wrap_angle(angle);
            prop_assert!(wrapped > -PI && wrapped <= PI);
            prop_assert!((sin(wrapped) - sin(angle)).abs() < 1e-9);
            prop_assert!((cos(wrapped) - cos(angle)).abs() < 1e-9);
        }
    }

    #[test]
    fn half_a_turn_is_positive() {
        assert_eq!(wrap_angle(-PI), PI);
        assert_eq!(wrap_angle(PI), PI);
    }
}
