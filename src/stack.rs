//! The whole stack, top to bottom: every topic, every node, what it reads and writes, and in which process it may run.
//!
//! The order of this file decides between things that happen at the same instant.

use crate::configuration::{Configuration, role};
use crate::fault::Faults;
use crate::models::{Detector, LightReader, Networks};
use crate::nodes::camera::{
    CameraDetectionNode, CameraPreparationNode, LightPreparationNode, TrafficLightNode,
};
use crate::nodes::control::ControlNode;
use crate::nodes::faulty::Faulty;
use crate::nodes::gate::GateNode;
use crate::nodes::localization::LocalizationNode;
use crate::nodes::network::NetworkNode;
use crate::nodes::perception::{LidarDetectionNode, ObstacleChannelNode, PredictionNode, TrackingNode};
use crate::nodes::planning::PlannerNode;
use crate::nodes::scene::SceneNode;
use anyhow::Result;
use auriga_control::{Controller, ControllerConfig};
use auriga_geometry::{Pose2, Vec2};
use auriga_hal::{CameraRig, SensorKind, SensorRig, Vehicle};
use auriga_messages::auriga_msgs::{
    BehaviorDecision, ControlStatus, Engage, GroundTruth, NearestObstacle, NetworkTensor, SafeCommandRecord,
    VehicleState,
};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrackedObjects, TrafficLightGroupArray};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::radar_msgs::RadarTracks;
use auriga_messages::sensor_msgs::{CameraInfo, Image, Imu, NavSatFix, PointCloud2};
use auriga_messages::tf2_msgs::TFMessage;
use auriga_messages::vision_msgs::{Detection2DArray, Detection3DArray};
use auriga_messages::visualization_msgs::MarkerArray;
use auriga_perception::Repeats;
use auriga_perception::lidar::{LidarDetector, LidarDetectorConfig, ObstacleChannel, ObstacleChannelConfig};
use auriga_perception::localization::{Localizer, LocalizerConfig};
use auriga_perception::prediction::{Predictor, PredictorConfig};
use auriga_perception::tracking::{CameraModel, Tracker, TrackerConfig};
use auriga_planning::Planner;
use auriga_runtime::{Graph, GraphError, Group, Node, Source, Topic};
use auriga_safety::{Gate, VehicleLimits};
use auriga_vehicle::VehicleParameters;
use std::sync::Arc;

/// Holds the platform, the gate's obstacle channel, localization, control, the gate and the recorder.
pub const ACTUATION: Group = Group::FIRST;
/// Holds perception, prediction and planning.
pub const PLANNING: Group = Group(1);

/// Name of the platform's source in the graph and the trace.
pub const PLATFORM: &str = "platform";

/// Every topic of the stack.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Topics {
    pub points: Topic<PointCloud2>,
    pub image: Topic<Image>,
    pub camera_info: Topic<CameraInfo>,
    pub gnss: Topic<NavSatFix>,
    pub imu: Topic<Imu>,
    pub vehicle_state: Topic<VehicleState>,
    pub engage: Topic<Engage>,
    pub truth: Topic<GroundTruth>,
    pub reference: Topic<Odometry>,
    pub ego: Topic<Odometry>,
    pub camera_detections: Topic<Detection2DArray>,
    pub lidar_detections: Topic<Detection3DArray>,
    pub nearest_obstacle: Topic<NearestObstacle>,
    pub lights: Topic<TrafficLightGroupArray>,
    pub objects: Topic<TrackedObjects>,
    pub predictions: Topic<PredictedObjects>,
    pub trajectory: Topic<Trajectory>,
    pub behavior: Topic<BehaviorDecision>,
    pub command: Topic<Control>,
    pub control_status: Topic<ControlStatus>,
    pub safe_command: Topic<SafeCommandRecord>,
    pub tf: Topic<TFMessage>,
    pub tf_static: Topic<TFMessage>,
    pub map_markers: Topic<MarkerArray>,
    pub camera_input: Topic<NetworkTensor>,
    pub camera_output: Topic<NetworkTensor>,
    pub lights_input: Topic<NetworkTensor>,
    pub lights_output: Topic<NetworkTensor>,
    pub radar: Option<Topic<RadarTracks>>,
}

impl Topics {
    /// Declares all topics; those of sensors that few cars have only where a platform has them.
    pub fn declare(graph: &mut Graph, kinds: &[SensorKind]) -> Self {
        Self {
            points: graph.topic("/sensing/lidar/points"),
            image: graph.topic("/sensing/camera/front/image"),
            camera_info: graph.topic("/sensing/camera/front/camera_info"),
            gnss: graph.topic("/sensing/gnss"),
            imu: graph.topic("/sensing/imu"),
            vehicle_state: graph.topic("/vehicle/state"),
            engage: graph.topic("/vehicle/engage"),
            truth: graph.topic("/truth"),
            reference: graph.topic("/reference/odometry"),
            ego: graph.topic("/localization/ego"),
            camera_detections: graph.topic("/perception/camera/detections"),
            lidar_detections: graph.topic("/perception/lidar/detections"),
            nearest_obstacle: graph.topic("/perception/lidar/nearest_obstacle"),
            lights: graph.topic("/perception/traffic_lights"),
            objects: graph.topic("/perception/objects"),
            predictions: graph.topic("/perception/predictions"),
            trajectory: graph.topic("/planning/trajectory"),
            behavior: graph.topic("/planning/behavior"),
            command: graph.topic("/control/command"),
            control_status: graph.topic("/control/status"),
            safe_command: graph.topic("/control/safe_command"),
            tf: graph.topic("/tf"),
            tf_static: graph.topic("/tf_static"),
            map_markers: graph.topic("/map/markers"),
            // Large, and they follow from the pictures.
            camera_input: graph.unrecorded_topic("/perception/camera/network_input"),
            camera_output: graph.unrecorded_topic("/perception/camera/network_output"),
            lights_input: graph.unrecorded_topic("/perception/traffic_lights/network_input"),
            lights_output: graph.unrecorded_topic("/perception/traffic_lights/network_output"),
            radar: kinds.contains(&SensorKind::Radar).then(|| graph.topic("/sensing/radar/tracks")),
        }
    }

    /// The topic that carries what a platform emits under a kind; `None` for one that was not declared.
    pub fn of_sensor(&self, kind: SensorKind) -> Option<u16> {
        Some(match kind {
            SensorKind::Radar => self.radar?.index(),
            SensorKind::Lidar => self.points.index(),
            SensorKind::Camera => self.image.index(),
            SensorKind::CameraInfo => self.camera_info.index(),
            SensorKind::Gnss => self.gnss.index(),
            SensorKind::Imu => self.imu.index(),
            SensorKind::VehicleState => self.vehicle_state.index(),
            SensorKind::Engage => self.engage.index(),
            SensorKind::Truth => self.truth.index(),
            SensorKind::ReferenceOdometry => self.reference.index(),
        })
    }
}

/// Adds a node, and what is to go wrong with it.
fn add<N: Node>(
    graph: &mut Graph,
    faults: &Faults,
    name: &str,
    group: Group,
    node: N,
    inputs: N::Inputs,
    outputs: N::Outputs,
) -> Result<(), GraphError> {
    graph.node(name, group, Faulty { node, faults: faults.of_node(name) }, inputs, outputs)
}

/// The stack that drives: a graph with every node, on a source of sensor messages and perhaps a vehicle.
pub fn drive(
    configuration: &Configuration,
    source: impl FnOnce(&Graph, &Topics) -> Result<Box<dyn Source>>,
    kinds: &[SensorKind],
    vehicle: Option<Box<dyn Vehicle>>,
    networks: Networks,
) -> Result<(Graph, Topics)> {
    let faults = &configuration.faults;
    let mut graph = Graph::new(configuration.timing.clone());
    let topics = Topics::declare(&mut graph, kinds);
    let source = source(&graph, &topics)?;
    let outputs: Vec<u16> = kinds.iter().filter_map(|kind| topics.of_sensor(*kind)).collect();
    graph.source(PLATFORM, source, &outputs)?;

    let node = LocalizationNode { localizer: localizer(configuration)? };
    let inputs = (topics.imu.queue(8), topics.gnss.queue(4), topics.vehicle_state.latest());
    add(&mut graph, faults, "localization", ACTUATION, node, inputs, (topics.ego.publish(),))?;

    let node = ObstacleChannelNode { channel: obstacle_channel(configuration)? };
    let inputs = (topics.points.latest(), topics.vehicle_state.latest());
    add(
        &mut graph,
        faults,
        "obstacle_channel",
        ACTUATION,
        node,
        inputs,
        (topics.nearest_obstacle.publish(),),
    )?;

    let node = LidarDetectionNode { detector: lidar_detector(configuration)? };
    let inputs = (topics.points.latest(), topics.ego.latest());
    add(&mut graph, faults, "lidar_detection", PLANNING, node, inputs, (topics.lidar_detections.publish(),))?;

    camera_detection(&mut graph, &topics, networks.detector, faults)?;
    traffic_lights(&mut graph, &topics, networks.lights, configuration)?;

    let camera = configuration.rig.camera.as_ref().map(camera_model);
    let node =
        TrackingNode { tracker: tracker(configuration)?, map: Some(Arc::clone(&configuration.map)), camera };
    let inputs = (topics.lidar_detections.latest(), topics.ego.queue(64), topics.camera_detections.latest());
    add(&mut graph, faults, "tracking", PLANNING, node, inputs, (topics.objects.publish(),))?;

    let node = PredictionNode {
        predictor: Predictor::new(PredictorConfig::default())?,
        map: Arc::clone(&configuration.map),
    };
    add(
        &mut graph,
        faults,
        "prediction",
        PLANNING,
        node,
        (topics.objects.latest(),),
        (topics.predictions.publish(),),
    )?;

    let node = PlannerNode { planner: planner(configuration)?, map: Arc::clone(&configuration.map) };
    let inputs = (topics.ego.latest(), topics.predictions.latest(), topics.lights.latest());
    add(
        &mut graph,
        faults,
        "planner",
        PLANNING,
        node,
        inputs,
        (topics.trajectory.publish(), topics.behavior.publish()),
    )?;

    let controller = Controller::new(ControllerConfig::default(), configuration.vehicle.clone())?;
    let inputs = (topics.trajectory.latest(), topics.ego.latest(), topics.vehicle_state.latest());
    let node = ControlNode { controller, falls_back: false };
    let outputs = (topics.command.publish(), topics.control_status.publish());
    add(&mut graph, faults, "controller", ACTUATION, node, inputs, outputs)?;

    let node = GateNode { gate: gate(configuration)?, vehicle };
    let inputs = (
        topics.vehicle_state.latest(),
        topics.nearest_obstacle.latest(),
        topics.engage.latest(),
        topics.command.latest(),
    );
    add(&mut graph, faults, "gate", ACTUATION, node, inputs, (topics.safe_command.publish(),))?;

    let node = SceneNode::new(&configuration.rig, &configuration.map);
    let outputs = (topics.tf.publish(), topics.tf_static.publish(), topics.map_markers.publish());
    add(&mut graph, faults, "scene", ACTUATION, node, (topics.ego.latest(),), outputs)?;
    graph.check_profile()?;
    Ok((graph, topics))
}

/// Road users in pictures: preparation, network, reading.
pub fn camera_detection(
    graph: &mut Graph,
    topics: &Topics,
    detector: Option<Detector>,
    faults: &Faults,
) -> Result<()> {
    let (yolox, input_values, network) = match detector {
        Some(Detector { network, yolox, input_values }) => (Some(yolox), input_values, Some(network)),
        None => (None, 0, None),
    };
    let node = CameraPreparationNode { yolox: yolox.clone(), input_values, repeats: Repeats::of("camera") };
    let outputs = (topics.camera_input.publish(),);
    add(graph, faults, "camera_preparation", PLANNING, node, (topics.image.latest(),), outputs)?;

    let (inputs, outputs) = ((topics.camera_input.latest(),), (topics.camera_output.publish(),));
    add(
        graph,
        faults,
        "camera_network",
        PLANNING,
        NetworkNode { network, spoiled: faults.spoiled("camera_network") },
        inputs,
        outputs,
    )?;

    let (inputs, outputs) = ((topics.camera_output.latest(),), (topics.camera_detections.publish(),));
    add(graph, faults, "camera_detection", PLANNING, CameraDetectionNode { yolox }, inputs, outputs)?;
    Ok(())
}

/// What the map's lights show: preparation, network, reading.
fn traffic_lights(
    graph: &mut Graph,
    topics: &Topics,
    reader: Option<LightReader>,
    Configuration { map, faults, .. }: &Configuration,
) -> Result<()> {
    let (finder, network) = reader.map(|LightReader { network, finder }| (finder, network)).unzip();
    let node = LightPreparationNode::new(finder, Arc::clone(map));
    let inputs = (topics.image.latest(), topics.ego.queue(64));
    add(graph, faults, "light_preparation", PLANNING, node, inputs, (topics.lights_input.publish(),))?;

    let (inputs, outputs) = ((topics.lights_input.latest(),), (topics.lights_output.publish(),));
    add(
        graph,
        faults,
        "light_network",
        PLANNING,
        NetworkNode { network, spoiled: faults.spoiled("light_network") },
        inputs,
        outputs,
    )?;

    let node = TrafficLightNode::new(Arc::clone(map));
    add(
        graph,
        faults,
        "traffic_lights",
        PLANNING,
        node,
        (topics.lights_output.latest(),),
        (topics.lights.publish(),),
    )?;
    Ok(())
}

/// The front camera as perception sees it.
pub fn camera_model(camera: &CameraRig) -> CameraModel {
    CameraModel {
        k: camera.intrinsics(),
        size: (camera.width as u32, camera.height as u32),
        optical_pose: camera.optical_pose(),
    }
}

fn start_pose(configuration: &Configuration) -> Pose2 {
    let lane = configuration.map.lane(configuration.start.lane);
    let point = lane.centerline.at(configuration.start.s);
    Pose2::new(point.position.x, point.position.y, point.heading)
}

fn localizer(configuration: &Configuration) -> Result<Localizer> {
    let mut config =
        LocalizerConfig { initial_pose: Some(start_pose(configuration)), ..LocalizerConfig::default() };
    if let Some(reference) = configuration.map.geo_reference() {
        config.origin_latitude = reference.latitude;
        config.origin_longitude = reference.longitude;
    }
    Ok(Localizer::new(with_sensors(config, &configuration.rig))?)
}

/// Where the rig's sensors sit, and how good they are.
pub fn with_sensors(mut config: LocalizerConfig, rig: &SensorRig) -> LocalizerConfig {
    if let Some(gnss) = &rig.gnss {
        config.gnss_lever_arm = Vec2::new(gnss.pose.x_m, gnss.pose.y_m);
    }
    if let Some(imu) = &rig.imu {
        config.imu_pose = imu.pose.to_pose3();
        config.gyro_noise_radps = imu.gyro_noise_radps.max(1e-4);
        config.gyro_bias_radps = imu.gyro_bias_radps.max(1e-4);
    }
    config
}

fn obstacle_channel(configuration: &Configuration) -> Result<ObstacleChannel> {
    let vehicle = &configuration.vehicle;
    let mut config = ObstacleChannelConfig {
        front_m: vehicle.front_m(),
        rear_m: vehicle.rear_overhang_m,
        width_m: vehicle.width_m,
        wheelbase_m: vehicle.wheelbase_m,
        ..ObstacleChannelConfig::default()
    };
    if let Some(lidar) = &configuration.rig.lidar {
        config.lidar_pose = lidar.pose.to_pose3();
    }
    Ok(ObstacleChannel::new(config)?)
}

fn lidar_detector(configuration: &Configuration) -> Result<LidarDetector> {
    let vehicle = &configuration.vehicle;
    let config = LidarDetectorConfig {
        front_m: vehicle.front_m(),
        rear_m: vehicle.rear_overhang_m,
        width_m: vehicle.width_m,
        ..LidarDetectorConfig::default()
    };
    let pose = configuration.rig.lidar.as_ref().map(|lidar| lidar.pose.to_pose3()).unwrap_or_default();
    Ok(LidarDetector::new(config, pose)?)
}

fn tracker(configuration: &Configuration) -> Result<Tracker> {
    let eye_x_m = configuration.rig.lidar.as_ref().map_or(0.0, |lidar| lidar.pose.x_m);
    Ok(Tracker::new(TrackerConfig { eye_x_m, ..TrackerConfig::default() })?)
}

fn planner(configuration: &Configuration) -> Result<Planner> {
    let Configuration { planner, vehicle, map, route, .. } = configuration;
    Ok(Planner::new(planner.clone(), vehicle.clone(), map, route)?)
}

/// What the car's actuators can do, as its file says.
pub fn vehicle_limits(vehicle: &VehicleParameters) -> VehicleLimits {
    VehicleLimits {
        wheelbase_m: vehicle.wheelbase_m,
        front_m: vehicle.front_m(),
        rear_m: vehicle.rear_overhang_m,
        width_m: vehicle.width_m,
        max_steering_angle_rad: vehicle.max_steering_angle_rad,
        max_steering_rate_rad_s: vehicle.max_steering_rate_rad_s,
        max_deceleration_mps2: vehicle.max_deceleration_mps2,
        max_acceleration_mps2: vehicle.max_acceleration_mps2,
    }
}

fn gate(configuration: &Configuration) -> Result<Gate> {
    let (text, origin) = configuration.file(role::GATE);
    let mut config = auriga_hal::gate_config(text, origin, vehicle_limits(&configuration.vehicle))?;
    config.emergency_braking = configuration.settings.obstacle_braking;
    Gate::new(config).map_err(|error| anyhow::anyhow!("gate: {}: {}", error.field, error.problem))
}
