//! Camera detection and traffic lights as nodes: what comes before their networks, and what after.

use auriga_geometry::LogicalTime;
use auriga_map::{Map, SignalId};
use auriga_messages::auriga_msgs::NetworkTensor;
use auriga_messages::autoware_perception_msgs::TrafficLightGroupArray;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::Image;
use auriga_messages::vision_msgs::Detection2DArray;
use auriga_perception::camera::{
    Letterbox, LightColor, LightCrop, LightFilter, LightRegion, LightSelector, Picture, Yolox,
};
use auriga_perception::tracking::EgoHistory;
use auriga_perception::{PerceptionError, Repeats};
use auriga_runtime::{Latest, Node, NodeError, Output, Queue, Step};
use std::sync::Arc;

/// Fits pictures into the detector's input.
pub struct CameraPreparationNode {
    /// Absent: nothing is published.
    pub yolox: Option<Yolox>,
    /// Values of the detector's input.
    pub input_values: usize,
    /// Notices a frozen camera.
    pub repeats: Repeats,
}

impl Node for CameraPreparationNode {
    type Inputs = (Latest<Image>,);
    type Outputs = (Output<NetworkTensor>,);

    fn step(
        &mut self,
        _: &Step,
        (image,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let (Some(image), Some(yolox)) = (image.fresh(), &self.yolox) else { return Ok(()) };
        self.repeats.check(LogicalTime::from(&image.header.stamp), &image.data).map_err(NodeError::new)?;
        let out = out.write();
        out.header.clone_from(&image.header);
        out.data.resize(self.input_values, 0.0);
        let picture = Picture::of(image).map_err(NodeError::new)?;
        let letterbox = yolox.prepare(&picture, &mut out.data).map_err(NodeError::new)?;
        out.input_per_picture_pixel = letterbox.ratio;
        Ok(())
    }
}

/// Road users in a picture: reads the detector's output.
pub struct CameraDetectionNode {
    /// Absent: nothing is published.
    pub yolox: Option<Yolox>,
}

impl Node for CameraDetectionNode {
    type Inputs = (Latest<NetworkTensor>,);
    type Outputs = (Output<Detection2DArray>,);

    fn step(
        &mut self,
        _: &Step,
        (tensor,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let (Some(tensor), Some(yolox)) = (tensor.fresh(), &mut self.yolox) else { return Ok(()) };
        let out = out.write();
        out.header = tensor.header.clone();
        let letterbox = Letterbox { ratio: tensor.input_per_picture_pixel };
        yolox.read(&tensor.data, letterbox, out).map_err(NodeError::new)
    }
}

/// Which lights are in a picture and where, and their cut-outs.
pub struct LightFinder {
    /// From the map and the car's pose.
    pub selector: LightSelector,
    /// Picture to tensor.
    pub crop: LightCrop,
}

/// Cuts the map's traffic lights out of pictures.
pub struct LightPreparationNode {
    finder: Option<LightFinder>,
    map: Arc<Map>,
    /// Where the car was when the picture was taken.
    ego: EgoHistory,
    /// Reused from picture to picture.
    regions: Vec<LightRegion>,
    repeats: Repeats,
}

impl LightPreparationNode {
    /// A node that has seen nothing yet; without a finder it publishes nothing.
    pub fn new(finder: Option<LightFinder>, map: Arc<Map>) -> Self {
        let repeats = Repeats::of("camera");
        Self { finder, map, ego: EgoHistory::default(), regions: Vec::new(), repeats }
    }
}

fn cut(
    crop: &LightCrop,
    image: &Image,
    regions: &[LightRegion],
    out: &mut NetworkTensor,
) -> Result<(), PerceptionError> {
    let (picture, item) = (Picture::of(image)?, 3 * crop.size.0 * crop.size.1);
    out.data.resize(item * regions.len(), 0.0);
    for (region, values) in regions.iter().zip(out.data.chunks_exact_mut(item.max(1))) {
        crop.cut(&picture, region, values)?;
        out.signals.push(region.signal.0);
    }
    Ok(())
}

impl Node for LightPreparationNode {
    type Inputs = (Latest<Image>, Queue<Odometry>);
    type Outputs = (Output<NetworkTensor>,);

    fn step(
        &mut self,
        _: &Step,
        (image, ego): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        ego.iter().for_each(|odometry| self.ego.note(odometry));
        let (Some(image), Some(finder)) = (image.fresh(), &self.finder) else { return Ok(()) };
        let stamp = LogicalTime::from(&image.header.stamp);
        self.repeats.check(stamp, &image.data).map_err(NodeError::new)?;
        let Some(pose) = self.ego.pose_at(stamp) else { return Ok(()) };
        finder.selector.select(&self.map, &pose, &mut self.regions);
        let out = out.write();
        out.header.clone_from(&image.header);
        cut(&finder.crop, image, &self.regions, out).map_err(NodeError::new)
    }
}

/// What the map's traffic lights show: reads the classifier's output.
pub struct TrafficLightNode {
    /// Where the lights are.
    map: Arc<Map>,
    /// Over time.
    filter: LightFilter,
    /// Reused from picture to picture.
    seen: Vec<(SignalId, LightColor, f32)>,
}

impl TrafficLightNode {
    /// A node that has seen nothing yet.
    pub fn new(map: Arc<Map>) -> Self {
        Self { map, filter: LightFilter::default(), seen: Vec::new() }
    }
}

impl Node for TrafficLightNode {
    type Inputs = (Latest<NetworkTensor>,);
    type Outputs = (Output<TrafficLightGroupArray>,);

    fn step(
        &mut self,
        _: &Step,
        (tensor,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(tensor) = tensor.fresh() else { return Ok(()) };
        let scores = tensor.data.len().checked_div(tensor.signals.len()).unwrap_or(0);
        self.seen.clear();
        for (signal, scores) in tensor.signals.iter().zip(tensor.data.chunks_exact(scores.max(1))) {
            let (color, confidence) = LightColor::from_scores(scores);
            self.seen.push((SignalId(*signal), color, confidence));
        }
        let out = out.write();
        out.stamp = tensor.header.stamp.clone();
        self.filter.step(LogicalTime::from(&tensor.header.stamp), &self.seen, Some(&self.map), out);
        Ok(())
    }
}
