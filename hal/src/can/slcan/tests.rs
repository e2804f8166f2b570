//! The protocol as text, and a bus over a pseudo-terminal.

use super::*;
use proptest::prelude::*;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const SOON: Duration = Duration::from_millis(500);
const AT_ONCE: Duration = Duration::ZERO;

/// The adapter's end of a serial line, and the path of the other.
fn adapter() -> (OwnedFd, PathBuf) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    (controller, PathBuf::from(name.to_str().unwrap()))
}

fn heard(adapter: &OwnedFd) -> String {
    let mut buffer = [0; 256];
    let read = rustix::io::read(adapter, &mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

fn fault_of(result: Result<Option<CanFrame>, HalError>) -> BusFault {
    match result.unwrap_err() {
        HalError::Bus { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn frames_go_both_ways_over_a_serial_line() {
    let (adapter, path) = adapter();
    let mut bus = SlcanBus::open(&path, 500).unwrap();
    assert_eq!(heard(&adapter), "C\rS6\rO\r");
    bus.send(&CanFrame::classic(CanId::Standard(0x123), &[0xde, 0xad]).unwrap()).unwrap();
    assert_eq!(heard(&adapter), "t1232DEAD\r");
    assert_eq!(bus.receive(AT_ONCE).unwrap(), None);
    rustix::io::write(&adapter, b"z\r\rT18DAF1103010203\rt0").unwrap();
    let frame = bus.receive(SOON).unwrap().unwrap();
    assert_eq!((frame.id, frame.data()), (CanId::Extended(0x18da_f110), &[1, 2, 3][..]));
    rustix::io::write(&adapter, b"441AA\r").unwrap();
    assert_eq!(bus.receive(SOON).unwrap().unwrap().id, CanId::Standard(0x44));
}

#[test]
fn faults_of_the_adapter_are_reported_and_the_bus_goes_on() {
    let (adapter, path) = adapter();
    let mut bus = SlcanBus::open(&path, 500).unwrap();
    for (said, fault) in
        [(&b"\x07"[..], BusFault::Full), (b"tXYZ\r", BusFault::Malformed), (b"F80\r", BusFault::BusOff)]
    {
        rustix::io::write(&adapter, said).unwrap();
        assert_eq!(fault_of(bus.receive(SOON)), fault);
    }
    heard(&adapter);
    bus.recover().unwrap();
    assert_eq!(heard(&adapter), "C\rS6\rO\r");
    rustix::io::write(&adapter, b"t0010\r").unwrap();
    assert!(bus.receive(SOON).unwrap().unwrap().is_empty());
    assert!(
        bus.send(&CanFrame::fd(CanId::Standard(1), &[0; 12]).unwrap())
            .unwrap_err()
            .to_string()
            .contains("classic")
    );

    drop(adapter);
    assert_eq!(fault_of(bus.receive(SOON)), BusFault::Unplugged);
    assert!(matches!(bus.recover(), Err(HalError::Bus { .. })), "still unplugged");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let missing = SlcanBus::open(Path::new("/dev/no-such-adapter"), 500).unwrap_err();
    assert!(matches!(missing, HalError::Bus { fault: BusFault::Unavailable, .. }), "{missing}");
    let file = SlcanBus::open(Path::new("/dev/null"), 500).unwrap_err();
    assert!(matches!(file, HalError::Bus { fault: BusFault::Unavailable, .. }), "{file}");
    assert!(SlcanBus::open(Path::new("/dev/null"), 123).unwrap_err().to_string().contains("123 kbit/s"));
}

proptest! {
    #[test]
    fn frames_survive_the_text(id in 0..0x2000_0000_u32, extended in any::<bool>(), data in prop::collection::vec(any::<u8>(), 0..=8), cut in 0..30_usize) {
        let id = CanId::new(if extended { id } else { id & 0x7ff }, extended).unwrap();
        for frame in [CanFrame::classic(id, &data).unwrap(), CanFrame::remote(id, data.len()).unwrap()] {
            let line = to_line(&frame).unwrap();
            let mut reader = LineReader::default();
            let (first, second) = line.as_bytes().split_at(cut.min(line.len()));
            reader.push(first);
            reader.push(second);
            prop_assert_eq!(reader.next(), Some(Line::Frame(frame)));
            prop_assert_eq!(reader.next(), None);
        }
    }

    #[test]
    fn no_bytes_panic_and_a_good_line_after_them_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = LineReader::default();
        reader.push(&bytes);
        reader.push(b"\rt1231AB\r");
        let lines: Vec<_> = std::iter::from_fn(|| reader.next()).collect();
        let good = CanFrame::classic(CanId::Standard(0x123), &[0xab]).unwrap();
        prop_assert_eq!(lines.last(), Some(&Line::Frame(good)));
    }
}
