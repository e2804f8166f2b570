//! Which things may be road users, as what, and how big they really are where only a part is seen.

use super::boxes::{FittedBox, fit_box};
use super::cluster::{COLUMN_BIT_M, Cluster, Member};
use auriga_geometry::math::{FRAC_PI_2, exp, pow};
use auriga_geometry::{OrientedBox, Pose2, Vec2};

/// A usual car: what is not seen of one is filled up to this, metres.
const CAR: (f64, f64) = (4.1, 1.7);
/// Longer things are no cars, and no lorries, metres.
const VEHICLE_LENGTH_MOST: f64 = 6.9;
/// A wider thing is no car, even with mirrors and a heading that is a little off, metres.
const VEHICLE_WIDTH_MOST: f64 = 2.75;
/// The widest end of a car: what is seen and is longer is a side, metres.
const CAR_END: f64 = 2.3;
/// The scanner is before a face while it is no farther than this beyond the face's ends, metres.
const FACING_M: f64 = 0.3;
/// What looks less like a car is of unknown class.
const VEHICLE_LIKENESS: f64 = 0.01;
const TRUCK_LENGTH_MOST: f64 = 14.0;

/// Points that a 64-beam scanner has on a person at 1 m: 1.7 m × 0.5 m at 0.43° × 0.2°.
const PERSON_POINTS: f64 = 32_000.0;
/// What looks less like a person is of unknown class.
const PERSON_LIKENESS: f64 = 0.25;

/// A thing that may be a road user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Outline in `base_link`; its heading is known up to half a turn.
    pub outline: OrientedBox,
    /// Height of the ground under it in `base_link`, metres.
    pub bottom: f64,
    /// Metres.
    pub height: f64,
    /// As in `Detection3DArray`.
    pub class: &'static str,
    /// 0 to 1.
    pub score: f64,
}

/// What is known of a thing before its class.
struct Seen {
    fitted: FittedBox,
    long: f64,
    short: f64,
    height: f64,
    bottom: f64,
    range: f64,
    points: f64,
}

/// The thing as a candidate; `None` where it is part of a building, a hedge, a tree or just noise.
///
/// `eye` is where the scanner stands in `base_link`: boxes are filled up away from it.
pub(super) fn judge(
    cluster: &Cluster,
    members: &[Member],
    eye: [f64; 2],
    unknown_height_m: f64,
    samples: &mut Vec<[f64; 2]>,
) -> Option<Candidate> {
    let first = members.first()?;
    let range = f64::from((first.x * first.x + first.y * first.y).sqrt());
    if (members.len() as f64) < least_points(range) || extent(members) > TRUCK_LENGTH_MOST {
        return None;
    }
    let (top, bottom) = heights(members);
    let fitted = fit_box(members, samples);
    let (a, b) = (fitted.u.1 - fitted.u.0, fitted.v.1 - fitted.v.0);
    let seen = Seen {
        fitted,
        long: a.max(b),
        short: a.min(b),
        height: top,
        bottom,
        range,
        points: members.len() as f64,
    };
    let is_tall = cluster.tall_share > 0.25 || reaches_up(cluster.column);
    if is_tall {
        return vehicle(&seen, eye)
            .filter(|_| seen.long > 3.0)
            .or_else(|| truck(&seen, eye))
            .or_else(|| unknown(&seen, eye, unknown_height_m));
    }
    pedestrian(&seen, eye)
        .or_else(|| cyclist(&seen, eye))
        .or_else(|| vehicle(&seen, eye))
        .or_else(|| truck(&seen, eye))
        .or_else(|| unknown(&seen, eye, unknown_height_m))
}

fn least_points(range: f64) -> f64 {
    if range < 15.0 {
        10.0
    } else if range < 40.0 {
        6.0
    } else {
        4.0
    }
}

/// The greater side of the bounding box along x and y.
fn extent(members: &[Member]) -> f64 {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for m in members {
        low = [low[0].min(m.x), low[1].min(m.y)];
        high = [high[0].max(m.x), high[1].max(m.y)];
    }
    f64::from((high[0] - low[0]).max(high[1] - low[1]))
}

/// Height of the top above the ground, and of the ground in `base_link`.
fn heights(members: &[Member]) -> (f64, f64) {
    let (mut top, mut ground) = (0.0_f32, 0.0_f64);
    for m in members {
        top = top.max(m.above);
        ground += f64::from(m.z - m.above);
    }
    (f64::from(top), ground / members.len() as f64)
}

/// Whether a thing goes on without a gap to well above a person or a car.
fn reaches_up(column: u32) -> bool {
    let band = |low: f32, high: f32| {
        let bits = ((1_u32 << (high / COLUMN_BIT_M) as u32) - 1) & !((1 << (low / COLUMN_BIT_M) as u32) - 1);
        (column & bits).count_ones()
    };
    band(1.75, 2.5) >= 2 && band(2.5, 3.5) >= 2
}

fn pedestrian(seen: &Seen, eye: [f64; 2]) -> Option<Candidate> {
    let fits = (0.15..=1.0).contains(&seen.long) && seen.short <= 0.9 && (0.9..=2.1).contains(&seen.height);
    let expected = PERSON_POINTS / (seen.range * seen.range).max(25.0);
    let likeness =
        bell(seen.height, 1.65, 0.35) * bell(seen.long, 0.55, 0.35) * (2.0 * seen.points / expected).min(1.0);
    (fits && likeness > PERSON_LIKENESS).then(|| candidate(seen, eye, (0.6, 0.6), "pedestrian", likeness))
}

fn cyclist(seen: &Seen, eye: [f64; 2]) -> Option<Candidate> {
    let fits = (1.0..=2.2).contains(&seen.long) && seen.short <= 0.9 && (1.15..=2.1).contains(&seen.height);
    let slim = seen.short / seen.long < 0.65;
    // A car's end is as long and as slim, but lower than a rider.
    let is_car_end = seen.long > 1.3 && seen.height < 1.55;
    (fits && slim && !is_car_end).then(|| {
        let likeness = bell(seen.height, 1.7, 0.3) * bell(seen.long, 1.7, 0.4) * bell(seen.short, 0.5, 0.35);
        candidate(seen, eye, (1.75, 0.6), "cyclist", likeness)
    })
}

fn vehicle(seen: &Seen, eye: [f64; 2]) -> Option<Candidate> {
    let fits = (0.9..=VEHICLE_LENGTH_MOST).contains(&seen.long)
        && seen.short <= VEHICLE_WIDTH_MOST
        && (0.7..=2.6).contains(&seen.height);
    let expected = 3000.0 / pow(seen.range.max(5.0), 1.6);
    let likeness = bell(seen.height, 1.5, 0.5)
        * bell(seen.long, 3.9, 1.8)
        * bell(seen.short, 1.5, 1.0)
        * (seen.points / expected).min(1.0);
    (fits && likeness > VEHICLE_LIKENESS).then(|| candidate(seen, eye, CAR, "vehicle", likeness))
}

fn truck(seen: &Seen, eye: [f64; 2]) -> Option<Candidate> {
    let fits = (4.5..=TRUCK_LENGTH_MOST).contains(&seen.long)
        && (1.6..=3.2).contains(&seen.short)
        && seen.height >= 2.2
        && seen.fitted.edge_share > 0.6;
    fits.then(|| {
        let likeness = 0.6 * bell(seen.short, 2.4, 0.6) * seen.fitted.edge_share;
        candidate(seen, eye, (6.0, 2.3), "truck", likeness)
    })
}

fn unknown(seen: &Seen, eye: [f64; 2], least_height: f64) -> Option<Candidate> {
    let fits = seen.height >= least_height && seen.long <= 8.0 && seen.short <= 4.0;
    fits.then(|| candidate(seen, eye, (0.0, 0.0), "unknown", 0.3))
}

fn bell(value: f64, middle: f64, width: f64) -> f64 {
    let t = (value - middle) / width;
    exp(-t * t)
}

/// The box, filled up to at least `size` away from the scanner.
fn candidate(seen: &Seen, eye: [f64; 2], size: (f64, f64), class: &'static str, score: f64) -> Candidate {
    let f = &seen.fitted;
    let (a, b) = (f.u.1 - f.u.0, f.v.1 - f.v.0);
    let (sin, cos) = auriga_geometry::math::sin_cos(f.yaw);
    let (eye_u, eye_v) = (eye[0] * cos + eye[1] * sin, eye[1] * cos - eye[0] * sin);
    let is_car = size.0 > 3.0;
    let looks_at = |side: (f64, f64), eye: f64| eye > side.0 - FACING_M && eye < side.1 + FACING_M;
    let u_is_long = if is_car && looks_at(f.v, eye_v) {
        // The face before the scanner is seen whole: it is the car's end, or its side.
        b < CAR_END
    } else if is_car && looks_at(f.u, eye_u) {
        a >= CAR_END
    } else {
        // Of a car seen from behind only the short side is there: the long one then runs away from it.
        (a >= b) != (is_car && a.max(b) < CAR_END)
    };
    let (du, dv) = if u_is_long { (a.max(size.0), b.max(size.1)) } else { (a.max(size.1), b.max(size.0)) };
    let (uc, vc) = (filled_middle(f.u, du, eye_u), filled_middle(f.v, dv, eye_v));
    let center = Vec2::new(uc * cos - vc * sin, uc * sin + vc * cos);
    let (yaw, length, width) = if u_is_long { (f.yaw, du, dv) } else { (f.yaw + FRAC_PI_2, dv, du) };
    Candidate {
        outline: OrientedBox::new(Pose2::new(center.x, center.y, yaw), length, width),
        bottom: seen.bottom,
        height: seen.height,
        class,
        score: score.clamp(0.0, 1.0),
    }
}

/// The middle of a seen interval that is filled up to `size` away from `eye`.
fn filled_middle(seen: (f64, f64), size: f64, eye: f64) -> f64 {
    let (low, high) = (seen.0 - eye, seen.1 - eye);
    if low.abs() < high.abs() { seen.0 + size / 2.0 } else { seen.1 - size / 2.0 }
}
