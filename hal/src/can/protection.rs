//! Message counters and checksums, by named schemes.
//!
//! Toyota and Honda as the public port descriptions of opendbc have them; AUTOSAR's as *E2E Protocol Specification*, profiles
//! 1 and 2.

use super::crc;
use super::frame::CanId;

/// How a message's checksum is made, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Last byte: the sum of the length, the identifier's bytes and all other bytes.
    Toyota,
    /// Low nibble of the last byte: 8 less the sum of the nibbles of the identifier and all other nibbles, plus 3 for an
    /// identifier of 29 bits.
    Honda,
    /// AUTOSAR E2E profile 1 (variant A): CRC-8 SAE J1850 in byte 0, start and XOR 0, over the data identifier and the rest;
    /// counter 0 to 14 in the low nibble of byte 1.
    AutosarProfile1 {
        /// Never sent: it tells senders apart.
        data_id: u16,
        /// How much of it counts.
        inclusion: DataIdInclusion,
    },
    /// AUTOSAR E2E profile 2 (Volkswagen's MQB and MEB too): CRC-8 H2F in byte 0, start and XOR 0xFF, over the rest and the
    /// data identifier that belongs to the counter; counter 0 to 15 in the low nibble of byte 1.
    AutosarProfile2 {
        /// By counter.
        data_ids: [u8; 16],
    },
}

/// Which bytes of the data identifier go into profile 1's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataIdInclusion {
    /// Both, the low one first (1A).
    Both,
    /// Low with an even counter, high with an odd one (1B).
    Alternating,
    /// The low one only.
    Low,
}

/// Where a message's counter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Byte.
    pub byte: usize,
    /// Its lowest bit within the byte.
    pub shift: u32,
    /// How many bits.
    pub bits: u32,
    /// The highest value; the next one is 0.
    pub most: u8,
}

/// A message's protection. Bytes out of range make a message short, not a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// None: not protected against corruption.
    pub checksum: Option<Checksum>,
    /// None: not protected against loss and repetition.
    pub counter: Option<Counter>,
}

/// What a receiver learns from one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Checksum right, and the counter went on by one, or it is the first frame.
    Good,
    /// The counter stands still: the same frame again, or a sender that hangs.
    Repeated,
    /// So many frames are missing (at least).
    Lost(u8),
    /// The counter has a value that it never has.
    BadCounter,
    /// Corrupted, or somebody else's.
    BadChecksum,
    /// Too short for its checksum or counter.
    Short,
}

impl Checksum {
    /// Where profiles of AUTOSAR have their counter; the others' differs by message.
    #[must_use]
    pub fn counter(&self) -> Option<Counter> {
        match self {
            Self::Toyota => None,
            Self::Honda => None,
            Self::AutosarProfile1 { .. } => Some(Counter { byte: 1, shift: 0, bits: 4, most: 14 }),
            Self::AutosarProfile2 { .. } => Some(Counter { byte: 1, shift: 0, bits: 4, most: 15 }),
        }
    }

    /// The checksum that this data should have; `None` when it is too short to have one.
    #[must_use]
    pub fn compute(&self, id: CanId, data: &[u8]) -> Option<u8> {
        match *self {
            Self::Toyota => {
                let (_, rest) = data.split_last()?;
                let length = data.len() as u8;
                let bytes = id.number().to_le_bytes();
                Some(bytes.iter().chain(rest).fold(length, |sum, &byte| sum.wrapping_add(byte)))
            }
            Self::Honda => {
                let (last, rest) = data.split_last()?;
                let bytes = id.number().to_le_bytes();
                let nibbles = bytes
                    .iter()
                    .chain(rest)
                    .fold(last >> 4, |sum, &byte| sum.wrapping_add(byte & 0xf).wrapping_add(byte >> 4));
                let extended = if matches!(id, CanId::Extended(_)) { 3_u8 } else { 0 };
                Some(8_u8.wrapping_sub(nibbles).wrapping_add(extended) & 0xf)
            }
            Self::AutosarProfile1 { data_id, inclusion } => {
                let [low, high] = data_id.to_le_bytes();
                let rest = data.get(1..)?;
                let odd = rest.first()? & 1 != 0;
                let register = match inclusion {
                    DataIdInclusion::Both => crc::SAE_J1850.update(0, &[low, high]),
                    DataIdInclusion::Alternating if odd => crc::SAE_J1850.update(0, &[high]),
                    DataIdInclusion::Alternating | DataIdInclusion::Low => crc::SAE_J1850.update(0, &[low]),
                };
                Some(crc::SAE_J1850.update(register, rest))
            }
            Self::AutosarProfile2 { data_ids } => {
                let rest = data.get(1..)?;
                let counter = usize::from(rest.first()? & 0xf);
                let register = crc::H2F.update(0xff, rest);
                Some(crc::H2F.update(register, &[data_ids[counter]]) ^ 0xff)
            }
        }
    }

    /// The checksum that the data has.
    #[must_use]
    pub fn read(&self, data: &[u8]) -> Option<u8> {
        match self {
            Self::Toyota => data.last().copied(),
            Self::Honda => data.last().map(|byte| byte & 0xf),
            Self::AutosarProfile1 { .. } | Self::AutosarProfile2 { .. } => data.first().copied(),
        }
    }

    fn write(&self, data: &mut [u8], checksum: u8) {
        match self {
            Self::Toyota => {
                if let Some(byte) = data.last_mut() {
                    *byte = checksum;
                }
            }
            Self::Honda => {
                if let Some(byte) = data.last_mut() {
                    *byte = *byte & 0xf0 | checksum & 0xf;
                }
            }
            Self::AutosarProfile1 { .. } | Self::AutosarProfile2 { .. } => {
                if let Some(byte) = data.first_mut() {
                    *byte = checksum;
                }
            }
        }
    }
}

impl Counter {
    fn mask(&self) -> u8 {
        (0xff_u16 >> 8_u32.saturating_sub(self.bits)) as u8
    }

    /// The counter that the data has.
    #[must_use]
    pub fn read(&self, data: &[u8]) -> Option<u8> {
        data.get(self.byte).map(|byte| byte.checked_shr(self.shift).unwrap_or(0) & self.mask())
    }

    /// The value after this one.
    #[must_use]
    pub fn after(&self, value: u8) -> u8 {
        if value >= self.most { 0 } else { value + 1 }
    }

    fn write(&self, data: &mut [u8], value: u8) -> Option<()> {
        let byte = data.get_mut(self.byte)?;
        let mask = self.mask().checked_shl(self.shift)?;
        *byte = *byte & !mask | value.checked_shl(self.shift)? & mask;
        Some(())
    }
}

impl Protection {
    /// Writes the counter that follows `last` (0 first), then the checksum. Returns the counter.
    pub fn seal(&self, id: CanId, data: &mut [u8], last: Option<u8>) -> Option<u8> {
        let next = match &self.counter {
            Some(counter) => {
                let next = last.map_or(0, |last| counter.after(last));
                counter.write(data, next)?;
                Some(next)
            }
            None => None,
        };
        if let Some(checksum) = &self.checksum {
            let sum = checksum.compute(id, data)?;
            checksum.write(data, sum);
        }
        next
    }

    /// Judges a frame; `last` is the counter of the last good one, and is set by this one unless its checksum is wrong.
    pub fn check(&self, id: CanId, data: &[u8], last: &mut Option<u8>) -> Checked {
        if let Some(checksum) = &self.checksum {
            let Some(expected) = checksum.compute(id, data) else { return Checked::Short };
            if checksum.read(data) != Some(expected) {
                return Checked::BadChecksum;
            }
        }
        let Some(counter) = &self.counter else { return Checked::Good };
        let Some(value) = counter.read(data) else { return Checked::Short };
        if value > counter.most {
            return Checked::BadCounter;
        }
        let Some(before) = last.replace(value) else { return Checked::Good };
        if value == before {
            return Checked::Repeated;
        }
        let span = u16::from(counter.most) + 1;
        let steps = (u16::from(value) + span - u16::from(before.min(counter.most))) % span;
        match steps {
            1 => Checked::Good,
            steps => Checked::Lost((steps.max(1) - 1) as u8),
        }
    }
}

#[cfg(test)]
#[path = "protection/tests.rs"]
mod tests;
