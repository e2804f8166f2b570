//! Points that stand on the ground, grouped into things.
//!
//! A bird's-eye grid; cells that hold a point and lie close together belong to one thing. How close is close grows with
//! range, as the beams spread.

/// Cell edge, metres.
const CELL_M: f32 = 0.2;
/// Cells each way.
const SIDE: usize = 800;
/// Half the grid's edge, metres.
const HALF_M: f32 = SIDE as f32 * CELL_M / 2.0;
/// Metres of height a bit of [`Cluster::column`].
pub(super) const COLUMN_BIT_M: f32 = 0.25;
/// Points up to this height above the ground make a thing's outline, metres.
const OUTLINE_TOP_M: f32 = 2.6;
/// A thing must come down to here, else it hangs (branches, signs), metres.
const HANGING_M: f32 = 1.5;

/// A thing: a range of [`Clusters::members`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cluster {
    /// First member.
    pub first: usize,
    /// Past the last member.
    pub end: usize,
    /// Heights above ground that hold points, one bit each 0.25 m from 0, up to 8 m.
    pub column: u32,
    /// Share of its cells that go on above [`OUTLINE_TOP_M`].
    pub tall_share: f32,
}

/// A point of a thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Member {
    /// `base_link`, metres.
    pub x: f32,
    /// `base_link`, metres.
    pub y: f32,
    /// `base_link`, metres.
    pub z: f32,
    /// Metres above the ground.
    pub above: f32,
    pub(super) cell: u32,
}

/// Groups points; keeps its memory from scan to scan.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// The things of the last scan, in the order of their first cell.
    pub clusters: Vec<Cluster>,
    /// Their points, thing by thing.
    pub members: Vec<Member>,
    column: Vec<u32>,
    label: Vec<u32>,
    touched: Vec<u32>,
    loose: Vec<Member>,
    stack: Vec<u32>,
    fill: Vec<usize>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            members: Vec::new(),
            column: vec![0; SIDE * SIDE],
            label: vec![0; SIDE * SIDE],
            touched: Vec::new(),
            loose: Vec::new(),
            stack: Vec::new(),
            fill: Vec::new(),
        }
    }
}

impl Clusters {
    /// Forgets the scan before.
    pub fn clear(&mut self) {
        for &cell in &self.touched {
            self.column[cell as usize] = 0;
            self.label[cell as usize] = 0;
        }
        self.touched.clear();
        self.loose.clear();
        self.clusters.clear();
        self.members.clear();
    }

    /// Adds a point that is `above` metres over the ground.
    #[inline]
    pub fn add(&mut self, point: [f32; 3], above: f32) {
        let [x, y, z] = point;
        let (i, j) = ((x + HALF_M) / CELL_M, (y + HALF_M) / CELL_M);
        if !(i >= 0.0 && j >= 0.0 && i < SIDE as f32 && j < SIDE as f32) || above >= 8.0 {
            return;
        }
        let cell = (i as usize) * SIDE + j as usize;
        let column = &mut self.column[cell];
        if *column == 0 {
            self.touched.push(cell as u32);
        }
        *column |= 1 << ((above / COLUMN_BIT_M) as u32).min(31);
        if above < OUTLINE_TOP_M {
            self.loose.push(Member { x, y, z, above, cell: cell as u32 });
        }
    }

    /// Groups the points that were added.
    pub fn group(&mut self) {
        const HANGING_BITS: u32 = (1 << (HANGING_M / COLUMN_BIT_M) as u32) - 1;
        const TALL_BITS: u32 = !((1 << (OUTLINE_TOP_M / COLUMN_BIT_M) as u32) - 1) & 0xffff;
        for index in 0..self.touched.len() {
            let seed = self.touched[index];
            if self.label[seed as usize] != 0 || self.column[seed as usize] & HANGING_BITS == 0 {
                continue;
            }
            let label = self.clusters.len() as u32 + 1;
            let (mut column, mut cells, mut tall) = (0, 0_u32, 0_u32);
            self.label[seed as usize] = label;
            self.stack.push(seed);
            while let Some(cell) = self.stack.pop() {
                let bits = self.column[cell as usize];
                column |= bits;
                cells += 1;
                tall += u32::from(bits & TALL_BITS != 0);
                self.visit_neighbours(cell as usize, label, HANGING_BITS);
            }
            self.clusters.push(Cluster {
                column,
                tall_share: tall as f32 / cells as f32,
                ..Cluster::default()
            });
        }
        self.gather();
    }

    fn visit_neighbours(&mut self, cell: usize, label: u32, needed: u32) {
        let (i, j) = ((cell / SIDE) as i32, (cell % SIDE) as i32);
        let reach = reach_at(i, j);
        for a in (i - reach).max(0)..=(i + reach).min(SIDE as i32 - 1) {
            for b in (j - reach).max(0)..=(j + reach).min(SIDE as i32 - 1) {
                let next = a as usize * SIDE + b as usize;
                if self.label[next] == 0 && self.column[next] & needed != 0 {
                    self.label[next] = label;
                    self.stack.push(next as u32);
                }
            }
        }
    }

    /// Sorts the points by thing (counting sort: the order within a thing is the scan's).
    fn gather(&mut self) {
        self.fill.clear();
        self.fill.resize(self.clusters.len() + 1, 0);
        for member in &self.loose {
            self.fill[self.label[member.cell as usize] as usize] += 1;
        }
        let mut next = 0;
        self.fill[0] = 0;
        for (cluster, fill) in self.clusters.iter_mut().zip(&mut self.fill[1..]) {
            cluster.first = next;
            next += *fill;
            cluster.end = next;
            *fill = cluster.first;
        }
        self.members.resize(next, Member::default());
        for &member in &self.loose {
            let label = self.label[member.cell as usize] as usize;
            if label > 0 {
                self.members[self.fill[label]] = member;
                self.fill[label] += 1;
            }
        }
    }
}

/// How many cells away a neighbour may be.
fn reach_at(i: i32, j: i32) -> i32 {
    let half = SIDE as i32 / 2;
    let (x, y) = (i - half, j - half);
    let squared = x * x + y * y;
    if squared < 100 * 100 {
        1
    } else if squared < 200 * 200 {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_apart_are_apart_and_branches_are_nothing() {
        let mut clusters = Clusters::default();
        for _ in 0..2 {
            clusters.clear();
            for k in 0..20 {
                let step = k as f32 * 0.1;
                clusters.add([10.0 + step, 3.0, 0.8], 0.8);
                clusters.add([10.0 + step, 4.0, 0.8], 0.8);
                clusters.add([5.0 + step, -4.0, 2.4], 2.4);
            }
            clusters.group();
            assert_eq!(clusters.clusters.len(), 2);
            assert!(clusters.clusters.iter().all(|c| c.end - c.first == 20));
            assert!(clusters.members.iter().all(|m| m.above < 1.0));
        }
    }

    #[test]
    fn points_off_the_grid_are_left_out() {
        let mut clusters = Clusters::default();
        for bad in [f32::NAN, 1e9, -81.0] {
            clusters.add([bad, 0.0, 1.0], 1.0);
        }
        clusters.group();
        assert!(clusters.clusters.is_empty());
    }
}
