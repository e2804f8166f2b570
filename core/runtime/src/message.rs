//! Messages whose type is not known to the runtime.
//!
//! The executor, the recorder and the links pass messages on as `Arc<dyn AnyMessage>`; a node gets its own type back
//! with [`downcast`].
//!
//! ```
//! use auriga_runtime::message::{AnyMessage, downcast};
//! use std::sync::Arc;
//!
//! auriga_wire::message! {
//!     /// Wheel speed.
//!     pub struct WheelSpeed = "example_msgs/msg/WheelSpeed" {
//!         /// Metres per second.
//!         pub speed_mps: f64,
//!     }
//! }
//!
//! let message: Arc<dyn AnyMessage> = Arc::new(WheelSpeed { speed_mps: 3.5 });
//! assert_eq!(message.type_name(), "example_msgs/msg/WheelSpeed");
//! assert_eq!(downcast::<WheelSpeed>(&message).unwrap().speed_mps, 3.5);
//! ```

use auriga_wire::Message;
use std::any::Any;
use std::sync::Arc;

/// A message of any type, immutable and shared.
pub trait AnyMessage: Any + Send + Sync {
    /// The ROS 2 name, `package/msg/Type`.
    fn type_name(&self) -> &'static str;

    /// Replaces `bytes` by the message as CDR with its encapsulation header. Reuses the buffer.
    fn write_cdr(&self, bytes: &mut Vec<u8>);
}

impl<M: Message> AnyMessage for M {
    fn type_name(&self) -> &'static str {
        M::NAME
    }

    fn write_cdr(&self, bytes: &mut Vec<u8>) {
        auriga_wire::write_cdr(self, bytes);
    }
}

impl std::fmt::Debug for dyn AnyMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.type_name())
    }
}

/// The message as `M`, sharing it; `None` when it is of another type.
#[must_use]
pub fn downcast<M: Message>(message: &Arc<dyn AnyMessage>) -> Option<Arc<M>> {
    downcast_owned(Arc::clone(message))
}

/// The same without a second reference.
pub(crate) fn downcast_owned<M: Message>(message: Arc<dyn AnyMessage>) -> Option<Arc<M>> {
    let any: Arc<dyn Any + Send + Sync> = message;
    any.downcast().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    auriga_wire::message! {
        /// One number.
        pub struct Number = "test_msgs/msg/Number" {
            /// The number.
            pub value: u32,
        }
    }

    auriga_wire::message! {
        /// Another type with the same shape.
        pub struct Other = "test_msgs/msg/Other" {
            /// The number.
            pub value: u32,
        }
    }

    #[test]
    fn a_message_comes_back_as_its_own_type_only() {
        let message: Arc<dyn AnyMessage> = Arc::new(Number { value: 7 });
        assert_eq!(downcast::<Number>(&message).unwrap().value, 7);
        assert!(downcast::<Other>(&message).is_none());
        let mut bytes = vec![9; 100];
        message.write_cdr(&mut bytes);
        assert_eq!(bytes, [0, 1, 0, 0, 7, 0, 0, 0]);
        assert_eq!(format!("{message:?}"), "test_msgs/msg/Number");
    }
}
