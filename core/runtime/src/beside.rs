//! Observers on a thread of their own, behind a bounded queue: what they do costs the executor the handing over.

use crate::executor::{Observer, Publication, RunError};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks whether there is something: to wake it would cost the executor a system call per message.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How often one who waits for a full queue looks whether it still is.
const TRY_EVERY: Duration = Duration::from_micros(100);

enum Seen {
    Message { topic: u16, sequence: u32, instant: LogicalTime, message: Arc<dyn AnyMessage> },
    Measured { node: u16, wall: Duration },
}

/// Observers that see every message in order, a little later. When the queue is full the run waits, so this is for what
/// keeps up with it: evaluation, a progress bar. Their errors end the run at the next message.
pub struct Beside {
    queue: Option<Sender<Seen>>,
    thread: Option<JoinHandle<()>>,
    error: Arc<OnceLock<RunError>>,
    backlog: usize,
}

impl Beside {
    /// Starts a thread of that name; at most `capacity` messages wait for it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(name: &str, capacity: usize, mut observers: Vec<Box<dyn Observer>>) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(capacity.max(1));
        let error = Arc::new(OnceLock::new());
        let first_error = Arc::clone(&error);
        let held: usize = observers.iter().map(|observer| observer.backlog()).sum();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || show(&receiver, &mut observers, &first_error))?;
        Ok(Self { queue: Some(sender), thread: Some(thread), error, backlog: held + capacity.max(1) + 1 })
    }

    fn first_error(&self) -> Result<(), RunError> {
        self.error.get().cloned().map_or(Ok(()), Err)
    }
}

fn show(queue: &Receiver<Seen>, observers: &mut [Box<dyn Observer>], first_error: &OnceLock<RunError>) {
    loop {
        let seen = match queue.try_recv() {
            Ok(seen) => seen,
            Err(TryRecvError::Empty) => {
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            Err(TryRecvError::Disconnected) => break,
        };
        if first_error.get().is_some() {
            continue; // nobody shall wait for a full queue that is never emptied
        }
        let (topic, sequence, instant, message) = match seen {
            Seen::Message { topic, sequence, instant, message } => (topic, sequence, instant, message),
            Seen::Measured { node, wall } => {
                observers.iter_mut().for_each(|observer| observer.measured(node, wall));
                continue;
            }
        };
        let publication = Publication { topic, sequence, instant, message: &message };
        if let Err(error) = observers.iter_mut().try_for_each(|observer| observer.observe(&publication)) {
            let _ = first_error.set(error);
        }
    }
    if let Err(error) = observers.iter_mut().try_for_each(|observer| observer.finish()) {
        let _ = first_error.set(error);
    }
}

impl Observer for Beside {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        self.first_error()?;
        let Publication { topic, sequence, instant, message } = *publication;
        let mut seen = Seen::Message { topic, sequence, instant, message: Arc::clone(message) };
        let Some(queue) = &self.queue else { return Ok(()) };
        while let Err(error) = queue.try_send(seen) {
            match error {
                TrySendError::Full(waiting) => seen = waiting,
                TrySendError::Disconnected(_) => {
                    return Err(RunError::Observer("an observer's thread has ended (a defect)".to_owned()));
                }
            }
            std::thread::sleep(TRY_EVERY);
        }
        Ok(())
    }

    fn backlog(&self) -> usize {
        self.backlog
    }

    /// Nobody waits for figures: when the queue is full they are lost.
    fn measured(&mut self, node: u16, wall: Duration) {
        if let Some(queue) = &self.queue {
            let _ = queue.try_send(Seen::Measured { node, wall });
        }
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.queue = None;
        let panicked = self.thread.take().is_some_and(|thread| thread.join().is_err());
        self.first_error()?;
        if panicked { Err(RunError::Observer("an observer panicked (a defect)".to_owned())) } else { Ok(()) }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.finish(); // after a run that ended well it has been called
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    auriga_wire::message! {
        /// A number.
        pub struct Number = "test_msgs/msg/Number" {
            /// Its value.
            pub value: u64,
        }
    }

    struct Keep(Arc<Mutex<Vec<u32>>>);
    impl Observer for Keep {
        fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
            if publication.sequence == 500 {
                return Err(RunError::Observer("five hundred".to_owned()));
            }
            self.0.lock().unwrap().push(publication.sequence);
            Ok(())
        }
        fn finish(&mut self) -> Result<(), RunError> {
            self.0.lock().unwrap().push(u32::MAX);
            Ok(())
        }
    }

    fn shown(count: u32) -> (Vec<u32>, Result<(), RunError>) {
        let seen = Arc::default();
        let mut beside = Beside::new("beside", 4, vec![Box::new(Keep(Arc::clone(&seen)))]).unwrap();
        assert_eq!(beside.backlog(), 5);
        let message: Arc<dyn AnyMessage> = Arc::new(Number::default());
        let observed = (0..count).try_for_each(|sequence| {
            let instant = LogicalTime::ZERO;
            beside.observe(&Publication { topic: 1, sequence, instant, message: &message })
        });
        let result = observed.and(beside.finish());
        let seen = seen.lock().unwrap().clone();
        (seen, result)
    }

    #[test]
    fn everything_is_seen_in_order_and_the_end_too() {
        let (seen, result) = shown(300);
        assert!(seen.iter().copied().eq((0..300).chain([u32::MAX])) && result.is_ok());
    }

    #[test]
    fn an_error_ends_the_run() {
        let (seen, result) = shown(2_000);
        assert_eq!(result, Err(RunError::Observer("five hundred".to_owned())));
        assert_eq!(seen.len(), 501);
    }
}
