//! What came of it: as JSON, as a table, and against the aims.

use super::Tracking;
use crate::EvaluationError;
use core::fmt::Write;
use serde::Serialize;

/// Aims for the first follower, true state: lateral error RMS on every curve, metres.
const ORDINARY_AIM_M: f64 = 0.05;
const HARD_AIM_M: f64 = 0.10;

/// A part of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The 25 curves at 3 m/s², nothing in the way.
    Ordinary,
    /// The same at 80 % of the grip.
    Hard,
    /// One curve at speeds from 0 to 40 m/s.
    Speeds,
    /// The 25 curves with something in the way.
    Conditions,
    /// Paths that somebody drove.
    Recorded,
}

impl Part {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "25 curves at up to 3 m/s²",
            Self::Hard => "25 curves at 80 % of the grip of a dry road",
            Self::Speeds => "clothoids at speeds from 0 to 40 m/s, up to 3 m/s²",
            Self::Conditions => "25 curves with something in the way",
            Self::Recorded => "recorded paths",
        }
    }
}

/// One drive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which part it belongs to.
    pub part: Part,
    /// Under which condition.
    pub condition: &'static str,
    /// Which course.
    pub course: String,
    /// Who drove.
    pub follower: String,
    /// What was measured.
    pub tracking: Tracking,
}

/// All drives.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ControlReport {
    /// Names, the one with the aims first.
    pub followers: Vec<String>,
    /// One for each drive.
    pub rows: Vec<Row>,
}

/// Several drives of one follower in a few figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    lateral_rms_mean: f64,
    lateral_rms_worst: f64,
    lateral_max: f64,
    heading_rms_mean: f64,
    jerk_rms_mean: f64,
    lost: usize,
    fall_backs: usize,
}

impl ControlReport {
    /// As indented JSON with a newline at its end.
    ///
    /// # Errors
    /// Never in practice: all keys are strings.
    pub fn to_json(&self) -> Result<String, EvaluationError> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        Ok(json)
    }

    /// Whether the first follower's lateral error is within its aims on every curve.
    #[must_use]
    pub fn meets_aims(&self) -> bool {
        self.aims().iter().all(|(_, aim, worst, _)| worst <= aim)
    }

    /// Name, aim and worst lateral error RMS (m), and on which curve.
    fn aims(&self) -> [(&'static str, f64, f64, &str); 2] {
        let worst = |part| {
            let rows = self
                .rows
                .iter()
                .filter(|row| row.part == part && self.followers.first() == Some(&row.follower));
            rows.map(|row| (rms(row), row.course.as_str()))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap_or((f64::INFINITY, "no curve"))
        };
        let (ordinary, hard) = (worst(Part::Ordinary), worst(Part::Hard));
        [
            ("up to 3 m/s²", ORDINARY_AIM_M, ordinary.0, ordinary.1),
            ("at 80 % of the grip", HARD_AIM_M, hard.0, hard.1),
        ]
    }

    fn sum(&self, select: impl Fn(&Row) -> bool) -> Sum {
        let mut sum = Sum::default();
        let rows: Vec<&Row> = self.rows.iter().filter(|row| select(row)).collect();
        let share = 1.0 / rows.len().max(1) as f64;
        for row in rows {
            let t = &row.tracking;
            sum.lateral_rms_mean += rms(row) * share;
            sum.lateral_rms_worst = sum.lateral_rms_worst.max(rms(row));
            sum.lateral_max = sum.lateral_max.max(t.lateral_m.magnitude_max().unwrap_or(f64::INFINITY));
            sum.heading_rms_mean += t.course_rad.rms.unwrap_or(0.0).to_degrees() * share;
            sum.jerk_rms_mean += t.jerk_mps3.rms.unwrap_or(0.0) * share;
            sum.lost += usize::from(t.is_lost);
            sum.fall_backs += t.fall_backs;
        }
        sum
    }

    /// As tables for a terminal of 150 columns, without colours.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut page = String::new();
        for part in [Part::Ordinary, Part::Hard, Part::Speeds, Part::Recorded] {
            self.courses(&mut page, part);
        }
        self.conditions(&mut page);
        let _ = writeln!(page, "\naims of {}, true state", self.followers.first().map_or("", String::as_str));
        for (name, aim, worst, course) in self.aims() {
            let verdict = if worst <= aim { "met" } else { "MISSED" };
            let _ = writeln!(
                page,
                "  lateral RMS {name:<22} ≤ {aim:.2} m: worst {worst:.3} m ({course}): {verdict}"
            );
        }
        page
    }

    /// A line for each course: lateral error RMS and greatest of every follower, then heading and jerk of the first.
    fn courses(&self, page: &mut String, part: Part) {
        let _ = writeln!(page, "\n{}\n  lateral error, m: RMS / greatest", part.name());
        let _ = write!(page, "  {:<42}{:>6}", "", "m/s²");
        for follower in &self.followers {
            let _ = write!(page, "{follower:>21}");
        }
        let _ = writeln!(page, "   heading°  jerk m/s³");
        let mut group: Option<(&str, &str)> = None;
        for row in self.rows.iter().filter(|row| row.part == part) {
            if group != Some((&row.course, row.condition)) {
                group = Some((&row.course, row.condition));
                self.course(page, row);
            }
        }
        let _ = write!(page, "  {:<48}", "mean RMS / worst RMS");
        for follower in &self.followers {
            let sum = self.sum(|row| row.part == part && row.follower == *follower);
            let _ =
                write!(page, "{:>21}", format!("{:.3} / {:.3}", sum.lateral_rms_mean, sum.lateral_rms_worst));
        }
        page.push('\n');
    }

    fn course(&self, page: &mut String, first: &Row) {
        let name = if first.part == Part::Recorded {
            format!("{}, {}", first.course, first.condition)
        } else {
            first.course.clone()
        };
        let _ = write!(page, "  {name:<42}{:>6.2}", first.tracking.lateral_acceleration_mps2);
        for follower in &self.followers {
            let same = |row: &&Row| {
                (row.part, row.condition, &row.course) == (first.part, first.condition, &first.course)
                    && row.follower == *follower
            };
            let cell = self.rows.iter().find(same).map_or(String::new(), |row| {
                let lost = if row.tracking.is_lost { " lost" } else { "" };
                let most = row.tracking.lateral_m.magnitude_max().unwrap_or(f64::NAN);
                format!("{:.3} / {most:.3}{lost}", rms(row))
            });
            let _ = write!(page, "{cell:>21}");
        }
        let t = &first.tracking;
        let heading = t.course_rad.rms.unwrap_or(0.0).to_degrees();
        let _ = writeln!(page, "{heading:>11.2}{:>11.2}", t.jerk_mps3.rms.unwrap_or(0.0));
    }

    /// A line for each condition and follower.
    fn conditions(&self, page: &mut String) {
        let _ = writeln!(page, "\n{}", Part::Conditions.name());
        let _ = writeln!(
            page,
            "  {:<42}{:<20}{:>9}{:>10}{:>10}{:>10}{:>10}{:>6}{:>11}",
            "", "", "mean RMS", "worst RMS", "greatest", "heading°", "jerk", "lost", "fall-backs"
        );
        let mut seen: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| row.part == Part::Conditions) {
            if seen.contains(&row.condition) {
                continue;
            }
            seen.push(row.condition);
            for (i, follower) in self.followers.iter().enumerate() {
                let name = if i == 0 { row.condition } else { "" };
                let s = self.sum(|other| {
                    other.part == Part::Conditions
                        && other.condition == row.condition
                        && other.follower == *follower
                });
                let _ = writeln!(
                    page,
                    "  {name:<42}{follower:<20}{:>9.3}{:>10.3}{:>10.3}{:>10.2}{:>10.2}{:>6}{:>11}",
                    s.lateral_rms_mean,
                    s.lateral_rms_worst,
                    s.lateral_max,
                    s.heading_rms_mean,
                    s.jerk_rms_mean,
                    s.lost,
                    s.fall_backs
                );
            }
        }
    }
}

/// Lateral error RMS, metres; infinite where nothing was driven.
fn rms(row: &Row) -> f64 {
    row.tracking.lateral_m.rms.unwrap_or(f64::INFINITY)
}
