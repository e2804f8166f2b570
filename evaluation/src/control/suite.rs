//! Everything that `auriga eval control` drives: curves, speeds, conditions and recorded paths, with every follower.

use super::report::{ControlReport, Part, Row};
use super::{
    Condition, Course, Drive, Estimator, Follower, Knowledge, Motion, TEST_CURVES, TestCurve, Textbook,
    Tracking,
};
use auriga_geometry::Pose2;
use auriga_hal::SensorRig;
use auriga_sim_bridge::plant::PlantParameters;

const GRAVITY: f64 = 9.806_65;
/// What driver aids may ask for across the car, m/s² (ISO 11270, `../shared/limits.md`).
const ORDINARY_MPS2: f64 = 3.0;
/// The share of the road's grip that a hard curve asks for.
const HARD_SHARE: f64 = 0.8;
/// Speeds of the sweep, m/s; the first from standstill to standstill.
const SPEEDS: [f64; 10] = [5.0, 1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0];
/// Look-ahead times (s) and gains (1/s) among which the textbook's laws get what suits them best.
const PURSUIT_TIMES: [f64; 6] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
const STANLEY_GAINS: [f64; 6] = [0.5, 1.0, 1.5, 2.5, 4.0, 6.0];

/// A follower by name, made afresh for every drive.
pub struct Entrant<'a> {
    /// For a person to read.
    pub name: &'a str,
    /// Makes one for a condition.
    pub make: &'a dyn Fn(&Condition) -> Box<dyn Follower>,
}

/// A path that somebody drove.
#[derive(Clone, Debug)]
pub struct RecordedPath {
    /// For a person to read.
    pub name: String,
    /// The path.
    pub course: Course,
    /// When they were where.
    pub motion: Motion,
}

/// What is driven, with what.
pub struct Suite<'a> {
    /// The simulator's car.
    pub plant: &'a PlantParameters,
    /// Its sensors.
    pub rig: &'a SensorRig,
    /// Of all noise.
    pub seed: u64,
    /// The stack's controllers; the textbook's laws come by themselves.
    pub entrants: &'a [Entrant<'a>],
    /// Makes localization for a start.
    pub estimator: &'a dyn Fn(&Pose2) -> Box<dyn Estimator>,
    /// Paths that somebody drove.
    pub recorded: &'a [RecordedPath],
}

/// The conditions under which all curves are driven, each with the lateral acceleration asked for.
fn conditions() -> Vec<(Condition, f64)> {
    let plain = Condition::PLAIN;
    let icy =
        |name, friction| (Condition { name, friction, ..plain.clone() }, HARD_SHARE * friction * GRAVITY);
    let ordinary = |condition| (condition, ORDINARY_MPS2);
    let known = |name, knowledge| Condition { name, knowledge, ..plain.clone() };
    vec![
        icy("friction 0.3, 80 % of grip", 0.3),
        icy("friction 0.6, 80 % of grip", 0.6),
        icy("friction 1.0, 80 % of grip", 1.0),
        ordinary(Condition {
            name: "20 %: front softer, rear stiffer, heavier",
            factors: [0.8, 1.2, 1.2, 1.2],
            ..plain.clone()
        }),
        ordinary(Condition {
            name: "20 %: front stiffer, rear softer, heavier",
            factors: [1.2, 0.8, 1.2, 1.2],
            ..plain.clone()
        }),
        ordinary(Condition {
            name: "20 %: lighter, tyres softer",
            factors: [0.8, 0.8, 0.8, 0.8],
            ..plain.clone()
        }),
        ordinary(Condition { name: "0.2 s more delay, told", delay_s: 0.2, ..plain.clone() }),
        ordinary(Condition {
            name: "0.2 s more delay, not told",
            delay_s: 0.2,
            is_delay_told: false,
            ..plain.clone()
        }),
        ordinary(Condition { name: "side wind, gusts of 1000 N", gusts_n: 1000.0, ..plain.clone() }),
        ordinary(Condition {
            name: "road banked by 4°", tilt: (4.0_f64.to_radians(), 0.0), ..plain.clone()
        }),
        ordinary(Condition { name: "climb of 6 %", tilt: (0.0, 0.06), ..plain.clone() }),
        ordinary(known("noise on the true state", Knowledge::Noisy)),
        ordinary(known("estimated state", Knowledge::Estimated)),
    ]
}

impl Suite<'_> {
    /// Drives everything; `progress` is told what comes next.
    #[must_use]
    pub fn run(&self, progress: &mut dyn FnMut(&str)) -> ControlReport {
        let mut report = ControlReport::default();
        progress("gains of the textbook's laws");
        let textbook = self.textbook();
        let names: Vec<String> = textbook.iter().map(Textbook::name).collect();
        let makers: Vec<_> =
            textbook.iter().map(|law| move |_: &Condition| Box::new(*law) as Box<dyn Follower>).collect();
        let mut entrants: Vec<Entrant<'_>> =
            self.entrants.iter().map(|entrant| Entrant { name: entrant.name, make: entrant.make }).collect();
        entrants.extend(names.iter().zip(&makers).map(|(name, make)| Entrant { name, make }));
        report.followers = entrants.iter().map(|entrant| entrant.name.to_owned()).collect();

        let plain = Condition::PLAIN;
        for (part, asked) in
            [(Part::Ordinary, ORDINARY_MPS2), (Part::Hard, HARD_SHARE * plain.friction * GRAVITY)]
        {
            progress(part.name());
            self.curves(part, &plain, asked, &entrants, &mut report);
        }
        progress(Part::Speeds.name());
        self.speeds(&entrants, &mut report);
        for (condition, asked) in conditions() {
            progress(condition.name);
            self.curves(Part::Conditions, &condition, asked, &entrants, &mut report);
        }
        for path in self.recorded {
            progress(&path.name);
            for knowledge in [Knowledge::Truth, Knowledge::Estimated] {
                let name = if knowledge == Knowledge::Truth { "true state" } else { "estimated state" };
                let condition = Condition { name, knowledge, ..plain.clone() };
                let course = (path.name.as_str(), &path.course, &path.motion);
                self.all(Part::Recorded, &condition, course, &entrants, &mut report);
            }
        }
        report
    }

    fn curves(
        &self,
        part: Part,
        condition: &Condition,
        asked: f64,
        entrants: &[Entrant<'_>],
        report: &mut ControlReport,
    ) {
        for curve in TEST_CURVES {
            let (course, motion) = curve.build(asked);
            self.all(part, condition, (curve.name, &course, &motion), entrants, report);
        }
    }

    fn speeds(&self, entrants: &[Entrant<'_>], report: &mut ControlReport) {
        for (i, speed) in SPEEDS.into_iter().enumerate() {
            let curve = TestCurve::at_speed(speed);
            let (name, (course, motion)) = if i == 0 {
                (format!("0 to {speed} to 0 m/s"), curve.build_from_stand_to_stand(ORDINARY_MPS2))
            } else {
                (format!("{speed} m/s"), curve.build(ORDINARY_MPS2))
            };
            self.all(Part::Speeds, &Condition::PLAIN, (&name, &course, &motion), entrants, report);
        }
    }

    /// One course with every follower.
    fn all(
        &self,
        part: Part,
        condition: &Condition,
        (name, course, motion): (&str, &Course, &Motion),
        entrants: &[Entrant<'_>],
        report: &mut ControlReport,
    ) {
        for entrant in entrants {
            let mut follower = (entrant.make)(condition);
            let tracking = self.drive(condition, course, motion, follower.as_mut());
            report.rows.push(Row {
                part,
                condition: condition.name,
                course: name.to_owned(),
                follower: entrant.name.to_owned(),
                tracking,
            });
        }
    }

    fn drive(
        &self,
        condition: &Condition,
        course: &Course,
        motion: &Motion,
        follower: &mut dyn Follower,
    ) -> Tracking {
        let drive = Drive { course, motion, plant: self.plant, rig: self.rig, condition, seed: self.seed };
        if condition.knowledge == Knowledge::Estimated {
            let mut estimator = (self.estimator)(&course.at(0.0).0);
            drive.run(follower, Some(estimator.as_mut()))
        } else {
            drive.run(follower, None)
        }
    }

    /// The textbook's laws with the gains that do best on the plain curves, ordinary and hard.
    fn textbook(&self) -> [Textbook; 2] {
        let pursuit = PURSUIT_TIMES.map(|time| Textbook::PurePursuit { time });
        let stanley = STANLEY_GAINS.map(|gain| Textbook::Stanley { gain });
        [self.best(&pursuit), self.best(&stanley)]
    }

    fn best(&self, laws: &[Textbook; 6]) -> Textbook {
        let cost = |law: &Textbook| {
            let mut sum = 0.0;
            for asked in [ORDINARY_MPS2, HARD_SHARE * Condition::PLAIN.friction * GRAVITY] {
                for curve in TEST_CURVES {
                    let (course, motion) = curve.build(asked);
                    let tracking = self.drive(&Condition::PLAIN, &course, &motion, &mut law.clone());
                    // Who loses the path has no better error for ending early.
                    sum += if tracking.is_lost { 5.0 } else { tracking.lateral_m.rms.unwrap_or(5.0) };
                }
            }
            sum
        };
        let costs = laws.each_ref().map(cost);
        let best = (0..laws.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
        laws[best]
    }
}
