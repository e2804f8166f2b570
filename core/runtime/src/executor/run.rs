//! The loop.

use super::options::{Durations, Pacing, Publication, RunError, RunSummary};
use super::schedule::{Event, Happening, Phase};
use super::worker::{Done, Job, Made};
use super::{Executor, Running, Unit, absent};
use crate::graph::Body;
use crate::link::{OutputRef, StepResult};
use crate::message::AnyMessage;
use crate::node::{AnySample, NodeError, Step};
use crate::realtime;
use crate::source::SourcePayload;
use crate::timing::MissPolicy;
use crate::topic::TopicIndex;
use crate::trace::{InputRecord, OutputRecord, Provenance, TraceRecord};
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a finished step left: messages or announcements, here or from the other process.
struct Finished {
    error: Option<String>,
    messages: Vec<(TopicIndex, Arc<dyn AnyMessage>)>,
    arrivals: Vec<Announced>,
    ended: bool,
}

struct Announced {
    output: usize,
    oldest_capture: LogicalTime,
    capture: LogicalTime,
    arrival: LogicalTime,
    payload: Option<SourcePayload>,
}

#[allow(
    clippy::disallowed_methods,
    reason = "live pacing waits for the clock; the summary reports wall time"
)]
fn wall_now() -> Instant {
    Instant::now()
}

impl Executor {
    /// Runs to the end.
    ///
    /// # Errors
    /// When a source, the link, an observer, or a node whose policy is to stop, fails.
    pub fn run(mut self) -> Result<RunSummary, RunError> {
        let _before = (self.options.pacing == Pacing::Live).then(|| self.prepare_thread());
        let start = wall_now();
        while let Some(time) = self.schedule.next_time() {
            if time > self.end {
                break;
            }
            if self.options.pacing == Pacing::Live && self.pace(start, time) {
                continue; // a late step came back and may have to go first
            }
            let Some(event) = self.schedule.pop() else { break };
            self.now = event.time;
            self.happen(event)?;
        }
        self.now = self.end;
        let mut last = self.trace_pool.take();
        if let Some(record) = Arc::get_mut(&mut last) {
            record.node.push_str("executor");
            record.release = self.now.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::END;
            Provenance::default().write(record);
        }
        self.publish_trace(last)?;
        if let (Some(exchange), Some(_)) = (&mut self.options.exchange, &self.options.split) {
            exchange.finish()?;
        }
        Ok(RunSummary {
            end: self.now,
            stopped: self.options.stop.load(Ordering::Relaxed),
            wall: wall_now() - start,
            nodes: std::mem::take(&mut self.statistics),
            lateness: std::mem::take(&mut self.lateness),
            messages: self.streams.iter().map(|stream| (stream.info.name.clone(), stream.sequence)).collect(),
        })
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

    /// Waits until the clock has reached `time`: asleep at first, at the end with an eye on the clock. True when a late
    /// step came back meanwhile.
    fn pace(&mut self, start: Instant, time: LogicalTime) -> bool {
        let due = start + Duration::from_nanos(time.as_nanos().max(0).unsigned_abs());
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
            let back = if left > spin {
                self.done.recv_timeout(left - spin).ok()
            } else {
                std::hint::spin_loop();
                self.done.try_recv().ok()
            };
            if let Some(done) = back {
                let elapsed = i64::try_from((wall_now() - start).as_nanos()).unwrap_or(i64::MAX);
                if self.keep(done, LogicalTime::from_nanos(elapsed)) {
                    return true;
                }
            }
        }
    }

    /// Stores a step that came back. True when it was late and its completion is now scheduled.
    fn keep(&mut self, done: Done, now: LogicalTime) -> bool {
        let vertex = done.vertex;
        let Some(running) = &mut self.units[vertex].running else { return false };
        running.done = Some(done);
        if running.late {
            let at = now.max(self.now + LogicalDuration::LEAST);
            running.publication = at;
            self.schedule.push(at, Phase::Publish, vertex, Happening::Complete);
        }
        running.late
    }

    fn happen(&mut self, event: Event) -> Result<(), RunError> {
        let vertex = event.vertex;
        match event.happening {
            Happening::Complete => self.complete(vertex),
            Happening::Arrival { output, provenance, tick, payload } => {
                self.arrive(vertex, output, provenance, tick, payload)
            }
            Happening::Deliver { topic, group, sample } => self.deliver_across(topic, group, sample),
            Happening::Release => self.release(vertex),
        }
    }

    /// Releases a node or ticks a source.
    fn release(&mut self, vertex: usize) -> Result<(), RunError> {
        let now = self.now;
        let unit = &mut self.units[vertex];
        unit.release_pending = false;
        if let Some(period) = unit.period {
            self.schedule.push(now + period, Phase::Release, vertex, Happening::Release);
        }
        if unit.running.is_some() {
            self.statistics[vertex].skipped += 1;
            return self.trace_skipped(vertex);
        }
        let (mut provenance, mut inputs) = (Provenance::default(), Vec::with_capacity(unit.mail.len()));
        for (mail, declared) in unit.mail.iter().zip(&unit.inputs) {
            for sample in mail {
                provenance.add(&sample.provenance, sample.fresh);
                inputs.push(InputRecord {
                    topic: declared.topic,
                    sequence: sample.sequence,
                    fresh: sample.fresh,
                });
            }
        }
        let promised = now + unit.budget;
        let (publication, decided) = unit.ends(now, &self.options.durations);
        if unit.local {
            let body = unit.body.take().unwrap_or_else(|| unreachable!("nothing of this node is running"));
            // As in the recorded run, a step does not know that it will be late.
            self.dispatch(vertex, body, Step { release: now, publication: promised });
        }
        let unit = &mut self.units[vertex];
        for (mail, declared) in unit.mail.iter_mut().zip(&unit.inputs) {
            if declared.queue == 0 {
                mail.iter_mut().for_each(|sample| sample.fresh = false);
            } else {
                mail.clear();
            }
        }
        unit.steps_begun += 1;
        unit.running =
            Some(Running { release: now, publication, decided, provenance, inputs, done: None, late: false });
        let phase = if unit.is_source { Phase::Grant } else { Phase::Publish };
        self.schedule.push(publication, phase, vertex, Happening::Complete);
        Ok(())
    }

    fn dispatch(&mut self, vertex: usize, mut body: Body, step: Step) {
        let unit = &mut self.units[vertex];
        if let Body::Node(node) = &mut body {
            node.load(&unit.mail);
        }
        let made = unit.made.take().unwrap_or_default();
        if let Some(jobs) = &unit.jobs {
            // Cannot block: the channel holds one job for every node. Cannot fail: the threads end after the executor.
            let _ = jobs.send(Job { vertex, body, step, made });
        }
    }

    /// A step's publication instant has come.
    fn complete(&mut self, vertex: usize) -> Result<(), RunError> {
        let unit = &mut self.units[vertex];
        if !unit.local {
            return self.complete_remote(vertex);
        }
        let waits = self.options.pacing == Pacing::Virtual || unit.is_source;
        while unit_not_done(&self.units[vertex]) {
            if waits {
                let done = self
                    .done
                    .recv()
                    .map_err(|_| RunError::Link("the worker threads have ended".to_owned()))?;
                self.keep(done, self.now);
            } else if let Ok(done) = self.done.try_recv() {
                self.keep(done, self.now);
            } else {
                return self.miss(vertex);
            }
        }
        let unit = &mut self.units[vertex];
        let Some(mut running) = unit.running.take() else { return Ok(()) };
        let Some(done) = running.done.take() else { return Ok(()) };
        let is_miss =
            |&outcome: &u8| matches!(outcome, TraceRecord::LATE | TraceRecord::DROPPED | TraceRecord::HELD);
        let missed = running.decided.as_ref().is_some_and(is_miss);
        if missed && unit.on_miss == MissPolicy::Stop {
            return Err(RunError::Missed { node: unit.name.clone(), at: running.release + unit.budget });
        }
        self.statistics[vertex].missed += u64::from(missed);
        self.statistics[vertex].step(done.wall, done.cpu);
        self.options.observers.iter_mut().for_each(|observer| observer.measured(vertex as u16, done.wall));
        unit.body = Some(done.body);
        let finished = self.finished(vertex, &running, done.made, done.result)?;
        self.conclude(vertex, running, finished)
    }

    fn miss(&mut self, vertex: usize) -> Result<(), RunError> {
        self.statistics[vertex].missed += 1;
        let unit = &mut self.units[vertex];
        if unit.on_miss == MissPolicy::Stop {
            return Err(RunError::Missed { node: unit.name.clone(), at: self.now });
        }
        if let Some(running) = &mut unit.running {
            running.late = true;
        }
        Ok(())
    }

    /// Takes a local step's results, and tells the other process if there is one.
    fn finished(
        &mut self,
        vertex: usize,
        running: &Running,
        mut made: Made,
        result: Result<(), NodeError>,
    ) -> Result<Finished, RunError> {
        let outcome = self.outcome(vertex, running, result.is_err());
        if !publishes(outcome) {
            made.messages.clear(); // the other process must not wait for them
        }
        let unit = &mut self.units[vertex];
        let stopped = unit.is_source && self.options.stop.load(Ordering::Relaxed);
        let finished = Finished {
            error: result.err().map(|error| error.0),
            messages: made.messages.drain(..).collect(),
            arrivals: made
                .source
                .emissions
                .drain(..)
                .map(|e| Announced {
                    output: e.output,
                    oldest_capture: e.oldest_capture,
                    capture: e.capture,
                    arrival: e.arrival,
                    payload: Some(e.payload),
                })
                .collect(),
            ended: std::mem::take(&mut made.source.finished) || stopped,
        };
        unit.made = Some(made);
        if self.options.split.is_some() {
            let step = step_result(vertex, unit, running, &finished, &self.streams);
            if let Some(exchange) = &mut self.options.exchange {
                exchange.send_step(&step)?;
            }
        }
        if let Some(problem) = finished.error.as_ref().filter(|_| self.units[vertex].is_source) {
            let source_name = self.units[vertex].name.clone();
            return Err(RunError::Source { source_name, at: running.release, problem: problem.clone() });
        }
        Ok(finished)
    }

    /// Waits for a step that ran in the other process.
    fn complete_remote(&mut self, vertex: usize) -> Result<(), RunError> {
        let Some(running) = self.units[vertex].running.take() else { return Ok(()) };
        let Some(exchange) = &mut self.options.exchange else {
            return Err(RunError::Link(format!(
                "node {} runs elsewhere, and there is no link",
                self.units[vertex].name
            )));
        };
        let step = exchange.receive_step(vertex as u16, self.units[vertex].steps_begun)?;
        let mut finished = Finished {
            error: (step.outcome == TraceRecord::FAILED).then_some(step.problem),
            messages: Vec::new(),
            arrivals: Vec::new(),
            ended: step.outcome == TraceRecord::END,
        };
        for output in step.outputs {
            if self.units[vertex].is_source {
                let place = self.units[vertex].outputs.iter().position(|topic| *topic == output.topic);
                finished.arrivals.push(Announced {
                    output: place.unwrap_or(usize::MAX), // refused when it is announced
                    oldest_capture: LogicalTime::from_nanos(output.oldest_capture_ns),
                    capture: LogicalTime::from_nanos(output.capture_ns),
                    arrival: LogicalTime::from_nanos(output.publication_ns),
                    payload: None,
                });
            } else {
                finished.messages.push((output.topic, self.receive(output.topic, output.sequence)?));
            }
        }
        if let Some(problem) = finished.error.as_ref().filter(|_| self.units[vertex].is_source) {
            let source_name = self.units[vertex].name.clone();
            return Err(RunError::Source { source_name, at: running.release, problem: problem.clone() });
        }
        self.conclude(vertex, running, finished)
    }

    fn stream(&self, topic: TopicIndex) -> Result<&super::Stream, RunError> {
        let unknown =
            || RunError::Link(format!("topic number {topic} does not exist: the two processes differ"));
        self.streams.get(usize::from(topic)).ok_or_else(unknown)
    }

    /// A message from the other process, or a placeholder when nobody here wants it.
    fn receive(&mut self, topic: TopicIndex, sequence: u32) -> Result<Arc<dyn AnyMessage>, RunError> {
        if !self.stream(topic)?.wanted_here {
            return Ok(absent());
        }
        let Some(exchange) = &mut self.options.exchange else {
            return Err(RunError::Link("there is no link".to_owned()));
        };
        let bytes = exchange.receive_message(topic, sequence)?;
        self.streams[usize::from(topic)]
            .info
            .decode(&bytes)
            .map_err(|error| RunError::Link(error.to_string()))
    }

    /// What the trace says of a step.
    fn outcome(&self, vertex: usize, running: &Running, failed: bool) -> u8 {
        let late = running.late || running.decided == Some(TraceRecord::LATE);
        match running.decided {
            _ if failed => TraceRecord::FAILED,
            Some(outcome @ (TraceRecord::DROPPED | TraceRecord::HELD)) => outcome,
            _ if !late => TraceRecord::PUBLISHED,
            Some(_) => TraceRecord::LATE,
            None => self.units[vertex].on_miss.outcome(),
        }
    }

    /// Makes a step's outputs visible and writes its trace.
    fn conclude(&mut self, vertex: usize, running: Running, finished: Finished) -> Result<(), RunError> {
        if self.units[vertex].is_source {
            return self.announce(vertex, running.release, finished);
        }
        let outcome = self.outcome(vertex, &running, finished.error.is_some());
        if finished.error.is_some() {
            let statistics = &mut self.statistics[vertex];
            statistics.failed += 1;
            if statistics.first_error.is_none() {
                statistics.first_error.clone_from(&finished.error);
                tracing::warn!(
                    "node {} at {}: {}",
                    statistics.name,
                    running.release,
                    statistics.first_error.as_deref().unwrap_or("")
                );
            }
        }
        let publishes = publishes(outcome);
        let mut record = self.trace_pool.take();
        if let Some(record) = Arc::get_mut(&mut record) {
            record.node.push_str(&self.units[vertex].name);
            record.release = running.release.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = outcome;
            record.inputs = running.inputs;
            running.provenance.write(record);
            record.error.push_str(finished.error.as_deref().unwrap_or(""));
            for (topic, _) in finished.messages.iter().filter(|_| publishes) {
                let sequence = self.streams[usize::from(*topic)].sequence;
                record.outputs.push(OutputRecord { topic: *topic, sequence });
            }
        }
        for (topic, message) in finished.messages.into_iter().filter(|_| publishes) {
            self.publish(topic, message, running.provenance)?;
        }
        self.publish_trace(record)
    }

    /// Schedules what a source has announced.
    fn announce(&mut self, vertex: usize, tick: LogicalTime, finished: Finished) -> Result<(), RunError> {
        let mut last = self.now;
        for announced in finished.arrivals {
            if announced.arrival < self.now || announced.output >= self.units[vertex].outputs.len() {
                return Err(RunError::Source {
                    source_name: self.units[vertex].name.clone(),
                    at: tick,
                    problem: format!(
                        "output {} arrives at {}, which is before tick + least latency, or does not exist",
                        announced.output, announced.arrival
                    ),
                });
            }
            last = last.max(announced.arrival);
            let happening = Happening::Arrival {
                output: announced.output,
                provenance: Provenance::of_capture(announced.oldest_capture, announced.capture),
                tick,
                payload: announced.payload,
            };
            self.schedule.push(announced.arrival, Phase::Publish, vertex, happening);
        }
        if finished.ended {
            self.end = self.end.min(last);
        }
        Ok(())
    }

    /// A message from outside becomes visible.
    fn arrive(
        &mut self,
        vertex: usize,
        output: usize,
        provenance: Provenance,
        tick: LogicalTime,
        payload: Option<SourcePayload>,
    ) -> Result<(), RunError> {
        let topic = self.units[vertex].outputs[output];
        let sequence = self.streams[usize::from(topic)].sequence;
        let message = match payload {
            Some(SourcePayload::Ready(message)) => message,
            Some(SourcePayload::Pending(wait)) => wait().map_err(|error| RunError::Source {
                source_name: self.units[vertex].name.clone(),
                at: tick,
                problem: error.0,
            })?,
            None => self.receive(topic, sequence)?,
        };
        let mut record = self.trace_pool.take();
        if let Some(record) = Arc::get_mut(&mut record) {
            record.node.push_str(&self.units[vertex].name);
            record.release = self.now.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::SOURCE;
            record.outputs.push(OutputRecord { topic, sequence });
            provenance.write(record);
        }
        self.publish(topic, message, provenance)?;
        self.publish_trace(record)
    }

    /// Gives a message to observers, to the readers of its group now, and to those of other groups after the link's budget.
    fn publish(
        &mut self,
        topic: TopicIndex,
        message: Arc<dyn AnyMessage>,
        provenance: Provenance,
    ) -> Result<(), RunError> {
        let stream = &mut self.streams[usize::from(topic)];
        let sequence = stream.sequence;
        stream.sequence += 1;
        let from_here =
            self.options.split.as_ref().is_none_or(|s| s.local.contains(&crate::Group(stream.writer_group)));
        let crosses =
            stream.readers.iter().any(|reader| self.units[reader.unit].group != stream.writer_group);
        let loops_back = self.options.split.is_none() && stream.through_transport && crosses;
        if ((from_here && stream.wanted_there) || loops_back)
            && let Some(exchange) = &mut self.options.exchange
        {
            exchange.send_message(topic, sequence, &*message)?;
        }
        let publication = Publication { topic, sequence, instant: self.now, message: &message };
        let stream = &self.streams[usize::from(topic)];
        if stream.wanted_here && stream.info.recorded {
            for observer in &mut self.options.observers {
                observer.observe(&publication)?;
            }
        }
        let sample = AnySample { message, sequence, visible: self.now, provenance, fresh: true };
        let stream = &self.streams[usize::from(topic)];
        let (group, link) = (stream.writer_group, stream.link);
        if crosses {
            let mut groups: Vec<u8> =
                stream.readers.iter().map(|reader| self.units[reader.unit].group).collect();
            groups.sort_unstable();
            groups.dedup();
            let writer = self.writer_of(topic);
            for other in groups.into_iter().filter(|other| *other != group) {
                let happening = Happening::Deliver { topic, group: other, sample: sample.clone() };
                self.schedule.push(self.now + link, Phase::Publish, writer, happening);
            }
        }
        self.deliver(topic, group, &sample);
        Ok(())
    }

    fn writer_of(&self, topic: TopicIndex) -> usize {
        self.units.iter().position(|unit| unit.outputs.contains(&topic)).unwrap_or(0)
    }

    /// A message has taken its link's budget and becomes visible to another group.
    fn deliver_across(
        &mut self,
        topic: TopicIndex,
        group: u8,
        mut sample: AnySample,
    ) -> Result<(), RunError> {
        if self.options.split.is_none()
            && self.streams[usize::from(topic)].through_transport
            && let Some(exchange) = &mut self.options.exchange
        {
            let bytes = exchange.receive_message(topic, sample.sequence)?;
            let info = &self.streams[usize::from(topic)].info;
            sample.message = info.decode(&bytes).map_err(|error| RunError::Link(error.to_string()))?;
        }
        sample.visible = self.now;
        self.deliver(topic, group, &sample);
        Ok(())
    }

    fn deliver(&mut self, topic: TopicIndex, group: u8, sample: &AnySample) {
        let stream = &self.streams[usize::from(topic)];
        for reader in &stream.readers {
            let unit = &mut self.units[reader.unit];
            if unit.group != group {
                continue;
            }
            let capacity = unit.inputs[reader.input].queue.max(1);
            let mail = &mut unit.mail[reader.input];
            if mail.len() >= capacity {
                mail.remove(0);
            }
            mail.push(sample.clone());
            if unit.released_by == Some(topic) && !unit.release_pending {
                unit.release_pending = true;
                self.schedule.push(self.now, Phase::Release, reader.unit, Happening::Release);
            }
        }
    }

    fn trace_skipped(&mut self, vertex: usize) -> Result<(), RunError> {
        let mut record = self.trace_pool.take();
        if let Some(record) = Arc::get_mut(&mut record) {
            record.node.push_str(&self.units[vertex].name);
            record.release = self.now.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::SKIPPED;
            Provenance::default().write(record);
        }
        self.publish_trace(record)
    }

    fn publish_trace(&mut self, record: Arc<TraceRecord>) -> Result<(), RunError> {
        self.trace_pool.keep(&record);
        let stream = &mut self.streams[usize::from(self.trace_topic)];
        let sequence = stream.sequence;
        stream.sequence += 1;
        let message: Arc<dyn AnyMessage> = record;
        let publication =
            Publication { topic: self.trace_topic, sequence, instant: self.now, message: &message };
        self.options.observers.iter_mut().try_for_each(|observer| observer.observe(&publication))
    }
}

/// What the other process must know of a step.
fn step_result(
    vertex: usize,
    unit: &Unit,
    running: &Running,
    finished: &Finished,
    streams: &[super::Stream],
) -> StepResult {
    let outcome = match (&finished.error, finished.ended) {
        (Some(_), _) => TraceRecord::FAILED,
        (None, true) => TraceRecord::END,
        (None, false) => TraceRecord::PUBLISHED,
    };
    let message = |(topic, _): &(TopicIndex, Arc<dyn AnyMessage>)| OutputRef {
        topic: *topic,
        sequence: streams[usize::from(*topic)].sequence,
        publication_ns: running.publication.as_nanos(),
        ..OutputRef::default()
    };
    let arrival = |announced: &Announced| OutputRef {
        topic: unit.outputs[announced.output],
        sequence: 0, // given when it arrives
        publication_ns: announced.arrival.as_nanos(),
        oldest_capture_ns: announced.oldest_capture.as_nanos(),
        capture_ns: announced.capture.as_nanos(),
    };
    StepResult {
        node: vertex as u16,
        release_index: unit.steps_begun,
        outcome,
        release_ns: running.release.as_nanos(),
        duration_ns: (running.publication - running.release).as_nanos(),
        outputs: finished.messages.iter().map(message).chain(finished.arrivals.iter().map(arrival)).collect(),
        problem: finished.error.clone().unwrap_or_default(),
    }
}

impl Unit {
    /// When the outputs of the step released at `now` become visible, and the outcome where that is decided already.
    fn ends(&self, now: LogicalTime, durations: &Durations) -> (LogicalTime, Option<u8>) {
        let promised = now + self.budget;
        match durations {
            Durations::Recorded(steps) if !self.is_source => {
                match steps.get(&(self.name.clone(), now.as_nanos())) {
                    Some(step) => (step.publication, Some(step.outcome)),
                    // It was still running when the recorded run ended.
                    None => (LogicalTime::MAX, None),
                }
            }
            Durations::Sampled(seed) => {
                let takes = self.takes.map_or(self.budget, |takes| takes.draw(*seed, &self.name, now));
                if takes <= self.budget {
                    (promised, None)
                } else {
                    (now + takes, Some(self.on_miss.outcome()))
                }
            }
            Durations::Recorded(_) | Durations::Profile => (promised, None),
        }
    }
}

/// Whether the messages of a step with this outcome become visible.
fn publishes(outcome: u8) -> bool {
    matches!(outcome, TraceRecord::PUBLISHED | TraceRecord::LATE)
}

fn unit_not_done(unit: &Unit) -> bool {
    unit.running.as_ref().is_some_and(|running| running.done.is_none())
}
