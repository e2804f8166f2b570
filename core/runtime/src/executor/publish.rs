//! How messages become visible: to observers, to readers, and in the trace.

use super::Executor;
use super::options::{Pacing, Publication, RunError};
use super::schedule::Transit;
use crate::message::AnyMessage;
use crate::node::AnySample;
use crate::source::{SourceEmission, SourcePayload};
use crate::topic::TopicIndex;
use crate::trace::{OutputRecord, Provenance, TraceRecord};
use auriga_allocations::permit;
use auriga_geometry::LogicalTime;
use auriga_wire::Field as _;
use std::sync::Arc;

/// A trace record's slot, empty and to be filled in; `None` when nobody looks at the trace.
pub(super) fn open(record: &mut Option<Arc<TraceRecord>>) -> Option<&mut TraceRecord> {
    let record = Arc::get_mut(record.as_mut()?)?;
    record.reset();
    Some(record)
}

/// What a source has announced.
pub(super) struct Announced {
    pub output: usize,
    pub oldest_capture: LogicalTime,
    pub capture: LogicalTime,
    pub arrival: LogicalTime,
    /// Absent where it comes from the other process.
    pub payload: Option<SourcePayload>,
}

impl From<SourceEmission> for Announced {
    fn from(emission: SourceEmission) -> Self {
        let SourceEmission { output, oldest_capture, capture, arrival, payload } = emission;
        Self { output, oldest_capture, capture, arrival, payload: Some(payload) }
    }
}

impl Executor {
    /// Schedules what a source's tick has announced.
    pub(super) fn announce_all(
        &mut self,
        vertex: usize,
        tick: LogicalTime,
        has_ended: bool,
    ) -> Result<(), RunError> {
        let mut last = self.now;
        let mut emissions = std::mem::take(&mut self.units[vertex].made.source.emissions);
        for emission in emissions.drain(..) {
            last = last.max(self.announce(vertex, tick, emission.into())?);
        }
        self.units[vertex].made.source.emissions = emissions; // it keeps its room
        if has_ended {
            self.end = self.end.min(last);
        }
        Ok(())
    }

    /// Schedules one announced message; when it arrives.
    pub(super) fn announce(
        &mut self,
        vertex: usize,
        tick: LogicalTime,
        mut announced: Announced,
    ) -> Result<LogicalTime, RunError> {
        if self.options.pacing == Pacing::Live {
            announced.arrival = announced.arrival.max(self.now); // what a source says too late arrives late
        }
        let (output, arrival) = (announced.output, announced.arrival);
        if arrival < self.now || output >= self.units[vertex].outputs.len() {
            return Err(RunError::Source {
                source_name: self.units[vertex].name.clone(),
                at: tick,
                problem: format!(
                    "output {output} arrives at {arrival}, which is before tick + least latency, or does not exist"
                ),
            });
        }
        self.schedule.transit(arrival, vertex, Transit::Arrival { announced, tick });
        Ok(arrival)
    }

    /// A message from outside becomes visible.
    pub(super) fn arrive(
        &mut self,
        vertex: usize,
        announced: Announced,
        tick: LogicalTime,
    ) -> Result<(), RunError> {
        let Announced { output, oldest_capture, capture, payload, .. } = announced;
        let provenance = Provenance::of_capture(oldest_capture, capture);
        let topic = self.units[vertex].outputs[output];
        let sequence = self.streams[usize::from(topic)].sequence;
        let message = match payload {
            Some(SourcePayload::Ready(message)) => message,
            Some(SourcePayload::Pending(wait)) => permit(wait).map_err(|error| RunError::Source {
                source_name: self.units[vertex].name.clone(),
                at: tick,
                problem: error.0,
            })?,
            None => self.receive(topic, sequence)?,
        };
        let mut record = self.take_record();
        if let Some(record) = open(&mut record) {
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
    pub(super) fn publish(
        &mut self,
        topic: TopicIndex,
        message: Arc<dyn AnyMessage>,
        provenance: Provenance,
    ) -> Result<(), RunError> {
        let stream = &mut self.streams[usize::from(topic)];
        let sequence = stream.sequence;
        stream.sequence += 1;
        if stream.sends
            && let Some(exchange) = &mut self.options.exchange
        {
            permit(|| exchange.send_message(topic, sequence, &*message))?;
        }
        if stream.observed {
            let publication = Publication { topic, sequence, instant: self.now, message: &message };
            for observer in &mut self.options.observers {
                observer.observe(&publication)?;
            }
        }
        let sample = AnySample { message, sequence, visible: self.now, provenance };
        let (group, link, writer) = (stream.writer_group, stream.link, stream.writer);
        for others in stream.readers.iter().filter(|others| others.group != group) {
            let deliver = Transit::Deliver { topic, group: others.group, sample: sample.clone() };
            self.schedule.transit(self.now + link, writer, deliver);
        }
        self.deliver(topic, group, sample);
        Ok(())
    }

    /// A message has taken its link's budget and becomes visible to another group.
    pub(super) fn deliver_across(
        &mut self,
        topic: TopicIndex,
        group: u8,
        mut sample: AnySample,
    ) -> Result<(), RunError> {
        let stream = &self.streams[usize::from(topic)];
        if self.options.split.is_none()
            && stream.through_transport
            && let Some(exchange) = &mut self.options.exchange
        {
            let through = permit(|| {
                let bytes = exchange.receive_message(topic, sample.sequence)?;
                stream.info.decode(&bytes).map_err(|error| RunError::Link(error.to_string()))
            });
            sample.message = through?;
        }
        sample.visible = self.now;
        self.deliver(topic, group, sample);
        Ok(())
    }

    fn deliver(&mut self, topic: TopicIndex, group: u8, sample: AnySample) {
        let Some((last, others)) = self.streams[usize::from(topic)].readers_of(group).split_last() else {
            return;
        };
        let (units, schedule, now) = (&mut self.units, &mut self.schedule, self.now);
        let mut hand_over = |reader: &super::Reader, sample: AnySample| {
            let unit = &mut units[reader.unit];
            unit.mail[reader.input].deliver(sample);
            if reader.releases && !unit.release_pending {
                unit.release_pending = true;
                schedule.release(now, reader.unit);
            }
        };
        for reader in others {
            hand_over(reader, sample.clone());
        }
        hand_over(last, sample);
    }

    pub(super) fn trace_skipped(&mut self, vertex: usize) -> Result<(), RunError> {
        let mut record = self.take_record();
        if let Some(record) = open(&mut record) {
            record.node.push_str(&self.units[vertex].name);
            record.release = self.now.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::SKIPPED;
            Provenance::default().write(record);
        }
        self.publish_trace(record)
    }

    /// The run's last record.
    pub(super) fn trace_end(&mut self) -> Result<(), RunError> {
        let mut record = self.take_record();
        if let Some(record) = open(&mut record) {
            record.node.push_str("executor");
            record.release = self.now.as_nanos();
            record.publication = self.now.as_nanos();
            record.outcome = TraceRecord::END;
            Provenance::default().write(record);
        }
        self.publish_trace(record)
    }

    /// A slot for a trace record; `None` when nobody looks, or when there is none free.
    pub(super) fn take_record(&mut self) -> Option<Arc<TraceRecord>> {
        if self.options.observers.is_empty() {
            return None;
        }
        let record = self.trace_pool.take();
        self.trace_lost += u64::from(record.is_none());
        record
    }

    pub(super) fn publish_trace(&mut self, record: Option<Arc<TraceRecord>>) -> Result<(), RunError> {
        let stream = &mut self.streams[usize::from(self.trace_topic)];
        let sequence = stream.sequence;
        stream.sequence += 1;
        let Some(record) = record else { return Ok(()) };
        self.trace_pool.publish(&record);
        let message: Arc<dyn AnyMessage> = record;
        let publication =
            Publication { topic: self.trace_topic, sequence, instant: self.now, message: &message };
        self.options.observers.iter_mut().try_for_each(|observer| observer.observe(&publication))
    }
}
