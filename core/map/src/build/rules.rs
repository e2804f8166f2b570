//! Speed limits and access along a lane.

use crate::opendrive::{Road, Section, WrittenLane};
use crate::{Access, Lane};

/// Speed limit where a file gives none: 50 km/h, the limit in towns of most of Europe.
const SPEED_DEFAULT_MPS: f64 = 50.0 / 3.6;
/// Limits that begin within this of a lane's start begin there, metres.
const NEAR: f64 = 0.01;

/// Fills in the lane's limits and access. A lane's own limits come before those of its road.
pub(super) fn apply(road: &Road, section: &Section, written: &WrittenLane, lane: &mut Lane) {
    let speeds = if written.speeds.is_empty() { &road.speeds } else { &written.speeds };
    let before = speeds.iter().take_while(|(s, _)| *s <= section.start + NEAR).last();
    let first = before.or(speeds.first()).map_or(SPEED_DEFAULT_MPS, |&(_, speed)| speed);
    let mut stretches = vec![(section.start, first)];
    let within = |s: f64| s > section.start + NEAR && s < section.end - NEAR;
    stretches.extend(speeds.iter().filter(|(s, _)| within(*s)));
    stretches.dedup_by_key(|(_, speed)| *speed);
    lane.speed_limit = first;
    if stretches.len() > 1 {
        // Backwards, a stretch begins where the next one along the reference line begins.
        let ends = stretches[1..].iter().map(|(s, _)| *s).chain([section.end]);
        let start = |((from, speed), to): (&(f64, f64), f64)| {
            (lane.s_at_road_s(if lane.runs_forward() { *from } else { to }), *speed)
        };
        lane.speed_changes = stretches.iter().zip(ends).map(start).collect();
        lane.speed_changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    for (i, rule) in written.access.iter().enumerate() {
        // Rules that begin at one place hold together.
        let next = written.access[i..].iter().map(|later| later.s).find(|s| *s > rule.s);
        let (a, b) = (lane.s_at_road_s(rule.s), lane.s_at_road_s(next.unwrap_or(section.end)));
        let users = rule.users.clone();
        lane.access.push(Access { s_start: a.min(b), s_end: a.max(b), allowed: rule.allowed, users });
    }
}
