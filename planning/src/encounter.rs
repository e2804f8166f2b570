//! When and where road users are in the way of a path: the space-time picture that the rules judge.

use crate::PlannerConfig;
use crate::objects::{Kind, Object, Objects, Way};
use crate::path::Path;
use auriga_geometry::math::{angle_difference, cos};
use auriga_geometry::{OrientedBox, Pose2};
use auriga_vehicle::VehicleParameters;

/// Time between two looks at an object's way, seconds.
pub(crate) const STEP_S: f64 = 0.2;
/// What the car's side would touch so soon is beside the car, metres.
const BESIDE_M: f64 = 1.0;
/// Looks at one way.
const STEPS: usize = 36;

/// How an object meets the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// It stands in the way.
    Standing,
    /// It drives along the path, the same way, or will.
    Ahead,
    /// It crosses the path.
    Crossing,
    /// It comes the other way.
    Oncoming,
}

/// An object on its way over the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Encounter {
    /// Index into [`Objects::all`].
    pub object: usize,
    pub id: u64,
    pub kind: Kind,
    pub meeting: Meeting,
    /// Seconds from now until it is in the way, and until it is out of it again.
    pub enters: f64,
    pub leaves: f64,
    /// The first and last `s` of `base_link` at which it would be touched, over all of that time.
    pub from: f64,
    pub to: f64,
    /// m/s along the path where it is in the way.
    pub speed_along: f64,
    /// Its looks: a range of [`Encounters::looks`]; the first one at `enters`, one each [`STEP_S`].
    looks: (usize, usize),
}

/// All encounters; buffers are reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encounters {
    pub all: Vec<Encounter>,
    /// The first and last `s` of `base_link` at which the object would be touched.
    looks: Vec<(f64, f64)>,
}

impl Encounters {
    /// Finds who is in the way of the path, from `s` on.
    pub fn find(
        &mut self,
        config: &PlannerConfig,
        car: &VehicleParameters,
        objects: &Objects,
        path: &Path,
        s: f64,
    ) {
        self.all.clear();
        self.looks.clear();
        let here = path.at(s).pose;
        let body = car.footprint(&here);
        for (i, object) in objects.all.iter().enumerate() {
            if body.contains(object.shape.center.position()) {
                // The car itself, as its own sensors see it.
                continue;
            }
            if object.stands() {
                self.look_at_standing(config, i, object, path, s);
                continue;
            }
            let local = here.to_local(object.shape.center.position());
            let turn = cos(angle_difference(object.shape.center.yaw, here.yaw));
            if local.x < 0.5 && turn > 0.7 && object.kind != Kind::Pedestrian {
                // It follows the car, or is being overtaken.
                continue;
            }
            let ways = objects.ways_of(object);
            let best = ways.iter().map(|way| way.confidence).fold(0.0, f64::max);
            for way in ways {
                if way.confidence >= 0.6 * best {
                    self.look_at_way(config, i, object, (objects, way), path, s);
                }
            }
        }
    }

    fn look_at_standing(&mut self, config: &PlannerConfig, i: usize, object: &Object, path: &Path, s: f64) {
        let room = match object.kind {
            Kind::Pedestrian | Kind::Cyclist => 0.5 * config.clearance_person_m,
            Kind::Vehicle | Kind::Unknown => config.clearance_standing_m,
        };
        let Some((from, to)) = path.overlap(&object.shape, room, s) else { return };
        if from <= s + BESIDE_M && path.at(s).pose.to_local(object.shape.center.position()).x < 1.4 {
            // Beside or under the car already, not in front of it.
            return;
        }
        let first = self.looks.len();
        self.looks.push((from, to));
        self.all.push(Encounter {
            object: i,
            id: object.id,
            kind: object.kind,
            meeting: Meeting::Standing,
            enters: 0.0,
            leaves: f64::INFINITY,
            from,
            to,
            speed_along: 0.0,
            looks: (first, first + 1),
        });
    }

    fn look_at_way(
        &mut self,
        config: &PlannerConfig,
        i: usize,
        object: &Object,
        way: (&Objects, &Way),
        path: &Path,
        s: f64,
    ) {
        let room = match object.kind {
            Kind::Pedestrian | Kind::Cyclist => config.clearance_person_m,
            Kind::Vehicle | Kind::Unknown => config.clearance_moving_m,
        };
        let first = self.looks.len();
        let (mut enters, mut leaves) = (None, 0.0);
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut at_entry, mut at_end) = (Pose2::default(), Pose2::default());
        let mut last_from = 0.0;
        for step in 0..STEPS {
            let t = step as f64 * STEP_S;
            let pose = way.0.pose_at(way.1, t);
            let shape = OrientedBox::new(pose, object.shape.length, object.shape.width);
            match path.overlap(&shape, room, s) {
                Some((a, b)) => {
                    if enters.is_none() {
                        (enters, at_entry) = (Some(t), pose);
                    }
                    (leaves, at_end, last_from) = (t, pose, a);
                    (from, to) = (from.min(a), to.max(b));
                    self.looks.push((a, b));
                }
                None if enters.is_some() => break,
                None => {}
            }
        }
        let Some(enters) = enters else { return };
        let along = |pose: &Pose2, place: f64| {
            cos(angle_difference(heading(object, pose), path.at(place + 2.0).pose.yaw))
        };
        let (entry, end) = (along(&at_entry, self.looks[first].0), along(&at_end, last_from));
        let vehicle = object.kind != Kind::Pedestrian;
        let stays = leaves - enters > 1.5;
        let meeting = if entry > 0.8 || (vehicle && stays && end > 0.85) {
            Meeting::Ahead
        } else if entry < -0.7 {
            Meeting::Oncoming
        } else {
            Meeting::Crossing
        };
        if !vehicle && meeting != Meeting::Crossing && enters > 1.0 {
            // Somebody who walks beside the road; the least turn of the track would bring them onto it.
            self.looks.truncate(first);
            return;
        }
        self.all.push(Encounter {
            object: i,
            id: object.id,
            kind: object.kind,
            meeting,
            enters,
            leaves: leaves + STEP_S,
            from,
            to,
            speed_along: (object.speed * entry.max(if meeting == Meeting::Ahead { end } else { entry }))
                .max(0.0),
            looks: (first, self.looks.len()),
        });
    }

    /// Where the object's rear is at `t` seconds from now: the first `s` of `base_link` that touches it. Before it enters the
    /// way it is taken back along the path at its speed; `None` long before, and after it has left.
    pub fn rear_at(&self, encounter: &Encounter, t: f64) -> Option<f64> {
        let looks = &self.looks[encounter.looks.0..encounter.looks.1];
        if encounter.meeting == Meeting::Standing {
            return looks.first().map(|look| look.0);
        }
        if t < encounter.enters {
            let ahead = encounter.enters - t;
            return (ahead < 2.5).then(|| looks[0].0 - encounter.speed_along * ahead);
        }
        let at = (t - encounter.enters) / STEP_S;
        let i = at.floor() as usize;
        match (looks.get(i), looks.get(i + 1)) {
            (Some(a), Some(b)) => Some(a.0 + (b.0 - a.0) * (at - i as f64)),
            (Some(a), None) => Some(a.0 + encounter.speed_along * STEP_S * (at - i as f64)),
            _ if encounter.leaves >= (STEPS - 1) as f64 * STEP_S => {
                looks.last().map(|a| a.0 + encounter.speed_along * (t - encounter.leaves + STEP_S))
            }
            _ => None,
        }
    }
}

impl Encounters {
    /// Whether a car at `s` touches the object at `t` seconds from now.
    pub fn touches(&self, encounter: &Encounter, t: f64, s: f64) -> bool {
        let looks = &self.looks[encounter.looks.0..encounter.looks.1];
        let look = match encounter.meeting {
            Meeting::Standing => looks.first(),
            _ if t < encounter.enters => None,
            _ => looks.get(((t - encounter.enters) / STEP_S).round() as usize),
        };
        look.is_some_and(|&(from, to)| s >= from && s <= to)
    }
}

/// The way that an object moves: for people it is not where their box points.
fn heading(object: &Object, pose: &Pose2) -> f64 {
    if object.kind == Kind::Pedestrian {
        auriga_geometry::math::atan2(object.velocity.y, object.velocity.x)
    } else {
        pose.yaw
    }
}
