//! A thread that computes one sensor's messages beside the run.

use crate::SimError;
use crate::world::WorldSnapshot;
use auriga_hal::{HalError, Pending, SensorMessage};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Pictures or turns that may wait to be computed; then the platform waits.
const QUEUE: usize = 4;

struct Job {
    snapshots: Vec<WorldSnapshot>,
    reply: Sender<Result<SensorMessage, HalError>>,
}

/// A thread that turns snapshots into one sensor's messages, in order.
#[derive(Debug)]
pub struct SensorThread {
    jobs: Option<Sender<Job>>,
    used: Receiver<Vec<WorldSnapshot>>,
    thread: Option<JoinHandle<()>>,
}

impl SensorThread {
    /// Starts the thread `name`, which calls `sense` for each job.
    ///
    /// # Errors
    /// [`SimError::Thread`] when the system has no thread left.
    pub fn start(
        name: &'static str,
        mut sense: impl FnMut(&[WorldSnapshot]) -> SensorMessage + Send + 'static,
    ) -> Result<Self, SimError> {
        let (jobs, inbox) = bounded::<Job>(QUEUE);
        let (give_back, used) = bounded(QUEUE);
        let thread = std::thread::Builder::new()
            .name(format!("sim-{name}"))
            .spawn(move || {
                for job in inbox {
                    // Whoever asked may have gone; buffers that nobody wants back are dropped.
                    let _ = job.reply.send(Ok(sense(&job.snapshots)));
                    let _ = give_back.try_send(job.snapshots);
                }
            })
            .map_err(|source| SimError::Thread { name, source })?;
        Ok(Self { jobs: Some(jobs), used, thread: Some(thread) })
    }

    /// Hands snapshots over. Returns the promise of the message, and buffers to reuse, which may be empty.
    ///
    /// # Errors
    /// When the thread has died.
    pub fn compute(&self, snapshots: Vec<WorldSnapshot>) -> Result<(Pending, Vec<WorldSnapshot>), HalError> {
        let (reply, pending) = bounded(1);
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { snapshots, reply }).is_ok());
        if !sent {
            return Err(HalError::Platform {
                platform: "embedded",
                problem: "a sensor thread has died: see its panic message".to_owned(),
            });
        }
        Ok((pending, self.used.try_recv().unwrap_or_default()))
    }
}

impl Drop for SensorThread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, has been printed.
            let _ = thread.join();
        }
    }
}

/// Messages that are filled again once nobody holds them any more.
#[derive(Debug)]
pub struct Pool<M> {
    messages: Vec<Arc<M>>,
}

impl<M> Default for Pool<M> {
    fn default() -> Self {
        Self { messages: Vec::new() }
    }
}

/// Messages kept for reuse.
const KEPT: usize = 8;

impl<M: Default> Pool<M> {
    /// A message filled by `fill`, which finds an old message's contents in it.
    pub fn fill(&mut self, fill: impl FnOnce(&mut M)) -> Arc<M> {
        let free = self.messages.iter_mut().position(|message| Arc::get_mut(message).is_some());
        let mut message = match free {
            Some(index) => self.messages.swap_remove(index),
            None => Arc::new(M::default()),
        };
        if let Some(content) = Arc::get_mut(&mut message) {
            fill(content);
        }
        if self.messages.len() < KEPT {
            self.messages.push(message.clone());
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_reused_only_when_nobody_holds_them() {
        let mut pool: Pool<Vec<u8>> = Pool::default();
        let first = pool.fill(|v| v.push(1));
        let second = pool.fill(|v| v.push(2));
        assert_eq!((&*first, &*second), (&vec![1], &vec![2]));
        drop(first);
        let third = pool.fill(|v| {
            v.clear();
            v.push(3);
        });
        assert_eq!((&*second, &*third), (&vec![2], &vec![3]));
    }
}
