//! What can go wrong in planning.

/// Why the planner can't do its work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanningError {
    /// A limit or margin that makes no sense.
    #[error(
        "planner configuration: field `{field}`: {value} is impossible; it must lie in {least} ..= {most}"
    )]
    Config {
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: f64,
        /// Least possible value.
        least: f64,
        /// Greatest possible value.
        most: f64,
    },
    /// The vehicle's parameters make no sense.
    #[error(transparent)]
    Vehicle(#[from] auriga_vehicle::VehicleError),
    /// The route is empty, or names a lane that the map does not have.
    #[error("the route can't be driven: {problem}; plan it on the map that the planner was given")]
    Route {
        /// What is wrong.
        problem: &'static str,
    },
    /// An input that holds NaN or infinity.
    #[error("{topic}: {problem}; no trajectory was made")]
    Input {
        /// Which input.
        topic: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}
