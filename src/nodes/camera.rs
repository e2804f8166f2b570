//! Camera detection and traffic lights as nodes.

use crate::models::{Detector, LightReader};
use auriga_geometry::LogicalTime;
use auriga_map::{Map, SignalId};
use auriga_messages::autoware_perception_msgs::TrafficLightGroupArray;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::Image;
use auriga_messages::vision_msgs::Detection2DArray;
use auriga_perception::PerceptionError;
use auriga_perception::camera::{LightColor, LightFilter, LightRegion, Picture};
use auriga_perception::network::Network;
use auriga_perception::tracking::EgoHistory;
use auriga_runtime::{Latest, Node, NodeError, Output, Queue, Step};
use std::sync::Arc;

/// Road users in a picture.
pub struct CameraDetectionNode {
    /// Absent: nothing is published.
    pub detector: Option<Detector>,
}

impl Node for CameraDetectionNode {
    type Inputs = (Latest<Image>,);
    type Outputs = (Output<Detection2DArray>,);

    fn step(
        &mut self,
        _: &Step,
        (image,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let (Some(image), Some(Detector { network, yolox })) = (image.fresh(), &mut self.detector) else {
            return Ok(());
        };
        let out = out.write();
        out.header = image.header.clone();
        let mut detect = || -> Result<(), PerceptionError> {
            let letterbox = yolox.prepare(&Picture::of(image)?, network.input_mut(0))?;
            network.run()?;
            yolox.read(network.output(0), letterbox, out)
        };
        detect().map_err(NodeError::new)
    }
}

/// What the map's traffic lights show.
pub struct TrafficLightNode {
    /// Absent: nothing is published.
    pub reader: Option<LightReader>,
    /// Where the lights are.
    pub map: Arc<Map>,
    /// Where the car was when the picture was taken.
    pub ego: EgoHistory,
    /// Over time.
    pub filter: LightFilter,
    /// Reused from picture to picture.
    pub regions: Vec<LightRegion>,
    /// Reused from picture to picture.
    pub seen: Vec<(SignalId, LightColor, f32)>,
}

impl TrafficLightNode {
    /// A node that has seen nothing yet.
    pub fn new(reader: Option<LightReader>, map: Arc<Map>) -> Self {
        Self {
            reader,
            map,
            ego: EgoHistory::default(),
            filter: LightFilter::default(),
            regions: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn classify(&mut self, image: &Image) -> Result<(), PerceptionError> {
        let Some(LightReader { network, crop, .. }) = &mut self.reader else { return Ok(()) };
        let picture = Picture::of(image)?;
        self.seen.clear();
        for region in &self.regions {
            crop.cut(&picture, region, network.input_mut(0))?;
            network.run()?;
            let (color, confidence) = LightColor::from_scores(network.output(0));
            self.seen.push((region.signal, color, confidence));
        }
        Ok(())
    }
}

impl Node for TrafficLightNode {
    type Inputs = (Latest<Image>, Queue<Odometry>);
    type Outputs = (Output<TrafficLightGroupArray>,);

    fn step(
        &mut self,
        _: &Step,
        (image, ego): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        ego.iter().for_each(|odometry| self.ego.note(odometry));
        let (Some(image), Some(reader)) = (image.fresh(), &self.reader) else { return Ok(()) };
        let time = LogicalTime::from(&image.header.stamp);
        let Some(pose) = self.ego.pose_at(time) else { return Ok(()) };
        reader.selector.select(&self.map, &pose, &mut self.regions);
        self.classify(image).map_err(NodeError::new)?;
        let out = out.write();
        out.stamp = image.header.stamp.clone();
        self.filter.step(time, &self.seen, Some(&self.map), out);
        Ok(())
    }
}
