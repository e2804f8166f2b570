//! The report as a table for people.

use crate::{
    DriftReport, DriveReport, KittiReport, LocalizationReport, NodeTiming, PerceptionReport, RunReport,
};
use core::fmt::Write;

const WIDTH: usize = 96;

/// Lines of text: a heading with a rule, then name and value in two columns.
struct Page(String);

impl Page {
    fn heading(&mut self, text: &str) {
        let rule = "─".repeat(WIDTH.saturating_sub(text.chars().count() + 4));
        self.line(&format!("── {text} {rule}"));
    }

    fn line(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    fn row(&mut self, name: &str, value: &str) {
        self.line(&format!("  {name:<26}{value}"));
    }
}

/// The whole report.
pub(crate) fn render(report: &RunReport) -> String {
    let mut page = Page(String::new());
    let verdict = if report.success { "passed" } else { "FAILED" };
    page.heading(&format!("{} · seed {} · {verdict}", report.scenario, report.seed));
    if let Some(problem) = &report.problem {
        page.row("ended early", problem);
    }
    if let Some(drive) = &report.drive {
        render_drive(&mut page, drive);
    }
    if let Some(perception) = &report.perception {
        render_perception(&mut page, perception);
    }
    if let Some(kitti) = &report.kitti {
        render_kitti(&mut page, kitti);
    }
    if let Some(localization) = &report.localization {
        render_localization(&mut page, localization, report.reference.as_deref());
    }
    if let Some(drift) = &report.drift {
        let DriftReport { seconds, driven_m, position_m, yaw_rad } = drift;
        let yaw_deg = yaw_rad.to_degrees();
        page.row(
            "drift, no positions",
            &format!("{position_m:.2} m and {yaw_deg:.2}° in {seconds:.1} s and {driven_m:.1} m"),
        );
    }
    if !report.nodes.is_empty() {
        render_nodes(&mut page, &report.nodes);
    }
    render_run(&mut page, report);
    page.0
}

/// A figure that may be absent.
fn figure(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or(String::from("–"), |value| format!("{value:.digits$}{unit}"))
}

fn render_drive(page: &mut Page, drive: &DriveReport) {
    let route = &drive.route;
    let state = if route.finished { "finished" } else { "not finished" };
    page.row(
        "route",
        &format!(
            "{:.1} % ({:.0} of {:.0} m), {state}, {:.1} s",
            route.completion_percent, route.driven_m, route.length_m, drive.duration_s
        ),
    );
    page.row("collisions", &drive.collisions.len().to_string());
    for c in &drive.collisions {
        page.row("", &format!("{:.1} s with {} at {:.1} m/s: {}", c.at_s, c.with, c.ego_speed_mps, c.text));
    }
    page.row("infractions", &drive.infractions.len().to_string());
    for i in drive.infractions.iter().take(12) {
        let worst = if i.worst > 0.0 { format!(" ({:.2})", i.worst) } else { String::new() };
        page.row("", &format!("{:.1} s {}{worst}: {}", i.at_s, i.kind.name(), i.text));
    }
    let near = &drive.proximity;
    page.row(
        "time to collision",
        &format!(
            "min {}, 1 % {}, 5 % {}, below 1.5 s {:.2} % of the time",
            figure(near.time_to_collision_min_s, 2, " s"),
            figure(near.time_to_collision_s.p01, 2, " s"),
            figure(near.time_to_collision_s.p05, 2, " s"),
            100.0 * near.share_below_1_5_s
        ),
    );
    page.row("least distance", &figure(near.distance_min_m, 2, " m"));
    render_comfort(page, drive);
    let gate: u32 = drive.gate_interventions.values().sum();
    page.row("gate interventions", &gate.to_string());
    for (name, count) in &drive.gate_interventions {
        page.row("", &format!("{count} × {name}"));
    }
}

fn render_comfort(page: &mut Page, drive: &DriveReport) {
    let comfort = &drive.comfort;
    let along = &comfort.longitudinal_acceleration_mps2;
    page.row(
        "acceleration",
        &format!(
            "along {} … {} m/s², across {} m/s²; RMS {} and {}",
            figure(along.min, 2, ""),
            figure(along.max, 2, ""),
            figure(comfort.lateral_acceleration_mps2.magnitude_max(), 2, ""),
            figure(along.rms, 2, ""),
            figure(comfort.lateral_acceleration_mps2.rms, 2, "")
        ),
    );
    page.row(
        "jerk",
        &format!(
            "along {} m/s³, across {} m/s³; RMS {} and {}",
            figure(comfort.longitudinal_jerk_mps3.magnitude_max(), 2, ""),
            figure(comfort.lateral_jerk_mps3.magnitude_max(), 2, ""),
            figure(comfort.longitudinal_jerk_mps3.rms, 2, ""),
            figure(comfort.lateral_jerk_mps3.rms, 2, "")
        ),
    );
    page.row(
        "comfort",
        &format!(
            "{:.2} % outside the bounds, {} hard brakes, {} stops",
            100.0 * comfort.share_outside,
            comfort.hard_brakes,
            comfort.stops
        ),
    );
    page.row("speed", &format!("mean {:.1}, max {:.1} m/s", comfort.mean_speed_mps, comfort.max_speed_mps));
}

fn render_perception(page: &mut Page, perception: &PerceptionReport) {
    page.heading("tracks against truth");
    page.row(
        "objects",
        &format!(
            "{} in {} frames: recall {}, missed {}, false {} ({} with a class), scenery {}",
            perception.objects,
            perception.frames,
            figure(perception.recall, 3, ""),
            perception.missed,
            perception.false_tracks,
            perception.false_classified_tracks,
            perception.scenery_tracks
        ),
    );
    page.row(
        "id switches, accuracy",
        &format!("{}, {}", perception.id_switches, figure(perception.accuracy, 3, "")),
    );
    page.row(
        "errors (RMS)",
        &format!(
            "position {}, velocity {}, heading {}",
            figure(perception.position_error_m.rms, 2, " m"),
            figure(perception.velocity_error_mps.rms, 2, " m/s"),
            figure(perception.yaw_error_rad.rms.map(f64::to_degrees), 1, "°")
        ),
    );
}

fn render_kitti(page: &mut Page, kitti: &KittiReport) {
    page.heading("tracks against KITTI's labels");
    page.row(
        "objects",
        &format!(
            "{} in {} frames: recall {}, missed {}, false {} ({} more tracks unlabelled)",
            kitti.objects,
            kitti.frames,
            figure(kitti.recall, 3, ""),
            kitti.missed,
            kitti.false_tracks,
            kitti.unlabelled_tracks.saturating_sub(kitti.false_tracks)
        ),
    );
    for (class, recall) in &kitti.by_class {
        page.row("", &format!("{class}: {} of {} missed", recall.missed, recall.objects));
    }
    page.row(
        "id switches, position",
        &format!("{}, RMS {}", kitti.id_switches, figure(kitti.position_error_m.rms, 2, " m")),
    );
}

fn render_localization(page: &mut Page, localization: &LocalizationReport, reference: Option<&str>) {
    page.heading(if reference.is_some() { "ego state against reference" } else { "ego state against truth" });
    if let Some(reference) = reference {
        page.row("reference", reference);
    }
    let three = |d: &crate::Distribution, scale: f64| {
        let scaled = |x: Option<f64>| figure(x.map(|x| x * scale), 3, "");
        format!("{} / {} / {}", scaled(d.rms), scaled(d.magnitude_p95), scaled(d.magnitude_max()))
    };
    page.row(
        "RMS / 95 % / max",
        &format!(
            "along {} m, across {} m",
            three(&localization.longitudinal_m, 1.0),
            three(&localization.lateral_m, 1.0)
        ),
    );
    page.row(
        "",
        &format!(
            "heading {}°, speed {} m/s",
            three(&localization.yaw_rad, 1.0_f64.to_degrees()),
            three(&localization.speed_mps, 1.0)
        ),
    );
}

fn render_nodes(page: &mut Page, nodes: &[NodeTiming]) {
    page.heading("nodes: logical budget, wall time, mean processor time, milliseconds");
    let mut line = String::new();
    let names = ["steps", "budget", "mean", "p50", "p99", "max", "cpu", "missed"];
    let _ = write!(line, "  {:<23}", "");
    for name in names {
        let _ = write!(line, "{name:>9}");
    }
    page.line(&line);
    for node in nodes {
        line.clear();
        let _ = write!(line, "  {:<23}{:>9}{:>9.1}", node.node, node.steps, node.budget_ms);
        for wall in
            [node.wall_ms_mean, node.wall_ms_p50, node.wall_ms_p99, node.wall_ms_max, node.cpu_ms_mean]
        {
            let _ = write!(line, "{wall:>9.2}");
        }
        let _ = write!(line, "{:>9}", node.misses);
        page.line(&line);
    }
}

fn render_run(page: &mut Page, report: &RunReport) {
    page.heading("run");
    if let Some(latency) = &report.sensor_to_command {
        page.row("sensor to command", &format!("mean {:.1}, max {:.1} ms", latency.mean_ms, latency.max_ms));
    }
    if let Some(late) = &report.lateness {
        let [p50, p99, p999, max] = [late.p50_us, late.p99_us, late.p999_us, late.max_us];
        page.row(
            "lateness of instants",
            &format!("p50 {p50:.0}, p99 {p99:.0}, p99.9 {p999:.0}, max {max:.0} µs of {}", late.count),
        );
    }
    page.row(
        "simulated",
        &format!("{:.1} s, {:.2} s per second on the wall", report.simulated_s, report.simulated_per_wall),
    );
    let mebibytes = |bytes: u64| bytes as f64 / 1_048_576.0;
    if let Some(bytes) = report.peak_memory_bytes {
        page.row("peak memory", &format!("{:.0} MiB", mebibytes(bytes)));
    }
    let per_minute = |bytes: u64| mebibytes(bytes) / (report.simulated_s / 60.0).max(1e-9);
    for (name, bytes) in [("recording", report.recording_bytes), ("Rerun file", report.rrd_bytes)] {
        if let Some(bytes) = bytes {
            page.row(name, &format!("{:.1} MiB, {:.1} MiB a minute", mebibytes(bytes), per_minute(bytes)));
        }
    }
    if let Some(digest) = &report.digest {
        page.row("digest", digest);
    }
}
