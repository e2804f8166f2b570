//! A uniform grid over the map: which pieces of which lanes are near a point.
//!
//! The nearest lane is found in two passes over the cells around the point. The first looks at chords only and finds how
//! far away the nearest lane is at most; the second projects onto the few pieces that can be that near.

use crate::{CenterPoint, Lane, LaneId, LaneKind, LanePosition};
use auriga_geometry::math::{FRAC_PI_2, angle_difference};
use auriga_geometry::{Vec2, segment_distance};

/// Edge of a cell, metres; doubled until the grid has at most [`CELLS_MAX`] cells.
const CELL: f64 = 10.0;
const CELLS_MAX: f64 = 1e6;
/// What a radian between the asked and the lane's direction counts for, metres.
const HEADING_WEIGHT: f64 = 1.0;
/// What bounds are widened by, metres: far above rounding, far below anything that matters.
const SLACK: f64 = 1e-6;
/// Pieces that are remembered between the two passes; where more may be the nearest, the cells are looked at twice.
const SHORTLIST: usize = 12;

/// What a nearest lane is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub point: Vec2,
    pub heading: Option<f64>,
    pub height: Option<f64>,
}

/// A run of samples of one lane: `first..=last`.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    lane: LaneId,
    first: u32,
    last: u32,
}

/// A piece of a driving lane, and what bounds its distance from any point: all of it lies within `reach` of the chord.
#[derive(Clone, Copy, Debug)]
struct BoundedPiece {
    start: Vec2,
    chord: Vec2,
    /// One over the square of the chord's length; zero where it has none.
    per_length_squared: f64,
    reach: f64,
    piece: Piece,
    /// The middle of its headings and how far they spread to either side.
    heading: (f64, f64),
    heights: (f64, f64),
}

/// Entries by cell: `entries[starts[c]..starts[c + 1]]` are those of cell `c`.
#[derive(Clone, Debug)]
struct Cells<T> {
    starts: Vec<u32>,
    entries: Vec<T>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self { starts: Vec::new(), entries: Vec::new() }
    }
}

impl<T> Cells<T> {
    /// From entries in ascending order of their cells.
    fn new(cells: usize, sorted: Vec<(usize, T)>) -> Self {
        let mut starts = vec![0; cells + 1];
        for (c, _) in &sorted {
            starts[c + 1] += 1;
        }
        for c in 0..cells {
            starts[c + 1] += starts[c];
        }
        Self { starts, entries: sorted.into_iter().map(|(_, entry)| entry).collect() }
    }

    fn of(&self, cell: usize) -> &[T] {
        &self.entries[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }
}

/// Pieces by the cells that their chords touch; each cell's pieces ascend by lane and sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    origin: Vec2,
    cell: f64,
    columns: i64,
    rows: i64,
    /// Lanes of any kind.
    pieces: Cells<Piece>,
    /// Driving lanes.
    driving: Cells<BoundedPiece>,
    half_width_max: f64,
    /// Greatest distance between two samples of a driving lane, metres.
    spacing_max: f64,
}

impl Grid {
    pub(crate) fn new(lanes: &[Lane], (low, high): (Vec2, Vec2)) -> Self {
        let mut cell = CELL;
        let extent = high - low;
        while (extent.x / cell + 1.0) * (extent.y / cell + 1.0) > CELLS_MAX {
            cell *= 2.0;
        }
        let mut grid = Self { origin: low, cell, ..Self::default() };
        grid.columns = (extent.x / cell) as i64 + 1;
        grid.rows = (extent.y / cell) as i64 + 1;
        let mut entries: Vec<(usize, Piece)> = Vec::new();
        for lane in lanes {
            if lane.kind == LaneKind::Driving {
                grid.spacing_max = grid.spacing_max.max(lane.centerline.spacing_max());
            }
            for (i, pair) in lane.centerline.points.windows(2).enumerate() {
                grid.half_width_max = grid.half_width_max.max(0.5 * pair[0].width.max(pair[1].width));
                let piece = Piece { lane: lane.id, first: i as u32, last: i as u32 + 1 };
                grid.enter(pair[0].position, pair[1].position, piece, &mut entries);
            }
        }
        entries.sort_unstable_by_key(|(c, piece)| (*c, piece.lane, piece.first));
        entries.dedup_by(|later, earlier| {
            let joins =
                later.0 == earlier.0 && later.1.lane == earlier.1.lane && later.1.first <= earlier.1.last;
            if joins {
                earlier.1.last = later.1.last;
            }
            joins
        });
        let cells = (grid.columns * grid.rows) as usize;
        let is_driving = |(_, piece): &&(usize, Piece)| lanes[piece.lane.index()].kind == LaneKind::Driving;
        let bounded =
            |&(c, piece): &(usize, Piece)| (c, BoundedPiece::new(piece, &lanes[piece.lane.index()]));
        grid.driving = Cells::new(cells, entries.iter().filter(is_driving).map(bounded).collect());
        grid.pieces = Cells::new(cells, entries);
        grid
    }

    /// Notes a piece in every cell that its chord touches. A long chord (a step in the file) goes in parts, so that it does
    /// not fill the whole box around it.
    fn enter(&self, from: Vec2, to: Vec2, piece: Piece, entries: &mut Vec<(usize, Piece)>) {
        let parts = 1 + ((to - from).norm() / self.cell) as usize;
        for part in 0..parts {
            let at = |k: usize| self.cell_of(from + (to - from) * (k as f64 / parts as f64));
            let (a, b) = (at(part), at(part + 1));
            for row in a.1.min(b.1)..=a.1.max(b.1) {
                for column in a.0.min(b.0)..=a.0.max(b.0) {
                    entries.extend(self.index(column, row).map(|cell| (cell, piece)));
                }
            }
        }
    }

    fn cell_of(&self, point: Vec2) -> (i64, i64) {
        let at = (point - self.origin) / self.cell;
        (at.x.floor() as i64, at.y.floor() as i64)
    }

    fn index(&self, column: i64, row: i64) -> Option<usize> {
        let inside = (0..self.columns).contains(&column) && (0..self.rows).contains(&row);
        inside.then_some((row * self.columns + column) as usize)
    }

    /// Looks at rings of cells around the point until nothing nearer can come.
    pub(crate) fn nearest(&self, lanes: &[Lane], query: &Query) -> Option<LanePosition> {
        if self.driving.entries.is_empty() || !(query.point.x.abs() < 1e9 && query.point.y.abs() < 1e9) {
            return None;
        }
        let mut shortlist = Shortlist::default();
        let farthest = self.bound(query, &mut shortlist);
        let mut best: Option<(f64, LanePosition)> = None;
        if shortlist.complete {
            // The likeliest first: most of the others then need no projection.
            while let Some(candidate) = shortlist.take_least() {
                let known = best.map_or(farthest, |(cost, _)| cost.min(farthest));
                if candidate.low > known + SLACK {
                    break;
                }
                consider(&lanes[candidate.piece.lane.index()], candidate.piece, query, &mut best);
            }
            return best.map(|(_, position)| position);
        }
        self.rings(query.point, |least, ring| {
            if best.is_some_and(|(cost, _)| cost < least) {
                return false;
            }
            ring.for_each(self, |gap_squared, cell| {
                // A piece reaches out of its cell by no more than one chord.
                if gap_squared <= square(farthest + self.spacing_max + SLACK) {
                    for bounded in self.driving.of(cell) {
                        if bounded.bounds(query, farthest).is_some() {
                            consider(&lanes[bounded.piece.lane.index()], bounded.piece, query, &mut best);
                        }
                    }
                }
            });
            true
        });
        best.map(|(_, position)| position)
    }

    /// What the nearest piece costs at most; the pieces that may be the nearest go to the shortlist.
    fn bound(&self, query: &Query, shortlist: &mut Shortlist) -> f64 {
        let mut farthest = f64::INFINITY;
        self.rings(query.point, |least, ring| {
            if farthest < least {
                return false;
            }
            ring.for_each(self, |gap_squared, cell| {
                if gap_squared > square(farthest + self.spacing_max + SLACK) {
                    return;
                }
                for bounded in self.driving.of(cell) {
                    let Some((low, high)) = bounded.bounds(query, farthest) else { continue };
                    farthest = farthest.min(high);
                    shortlist.add(Candidate { low, piece: bounded.piece }, farthest);
                }
            });
            true
        });
        farthest
    }

    /// Calls `visit` with rings of cells from the point outwards, each with the least distance that a point in it has, until
    /// it says no or the grid ends.
    fn rings(&self, point: Vec2, mut visit: impl FnMut(f64, Ring) -> bool) {
        let (column, row) = self.cell_of(point);
        let gap = |at: i64, count: i64| (-at).max(at - (count - 1)).max(0);
        let first = gap(column, self.columns).max(gap(row, self.rows));
        for radius in first..=first + self.columns.max(self.rows) {
            let least = (radius - 1).max(0) as f64 * self.cell;
            if !visit(least, Ring { point, column, row, radius }) {
                break;
            }
        }
    }

    /// How far a point is from a cell, squared.
    fn gap_squared(&self, point: Vec2, column: i64, row: i64) -> f64 {
        let low = self.origin + Vec2::new(column as f64, row as f64) * self.cell;
        let outside = |at: f64, low: f64| (low - at).max(at - low - self.cell).max(0.0);
        let (x, y) = (outside(point.x, low.x), outside(point.y, low.y));
        x * x + y * y
    }

    /// Lanes whose strip comes within `radius`, ascending.
    pub(crate) fn within(&self, lanes: &[Lane], center: Vec2, radius: f64, out: &mut Vec<LaneId>) {
        out.clear();
        if self.pieces.entries.is_empty() || !(radius >= 0.0 && center.x.abs() < 1e9 && center.y.abs() < 1e9)
        {
            return;
        }
        let reach = radius.min(1e9) + self.half_width_max;
        let low = self.cell_of(center - Vec2::new(reach, reach));
        let high = self.cell_of(center + Vec2::new(reach, reach));
        for row in low.1.max(0)..=high.1.min(self.rows - 1) {
            for column in low.0.max(0)..=high.0.min(self.columns - 1) {
                let Some(cell) = self.index(column, row) else { continue };
                for piece in self.pieces.of(cell) {
                    let line = &lanes[piece.lane.index()].centerline;
                    let (at, _) = line.project_onto(center, piece.first as usize, piece.last as usize);
                    if (at.position - center).norm() <= radius + 0.5 * at.width {
                        out.push(piece.lane);
                    }
                }
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

/// The cells that are `radius` columns or rows away from the point's own.
struct Ring {
    point: Vec2,
    column: i64,
    row: i64,
    radius: i64,
}

impl Ring {
    /// Calls `visit` with every cell of the ring and the square of its distance from the point, row by row.
    fn for_each(&self, grid: &Grid, mut visit: impl FnMut(f64, usize)) {
        for r in (self.row - self.radius).max(0)..=(self.row + self.radius).min(grid.rows - 1) {
            let whole = r == self.row - self.radius || r == self.row + self.radius;
            let step = if whole || self.radius == 0 { 1 } else { 2 * self.radius };
            let mut c = self.column - self.radius;
            if whole {
                c = c.max(0);
            }
            while c <= (self.column + self.radius).min(grid.columns - 1) {
                if let Some(cell) = grid.index(c, r) {
                    visit(grid.gap_squared(self.point, c, r), cell);
                }
                c += step;
            }
        }
    }
}

impl BoundedPiece {
    fn new(piece: Piece, lane: &Lane) -> Self {
        let (first, last) = (piece.first as usize, piece.last as usize);
        let samples = &lane.centerline.points[first..=last];
        let chord = (samples[0].position, samples[samples.len() - 1].position);
        let off_chord = |p: &CenterPoint| segment_distance(chord.0, chord.1, p.position).0;
        let off = samples.iter().map(off_chord).fold(0.0, f64::max);
        let turned = |p: &CenterPoint| angle_difference(p.heading, samples[0].heading);
        let (right, left) =
            samples.iter().map(turned).fold((0.0_f64, 0.0_f64), |(l, h), t| (l.min(t), h.max(t)));
        let z = samples.iter().map(|p| p.z);
        let length_squared = (chord.1 - chord.0).norm_squared();
        Self {
            start: chord.0,
            chord: chord.1 - chord.0,
            per_length_squared: if length_squared > 1e-12 { 1.0 / length_squared } else { 0.0 },
            reach: off + lane.centerline.bulge(first, last) + SLACK,
            piece,
            heading: (samples[0].heading + 0.5 * (right + left), 0.5 * (left - right)),
            heights: z.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), z| (l.min(z), h.max(z))),
        }
    }

    /// What the piece costs at least and at most; `None` where that is more than `farthest`, or where it runs another way
    /// than the query asks for.
    fn bounds(&self, query: &Query, farthest: f64) -> Option<(f64, f64)> {
        let offset = query.point - self.start;
        let ratio = (offset.dot(&self.chord) * self.per_length_squared).clamp(0.0, 1.0);
        let distance_squared = (offset - self.chord * ratio).norm_squared();
        if distance_squared > square(farthest + self.reach + SLACK) {
            return None;
        }
        let distance = distance_squared.sqrt();
        let (mut low, mut high) = ((distance - self.reach).max(0.0), distance + self.reach);
        if let Some(z) = query.height {
            let above = (z - self.heights.1).max(self.heights.0 - z).max(0.0);
            let most = (z - self.heights.0).abs().max((z - self.heights.1).abs());
            (low, high) = ((low * low + above * above).sqrt(), (high * high + most * most).sqrt());
        }
        if let Some(heading) = query.heading {
            let (middle, spread) = self.heading;
            let off = angle_difference(middle, heading).abs();
            if off - spread > FRAC_PI_2 + SLACK {
                return None;
            }
            low += HEADING_WEIGHT * (off - spread).max(0.0);
            high += HEADING_WEIGHT * (off + spread);
            if off + spread > FRAC_PI_2 {
                high = f64::INFINITY;
            }
        }
        (low <= farthest + SLACK).then_some((low, high))
    }
}

fn square(x: f64) -> f64 {
    x * x
}

/// A piece that may be the nearest.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    low: f64,
    piece: Piece,
}

/// Candidates in no particular order.
struct Shortlist {
    candidates: [Candidate; SHORTLIST],
    count: usize,
    /// Whether nothing was left out for want of room.
    complete: bool,
}

impl Default for Shortlist {
    fn default() -> Self {
        Self { candidates: [Candidate::default(); SHORTLIST], count: 0, complete: true }
    }
}

impl Shortlist {
    /// Adds a candidate; where there is no room, those that cost more than `farthest` go.
    fn add(&mut self, candidate: Candidate, farthest: f64) {
        if self.count == SHORTLIST {
            let mut kept = 0;
            for i in 0..SHORTLIST {
                if self.candidates[i].low <= farthest + SLACK {
                    self.candidates[kept] = self.candidates[i];
                    kept += 1;
                }
            }
            self.count = kept;
        }
        match self.candidates.get_mut(self.count) {
            Some(place) => {
                *place = candidate;
                self.count += 1;
            }
            None => self.complete = false,
        }
    }

    /// Takes out the candidate that may cost least.
    fn take_least(&mut self) -> Option<Candidate> {
        let last = self.count.checked_sub(1)?;
        let mut least = 0;
        for i in 1..=last {
            if self.candidates[i].low < self.candidates[least].low {
                least = i;
            }
        }
        self.candidates.swap(least, last);
        self.count = last;
        Some(self.candidates[last])
    }
}

/// Takes the piece's nearest place if it beats the best so far.
fn consider(lane: &Lane, piece: Piece, query: &Query, best: &mut Option<(f64, LanePosition)>) {
    let (at, d) = lane.centerline.project_onto(query.point, piece.first as usize, piece.last as usize);
    let mut cost = (at.position - query.point).norm();
    if let Some(height) = query.height {
        cost = (cost * cost + (at.z - height) * (at.z - height)).sqrt();
    }
    if let Some(heading) = query.heading {
        let off = angle_difference(at.heading, heading).abs();
        if off > FRAC_PI_2 {
            return;
        }
        cost += HEADING_WEIGHT * off;
    }
    let beats = |&(least, known): &(f64, LanePosition)| {
        cost < least - 1e-9 || (cost < least + 1e-9 && lane.id < known.lane)
    };
    if best.as_ref().is_none_or(beats) {
        *best = Some((cost, LanePosition { lane: lane.id, s: at.s, d }));
    }
}
