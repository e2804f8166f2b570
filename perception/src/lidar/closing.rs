//! How fast the nearest obstacle comes nearer, from where it was in the scans before.

use auriga_geometry::LogicalTime;

/// Scans looked back on.
const SCANS: usize = 4;
/// So many places of the obstacle, the present one included, make a speed.
const PLACES_LEAST: usize = 3;
/// Older scans do not count, seconds.
const OLDEST_S: f64 = 0.6;
/// What stands does not seem to come nearer by more than this from scan to scan, metres.
const STANDING_NOISE_M: f64 = 0.3;
/// Nothing in the car's way drives faster than this, m/s.
const FASTEST_MPS: f64 = 40.0;
/// Nothing moves sideways faster than this, m/s.
const SIDEWAYS_MPS: f64 = 4.0;
/// Standard deviation of a place along the way, metres.
const PLACE_SIGMA_M: f64 = 0.05;
/// A place farther off the line through all of them belongs to something else, metres.
const OFF_LINE_M: f64 = 0.2;
/// The speed is given so many standard errors on the safe side.
const SIGMAS: f64 = 2.0;

/// A point beside the way or on it: metres along the way from the rear axle, and to the left of its middle.
pub(super) type Place = [f32; 2];

#[derive(Clone, Debug, Default)]
struct Scan {
    at: LogicalTime,
    /// Metres driven until then.
    driven_m: f64,
    places: Vec<Place>,
}

/// The last scans; their buffers are reused.
#[derive(Clone, Debug, Default)]
pub(super) struct ClosingSpeed {
    /// Oldest first; the last one is the present.
    scans: Vec<Scan>,
    near: Vec<Place>,
}

impl ClosingSpeed {
    /// Takes in a scan made at `at` while the car drove at `speed_mps`.
    pub fn note(&mut self, at: LogicalTime, speed_mps: f64, places: impl Iterator<Item = Place>) {
        let driven_m = self.scans.last().map_or(0.0, |last| {
            let dt = at.since(last.at).as_secs_f64();
            last.driven_m + speed_mps * dt
        });
        if self.scans.last().is_some_and(|last| last.at >= at) {
            // Time went backwards: what was seen is worth nothing any more.
            self.scans.clear();
        }
        let mut scan = if self.scans.len() > SCANS { self.scans.remove(0) } else { Scan::default() };
        scan.places.clear();
        scan.places.extend(places);
        (scan.at, scan.driven_m) = (at, driven_m);
        self.scans.push(scan);
    }

    /// The speed along the way of the obstacle that is at `place` in the last scan, m/s, on the safe side: rather too low.
    /// `None` where it can't be told apart from what stood there before, or was not seen often enough.
    ///
    /// A straight line through its places in the scans, in metres along the way as if the car had not moved; its slope less
    /// two standard errors.
    pub fn speed_of(&mut self, place: Place, together_m: f64) -> Option<f64> {
        let (last, before) = self.scans.split_last()?;
        let mut places = [(0.0, 0.0); SCANS + 1];
        let mut at = (last.at, last.driven_m + f64::from(place[0]), f64::from(place[1]));
        places[0] = (0.0, at.1);
        let mut count = 1;
        for scan in before.iter().rev() {
            let age = last.at.since(scan.at).as_secs_f64();
            let dt = at.0.since(scan.at).as_secs_f64();
            if age > OLDEST_S {
                break;
            }
            let nearest = at.1 - scan.driven_m - FASTEST_MPS * dt;
            let farthest = at.1 - scan.driven_m + STANDING_NOISE_M;
            self.near.clear();
            self.near.extend(scan.places.iter().filter(|p| {
                let (along, across) = (f64::from(p[0]), f64::from(p[1]));
                (nearest..=farthest).contains(&along)
                    && (across - at.2).abs() <= SIDEWAYS_MPS * dt + together_m
            }));
            let Some([along, across]) = rear(&mut self.near, together_m as f32) else { break };
            at = (scan.at, scan.driven_m + f64::from(along), f64::from(across));
            places[count] = (-age, at.1);
            count += 1;
        }
        slope(&places[..count])
    }
}

/// The nearest place that has two others around it.
fn rear(places: &mut [Place], together: f32) -> Option<Place> {
    places.sort_by(|a, b| a[0].total_cmp(&b[0]));
    places.iter().enumerate().find_map(|(i, place)| {
        let around = places[i + 1..]
            .iter()
            .take_while(|p| p[0] <= place[0] + together)
            .filter(|p| (p[1] - place[1]).abs() <= together);
        (around.count() >= 2).then_some(*place)
    })
}

/// Slope of the least-squares line less its standard errors; `None` for too few places, or where they lie on no line.
fn slope(places: &[(f64, f64)]) -> Option<f64> {
    if places.len() < PLACES_LEAST {
        return None;
    }
    let n = places.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| places.iter().map(pick).sum::<f64>() / n;
    let (t, s) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = places.iter().map(|p| (p.0 - t) * (p.0 - t)).sum();
    let speed = places.iter().map(|p| (p.0 - t) * (p.1 - s)).sum::<f64>() / spread;
    let lies_on_line = places.iter().all(|p| (p.1 - s - speed * (p.0 - t)).abs() <= OFF_LINE_M);
    let error = PLACE_SIGMA_M / spread.sqrt();
    (speed.is_finite() && lies_on_line).then_some(speed - SIGMAS * error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A car's rear, 1.8 m wide, `along` metres ahead of the rear axle.
    fn rear_face(along: f64, across: f64) -> impl Iterator<Item = Place> {
        (0..10).map(move |i| [along as f32, (across - 0.9 + 0.2 * f64::from(i)) as f32])
    }

    /// Five scans of a car that drives at `speed` in front of one at `own`; the speed that is found in the last one.
    fn follow(own: f64, speed: f64, sideways: f64) -> Option<f64> {
        let mut closing = ClosingSpeed::default();
        let mut last = [0.0, 0.0];
        for k in 0..5 {
            let t = 0.1 * f64::from(k);
            let (along, across) = (20.0 + (speed - own) * t, sideways * (0.4 - t));
            closing.note(LogicalTime::from_nanos(k as i64 * 100_000_000), own, rear_face(along, across));
            last = [along as f32, across as f32];
        }
        closing.speed_of(last, 0.4)
    }

    proptest! {
        #[test]
        fn the_speed_ahead_is_found_on_the_safe_side(own in 0.0..30.0, speed in 0.0..30.0, sideways in -1.5..1.5) {
            let found = follow(own, speed, sideways).unwrap();
            prop_assert!(found < speed && found > speed - 0.72, "{found} of {speed}");
        }
    }

    #[test]
    fn something_new_has_no_speed() {
        let mut closing = ClosingSpeed::default();
        for k in 0..4 {
            closing.note(LogicalTime::from_nanos(k * 100_000_000), 10.0, std::iter::empty());
        }
        closing.note(LogicalTime::from_nanos(400_000_000), 10.0, rear_face(12.0, 0.0));
        assert_eq!(closing.speed_of([12.0, 0.0], 0.4), None);
    }

    #[test]
    fn a_jump_is_no_speed() {
        // A car parked nearer on the side, and another thing that comes into the way behind it.
        let mut closing = ClosingSpeed::default();
        for k in 0..5_i32 {
            let t = 0.1 * f64::from(k);
            let parked = rear_face(12.0 - 10.0 * t, 0.0);
            let seen: Vec<Place> = if k < 4 { parked.collect() } else { rear_face(10.0, 0.0).collect() };
            closing.note(LogicalTime::from_nanos(i64::from(k) * 100_000_000), 10.0, seen.into_iter());
        }
        assert_eq!(closing.speed_of([10.0, 0.0], 0.4), None);
    }

    #[test]
    fn time_that_goes_backwards_clears_the_past() {
        let mut closing = ClosingSpeed::default();
        for k in [5_i64, 6, 7, 1] {
            closing.note(LogicalTime::from_nanos(k * 100_000_000), 10.0, rear_face(20.0, 0.0));
        }
        assert_eq!(closing.speed_of([20.0, 0.0], 0.4), None);
    }
}
