//! What the car has seen of lights, and what it has made of them and of stop signs.

use crate::PlannerConfig;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_map::SignalId;
use auriga_messages::autoware_perception_msgs::{TrafficLightElement, TrafficLightGroupArray};
use std::collections::BTreeMap;

/// A light's state counts for this long after it was last seen.
const MEMORY: LogicalDuration = LogicalDuration::from_millis(1_000);

/// A green light that is lost from sight is not braked hard for within this time.
const GREEN_MEMORY: LogicalDuration = LogicalDuration::from_millis(4_000);

/// What a light showed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    color: u8,
    at: LogicalTime,
}

/// Lights seen, ambers driven through, stop signs stopped at.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignalMemory {
    seen: BTreeMap<SignalId, Seen>,
    going: Option<SignalId>,
    stopped_at: Option<SignalId>,
}

impl SignalMemory {
    /// Takes in what was seen.
    pub fn see(&mut self, lights: &TrafficLightGroupArray) {
        let at = LogicalTime::from(&lights.stamp);
        for group in &lights.traffic_light_groups {
            let Ok(id) = u32::try_from(group.traffic_light_group_id) else { continue };
            let best = group.elements.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence));
            let color = best.map_or(TrafficLightElement::UNKNOWN, |e| e.color);
            if color != TrafficLightElement::UNKNOWN {
                self.seen.insert(SignalId(id), Seen { color, at });
            }
        }
    }

    fn color(&self, now: LogicalTime, id: SignalId) -> u8 {
        let fresh = self.seen.get(&id).filter(|seen| now.since(seen.at) <= MEMORY);
        fresh.map_or(TrafficLightElement::UNKNOWN, |seen| seen.color)
    }

    fn was_green(&self, now: LogicalTime, id: SignalId) -> bool {
        let seen = self.seen.get(&id).filter(|seen| now.since(seen.at) <= GREEN_MEMORY);
        seen.is_some_and(|seen| seen.color == TrafficLightElement::GREEN)
    }

    /// Whether a light lets the car go.
    pub fn is_green(&self, config: &PlannerConfig, now: LogicalTime, id: SignalId) -> bool {
        config.lights_enabled && self.color(now, id) == TrafficLightElement::GREEN
    }

    /// Whether to stop at a light when that takes `needed` m/s² of braking.
    pub fn light_stops(
        &mut self,
        config: &PlannerConfig,
        now: LogicalTime,
        id: SignalId,
        needed: f64,
    ) -> bool {
        if !config.lights_enabled || config.ignore_lights {
            return false;
        }
        match self.color(now, id) {
            TrafficLightElement::GREEN => {
                self.passed(id);
                false
            }
            TrafficLightElement::AMBER => {
                if needed > config.deceleration_firm_mps2 {
                    self.going = Some(id);
                }
                self.going != Some(id)
            }
            // Lost from sight, but green a moment ago: no reason to brake hard.
            TrafficLightElement::UNKNOWN
                if needed > config.deceleration_firm_mps2 && self.was_green(now, id) =>
            {
                false
            }
            // Not seen counts as red.
            _ => {
                needed <= config.deceleration_max_mps2
                    && !(self.going == Some(id) && needed > config.deceleration_firm_mps2)
            }
        }
    }

    /// Whether a stop sign still asks for its stop. `ahead` is the distance to where the car is to stand.
    pub fn sign_stops(&mut self, id: SignalId, speed: f64, ahead: f64) -> bool {
        if speed < 0.2 && ahead < 1.6 {
            self.stopped_at = Some(id);
        }
        self.stopped_at != Some(id)
    }

    /// The signal lies behind: what was made of it is forgotten.
    pub fn passed(&mut self, id: SignalId) {
        if self.going == Some(id) {
            self.going = None;
        }
        if self.stopped_at == Some(id) {
            self.stopped_at = None;
        }
    }
}
