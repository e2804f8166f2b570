//! Who is who: tracks assigned to true objects over time (CLEAR MOT; Bernardin and Stiefelhagen, 2008).

use auriga_geometry::Vec2;
use std::collections::BTreeMap;

/// A true object or a track, for matching.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub id: u64,
    pub position: Vec2,
}

/// Assigns tracks to objects frame by frame.
///
/// An object keeps its track for as long as the two are within the gate; the others are paired nearest first. A switch
/// is counted when an object's track is another than the last one that it had.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    gate_m: f64,
    last_track: BTreeMap<u64, u64>,
    pairs: Vec<(f64, usize, usize)>,
    object_taken: Vec<bool>,
    track_taken: Vec<bool>,
    pub id_switches: u32,
}

impl Matcher {
    pub(crate) fn new(gate_m: f64) -> Self {
        Self {
            gate_m,
            last_track: BTreeMap::new(),
            pairs: Vec::new(),
            object_taken: Vec::new(),
            track_taken: Vec::new(),
            id_switches: 0,
        }
    }

    /// Fills `matches` with (object, track) indices for one frame.
    pub(crate) fn frame(
        &mut self,
        objects: &[Candidate],
        tracks: &[Candidate],
        matches: &mut Vec<(usize, usize)>,
    ) {
        matches.clear();
        self.pairs.clear();
        self.object_taken.clear();
        self.object_taken.resize(objects.len(), false);
        self.track_taken.clear();
        self.track_taken.resize(tracks.len(), false);
        for (i, object) in objects.iter().enumerate() {
            for (j, track) in tracks.iter().enumerate() {
                let distance = (object.position - track.position).norm();
                if distance <= self.gate_m {
                    let kept = self.last_track.get(&object.id) == Some(&track.id);
                    // Kept pairs come before all others.
                    self.pairs.push((if kept { distance - self.gate_m - 1.0 } else { distance }, i, j));
                }
            }
        }
        self.pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        for &(_, i, j) in &self.pairs {
            if self.object_taken[i] || self.track_taken[j] {
                continue;
            }
            (self.object_taken[i], self.track_taken[j]) = (true, true);
            matches.push((i, j));
            let before = self.last_track.insert(objects[i].id, tracks[j].id);
            self.id_switches += u32::from(before.is_some_and(|before| before != tracks[j].id));
        }
        matches.sort_unstable();
    }

    /// Whether the track was paired in the last frame.
    pub(crate) fn track_matched(&self, track: usize) -> bool {
        self.track_taken.get(track).copied().unwrap_or(false)
    }

    /// Whether the object was paired in the last frame.
    pub(crate) fn object_matched(&self, object: usize) -> bool {
        self.object_taken.get(object).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u64, x: f64) -> Candidate {
        Candidate { id, position: Vec2::new(x, 0.0) }
    }

    #[test]
    fn a_pair_is_kept_though_another_is_nearer() {
        let mut matcher = Matcher::new(2.0);
        let mut matches = Vec::new();
        matcher.frame(&[at(1, 0.0)], &[at(10, 0.5)], &mut matches);
        matcher.frame(&[at(1, 0.0)], &[at(11, 0.1), at(10, 1.5)], &mut matches);
        assert_eq!((matches.as_slice(), matcher.id_switches), (&[(0, 1)][..], 0));
    }

    #[test]
    fn a_swap_is_two_switches_and_a_gap_is_none() {
        let mut matcher = Matcher::new(2.0);
        let mut matches = Vec::new();
        let objects = [at(1, 0.0), at(2, 5.0)];
        matcher.frame(&objects, &[at(10, 0.0), at(20, 5.0)], &mut matches);
        matcher.frame(&objects, &[], &mut matches);
        assert!(matches.is_empty() && !matcher.object_matched(0));
        matcher.frame(&objects, &[at(10, 0.0), at(20, 5.0)], &mut matches);
        assert_eq!(matcher.id_switches, 0);
        matcher.frame(&objects, &[at(20, 0.0), at(10, 5.0)], &mut matches);
        assert_eq!(matcher.id_switches, 2);
        assert!(matcher.track_matched(0) && matcher.track_matched(1));
    }
}
