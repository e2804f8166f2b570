//! Steps that ran in the other process of a split run.

use super::options::RunError;
use super::publish::Announced;
use super::unit::Running;
use super::{Executor, Stream, absent};
use crate::link::{OutputRef, StepResult};
use crate::message::AnyMessage;
use crate::topic::TopicIndex;
use crate::trace::TraceRecord;
use auriga_allocations::permit;
use auriga_geometry::LogicalTime;
use std::sync::Arc;

impl Executor {
    /// Tells the other process what became of a step.
    pub(super) fn tell(
        &mut self,
        vertex: usize,
        running: &Running,
        error: Option<&str>,
        has_ended: bool,
    ) -> Result<(), RunError> {
        permit(|| {
            let step = self.step_result(vertex, running, error, has_ended);
            self.options.exchange.as_mut().map_or(Ok(()), |exchange| exchange.send_step(&step))
        })
    }

    /// What the other process must know of a step.
    fn step_result(
        &self,
        vertex: usize,
        running: &Running,
        error: Option<&str>,
        has_ended: bool,
    ) -> StepResult {
        let unit = &self.units[vertex];
        let made = &unit.made;
        let outcome = match (error, has_ended) {
            (Some(_), _) => TraceRecord::FAILED,
            (None, true) => TraceRecord::END,
            (None, false) => TraceRecord::PUBLISHED,
        };
        let messages = made.produced.messages.iter().map(|(topic, _)| OutputRef {
            topic: *topic,
            sequence: self.streams[usize::from(*topic)].sequence,
            publication_ns: running.publication.as_nanos(),
            ..OutputRef::default()
        });
        let arrivals = made.source.emissions.iter().map(|emission| OutputRef {
            topic: unit.outputs[emission.output],
            sequence: 0, // given when it arrives
            publication_ns: emission.arrival.as_nanos(),
            oldest_capture_ns: emission.oldest_capture.as_nanos(),
            capture_ns: emission.capture.as_nanos(),
        });
        StepResult {
            node: vertex as u16,
            release_index: unit.steps_begun,
            outcome,
            release_ns: running.release.as_nanos(),
            duration_ns: (running.publication - running.release).as_nanos(),
            outputs: messages.chain(arrivals).collect(),
            problem: error.unwrap_or_default().to_owned(),
        }
    }

    /// Waits for a step that ran in the other process.
    pub(super) fn complete_remote(&mut self, vertex: usize) -> Result<(), RunError> {
        permit(|| self.take_remote(vertex))
    }

    fn take_remote(&mut self, vertex: usize) -> Result<(), RunError> {
        let Some(running) = self.units[vertex].running.take() else { return Ok(()) };
        let Some(exchange) = &mut self.options.exchange else {
            return Err(RunError::Link(format!(
                "node {} runs elsewhere, and there is no link",
                self.units[vertex].name
            )));
        };
        let step = exchange.receive_step(vertex as u16, self.units[vertex].steps_begun)?;
        let error = (step.outcome == TraceRecord::FAILED).then_some(step.problem);
        if !self.units[vertex].is_source {
            let mut messages = Vec::new();
            for output in step.outputs {
                messages.push((output.topic, self.receive(output.topic, output.sequence)?));
            }
            let outcome = self.outcome(vertex, &running, error.is_some());
            return self.conclude(vertex, &running, outcome, &mut messages, error);
        }
        if let Some(problem) = error {
            let source_name = self.units[vertex].name.clone();
            return Err(RunError::Source { source_name, at: running.release, problem });
        }
        let mut last = self.now;
        for output in step.outputs {
            let place = self.units[vertex].outputs.iter().position(|topic| *topic == output.topic);
            let announced = Announced {
                output: place.unwrap_or(usize::MAX), // refused when it is announced
                oldest_capture: LogicalTime::from_nanos(output.oldest_capture_ns),
                capture: LogicalTime::from_nanos(output.capture_ns),
                arrival: LogicalTime::from_nanos(output.publication_ns),
                payload: None,
            };
            last = last.max(self.announce(vertex, running.release, announced)?);
        }
        if step.outcome == TraceRecord::END {
            self.end = self.end.min(last);
        }
        Ok(())
    }

    fn stream(&self, topic: TopicIndex) -> Result<&Stream, RunError> {
        let unknown =
            || RunError::Link(format!("topic number {topic} does not exist: the two processes differ"));
        self.streams.get(usize::from(topic)).ok_or_else(unknown)
    }

    /// A message from the other process, or a placeholder when nobody here wants it.
    pub(super) fn receive(
        &mut self,
        topic: TopicIndex,
        sequence: u32,
    ) -> Result<Arc<dyn AnyMessage>, RunError> {
        if !self.stream(topic)?.wanted_here {
            return Ok(permit(absent));
        }
        let Some(exchange) = &mut self.options.exchange else {
            return Err(RunError::Link("there is no link".to_owned()));
        };
        let stream = &self.streams[usize::from(topic)];
        permit(|| {
            let bytes = exchange.receive_message(topic, sequence)?;
            stream.info.decode(&bytes).map_err(|error| RunError::Link(error.to_string()))
        })
    }
}
