//! A driver for tests who knows the truth: follows the route's middle, keeps his distance to what is or soon will be in his
//! way, stops at red. He shows that a scenario can be driven well; he shares no code with the stack.

use auriga_geometry::math::{atan2, sin_cos};
use auriga_geometry::{OrientedBox, Pose2, Vec2};
use auriga_map::{LaneId, Map, SignalKind};
use auriga_sim_bridge::Scenario;
use auriga_sim_bridge::plant::{Command, Plant, PlantParameters};
use auriga_sim_bridge::world::{LightColor, WorldSnapshot};

/// A point of the way: where, which way, how far along, how fast at most.
#[derive(Clone, Copy)]
struct Point {
    pose: Pose2,
    s: f64,
    speed: f64,
}

pub struct Driver {
    way: Vec<Point>,
    /// Stop lines: metres along the way, and the lights.
    lines: Vec<(f64, usize)>,
    /// Lanes to look at before crossing: metres along the way of the stop, and the others' lanes.
    junctions: Vec<(f64, f64, Vec<LaneId>)>,
    nearest: usize,
}

impl Driver {
    /// Plans the scenario's route; it must do without lane changes.
    pub fn new(map: &Map, scenario: &Scenario) -> Self {
        let stops = scenario.itinerary(map).unwrap();
        let mut driver = Self { way: Vec::new(), lines: Vec::new(), junctions: Vec::new(), nearest: 0 };
        for pair in stops.windows(2) {
            for segment in map.route(pair[0], pair[1]).unwrap().segments {
                assert!(!segment.change_to_next, "the route changes lanes");
                driver.append(map, segment.lane, segment.s_start, segment.s_end);
            }
        }
        let goal = driver.way.len() - 1;
        driver.way[goal].speed = 0.0;
        for i in (0..goal).rev() {
            let ds = driver.way[i + 1].s - driver.way[i].s;
            let next = driver.way[i + 1].speed;
            driver.way[i].speed = driver.way[i].speed.min((next * next + 2.0 * 1.5 * ds).sqrt());
        }
        driver
    }

    fn append(&mut self, map: &Map, id: LaneId, from: f64, to: f64) {
        let lane = map.lane(id);
        let base = self.way.last().map_or(0.0, |p| p.s) - from;
        let mut s = from;
        while s < to {
            let at = lane.centerline.at(s);
            let curve = (2.0 / at.curvature.abs().max(1e-4)).sqrt();
            let speed = (lane.speed_limit * 0.95).min(curve);
            let pose = Pose2::new(at.position.x, at.position.y, at.heading);
            if self.way.last().is_none_or(|p| base + s > p.s) {
                self.way.push(Point { pose, s: base + s, speed });
            }
            s += 0.5;
        }
        for control in &lane.controls {
            if map.signal(control.signal).kind == SignalKind::TrafficLight
                && (from..to).contains(&control.stop_s)
            {
                self.lines.push((base + control.stop_s, control.signal.index()));
            }
        }
        for conflict in lane.conflicts.iter().filter(|c| c.yields) {
            let end = base + conflict.s_end;
            self.junctions.push((base + from - 2.0, end, vec![conflict.lane]));
        }
    }

    /// Metres driven along the way.
    pub fn driven(&self) -> f64 {
        self.way[self.nearest].s
    }

    /// Metres of the whole way.
    pub fn length(&self) -> f64 {
        self.way[self.way.len() - 1].s
    }

    /// Decides.
    pub fn drive(
        &mut self,
        map: &Map,
        parameters: &PlantParameters,
        ego: &Plant,
        world: &WorldSnapshot,
    ) -> Command {
        let state = ego.state();
        let here = state.pose.position();
        while self.nearest + 1 < self.way.len()
            && (self.way[self.nearest + 1].pose.position() - here).norm()
                <= (self.way[self.nearest].pose.position() - here).norm()
        {
            self.nearest += 1;
        }
        let s = self.way[self.nearest].s;
        let ahead = s + 3.0 + 0.5 * state.speed;
        let target =
            self.way[self.nearest..].iter().find(|p| p.s >= ahead).unwrap_or(&self.way[self.way.len() - 1]);
        let local = state.pose.to_local(target.pose.position());
        // Pure pursuit (Coulter 1992).
        let curvature = 2.0 * local.y / local.norm_squared().max(1.0);
        let steering_angle = atan2(curvature * parameters.body.wheelbase_m, 1.0);
        let front = s + parameters.front_m();
        let wanted = self.way[self.nearest].speed;
        let mut acceleration = (1.2 * (wanted - state.speed)).clamp(-3.0, 1.8);
        for (distance, speed) in self.obstacles(map, parameters, state.speed, front, world) {
            acceleration = acceleration.min(keep_distance(state.speed, distance, speed));
        }
        Command {
            active: true,
            steering_angle,
            acceleration,
            hold: state.speed < 0.05 && acceleration <= 0.0,
        }
    }

    /// Gap and speed along the way of everything that is or soon will be in it.
    fn obstacles(
        &self,
        map: &Map,
        parameters: &PlantParameters,
        speed: f64,
        front: f64,
        world: &WorldSnapshot,
    ) -> Vec<(f64, f64)> {
        let mut found = Vec::new();
        for &(line, signal) in &self.lines {
            let color = world.lights.iter().find(|l| l.0.index() == signal).map(|l| l.1);
            let distance = line - front;
            let stops = match color {
                Some(LightColor::Red) => distance > -0.5,
                Some(LightColor::Amber) => distance > speed * speed / 6.0,
                _ => false,
            };
            if stops && distance < 80.0 {
                found.push((distance + 1.5, 0.0));
            }
        }
        for (stop, end, lanes) in &self.junctions {
            let distance = stop - front;
            if !(0.0..40.0).contains(&distance) {
                continue;
            }
            let span = (end - front + 6.0) / speed.max(4.0) + 1.5;
            let comes = world.actors.iter().any(|actor| {
                lanes.iter().any(|&lane| {
                    let line = &map.lane(lane).centerline;
                    let at = actor.pose.to_pose2();
                    let start = line.at(0.0);
                    let inside = line.project(at.position()).1.abs() < 1.5;
                    let toward = at.to_local(start.position);
                    let coming =
                        toward.x > 0.0 && toward.x < span * (actor.speed + 1.0) && toward.y.abs() < 2.0;
                    actor.speed > 1.0
                        && (inside
                            && (line.at(line.project(at.position()).0).position - at.position()).norm() < 3.0
                            || coming)
                })
            });
            if comes {
                found.push((distance + 1.5, 0.0));
            }
        }
        for actor in &world.actors {
            let pose = actor.pose.to_pose2();
            let (sin, cos) = sin_cos(pose.yaw);
            for step in 0..5 {
                let t = f64::from(step) * 0.5;
                let moved = Vec2::new(cos, sin) * (actor.speed * t);
                let footprint = OrientedBox::new(
                    Pose2::new(pose.x + moved.x, pose.y + moved.y, pose.yaw),
                    actor.length,
                    actor.width,
                );
                if let Some((distance, along)) = self.meets(&footprint, actor.speed, front, parameters) {
                    // What will be there later is met later.
                    found.push((distance - along.max(0.0) * t * 0.5, along.max(0.0)));
                    break;
                }
            }
        }
        found
    }

    fn meets(
        &self,
        footprint: &OrientedBox,
        speed: f64,
        front: f64,
        parameters: &PlantParameters,
    ) -> Option<(f64, f64)> {
        let half = parameters.body.width_m / 2.0 + 0.35;
        for point in self.way[self.nearest..].iter().step_by(2) {
            if point.s < front - 1.0 {
                continue;
            }
            if point.s > front + 70.0 {
                break;
            }
            if footprint.distance_to_point(point.pose.position()) < half {
                let along = speed * point.pose.direction().dot(&footprint.center.direction());
                return Some((point.s - front - half, along));
            }
        }
        None
    }
}

/// Brakes for a thing so far ahead that moves so fast along the way.
fn keep_distance(speed: f64, distance: f64, other: f64) -> f64 {
    let closing = speed - other;
    let gap = distance - 2.5;
    if closing > 0.0 && gap < 40.0 {
        let needed = closing * closing / (2.0 * gap.max(0.1));
        if needed > 1.5 || gap < 0.5 {
            return -needed.min(7.0);
        }
    }
    (0.8 * (distance - 2.5 - 1.2 * speed) - 0.8 * closing).clamp(-3.0, 2.0)
}
