//! What is fuzzed.

use auriga_geometry::{Vec2, Vec3};
use auriga_map::{LaneId, LanePosition, Map};

/// Reads a map and asks it everything: any input is a map or an error, never a panic.
pub fn read_and_ask(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(map) = Map::from_text(text) else { return };
    let (low, high) = map.bounds();
    let mut lanes = Vec::new();
    for ratio in [0.0, 0.3, 0.7] {
        let point = low + (high - low) * ratio;
        map.lanes_within(point, 20.0, &mut lanes);
        let Some(at) = map.nearest_lane(point, None) else { continue };
        let _ = map.nearest_lane(point, Some(ratio));
        let _ = map.nearest_lane_at_height(Vec3::new(point.x, point.y, 1.0), None);
        let mut ahead = Vec::new();
        map.next(at, 100.0, &mut ahead);
        map.previous(at, 100.0, &mut ahead);
        if let Some(route) = map.route(LanePosition { lane: LaneId(0), s: 1.0, d: 0.0 }, at) {
            let _ = map.rejoin(&route, 0, at);
        }
        let lane = map.lane(at.lane);
        let _ = map.locate(&lane.key.road, lane.road_s(at.s), lane.key.lane);
        let _ = lane.centerline.project(Vec2::new(1e7, -1e7));
    }
    if map.lanes().len() < 50 {
        let _ = map.svg();
    }
}
