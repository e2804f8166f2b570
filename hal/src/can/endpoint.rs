//! Names of buses on the command line: `unix:PATH`, `slcan:DEVICE`, `socketcan:INTERFACE`.
//!
//! ```
//! use auriga_hal::can::Endpoint;
//!
//! assert_eq!("unix:/tmp/car".parse::<Endpoint>().unwrap(), Endpoint::Unix("/tmp/car".into()));
//! let adapter: Endpoint = "slcan:/dev/ttyACM0@250".parse().unwrap();
//! assert_eq!(adapter.to_string(), "slcan:/dev/ttyACM0@250");
//! assert!("can0".parse::<Endpoint>().is_err());
//! ```

use super::bus::{BusFault, CanBus, fault};
use super::{SlcanBus, UnixBus};
use crate::HalError;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The bit rate of most cars' buses, kbit/s.
const USUAL_KBIT: u32 = 500;

/// Where a bus is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// A serial adapter, and the bus's bit rate.
    Slcan(PathBuf, u32),
    /// An interface of the kernel.
    Kernel(String),
}

impl Endpoint {
    /// Opens a bus that is there.
    ///
    /// # Errors
    /// There is none.
    pub fn open(&self) -> Result<Box<dyn CanBus>, HalError> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixBus::connect(path)?),
            Self::Slcan(path, kbit) => Box::new(SlcanBus::open(path, *kbit)?),
            Self::Kernel(interface) => open_kernel(interface)?,
        })
    }

    /// Opens a bus that others are to find: a Unix socket is made and listened to, the others are opened.
    ///
    /// # Errors
    /// The place is taken, or there is no such bus.
    pub fn host(&self) -> Result<Box<dyn CanBus>, HalError> {
        match self {
            Self::Unix(path) => Ok(Box::new(UnixBus::listen(path)?)),
            _ => self.open(),
        }
    }
}

#[cfg(feature = "socketcan")]
fn open_kernel(interface: &str) -> Result<Box<dyn CanBus>, HalError> {
    Ok(Box::new(super::SocketCanBus::open(interface)?))
}

#[cfg(not(feature = "socketcan"))]
fn open_kernel(interface: &str) -> Result<Box<dyn CanBus>, HalError> {
    Err(fault(
        interface,
        BusFault::Unavailable,
        "this build has no SocketCAN: build with the feature `socketcan`",
    ))
}

impl FromStr for Endpoint {
    type Err = HalError;

    fn from_str(text: &str) -> Result<Self, HalError> {
        let refused = |problem: &str| fault(text, BusFault::Unavailable, problem);
        let (kind, place) = text.split_once(':').unwrap_or(("", text));
        if place.is_empty() {
            return Err(refused("names no place"));
        }
        match kind {
            "unix" => Ok(Self::Unix(place.into())),
            "socketcan" => Ok(Self::Kernel(place.to_owned())),
            "slcan" => {
                let (path, kbit) = match place.rsplit_once('@') {
                    Some((path, kbit)) => {
                        (path, kbit.parse().map_err(|_| refused("the bit rate is no number of kbit/s"))?)
                    }
                    None => (place, USUAL_KBIT),
                };
                Ok(Self::Slcan(path.into(), kbit))
            }
            _ => Err(refused("is not unix:PATH, slcan:DEVICE[@KBIT] or socketcan:INTERFACE")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Slcan(path, kbit) if *kbit == USUAL_KBIT => write!(out, "slcan:{}", path.display()),
            Self::Slcan(path, kbit) => write!(out, "slcan:{}@{kbit}", path.display()),
            Self::Kernel(interface) => write!(out, "socketcan:{interface}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_and_nonsense_is_refused() {
        for name in ["unix:/a/b", "slcan:/dev/ttyS0", "slcan:/dev/ttyS0@125", "socketcan:can0"] {
            assert_eq!(name.parse::<Endpoint>().unwrap().to_string(), name);
        }
        for name in ["", "unix:", "can0", "usb:1", "slcan:/dev/ttyS0@fast", "slcan:/dev/ttyS0@-1"] {
            let error = name.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_not_there_is_said_to_be_unavailable() {
        for name in ["unix:/nowhere/bus", "slcan:/nowhere/tty", "socketcan:nowhere0"] {
            let error = name.parse::<Endpoint>().unwrap().open().err().unwrap();
            assert!(matches!(error, HalError::Bus { fault: BusFault::Unavailable, .. }), "{error}");
        }
    }
}
