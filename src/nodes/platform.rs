//! The platform's sensing half as a source of the graph.

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::{HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_runtime::message::AnyMessage;
use auriga_runtime::{NodeError, Source, SourceEmission, SourceOutputs, SourcePayload};
use std::sync::Arc;

/// Ticks the sensors. Its outputs are `kinds`, in that order.
pub struct PlatformSource {
    /// The platform's sensing half.
    pub sensors: Box<dyn Sensors>,
    /// What each output carries.
    pub kinds: Vec<SensorKind>,
    /// Reused from tick to tick.
    pub sink: SensorSink,
}

fn erase(message: SensorMessage) -> Arc<dyn AnyMessage> {
    match message {
        SensorMessage::Lidar(message) => message,
        SensorMessage::Camera(message) => message,
        SensorMessage::CameraInfo(message) => message,
        SensorMessage::Radar(message) => message,
        SensorMessage::Gnss(message) => message,
        SensorMessage::Imu(message) => message,
        SensorMessage::VehicleState(message) => message,
        SensorMessage::Engage(message) => message,
        SensorMessage::Truth(message) => message,
        SensorMessage::ReferenceOdometry(message) => message,
    }
}

fn payload(payload: Payload) -> SourcePayload {
    match payload {
        Payload::Ready(message) => SourcePayload::Ready(erase(message)),
        Payload::Pending(pending) => SourcePayload::Pending(Box::new(move || {
            let gone = || NodeError::new("a sensor's thread has ended without an answer");
            let message: Result<SensorMessage, HalError> = pending.recv().map_err(|_| gone())?;
            message.map(erase).map_err(NodeError::new)
        })),
    }
}

impl Source for PlatformSource {
    fn period(&self) -> LogicalDuration {
        self.sensors.tick_period()
    }

    fn least_latency(&self) -> LogicalDuration {
        self.sensors.least_latency()
    }

    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        self.sensors.tick(now, &mut self.sink).map_err(NodeError::new)?;
        outputs.finished = self.sink.finished;
        for emission in self.sink.emissions.drain(..) {
            let Some(output) = self.kinds.iter().position(|kind| *kind == emission.kind) else { continue };
            outputs.emissions.push(SourceEmission {
                output,
                oldest_capture: emission.oldest_capture,
                capture: emission.capture,
                arrival: emission.arrival,
                payload: payload(emission.payload),
            });
        }
        Ok(())
    }
}
