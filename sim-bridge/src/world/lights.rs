//! Traffic lights: fixed cycles, one per junction. Lights whose traffic crosses are never open together.

use super::state::LightColor;
use crate::scenario::LightPlan;
use crate::{Noise, SimError};
use auriga_geometry::math::{angle_difference, sin};
use auriga_map::{LaneId, Map, SignalId, SignalKind};

/// Seconds of amber.
const AMBER_S: f64 = 3.0;
/// Seconds in which all are red, so that the junction clears.
const ALL_RED_S: f64 = 2.0;
/// Sine of 30°: roads that meet at less than that off a straight line share a phase.
const PARALLEL_SINE: f64 = 0.5;

/// All traffic lights of the map.
#[derive(Clone, Debug)]
pub struct TrafficLights {
    enabled: bool,
    green: f64,
    /// By signal: the cycle's start, the number of phases, and this light's phase. `None`: no traffic light.
    plans: Vec<Option<Plan>>,
    colors: Vec<(SignalId, LightColor)>,
    time: f64,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    offset: f64,
    phases: usize,
    phase: usize,
    red_until: f64,
}

/// Lights that switch together, and the headings of the traffic that they govern.
struct Group {
    number: u32,
    signals: Vec<SignalId>,
    headings: Vec<f64>,
}

impl TrafficLights {
    /// Plans the cycles; their starts are drawn from `noise`.
    ///
    /// # Errors
    /// [`SimError::Place`] when the plan names a light that the map does not have.
    pub fn new(map: &Map, plan: &LightPlan, scenario: &str, mut noise: Noise) -> Result<Self, SimError> {
        let mut plans: Vec<Option<Plan>> = vec![None; map.signals().len()];
        for junction in map.junctions() {
            let offset = noise.uniform();
            plan_groups(&groups_of(map, &junction.incoming, &plans), offset, &mut plans);
        }
        // Lights that guard no junction: a crossing on the open road.
        for lane in map.lanes() {
            let groups = groups_of(map, &[lane.id], &plans);
            if !groups.is_empty() {
                let offset = noise.uniform();
                plan_groups(&groups, offset, &mut plans);
            }
        }
        let cycle = plan.green_s + AMBER_S + ALL_RED_S;
        for planned in plans.iter_mut().flatten() {
            planned.offset = plan.offset_s.unwrap_or(planned.offset * cycle * planned.phases as f64);
        }
        let mut lights =
            Self { enabled: plan.enabled, green: plan.green_s, plans, colors: Vec::new(), time: 0.0 };
        for (i, red) in plan.red.iter().enumerate() {
            lights.hold_red(map, &red.signal, red.until_s).ok_or_else(|| SimError::Place {
                scenario: scenario.to_owned(),
                field: format!("lights.red[{i}].signal"),
                problem: format!("the map has no traffic light {} that governs a lane", red.signal),
            })?;
        }
        for signal in map.signals() {
            if signal.kind == SignalKind::TrafficLight {
                lights.colors.push((signal.id, LightColor::Off));
            }
        }
        lights.step(0.0);
        Ok(lights)
    }

    fn hold_red(&mut self, map: &Map, name: &str, until: f64) -> Option<()> {
        let named = map.signals().iter().find(|signal| signal.name == name)?;
        self.plans[named.id.index()]?;
        for signal in map.signals() {
            let same = signal.id == named.id
                || (signal.controller.is_some() && signal.controller == named.controller);
            if let (true, Some(plan)) = (same, &mut self.plans[signal.id.index()]) {
                plan.red_until = until;
            }
        }
        Some(())
    }

    /// Sets what they show at `time` seconds.
    pub fn step(&mut self, time: f64) {
        self.time = time;
        for i in 0..self.colors.len() {
            self.colors[i].1 = self.color_at(self.colors[i].0, time);
        }
    }

    /// What all of them show, ascending by signal.
    #[must_use]
    pub fn colors(&self) -> &[(SignalId, LightColor)] {
        &self.colors
    }

    /// What a signal shows now; [`LightColor::Off`] for one that is no traffic light.
    #[must_use]
    pub fn color(&self, signal: SignalId) -> LightColor {
        self.colors
            .binary_search_by_key(&signal, |(id, _)| *id)
            .map_or(LightColor::Off, |index| self.colors[index].1)
    }

    /// For how many seconds from now a light stays red; 0 when it is not red.
    #[must_use]
    pub fn red_for(&self, signal: SignalId) -> f64 {
        let mut span = 0.0;
        while span < 60.0 && self.color_at(signal, self.time + span) == LightColor::Red {
            span += 0.5;
        }
        span
    }

    fn color_at(&self, signal: SignalId, time: f64) -> LightColor {
        let Some(plan) = self.plans[signal.index()] else { return LightColor::Off };
        if !self.enabled {
            return LightColor::Off;
        }
        let span = self.green + AMBER_S + ALL_RED_S;
        let cycle = span * plan.phases as f64;
        let at = (time + plan.offset) % cycle - span * plan.phase as f64;
        let scheduled = if (0.0..self.green).contains(&at) {
            LightColor::Green
        } else if (self.green..self.green + AMBER_S).contains(&at) {
            LightColor::Amber
        } else {
            LightColor::Red
        };
        if time < plan.red_until { LightColor::Red } else { scheduled }
    }
}

fn plan_groups(groups: &[Group], offset: f64, plans: &mut [Option<Plan>]) {
    let mut phases: Vec<Vec<f64>> = Vec::new();
    let mut chosen = Vec::new();
    for group in groups {
        let fits = |headings: &Vec<f64>| {
            headings
                .iter()
                .all(|a| group.headings.iter().all(|b| sin(angle_difference(*a, *b)).abs() < PARALLEL_SINE))
        };
        let phase = phases.iter().position(fits).unwrap_or(phases.len());
        if phase == phases.len() {
            phases.push(Vec::new());
        }
        phases[phase].extend_from_slice(&group.headings);
        chosen.push(phase);
    }
    // A lone phase alternates with one in which only pedestrians walk.
    let count = phases.len().max(2);
    for (group, phase) in groups.iter().zip(chosen) {
        for signal in &group.signals {
            plans[signal.index()] = Some(Plan { offset, phases: count, phase, red_until: 0.0 });
        }
    }
}

/// The groups of lights, not planned yet, that stand at the end of the given lanes; by ascending group number.
fn groups_of(map: &Map, lanes: &[LaneId], planned: &[Option<Plan>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &lane in lanes {
        let lane = map.lane(lane);
        for control in &lane.controls {
            let signal = map.signal(control.signal);
            if signal.kind != SignalKind::TrafficLight || planned[signal.id.index()].is_some() {
                continue;
            }
            let number = signal.controller.unwrap_or(u32::MAX / 2 + signal.id.0);
            let heading = lane.centerline.at(control.stop_s).heading;
            let index = groups.iter().position(|group| group.number == number).unwrap_or_else(|| {
                groups.push(Group { number, signals: Vec::new(), headings: Vec::new() });
                groups.len() - 1
            });
            let group = &mut groups[index];
            group.headings.push(heading);
            if !group.signals.contains(&signal.id) {
                group.signals.push(signal.id);
            }
        }
    }
    groups.sort_by_key(|group| group.number);
    groups
}
