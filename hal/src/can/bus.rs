//! What every CAN bus can do, and what can happen to it.

use super::frame::CanFrame;
use crate::HalError;
use std::time::Duration;

/// What happened to a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusFault {
    /// This machine has no such bus: no support by the kernel, no such device, no right to use it.
    Unavailable,
    /// The adapter, or the other end, is gone.
    Unplugged,
    /// The queue to the bus is full; the frame was not sent.
    Full,
    /// The controller went bus-off: it takes no part in the bus any more.
    BusOff,
    /// What came is no frame.
    Malformed,
    /// This bus cannot carry such a frame.
    Unsuitable,
}

/// A bus that carries frames. A fault is an error once; [`CanBus::recover`] tries to go on after it.
pub trait CanBus: Send {
    /// Its name, as the errors have it: `unix:/run/car`, `slcan:/dev/ttyACM0`, `can0`.
    fn name(&self) -> &str;

    /// Gives a frame to the bus, without waiting for it to be sent.
    ///
    /// # Errors
    /// Any [`BusFault`]. After [`BusFault::Full`] and [`BusFault::Unsuitable`] the bus works on.
    fn send(&mut self, frame: &CanFrame) -> Result<(), HalError>;

    /// The next frame, waiting for it no longer than `timeout`; `None` when none came.
    ///
    /// # Errors
    /// Any [`BusFault`]. After [`BusFault::Malformed`] the bus works on.
    fn receive(&mut self, timeout: Duration) -> Result<Option<CanFrame>, HalError>;

    /// Opens the bus again after a fault. Frames under way are lost.
    ///
    /// # Errors
    /// The fault persists.
    fn recover(&mut self) -> Result<(), HalError>;
}

pub(super) fn fault(bus: &str, fault: BusFault, problem: impl Into<String>) -> HalError {
    HalError::Bus { bus: bus.to_owned(), fault, problem: problem.into() }
}

/// What an error of the system means for a bus.
pub(super) fn system(bus: &str, error: rustix::io::Errno) -> HalError {
    use rustix::io::Errno;
    let kind = match error {
        Errno::AGAIN | Errno::NOBUFS => BusFault::Full,
        Errno::NOENT
        | Errno::CONNREFUSED
        | Errno::ACCESS
        | Errno::PERM
        | Errno::NODEV
        | Errno::AFNOSUPPORT
        | Errno::ADDRINUSE
        | Errno::NOTTY => BusFault::Unavailable,
        _ => BusFault::Unplugged,
    };
    fault(bus, kind, error.to_string())
}

/// Waits until one of the descriptors has something; false when the time ran out.
pub(super) fn wait(
    bus: &str,
    polled: &mut [rustix::event::PollFd<'_>],
    timeout: Duration,
) -> Result<bool, HalError> {
    let limit = rustix::time::Timespec::try_from(timeout).ok();
    match rustix::event::poll(polled, limit.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(system(bus, error)),
    }
}
