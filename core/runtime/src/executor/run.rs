//! The loop.

use super::Executor;
use super::options::{Pacing, RunError, RunSummary};
use super::schedule::{Event, Happening, Phase, Transit};
use super::worker::{self, Done};
use crate::realtime;
use auriga_allocations::{unwatch_thread, watch_thread};
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[allow(
    clippy::disallowed_methods,
    reason = "live pacing waits for the clock; the summary reports wall time"
)]
pub(super) fn wall_now() -> Instant {
    Instant::now()
}

/// The executor's thread under the eyes of the counting allocator, until this is dropped.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        unwatch_thread();
    }
}

impl Executor {
    /// Runs to the end.
    ///
    /// # Errors
    /// When a source, the link, an observer, or a node whose policy is to stop, fails.
    pub fn run(mut self) -> Result<RunSummary, RunError> {
        worker::wait_once(&self.done, 1);
        let _before = (self.options.pacing == Pacing::Live).then(|| self.prepare_thread());
        self.start = wall_now();
        self.run_to_end()?;
        self.now = self.end;
        self.trace_end()?;
        self.options.observers.iter_mut().try_for_each(|observer| observer.finish())?;
        if let (Some(exchange), Some(_)) = (&mut self.options.exchange, &self.options.split) {
            exchange.finish()?;
        }
        Ok(RunSummary {
            end: self.now,
            stopped: self.options.stop.load(Ordering::Relaxed),
            wall: wall_now() - self.start,
            nodes: std::mem::take(&mut self.statistics),
            lateness: std::mem::take(&mut self.lateness),
            messages: self.streams.iter().map(|stream| (stream.info.name.clone(), stream.sequence)).collect(),
            trace_lost: self.trace_lost,
        })
    }

    fn run_to_end(&mut self) -> Result<(), RunError> {
        let warm = LogicalTime::ZERO + self.options.warm_up;
        let _watch = Watch;
        while let Some(time) = self.schedule.next_time() {
            if time > self.end {
                break;
            }
            if self.options.pacing == Pacing::Live && self.pace(time) {
                continue; // a late step came back and may have to go first
            }
            let Some(event) = self.schedule.pop() else { break };
            self.now = event.time;
            if !self.watched && event.time >= warm {
                watch_thread("executor");
                self.watched = true;
            }
            self.happen(event)?;
        }
        Ok(())
    }

    /// Schedules this thread as the profile asks, until what is returned is dropped.
    fn prepare_thread(&self) -> realtime::Before {
        let before = realtime::Before::now();
        let locked = if self.timing.lock_memory { realtime::lock_memory() } else { Ok(()) };
        for problem in [locked, self.timing.scheduling.apply()].into_iter().filter_map(Result::err) {
            realtime::refused("executor", &problem);
        }
        before
    }

    /// What the clock says, on the scale of logical time.
    pub(super) fn clock(&self) -> LogicalTime {
        LogicalTime::from_nanos(i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    /// Waits until the clock has reached `time`: asleep at first, at the end with an eye on the clock. True when a late
    /// step came back meanwhile.
    fn pace(&mut self, time: LogicalTime) -> bool {
        let due = self.start + Duration::from_nanos(time.as_nanos().max(0).unsigned_abs());
        let spin = Duration::from_nanos(self.timing.spin.as_nanos().max(0).unsigned_abs());
        loop {
            let now = wall_now();
            let left = due.saturating_duration_since(now);
            if left.is_zero() {
                if time > self.now {
                    self.lateness.add(now.saturating_duration_since(due));
                }
                return false;
            }
            let back = if left <= spin {
                std::hint::spin_loop();
                self.done.try_recv().ok()
            } else if self.threads.is_empty() {
                std::thread::sleep(left - spin);
                None
            } else {
                self.done.recv_timeout(left - spin).ok()
            };
            if let Some(done) = back {
                let clock = self.clock();
                if self.keep(done, clock) {
                    return true;
                }
            }
        }
    }

    /// Stores a step that came back. True when it was late and its completion is now scheduled.
    pub(super) fn keep(&mut self, done: Done, now: LogicalTime) -> bool {
        let Done { vertex, body, made, ended } = done;
        let unit = &mut self.units[vertex];
        unit.body = Some(body);
        unit.made = made;
        let Some(running) = &mut unit.running else { return false };
        unit.ended = Some(ended);
        if running.late {
            let at = now.max(self.now + LogicalDuration::LEAST);
            running.publication = at;
            self.schedule.complete(at, Phase::Publish, vertex);
        }
        running.late
    }

    fn happen(&mut self, event: Event) -> Result<(), RunError> {
        let vertex = event.vertex;
        match event.happening {
            Happening::Complete => self.complete(vertex),
            Happening::Release => self.release(vertex),
            Happening::LookAt => self.look_at(vertex),
            Happening::Transit(place) => match self.schedule.arrived(place) {
                Some(Transit::Arrival { announced, tick }) => self.arrive(vertex, announced, tick),
                Some(Transit::Deliver { topic, group, sample }) => self.deliver_across(topic, group, sample),
                None => Ok(()),
            },
        }
    }
}
