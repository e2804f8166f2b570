//! The set of 25 test curves: clothoids, circles, lane changes, slaloms, hairpins, sines, and one without transitions.

use super::{Course, Motion};
use auriga_geometry::math::{PI, TAU, sin};

/// Tighter curves than this are not asked of a car, 1/m.
const CURVATURE_MOST: f64 = 0.16;
/// Before and after each curve the course is straight for so long, seconds.
const STRAIGHT_S: f64 = 2.0;

/// What a test curve looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Straight,
    /// By a clothoid into a circle (left: 1, right: −1), about it, and out.
    Circle(f64),
    /// Left and right, all clothoids.
    Ess,
    /// To the next lane, 3.5 m; or there and back.
    LaneChange {
        back: bool,
    },
    /// Five periods of a sine.
    Slalom,
    /// Half a turn, a quarter.
    Turn(f64),
    /// Right, half round to the left, right.
    Roundabout,
    Eight,
    /// A clothoid that tightens for eight seconds.
    Spiral,
    /// Arcs without transitions, at half the lateral acceleration.
    Arcs,
    /// A sine that quickens from 0.1 to 0.5 Hz.
    SineSweep,
}

/// A test curve: shape and speed. How sharp it is follows from the lateral acceleration asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestCurve {
    /// For a person to read.
    pub name: &'static str,
    /// m/s.
    pub speed: f64,
    shape: Shape,
}

/// The 25 curves.
pub const TEST_CURVES: [TestCurve; 25] = [
    curve("straight, walking pace", 1.5, Shape::Straight),
    curve("straight, fast", 40.0, Shape::Straight),
    curve("circle, 3 m/s", 3.0, Shape::Circle(1.0)),
    curve("circle, 10 m/s", 10.0, Shape::Circle(1.0)),
    curve("circle, 20 m/s", 20.0, Shape::Circle(-1.0)),
    curve("circle, 30 m/s", 30.0, Shape::Circle(1.0)),
    curve("circle, 40 m/s", 40.0, Shape::Circle(-1.0)),
    curve("clothoids, 8 m/s", 8.0, Shape::Ess),
    curve("clothoids, 15 m/s", 15.0, Shape::Ess),
    curve("clothoids, 25 m/s", 25.0, Shape::Ess),
    curve("clothoids, 35 m/s", 35.0, Shape::Ess),
    curve("lane change, 10 m/s", 10.0, Shape::LaneChange { back: false }),
    curve("lane change, 20 m/s", 20.0, Shape::LaneChange { back: false }),
    curve("lane change, 30 m/s", 30.0, Shape::LaneChange { back: false }),
    curve("there and back, 15 m/s", 15.0, Shape::LaneChange { back: true }),
    curve("there and back, 25 m/s", 25.0, Shape::LaneChange { back: true }),
    curve("slalom, 8 m/s", 8.0, Shape::Slalom),
    curve("slalom, 16 m/s", 16.0, Shape::Slalom),
    curve("hairpin, 4 m/s", 4.0, Shape::Turn(PI)),
    curve("street corner, 5 m/s", 5.0, Shape::Turn(-PI / 2.0)),
    curve("roundabout, 7 m/s", 7.0, Shape::Roundabout),
    curve("eight, 6 m/s", 6.0, Shape::Eight),
    curve("spiral, 18 m/s", 18.0, Shape::Spiral),
    curve("arcs alone, 12 m/s", 12.0, Shape::Arcs),
    curve("sine sweep, 20 m/s", 20.0, Shape::SineSweep),
];

const fn curve(name: &'static str, speed: f64, shape: Shape) -> TestCurve {
    TestCurve { name, speed, shape }
}

/// A piece of a curvature profile.
#[derive(Clone, Copy, Debug)]
enum Piece {
    /// Length, curvature at its start and end.
    Linear(f64, f64, f64),
    /// Length, amplitude, and cycles passed at its start's rate and gained by its end: phase = 2π (a·u + b·u²), u from 0 to 1.
    Sine(f64, f64, f64, f64),
}

impl Piece {
    const fn length(self) -> f64 {
        match self {
            Self::Linear(length, ..) | Self::Sine(length, ..) => length,
        }
    }

    fn curvature(self, s: f64) -> f64 {
        match self {
            Self::Linear(length, from, to) => from + (to - from) * s / length,
            Self::Sine(length, amplitude, cycles, more) => {
                let u = s / length;
                amplitude * sin(TAU * (cycles * u + more * u * u))
            }
        }
    }
}

impl TestCurve {
    /// The curve driven at its speed with a greatest lateral acceleration (m/s²); slow ones end at what a car can turn.
    #[must_use]
    pub fn build(&self, lateral_acceleration: f64) -> (Course, Motion) {
        let course = self.course(self.speed, lateral_acceleration);
        let motion = Motion::steady(course.length(), self.speed);
        (course, motion)
    }

    /// Clothoids left and right at any speed: for a sweep over speeds.
    #[must_use]
    pub fn at_speed(speed: f64) -> Self {
        curve("clothoids", speed, Shape::Ess)
    }

    /// The same from standstill to standstill.
    #[must_use]
    pub fn build_from_stand_to_stand(&self, lateral_acceleration: f64) -> (Course, Motion) {
        let course = self.course(self.speed, lateral_acceleration);
        let motion = Motion::from_stand_to_stand(course.length() - 5.0, self.speed, 1.5, 0.6);
        (course, motion)
    }

    fn course(&self, v: f64, acceleration: f64) -> Course {
        let sharpest = (acceleration / (v * v)).min(CURVATURE_MOST);
        // At 4 m/s³ of lateral jerk, and no faster than the wheels turn.
        let into = v * (v * v * sharpest / 4.0).max(2.8 * sharpest / 0.3).max(0.8);
        let straight = Piece::Linear(v * STRAIGHT_S, 0.0, 0.0);
        let mut pieces = vec![straight];
        pieces.extend(self.pieces(v, sharpest, into));
        pieces.push(straight);
        let length = pieces.iter().map(|piece| piece.length()).sum();
        Course::of_curvature(length, |s| {
            let mut rest = s;
            for piece in &pieces {
                if rest < piece.length() {
                    return piece.curvature(rest);
                }
                rest -= piece.length();
            }
            0.0
        })
    }

    fn pieces(&self, v: f64, k: f64, into: f64) -> Vec<Piece> {
        // An arc turned by `angle` in all, transitions included.
        let turn = |k: f64, angle: f64| {
            let arc = (angle.abs() / k.abs() - into).max(0.1 * into);
            [Piece::Linear(into, 0.0, k), Piece::Linear(arc, k, k), Piece::Linear(into, k, 0.0)]
        };
        let change = |k: f64| {
            // κ = k·sin(2π s / λ) moves the path by k·λ² / 2π.
            let length = (TAU * 3.5 / k.abs()).sqrt();
            Piece::Sine(length, k, 1.0, 0.0)
        };
        match self.shape {
            Shape::Straight => vec![Piece::Linear(8.0 * v, 0.0, 0.0)],
            Shape::Circle(side) => turn(side * k, (1.5 * PI).min(12.0 * v * k)).to_vec(),
            Shape::Ess => vec![
                Piece::Linear(into, 0.0, k),
                Piece::Linear(v, k, k),
                Piece::Linear(2.0 * into, k, -k),
                Piece::Linear(v, -k, -k),
                Piece::Linear(into, -k, 0.0),
            ],
            Shape::LaneChange { back: false } => vec![change(k)],
            Shape::LaneChange { back: true } => vec![change(k), Piece::Linear(v, 0.0, 0.0), change(-k)],
            Shape::Slalom => vec![Piece::Sine(5.0 * v * (into / v * 3.0).max(2.5), k, 5.0, 0.0)],
            Shape::Turn(angle) => turn(k * angle.signum(), angle).to_vec(),
            Shape::Roundabout => [turn(-k, -PI / 4.0), turn(k, PI), turn(-k, -PI / 4.0)].concat(),
            Shape::Eight => [turn(k, 1.5 * PI), turn(-k, -1.5 * PI)].concat(),
            Shape::Spiral => vec![Piece::Linear(8.0 * v, 0.0, k), Piece::Linear(into, k, 0.0)],
            Shape::Arcs => {
                let (k, length) = (0.5 * k, 2.0 * v);
                [k, -k, 0.0, k].map(|k| Piece::Linear(length, k, k)).to_vec()
            }
            // 0.1 Hz at the start, 0.5 Hz at the end of 10 s: 1 + 2 cycles.
            Shape::SineSweep => vec![Piece::Sine(10.0 * v, k, 1.0, 2.0)],
        }
    }
}
