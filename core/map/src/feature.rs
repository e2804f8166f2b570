//! What stands on, over and beside the lanes: signals, crosswalks, objects, junctions; and where on earth the map lies.

use crate::{LaneId, Projection};
use auriga_geometry::{Polygon, Pose2, Vec2, Vec3};

/// A signal's place in [`Map::signals`](crate::Map::signals); dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalId(pub u32);

/// A crosswalk's place in [`Map::crosswalks`](crate::Map::crosswalks); dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrosswalkId(pub u32);

/// A junction's place in [`Map::junctions`](crate::Map::junctions); dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JunctionId(pub u32);

impl SignalId {
    /// The id as an index into [`Map::signals`](crate::Map::signals).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl CrosswalkId {
    /// The id as an index into [`Map::crosswalks`](crate::Map::crosswalks).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl JunctionId {
    /// The id as an index into [`Map::junctions`](crate::Map::junctions).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignalKind {
    /// Changes with time.
    TrafficLight,
    /// Stop, then give way.
    StopSign,
    /// Give way.
    YieldSign,
    /// No faster than this, m/s.
    SpeedLimit(f64),
    /// Anything else.
    Other,
}

/// A traffic light or sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its place in the map.
    pub id: SignalId,
    /// Its id in the file.
    pub name: String,
    /// What it says.
    pub kind: SignalKind,
    /// Centre of the housing or plate in the map frame, metres.
    pub position: Vec3,
    /// The direction its face looks to, radians in the map frame.
    pub yaw: f64,
    /// Width of the housing or plate, metres.
    pub width: f64,
    /// Height of the housing or plate, metres.
    pub height: f64,
    /// The group that it switches with: lights of one group show the same at every instant.
    pub controller: Option<u32>,
    /// The signals that this one's meaning depends on (a plate below a sign, an arrow beside a light).
    pub dependencies: Vec<SignalId>,
}

/// A group of signals that one device switches.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Its id in the file.
    pub name: String,
    /// The signals; all of a group show the same at every instant.
    pub signals: Vec<SignalId>,
}

/// A marked pedestrian crossing.
#[derive(Clone, Debug, PartialEq)]
pub struct Crosswalk {
    /// Its place in the map.
    pub id: CrosswalkId,
    /// The marked area: the convex hull of its outline.
    pub polygon: Polygon,
    /// The way pedestrians walk, from one end of the area to the other through its middle.
    pub axis: (Vec2, Vec2),
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A building.
    Building,
    /// A pole, mast or lamp.
    Pole,
    /// A tree.
    Tree,
    /// Bushes and other plants.
    Vegetation,
    /// A wall, fence, guard rail.
    Barrier,
    /// A parking bay.
    Parking,
    /// Anything else.
    Other,
}

/// A thing beside the road: a box (`length` × `width` × `height`) or, where `radius` is above zero, an upright cylinder.
#[derive(Clone, Debug, PartialEq)]
pub struct MapObject {
    /// Its name in the file, or its id where it has none.
    pub name: String,
    /// What it is.
    pub kind: ObjectKind,
    /// Centre of its footprint and the direction of `length`, in the map frame.
    pub pose: Pose2,
    /// Height of its underside in the map frame, metres.
    pub z: f64,
    /// Extent along the heading, metres.
    pub length: f64,
    /// Extent across the heading, metres.
    pub width: f64,
    /// Extent upwards, metres.
    pub height: f64,
    /// Radius of a round object, metres; zero for a box.
    pub radius: f64,
}

/// A junction.
#[derive(Clone, Debug, PartialEq)]
pub struct Junction {
    /// Its place in the map.
    pub id: JunctionId,
    /// Its id in the file.
    pub name: String,
    /// The lanes that cross it, ascending; of any kind.
    pub lanes: Vec<LaneId>,
    /// The driving lanes that lead into it, ascending.
    pub incoming: Vec<LaneId>,
    /// The controllers of its signals, as indices into [`Map::controllers`](crate::Map::controllers).
    pub controllers: Vec<u32>,
}

impl GeoReference {
    /// The projection that the text states, if it is one that [`Projection`] knows: transverse Mercator, UTM.
    #[must_use]
    pub fn projection(&self) -> Option<Projection> {
        Projection::from_proj(&self.text)
    }
}

/// Where the map's origin lies on earth.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoReference {
    /// Latitude of the origin (WGS 84), radians north.
    pub latitude: f64,
    /// Longitude of the origin (WGS 84), radians east.
    pub longitude: f64,
    /// The projection as the file states it (PROJ).
    pub text: String,
}
