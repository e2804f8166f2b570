//! SocketCAN: the buses of Linux' own kernel (`can0`, `vcan0`).

use super::bus::{BusFault, CanBus, fault};
use super::frame::CanFrame;
use crate::HalError;
use socketcan::{CanAnyFrame, CanFdSocket, EmbeddedFrame, Frame, Socket, SocketOptions, errors::CanError};
use std::io::ErrorKind;
use std::time::Duration;

/// A bus of the kernel, for classic and FD frames.
#[derive(Debug)]
pub struct SocketCanBus {
    name: String,
    socket: CanFdSocket,
}

impl SocketCanBus {
    /// Opens an interface.
    ///
    /// # Errors
    /// No such interface, or a kernel without CAN.
    pub fn open(interface: &str) -> Result<Self, HalError> {
        let socket = open(interface)?;
        Ok(Self { name: interface.to_owned(), socket })
    }
}

fn open(interface: &str) -> Result<CanFdSocket, HalError> {
    let unavailable = |error: std::io::Error| {
        let advice = match error.raw_os_error() {
            Some(EAFNOSUPPORT) => "this kernel has no CAN (module `can`); use slcan or a Unix bus",
            Some(ENODEV) => "no such interface; see `ip link`",
            _ => "the interface cannot be used",
        };
        fault(interface, BusFault::Unavailable, format!("{advice} ({error})"))
    };
    let socket = CanFdSocket::open(interface).map_err(unavailable)?;
    socket.set_nonblocking(true).map_err(unavailable)?;
    socket.set_error_filter_accept_all().map_err(unavailable)?;
    Ok(socket)
}

/// `linux/can/error.h`.
const CAN_ERR_BUSOFF: u32 = 0x40;
const EAFNOSUPPORT: i32 = 97;
const ENODEV: i32 = 19;
const ENETDOWN: i32 = 100;
const ENOBUFS: i32 = 105;

fn lost(name: &str, error: &std::io::Error) -> HalError {
    let kind = match (error.kind(), error.raw_os_error()) {
        (ErrorKind::WouldBlock, _) | (_, Some(ENOBUFS)) => BusFault::Full,
        (_, Some(ENODEV | ENETDOWN)) => BusFault::Unplugged,
        (ErrorKind::InvalidInput, _) => BusFault::Unsuitable,
        _ => BusFault::Unplugged,
    };
    fault(name, kind, error.to_string())
}

/// Through the kernel's own layout, so that there is one conversion in the crate.
fn to_socketcan(frame: &CanFrame) -> Option<CanAnyFrame> {
    use socketcan::{CanDataFrame, CanFdFrame, CanRemoteFrame, ExtendedId, Id, StandardId, id::FdFlags};
    let id: Id = match frame.id {
        super::CanId::Standard(id) => StandardId::new(id)?.into(),
        super::CanId::Extended(id) => ExtendedId::new(id)?.into(),
    };
    match frame.kind {
        super::FrameKind::Error => None,
        super::FrameKind::Remote => CanRemoteFrame::new_remote(id, frame.len()).map(CanAnyFrame::Remote),
        super::FrameKind::Data if frame.fd => {
            let flags = if frame.bit_rate_switch { FdFlags::BRS } else { FdFlags::empty() };
            CanFdFrame::with_flags(id, frame.data(), flags).map(CanAnyFrame::Fd)
        }
        super::FrameKind::Data => CanDataFrame::new(id, frame.data()).map(CanAnyFrame::Normal),
    }
}

fn id_of(frame: &impl Frame) -> Option<super::CanId> {
    super::CanId::new(frame.raw_id(), frame.is_extended())
}

impl CanBus for SocketCanBus {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, frame: &CanFrame) -> Result<(), HalError> {
        let unsuitable = || fault(&self.name, BusFault::Unsuitable, "an error frame cannot be sent");
        let frame = to_socketcan(frame).ok_or_else(unsuitable)?;
        self.socket.write_frame(&frame).map_err(|error| lost(&self.name, &error))
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<CanFrame>, HalError> {
        let frame = match self.socket.read_frame_timeout(timeout) {
            Ok(frame) => frame,
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                return Ok(None);
            }
            Err(error) => return Err(lost(&self.name, &error)),
        };
        let converted = match &frame {
            CanAnyFrame::Normal(frame) => id_of(frame).and_then(|id| CanFrame::classic(id, frame.data())),
            CanAnyFrame::Remote(frame) => id_of(frame).and_then(|id| CanFrame::remote(id, frame.dlc())),
            CanAnyFrame::Fd(frame) => id_of(frame)
                .and_then(|id| CanFrame::fd(id, frame.data()))
                .map(|converted| CanFrame { bit_rate_switch: frame.is_brs(), ..converted }),
            CanAnyFrame::Error(error) => {
                let off = error.error_bits() & CAN_ERR_BUSOFF != 0;
                let kind = if off { BusFault::BusOff } else { BusFault::Malformed };
                return Err(fault(&self.name, kind, CanError::from(*error).to_string()));
            }
        };
        converted
            .map(Some)
            .ok_or_else(|| fault(&self.name, BusFault::Malformed, "a frame of impossible length"))
    }

    fn recover(&mut self) -> Result<(), HalError> {
        self.socket = open(&self.name)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_interface_the_error_says_what_to_do() {
        let error = SocketCanBus::open("no-such-can0").unwrap_err();
        assert!(matches!(error, HalError::Bus { fault: BusFault::Unavailable, .. }), "{error}");
        assert!(error.to_string().contains("no-such-can0"), "{error}");
    }
}
