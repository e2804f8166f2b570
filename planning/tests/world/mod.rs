//! A small world to drive in: the ego car as a kinematic bicycle that follows its trajectory, scripted road users, lights.
//! Every trajectory is checked for what must always hold.

#![allow(dead_code, reason = "each test binary uses its own part of it")]

use auriga_geometry::math::{angle_difference, cos, sin};
use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_map::{LaneId, LanePosition, Map, Route};
use auriga_messages::auriga_msgs::BehaviorDecision;
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, PredictedObject, PredictedObjects, PredictedPath, TrafficLightElement,
    TrafficLightGroup, TrafficLightGroupArray,
};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_planning::{Planner, PlannerConfig};
use auriga_vehicle::{KinematicBicycle, VehicleParameters};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// Pose of its centre and speed at a time, and the ego car's pose.
pub type Script = Box<dyn FnMut(f64, &Pose2) -> (Pose2, f64)>;

pub struct Actor {
    pub id: u64,
    pub label: u8,
    pub length: f64,
    pub width: f64,
    pub script: Script,
    /// Where it will be, for the prediction; straight on without it.
    pub future: Option<Box<dyn Fn(f64) -> Pose2>>,
}

impl Actor {
    pub fn car(id: u64, script: impl FnMut(f64, &Pose2) -> (Pose2, f64) + 'static) -> Self {
        Self {
            id,
            label: ObjectClassification::CAR,
            length: 4.5,
            width: 1.8,
            script: Box::new(script),
            future: None,
        }
    }

    pub fn standing_car(id: u64, pose: Pose2) -> Self {
        Self::car(id, move |_, _| (pose, 0.0))
    }

    /// Drives along lanes at one speed, from `s` metres along the first.
    pub fn on_lanes(id: u64, map: &Map, lanes: &[LaneId], s: f64, speed: f64) -> Self {
        let mut line: Vec<(f64, Pose2)> = Vec::new();
        let mut done = 0.0;
        for &lane in lanes {
            let lane = map.lane(lane);
            line.extend(
                lane.centerline
                    .points
                    .iter()
                    .map(|p| (done + p.s, Pose2::new(p.position.x, p.position.y, p.heading))),
            );
            done += lane.length;
        }
        let at = move |t: f64| {
            let s = s + speed * t;
            let after = line.partition_point(|p| p.0 <= s).clamp(1, line.len() - 1);
            let (a, b) = (&line[after - 1], &line[after]);
            if s > b.0 {
                let end = b.1.to_parent(Vec2::new(s - b.0, 0.0));
                return Pose2::new(end.x, end.y, b.1.yaw);
            }
            a.1.interpolate(&b.1, ((s - a.0) / (b.0 - a.0).max(1e-9)).max(0.0))
        };
        let future = at.clone();
        Self { future: Some(Box::new(future)), ..Self::car(id, move |t, _| (at(t), speed)) }
    }

    /// Walks straight on from a place at a time.
    pub fn pedestrian(id: u64, from: Pose2, speed: f64, starts: f64) -> Self {
        let script = move |t: f64, _: &Pose2| {
            let walked = (t - starts).max(0.0) * speed;
            let at = from.to_parent(Vec2::new(walked, 0.0));
            (Pose2::new(at.x, at.y, from.yaw), if t > starts { speed } else { 0.0 })
        };
        Self {
            id,
            label: ObjectClassification::PEDESTRIAN,
            length: 0.5,
            width: 0.5,
            script: Box::new(script),
            future: None,
        }
    }
}

pub struct World<'m> {
    pub map: &'m Map,
    pub planner: Planner,
    pub car: VehicleParameters,
    pub ego: KinematicBicycle,
    pub now_s: f64,
    pub actors: Vec<Actor>,
    /// The lights' colour at a time; `None` is not seen.
    pub light: Box<dyn Fn(u32, f64) -> Option<u8>>,
    /// Standard noise of boxes, metres.
    pub noise: f64,
    pub trajectory: Trajectory,
    pub decision: BehaviorDecision,
    pub rules: Vec<String>,
    /// Whether perception has died: the last message stays.
    pub blind: bool,
    /// Whether a collision is what the test is after.
    pub may_collide: bool,
    /// Least distance to any road user, metres; 0 is a collision.
    pub clearance: f64,
    pub lateral_acceleration_max: f64,
    pub deceleration_max: f64,
    pub steps: usize,
    random: Pcg32,
    steering: f64,
    message: PredictedObjects,
    lights: TrafficLightGroupArray,
}

/// Legs from stop to stop, as one route.
pub fn route(map: &Map, stops: &[LanePosition]) -> Route {
    let legs: Vec<Route> = stops.windows(2).map(|leg| map.route(leg[0], leg[1]).expect("a way")).collect();
    let length = legs.iter().map(|leg| leg.length).sum();
    Route { segments: legs.into_iter().flat_map(|leg| leg.segments).collect(), length }
}

pub fn lane(map: &Map, road: &str, number: i32) -> LaneId {
    map.lanes().iter().find(|l| l.key.road == road && l.key.lane == number).expect("a lane").id
}

pub fn at(map: &Map, road: &str, number: i32, s: f64) -> LanePosition {
    LanePosition { lane: lane(map, road, number), s, d: 0.0 }
}

pub fn pose_on(map: &Map, position: LanePosition) -> Pose2 {
    let p = map.lane(position.lane).centerline.at(position.s);
    let left = Vec2::new(-sin(p.heading), cos(p.heading)) * position.d;
    Pose2::new(p.position.x + left.x, p.position.y + left.y, p.heading)
}

impl<'m> World<'m> {
    pub fn new(map: &'m Map, route: &Route, speed: f64, config: PlannerConfig) -> Self {
        let car = VehicleParameters::default();
        let first = &route.segments[0];
        let start = LanePosition { lane: first.lane, s: first.s_start, d: 0.0 };
        let ego = KinematicBicycle { pose: pose_on(map, start), speed_mps: speed };
        Self {
            map,
            planner: Planner::new(config, car.clone(), map, route).expect("a planner"),
            car,
            ego,
            now_s: 0.0,
            actors: Vec::new(),
            light: Box::new(|_, _| Some(TrafficLightElement::GREEN)),
            noise: 0.0,
            trajectory: Trajectory::default(),
            decision: BehaviorDecision::default(),
            rules: Vec::new(),
            blind: false,
            may_collide: false,
            clearance: f64::INFINITY,
            lateral_acceleration_max: 0.0,
            deceleration_max: 0.0,
            steps: 0,
            random: Pcg32::seed_from_u64(7),
            steering: 0.0,
            message: PredictedObjects::default(),
            lights: TrafficLightGroupArray::default(),
        }
    }

    fn time(&self) -> LogicalTime {
        LogicalTime::from_nanos((self.now_s * 1e9).round() as i64)
    }

    fn jitter(&mut self) -> f64 {
        (f64::from(self.random.next_u32()) / f64::from(u32::MAX) - 0.5) * 2.0 * self.noise
    }

    /// Plans, checks the plan, drives 0.1 s of it.
    pub fn step(&mut self) {
        let now = self.time();
        if !self.blind {
            self.look();
        }
        let mut ego = Odometry::default();
        ego.header.stamp = now.into();
        ego.pose.pose = (&self.ego.pose).into();
        ego.twist.twist.linear.x = self.ego.speed_mps;
        ego.twist.twist.angular.z = self.ego.yaw_rate(&self.car, self.steering);
        self.planner
            .step(
                now,
                &ego,
                Some(&self.message),
                Some(&self.lights),
                self.map,
                &mut self.trajectory,
                &mut self.decision,
            )
            .expect("a plan");
        self.check();
        if std::env::var_os("AURIGA_TRACE").is_some() {
            println!(
                "{:6.1} s  x {:7.2} y {:6.2} v {:5.2}  a {:5.2}  {} {} stop {:.1}",
                self.now_s,
                self.ego.pose.x,
                self.ego.pose.y,
                self.ego.speed_mps,
                self.trajectory.points[0].acceleration_mps2,
                self.decision.rule,
                self.decision.because_of,
                self.decision.stop_distance_m
            );
        }
        if self.rules.last() != Some(&self.decision.rule) {
            self.rules.push(self.decision.rule.clone());
        }
        self.drive();
        self.steps += 1;
    }

    pub fn run(&mut self, seconds: f64) {
        let end = self.now_s + seconds;
        while self.now_s < end - 1e-6 {
            self.step();
        }
    }

    /// Runs until `done` or the time is over; whether it was done.
    pub fn run_until(&mut self, seconds: f64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now_s + seconds;
        while self.now_s < end - 1e-6 {
            self.step();
            if done(self) {
                return true;
            }
        }
        false
    }

    pub fn has_used(&self, rule: &str) -> bool {
        self.rules.iter().any(|r| r == rule)
    }

    fn look(&mut self) {
        self.message.header.stamp = self.time().into();
        self.message.objects.clear();
        self.lights.stamp = self.time().into();
        self.lights.traffic_light_groups.clear();
        for signal in self.map.signals() {
            if let Some(color) = (self.light)(signal.id.0, self.now_s) {
                let element = TrafficLightElement { color, shape: 1, status: 2, confidence: 0.9 };
                self.lights.traffic_light_groups.push(TrafficLightGroup {
                    traffic_light_group_id: i64::from(signal.id.0),
                    elements: vec![element],
                });
            }
        }
        let mut actors = core::mem::take(&mut self.actors);
        for actor in &mut actors {
            let (pose, speed) = (actor.script)(self.now_s, &self.ego.pose);
            let shape = OrientedBox::new(pose, actor.length, actor.width);
            let body = self.car.footprint(&self.ego.pose);
            let distance = body.distance(&shape);
            assert!(
                distance > 0.0 || self.may_collide,
                "collision with {} at {:.1} s: ego {:?}, rules {:?}",
                actor.id,
                self.now_s,
                self.ego,
                self.rules
            );
            self.clearance = self.clearance.min(distance);
            let (x, y) = (self.jitter(), self.jitter());
            let seen = Pose2::new(pose.x + x, pose.y + y, pose.yaw);
            self.message.objects.push(object(actor, &seen, speed, self.now_s));
        }
        self.actors = actors;
    }

    /// What must hold for every trajectory.
    fn check(&self) {
        let points = &self.trajectory.points;
        assert!(points.len() >= 61, "at least 6 s");
        let first = Pose2::from(&points[0].pose);
        assert!(first.distance(&self.ego.pose) < 2.0, "starts near the car: {first:?} {:?}", self.ego);
        let (mut time, mut last) = (-1, first);
        let mut travelled = 0.0;
        for point in points {
            let t = LogicalDuration::from(&point.time_from_start).as_nanos();
            assert!(t > time, "time ascends");
            time = t;
            let pose = Pose2::from(&point.pose);
            let (v, a) = (f64::from(point.longitudinal_velocity_mps), f64::from(point.acceleration_mps2));
            assert!(pose.x.is_finite() && pose.y.is_finite() && pose.yaw.is_finite() && v.is_finite());
            assert!(v >= 0.0 && (-7.01..=2.01).contains(&a), "v {v}, a {a}");
            assert!(f64::from(point.front_wheel_angle_rad).abs() <= 0.6 + 1e-6);
            let step = last.distance(&pose);
            travelled += step;
            assert!(step < 0.1 * v + 0.6, "no jumps: {step} m at {v} m/s");
            assert!(angle_difference(pose.yaw, last.yaw).abs() < 0.5);
            last = pose;
        }
        let end = f64::from(points[points.len() - 1].longitudinal_velocity_mps);
        let v = self.ego.speed_mps;
        assert!(end == 0.0 || travelled > v * v / 5.0, "ends in a stop or beyond the stopping distance");
    }

    fn drive(&mut self) {
        for i in 0..10 {
            let t = f64::from(i) * 0.01;
            let points = &self.trajectory.points;
            let (a, b) = (&points[0], &points[1]);
            let u = t / 0.1;
            let target = Pose2::from(&a.pose).interpolate(&Pose2::from(&b.pose), u);
            let v = f64::from(a.longitudinal_velocity_mps) * (1.0 - u)
                + f64::from(b.longitudinal_velocity_mps) * u;
            let feed =
                f64::from(a.front_wheel_angle_rad) * (1.0 - u) + f64::from(b.front_wheel_angle_rad) * u;
            let local = target.to_local(self.ego.pose.position());
            let turn = angle_difference(self.ego.pose.yaw, target.yaw);
            let wanted = feed - 1.2 * turn - 0.35 * local.y;
            self.steering += (wanted.clamp(-0.6, 0.6) - self.steering).clamp(-0.02, 0.02);
            let push = f64::from(a.acceleration_mps2) + 1.0 * (v - self.ego.speed_mps);
            self.ego = self.ego.step(&self.car, self.steering, push.clamp(-8.0, 3.0), 0.01);
            let lateral = self.ego.speed_mps * self.ego.yaw_rate(&self.car, self.steering);
            self.lateral_acceleration_max = self.lateral_acceleration_max.max(lateral.abs());
            self.deceleration_max = self.deceleration_max.max(-push);
        }
        self.now_s += 0.1;
    }
}

fn object(actor: &Actor, pose: &Pose2, speed: f64, now_s: f64) -> PredictedObject {
    let mut object = PredictedObject { existence_probability: 1.0, ..PredictedObject::default() };
    object.object_id.uuid[..8].copy_from_slice(&actor.id.to_le_bytes());
    object.classification.push(ObjectClassification { label: actor.label, probability: 1.0 });
    object.shape.dimensions.x = actor.length;
    object.shape.dimensions.y = actor.width;
    object.shape.dimensions.z = 1.5;
    object.kinematics.initial_pose_with_covariance.pose = pose.into();
    object.kinematics.initial_twist_with_covariance.twist.linear.x = speed;
    let mut path = PredictedPath { confidence: 1.0, ..PredictedPath::default() };
    path.time_step = LogicalDuration::from_millis(500).into();
    for i in 0..13 {
        let ahead = 0.5 * f64::from(i);
        let at = match &actor.future {
            Some(future) => future(now_s + ahead),
            None => {
                let p = pose.to_parent(Vec2::new(speed * ahead, 0.0));
                Pose2::new(p.x, p.y, pose.yaw)
            }
        };
        path.path.push((&at).into());
    }
    object.kinematics.predicted_paths.push(path);
    object
}
