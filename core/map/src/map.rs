//! The map as the stack sees it.

use crate::build::build;
use crate::grid::{Grid, Query};
use crate::lanelet2::{self, Projector};
use crate::opendrive::OpenDrive;
use crate::{
    Controller, Crosswalk, Fault, GeoReference, Junction, Lane, LaneId, LanePosition, MapError, MapObject,
    Signal, SignalId,
};
use auriga_geometry::{Vec2, Vec3};
use std::collections::BTreeMap;
use std::ops::Range;

/// A road network. Immutable; every list is in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Map {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) crosswalks: Vec<Crosswalk>,
    pub(crate) objects: Vec<MapObject>,
    pub(crate) junctions: Vec<Junction>,
    pub(crate) geo_reference: Option<GeoReference>,
    pub(crate) bounds: (Vec2, Vec2),
    pub(crate) grid: Grid,
    /// Where the lanes of each road are in `lanes`.
    pub(crate) roads: BTreeMap<String, Range<usize>>,
    pub(crate) controllers: Vec<Controller>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) skipped: BTreeMap<String, usize>,
}

impl Map {
    /// Reads the text of an OpenDRIVE file (1.4 to 1.8).
    ///
    /// # Errors
    /// [`MapError`] with line and column where the text is no XML, or lacks or garbles something that a map needs.
    pub fn from_opendrive(xml: &str) -> Result<Map, MapError> {
        build(&OpenDrive::read(xml)?)
    }

    /// Reads the text of a Lanelet2 file (`.osm`).
    ///
    /// # Errors
    /// [`MapError`] with line and column where the text is no XML, or a node has no coordinates that `projector` can use.
    pub fn from_lanelet2(xml: &str, projector: Projector) -> Result<Map, MapError> {
        lanelet2::read(xml, projector)
    }

    /// Reads the text of a file of either format; which one, its root element says.
    ///
    /// # Errors
    /// As [`Self::from_opendrive`] and [`Self::from_lanelet2`].
    pub fn from_text(xml: &str) -> Result<Map, MapError> {
        match xml.find("<osm").zip(xml.find("<OpenDRIVE")) {
            Some((osm, opendrive)) if osm < opendrive => Self::from_lanelet2(xml, Projector::Automatic),
            None if xml.contains("<osm") => Self::from_lanelet2(xml, Projector::Automatic),
            _ => Self::from_opendrive(xml),
        }
    }

    /// All lanes, by id.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A lane. Panics if the id is not of this map.
    #[must_use]
    pub fn lane(&self, id: LaneId) -> &Lane {
        &self.lanes[id.index()]
    }

    /// All signals, by id.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// A signal. Panics if the id is not of this map.
    #[must_use]
    pub fn signal(&self, id: SignalId) -> &Signal {
        &self.signals[id.index()]
    }

    /// All crosswalks, by id.
    #[must_use]
    pub fn crosswalks(&self) -> &[Crosswalk] {
        &self.crosswalks
    }

    /// The groups of signals that switch together; [`Signal::controller`] is an index into them.
    #[must_use]
    pub fn controllers(&self) -> &[Controller] {
        &self.controllers
    }

    /// What was wrong with the file and did not keep the map from being built.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many elements of each name the file has that were not read.
    #[must_use]
    pub fn skipped_elements(&self) -> &BTreeMap<String, usize> {
        &self.skipped
    }

    /// Buildings, trees, poles and other things beside the road.
    #[must_use]
    pub fn objects(&self) -> &[MapObject] {
        &self.objects
    }

    /// All junctions, by id.
    #[must_use]
    pub fn junctions(&self) -> &[Junction] {
        &self.junctions
    }

    /// Where the map's origin lies on earth, if the file says so.
    #[must_use]
    pub fn geo_reference(&self) -> Option<GeoReference> {
        self.geo_reference.clone()
    }

    /// The least and greatest coordinates of lanes and objects.
    #[must_use]
    pub fn bounds(&self) -> (Vec2, Vec2) {
        self.bounds
    }

    /// The nearest driving lane; with `heading`, lanes that run more than 90° off are passed over.
    ///
    /// Nearness is the distance to the centre line, plus 1 m per radian that the lane's direction is off `heading`: where
    /// lanes fan out in a junction, the one that runs the same way wins. Of equals the lower id wins. No allocation.
    #[must_use]
    pub fn nearest_lane(&self, point: Vec2, heading: Option<f64>) -> Option<LanePosition> {
        self.grid.nearest(&self.lanes, &Query { point, heading, height: None })
    }

    /// [`Self::nearest_lane`] where lanes lie above one another (bridges): nearness counts the height as well.
    #[must_use]
    pub fn nearest_lane_at_height(&self, point: Vec3, heading: Option<f64>) -> Option<LanePosition> {
        let query = Query { point: point.xy(), heading, height: Some(point.z) };
        self.grid.nearest(&self.lanes, &query)
    }

    /// The place in the middle of lane `lane` of road `road`, `road_s` metres along the road's reference line; `None` where
    /// there is no such lane. Where two lane sections meet, the later one's lane is taken.
    #[must_use]
    pub fn locate(&self, road: &str, road_s: f64, lane: i32) -> Option<LanePosition> {
        let lanes = &self.lanes[self.roads.get(road)?.clone()];
        let covers = |candidate: &&Lane| {
            let (a, b) = (candidate.road_s(0.0), candidate.road_s(candidate.length));
            candidate.key.lane == lane && a.min(b) <= road_s && road_s <= a.max(b)
        };
        let found = lanes.iter().rfind(covers)?;
        Some(LanePosition { lane: found.id, s: found.s_at_road_s(road_s), d: 0.0 })
    }

    /// Lanes of any kind whose strip comes within `radius` of `center`, by ascending id; `out` is cleared first.
    pub fn lanes_within(&self, center: Vec2, radius: f64, out: &mut Vec<LaneId>) {
        self.grid.within(&self.lanes, center, radius, out);
    }
}
