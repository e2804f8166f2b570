//! The steering's quadratic programs as they come up on the simulator's car: how long the stack's own solver takes, and how
//! exactly its answers fulfil the conditions of Karush, Kuhn and Tucker. Given a file, writes every tenth program there, one
//! JSON object a line, for `tests/control/solvers.py`, which lets OSQP and Clarabel solve the same.
//!
//!     cargo run --release -p auriga-evaluation --example steering_programs [FILE]

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a measurement, not a part of the stack: it looks at the clock and says what it finds"
)]

use auriga_control::qp::{Problem, Solution, Solver};
use auriga_control::{Controller, ControllerConfig, STEPS};
use auriga_evaluation::control::{Condition, Drive, Follower, TEST_CURVES};
use auriga_geometry::LogicalTime;
use auriga_hal::SensorRig;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_sim_bridge::plant::PlantParameters;
use auriga_vehicle::VehicleParameters;
use std::io::Write;
use std::time::Instant;

/// Drives, keeps the programs, and times the whole controller.
struct Recorder {
    controller: Controller,
    problems: Vec<Problem<STEPS>>,
    step_us: Vec<f64>,
    /// Added to the ego state's lateral position for the first tick: so that bounds are active.
    offset: f64,
}

impl Follower for Recorder {
    fn step(
        &mut self,
        now: LogicalTime,
        t: &Trajectory,
        e: &Odometry,
        v: &VehicleState,
        command: &mut Control,
    ) {
        let mut ego = e.clone();
        ego.pose.pose.position.y += self.offset;
        let start = Instant::now();
        let _ = self.controller.step(now, Some(t), Some(&ego), Some(v), command);
        self.step_us.push(start.elapsed().as_secs_f64() * 1e6);
        self.problems.push(self.controller.lateral_problem().clone());
    }
}

/// The programs of all 25 curves at 3 m/s² and at 80 % of the grip, and of a car that believes to be 1.5 m off.
fn record() -> (Vec<Problem<STEPS>>, Vec<f64>) {
    let read = |path: &str| {
        let path = format!("{}/../configs/{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let plant =
        PlantParameters::from_toml(&read("vehicles/auriga-sedan-plant.toml"), "plant").expect("the car");
    let rig = SensorRig::from_toml(&read("sensors/default.toml"), "rig").expect("its sensors");
    let (mut problems, mut step_us) = (Vec::new(), Vec::new());
    for (asked, offset) in [(3.0, 0.0), (7.45, 0.0), (3.0, 1.5)] {
        for curve in TEST_CURVES {
            let (course, motion) = curve.build(asked);
            let controller = Controller::new(ControllerConfig::default(), VehicleParameters::default());
            let mut recorder = Recorder {
                controller: controller.expect("defaults are possible"),
                problems: Vec::new(),
                step_us: Vec::new(),
                offset,
            };
            let condition = Condition::PLAIN;
            let drive = Drive {
                course: &course,
                motion: &motion,
                plant: &plant,
                rig: &rig,
                condition: &condition,
                seed: 1,
            };
            drive.run(&mut recorder, None);
            problems.append(&mut recorder.problems);
            step_us.append(&mut recorder.step_us);
        }
    }
    (problems, step_us)
}

/// Times (µs) and residuals of one solver.
#[derive(Default)]
struct Score {
    us: Vec<f64>,
    residuals: Vec<f64>,
    failed: usize,
}

impl Score {
    fn note(&mut self, start: Instant, problem: &Problem<STEPS>, solution: Option<Solution<STEPS>>) {
        self.us.push(start.elapsed().as_secs_f64() * 1e6);
        match solution {
            Some(solution) => self.residuals.push(problem.residual(&solution).largest()),
            None => self.failed += 1,
        }
    }

    fn print(mut self, name: &str) {
        self.us.sort_by(f64::total_cmp);
        self.residuals.sort_by(f64::total_cmp);
        let at = |sorted: &[f64], share: f64| {
            sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied()
        };
        let time = |share| at(&self.us, share).unwrap_or(f64::NAN);
        let residual = |share| at(&self.residuals, share).unwrap_or(f64::NAN);
        println!(
            "{name:<28}{:>8}{:>10.1}{:>10.1}{:>10.1}{:>12.1e}{:>12.1e}{:>8}",
            self.us.len(),
            time(0.5),
            time(0.99),
            time(1.0),
            residual(0.5),
            residual(1.0),
            self.failed
        );
    }
}

fn ours(problems: &[Problem<STEPS>], warm: bool) -> Score {
    let (mut score, mut solver) = (Score::default(), Solver::new(120));
    for problem in problems {
        if !warm {
            solver.reset();
        }
        let start = Instant::now();
        let solution = solver.solve(problem).ok();
        score.note(start, problem, solution);
    }
    score
}

fn write(problems: &[Problem<STEPS>], path: &str) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for problem in problems.iter().step_by(10) {
        let line = serde_json::json!({
            "hessian": problem.hessian.iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
            "gradient": problem.gradient.to_vec(),
            "previous": problem.previous,
            "least": problem.least,
            "most": problem.most,
            "change_most": problem.change_most.to_vec(),
        });
        writeln!(file, "{line}")?;
    }
    file.flush()
}

fn main() {
    let (problems, mut step_us) = record();
    println!("{} programs of {STEPS} commands, {} bounds of two sides each", problems.len(), 2 * STEPS);
    println!(
        "{:<28}{:>8}{:>10}{:>10}{:>10}{:>12}{:>12}{:>8}",
        "", "solved", "p50 µs", "p99 µs", "max µs", "residual 50", "worst", "failed"
    );
    ours(&problems, true).print("Auriga, warm");
    ours(&problems, false).print("Auriga, cold");
    step_us.sort_by(f64::total_cmp);
    let at = |share: f64| step_us[((step_us.len() as f64 * share) as usize).min(step_us.len() - 1)];
    println!("whole controller step: p50 {:.1}, p99 {:.1} µs", at(0.5), at(0.99));
    if let Some(path) = std::env::args().nth(1) {
        write(&problems, &path).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
