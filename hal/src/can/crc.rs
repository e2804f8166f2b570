//! The two CRC-8 of AUTOSAR (*Specification of CRC Routines*), by table.

/// CRC-8 SAE J1850: polynomial 0x1D.
pub(crate) const SAE_J1850: Crc8 = Crc8::new(0x1d);
/// CRC-8 H2F: polynomial 0x2F.
pub(crate) const H2F: Crc8 = Crc8::new(0x2f);

/// A CRC of 8 bits, most significant bit first.
pub(crate) struct Crc8 {
    table: [u8; 256],
}

impl Crc8 {
    const fn new(polynomial: u8) -> Self {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u8;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x80 != 0 { crc << 1 ^ polynomial } else { crc << 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        Self { table }
    }

    /// Goes on from a register value over more bytes. Start and final values are the caller's.
    pub(crate) fn update(&self, register: u8, bytes: &[u8]) -> u8 {
        bytes.iter().fold(register, |register, byte| self.table[usize::from(register ^ byte)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the specification: CRC of "123456789" with start and XOR 0xFF.
    #[test]
    fn the_check_values_are_the_specifications() {
        assert_eq!(SAE_J1850.update(0xff, b"123456789") ^ 0xff, 0x4b);
        assert_eq!(H2F.update(0xff, b"123456789") ^ 0xff, 0xdf);
    }
}
