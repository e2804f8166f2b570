//! One CAN frame, classic or FD, and its layout in Linux' `struct can_frame` and `struct canfd_frame` (`linux/can.h`).

/// A message's identifier. Standard ones come first in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CanId {
    /// 11 bits.
    Standard(u16),
    /// 29 bits.
    Extended(u32),
}

impl CanId {
    /// The number alone.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Standard(id) => u32::from(id),
            Self::Extended(id) => id,
        }
    }

    /// An identifier that has room: `None` for more than 29 bits, or more than 11 when standard.
    #[must_use]
    pub fn new(number: u32, extended: bool) -> Option<Self> {
        match (extended, number) {
            (true, 0..=0x1fff_ffff) => Some(Self::Extended(number)),
            (false, 0..=0x7ff) => u16::try_from(number).ok().map(Self::Standard),
            _ => None,
        }
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameKind {
    /// It carries data.
    #[default]
    Data,
    /// It asks for data (classic CAN only).
    Remote,
    /// The controller reports an error; [`CanId::number`] holds the error class of `linux/can/error.h`.
    Error,
}

/// One frame. `Copy`, of fixed size: 64 bytes of data, of which the first [`CanFrame::len`] count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanFrame {
    /// Who speaks about what.
    pub id: CanId,
    /// Data, remote or error.
    pub kind: FrameKind,
    /// CAN FD: up to 64 bytes.
    pub fd: bool,
    /// FD only: the data phase ran at the higher bit rate.
    pub bit_rate_switch: bool,
    pub(super) length: u8,
    pub(super) data: [u8; 64],
}

const EXTENDED_FLAG: u32 = 0x8000_0000;
const REMOTE_FLAG: u32 = 0x4000_0000;
const ERROR_FLAG: u32 = 0x2000_0000;
const FD_BIT_RATE_SWITCH: u8 = 0x01;
const FD_FRAME: u8 = 0x04;

/// The lengths that a CAN FD frame may have beyond 8 (ISO 11898-1, table of data length codes).
const FD_LENGTHS: [usize; 7] = [12, 16, 20, 24, 32, 48, 64];

impl CanFrame {
    /// The bytes of a `struct can_frame`.
    pub const CLASSIC_SIZE: usize = 16;
    /// The bytes of a `struct canfd_frame`.
    pub const FD_SIZE: usize = 72;

    /// A classic data frame; `None` for more than 8 bytes.
    #[must_use]
    pub fn classic(id: CanId, data: &[u8]) -> Option<Self> {
        if data.len() > 8 { None } else { Self::build(id, data, false) }
    }

    /// A CAN FD frame; `None` for a length that CAN FD does not have.
    #[must_use]
    pub fn fd(id: CanId, data: &[u8]) -> Option<Self> {
        if data.len() > 8 && !FD_LENGTHS.contains(&data.len()) { None } else { Self::build(id, data, true) }
    }

    fn build(id: CanId, bytes: &[u8], fd: bool) -> Option<Self> {
        let mut data = [0; 64];
        data.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let length = u8::try_from(bytes.len()).ok()?;
        Some(Self { id, kind: FrameKind::Data, fd, bit_rate_switch: false, length, data })
    }

    /// A request for a message of `length` bytes; `None` for more than 8.
    #[must_use]
    pub fn remote(id: CanId, length: usize) -> Option<Self> {
        let frame = Self::classic(id, [0; 8].get(..length)?)?;
        Some(Self { kind: FrameKind::Remote, ..frame })
    }

    /// How many bytes of data it has, or, of a remote frame, asks for.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// No data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data[..self.len().min(64)]
    }

    /// Its data with zeros up to 64 bytes.
    pub(crate) fn padded(&self) -> &[u8; 64] {
        &self.data
    }

    /// Its data, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        let length = self.len().min(64);
        &mut self.data[..length]
    }

    /// As the kernel writes it: 16 bytes for a classic frame, 72 for an FD one; the first of the result count.
    #[must_use]
    pub fn to_kernel(&self) -> ([u8; Self::FD_SIZE], usize) {
        let mut bytes = [0; Self::FD_SIZE];
        let flags = match (self.id, self.kind) {
            (CanId::Extended(_), FrameKind::Data) => EXTENDED_FLAG,
            (CanId::Extended(_), FrameKind::Remote) => EXTENDED_FLAG | REMOTE_FLAG,
            (CanId::Standard(_), FrameKind::Data) => 0,
            (CanId::Standard(_), FrameKind::Remote) => REMOTE_FLAG,
            (_, FrameKind::Error) => ERROR_FLAG,
        };
        // The kernel's structs are in the machine's own order.
        bytes[..4].copy_from_slice(&(self.id.number() | flags).to_ne_bytes());
        bytes[4] = self.length;
        let size = if self.fd {
            bytes[5] = FD_FRAME | if self.bit_rate_switch { FD_BIT_RATE_SWITCH } else { 0 };
            Self::FD_SIZE
        } else {
            Self::CLASSIC_SIZE
        };
        let room = size - 8;
        bytes[8..size].copy_from_slice(&self.data[..room]);
        (bytes, size)
    }

    /// From what the kernel, or a Unix bus, gave; `None` when that is no frame.
    #[must_use]
    pub fn from_kernel(bytes: &[u8]) -> Option<Self> {
        let fd = match bytes.len() {
            Self::CLASSIC_SIZE => false,
            Self::FD_SIZE => true,
            _ => return None,
        };
        let word = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        let number = word & 0x1fff_ffff;
        let data = bytes.get(8..8 + usize::from(*bytes.get(4)?))?;
        if word & ERROR_FLAG != 0 {
            let frame = Self::classic(CanId::Extended(number), data)?;
            return Some(Self { kind: FrameKind::Error, ..frame });
        }
        let id = CanId::new(number, word & EXTENDED_FLAG != 0)?;
        if fd {
            let frame = Self::fd(id, data)?;
            return Some(Self { bit_rate_switch: bytes[5] & FD_BIT_RATE_SWITCH != 0, ..frame });
        }
        if word & REMOTE_FLAG != 0 {
            return Self::remote(id, data.len());
        }
        Self::classic(id, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = CanId> {
        prop_oneof![
            (0..=0x7ff_u16).prop_map(CanId::Standard),
            (0..=0x1fff_ffff_u32).prop_map(CanId::Extended)
        ]
    }

    proptest! {
        #[test]
        fn frames_survive_the_kernels_layout(id in any_id(), data in prop::collection::vec(any::<u8>(), 0..=64), switch in any::<bool>()) {
            for frame in [CanFrame::classic(id, &data), CanFrame::fd(id, &data), CanFrame::remote(id, data.len())] {
                let Some(mut frame) = frame else {
                    prop_assert!(data.len() > 8);
                    continue;
                };
                frame.bit_rate_switch = frame.fd && switch;
                let (bytes, size) = frame.to_kernel();
                prop_assert_eq!(CanFrame::from_kernel(&bytes[..size]), Some(frame));
            }
        }

        #[test]
        fn garbage_is_no_frame_or_a_valid_one(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(frame) = CanFrame::from_kernel(&bytes) {
                let most = if frame.fd { 64 } else { 8 };
                prop_assert!(frame.len() <= most);
            }
        }
    }

    #[test]
    fn the_layout_is_the_kernels() {
        let frame = CanFrame::classic(CanId::Extended(0x18da_f110), &[1, 2, 3]).unwrap();
        let (bytes, size) = frame.to_kernel();
        let mut expected = [0; 16];
        expected[..4].copy_from_slice(&0x98da_f110_u32.to_ne_bytes());
        expected[4] = 3;
        expected[8..11].copy_from_slice(&[1, 2, 3]);
        assert_eq!((&bytes[..size], size), (&expected[..], 16));
    }
}
