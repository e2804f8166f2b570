//! Steps that do not come back. Only live runs have a watchdog: in virtual time the clock never enters.
//!
//! A node that hangs keeps its thread; once all threads of its domain hang, the domain's other nodes get no step either and
//! are told of in the same way. Everything else goes on, releases of the hanging node are skipped, and the run's end does
//! not wait for it. Comes the step back after all, its outputs follow the node's policy for late ones. Steps on the
//! executor's own thread cannot be watched.

use super::Executor;
use super::options::{Durations, Pacing, RunError};
use super::publish::open;
use super::schedule::Phase;
use crate::trace::TraceRecord;
use auriga_allocations::permit;
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::time::Duration;

impl Executor {
    /// A step is late: it will be looked at again when it should be back at the very latest.
    pub(super) fn watch_step(&mut self, vertex: usize, release: LogicalTime) {
        let unit = &mut self.units[vertex];
        if unit.jobs.is_some() && self.timing.watchdog > LogicalDuration::ZERO && !unit.look_pending {
            unit.look_pending = true;
            let at = (release + self.timing.watchdog).max(self.now + LogicalDuration::LEAST);
            self.schedule.look_at(at, Phase::Publish, vertex);
        }
    }

    /// Of a replay: the step released at `release` hung in the recorded run, and when that was noticed.
    pub(super) fn hung_then(&self, vertex: usize, release: LogicalTime) -> Option<LogicalTime> {
        match self.options.durations {
            Durations::Recorded(_) => self.units[vertex].recorded_step(release)?.hung,
            _ => None,
        }
    }

    /// The time has come to look at a step.
    pub(super) fn look_at(&mut self, vertex: usize) -> Result<(), RunError> {
        self.units[vertex].look_pending = false;
        let Some(running) = self.units[vertex].running else { return Ok(()) };
        let is_replayed = self.hung_then(vertex, running.release) == Some(self.now);
        if !is_replayed && (!running.late || self.units[vertex].ended.is_some()) {
            return Ok(());
        }
        if !is_replayed && self.now < running.release + self.timing.watchdog {
            self.watch_step(vertex, running.release); // another step by now, to be looked at in its own time
            return Ok(());
        }
        self.statistics[vertex].hung += 1;
        if !is_replayed {
            let name = &self.units[vertex].name;
            permit(|| tracing::warn!("node {name}: hangs in the step released at {}", running.release));
        }
        if self.units[vertex].is_source {
            return Ok(()); // on replay there is none
        }
        let mut record = self.take_record();
        if let Some(record) = open(&mut record) {
            let unit = &self.units[vertex];
            record.node.push_str(&unit.name);
            record.release = running.release.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::HUNG;
            record.inputs.extend_from_slice(&unit.in_force);
            running.provenance.write(record);
        }
        self.publish_trace(record)
    }

    /// How long the end of a run waits for threads that are still in a step; `None`: until they are back.
    pub(super) fn patience(&self) -> Option<Duration> {
        let watchdog = self.timing.watchdog.as_nanos().unsigned_abs();
        (self.options.pacing == Pacing::Live && watchdog > 0).then(|| Duration::from_nanos(watchdog))
    }

    /// Waits for the workers to end; those that hang are left behind.
    pub(super) fn end_threads(&mut self) {
        let patience = self.patience();
        let begun = super::run::wall_now();
        for thread in self.threads.drain(..) {
            while patience.is_some_and(|patience| begun.elapsed() < patience) && !thread.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if patience.is_none() || thread.is_finished() {
                let _ = thread.join(); // a worker never panics: steps are caught
            } else {
                tracing::warn!("thread {} hangs and is left behind", thread.thread().name().unwrap_or("?"));
            }
        }
    }
}
