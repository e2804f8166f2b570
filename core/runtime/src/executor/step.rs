//! A node's step, from its release to what becomes of it.

use super::Executor;
use super::options::{Pacing, RunError};
use super::publish::open;
use super::schedule::Phase;
use super::unit::Running;
use super::worker::{Ended, Job, compute};
use crate::message::AnyMessage;
use crate::node::{NodeError, Step};
use crate::pool::WhenFull;
use crate::statistics::Times;
use crate::timing::MissPolicy;
use crate::topic::TopicIndex;
use crate::trace::{OutputRecord, TraceRecord};
use auriga_allocations::permit;
use auriga_geometry::{LogicalDuration, LogicalTime};
use crossbeam_channel::RecvTimeoutError;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Executor {
    /// Releases a node or ticks a source.
    pub(super) fn release(&mut self, vertex: usize) -> Result<(), RunError> {
        let now = self.now;
        let unit = &mut self.units[vertex];
        unit.release_pending = false;
        if let Some(period) = unit.period {
            self.schedule.release(now + period, vertex);
        }
        if unit.running.is_some() {
            self.statistics[vertex].skipped += 1;
            // A source is late in live runs only, and on replay there is none.
            return if unit.is_source { Ok(()) } else { self.trace_skipped(vertex) };
        }
        let provenance = unit.snapshot();
        let promised = now + unit.budget;
        let (publication, decided) = unit.ends(now, &self.options.durations);
        unit.steps_begun += 1;
        unit.running = Some(Running { release: now, publication, decided, provenance, late: false });
        let hung = self.hung_then(vertex, now);
        if let Some(noticed) = hung {
            self.schedule.look_at(noticed, Phase::Publish, vertex);
        }
        // A step that never came back would not do so here either.
        let returns = hung.is_none() || publication < LogicalTime::MAX;
        if self.units[vertex].local && returns {
            // As in the recorded run, a step does not know that it will be late.
            self.dispatch(vertex, Step { release: now, publication: promised })?;
        }
        let unit = &mut self.units[vertex];
        unit.mail.iter_mut().for_each(crate::node::Mail::taken);
        let phase = if unit.is_source { Phase::Grant } else { Phase::Publish };
        let publication = unit.running.as_ref().map_or(publication, |running| running.publication);
        self.schedule.complete(publication, phase, vertex);
        Ok(())
    }

    fn dispatch(&mut self, vertex: usize, step: Step) -> Result<(), RunError> {
        let measuring = self.options.measuring;
        let unit = &mut self.units[vertex];
        let Some(body) = &mut unit.body else { unreachable!("nothing of this node is running") };
        if let crate::graph::Body::Node(node) = body {
            node.load(&mut unit.mail);
        }
        let Some(jobs) = &unit.jobs else {
            let ended = compute(body, &step, &mut unit.made, measuring);
            return self.computed_here(vertex, ended);
        };
        let made = std::mem::take(&mut unit.made);
        if let Some(body) = unit.body.take() {
            // Cannot block: the channel holds one job for every node. Cannot fail: the threads end after the executor.
            let _ = jobs.send(Job { vertex, body, step, made, measuring, watched: self.watched });
        }
        Ok(())
    }

    /// A step has run on this thread: live, it is late when its publication instant has passed meanwhile.
    fn computed_here(&mut self, vertex: usize, ended: Ended) -> Result<(), RunError> {
        let is_live = self.options.pacing == Pacing::Live && !self.units[vertex].is_source;
        let clock = if is_live { self.clock() } else { LogicalTime::ZERO };
        let unit = &mut self.units[vertex];
        unit.ended = Some(ended);
        let Some(running) = &mut unit.running else { return Ok(()) };
        if is_live && clock > running.publication {
            running.publication = clock.max(self.now + LogicalDuration::LEAST);
            self.miss(vertex)?;
        }
        Ok(())
    }

    /// A step's publication instant has come.
    pub(super) fn complete(&mut self, vertex: usize) -> Result<(), RunError> {
        if !self.units[vertex].local {
            return self.complete_remote(vertex);
        }
        let waits = self.options.pacing == Pacing::Virtual || self.units[vertex].is_source;
        while self.units[vertex].is_computing() {
            if waits {
                let back = match self.patience() {
                    Some(patience) => self.done.recv_timeout(patience),
                    None => self.done.recv().map_err(|_| RecvTimeoutError::Disconnected),
                };
                match back {
                    Ok(done) => _ = self.keep(done, self.now),
                    Err(RecvTimeoutError::Timeout) => return self.miss(vertex), // a source hangs
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(RunError::Link("the worker threads have ended".to_owned()));
                    }
                }
            } else if let Ok(done) = self.done.try_recv() {
                self.keep(done, self.now);
            } else {
                return self.miss(vertex);
            }
        }
        let unit = &mut self.units[vertex];
        let Some(running) = unit.running.take() else { return Ok(()) };
        let Some(Ended { result, measured }) = unit.ended.take() else { return Ok(()) };
        let is_miss =
            |&outcome: &u8| matches!(outcome, TraceRecord::LATE | TraceRecord::DROPPED | TraceRecord::HELD);
        let missed = running.decided.as_ref().is_some_and(is_miss);
        if missed && unit.on_miss == MissPolicy::Stop {
            return Err(RunError::Missed { node: unit.name.clone(), at: running.release + unit.budget });
        }
        self.statistics[vertex].missed += u64::from(missed);
        self.statistics[vertex].step(measured);
        if let Some(Times { wall, .. }) = measured.times {
            self.options.observers.iter_mut().for_each(|observer| observer.measured(vertex as u16, wall));
        }
        self.finish(vertex, &running, result)
    }

    fn miss(&mut self, vertex: usize) -> Result<(), RunError> {
        self.statistics[vertex].missed += 1;
        let unit = &mut self.units[vertex];
        if unit.on_miss == MissPolicy::Stop {
            return Err(RunError::Missed { node: unit.name.clone(), at: self.now });
        }
        if let Some(running) = &mut unit.running {
            running.late = true;
            let release = running.release;
            self.watch_step(vertex, release);
        }
        Ok(())
    }

    /// Takes a local step's results, tells the other process if there is one, and makes them visible.
    fn finish(
        &mut self,
        vertex: usize,
        running: &Running,
        result: Result<(), NodeError>,
    ) -> Result<(), RunError> {
        let error = result.err().map(|error| error.0);
        let mut outcome = self.outcome(vertex, running, error.is_some());
        let made = &mut self.units[vertex].made;
        if let Some(topic) = made.produced.full.take()
            && publishes(outcome)
        {
            self.statistics[vertex].without_slot += 1;
            let stream = &self.streams[usize::from(topic)];
            if stream.when_full == WhenFull::Stop {
                let (node, topic) = (self.units[vertex].name.clone(), stream.info.name.clone());
                return Err(RunError::NoSlot { node, topic, at: self.now });
            }
            outcome = TraceRecord::DROPPED;
        }
        let made = &mut self.units[vertex].made;
        if !publishes(outcome) {
            made.produced.messages.clear(); // the other process must not wait for them
        }
        let has_ended = std::mem::take(&mut made.source.finished);
        let is_source = self.units[vertex].is_source;
        let has_ended = has_ended || is_source && self.options.stop.load(Ordering::Relaxed);
        if self.options.split.is_some() {
            self.tell(vertex, running, error.as_deref(), has_ended)?;
        }
        if !is_source {
            let mut messages = std::mem::take(&mut self.units[vertex].made.produced.messages);
            let concluded = self.conclude(vertex, running, outcome, &mut messages, error);
            self.units[vertex].made.produced.messages = messages; // it keeps its room
            return concluded;
        }
        if let Some(problem) = error {
            let source_name = self.units[vertex].name.clone();
            return Err(RunError::Source { source_name, at: running.release, problem });
        }
        self.announce_all(vertex, running.release, has_ended)
    }

    /// What the trace says of a step.
    pub(super) fn outcome(&self, vertex: usize, running: &Running, failed: bool) -> u8 {
        let late = running.late || running.decided == Some(TraceRecord::LATE);
        match running.decided {
            _ if failed => TraceRecord::FAILED,
            Some(outcome @ (TraceRecord::DROPPED | TraceRecord::HELD)) => outcome,
            _ if !late => TraceRecord::PUBLISHED,
            Some(_) => TraceRecord::LATE,
            None => self.units[vertex].on_miss.outcome(),
        }
    }

    /// Makes a node's outputs visible and writes its trace.
    pub(super) fn conclude(
        &mut self,
        vertex: usize,
        running: &Running,
        outcome: u8,
        messages: &mut Vec<(TopicIndex, Arc<dyn AnyMessage>)>,
        error: Option<String>,
    ) -> Result<(), RunError> {
        if let Some(error) = &error {
            self.failed(vertex, running.release, error);
        }
        let mut record = self.take_record();
        if let Some(record) = open(&mut record) {
            let unit = &self.units[vertex];
            record.node.push_str(&unit.name);
            record.release = running.release.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = outcome;
            record.inputs.extend_from_slice(&unit.in_force);
            running.provenance.write(record);
            if let Some(error) = error {
                record.error = error; // moved, not copied: nothing is allocated for it here
            }
            for (topic, _) in messages.iter() {
                let sequence = self.streams[usize::from(*topic)].sequence;
                record.outputs.push(OutputRecord { topic: *topic, sequence });
            }
        }
        for (topic, message) in messages.drain(..) {
            self.publish(topic, message, running.provenance)?;
        }
        self.publish_trace(record)
    }

    #[cold]
    fn failed(&mut self, vertex: usize, release: LogicalTime, error: &str) {
        let statistics = &mut self.statistics[vertex];
        statistics.failed += 1;
        if statistics.first_error.is_none() {
            permit(|| {
                statistics.first_error = Some(error.to_owned());
                tracing::warn!("node {} at {release}: {error}", statistics.name);
            });
        }
    }
}

/// Whether the messages of a step with this outcome become visible.
pub(super) fn publishes(outcome: u8) -> bool {
    matches!(outcome, TraceRecord::PUBLISHED | TraceRecord::LATE)
}
