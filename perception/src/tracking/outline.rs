//! The extent of an object, and where its centre is when only a part of it is seen.

use super::class::Class;
use auriga_geometry::math::{FRAC_PI_2, PI, wrap_angle};
use auriga_geometry::{OrientedBox, Pose2, Vec2};

/// The turn from `from` to the direction nearest to it that is `to` up to half a turn.
pub(super) fn half_turn_difference(to: f64, from: f64) -> f64 {
    let d = wrap_angle(to - from);
    if d > FRAC_PI_2 {
        d - PI
    } else if d < -FRAC_PI_2 {
        d + PI
    } else {
        d
    }
}

/// A detected box turned by quarter turns so that its heading is the one nearest to `yaw`.
pub(super) fn aligned(outline: &OrientedBox, yaw: f64) -> OrientedBox {
    let off = half_turn_difference(outline.center.yaw, yaw);
    if off.abs() <= FRAC_PI_2 / 2.0 {
        let center = Pose2::new(outline.center.x, outline.center.y, wrap_angle(yaw + off));
        return OrientedBox::new(center, outline.length, outline.width);
    }
    let off = off - FRAC_PI_2 * off.signum();
    let center = Pose2::new(outline.center.x, outline.center.y, wrap_angle(yaw + off));
    OrientedBox::new(center, outline.width, outline.length)
}

/// The extent after another sight of it: it grows at once towards what is seen and shrinks slowly, within the class's
/// limits.
pub(super) fn extent_after(known: (f64, f64), seen: (f64, f64), class: Class) -> (f64, f64) {
    let (length_most, width_most) = class.extent_most();
    let one = |known: f64, seen: f64, most: f64| {
        let next = if seen > known { known + 0.5 * (seen - known) } else { known + 0.02 * (seen - known) };
        next.min(most.max(0.1))
    };
    (one(known.0, seen.0, length_most), one(known.1, seen.1, width_most))
}

/// Centre of a box of the known extent that shares with the seen box the faces turned to `eye`: a car of which only the
/// rear is seen does not move when its side comes into sight.
pub(super) fn anchored_center(seen: &OrientedBox, extent: (f64, f64), eye: Vec2) -> Vec2 {
    let eye = seen.center.to_local(eye);
    let along = |eye: f64, seen_size: f64, known_size: f64| {
        let half = seen_size / 2.0;
        if eye > half {
            half - known_size / 2.0
        } else if eye < -half {
            known_size / 2.0 - half
        } else {
            0.0
        }
    };
    seen.center.to_parent(Vec2::new(along(eye.x, seen.length, extent.0), along(eye.y, seen.width, extent.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn alignment_keeps_the_rectangle(yaw in -3.1..3.1, other in -3.1..3.1, l in 0.5..6.0, w in 0.5..3.0) {
            let seen = OrientedBox::new(Pose2::new(3.0, -2.0, yaw), l, w);
            let turned = aligned(&seen, other);
            prop_assert!(seen.intersection_over_union(&turned) > 1.0 - 1e-9);
            prop_assert!(wrap_angle(turned.center.yaw - other).abs() <= FRAC_PI_2 / 2.0 + 1e-9);
        }

        /// A box cut off on its far side still has the centre of the whole one.
        #[test]
        fn the_hidden_part_does_not_move_the_centre(yaw in -3.1..3.1, x in 8.0..30.0, y in -10.0..10.0, cut in 0.0..2.0) {
            let whole = OrientedBox::new(Pose2::new(x, y, yaw), 4.4, 1.8);
            let eye = whole.center.to_local(Vec2::zeros());
            prop_assume!(eye.x.abs() > 2.3);
            let middle = Vec2::new(cut / 2.0 * eye.x.signum(), 0.0);
            let middle = whole.center.to_parent(middle);
            let seen = OrientedBox::new(Pose2::new(middle.x, middle.y, yaw), 4.4 - cut, 1.8);
            let center = anchored_center(&seen, (4.4, 1.8), Vec2::zeros());
            prop_assert!((center - whole.center.position()).norm() < 1e-9);
        }
    }
}
