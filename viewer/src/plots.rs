//! Curves over time, and states.

use crate::ViewerError;
use crate::palette::{self, Rgb};
use crate::stage::{self, Stage};
use auriga_geometry::LogicalTime;

/// A curve: its entity, name and colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve {
    pub entity: &'static str,
    name: &'static str,
    rgb: Rgb,
}

const fn curve(entity: &'static str, name: &'static str, rgb: Rgb) -> Curve {
    Curve { entity, name, rgb }
}

pub(crate) const SPEED: Curve = curve("plots/speed/actual", "actual", palette::ACTUAL);
pub(crate) const SPEED_TARGET: Curve = curve("plots/speed/target", "target", palette::COMMAND);
pub(crate) const ACCELERATION_TRUE: Curve = curve("plots/acceleration/true", "true", palette::ACTUAL);
pub(crate) const ACCELERATION_COMMAND: Curve =
    curve("plots/acceleration/command", "command", palette::COMMAND);
pub(crate) const ACCELERATION_SAFE: Curve =
    curve("plots/acceleration/safe_command", "safe command", palette::SAFE_COMMAND);
pub(crate) const STEERING: Curve = curve("plots/steering/actual", "actual", palette::ACTUAL);
pub(crate) const STEERING_COMMAND: Curve = curve("plots/steering/command", "command", palette::COMMAND);
pub(crate) const STEERING_SAFE: Curve =
    curve("plots/steering/safe_command", "safe command", palette::SAFE_COMMAND);

const CURVES: [Curve; 8] = [
    SPEED,
    SPEED_TARGET,
    ACCELERATION_TRUE,
    ACCELERATION_COMMAND,
    ACCELERATION_SAFE,
    STEERING,
    STEERING_COMMAND,
    STEERING_SAFE,
];

/// Names of the gate's states (`SafeCommandRecord::state_name`) and their colours.
const GATE_STATES: [(&str, Rgb); 6] = [
    ("silent", [96, 100, 108]),
    ("engaged", [74, 176, 108]),
    ("emergency braking", [238, 70, 70]),
    ("emergency hold", [188, 60, 60]),
    ("minimal-risk stop", [240, 160, 60]),
    ("standstill hold", [180, 130, 70]),
];

/// Names the curves and colours the states.
pub(crate) fn legend(stage: &Stage) -> Result<(), ViewerError> {
    for curve in CURVES {
        let line = rerun::SeriesLines::new()
            .with_names([curve.name])
            .with_colors([palette::color(curve.rgb)])
            .with_widths([1.6_f32]);
        stage.draw_static(curve.entity, &line)?;
    }
    let names = GATE_STATES.map(|(name, _)| name);
    let configuration = rerun::StateConfiguration::new()
        .with_values(names)
        .with_labels(names)
        .with_colors(GATE_STATES.map(|(_, rgb)| palette::color(rgb)));
    stage.draw_static(stage::GATE_STATE, &configuration)
}

/// Adds a value to a curve; one that is not finite is left out.
pub(crate) fn add(stage: &Stage, curve: &Curve, time: LogicalTime, value: f64) -> Result<(), ViewerError> {
    if !value.is_finite() {
        return Ok(());
    }
    stage.draw(curve.entity, time, &rerun::Scalars::single(value))
}
