//! Finding the first pose: the position from the first fix, the heading from the way driven.

use auriga_geometry::math::{atan2, sin_cos, wrap_angle};
use auriga_geometry::{LogicalTime, Pose2, Vec2};

/// The heading is known after this way, metres.
const WAY_M: f64 = 5.0;

/// Dead reckoning from an unknown heading, until the fixes show it.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    time: Option<LogicalTime>,
    /// From where it began, with heading 0.
    local: Pose2,
    /// Antenna by the first fix and by dead reckoning at its instant.
    first: Option<(Vec2, Vec2)>,
}

impl Start {
    pub fn has_fix(&self) -> bool {
        self.first.is_some()
    }

    pub fn drive(&mut self, time: LogicalTime, speed: f64, rate: f64) {
        if let Some(last) = self.time.filter(|last| *last < time) {
            let dt = time.since(last).as_secs_f64().min(0.5);
            let (sin, cos) = sin_cos(rate * dt / 2.0);
            let way = speed * dt;
            self.local = self.local.compose(&Pose2::new(way * cos, way * sin, rate * dt));
        }
        self.time = Some(time);
    }

    /// The pose now, once the way is long enough.
    pub fn fix(&mut self, antenna: Vec2, lever_arm: Vec2) -> Option<Pose2> {
        let local = self.local.to_parent(lever_arm);
        let Some((first_seen, first_local)) = self.first else {
            self.first = Some((antenna, local));
            return None;
        };
        let (seen, driven) = (antenna - first_seen, local - first_local);
        if driven.norm() < WAY_M || seen.norm() < 0.5 * WAY_M {
            return None;
        }
        let turn = wrap_angle(atan2(seen.y, seen.x) - atan2(driven.y, driven.x));
        let yaw = wrap_angle(self.local.yaw + turn);
        let base = antenna - (Pose2::new(0.0, 0.0, yaw).to_parent(lever_arm));
        Some(Pose2::new(base.x, base.y, yaw))
    }
}
