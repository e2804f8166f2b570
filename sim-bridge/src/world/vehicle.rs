//! A vehicle of the traffic: follows its path, keeps its distance.

use super::network::Network;
use super::path::Path;
use super::state::{ActorKind, ActorSnapshot};
use crate::Noise;
use auriga_geometry::math::{atan2, sin_cos};
use auriga_geometry::{OrientedBox, Pose2, Pose3, Vec2};
use auriga_map::{LaneId, SignalId};

/// A junction lane that the driver has decided to cross.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The lane.
    pub lane: LaneId,
    /// Where it begins, metres along the path.
    pub start: f64,
    /// Where it ends, metres along the path.
    pub end: f64,
    /// Where to stop for it, metres along the path.
    pub stop: f64,
    /// The light that must not be red.
    pub signal: Option<SignalId>,
}

/// A move across: from `from` metres left of the path's middle at `begin` to `to` after `span` metres.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shift {
    /// Metres left.
    pub from: f64,
    /// Metres left.
    pub to: f64,
    /// Metres along the path.
    pub begin: f64,
    /// Metres.
    pub span: f64,
}

impl Shift {
    fn at(&self, s: f64) -> f64 {
        let u = if self.span > 0.0 { ((s - self.begin) / self.span).clamp(0.0, 1.0) } else { 1.0 };
        self.from + (self.to - self.from) * u * u * (3.0 - 2.0 * u)
    }

    /// Whether it is still going on at `s`.
    #[must_use]
    pub fn under_way(&self, s: f64) -> bool {
        self.span > 0.0 && s < self.begin + self.span
    }
}

/// What a vehicle does besides following its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// Nothing.
    Free,
    /// It stands; after `leaves_after` seconds from when the ego car first came near, it drives on.
    Parked {
        /// Seconds; `None`: never.
        leaves_after: Option<f64>,
        /// When the ego car first came near, seconds.
        met: Option<f64>,
    },
    /// It waits for the ego car, drives beside its lane, and changes into it.
    CutIn {
        /// Sets off when the ego car's front is so near behind its rear, metres.
        trigger: f64,
        /// m/s.
        speed: f64,
        /// Changes lanes when the ego car's front is so near behind its rear, metres.
        gap: f64,
        /// The lane's number that it changes into.
        into: i32,
        /// Whether it has set off.
        going: bool,
    },
}

impl Role {
    /// Whether it stands until something happens to it.
    #[must_use]
    pub fn stands(&self) -> bool {
        matches!(self, Self::Parked { .. } | Self::CutIn { going: false, .. })
    }
}

/// A vehicle.
#[derive(Clone, Debug)]
pub struct Vehicle {
    /// Unique in a run.
    pub id: u32,
    /// What it is.
    pub kind: ActorKind,
    /// Seed of its looks.
    pub appearance: u32,
    /// Metres.
    pub length: f64,
    /// Metres.
    pub width: f64,
    /// Metres.
    pub height: f64,
    /// Where it is going.
    pub path: Path,
    /// Its centre, metres along the path.
    pub s: f64,
    /// m/s.
    pub speed: f64,
    /// m/s².
    pub acceleration: f64,
    /// Its place across the lane.
    pub shift: Shift,
    /// The lane that it is leaving, while it changes lanes.
    pub leaving: Option<LaneId>,
    /// Share of the allowed speed that its driver likes.
    pub temperament: f64,
    /// Junction lanes that it may cross.
    pub held: Vec<Held>,
    /// For how long it has been standing, seconds.
    pub standing: f64,
    /// For how long it has been waiting before a junction, seconds.
    pub waiting: f64,
    /// What else it does.
    pub role: Role,
    /// Its choices.
    pub noise: Noise,
    /// Centre of its footprint, and the road's height there; as of the last [`Vehicle::settle`].
    place: (Pose2, f64),
}

impl Vehicle {
    /// A vehicle standing on a lane, of a random kind.
    #[must_use]
    pub fn new(network: &Network, id: u32, lane: LaneId, s: f64, mut noise: Noise) -> Self {
        let draw = noise.uniform();
        let (kind, length, width, height) = if draw < 0.80 {
            (ActorKind::Car, noise.between(4.1, 4.8), noise.between(1.72, 1.86), noise.between(1.42, 1.6))
        } else if draw < 0.94 {
            (ActorKind::Van, noise.between(4.9, 5.5), noise.between(1.88, 2.0), noise.between(1.9, 2.4))
        } else {
            (ActorKind::Truck, noise.between(6.2, 7.0), noise.between(2.1, 2.25), noise.between(2.7, 3.2))
        };
        let appearance = (noise.bits() >> 32) as u32;
        let mut path = Path::new(network, lane);
        path.keep_between(network, &mut noise, -1e9, 130.0);
        let mut vehicle = Self {
            id,
            kind,
            appearance,
            length,
            width,
            height,
            path,
            s,
            speed: 0.0,
            acceleration: 0.0,
            shift: Shift::default(),
            leaving: None,
            temperament: noise.between(0.86, 1.0),
            held: Vec::with_capacity(8),
            standing: 0.0,
            waiting: 0.0,
            role: Role::Free,
            noise,
            place: (Pose2::default(), 0.0),
        };
        vehicle.settle(network);
        vehicle
    }

    /// Its front bumper, metres along the path.
    #[must_use]
    pub fn front(&self) -> f64 {
        self.s + self.length / 2.0
    }

    /// Its rear bumper, metres along the path.
    #[must_use]
    pub fn rear(&self) -> f64 {
        self.s - self.length / 2.0
    }

    /// The lane of its centre.
    #[must_use]
    pub fn lane(&self) -> LaneId {
        self.path.lanes()[self.path.index_at(self.s)].lane
    }

    /// Works out its place from its path: both axles on it.
    pub fn settle(&mut self, network: &Network) {
        let half = self.length * 0.3;
        let point = |s: f64| {
            let at = self.path.at(network, s);
            let (sin, cos) = sin_cos(at.heading);
            let d = self.shift.at(s);
            (at.position + Vec2::new(-sin, cos) * d, at.z)
        };
        let ((front, z_front), (rear, z_rear)) = (point(self.s + half), point(self.s - half));
        let (center, along) = ((front + rear) / 2.0, front - rear);
        self.place = (Pose2::new(center.x, center.y, atan2(along.y, along.x)), (z_front + z_rear) / 2.0);
    }

    /// Centre of its footprint.
    #[must_use]
    pub fn pose(&self) -> Pose2 {
        self.place.0
    }

    /// Its footprint.
    #[must_use]
    pub fn footprint(&self) -> OrientedBox {
        OrientedBox::new(self.place.0, self.length, self.width)
    }

    /// Begins a move onto a neighbouring lane, over `span` metres.
    pub fn change_lane(&mut self, network: &Network, lane: LaneId, span: f64) {
        let (s, d) = network.map.lane(lane).centerline.project(self.place.0.position());
        self.leaving = Some(self.lane());
        self.path = Path::new(network, lane);
        self.s = s;
        self.path.keep_between(network, &mut self.noise, -1e9, s + 130.0);
        self.shift = Shift { from: d, to: 0.0, begin: s, span };
        self.held.clear();
    }

    /// Moves for `dt` seconds with its acceleration.
    pub fn advance(&mut self, network: &Network, dt: f64) {
        let next = (self.speed + self.acceleration * dt).max(0.0);
        self.s += (self.speed + next) / 2.0 * dt;
        self.speed = next;
        self.standing = if next < 0.2 { self.standing + dt } else { 0.0 };
        if self.leaving.is_some() && self.shift.at(self.s).abs() < 1.0 {
            self.leaving = None;
        }
        let rear = self.rear();
        self.held.retain(|held| rear < held.end);
        self.path.keep_between(network, &mut self.noise, self.s - 20.0, self.s + 130.0);
        self.settle(network);
    }

    /// −1, 0, 1: where it is about to go.
    fn indicator(&self, network: &Network) -> i8 {
        let side = |by: f64, least: f64| i8::from(by > least) - i8::from(by < -least);
        if self.shift.under_way(self.s) {
            return side(self.shift.to - self.shift.from, 0.5);
        }
        let ahead = self.path.lanes().iter().find(|lane| {
            lane.end > self.s
                && lane.start < self.front() + 30.0
                && network.map.lane(lane.lane).junction.is_some()
        });
        ahead.map_or(0, |lane| side(network.facts(lane.lane).turn, 0.6))
    }

    /// What sensors can see of it.
    #[must_use]
    pub fn snapshot(&self, network: &Network) -> ActorSnapshot {
        let (pose, z) = self.place;
        ActorSnapshot {
            id: self.id,
            kind: self.kind,
            appearance: self.appearance,
            pose: Pose3::from_pose2(&pose, z),
            length: self.length,
            width: self.width,
            height: self.height,
            speed: self.speed,
            walk_phase: 0.0,
            braking: self.acceleration < -0.4 || self.speed < 0.1,
            indicator: self.indicator(network),
        }
    }
}

/// Comfortable acceleration, m/s².
const ACCELERATION: f64 = 1.6;
/// Comfortable braking, m/s², positive.
const BRAKING: f64 = 2.2;
/// Time gap, seconds.
const TIME_GAP: f64 = 1.3;
/// Gap at standstill, metres.
pub const STANDSTILL_GAP: f64 = 2.2;
/// As hard as tyres brake, m/s², positive.
const HARDEST: f64 = 8.0;

/// The Intelligent Driver Model (Treiber, Hennecke, Helbing 2000, equations 2 to 4): acceleration, m/s².
#[must_use]
pub fn follow(speed: f64, desired: f64, gap: f64, leader_speed: f64) -> f64 {
    let ratio = speed / desired.max(0.5);
    let free = 1.0 - ratio * ratio * ratio * ratio;
    let closing = speed * (speed - leader_speed) / (2.0 * (ACCELERATION * BRAKING).sqrt());
    let wanted = STANDSTILL_GAP + (speed * TIME_GAP + closing).max(0.0);
    let share = wanted / gap.max(0.1);
    let held_back = if gap.is_finite() { share * share } else { 0.0 };
    // Above the desired speed the model brakes without bound: a driver takes his foot off.
    (ACCELERATION * (free.max(-1.5) - held_back)).clamp(-HARDEST, ACCELERATION)
}

#[cfg(test)]
mod tests {
    use super::follow;

    #[test]
    fn a_follower_settles_at_the_models_equilibrium_gap() {
        // At equal speeds: gap = (s0 + v T) / sqrt(1 − (v / v0)^4).
        let (mut x, mut v, leader) = (0.0, 8.0, 8.0);
        let mut ahead = 60.0;
        for _ in 0..60_000 {
            let a = follow(v, 14.0, ahead - x, leader);
            v += a * 0.01;
            x += v * 0.01;
            ahead += leader * 0.01;
        }
        let ratio: f64 = 8.0 / 14.0;
        let expected = (2.2 + 8.0 * 1.3) / (1.0 - ratio * ratio * ratio * ratio).sqrt();
        assert!((ahead - x - expected).abs() < 0.05, "{} {expected}", ahead - x);
    }

    #[test]
    fn it_stops_behind_a_car_that_brakes_as_hard_as_it_can() {
        let (mut x, mut v, mut leader_speed) = (0.0_f64, 13.0_f64, 13.0_f64);
        let mut ahead = 22.0;
        for _ in 0..2_000 {
            v = (v + follow(v, 14.0, ahead - x, leader_speed) * 0.01).max(0.0);
            x += v * 0.01;
            leader_speed = (leader_speed - 0.08).max(0.0);
            ahead += leader_speed * 0.01;
            assert!(ahead - x > 0.3);
        }
    }
}
