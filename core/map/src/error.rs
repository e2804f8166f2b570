//! What can be wrong with a map.

/// Why a map was refused: what was wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The text is no well-formed XML.
    #[error(
        "map line {line}:{column}: not well-formed XML: {message}; is the file complete, and an OpenDRIVE (.xodr) or Lanelet2 (.osm) file?"
    )]
    Xml {
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
        /// The XML parser's words.
        message: String,
    },
    /// An element or attribute is missing or has a value that it can't have.
    #[error("map line {line}:{column}: <{element}>: {problem}; {remedy}")]
    Invalid {
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
        /// The element's name.
        element: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The numbers are fine one by one, but the lanes they describe are not.
    #[error(
        "map road \"{road}\", lane section {section}: lane {lane} {problem}; check its geometry, widths and offsets"
    )]
    Layout {
        /// The road's id.
        road: String,
        /// The lane section's number, from 0.
        section: usize,
        /// The lane's number.
        lane: i32,
        /// What is wrong.
        problem: &'static str,
    },
    /// A waypoint of a route is not on a driving lane.
    #[error("route waypoint {waypoint} is on no driving lane; move it onto one, or give another map")]
    OffRoad {
        /// The waypoint's number, from 0.
        waypoint: usize,
    },
    /// There is no way between two waypoints of a route.
    #[error("there is no way to route waypoint {waypoint} from the one before it; take one of them out")]
    NoWay {
        /// The later waypoint's number, from 0.
        waypoint: usize,
    },
}
