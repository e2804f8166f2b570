//! What can be shown.

use auriga_messages::auriga_msgs::{BehaviorDecision, GroundTruth, SafeCommandRecord, VehicleState};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrackedObjects, TrafficLightGroupArray};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::radar_msgs::RadarTracks;
use auriga_messages::sensor_msgs::{Image, PointCloud2};
use auriga_messages::vision_msgs::{Detection2DArray, Detection3DArray};
use std::sync::Arc;

macro_rules! view_item {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// A message to be shown; shared, not copied.
        #[derive(Clone, Debug)]
        pub enum ViewItem {
            $($(#[$meta])* $name(Arc<$name>),)*
        }

        $(impl From<Arc<$name>> for ViewItem {
            fn from(message: Arc<$name>) -> Self {
                Self::$name(message)
            }
        })*
    };
}

view_item! {
    /// A lidar scan, in the `lidar` frame.
    PointCloud2,
    /// A picture of the front camera.
    Image,
    /// What the radar follows, in the `radar` frame.
    RadarTracks,
    /// The ego state.
    Odometry,
    /// What the lidar detected, in `base_link`.
    Detection3DArray,
    /// What the camera detected, in pixels.
    Detection2DArray,
    /// The tracks.
    TrackedObjects,
    /// The predictions.
    PredictedObjects,
    /// The planner's trajectory.
    Trajectory,
    /// What the planner decided.
    BehaviorDecision,
    /// The car's own bus.
    VehicleState,
    /// The controller's command.
    Control,
    /// What left the gate.
    SafeCommandRecord,
    /// The world as the simulator knows it.
    GroundTruth,
    /// The states of traffic lights as the stack sees them.
    TrafficLightGroupArray,
}

impl ViewItem {
    /// Whether it is large and comes again soon: such an item is given up first when the viewer can't keep up.
    pub(crate) fn is_heavy(&self) -> bool {
        matches!(self, Self::PointCloud2(_) | Self::Image(_))
    }
}
