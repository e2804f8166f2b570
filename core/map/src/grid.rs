//! A uniform grid over the map: which pieces of which lanes are near a point.

use crate::{Lane, LaneId, LaneKind, LanePosition};
use auriga_geometry::Vec2;
use auriga_geometry::math::{FRAC_PI_2, angle_difference};

/// Edge of a cell, metres; doubled until the grid has at most [`CELLS_MAX`] cells.
const CELL: f64 = 10.0;
const CELLS_MAX: f64 = 1e6;
/// What a radian between the asked and the lane's direction counts for, metres.
const HEADING_WEIGHT: f64 = 1.0;

/// A run of samples of one lane: `first..=last`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    lane: LaneId,
    first: u32,
    last: u32,
}

/// Pieces by the cells that their chords touch; each cell's pieces ascend by lane and sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    origin: Vec2,
    cell: f64,
    columns: i64,
    rows: i64,
    /// `pieces[starts[c]..starts[c + 1]]` are those of cell `c`.
    starts: Vec<u32>,
    pieces: Vec<Piece>,
    half_width_max: f64,
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
            for (i, pair) in lane.centerline.points.windows(2).enumerate() {
                grid.half_width_max = grid.half_width_max.max(0.5 * pair[0].width.max(pair[1].width));
                grid.enter(
                    pair[0].position,
                    pair[1].position,
                    Piece { lane: lane.id, first: i as u32, last: i as u32 + 1 },
                    &mut entries,
                );
            }
        }
        entries.sort_by_key(|(c, piece)| (*c, piece.lane, piece.first));
        entries.dedup_by(|later, earlier| {
            let joins =
                later.0 == earlier.0 && later.1.lane == earlier.1.lane && later.1.first <= earlier.1.last;
            if joins {
                earlier.1.last = later.1.last;
            }
            joins
        });
        let cells = (grid.columns * grid.rows) as usize;
        grid.starts = vec![0; cells + 1];
        for (c, _) in &entries {
            grid.starts[c + 1] += 1;
        }
        for c in 0..cells {
            grid.starts[c + 1] += grid.starts[c];
        }
        grid.pieces = entries.into_iter().map(|(_, piece)| piece).collect();
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

    fn pieces_of(&self, cell: usize) -> &[Piece] {
        &self.pieces[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    /// Looks at rings of cells around the point until nothing nearer can come.
    pub(crate) fn nearest(&self, lanes: &[Lane], point: Vec2, heading: Option<f64>) -> Option<LanePosition> {
        if self.pieces.is_empty() || !(point.x.abs() < 1e9 && point.y.abs() < 1e9) {
            return None;
        }
        let (column, row) = self.cell_of(point);
        let gap = |at: i64, count: i64| (-at).max(at - (count - 1)).max(0);
        let first_ring = gap(column, self.columns).max(gap(row, self.rows));
        let last_ring = first_ring + self.columns.max(self.rows);
        let mut best: Option<(f64, LanePosition)> = None;
        for ring in first_ring..=last_ring {
            // A point of this ring is at least this far away.
            let least = (ring - 1).max(0) as f64 * self.cell;
            if best.is_some_and(|(cost, _)| cost < least) {
                break;
            }
            for r in (row - ring).max(0)..=(row + ring).min(self.rows - 1) {
                let whole = r == row - ring || r == row + ring;
                let step = if whole || ring == 0 { 1 } else { 2 * ring };
                let mut c = column - ring;
                if whole {
                    c = c.max(0);
                }
                while c <= (column + ring).min(self.columns - 1) {
                    if let Some(cell) = self.index(c, r) {
                        for piece in self.pieces_of(cell) {
                            consider(&lanes[piece.lane.index()], *piece, point, heading, &mut best);
                        }
                    }
                    c += step;
                }
            }
        }
        best.map(|(_, position)| position)
    }

    /// Lanes whose strip comes within `radius`, ascending.
    pub(crate) fn within(&self, lanes: &[Lane], center: Vec2, radius: f64, out: &mut Vec<LaneId>) {
        out.clear();
        if self.pieces.is_empty() || !(radius >= 0.0 && center.x.abs() < 1e9 && center.y.abs() < 1e9) {
            return;
        }
        let reach = radius.min(1e9) + self.half_width_max;
        let low = self.cell_of(center - Vec2::new(reach, reach));
        let high = self.cell_of(center + Vec2::new(reach, reach));
        for row in low.1.max(0)..=high.1.min(self.rows - 1) {
            for column in low.0.max(0)..=high.0.min(self.columns - 1) {
                let Some(cell) = self.index(column, row) else { continue };
                for piece in self.pieces_of(cell) {
                    let line = &lanes[piece.lane.index()].centerline;
                    let (s, _) = line.project_between(center, piece.first as usize, piece.last as usize);
                    let at = line.at(s);
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

/// Takes the piece's nearest place if it beats the best so far.
fn consider(
    lane: &Lane,
    piece: Piece,
    point: Vec2,
    heading: Option<f64>,
    best: &mut Option<(f64, LanePosition)>,
) {
    if lane.kind != LaneKind::Driving {
        return;
    }
    let (s, d) = lane.centerline.project_between(point, piece.first as usize, piece.last as usize);
    let at = lane.centerline.at(s);
    let mut cost = (at.position - point).norm();
    if let Some(heading) = heading {
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
        *best = Some((cost, LanePosition { lane: lane.id, s, d }));
    }
}
