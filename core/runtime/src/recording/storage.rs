//! Where a recording's bytes go: a file, and in tests disks that are full, stuck, torn, or lose their power.

use std::io;

/// Takes bytes one after the other.
pub trait Storage: Send {
    /// Appends all bytes.
    ///
    /// # Errors
    /// When not all of them could be taken; some may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything appended would survive a loss of power.
    ///
    /// # Errors
    /// When that cannot be said.
    fn sync(&mut self) -> io::Result<()>;

    /// Bytes that it would still take; `None` where it does not know.
    fn free(&self) -> Option<u64> {
        None
    }
}

impl Storage for std::fs::File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn free(&self) -> Option<u64> {
        let disk = rustix::fs::fstatvfs(self).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
}
