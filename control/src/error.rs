//! What can go wrong in control.

/// Why the controller can't do its work. The command is then a controlled stop all the same.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ControlError {
    /// A gain or limit that makes no sense.
    #[error(
        "controller configuration: field `{field}`: {value} is impossible; give a finite value above zero"
    )]
    Config {
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: f64,
    },
    /// The vehicle's parameters make no sense.
    #[error(transparent)]
    Vehicle(#[from] auriga_vehicle::VehicleError),
    /// The quadratic program of the steering was not solved; the fall-back law steers.
    #[error("predictive steering: the solver gave up: {problem}")]
    Solver {
        /// What is wrong.
        problem: &'static str,
    },
    /// An input that holds NaN, infinity or times that run backwards.
    #[error("{topic}: {problem}; the car is being stopped")]
    Input {
        /// Which input.
        topic: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}
