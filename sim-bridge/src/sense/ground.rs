//! The ground: a flat plane with carriageways, raised pavements and road marks, as a fine raster of tiles.
//!
//! Tiles exist only where there is something other than grass, so memory follows the length of the roads.

use auriga_geometry::Vec2;
use auriga_map::{Lane, LaneKind, Map, MarkColor, MarkKind, RoadMark, SignalKind};

/// Cells per metre.
pub const CELLS_PER_METRE: f32 = 16.0;
/// Cells along the side of a tile (16 m).
const TILE: usize = 256;
/// Height of pavements and kerbs over the road, metres.
pub const KERB_HEIGHT: f32 = 0.10;

/// What the ground is covered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cover {
    /// Grass and soil.
    Grass = 0,
    /// Pavement, raised.
    Sidewalk = 1,
    /// The kerb's stone, raised.
    Kerb = 2,
    /// A shoulder or parking bay.
    Shoulder = 3,
    /// A cycle lane.
    Cycle = 4,
    /// The carriageway.
    Road = 5,
    /// The carriageway within a junction: no wheel tracks.
    Junction = 6,
}

impl Cover {
    fn of(bits: u16) -> Self {
        match bits & 7 {
            1 => Self::Sidewalk,
            2 => Self::Kerb,
            3 => Self::Shoulder,
            4 => Self::Cycle,
            5 => Self::Road,
            6 => Self::Junction,
            _ => Self::Grass,
        }
    }
}

/// One cell: bits 0 to 2 cover, 3 yellow, 4 to 7 how much of it a mark covers (15: all), 8 to 15 the place across the lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell(u16);

impl Cell {
    /// A kerb without a mark.
    pub const KERB: Self = Self(Cover::Kerb as u16);

    /// What covers it.
    #[inline]
    #[must_use]
    pub fn cover(self) -> Cover {
        Cover::of(self.0)
    }

    /// Whether its mark is yellow.
    #[inline]
    #[must_use]
    pub fn is_yellow(self) -> bool {
        self.0 & 8 != 0
    }

    /// How much of it a mark covers, 0 to 1.
    #[inline]
    #[must_use]
    pub fn mark(self) -> f32 {
        f32::from((self.0 >> 4) & 15) / 15.0
    }

    /// The place across the lane: 0 at its left edge, 1 at its right.
    #[inline]
    #[must_use]
    pub fn across(self) -> f32 {
        f32::from(self.0 >> 8) / 255.0
    }

    /// Whether it lies higher than the road.
    #[inline]
    #[must_use]
    pub fn is_raised(self) -> bool {
        matches!(self.0 & 7, 1 | 2)
    }
}

/// The raster.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Height of the road in the map frame, metres.
    pub height: f64,
    /// South-west corner of the first tile, metres.
    origin: (f64, f64),
    columns: usize,
    rows: usize,
    /// Number of a tile plus 1; 0: grass all over.
    directory: Vec<u32>,
    tiles: Vec<Cell>,
}

impl Ground {
    /// Grass at a height.
    #[must_use]
    pub fn plain(height: f64) -> Self {
        Self { height, ..Self::default() }
    }

    /// The ground of a map.
    #[must_use]
    pub fn new(map: &Map) -> Self {
        let (low, high) = map.bounds();
        let side = TILE as f64 / f64::from(CELLS_PER_METRE);
        let span = (high - low).map(|extent| if extent.is_finite() { extent.clamp(0.0, 2.0e4) } else { 0.0 });
        let (columns, rows) = ((span.x / side) as usize + 4, (span.y / side) as usize + 4);
        let mut heights: Vec<f64> = map.lanes().iter().map(|lane| lane.centerline.at(0.0).z).collect();
        heights.sort_by(f64::total_cmp);
        let mut ground = Self {
            height: heights.get(heights.len() / 2).copied().unwrap_or(0.0),
            origin: (low.x - 1.5 * side, low.y - 1.5 * side),
            columns,
            rows,
            directory: vec![0; columns * rows],
            tiles: Vec::new(),
        };
        for lane in map.lanes() {
            ground.paint_surface(map, lane);
        }
        for lane in map.lanes() {
            ground.paint_marks(map, lane);
            ground.paint_stop_lines(map, lane);
        }
        for crosswalk in map.crosswalks() {
            let along = crosswalk.axis.1 - crosswalk.axis.0;
            let along = along / along.norm().max(1e-6);
            ground.paint_crosswalk(&crosswalk.polygon, crosswalk.axis.0, along);
        }
        ground
    }

    /// The cell at a point of the map, given relative to [`Self::anchor`].
    #[inline]
    #[must_use]
    pub fn cell(&self, x: f32, y: f32) -> Cell {
        let (i, j) = ((x * CELLS_PER_METRE) as i32, (y * CELLS_PER_METRE) as i32);
        self.cell_at(i, j)
    }

    /// The cell in column `i` and row `j` from the anchor.
    #[inline]
    #[must_use]
    pub fn cell_at(&self, i: i32, j: i32) -> Cell {
        if i < 0 || j < 0 {
            return Cell(0);
        }
        let (i, j) = (i as usize, j as usize);
        let (a, b) = (i / TILE, j / TILE);
        if a >= self.columns || b >= self.rows {
            return Cell(0);
        }
        match self.directory[b * self.columns + a] {
            0 => Cell(0),
            tile => self.tiles[((tile as usize - 1) * TILE + j % TILE) * TILE + i % TILE],
        }
    }

    /// How much marks cover of the cell in column `i` and row `j`, of the one to the right, of the one above, and of the one
    /// above that to the right.
    #[inline]
    #[must_use]
    pub fn marks_at(&self, i: i32, j: i32) -> [f32; 4] {
        let (u, v) = ((i as usize) % TILE, (j as usize) % TILE);
        if i >= 0 && j >= 0 && u + 1 < TILE && v + 1 < TILE {
            let (a, b) = (i as usize / TILE, j as usize / TILE);
            if a >= self.columns || b >= self.rows {
                return [0.0; 4];
            }
            let tile = self.directory[b * self.columns + a];
            if tile == 0 {
                return [0.0; 4];
            }
            let at = ((tile as usize - 1) * TILE + v) * TILE + u;
            return [at, at + 1, at + TILE, at + TILE + 1].map(|at| self.tiles[at].mark());
        }
        [(0, 0), (1, 0), (0, 1), (1, 1)]
            .map(|(di, dj)| self.cell_at(i.saturating_add(di), j.saturating_add(dj)).mark())
    }

    /// The corner that [`Self::cell`] counts from, metres in the map frame.
    #[must_use]
    pub fn anchor(&self) -> (f64, f64) {
        self.origin
    }

    /// Height of the surface at a point of the map, metres.
    #[must_use]
    pub fn height_at(&self, point: Vec2) -> f64 {
        let cell = self.cell((point.x - self.origin.0) as f32, (point.y - self.origin.1) as f32);
        self.height + if cell.is_raised() { f64::from(KERB_HEIGHT) } else { 0.0 }
    }

    /// Calls `paint` for every cell whose centre is in the box, with the centre; the result replaces the cell.
    fn paint(&mut self, low: Vec2, high: Vec2, paint: impl Fn(Vec2, Cell) -> Cell) {
        let scale = f64::from(CELLS_PER_METRE);
        let column =
            |x: f64| ((x - self.origin.0) * scale).clamp(0.0, (self.columns * TILE - 1) as f64) as usize;
        let row = |y: f64| ((y - self.origin.1) * scale).clamp(0.0, (self.rows * TILE - 1) as f64) as usize;
        let (i0, i1, j0, j1) = (column(low.x), column(high.x), row(low.y), row(high.y));
        for j in j0..=j1 {
            let y = self.origin.1 + (j as f64 + 0.5) / scale;
            let mut i = i0;
            while i <= i1 {
                // The stretch of this row within one tile.
                let end = (i / TILE * TILE + TILE - 1).min(i1);
                let place = (j / TILE) * self.columns + i / TILE;
                for i in i..=end {
                    let x = self.origin.0 + (i as f64 + 0.5) / scale;
                    let at = (j % TILE) * TILE + i % TILE;
                    let tile = self.directory[place] as usize;
                    let old = if tile == 0 { Cell(0) } else { self.tiles[(tile - 1) * TILE * TILE + at] };
                    let new = paint(Vec2::new(x, y), old);
                    if new != old {
                        let tile = if tile == 0 { self.add_tile(place) } else { tile };
                        self.tiles[(tile - 1) * TILE * TILE + at] = new;
                    }
                }
                i = end + 1;
            }
        }
    }

    /// A tile of grass at a place of the directory; its number.
    fn add_tile(&mut self, place: usize) -> usize {
        self.tiles.resize(self.tiles.len() + TILE * TILE, Cell(0));
        let number = self.tiles.len() / (TILE * TILE);
        self.directory[place] = number as u32;
        number
    }

    /// Calls `paint` with (`s`, `d`, width) for every cell of a lane between `s0` and `s1` whose `d` is in the `band` for
    /// the width there: its lesser and greater end.
    fn paint_strip(
        &mut self,
        lane: &Lane,
        (s0, s1): (f64, f64),
        band: impl Fn(f64) -> (f64, f64),
        paint: impl Fn(f64, f64, f64, Cell) -> Cell,
    ) {
        let direction = |heading: f64| {
            let (sin, cos) = auriga_geometry::math::sin_cos(heading);
            Vec2::new(cos, sin)
        };
        for pair in lane.centerline.points.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if b.s < s0 || a.s > s1 {
                continue;
            }
            let (ta, tb) = (direction(a.heading), direction(b.heading));
            let corner = |p: &auriga_map::CenterPoint, t: Vec2, d: f64| p.position + Vec2::new(-t.y, t.x) * d;
            let (near, far) = (band(a.width), band(b.width));
            let corners =
                [corner(a, ta, near.0), corner(a, ta, near.1), corner(b, tb, far.0), corner(b, tb, far.1)];
            let low = corners[1..].iter().fold(corners[0], |low, c| low.inf(c)).add_scalar(-0.07);
            let high = corners[1..].iter().fold(corners[0], |high, c| high.sup(c)).add_scalar(0.07);
            self.paint(low, high, |point, old| {
                let (from_a, from_b) = (point - a.position, point - b.position);
                let (ahead, behind) = (from_a.dot(&ta), -from_b.dot(&tb));
                // A hair of overlap, so that no cell is lost between two pieces.
                if ahead < -0.04 || behind < -0.04 {
                    return old;
                }
                let share = (ahead / (ahead + behind).max(1e-9)).clamp(0.0, 1.0);
                let d = ta.perp(&from_a) * (1.0 - share) + tb.perp(&from_b) * share;
                let s = a.s + (b.s - a.s) * share;
                let (least, most) = (near.0 + (far.0 - near.0) * share, near.1 + (far.1 - near.1) * share);
                if s < s0 || s > s1 || d < least || d > most {
                    return old;
                }
                paint(s, d, a.width + (b.width - a.width) * share, old)
            });
        }
    }

    fn paint_surface(&mut self, map: &Map, lane: &Lane) {
        let cover = match lane.kind {
            LaneKind::Driving if lane.junction.is_some() => Cover::Junction,
            LaneKind::Driving => Cover::Road,
            LaneKind::Sidewalk => Cover::Sidewalk,
            LaneKind::Shoulder | LaneKind::Parking => Cover::Shoulder,
            LaneKind::Biking => Cover::Cycle,
            LaneKind::Border => Cover::Kerb,
            LaneKind::Other => return,
        };
        let open = |side: Option<auriga_map::Neighbor>| {
            side.is_some_and(|n| {
                matches!(
                    map.lane(n.lane).kind,
                    LaneKind::Driving | LaneKind::Shoulder | LaneKind::Parking | LaneKind::Biking
                )
            })
        };
        let kerbs = (open(lane.left), open(lane.right));
        let band = |width: f64| (-width / 2.0 - 0.03, width / 2.0 + 0.03);
        self.paint_strip(lane, (0.0, lane.length), band, |_, d, width, old| {
            let mut cover = cover;
            let edge = width / 2.0 - 0.16;
            if cover == Cover::Sidewalk && ((kerbs.0 && d > edge) || (kerbs.1 && d < -edge)) {
                cover = Cover::Kerb;
            }
            if (old.cover() as u8) > cover as u8 {
                return old;
            }
            let across = ((0.5 - d / width.max(0.1)).clamp(0.0, 1.0) * 255.0) as u16;
            Cell(cover as u16 | (across << 8))
        });
    }

    fn paint_marks(&mut self, map: &Map, lane: &Lane) {
        if lane.junction.is_some() || lane.kind != LaneKind::Driving {
            return;
        }
        self.paint_mark(lane, lane.right_mark, -1.0);
        // A line between two lanes belongs to both: the left one paints it, or of two that meet head-on the first.
        let mine = lane.left.is_none_or(|n| {
            let other = map.lane(n.lane);
            other.kind != LaneKind::Driving || (!n.same_direction && lane.id < n.lane)
        });
        if mine {
            self.paint_mark(lane, lane.left_mark, 1.0);
        }
    }

    /// Paints the mark along one edge: `side` 1 left, −1 right.
    fn paint_mark(&mut self, lane: &Lane, mark: RoadMark, side: f64) {
        // Line, gap (dashes of 3 m, 6 m apart: German town roads, RMS 1), offset of the line's middle to the left.
        let dash = Some((3.0, 6.0));
        let width = if mark.width > 0.01 { mark.width } else { 0.12 };
        let lines: &[(f64, Option<(f64, f64)>)] = match mark.kind {
            MarkKind::Solid => &[(0.0, None)],
            MarkKind::Broken => &[(0.0, dash)],
            MarkKind::SolidSolid => &[(1.0, None), (-1.0, None)],
            MarkKind::SolidBroken => &[(1.0, None), (-1.0, dash)],
            MarkKind::BrokenSolid => &[(1.0, dash), (-1.0, None)],
            MarkKind::BrokenBroken => &[(1.0, dash), (-1.0, dash)],
            MarkKind::None | MarkKind::Curb | MarkKind::Other => &[],
        };
        // A line at the carriageway's edge lies inside it.
        let inset =
            if side < 0.0 && lane.right.is_none_or(|n| !n.same_direction) { width / 2.0 + 0.05 } else { 0.0 };
        let yellow = mark.color == MarkColor::Yellow;
        for &(offset, dash) in lines {
            let middle_at = |lane_width: f64| side * (lane_width / 2.0 - inset) + offset * width;
            let band = |lane_width: f64| (middle_at(lane_width) - width, middle_at(lane_width) + width);
            self.paint_strip(lane, (0.0, lane.length), band, |s, d, lane_width, old| {
                let middle = middle_at(lane_width);
                let across = coverage(width / 2.0 - (d - middle).abs());
                let along = dash.map_or(1.0, |(line, gap)| {
                    let place = s - (s / (line + gap)).floor() * (line + gap);
                    coverage(line / 2.0 - (place - line / 2.0).abs())
                });
                mark_cell(old, across * along, yellow)
            });
        }
    }

    fn paint_stop_lines(&mut self, map: &Map, lane: &Lane) {
        for control in &lane.controls {
            let dashed = match map.signal(control.signal).kind {
                SignalKind::TrafficLight | SignalKind::StopSign => false,
                SignalKind::YieldSign => true,
                SignalKind::SpeedLimit(_) | SignalKind::Other => continue,
            };
            let (from, to) = ((control.stop_s - 0.4).max(0.0), control.stop_s.max(0.4));
            let band = |width: f64| (-width / 2.0, width / 2.0);
            self.paint_strip(lane, (from - 0.1, to + 0.1), band, |s, d, width, old| {
                let along = coverage(((s - from).min(to - s)).min(width / 2.0 - d.abs()));
                let gap = dashed && (d + 20.0) % 0.75 > 0.5;
                mark_cell(old, if gap { 0.0 } else { along }, false)
            });
        }
    }

    fn paint_crosswalk(&mut self, polygon: &auriga_geometry::Polygon, start: Vec2, along: Vec2) {
        let far = Vec2::repeat(f64::INFINITY);
        let (low, high) =
            polygon.vertices.iter().fold((far, -far), |(low, high), v| (low.inf(v), high.sup(v)));
        if !(low.x.is_finite() && high.x.is_finite()) {
            return;
        }
        self.paint(low, high, |point, old| {
            if matches!(old.cover(), Cover::Grass | Cover::Sidewalk | Cover::Kerb) || !polygon.contains(point)
            {
                return old;
            }
            let place = (point - start).dot(&along);
            let place = place - place.floor();
            mark_cell(old, coverage(0.25 - (place - 0.25).abs()), false)
        });
    }
}

/// How much of a cell lies inside an edge `inside` metres away.
fn coverage(inside: f64) -> f64 {
    (0.5 + inside * f64::from(CELLS_PER_METRE)).clamp(0.0, 1.0)
}

fn mark_cell(old: Cell, coverage: f64, yellow: bool) -> Cell {
    let level = (coverage * 15.0 + 0.5) as u16;
    if old.cover() == Cover::Grass || level <= (old.0 >> 4) & 15 {
        return old;
    }
    Cell((old.0 & 0xFF07) | (level << 4) | if yellow { 8 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROAD: &str = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
      <road id="1" length="100" junction="-1">
        <planView><geometry s="0" x="10" y="20" hdg="0.3" length="100"><line/></geometry></planView>
        <lanes><laneSection s="0">
          <left><lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
          <center><lane id="0" type="none">
            <roadMark sOffset="0" type="broken" weight="standard" color="white" width="0.12"/></lane></center>
          <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
            <lane id="-2" type="sidewalk"><width sOffset="0" a="2.0" b="0" c="0" d="0"/></lane></right>
        </laneSection></lanes>
      </road></OpenDRIVE>"#;

    #[test]
    fn a_road_has_lanes_a_kerb_a_pavement_and_a_dashed_line() {
        let ground = Ground::new(&Map::from_opendrive(ROAD).unwrap());
        let place = auriga_geometry::Pose2::new(10.0, 20.0, 0.3);
        let cell = |s: f64, t: f64| {
            let p = place.to_parent(Vec2::new(s, t));
            let (x, y) = ground.anchor();
            ground.cell((p.x - x) as f32, (p.y - y) as f32)
        };
        for s in [0.5, 13.7, 50.0, 99.0] {
            assert_eq!(cell(s, 1.5).cover(), Cover::Road);
            assert_eq!(cell(s, -1.5).cover(), Cover::Road);
            assert_eq!(cell(s, -3.6).cover(), Cover::Kerb);
            assert_eq!(cell(s, -4.5).cover(), Cover::Sidewalk);
            assert_eq!(cell(s, -6.0).cover(), Cover::Grass);
            assert!((cell(s, -1.75).across() - 0.5).abs() < 0.03);
        }
        let painted = (0..900).filter(|i| cell(f64::from(*i) * 0.1 + 5.0, 0.0).mark() > 0.5).count();
        assert!((250..350).contains(&painted), "a third of a dashed line is painted, not {painted} of 900");
        let raised = place.to_parent(Vec2::new(50.0, -4.5));
        assert!((ground.height_at(raised) - f64::from(KERB_HEIGHT)).abs() < 1e-6);
        let far = Vec2::new(1e6, -1e6);
        assert!(ground.height_at(far) == 0.0 && Ground::plain(2.0).height_at(far) == 2.0);
    }
}
