//! What the car has seen of lights, and what it has made of them and of stop signs.

use crate::PlannerConfig;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_map::SignalId;
use auriga_messages::autoware_perception_msgs::{TrafficLightElement, TrafficLightGroupArray};
use std::collections::BTreeMap;

/// A light's state counts for this long after it was last seen.
const MEMORY: LogicalDuration = LogicalDuration::from_millis(1_000);

/// A light that showed green is not red before this long after: amber takes 3 s at 50 km/h (RiLSA 2015, 2.3), and half a
/// second may pass before a change is believed.
const GREEN_HOLDS: LogicalDuration = LogicalDuration::from_millis(2_500);

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
    /// The light that the car drives through at amber, and the one that it stops for.
    going: Option<SignalId>,
    stopping: Option<SignalId>,
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

    /// Whether a light that was green when it was lost from sight can't have turned red before the car is past it.
    fn is_passed_in_time(&self, now: LogicalTime, id: SignalId, seconds: f64) -> bool {
        self.seen.get(&id).is_some_and(|seen| {
            let there = now + LogicalDuration::from_secs_f64(seconds.min(10.0));
            seen.color == TrafficLightElement::GREEN && there.since(seen.at) <= GREEN_HOLDS
        })
    }

    /// Whether a light lets the car go.
    pub fn is_green(&self, config: &PlannerConfig, now: LogicalTime, id: SignalId) -> bool {
        config.lights_enabled && self.color(now, id) == TrafficLightElement::GREEN
    }

    /// Whether to stop at a light when that takes `needed` m/s² of braking from `speed` m/s. A car that has begun to stop for a
    /// light does not change its mind before the light is green.
    pub fn light_stops(
        &mut self,
        config: &PlannerConfig,
        now: LogicalTime,
        id: SignalId,
        speed: f64,
        needed: f64,
    ) -> bool {
        if !config.lights_enabled || config.ignore_lights {
            return false;
        }
        let is_hard = needed > config.deceleration_firm_mps2 && self.stopping != Some(id);
        let stops = match self.color(now, id) {
            TrafficLightElement::GREEN => {
                self.passed(id);
                false
            }
            TrafficLightElement::AMBER => {
                if is_hard {
                    self.going = Some(id);
                }
                self.going != Some(id)
            }
            // Lost from sight, but green a moment ago: no reason to brake hard. At a constant rate, stopping would take
            // twice as long as driving on does.
            TrafficLightElement::UNKNOWN
                if is_hard && self.is_passed_in_time(now, id, 0.5 * speed / needed) =>
            {
                false
            }
            // Not seen counts as red.
            _ => {
                let can = needed <= config.deceleration_max_mps2 || self.stopping == Some(id);
                can && !(self.going == Some(id) && is_hard)
            }
        };
        if stops {
            self.stopping = Some(id);
        }
        stops
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
        if self.stopping == Some(id) {
            self.stopping = None;
        }
        if self.stopped_at == Some(id) {
            self.stopped_at = None;
        }
    }
}
