//! A picture of a map.

use crate::{Lane, LaneKind, Map, MarkColor, MarkKind, RoadMark, SignalKind};
use auriga_geometry::Vec2;
use auriga_geometry::math::sin_cos;
use std::fmt::Write as _;

/// How far a drawn line may be from the true one, metres.
const TOLERANCE: f64 = 0.05;
/// Room around the map, metres.
const MARGIN: f64 = 10.0;

impl Map {
    /// The map as an SVG picture: one unit is one metre, x to the right, y up.
    ///
    /// Lanes are coloured by kind, with their marks; crosswalks, stop lines, signals and objects lie above them. Elements
    /// have classes, lanes a title (`road/section/lane`), so that a browser shows which one is under the mouse.
    #[must_use]
    pub fn svg(&self) -> String {
        let (low, high) = self.bounds();
        let size = high - low + Vec2::new(2.0 * MARGIN, 2.0 * MARGIN);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{:.2} {:.2} {:.2} {:.2}\"><style>{STYLE}</style>\n",
            low.x - MARGIN,
            -high.y - MARGIN,
            size.x,
            size.y
        );
        // What is driven on lies above what is not.
        for driven in [false, true] {
            for lane in self.lanes().iter().filter(|lane| (lane.kind == LaneKind::Driving) == driven) {
                draw_lane(&mut out, lane);
            }
        }
        for lane in self.lanes().iter().filter(|lane| lane.junction.is_none()) {
            draw_mark(&mut out, lane, 1.0, &lane.left_mark);
            draw_mark(&mut out, lane, -1.0, &lane.right_mark);
        }
        for crosswalk in self.crosswalks() {
            draw_shape(&mut out, "crosswalk", crosswalk.polygon.vertices.iter().copied());
        }
        self.draw_stop_lines(&mut out);
        self.draw_objects(&mut out);
        for signal in self.signals() {
            let class = match signal.kind {
                SignalKind::TrafficLight => "light",
                _ => "sign",
            };
            let (x, y) = (signal.position.x, -signal.position.y);
            let _ = writeln!(
                out,
                "<circle class=\"{class}\" cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"0.6\"><title>{}</title></circle>",
                escape(&signal.name)
            );
        }
        out += "</svg>\n";
        out
    }

    fn draw_stop_lines(&self, out: &mut String) {
        for lane in self.lanes() {
            for control in &lane.controls {
                let ends = [lane.edge(control.stop_s, 1.0), lane.edge(control.stop_s, -1.0)];
                draw_line(out, "stop", ends.into_iter());
            }
        }
    }

    fn draw_objects(&self, out: &mut String) {
        for object in self.objects() {
            if object.radius > 0.0 {
                let (x, y) = (object.pose.x, -object.pose.y);
                let _ = writeln!(
                    out,
                    "<circle class=\"object\" cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{:.2}\"/>",
                    object.radius
                );
            } else if object.length > 0.0 && object.width > 0.0 {
                let (l, w) = (0.5 * object.length, 0.5 * object.width);
                let corners = [(l, w), (-l, w), (-l, -w), (l, -w)];
                draw_shape(
                    out,
                    "object",
                    corners.into_iter().map(|(x, y)| object.pose.to_parent(Vec2::new(x, y))),
                );
            }
        }
    }
}

const STYLE: &str = "svg{background:#f4f2ec}.driving{fill:#8d9199}.junction{fill:#a6a9b0;fill-opacity:.5}.sidewalk{fill:#d9c9b0}\
.shoulder{fill:#b9bbb2}.biking{fill:#b5705f}.parking{fill:#a7b4c4}.border{fill:#cfcfc4}.other{fill:#dfe4d2}\
.mark{fill:none;stroke:#fff;stroke-width:.15}.yellow{stroke:#e8b923}.broken{stroke-dasharray:3 3}\
.crosswalk{fill:#fff;fill-opacity:.7}.stop{fill:none;stroke:#fff;stroke-width:.4}\
.object{fill:#c4b8a6;stroke:#8a7f6d;stroke-width:.1}.light{fill:#2b2b2b;stroke:#3ecf5a;stroke-width:.25}\
.sign{fill:#fff;stroke:#c62828;stroke-width:.25}";

fn class(lane: &Lane) -> &'static str {
    match lane.kind {
        LaneKind::Driving if lane.junction.is_some() => "junction",
        LaneKind::Driving => "driving",
        LaneKind::Sidewalk => "sidewalk",
        LaneKind::Shoulder => "shoulder",
        LaneKind::Biking => "biking",
        LaneKind::Parking => "parking",
        LaneKind::Border => "border",
        LaneKind::Other => "other",
    }
}

fn draw_lane(out: &mut String, lane: &Lane) {
    let kept = lane.centerline.polyline(TOLERANCE);
    if kept.iter().all(|point| point.width < 0.01) {
        return;
    }
    let edge = |side: f64| {
        kept.iter().map(move |point| {
            let (sin, cos) = sin_cos(point.heading);
            point.position + Vec2::new(-sin, cos) * (0.5 * side * point.width)
        })
    };
    let _ = write!(out, "<path class=\"{}\" d=\"", class(lane));
    path(out, edge(-1.0).chain(edge(1.0).rev()));
    let (road, section, number) = (escape(&lane.key.road), lane.key.section, lane.key.lane);
    let _ = writeln!(out, "Z\"><title>{road}/{section}/{number}</title></path>");
}

fn draw_mark(out: &mut String, lane: &Lane, side: f64, mark: &RoadMark) {
    let pattern = match mark.kind {
        MarkKind::None | MarkKind::Curb | MarkKind::Other => return,
        MarkKind::Broken | MarkKind::BrokenBroken => " broken",
        _ => "",
    };
    let color = if mark.color == MarkColor::Yellow { " yellow" } else { "" };
    let kept = lane.centerline.polyline(TOLERANCE);
    draw_line(out, &format!("mark{color}{pattern}"), kept.iter().map(|point| lane.edge(point.s, side)));
}

fn draw_line(out: &mut String, class: &str, points: impl Iterator<Item = Vec2>) {
    let _ = write!(out, "<path class=\"{class}\" d=\"");
    path(out, points);
    *out += "\"/>\n";
}

fn draw_shape(out: &mut String, class: &str, points: impl Iterator<Item = Vec2>) {
    let _ = write!(out, "<path class=\"{class}\" d=\"");
    path(out, points);
    *out += "Z\"/>\n";
}

fn path(out: &mut String, points: impl Iterator<Item = Vec2>) {
    for (i, point) in points.enumerate() {
        let _ = write!(out, "{}{:.2} {:.2}", if i == 0 { 'M' } else { 'L' }, point.x, -point.y);
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
