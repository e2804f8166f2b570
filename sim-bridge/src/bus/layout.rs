//! Messages with their signals in a fixed order, and such that are sealed.

use auriga_hal::HalError;
use auriga_hal::can::{CanFrame, CanId, Database, MessageCodec, Protection};

/// A message of which `N` signals are read or written.
#[derive(Clone, Debug)]
pub struct Layout<const N: usize> {
    codec: MessageCodec,
    places: [usize; N],
    values: Vec<Option<f64>>,
}

impl<const N: usize> Layout<N> {
    /// Looks a message and its signals up; `file` is for the errors.
    pub fn bind(
        database: &Database,
        file: &str,
        message: &str,
        signals: [&str; N],
    ) -> Result<Self, HalError> {
        let missing = |problem: String| HalError::Configuration { file: file.to_owned(), problem };
        let codec = database
            .message_by_name(message)
            .ok_or_else(|| missing(format!("the simulated car speaks {message}, which is not there")))?
            .clone();
        let mut places = [0; N];
        for (place, signal) in places.iter_mut().zip(signals) {
            *place = codec.index_of(signal).ok_or_else(|| {
                missing(format!("the simulated car speaks {message}.{signal}, which is not there"))
            })?;
        }
        let values = vec![None; codec.signals().len()];
        Ok(Self { codec, places, values })
    }

    /// Its identifier.
    pub fn id(&self) -> CanId {
        self.codec.id
    }

    /// The frame that says these values.
    ///
    /// # Errors
    /// A value that does not fit into its signal.
    pub fn frame(&mut self, values: [f64; N]) -> Result<CanFrame, HalError> {
        for (&place, value) in self.places.iter().zip(values) {
            self.values[place] = Some(value);
        }
        let mut data = [0; 8];
        let length = self.codec.length.min(8);
        self.codec.encode(&self.values, &mut data[..length])?;
        CanFrame::classic(self.codec.id, &data[..length]).ok_or_else(|| HalError::Platform {
            platform: "can",
            problem: format!("{}: its length is none that a frame has", self.codec.name),
        })
    }

    /// What a frame of this message says; `None` when it is another message's, or too short.
    pub fn read(&self, frame: &CanFrame) -> Option<[f64; N]> {
        if frame.id != self.codec.id {
            return None;
        }
        let mut values = [0.0; N];
        for (value, &place) in values.iter_mut().zip(&self.places) {
            *value = self.codec.decode_signal(place, frame.data())?;
        }
        Some(values)
    }
}

/// A message that goes out with counter and checksum.
#[derive(Clone, Debug)]
pub struct Sealed<const N: usize> {
    layout: Layout<N>,
    protection: Option<Protection>,
    counter: Option<u8>,
}

impl<const N: usize> Sealed<N> {
    /// A message and its protection, if it has one.
    pub fn new(layout: Layout<N>, protection: Option<Protection>) -> Self {
        Self { layout, protection, counter: None }
    }

    /// The next frame.
    ///
    /// # Errors
    /// A value that does not fit into its signal.
    pub fn frame(&mut self, values: [f64; N]) -> Result<CanFrame, HalError> {
        let mut frame = self.layout.frame(values)?;
        if let Some(protection) = &self.protection {
            self.counter = protection.seal(frame.id, frame.data_mut(), self.counter);
        }
        Ok(frame)
    }
}
