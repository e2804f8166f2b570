//! Who goes first: lights, signs, junctions, crosswalks, and whoever crosses the path.

use crate::PlannerConfig;
use crate::encounter::{Encounter, Encounters, Meeting};
use crate::objects::{Kind, Object, Objects};
use crate::path::{Path, Run};
use crate::profile::{Motion, Stop, time_at};
use crate::rule::{Cause, Rule};
use crate::signals::SignalMemory;
use auriga_geometry::LogicalTime;
use auriga_geometry::math::{PI, angle_difference, hypot};
use auriga_map::{Conflict, LaneId, Map, SignalKind};
use auriga_vehicle::VehicleParameters;

/// Upstream of a conflict, vehicles are looked for over this distance, metres.
const UPSTREAM_M: f64 = 90.0;

/// A vehicle on a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OnLane {
    pub object: usize,
    pub lane: LaneId,
    pub s: f64,
}

/// What the rules look at.
pub(crate) struct Scene<'a> {
    pub config: &'a PlannerConfig,
    pub car: &'a VehicleParameters,
    pub map: &'a Map,
    pub path: &'a Path,
    pub objects: &'a Objects,
    pub on_lanes: &'a [OnLane],
    pub encounters: &'a Encounters,
    pub now: LogicalTime,
    /// The car's place on the path and speed.
    pub start: Motion,
}

/// A junction on the path: its runs, and where to wait before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Passage {
    first: usize,
    last: usize,
    /// Where `base_link` waits, and the last place where it still could.
    wait: f64,
    last_wait: f64,
    /// Whether the front is in it already.
    entered: bool,
    /// A light that shows green governs the way in.
    green: bool,
    /// A stop or yield sign stands at the way in, or a light that is switched off: everybody goes first.
    sign: bool,
}

impl Scene<'_> {
    fn front(&self) -> f64 {
        self.car.front_m()
    }

    /// Deceleration that stopping at `s` takes, m/s².
    fn needed(&self, s: f64) -> f64 {
        0.5 * self.start.v * self.start.v / (s - self.start.s).max(0.05)
    }

    fn run_lane(&self, run: &Run) -> &auriga_map::Lane {
        self.map.lane(run.lane)
    }

    /// Lights and stop signs: stops before their lines.
    pub fn stop_at_signals(&self, memory: &mut SignalMemory, stops: &mut Vec<Stop>) {
        for (i, run) in self.path.runs.iter().enumerate() {
            for control in &self.run_lane(run).controls {
                if control.stop_s < run.lane_s_start - 0.5 || !self.governs(i, &control.movements) {
                    continue;
                }
                if control.stop_s > run.lane_s_end + 1.0 && i + 1 == self.path.runs.len() {
                    continue;
                }
                let line = run.path_s(control.stop_s) - self.front();
                // Half a car's length over the line there is no going back.
                if self.start.s > line + 0.5 {
                    memory.passed(control.signal);
                    continue;
                }
                let wait = line - self.config.stop_line_margin_m;
                let needed = self.needed(wait);
                let kind = self.map.signal(control.signal).kind;
                let rule = match kind {
                    SignalKind::TrafficLight
                        if memory.light_stops(
                            self.config,
                            self.now,
                            control.signal,
                            self.start.v,
                            needed,
                        ) =>
                    {
                        Rule::StopForLight
                    }
                    SignalKind::StopSign
                        if memory.sign_stops(control.signal, self.start.v, wait - self.start.s) =>
                    {
                        Rule::StopSign
                    }
                    _ => continue,
                };
                let cause = Cause::Signal(control.signal);
                stops.push(Stop { s: wait, reserve: self.config.stop_line_margin_m - 0.2, rule, cause });
            }
        }
    }

    /// Whether a control with these movements governs the way that the path takes after run `i`.
    fn governs(&self, i: usize, movements: &[LaneId]) -> bool {
        movements.is_empty()
            || self.path.runs[i + 1..]
                .iter()
                .find(|run| run.stage > self.path.runs[i].stage)
                .is_none_or(|next| movements.contains(&next.lane))
    }

    /// Junctions: gives way where that is due, and keeps clear what can't be cleared.
    pub fn stop_at_junctions(&self, memory: &SignalMemory, cruise: &[Motion], stops: &mut Vec<Stop>) {
        let mut i = 0;
        while i < self.path.runs.len() {
            let Some(junction) = self.run_lane(&self.path.runs[i]).junction else {
                i += 1;
                continue;
            };
            let first = i;
            while i < self.path.runs.len() && self.run_lane(&self.path.runs[i]).junction == Some(junction) {
                i += 1;
            }
            let passage = self.passage(memory, first, i - 1);
            if passage.entered || passage.wait - self.start.s > 70.0 {
                continue;
            }
            if let Some(wait) = self.place_to_wait(&passage) {
                self.give_way(&passage, wait, cruise, stops);
                self.keep_clear(&passage, wait, stops);
            }
        }
    }

    fn passage(&self, memory: &SignalMemory, first: usize, last: usize) -> Passage {
        let runs = &self.path.runs;
        let edge = runs[first].s_start;
        let mut line = edge;
        let (mut green, mut sign) = (false, false);
        if let Some(before) = first.checked_sub(1) {
            for control in &self.run_lane(&runs[before]).controls {
                if !self.governs(before, &control.movements) {
                    continue;
                }
                match self.map.signal(control.signal).kind {
                    SignalKind::TrafficLight => {
                        green |= memory.is_green(self.config, self.now, control.signal);
                        sign |= !self.config.lights_enabled;
                    }
                    SignalKind::StopSign | SignalKind::YieldSign => sign = true,
                    _ => continue,
                }
                line = line.min(runs[before].path_s(control.stop_s.min(self.run_lane(&runs[before]).length)));
            }
        }
        let wait = line - self.front() - self.config.stop_line_margin_m;
        let entered = first == 0 || self.start.s + self.front() > edge + 1.0;
        let last_wait = edge - self.front() - 0.2;
        Passage { first, last, wait, last_wait, entered, green, sign }
    }

    /// Where to wait before a junction: at the line if that can be done well, else before the junction itself; `None` when it
    /// is too late for either.
    fn place_to_wait(&self, passage: &Passage) -> Option<f64> {
        if self.start.v < 0.3 {
            return Some(self.start.s.clamp(passage.wait, passage.last_wait.max(passage.wait)));
        }
        let firm = self.config.deceleration_firm_mps2;
        let places = [(passage.wait, firm), (passage.last_wait, 1.5 * firm)];
        places.into_iter().find(|(s, most)| *s > self.start.s && self.needed(*s) <= *most).map(|(s, _)| s)
    }

    fn give_way(&self, passage: &Passage, wait: f64, cruise: &[Motion], stops: &mut Vec<Stop>) {
        for run in &self.path.runs[passage.first..=passage.last] {
            let lane = self.run_lane(run);
            for conflict in &lane.conflicts {
                if !(conflict.yields || passage.sign) {
                    continue;
                }
                if passage.green && !self.opposes(run.lane, conflict.lane) {
                    // Cross traffic has red.
                    continue;
                }
                let Some(enters) = time_at(cruise, run.path_s(conflict.s_start) - self.front() - 0.3) else {
                    continue;
                };
                let leaves = time_at(cruise, run.path_s(conflict.s_end) + self.car.rear_overhang_m + 0.3);
                if let Some(id) = self.who_comes(run.lane, conflict, enters, leaves.unwrap_or(f64::INFINITY))
                {
                    stops.push(Stop { s: wait, reserve: 0.5, rule: Rule::Yield, cause: Cause::Object(id) });
                    return;
                }
            }
        }
    }

    fn opposes(&self, lane: LaneId, other: LaneId) -> bool {
        let heading = |id| self.map.lane(id).centerline.at(0.0).heading;
        angle_difference(heading(lane), heading(other)).abs() > 0.7 * PI
    }

    /// A vehicle that comes through a conflict while the car would be in it.
    fn who_comes(&self, lane: LaneId, conflict: &Conflict, enters: f64, leaves: f64) -> Option<u64> {
        let other = self.map.lane(conflict.lane);
        let (from, to) = other
            .conflicts
            .iter()
            .find(|c| c.lane == lane)
            .map_or((0.0, other.length), |c| (c.s_start, c.s_end));
        let gap = self.config.gap_time_s;
        // Lanes upstream, with the distance from their start to the conflict lane's start.
        let mut lanes = [(conflict.lane, 0.0); 24];
        let mut count = 1;
        let mut next = 0;
        while next < count {
            let (id, ahead) = lanes[next];
            next += 1;
            for on in self.on_lanes.iter().filter(|on| on.lane == id) {
                let object = &self.objects.all[on.object];
                let half = object.shape.length / 2.0;
                let (near, far) = (ahead + from - on.s - half, ahead + to - on.s + half);
                let inside = near <= 0.5;
                if far < 0.0 || (object.speed < 0.6 && !inside) {
                    continue;
                }
                let speed = object.speed.max(2.0);
                let (comes, gone) = (near.max(0.0) / speed, far / speed);
                if comes < leaves + gap && gone + 0.4 * gap > enters {
                    return Some(object.id);
                }
            }
            for &before in &self.map.lane(id).predecessors {
                let length = self.map.lane(before).length;
                let seen = lanes[..count].iter().any(|l| l.0 == before);
                if ahead < UPSTREAM_M && count < lanes.len() && !seen {
                    lanes[count] = (before, ahead + length);
                    count += 1;
                }
            }
        }
        None
    }

    /// Does not drive into a junction that a standing or slow vehicle ahead would keep the car in.
    fn keep_clear(&self, passage: &Passage, wait: f64, stops: &mut Vec<Stop>) {
        let (first, last) = (&self.path.runs[passage.first], &self.path.runs[passage.last]);
        let conflicts = self.path.runs[passage.first..=passage.last]
            .iter()
            .any(|r| !self.run_lane(r).conflicts.is_empty());
        if !conflicts || last.s_end >= self.path.length() - 1.0 {
            return;
        }
        let clear = last.s_end + self.car.rear_overhang_m + 0.5;
        for encounter in &self.encounters.all {
            let slow = match encounter.meeting {
                Meeting::Standing => true,
                Meeting::Ahead => encounter.enters < 1.0 && encounter.speed_along < 1.5,
                Meeting::Crossing | Meeting::Oncoming => false,
            };
            let rear = encounter.from + self.front();
            if slow && rear > first.s_start && encounter.from - self.config.standing_gap_m + 1.0 < clear {
                let cause = Cause::Object(encounter.id);
                stops.push(Stop { s: wait, reserve: 0.5, rule: Rule::KeepJunctionClear, cause });
                return;
            }
        }
    }

    /// Whoever stands in the way or crosses it: stops before them.
    pub fn stop_for_others(&self, cruise: &[Motion], roomy: bool, stops: &mut Vec<Stop>) {
        for encounter in &self.encounters.all {
            match (encounter.meeting, encounter.kind) {
                (Meeting::Standing, Kind::Pedestrian) => {
                    self.stop_before(encounter, 3.0, Rule::YieldToPedestrian, stops)
                }
                (Meeting::Standing, _) => {
                    // With a lane beside it to pass by, room is kept to turn out.
                    let least = self.config.standing_gap_m;
                    let braking = 0.5 * self.start.v * self.start.v / self.config.deceleration_comfort_mps2;
                    let room = encounter.from - self.start.s - braking;
                    let gap = if roomy { (2.2 * least).min(room).max(least) } else { least };
                    self.stop_before(encounter, gap, Rule::StopForObstacle, stops);
                }
                (_, Kind::Pedestrian) if self.meets(encounter, cruise, 1.5, 1.0) => {
                    self.stop_before(encounter, 3.0, Rule::YieldToPedestrian, stops);
                }
                (Meeting::Crossing | Meeting::Oncoming, _) if self.crosses(encounter, cruise) => {
                    self.stop_before(encounter, 2.5, Rule::Yield, stops);
                }
                _ => {}
            }
        }
    }

    /// Whether the car would be where the object crosses while it is there, `before` and `after` seconds included.
    ///
    /// Where stopping is hard or impossible, passing just ahead of it is the safer of the two: the margin shrinks.
    fn meets(&self, encounter: &Encounter, cruise: &[Motion], before: f64, after: f64) -> bool {
        let Some(arrives) = time_at(cruise, encounter.from - 1.0) else { return false };
        let gone = time_at(cruise, encounter.to + 0.5).unwrap_or(f64::INFINITY);
        let needed = self.needed(encounter.from - 0.7);
        let after = if needed > 0.8 * self.config.deceleration_max_mps2 {
            0.1 * after
        } else if needed > self.config.deceleration_firm_mps2 {
            0.5 * after
        } else {
            after
        };
        arrives < encounter.leaves + before && encounter.enters < gone + after
    }

    fn crosses(&self, encounter: &Encounter, cruise: &[Motion]) -> bool {
        let object = &self.objects.all[encounter.object];
        if encounter.kind == Kind::Unknown && (object.speed < 1.0 || encounter.enters > 3.0) {
            return false;
        }
        if encounter.meeting == Meeting::Oncoming && encounter.enters > 2.5 {
            return false;
        }
        if !self.meets(encounter, cruise, 0.6, 0.6) {
            return false;
        }
        if self.keeps_to_its_lane(encounter) {
            return false;
        }
        // Who must give way and still can will do so.
        !(self.has_priority(encounter) && can_stop(object, encounter.enters))
    }

    /// Whether the object drives on a lane that is not the path's, away from junctions: that its prediction leaves that lane,
    /// in a bend say, is taken for the prediction's fault until it is close.
    fn keeps_to_its_lane(&self, encounter: &Encounter) -> bool {
        let place = encounter.from + self.front();
        let run_at = self.path.runs.iter().find(|run| place >= run.s_start && place <= run.s_end);
        if encounter.enters < 0.7 || run_at.is_some_and(|run| self.run_lane(run).junction.is_some()) {
            return false;
        }
        let mut lanes = self.on_lanes.iter().filter(|on| on.object == encounter.object).peekable();
        let on_path = |lane: LaneId| self.path.runs.iter().any(|run| run.lane == lane);
        lanes.peek().is_some()
            && lanes.all(|on| !on_path(on.lane) && self.map.lane(on.lane).junction.is_none())
    }

    /// Whether the path has priority where the object crosses it: in a junction, without a duty to give way there.
    fn has_priority(&self, encounter: &Encounter) -> bool {
        let place = encounter.from + self.front();
        self.path
            .runs
            .iter()
            .find(|run| place >= run.s_start && place <= run.s_end)
            .map(|run| self.run_lane(run))
            .is_some_and(|lane| lane.junction.is_some() && !lane.conflicts.iter().any(|c| c.yields))
    }

    fn stop_before(&self, encounter: &Encounter, gap: f64, rule: Rule, stops: &mut Vec<Stop>) {
        let cause = Cause::Object(encounter.id);
        let plain = encounter.from - gap;
        let mut s = plain;
        let crossing = rule == Rule::Yield || rule == Rule::YieldToPedestrian;
        if crossing {
            // Rather before the junction or the crosswalk than on it.
            let place = encounter.from + self.front();
            for run in &self.path.runs {
                let lane = self.run_lane(run);
                for c in &lane.crossings {
                    let (a, b) = (run.path_s(c.s_start), run.path_s(c.s_end));
                    if place > a - 1.0 && place < b + 3.0 {
                        s = s.min(a - self.front() - self.config.stop_line_margin_m);
                    }
                }
                if rule == Rule::Yield
                    && lane.junction.is_some()
                    && place >= run.s_start
                    && place <= run.s_end
                {
                    s = s.min(run.s_start - self.front() - self.config.stop_line_margin_m);
                }
            }
            if self.needed(s) > self.config.deceleration_firm_mps2 || s < self.start.s {
                s = plain;
            }
        }
        stops.push(Stop { s, reserve: gap - 1.5, rule, cause });
    }

    /// People on a crosswalk who walk towards the path, wherever their prediction says that they go.
    pub fn stop_at_crosswalks(&self, cruise: &[Motion], stops: &mut Vec<Stop>) {
        for run in &self.path.runs {
            for crossing in &self.run_lane(run).crossings {
                let (from, to) = (run.path_s(crossing.s_start), run.path_s(crossing.s_end));
                let wait = from - self.front() - self.config.stop_line_margin_m;
                if crossing.s_end < run.lane_s_start
                    || wait < self.start.s - 0.5
                    || wait - self.start.s > 60.0
                {
                    continue;
                }
                let arrives = time_at(cruise, from - self.front() - 0.5);
                let Some(arrives) = arrives else { continue };
                let gone = time_at(cruise, to + self.car.rear_overhang_m).unwrap_or(f64::INFINITY);
                let walks = |object: &&Object| self.walks_into(object, from, to, arrives, gone);
                if let Some(person) = self.objects.all.iter().find(walks)
                    && self.needed(wait) < 5.0
                {
                    let cause = Cause::Object(person.id);
                    stops.push(Stop { s: wait, reserve: 0.5, rule: Rule::YieldToPedestrian, cause });
                }
            }
        }
    }

    fn walks_into(&self, object: &Object, from: f64, to: f64, arrives: f64, gone: f64) -> bool {
        if object.kind != Kind::Pedestrian || object.stands() {
            return false;
        }
        let (s, d) = self.path.project(object.shape.center.position());
        if s < from - 1.5 || s > to + 1.5 || d.abs() > 12.0 {
            return false;
        }
        let yaw = self.path.at(s).pose.direction();
        let across = yaw.perp(&object.velocity);
        let along = yaw.dot(&object.velocity);
        let towards = -across * d.signum();
        let half = self.car.width_m / 2.0 + self.config.clearance_person_m;
        if d.abs() < half {
            return arrives < (d.abs() + half) / hypot(across, 0.3) + 0.5;
        }
        if towards < 0.3 || towards < along.abs() {
            return false;
        }
        let (enters, leaves) = ((d.abs() - half) / towards, (d.abs() + half) / towards);
        arrives < leaves + 1.0 && enters < gone + 1.5 && enters < 6.0
    }
}

/// Whether a vehicle can still stop, at 3 m/s², before what it reaches in `enters` seconds.
fn can_stop(object: &Object, enters: f64) -> bool {
    object.speed * enters > object.speed * object.speed / 6.0 + 0.5
}
