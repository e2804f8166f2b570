//! The Unix bus between ends in one process: everybody hears everybody else, and what goes wrong is named and gone on from.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_hal::HalError;
use auriga_hal::can::{BusFault, CanBus, CanFrame, CanId, UnixBus};
use std::path::PathBuf;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(500);

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("auriga-{name}-{}", std::process::id()))
}

fn frame(id: u16, data: &[u8]) -> CanFrame {
    CanFrame::classic(CanId::Standard(id), data).unwrap()
}

fn fault(error: HalError) -> BusFault {
    match error {
        HalError::Bus { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn everybody_hears_everybody_else() {
    let path = path("hub");
    let mut car = UnixBus::listen(&path).unwrap();
    let mut stack = UnixBus::connect(&path).unwrap();
    let mut listener = UnixBus::connect(&path).unwrap();
    assert_eq!(car.receive(Duration::ZERO).unwrap(), None);
    assert_eq!(car.peers(), 2);

    car.send(&frame(1, &[1, 2, 3])).unwrap();
    assert_eq!(stack.receive(SOON).unwrap(), Some(frame(1, &[1, 2, 3])));
    assert_eq!(listener.receive(SOON).unwrap(), Some(frame(1, &[1, 2, 3])));

    let long = CanFrame::fd(CanId::Extended(77), &[9; 48]).unwrap();
    stack.send(&long).unwrap();
    assert_eq!(car.receive(SOON).unwrap(), Some(long));
    assert_eq!(listener.receive(SOON).unwrap(), Some(long));
    assert_eq!(stack.receive(Duration::ZERO).unwrap(), None, "nobody hears himself");

    drop(listener);
    car.send(&frame(2, &[])).unwrap();
    assert_eq!(stack.receive(SOON).unwrap(), Some(frame(2, &[])));
}

#[test]
fn an_end_that_is_gone_is_noticed_and_found_again() {
    let path = path("gone");
    assert_eq!(fault(UnixBus::connect(&path).unwrap_err()), BusFault::Unavailable);
    let car = UnixBus::listen(&path).unwrap();
    assert_eq!(fault(UnixBus::listen(&path).unwrap_err()), BusFault::Unavailable);
    let mut stack = UnixBus::connect(&path).unwrap();
    drop(car);
    assert_eq!(fault(stack.receive(SOON).unwrap_err()), BusFault::Unplugged);
    assert_eq!(fault(stack.send(&frame(1, &[])).unwrap_err()), BusFault::Unplugged);
    assert_eq!(fault(stack.recover().unwrap_err()), BusFault::Unavailable);

    let mut car = UnixBus::listen(&path).unwrap();
    stack.recover().unwrap();
    stack.send(&frame(3, &[4])).unwrap();
    assert_eq!(car.receive(SOON).unwrap(), Some(frame(3, &[4])));
}

#[test]
fn a_full_queue_is_an_error_and_not_a_wait() {
    let path = path("full");
    let mut car = UnixBus::listen(&path).unwrap();
    let mut stack = UnixBus::connect(&path).unwrap();
    let refused = (0..100_000).find_map(|_| stack.send(&frame(1, &[0; 8])).err());
    assert_eq!(fault(refused.unwrap()), BusFault::Full);
    // What was sent before is there, and afterwards there is room again.
    assert_eq!(car.receive(SOON).unwrap(), Some(frame(1, &[0; 8])));
    while car.receive(Duration::ZERO).unwrap().is_some() {}
    stack.send(&frame(2, &[])).unwrap();
    assert_eq!(car.receive(SOON).unwrap(), Some(frame(2, &[])));
}

#[test]
fn what_is_no_frame_is_refused_and_the_next_one_is_taken() {
    use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType, connect, send, socket};
    let path = path("garbage");
    let mut car = UnixBus::listen(&path).unwrap();
    let peer = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    connect(&peer, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let (mut bytes, size) = frame(5, &[6]).to_kernel();
    send(&peer, &bytes[..7], SendFlags::empty()).unwrap();
    assert_eq!(fault(car.receive(SOON).unwrap_err()), BusFault::Malformed);
    bytes[4] = 200;
    send(&peer, &bytes[..size], SendFlags::empty()).unwrap();
    assert_eq!(fault(car.receive(SOON).unwrap_err()), BusFault::Malformed);
    bytes[4] = 1;
    send(&peer, &bytes[..size], SendFlags::empty()).unwrap();
    assert_eq!(car.receive(SOON).unwrap(), Some(frame(5, &[6])));
}
