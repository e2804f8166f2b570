//! The colours.

use auriga_messages::autoware_perception_msgs::{ObjectClassification, TrafficLightElement};
use rerun::Color;

pub(crate) type Rgb = [u8; 3];

pub(crate) const BACKGROUND: Rgb = [16, 18, 24];
pub(crate) const GROUND: Rgb = [27, 33, 34];
pub(crate) const ASPHALT: Rgb = [49, 53, 61];
pub(crate) const SIDEWALK: Rgb = [82, 85, 92];
pub(crate) const VERGE: Rgb = [62, 65, 70];
pub(crate) const MEDIAN: Rgb = [44, 62, 48];
pub(crate) const BIKE_LANE: Rgb = [92, 58, 52];
pub(crate) const PAINT: Rgb = [214, 216, 220];
pub(crate) const YELLOW_PAINT: Rgb = [222, 184, 80];
pub(crate) const TREE: Rgb = [56, 104, 66];
pub(crate) const POLE: Rgb = [112, 116, 124];
pub(crate) const EGO_BODY: Rgb = [232, 236, 242];
pub(crate) const EGO_CABIN: Rgb = [38, 46, 60];
pub(crate) const RADAR: Rgb = [255, 176, 64];
pub(crate) const TRUTH: Rgb = [120, 130, 120];
pub(crate) const COMMAND: Rgb = [255, 170, 70];
pub(crate) const SAFE_COMMAND: Rgb = [250, 90, 110];
pub(crate) const ACTUAL: Rgb = [96, 200, 255];

/// Walls of houses, taken in turn.
pub(crate) const BUILDINGS: [Rgb; 5] =
    [[88, 92, 104], [104, 98, 94], [78, 88, 98], [96, 90, 100], [90, 98, 94]];

pub(crate) fn color([r, g, b]: Rgb) -> Color {
    Color::from_rgb(r, g, b)
}

pub(crate) fn faded([r, g, b]: Rgb, alpha: u8) -> Color {
    Color::from_unmultiplied_rgba(r, g, b, alpha)
}

/// Colour and name of a class (`ObjectClassification`'s labels).
pub(crate) fn class(label: u8) -> (Rgb, &'static str) {
    match label {
        ObjectClassification::CAR => ([82, 168, 255], "car"),
        ObjectClassification::TRUCK => ([134, 124, 255], "truck"),
        ObjectClassification::BUS => ([134, 124, 255], "bus"),
        ObjectClassification::TRAILER => ([134, 124, 255], "trailer"),
        ObjectClassification::MOTORCYCLE => ([255, 196, 64], "motorcycle"),
        ObjectClassification::BICYCLE => ([255, 172, 64], "cyclist"),
        ObjectClassification::PEDESTRIAN => ([255, 96, 136], "pedestrian"),
        _ => ([150, 154, 160], "unknown"),
    }
}

/// Colour of a detection's class name (`vision_msgs`).
pub(crate) fn class_by_name(name: &str) -> Rgb {
    let label = match name {
        "vehicle" | "car" => ObjectClassification::CAR,
        "truck" => ObjectClassification::TRUCK,
        "pedestrian" => ObjectClassification::PEDESTRIAN,
        "cyclist" => ObjectClassification::BICYCLE,
        _ => ObjectClassification::UNKNOWN,
    };
    class(label).0
}

/// Colour of a traffic light's lamp.
pub(crate) fn lamp(color: u8) -> Rgb {
    match color {
        TrafficLightElement::RED => [255, 60, 56],
        TrafficLightElement::AMBER => [255, 190, 50],
        TrafficLightElement::GREEN => [70, 230, 110],
        _ => [90, 94, 100],
    }
}

/// Between the stops of a gradient; `ratio` 0 to 1, clamped.
fn gradient(stops: &[Rgb], ratio: f64) -> Rgb {
    let last = stops.len() - 1;
    let place = if ratio.is_finite() { ratio.clamp(0.0, 1.0) * last as f64 } else { 0.0 };
    let below = (place.floor() as usize).min(last.saturating_sub(1));
    let share = place - below as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share) as u8;
    let (a, b) = (stops[below], stops[(below + 1).min(last)]);
    [mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2])]
}

/// Red where the car stands, over amber and green to blue at 15 m/s.
pub(crate) fn by_speed(speed_mps: f64) -> Rgb {
    gradient(&[[240, 70, 70], [248, 176, 64], [86, 214, 120], [70, 190, 246]], speed_mps / 15.0)
}

/// Dark violet on the ground, over teal to yellow at 4 m.
pub(crate) fn by_height(height_m: f64) -> Rgb {
    gradient(
        &[[70, 66, 130], [58, 112, 164], [42, 160, 152], [124, 204, 100], [244, 228, 90]],
        (height_m + 0.3) / 4.3,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_end_where_they_should() {
        assert_eq!(by_speed(0.0), [240, 70, 70]);
        assert_eq!(by_speed(99.0), [70, 190, 246]);
        assert_eq!(by_height(-5.0), [70, 66, 130]);
        assert_eq!(by_speed(f64::NAN), [240, 70, 70]);
    }
}
