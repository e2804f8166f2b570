//! The emergency brake's judgement: is the stopping distance free, and is what set it off gone?

use crate::config::EmergencyBrake;
use crate::input::{Nanos, NearestObstacle};

/// Beyond this age a snapshot no longer speaks for or against braking, ns. Older than the time-outs, because a stop in
/// doubt reckons on with the last that was seen.
pub(crate) const MEMORY_NS: Nanos = 1_000_000_000;

/// The distance that must be free at a speed, m.
///
/// The car goes on closing for `reaction_s`, then brakes to a standstill while the obstacle brakes as hard:
/// `(v² − v_obstacle²) / (2·a) + closing·reaction + margin`. What comes towards the car counts as standing: the gate
/// answers for its own car's stopping distance.
pub(crate) fn distance_needed(brake: &EmergencyBrake, speed_mps: f64, closing_speed_mps: f64) -> f64 {
    let speed = speed_mps.max(0.0);
    let obstacle_speed = speed - closing_speed_mps;
    let braking = (speed * speed - obstacle_speed * obstacle_speed) / (2.0 * brake.deceleration_mps2);
    braking.max(0.0) + closing_speed_mps.max(0.0) * brake.reaction_s + brake.margin_m
}

/// The way ahead, as the gate sees it at one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WayAhead {
    /// What is free now, m: the seen distance less what was driven since.
    pub distance_m: f64,
    /// What has to be free, m.
    pub needed_m: f64,
}

impl WayAhead {
    /// From the last obstacle and the wheel speed.
    pub(crate) fn judge(
        brake: &EmergencyBrake,
        obstacle: &NearestObstacle,
        age_ns: Nanos,
        speed_mps: f64,
    ) -> Self {
        let speed = speed_mps.max(0.0);
        let closing = match obstacle.closing_speed_mps {
            Some(closing) if closing.is_finite() => closing.min(speed),
            _ => speed,
        };
        let age_s = age_ns as f64 * 1e-9;
        Self {
            distance_m: obstacle.distance_m.max(0.0) - closing.max(0.0) * age_s,
            needed_m: distance_needed(brake, speed, closing),
        }
    }

    /// The stopping distance is not free.
    pub(crate) fn is_blocked(&self) -> bool {
        self.distance_m <= self.needed_m
    }
}

/// What the emergency brake remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmergencyMemory {
    /// The longest distance that was needed in this emergency, m.
    needed_longest_m: f64,
    free_since: Option<Nanos>,
}

impl EmergencyMemory {
    pub(crate) const fn new() -> Self {
        Self { needed_longest_m: 0.0, free_since: None }
    }

    /// The emergency begins.
    pub(crate) fn begin(&mut self, way: &WayAhead) {
        self.needed_longest_m = way.needed_m;
        self.free_since = None;
    }

    /// The car came to stand: what counts as free is another distance now.
    pub(crate) fn restart_waiting(&mut self) {
        self.free_since = None;
    }

    /// Whether more than this has been free for the configured time. A standing obstacle only comes nearer, so it never
    /// counts as gone while the car brakes for it.
    pub(crate) fn is_free(
        &mut self,
        brake: &EmergencyBrake,
        now_ns: Nanos,
        way: Option<WayAhead>,
        standing: bool,
    ) -> bool {
        let room =
            if standing { brake.release_distance_m } else { self.needed_longest_m + brake.clearance_m };
        if !way.is_some_and(|way| way.distance_m > room) {
            self.free_since = None;
            return false;
        }
        let since = *self.free_since.get_or_insert(now_ns);
        now_ns.saturating_sub(since) >= brake.release_ns
    }
}
