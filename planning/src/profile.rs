//! The longitudinal motion along a path: a rollout in time under everything that limits the speed.
//!
//! At each step the acceleration is the least that any limit asks for: the allowed speed (limits and curves, with a backward
//! pass so that it can be kept), places to stop, cars ahead. Then the jerk limit.

use crate::PlannerConfig;
use crate::encounter::{Encounters, Meeting};
use crate::path::Path;
use crate::rule::{Cause, Rule};

/// Time between two states, seconds.
pub(crate) const DT: f64 = 0.1;
/// How far ahead in time the allowed speed is looked at, seconds.
const PREVIEW_S: f64 = 0.6;
/// A standing car does not move up by less than this, metres.
const CREEP_M: f64 = 1.0;

/// The car's motion along the path at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Motion {
    pub t: f64,
    pub s: f64,
    pub v: f64,
    pub a: f64,
}

/// A place where `base_link` is to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stop {
    pub s: f64,
    /// Metres beyond `s` that may be used when braking would be hard otherwise.
    pub reserve: f64,
    pub rule: Rule,
    pub cause: Cause,
}

/// A limit that made itself felt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Binding {
    pub rule: Rule,
    pub cause: Cause,
}

/// Everything that a rollout obeys.
pub(crate) struct Limits<'a> {
    pub config: &'a PlannerConfig,
    pub path: &'a Path,
    /// Allowed speed at each point of the path.
    pub allowed: &'a [f64],
    pub encounters: &'a Encounters,
}

/// Lays the allowed speed: limit, curves, `caps` (s from, s to, m/s), and what braking for them comfortably allows before.
pub(crate) fn lay_allowed(
    config: &PlannerConfig,
    path: &Path,
    caps: &[(f64, f64, f64)],
    allowed: &mut Vec<f64>,
) {
    allowed.clear();
    for point in &path.points {
        let curve = (config.lateral_acceleration_mps2 / point.curvature.abs().max(1e-6)).sqrt();
        let mut speed = point.speed_limit.min(curve).min(config.speed_max_mps);
        for &(from, to, cap) in caps {
            if point.s >= from && point.s <= to {
                speed = speed.min(cap);
            }
        }
        allowed.push(speed.max(1.0));
    }
    let brake = 0.7 * config.deceleration_comfort_mps2;
    for i in (0..allowed.len().saturating_sub(1)).rev() {
        let gap = path.points[i + 1].s - path.points[i].s;
        allowed[i] = allowed[i].min((allowed[i + 1] * allowed[i + 1] + 2.0 * brake * gap).sqrt());
    }
}

impl Limits<'_> {
    /// Rolls out the motion from `start`; returns what it is determined by first, cruising aside.
    pub fn roll(&self, start: Motion, stops: &[Stop], out: &mut Vec<Motion>) -> Binding {
        self.roll_with(start, out, |now| self.acceleration(now, stops))
    }

    /// Rolls out braking as hard as the car can.
    pub fn roll_emergency(&self, start: Motion, out: &mut Vec<Motion>) {
        self.roll_with(start, out, |_| (-self.config.deceleration_max_mps2, Binding::default()));
    }

    fn roll_with(
        &self,
        start: Motion,
        out: &mut Vec<Motion>,
        law: impl Fn(&Motion) -> (f64, Binding),
    ) -> Binding {
        out.clear();
        let mut now = Motion { t: 0.0, ..start };
        let steps = (self.config.horizon_s / DT).round() as usize;
        let mut first = Binding::default();
        for step in 0..=steps {
            let (wanted, binding) = law(&now);
            if first.rule == Rule::Cruise {
                first = binding;
            }
            let a = self.limit_jerk(now.a, wanted, now.v);
            now.a = if now.v <= 0.0 && a <= 0.0 { 0.0 } else { a };
            out.push(now);
            now = advance(&now, (step + 1) as f64 * DT);
        }
        first
    }

    /// The acceleration that the limits ask for, and which one asks for it.
    fn acceleration(&self, now: &Motion, stops: &[Stop]) -> (f64, Binding) {
        let config = self.config;
        let aim = self.allowed_at(now.s + now.v * PREVIEW_S).min(self.allowed_at(now.s));
        let ease = -1.4 * config.deceleration_comfort_mps2;
        let mut least = ((aim - now.v) / PREVIEW_S).clamp(ease, config.acceleration_max_mps2);
        let mut binding = Binding::default();
        for stop in stops {
            let wanted = stop_acceleration(config, stop, now);
            if wanted < least {
                (least, binding) = (wanted, Binding { rule: stop.rule, cause: stop.cause });
            }
        }
        for encounter in &self.encounters.all {
            if encounter.meeting != Meeting::Ahead {
                continue;
            }
            let Some(rear) = self.encounters.rear_at(encounter, now.t) else { continue };
            let wanted = follow_acceleration(config, rear - now.s, now.v, encounter.speed_along);
            if wanted < least {
                (least, binding) =
                    (wanted, Binding { rule: Rule::Follow, cause: Cause::Object(encounter.id) });
            }
        }
        (least.max(-config.deceleration_max_mps2), binding)
    }

    fn allowed_at(&self, s: f64) -> f64 {
        let i = self.path.points.partition_point(|p| p.s <= s).saturating_sub(1);
        self.allowed.get(i).copied().unwrap_or(0.0)
    }

    fn limit_jerk(&self, from: f64, wanted: f64, v: f64) -> f64 {
        let jerk = self.config.jerk_max_mps3;
        let hard = wanted < -self.config.deceleration_firm_mps2;
        let down = if hard { 10.0 * jerk } else { jerk };
        // Letting go of the brake may be quicker than stepping on the gas.
        let up = if from < -0.5 { 2.0 * jerk } else { jerk };
        let a = wanted.clamp(from - down * DT, from + up * DT);
        if v <= 0.0 { a.max(from.min(0.0)) } else { a }
    }
}

/// Braking at a constant rate to a place: v²/2d where the place is near, and an approach to that rate before.
fn stop_acceleration(config: &PlannerConfig, stop: &Stop, now: &Motion) -> f64 {
    let distance = stop.s - now.s;
    if now.v < 0.1 && distance < CREEP_M {
        return -0.5;
    }
    let comfort = config.deceleration_comfort_mps2;
    let needed = |d: f64| if d > 1e-3 { 0.5 * now.v * now.v / d } else { f64::INFINITY };
    let plain = needed(distance);
    if plain >= comfort {
        let eased = needed(distance + stop.reserve);
        return -plain.min(eased.max(config.deceleration_firm_mps2.min(plain)));
    }
    // On the curve v = √(2·b·d) the speed a preview later is v − b·preview.
    let ahead = (distance - now.v * PREVIEW_S).max(0.0);
    (((2.0 * comfort * ahead).sqrt() - now.v) / PREVIEW_S).max(-comfort)
}

/// The Intelligent Driver Model's interaction (Treiber, Hennecke, Helbing, Phys. Rev. E 62, 2000, eq. 3), eased where the gap is
/// small but opens, and never softer than what keeps the cars apart.
fn follow_acceleration(config: &PlannerConfig, gap: f64, v: f64, v_ahead: f64) -> f64 {
    let (a, b) = (config.acceleration_max_mps2, config.deceleration_comfort_mps2);
    let closing = v - v_ahead;
    let least_gap = config.standing_gap_m - 1.0;
    let wanted = least_gap + (v * config.headway_s + 0.5 * v * closing / (a * b).sqrt()).max(0.0);
    let room = gap.max(0.3);
    let idm = a * (1.0 - (wanted / room) * (wanted / room));
    let kinematic = if closing > 0.0 { 0.5 * closing * closing / (gap - 2.0).max(0.1) } else { 0.0 };
    if kinematic > config.deceleration_firm_mps2 {
        idm.min(-kinematic)
    } else if closing < -0.5 && gap > 2.0 {
        // Small, but it opens: no need to drop back in a hurry.
        idm.max(-0.8)
    } else {
        idm.max(-config.deceleration_firm_mps2)
    }
}

fn advance(now: &Motion, t: f64) -> Motion {
    let v = now.v + now.a * DT;
    if v > 0.0 {
        return Motion { t, s: now.s + 0.5 * (now.v + v) * DT, v, a: now.a };
    }
    let rest = if now.a < 0.0 { 0.5 * now.v * now.v / -now.a } else { 0.0 };
    Motion { t, s: now.s + rest, v: 0.0, a: now.a.clamp(-0.5, 0.0) }
}

/// Adds a comfortable stop to a motion that still moves at its end although it is no longer than the car's stopping distance.
pub(crate) fn end_in_a_stop(config: &PlannerConfig, motions: &mut Vec<Motion>) {
    let (Some(first), Some(last)) = (motions.first().copied(), motions.last().copied()) else { return };
    let brake = config.deceleration_comfort_mps2;
    if last.v <= 0.0 || last.s - first.s > 1.2 * 0.5 * first.v * first.v / brake {
        return;
    }
    let mut now = last;
    let first_step = motions.len();
    // At most as many steps as stopping from the greatest speed takes.
    for step in 0..1_000 {
        now.a = (now.a - config.jerk_max_mps3 * DT).max(-brake);
        now = advance(&now, (first_step + step) as f64 * DT);
        motions.push(now);
        if now.v <= 0.0 {
            return;
        }
    }
}

/// When a motion first reaches `s`; `None` when it does not within its horizon.
pub(crate) fn time_at(motions: &[Motion], s: f64) -> Option<f64> {
    let i = motions.iter().position(|m| m.s >= s)?;
    if i == 0 {
        return Some(0.0);
    }
    let (a, b) = (&motions[i - 1], &motions[i]);
    Some(a.t + (b.t - a.t) * (s - a.s) / (b.s - a.s).max(1e-9))
}
