//! Where a signal lies in a frame, as one load, one shift and one mask.

/// Byte orders of DBC: `@0` is Motorola, `@1` is Intel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Big,
    Little,
}

/// The plan for one signal of 1 to 64 bits in a frame of at most 64 bytes.
///
/// Nearly every signal lies within 8 bytes that start at `offset`; a long, unaligned one is loaded from 16 (`wide`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    offset: u8,
    shift: u8,
    order: ByteOrder,
    wide: bool,
    /// As many ones as the signal has bits.
    mask: u64,
    /// A frame must have as many bytes for the signal to be in it.
    bytes_needed: u8,
}

impl Plan {
    /// From a DBC's start bit and length. `None`: no such bits in a frame.
    ///
    /// Intel counts from the least significant bit upwards. Motorola's start is the most significant bit, and goes on to
    /// bit 7 of the next byte after bit 0 of this one.
    pub(crate) fn new(start: usize, length: usize, order: ByteOrder) -> Option<Self> {
        if !(1..=64).contains(&length) || start >= 512 {
            return None;
        }
        // First bit of the signal in the order in which the window is read, counted from the frame's first bit.
        let first = match order {
            ByteOrder::Little => start,
            ByteOrder::Big => 8 * (start / 8) + 7 - start % 8,
        };
        let end = first + length;
        if end > 512 {
            return None;
        }
        let wide = first % 8 + length > 64;
        let window = if wide { 16 } else { 8 };
        let offset = (first / 8).min(64 - window);
        let within = first - 8 * offset;
        let shift = match order {
            ByteOrder::Little => within,
            ByteOrder::Big => 8 * window - within - length,
        };
        Some(Self {
            offset: u8::try_from(offset).ok()?,
            shift: u8::try_from(shift).ok()?,
            order,
            wide,
            mask: u64::MAX >> (64 - length),
            bytes_needed: u8::try_from(end.div_ceil(8)).ok()?,
        })
    }

    /// Whether a frame of so many bytes has the whole signal.
    #[inline]
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        usize::from(self.bytes_needed) <= bytes
    }

    /// The raw bits, right-aligned.
    #[inline]
    pub(crate) fn load(&self, data: &[u8; 64]) -> u64 {
        let offset = usize::from(self.offset);
        if self.wide {
            let window = window::<16>(data, offset);
            let word = match self.order {
                ByteOrder::Little => u128::from_le_bytes(window),
                ByteOrder::Big => u128::from_be_bytes(window),
            };
            return (word >> self.shift) as u64 & self.mask;
        }
        let window = window::<8>(data, offset);
        let word = match self.order {
            ByteOrder::Little => u64::from_le_bytes(window),
            ByteOrder::Big => u64::from_be_bytes(window),
        };
        (word >> self.shift) & self.mask
    }

    /// Puts the bits in place; those of `raw` above the signal's length are left out.
    #[inline]
    pub(crate) fn store(&self, data: &mut [u8; 64], raw: u64) {
        let offset = usize::from(self.offset);
        if self.wide {
            let mask = u128::from(self.mask) << self.shift;
            let bits = u128::from(raw & self.mask) << self.shift;
            let old = window::<16>(data, offset);
            let new = match self.order {
                ByteOrder::Little => (u128::from_le_bytes(old) & !mask | bits).to_le_bytes(),
                ByteOrder::Big => (u128::from_be_bytes(old) & !mask | bits).to_be_bytes(),
            };
            data[offset..offset + 16].copy_from_slice(&new);
            return;
        }
        let mask = self.mask << self.shift;
        let bits = (raw & self.mask) << self.shift;
        let old = window::<8>(data, offset);
        let new = match self.order {
            ByteOrder::Little => (u64::from_le_bytes(old) & !mask | bits).to_le_bytes(),
            ByteOrder::Big => (u64::from_be_bytes(old) & !mask | bits).to_be_bytes(),
        };
        data[offset..offset + 8].copy_from_slice(&new);
    }
}

#[inline]
fn window<const N: usize>(data: &[u8; 64], offset: usize) -> [u8; N] {
    let mut window = [0; N];
    window.copy_from_slice(&data[offset..offset + N]);
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bit by bit, as the DBC format tells it.
    fn slowly(data: &[u8; 64], start: usize, length: usize, order: ByteOrder) -> u64 {
        let mut raw = 0;
        match order {
            ByteOrder::Little => {
                for bit in (start..start + length).rev() {
                    raw = raw << 1 | u64::from(data[bit / 8] >> (bit % 8) & 1);
                }
            }
            ByteOrder::Big => {
                let (mut byte, mut bit) = (start / 8, start % 8);
                for _ in 0..length {
                    raw = raw << 1 | u64::from(data[byte] >> bit & 1);
                    (byte, bit) = if bit == 0 { (byte + 1, 7) } else { (byte, bit - 1) };
                }
            }
        }
        raw
    }

    #[test]
    fn every_place_and_length_is_read_and_written_as_bit_by_bit() {
        let data: [u8; 64] =
            core::array::from_fn(|byte| (byte * 37 + 11) as u8 ^ (byte as u8).rotate_left(3));
        let mut plans = 0;
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for start in 0..520 {
                for length in 0..=66 {
                    let Some(plan) = Plan::new(start, length, order) else {
                        let first =
                            if order == ByteOrder::Big { 8 * (start / 8) + 7 - start % 8 } else { start };
                        assert!(length == 0 || length > 64 || first + length > 512);
                        continue;
                    };
                    plans += 1;
                    let raw = slowly(&data, start, length, order);
                    assert_eq!(plan.load(&data), raw, "{start}|{length} {order:?}");
                    let mut written = data;
                    plan.store(&mut written, !raw);
                    assert_eq!(plan.load(&written), !raw & plan.mask);
                    plan.store(&mut written, raw);
                    assert_eq!(written, data, "the neighbours stay: {start}|{length} {order:?}");
                }
            }
        }
        assert!(plans > 60_000);
    }

    proptest! {
        #[test]
        fn no_start_bit_is_too_far(start in any::<usize>(), length in any::<usize>()) {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                if let Some(plan) = Plan::new(start, length, order) {
                    prop_assert!(plan.fits(64));
                }
            }
        }
    }
}
