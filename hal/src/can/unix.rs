//! A CAN bus over a Unix socket, for machines without CAN: each packet is a `struct can_frame` (16 bytes) or `canfd_frame`
//! (72), over `SOCK_SEQPACKET`. One end listens, any number connect; what one says all others hear.

use super::bus::{BusFault, CanBus, fault, system, wait};
use super::frame::CanFrame;
use crate::HalError;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recv, send, socket_with,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As many may connect to one bus.
const PEERS_MOST: usize = 16;

/// One end of the bus.
#[derive(Debug)]
pub struct UnixBus {
    name: String,
    path: PathBuf,
    /// Of the end that listens.
    listener: Option<OwnedFd>,
    peers: Vec<OwnedFd>,
    /// The peer to be asked first, so that none is starved.
    next: usize,
}

fn open(path: &Path, name: &str) -> Result<(OwnedFd, SocketAddrUnix), HalError> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let address = SocketAddrUnix::new(path);
    Ok((socket.map_err(|error| system(name, error))?, address.map_err(|error| system(name, error))?))
}

impl UnixBus {
    /// The end that others connect to. A socket that was left behind by an end that is gone is replaced.
    ///
    /// # Errors
    /// Somebody listens there already, or the path cannot be had.
    pub fn listen(path: &Path) -> Result<Self, HalError> {
        let name = format!("unix:{}", path.display());
        let (probe, address) = open(path, &name)?;
        if connect(&probe, &address).is_ok() {
            return Err(fault(&name, BusFault::Unavailable, "somebody listens there already"));
        }
        let left_behind = std::fs::symlink_metadata(path)
            .is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()));
        if left_behind {
            std::fs::remove_file(path)
                .map_err(|source| HalError::Read { path: path.to_path_buf(), source })?;
        }
        let (socket, address) = open(path, &name)?;
        bind(&socket, &address).map_err(|error| system(&name, error))?;
        listen(&socket, 8).map_err(|error| system(&name, error))?;
        Ok(Self { name, path: path.to_path_buf(), listener: Some(socket), peers: Vec::new(), next: 0 })
    }

    /// An end that connects to a listening one.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: &Path) -> Result<Self, HalError> {
        let name = format!("unix:{}", path.display());
        let (socket, address) = open(path, &name)?;
        connect(&socket, &address).map_err(|error| system(&name, error))?;
        Ok(Self { name, path: path.to_path_buf(), listener: None, peers: vec![socket], next: 0 })
    }

    /// How many ends are connected to this one.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    fn welcome(&mut self) -> Result<(), HalError> {
        let Some(listener) = &self.listener else { return Ok(()) };
        loop {
            match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                // One too many is sent away at once.
                Ok(peer) if self.peers.len() < PEERS_MOST => self.peers.push(peer),
                Ok(_) | Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(system(&self.name, error)),
            }
        }
    }

    /// Drops a peer; for a connected end that is the bus itself.
    fn lost(&mut self, peer: usize) -> Result<(), HalError> {
        self.peers.remove(peer);
        if self.listener.is_some() {
            return Ok(());
        }
        Err(fault(&self.name, BusFault::Unplugged, "the other end is gone"))
    }

    /// What the peers have, without waiting; a listening end passes it on to the others.
    fn take(&mut self) -> Result<Option<CanFrame>, HalError> {
        let mut buffer = [0; 128];
        for turn in 0..self.peers.len() {
            let peer = (self.next + turn) % self.peers.len().max(1);
            let Some(socket) = self.peers.get(peer) else { break };
            match recv(socket, &mut buffer, RecvFlags::empty()) {
                Ok((_, 0)) | Err(Errno::CONNRESET | Errno::PIPE) => {
                    self.lost(peer)?;
                    // The places have changed: ask again from the beginning.
                    return self.take();
                }
                Ok((_, length)) => {
                    self.next = peer + 1;
                    let bytes = buffer.get(..length).unwrap_or(&buffer);
                    let Some(frame) = CanFrame::from_kernel(bytes) else {
                        return Err(fault(&self.name, BusFault::Malformed, format!("{length} bytes")));
                    };
                    self.pass_on(peer, bytes);
                    return Ok(Some(frame));
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(system(&self.name, error)),
            }
        }
        Ok(None)
    }

    /// A peer that does not read loses frames, as on a bus: it does not hold up the others.
    fn pass_on(&self, from: usize, bytes: &[u8]) {
        for (_, peer) in self.peers.iter().enumerate().filter(|(place, _)| *place != from) {
            let _ = send(peer, bytes, SendFlags::NOSIGNAL);
        }
    }
}

impl CanBus for UnixBus {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, frame: &CanFrame) -> Result<(), HalError> {
        self.welcome()?;
        let (bytes, size) = frame.to_kernel();
        if self.listener.is_none() && self.peers.is_empty() {
            return Err(fault(&self.name, BusFault::Unplugged, "the other end is gone"));
        }
        let mut full = None;
        for peer in (0..self.peers.len()).rev() {
            match send(&self.peers[peer], &bytes[..size], SendFlags::NOSIGNAL) {
                Ok(_) => {}
                Err(error @ (Errno::AGAIN | Errno::NOBUFS)) => full = Some(error),
                Err(_) => self.lost(peer)?,
            }
        }
        full.map_or(Ok(()), |error| Err(system(&self.name, error)))
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<CanFrame>, HalError> {
        self.welcome()?;
        if self.listener.is_none() && self.peers.is_empty() {
            return Err(fault(&self.name, BusFault::Unplugged, "the other end is gone"));
        }
        if let Some(frame) = self.take()? {
            return Ok(Some(frame));
        }
        let sockets = self.listener.iter().chain(&self.peers);
        let mut polled: Vec<_> = sockets.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        if !wait(&self.name, &mut polled, timeout)? {
            return Ok(None);
        }
        self.welcome()?;
        self.take()
    }

    fn recover(&mut self) -> Result<(), HalError> {
        if self.listener.is_some() {
            return Ok(());
        }
        *self = Self::connect(&self.path)?;
        Ok(())
    }
}

impl Drop for UnixBus {
    fn drop(&mut self) {
        if self.listener.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
