//! The map as the stack sees it.

use crate::build::build;
use crate::grid::Grid;
use crate::opendrive::OpenDrive;
use crate::{
    Crosswalk, GeoReference, Junction, Lane, LaneId, LanePosition, MapError, MapObject, Signal, SignalId,
};
use auriga_geometry::Vec2;

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
}

impl Map {
    /// Reads the text of an OpenDRIVE file (1.4 to 1.8).
    ///
    /// # Errors
    /// [`MapError`] with line and column where the text is no XML, or lacks or garbles something that a map needs.
    pub fn from_opendrive(xml: &str) -> Result<Map, MapError> {
        build(&OpenDrive::read(xml)?)
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
        self.grid.nearest(&self.lanes, point, heading)
    }

    /// Lanes of any kind whose strip comes within `radius` of `center`, by ascending id; `out` is cleared first.
    pub fn lanes_within(&self, center: Vec2, radius: f64, out: &mut Vec<LaneId>) {
        self.grid.within(&self.lanes, center, radius, out);
    }
}
