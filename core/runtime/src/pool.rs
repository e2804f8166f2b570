//! Reused message slots: a slot is free again when nobody holds its message any more.

use auriga_wire::Message;
use std::sync::Arc;

/// Messages beyond this number are made afresh and not kept.
const KEPT: usize = 64;

/// Slots of one output.
#[derive(Debug)]
pub(crate) struct Pool<M> {
    published: Vec<Arc<M>>,
}

impl<M: Message> Pool<M> {
    pub(crate) fn new() -> Self {
        Self { published: Vec::with_capacity(KEPT) }
    }

    /// A message that nobody else holds, reset to the default value. What it held before never shows: which slot is
    /// free depends on how far the recorder has come.
    pub(crate) fn take(&mut self) -> Arc<M> {
        let free = self.published.iter_mut().position(|slot| Arc::get_mut(slot).is_some());
        let Some(index) = free else { return Arc::new(M::default()) };
        let mut slot = self.published.swap_remove(index);
        if let Some(message) = Arc::get_mut(&mut slot) {
            message.reset();
        }
        slot
    }

    /// Remembers a message that is being published, to take it again when it is free.
    pub(crate) fn keep(&mut self, message: &Arc<M>) {
        if self.published.len() < KEPT {
            self.published.push(Arc::clone(message));
        }
    }
}
