//! CAN: frames, buses, DBC-driven codecs, counters and checksums.
//!
//! A [`Database`] is read from a DBC file once and compiled into shift-and-mask plans; decoding and encoding a frame then
//! allocates nothing. A [`CanBus`] carries frames: over SocketCAN, over slcan on a serial line, or over a Unix socket that
//! needs no support by the kernel.
//!
//! ```
//! use auriga_hal::can::{CanId, Database};
//!
//! let text = "BO_ 37 STEERING: 8 EPS\n SG_ ANGLE : 3|12@0- (1.5,0) [-500|500] \"deg\" XXX\n";
//! let database = Database::from_dbc(text, "example.dbc").unwrap();
//! let steering = database.message(CanId::Standard(37)).unwrap();
//! let mut values = [None; 1];
//! steering.decode(&[0x0f, 0xfe, 0, 0, 0, 0, 0, 0], &mut values);
//! assert_eq!(values[steering.index_of("ANGLE").unwrap()], Some(-3.0));
//!
//! let mut data = [0; 8];
//! steering.encode(&[Some(-3.0)], &mut data).unwrap();
//! assert_eq!(data, [0x0f, 0xfe, 0, 0, 0, 0, 0, 0]);
//! ```

mod bus;
mod candump;
mod codec;
mod command;
mod crc;
mod database;
mod dbc;
mod endpoint;
mod frame;
mod guard;
#[cfg(feature = "socketcan")]
mod kernel;
mod plan;
mod profile;
mod protection;
mod slcan;
mod torque;
mod toyota_radar;
mod unix;
mod vehicle;

pub use bus::{BusFault, CanBus};
pub use candump::LogLine;
pub use codec::{MessageCodec, SignalCodec};
pub use database::Database;
pub use endpoint::Endpoint;
pub use frame::{CanFrame, CanId, FrameKind};
pub use guard::{Guard, Verdict};
#[cfg(feature = "socketcan")]
pub use kernel::SocketCanBus;
pub use profile::VehicleProfile;
pub use protection::{Checked, Checksum, Counter, DataIdInclusion, Protection};
pub use slcan::SlcanBus;
pub use toyota_radar::{RadarCycle, ToyotaRadar};
pub use unix::UnixBus;
pub use vehicle::{CanCar, CanState, Counts};

#[cfg(test)]
mod oracle;
