//! A picture of the errors: one panel for each curve, one line for each follower.

use super::report::{ControlReport, Part, Row};
use core::fmt::Write;

const PANEL: (f64, f64) = (240.0, 120.0);
const GAP: f64 = 34.0;
const COLUMNS: usize = 5;
const COLOURS: [&str; 4] = ["#0060c0", "#9a9a9a", "#e08000", "#c02040"];
/// The panels' upper and lower edge, metres.
const EDGE_M: f64 = 0.4;

impl ControlReport {
    /// Lateral error over time on the 25 curves at 3 m/s², as SVG; what goes beyond ±0.4 m is cut off.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.part == Part::Ordinary).collect();
        let mut courses: Vec<&str> = Vec::new();
        for row in &rows {
            if !courses.contains(&row.course.as_str()) {
                courses.push(&row.course);
            }
        }
        let lines = courses.len().div_ceil(COLUMNS) as f64;
        let size = (COLUMNS as f64 * (PANEL.0 + GAP) + GAP, lines * (PANEL.1 + GAP) + 2.0 * GAP);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"sans-serif\" \
             font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            size.0, size.1
        );
        for (i, follower) in self.followers.iter().enumerate() {
            let (x, colour) = (GAP + 200.0 * i as f64, COLOURS[i % COLOURS.len()]);
            let _ = writeln!(out, "<text x=\"{x}\" y=\"20\" fill=\"{colour}\">{follower}</text>");
        }
        for (i, course) in courses.iter().enumerate() {
            let x = GAP + (i % COLUMNS) as f64 * (PANEL.0 + GAP);
            let y = 1.6 * GAP + (i / COLUMNS) as f64 * (PANEL.1 + GAP);
            let _ = writeln!(out, "<g transform=\"translate({x:.0} {y:.0})\">");
            self.panel(&mut out, course, &rows);
            out += "</g>\n";
        }
        out += "</svg>\n";
        out
    }

    fn panel(&self, out: &mut String, course: &str, rows: &[&Row]) {
        let (width, height) = PANEL;
        let middle = height / 2.0;
        let _ = writeln!(
            out,
            "<rect width=\"{width}\" height=\"{height}\" fill=\"#f6f6f6\"/>\
             <line x2=\"{width}\" y1=\"{middle}\" y2=\"{middle}\" stroke=\"#bbb\"/>\
             <text y=\"-4\">{course}</text><text x=\"{:.0}\" y=\"11\" text-anchor=\"end\">+{EDGE_M} m</text>",
            width - 3.0
        );
        let end = rows.iter().filter(|row| row.course == course);
        let end =
            end.filter_map(|row| row.tracking.trace.last()).fold(0.1_f64, |end, point| end.max(point.0));
        // The first follower's line lies above the others'.
        for (i, follower) in self.followers.iter().enumerate().rev() {
            let Some(row) = rows.iter().find(|row| row.course == course && row.follower == *follower) else {
                continue;
            };
            let mut points = String::new();
            for (t, error) in &row.tracking.trace {
                let y = middle - (error / EDGE_M).clamp(-1.0, 1.0) * middle;
                let _ = write!(points, "{:.1},{y:.1} ", t / end * width);
            }
            let colour = COLOURS[i % COLOURS.len()];
            let _ = writeln!(
                out,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            );
        }
    }
}
