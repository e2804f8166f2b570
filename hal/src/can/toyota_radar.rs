//! The radar of Toyota's Safety Sense P, from its own bus: 16 tracks, 20 times a second.
//!
//! A cycle's 16 messages `TRACK_A_n` carry one counter; they come in any order. The radar tells distance, sideways distance
//! and the rate of the distance: sideways velocity, extent and class it does not tell.
//!
//! ```
//! use auriga_hal::can::{Database, ToyotaRadar};
//!
//! let configs = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
//! let database = Database::read(format!("{configs}/can/toyota_tssp_radar.dbc").as_ref()).unwrap();
//! let radar = ToyotaRadar::bind(database).unwrap();
//! assert_eq!(radar.counts(), Default::default());
//! ```

use super::database::Database;
use super::frame::{CanFrame, CanId, FrameKind};
use super::protection::{Checked, Checksum, Protection};
use super::vehicle::Counts;
use crate::HalError;
use auriga_geometry::LogicalTime;
use auriga_messages::radar_msgs::{RadarTrack, RadarTracks};

/// Tracks that the radar has.
const TRACKS: usize = 16;
const ALL: u16 = u16::MAX;
/// A cycle lasts 50 ms; its frames come within it. What is older belongs to another one.
const CYCLE_NS: i64 = 50_000_000;

/// Places of the signals of `TRACK_A_n`, the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Places {
    counter: usize,
    distance: usize,
    lateral: usize,
    speed: usize,
    valid: usize,
    new: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Distance, metres to the right, m/s; `None`: no object.
    seen: Option<[f64; 3]>,
    /// Counts the objects that this slot has had.
    objects: u64,
}

/// What one cycle of the radar told.
#[derive(Clone, Debug, PartialEq)]
pub struct RadarCycle {
    /// When its first frame was heard.
    pub first: LogicalTime,
    /// When its last frame was heard: the message's stamp.
    pub last: LogicalTime,
    /// The objects, in the frame `radar`.
    pub tracks: RadarTracks,
}

/// Takes frames in, gives cycles out. No I/O.
#[derive(Clone, Debug)]
pub struct ToyotaRadar {
    database: Database,
    ids: [CanId; TRACKS],
    places: Places,
    slots: [Slot; TRACKS],
    values: Vec<Option<f64>>,
    /// The cycle's counter, its first and last frame; `None` between two cycles.
    cycle: Option<(u8, LogicalTime, LogicalTime)>,
    /// Bits of the tracks that were heard in this cycle.
    heard: u16,
    counts: Counts,
}

impl ToyotaRadar {
    /// Looks up its messages and signals.
    ///
    /// # Errors
    /// A database without them.
    pub fn bind(database: Database) -> Result<Self, HalError> {
        let lacks = |what: String| HalError::Configuration {
            file: "the radar's DBC file".to_owned(),
            problem: format!("has no {what}; take configs/can/toyota_tssp_radar.dbc"),
        };
        let (mut ids, mut places, mut longest) = ([CanId::Standard(0); TRACKS], Places::default(), 0);
        for (track, id) in ids.iter_mut().enumerate() {
            let name = format!("TRACK_A_{track}");
            let message = database.message_by_name(&name).ok_or_else(|| lacks(name.clone()))?;
            let place =
                |signal: &str| message.index_of(signal).ok_or_else(|| lacks(format!("{name}.{signal}")));
            let found = Places {
                counter: place("COUNTER")?,
                distance: place("DISTANCE")?,
                lateral: place("LATERAL")?,
                speed: place("RELATIVE_SPEED")?,
                valid: place("VALID")?,
                new: place("NEW")?,
            };
            if track > 0 && found != places {
                return Err(lacks(format!("{name} like TRACK_A_0")));
            }
            (*id, places, longest) = (message.id, found, longest.max(message.signals().len()));
        }
        Ok(Self {
            database,
            ids,
            places,
            slots: [Slot::default(); TRACKS],
            values: vec![None; longest],
            cycle: None,
            heard: 0,
            counts: Counts::default(),
        })
    }

    /// What became of the frames so far; `lost` counts tracks that were missing from their cycle.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a frame in that was heard at `at`; the cycle when it completes one. A cycle of which frames are missing is given
    /// when the next one begins, with the tracks that were heard.
    pub fn hear(&mut self, at: LogicalTime, frame: &CanFrame) -> Option<RadarCycle> {
        let track = self.ids.iter().position(|id| *id == frame.id && frame.kind == FrameKind::Data);
        let Some((track, message)) = track.zip(self.database.message(frame.id)) else {
            self.counts.unknown = self.counts.unknown.saturating_add(1);
            return None;
        };
        let protection = Protection { checksum: Some(Checksum::Toyota), counter: None };
        if protection.check(frame.id, frame.data(), &mut None) != Checked::Good {
            self.counts.corrupted = self.counts.corrupted.saturating_add(1);
            return None;
        }
        message.decode_frame(frame, &mut self.values);
        let value = |place: usize| self.values.get(place).copied().flatten();
        let Places { counter, distance, lateral, speed, valid, new } = self.places;
        let count = value(counter)? as u8;
        let seen = [value(distance)?, value(lateral)?, value(speed)?];
        let (is_valid, is_new) = (value(valid)? > 0.0, value(new)? > 0.0);

        let bit = 1_u16 << track;
        let before = self.cycle.filter(|(running, first, _)| {
            *running != count || self.heard & bit != 0 || at.since(*first).as_nanos() > CYCLE_NS
        });
        let left_over = before.map(|(_, first, last)| self.finish(first, last));
        let (_, _, last) = self.cycle.get_or_insert((count, at, at));
        *last = at;
        self.heard |= bit;
        if let Some(slot) = self.slots.get_mut(track) {
            if is_valid && (is_new || slot.seen.is_none()) {
                slot.objects = slot.objects.saturating_add(1);
            }
            slot.seen = is_valid.then_some(seen);
        }
        self.counts.accepted = self.counts.accepted.saturating_add(1);
        match self.cycle {
            Some((_, first, last)) if self.heard == ALL => Some(self.finish(first, last)),
            _ => left_over,
        }
    }

    /// Ends a cycle: what was heard becomes a message, what was not is gone.
    fn finish(&mut self, first: LogicalTime, last: LogicalTime) -> RadarCycle {
        let mut tracks = RadarTracks::default();
        tracks.header.stamp = last.into();
        "radar".clone_into(&mut tracks.header.frame_id);
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if self.heard >> number & 1 == 0 {
                self.counts.lost = self.counts.lost.saturating_add(1);
                slot.seen = None;
            }
            let Some([distance, right, speed]) = slot.seen else { continue };
            let mut track = RadarTrack::default();
            let name = slot.objects.saturating_mul(TRACKS as u64).saturating_add(number as u64);
            track.uuid.uuid[..8].copy_from_slice(&name.to_le_bytes());
            (track.position.x, track.position.y, track.velocity.x) = (distance, -right, speed);
            tracks.tracks.push(track);
        }
        (self.cycle, self.heard) = (None, 0);
        RadarCycle { first, last, tracks }
    }
}

#[cfg(test)]
#[path = "toyota_radar/tests.rs"]
mod tests;
