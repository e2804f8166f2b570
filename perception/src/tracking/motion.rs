//! Does it move? A line through the positions of the last second, and how sure its slope is.

use auriga_geometry::{LogicalTime, Vec2};

/// Positions kept.
const KEPT: usize = 12;
/// Older positions do not count, seconds.
const WINDOW_S: f64 = 1.05;
/// A slower object stands, m/s.
const SLOWEST_MPS: f64 = 0.45;
/// The speed must exceed this many standard errors.
const SIGMAS: f64 = 3.0;
/// So many tests in a row turn a standing object into a moving one, and back.
const TO_MOVE: u32 = 2;
const TO_STAND: u32 = 5;
/// So many positions show a fast object.
const AT_ONCE: usize = 4;

/// The last positions of an object, and the verdict on them.
#[derive(Clone, Debug, Default)]
pub(super) struct MotionTest {
    positions: Vec<(LogicalTime, Vec2)>,
    is_moving: bool,
    contrary: u32,
}

impl MotionTest {
    /// Adds a position whose standard deviation is `sigma` metres; says whether the object moves.
    pub fn add(&mut self, time: LogicalTime, position: Vec2, sigma: f64) -> bool {
        self.positions.retain(|p| time.since(p.0).as_secs_f64() < WINDOW_S && time > p.0);
        if self.positions.len() == KEPT {
            self.positions.remove(0);
        }
        self.positions.push((time, position));
        let Some((velocity, error)) = self.fit(sigma) else { return self.is_moving };
        let clearly = velocity.norm() > SLOWEST_MPS.max(SIGMAS * error);
        let least = if self.is_moving { SLOWEST_MPS * 0.7 } else { SLOWEST_MPS };
        let moves = clearly || (self.is_moving && velocity.norm() > least.max(1.5 * error));
        self.contrary = if moves == self.is_moving { 0 } else { self.contrary + 1 };
        // Fast objects are plain to see at once, unless the first boxes of a thing are still finding their place.
        let at_once = moves && self.positions.len() >= AT_ONCE && velocity.norm() > 6.0 * error.max(0.5);
        if self.contrary >= (if self.is_moving { TO_STAND } else { TO_MOVE }) || (at_once && !self.is_moving)
        {
            self.is_moving = moves;
            self.contrary = 0;
        }
        self.is_moving
    }

    /// All positions of the past were of another outline: moves them along.
    pub fn shift(&mut self, by: Vec2) {
        self.positions.iter_mut().for_each(|p| p.1 += by);
    }

    /// Whether it moves, as decided last.
    pub fn is_moving(&self) -> bool {
        self.is_moving
    }

    /// Slope of the line and its standard error, m/s. The error is that of the scatter seen, but no less than `sigma`'s.
    fn fit(&self, sigma: f64) -> Option<(Vec2, f64)> {
        let n = self.positions.len() as f64;
        let (last, _) = *self.positions.last()?;
        let seconds = |t: LogicalTime| t.since(last).as_secs_f64();
        let mean_t = self.positions.iter().map(|p| seconds(p.0)).sum::<f64>() / n;
        let mean = self.positions.iter().map(|p| p.1).sum::<Vec2>() / n;
        let spread: f64 =
            self.positions.iter().map(|p| (seconds(p.0) - mean_t) * (seconds(p.0) - mean_t)).sum();
        if self.positions.len() < 2 || spread <= 1e-6 {
            return None;
        }
        let slope =
            self.positions.iter().map(|p| (p.1 - mean) * (seconds(p.0) - mean_t)).sum::<Vec2>() / spread;
        let rest: f64 = self
            .positions
            .iter()
            .map(|p| (p.1 - mean - slope * (seconds(p.0) - mean_t)).norm_squared())
            .sum();
        let scatter = if self.positions.len() > 2 { (rest / (2.0 * (n - 2.0))).sqrt() } else { 0.0 };
        Some((slope, scatter.max(sigma) / spread.sqrt()))
    }
}
