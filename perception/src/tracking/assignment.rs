//! Which detection belongs to which track.
//!
//! All pairs within the gates are taken by rising cost, each track and each detection once. Gates are tight against the
//! spacing of road users, so this is the optimal assignment in all but contrived cases, at a fraction of its cost.

/// A possible pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub cost: f64,
    pub track: usize,
    pub detection: usize,
}

/// Chooses pairs: `of_track[t]` becomes the detection of track `t`. Ties go to the lower track, then the lower detection.
pub(super) fn assign(pairs: &mut [Pair], of_track: &mut [Option<usize>], taken: &mut [bool]) {
    pairs.sort_by(|a, b| {
        a.cost.total_cmp(&b.cost).then(a.track.cmp(&b.track)).then(a.detection.cmp(&b.detection))
    });
    for pair in pairs.iter() {
        if of_track[pair.track].is_none() && !taken[pair.detection] {
            of_track[pair.track] = Some(pair.detection);
            taken[pair.detection] = true;
        }
    }
}
