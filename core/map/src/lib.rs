//! Road networks (OpenDRIVE, Lanelet2) as lanes, topology, Frenet frames and signals.
//!
//! A [`Map`] is parsed once from the text of an `.xodr` or `.osm` file and never changes. Its lanes are numbered densely and run in
//! *driving direction*, whatever way their road's reference line runs: `s` grows the way traffic goes, `d` is positive to
//! the left of it. Coordinates are those of the map frame (x east, y north, z up; metres, radians).
//!
//! ```
//! use auriga_geometry::Vec2;
//! use auriga_map::Map;
//!
//! let xml = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
//!   <road id="1" length="100" junction="-1">
//!     <planView><geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>
//!     <lanes><laneSection s="0">
//!       <center><lane id="0" type="none"/></center>
//!       <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
//!     </laneSection></lanes>
//!   </road></OpenDRIVE>"#;
//! let map = Map::from_opendrive(xml)?;
//! let at = map.nearest_lane(Vec2::new(30.0, -1.5), Some(0.0)).unwrap();
//! assert!((at.s - 30.0).abs() < 1e-6 && (at.d - 0.25).abs() < 1e-6);
//! # Ok::<(), auriga_map::MapError>(())
//! ```

mod build;
mod centerline;
mod error;
mod fault;
mod feature;
mod frenet;
mod grid;
mod lane;
mod lanelet2;
mod map;
mod opendrive;
mod projection;
mod route;
mod route_through;
mod svg;
mod walk;

pub use centerline::{CenterPoint, Centerline};
pub use error::MapError;
pub use fault::{Fault, FaultKind};
pub use feature::{
    Controller, Crosswalk, CrosswalkId, GeoReference, Junction, JunctionId, MapObject, ObjectKind, Signal,
    SignalId, SignalKind,
};
pub use frenet::{CurvePoint, FrenetPoint};
pub use lane::{
    Access, Conflict, Control, Crossing, Lane, LaneId, LaneKey, LaneKind, LanePosition, MarkColor, MarkKind,
    Neighbor, RoadMark,
};
pub use lanelet2::Projector;
pub use map::Map;
pub use projection::Projection;
pub use route::{Route, RouteSegment};
pub use route_through::Waypoint;
