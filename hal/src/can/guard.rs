//! Whether a protected message is to be believed: its checksum, its counter, and whether two senders speak in one name.
//!
//! A checksum tells corruption, a counter loss and repetition. Neither is a secret: who knows the scheme can seal a frame.
//! But a second sender cannot keep the first one silent, so the two contradict each other: in one counter value with two
//! contents, or in a counter that jumps to and fro. Then neither is believed until one alone has spoken for a while.

use super::frame::CanFrame;
use super::protection::{Checked, Protection};
use auriga_geometry::{LogicalDuration, LogicalTime};

/// So many frames may be missing between two for the second to count as the next. Of a counter of 16 values not more: of two
/// senders in turn, one must be found out of order.
const LOST_MOST: u8 = 7;
/// After so long without a frame a counter says nothing: it may have gone round.
const SILENCE: LogicalDuration = LogicalDuration::from_millis(100);
/// After a contradiction, so many frames must follow each other without a gap before the next one is believed.
const PROBATION: u8 = 4;

/// What a receiver makes of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good and new; so many before it are missing.
    Accepted(u8),
    /// The same frame again, byte by byte: harmless.
    Repeated,
    /// Wrong checksum, impossible counter, too short.
    Corrupted,
    /// The counter jumped further than loss explains: an old frame, or somebody else's.
    OutOfOrder,
    /// The counter stood still while the content changed: two senders, or one that hangs.
    Contradicted,
    /// Good in itself, but too soon after a contradiction.
    OnProbation,
}

/// Watches one message.
#[derive(Clone, Debug)]
pub struct Guard {
    protection: Protection,
    counter: Option<u8>,
    last: Option<(LogicalTime, CanFrame)>,
    probation: u8,
}

impl Guard {
    /// A guard that has heard nothing yet.
    #[must_use]
    pub fn new(protection: Protection) -> Self {
        Self { protection, counter: None, last: None, probation: 0 }
    }

    /// Judges the next frame of this message, heard at `now`.
    pub fn judge(&mut self, now: LogicalTime, frame: &CanFrame) -> Verdict {
        let silent = self.last.is_some_and(|(heard, _)| now.since(heard) > SILENCE);
        let mut counter = self.counter.filter(|_| !silent);
        let checked = self.protection.check(frame.id, frame.data(), &mut counter);
        if matches!(checked, Checked::BadChecksum | Checked::BadCounter | Checked::Short) {
            return Verdict::Corrupted;
        }
        self.counter = counter;
        let before = self.last.replace((now, *frame));
        match checked {
            Checked::Repeated if before.is_some_and(|(_, before)| before.data() == frame.data()) => {
                Verdict::Repeated
            }
            Checked::Repeated => {
                self.probation = PROBATION;
                Verdict::Contradicted
            }
            Checked::Lost(missing) if missing > LOST_MOST => {
                self.probation = PROBATION;
                Verdict::OutOfOrder
            }
            Checked::Lost(_) if self.probation > 0 => {
                self.probation = PROBATION;
                Verdict::OnProbation
            }
            _ if self.probation > 0 => {
                self.probation -= 1;
                Verdict::OnProbation
            }
            Checked::Lost(missing) => Verdict::Accepted(missing),
            _ => Verdict::Accepted(0),
        }
    }

    /// Whether it was contradicted, and the sender has not yet won its trust back.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.probation > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::CanId;
    use super::super::protection::Checksum;
    use super::*;
    use proptest::prelude::*;

    const ID: CanId = CanId::Standard(0x100);

    fn protection() -> Protection {
        let checksum = Checksum::AutosarProfile2 { data_ids: [0x5a; 16] };
        Protection { checksum: Some(checksum), counter: checksum.counter() }
    }

    fn frame(content: u8, counter: u8) -> CanFrame {
        let mut data = [0, 0, content, 0, 0, 0, 0, 0];
        protection().seal(ID, &mut data, Some(counter.wrapping_sub(1) & 15));
        CanFrame::classic(ID, &data).unwrap()
    }

    fn hear(guard: &mut Guard, content: u8, counter: u8) -> Verdict {
        guard.judge(LogicalTime::ZERO, &frame(content, counter & 15))
    }

    #[test]
    fn one_sender_is_believed_with_gaps_and_doubles() {
        let mut guard = Guard::new(protection());
        assert_eq!(hear(&mut guard, 1, 3), Verdict::Accepted(0));
        assert_eq!(hear(&mut guard, 1, 3), Verdict::Repeated);
        assert_eq!(hear(&mut guard, 2, 4), Verdict::Accepted(0));
        assert_eq!(hear(&mut guard, 3, 8), Verdict::Accepted(3));
        assert_eq!(hear(&mut guard, 4, 17), Verdict::OutOfOrder);
        for counter in 18..22 {
            assert_eq!(hear(&mut guard, counter, counter), Verdict::OnProbation);
        }
        assert_eq!(hear(&mut guard, 9, 22), Verdict::Accepted(0));
    }

    #[test]
    fn after_a_silence_the_counter_begins_anew() {
        let mut guard = Guard::new(protection());
        let at = |millis: i64| LogicalTime::from_nanos(millis * 1_000_000);
        assert_eq!(guard.judge(at(0), &frame(1, 3)), Verdict::Accepted(0));
        // Sixteen frames on, the counter is the same again.
        assert_eq!(guard.judge(at(160), &frame(2, 3)), Verdict::Accepted(0));
        assert_eq!(guard.judge(at(170), &frame(3, 3)), Verdict::Contradicted);
    }

    #[test]
    fn a_corrupted_frame_changes_nothing() {
        let mut guard = Guard::new(protection());
        assert_eq!(hear(&mut guard, 1, 0), Verdict::Accepted(0));
        let mut bad = frame(2, 9);
        bad.data_mut()[2] ^= 1;
        assert_eq!(guard.judge(LogicalTime::ZERO, &bad), Verdict::Corrupted);
        assert_eq!(hear(&mut guard, 2, 1), Verdict::Accepted(0));
    }

    proptest! {
        /// A second sender, with whatever lead of its counter: of both together, at most one frame more is believed.
        #[test]
        fn two_senders_are_not_believed(lead in 0..16_u8, start in 0..16_u8, turns in 1..60_u8) {
            let mut guard = Guard::new(protection());
            for turn in 0..10_u8 {
                let verdict = hear(&mut guard, turn, start.wrapping_add(turn));
                prop_assert_eq!(verdict, Verdict::Accepted(0));
            }
            let mut believed = 0;
            for turn in 10..10 + turns {
                let genuine = hear(&mut guard, turn, start.wrapping_add(turn));
                let forged = hear(&mut guard, 200, start.wrapping_add(turn).wrapping_add(lead));
                let accepted = |verdict| u32::from(matches!(verdict, Verdict::Accepted(_)));
                // The very first genuine one is before the first forged one.
                believed += if turn == 10 { 0 } else { accepted(genuine) } + accepted(forged);
            }
            prop_assert!(believed <= 1, "{believed} believed");
        }
    }
}
