//! Sensors that have frozen: what they say has new stamps and the same content.
//!
//! ```
//! use auriga_geometry::LogicalTime;
//! use auriga_perception::{PerceptionError, Repeats};
//!
//! let mut camera = Repeats::of("camera");
//! camera.check(LogicalTime::from_nanos(1), &[1, 2, 3]).unwrap();
//! camera.check(LogicalTime::from_nanos(2), &[1, 2, 4]).unwrap();
//! let error = camera.check(LogicalTime::from_nanos(3), &[1, 2, 4]).unwrap_err();
//! assert_eq!(error, PerceptionError::Frozen { sensor: "camera" });
//! ```

use crate::PerceptionError;
use auriga_geometry::LogicalTime;

/// So many places of eight bytes are compared, evenly spread over the data.
const PLACES: usize = 4096;

/// Notices that a sensor repeats itself. Pictures and scans hold noise: no two are the same.
#[derive(Clone, Debug)]
pub struct Repeats {
    sensor: &'static str,
    last: Option<(LogicalTime, u64)>,
}

impl Repeats {
    /// Of a sensor, by its name.
    #[must_use]
    pub const fn of(sensor: &'static str) -> Self {
        Self { sensor, last: None }
    }

    /// Takes in what was measured at `stamp`. The same message twice is no repetition.
    ///
    /// # Errors
    /// [`PerceptionError::Frozen`] when it is what was measured before.
    pub fn check(&mut self, stamp: LogicalTime, data: &[u8]) -> Result<(), PerceptionError> {
        let now = fingerprint(data);
        let before = self.last.replace((stamp, now));
        match before {
            Some((at, before)) if before == now && at != stamp && !data.is_empty() => {
                Err(PerceptionError::Frozen { sensor: self.sensor })
            }
            _ => Ok(()),
        }
    }
}

/// FNV-1a (Fowler, Noll, Vo) over eight bytes at a time.
fn fingerprint(data: &[u8]) -> u64 {
    let step = (data.len() / PLACES).max(8);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ data.len() as u64;
    for place in data.chunks(step) {
        let mut word = [0; 8];
        let length = place.len().min(8);
        word[..length].copy_from_slice(&place[..length]);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}
