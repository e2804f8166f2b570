//! Auriga's own messages: what neither ROS 2 nor Autoware has.

use crate::builtin_interfaces::Time;
use crate::geometry_msgs::{Accel, Pose, Twist, Vector3};
use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// What the car's own bus says.
    pub struct VehicleState = "auriga_msgs/msg/VehicleState" {
        /// Instant of measurement.
        pub stamp: Time,
        /// Wheel speed of `base_link`, m/s, negative backwards.
        pub speed_mps: f64,
        /// Front wheel angle, rad, left positive.
        pub steering_angle_rad: f64,
        /// The driver's torque at the steering wheel, N·m.
        pub driver_torque_nm: f64,
        /// The driver's brake pedal, 0 to 1.
        pub driver_brake: f64,
        /// The driver's accelerator pedal, 0 to 1.
        pub driver_gas: f64,
    }
}

message! {
    /// Who shall drive. Comes from the platform.
    pub struct Engage = "auriga_msgs/msg/Engage" {
        /// When this was so.
        pub stamp: Time,
        /// When it was requested: at `stamp`, or before and not taken back. A request is granted within a short time or not
        /// at all, and nobody engages again because a switch was left on.
        pub since: Time,
        /// One of the constants.
        pub request: u8,
    } constants {
        /// The stack lets go.
        DISENGAGE: u8 = 0,
        /// The stack drives, a driver is in charge.
        SUPERVISED: u8 = 1,
        /// The stack drives.
        AUTOMATED: u8 = 2,
    }
}

message! {
    /// The nearest obstacle in the car's way, from lidar geometry alone: the gate's own channel.
    pub struct NearestObstacle = "auriga_msgs/msg/NearestObstacle" {
        /// Instant of the newest point.
        pub stamp: Time,
        /// Free way along the arc of the measured steering angle, from the front bumper, metres; infinite when nothing is in the way.
        pub distance_m: f64,
        /// How fast it comes nearer, m/s, rather too fast than too slow; negative when it drives away, NaN when that is not known.
        pub closing_speed_mps: f64,
        /// Number of points that made it.
        pub points: u32,
        /// Where it is, `base_link`, metres; meaningless when nothing is in the way.
        pub position: Vector3,
    }
}

message! {
    /// What left the gate, as a record: it cannot be turned back into a command.
    pub struct SafeCommandRecord = "auriga_msgs/msg/SafeCommandRecord" {
        /// When the gate decided.
        pub stamp: Time,
        /// When it acts on the car.
        pub effective_at: Time,
        /// Whether the stack commands at all; otherwise nothing is sent.
        pub active: bool,
        /// Front wheel angle, rad, left positive.
        pub steering_angle_rad: f64,
        /// m/s².
        pub acceleration_mps2: f64,
        /// The gate's state.
        pub state: u8,
        /// Name of the state.
        pub state_name: String,
        /// Why.
        pub reason: u8,
        /// Name of the reason.
        pub reason_name: String,
        /// The car stands and is kept standing.
        pub hold: bool,
        /// Whether the state changed at this tick.
        pub changed: bool,
        /// `supervised` or `automated`: the envelope in force; empty while the gate is silent.
        pub envelope: String,
        /// Why a waiting request to engage is not granted; empty when none waits.
        pub refused: String,
        /// The wanted steering was cut.
        pub steering_limited: bool,
        /// The wanted acceleration was cut.
        pub acceleration_limited: bool,
        /// What the gate has counted so far.
        pub counters: GateCounters,
    }
}

message! {
    /// How often the gate cut, refused and intervened since it was made.
    pub struct GateCounters = "auriga_msgs/msg/GateCounters" {
        /// Decisions.
        pub ticks: u64,
        /// Decisions with something to send.
        pub active_ticks: u64,
        /// Changes of state or envelope.
        pub transitions: u64,
        /// Decisions in which the wanted steering was cut.
        pub steering_limited: u64,
        /// Decisions in which the wanted acceleration was cut.
        pub acceleration_limited: u64,
        /// Vehicle states turned away: not finite, from the future, older than the last.
        pub vehicle_states_refused: u64,
        /// Messages of the obstacle channel turned away.
        pub obstacles_refused: u64,
        /// Commands turned away.
        pub commands_refused: u64,
        /// Decisions in which a request to engage waited in vain.
        pub engagements_refused: u64,
        /// Times that logical time ran backwards.
        pub clock_went_back: u64,
        /// Times that driver or request silenced an engaged gate.
        pub silenced: u64,
        /// Emergency brakings begun.
        pub emergencies: u64,
        /// Minimal-risk stops begun out of doubt.
        pub minimal_risk_stops: u64,
    }
}

message! {
    /// What the planner decided, and because of what.
    pub struct BehaviorDecision = "auriga_msgs/msg/BehaviorDecision" {
        /// Instant of the decision.
        pub stamp: Time,
        /// `cruise`, `follow`, `stop_for_light`, `yield`, `stop_for_obstacle`, `change_lane`, `goal`, …
        pub rule: String,
        /// The object, light or line that is the reason; empty when there is none.
        pub because_of: String,
        /// Metres along the route to where the car is to stop; infinite when it is not to stop.
        pub stop_distance_m: f64,
        /// The speed aimed at, m/s.
        pub target_speed_mps: f64,
        /// Metres driven along the route.
        pub route_s_m: f64,
        /// Metres left along the route.
        pub route_left_m: f64,
    }
}

message! {
    /// What the controller does, and how well. Nobody acts on it: it is for whoever looks at a drive.
    pub struct ControlStatus = "auriga_msgs/msg/ControlStatus" {
        /// The tick.
        pub stamp: Time,
        /// One of the first group of constants.
        pub state: u8,
        /// Who steers: one of the second group.
        pub steering: u8,
        /// Of the rear axle's centre from the path, metres, positive to its left; NaN when nothing is tracked.
        pub lateral_error_m: f64,
        /// Of the car's heading from the path's, rad; NaN when nothing is tracked.
        pub heading_error_rad: f64,
        /// Constraints that the solver of predictive steering took up and dropped.
        pub solver_iterations: u32,
        /// Greatest residual of the conditions of Karush, Kuhn and Tucker; 0 when predictive steering did not steer.
        pub solver_residual: f64,
        /// What is wrong; empty when nothing is.
        pub problem: String,
    } constants {
        /// It tracks the trajectory.
        TRACKING: u8 = 0,
        /// The trajectory stands, and so does the car, held by its brake.
        HOLDING: u8 = 1,
        /// No trajectory: it stops the car.
        NO_TRAJECTORY: u8 = 2,
        /// The trajectory is too old: it stops the car along it.
        STALE_TRAJECTORY: u8 = 3,
        /// It does not know where the car is: it stops the car.
        NO_EGO: u8 = 4,
        /// An input makes no sense: it stops the car.
        BAD_INPUT: u8 = 5,
        /// The wheels are held as they are.
        WHEELS_HELD: u8 = 0,
        /// Predictive steering.
        PREDICTIVE: u8 = 1,
        /// The feedback law, by configuration.
        FEEDBACK: u8 = 2,
        /// The feedback law, because predictive steering failed.
        FALL_BACK: u8 = 3,
    }
}

message! {
    /// Numbers that go into a network, or come out of it: one item, or several one after the other. Never recorded.
    pub struct NetworkTensor = "auriga_msgs/msg/NetworkTensor" {
        /// Of the picture that they stem from.
        pub header: Header,
        /// Pixels of the network's input for a pixel of the picture.
        pub input_per_picture_pixel: f64,
        /// What each item shows: the map's `SignalId`; empty where items have no names.
        pub signals: Vec<u32>,
        /// Row-major in the network's shape.
        pub data: Vec<f32>,
    }
}

message! {
    /// A road user as the simulator knows it. For the evaluation only.
    pub struct TruthObject = "auriga_msgs/msg/TruthObject" {
        /// Its number in the simulator.
        pub id: u32,
        /// One of `autoware_perception_msgs/ObjectClassification`'s constants.
        pub class: u8,
        /// Pose of the centre of its box in `map`.
        pub pose: Pose,
        /// Full length, width, height, metres.
        pub dimensions: Vector3,
        /// m/s along its heading.
        pub speed_mps: f64,
    }
}

message! {
    /// Something that happened to the car, as the simulator knows it.
    pub struct TruthEvent = "auriga_msgs/msg/TruthEvent" {
        /// When.
        pub stamp: Time,
        /// One of the constants.
        pub kind: u8,
        /// The other road user's number; 0 when there is none.
        pub object_id: u32,
        /// For a person to read.
        pub text: String,
    } constants {
        /// The ego car touched something.
        COLLISION: u8 = 1,
        /// The ego car crossed a stop line at red.
        RED_LIGHT: u8 = 2,
        /// The ego car left the road.
        OFF_ROAD: u8 = 3,
    }
}

message! {
    /// A traffic light's true state.
    pub struct TruthLight = "auriga_msgs/msg/TruthLight" {
        /// The map's `SignalId`.
        pub signal: u32,
        /// One of `autoware_perception_msgs/TrafficLightElement`'s colours.
        pub color: u8,
    }
}

message! {
    /// The world as the simulator knows it. For the evaluation and nowhere else.
    pub struct GroundTruth = "auriga_msgs/msg/GroundTruth" {
        /// Instant, and frame (`map`).
        pub header: Header,
        /// Pose of the ego car's `base_link`.
        pub ego_pose: Pose,
        /// Velocity in `base_link`.
        pub ego_twist: Twist,
        /// Acceleration in `base_link`.
        pub ego_acceleration: Accel,
        /// Front wheel angle, rad.
        pub ego_steering_angle_rad: f64,
        /// All other road users.
        pub objects: Vec<TruthObject>,
        /// All traffic lights.
        pub lights: Vec<TruthLight>,
        /// What happened since the message before.
        pub events: Vec<TruthEvent>,
    }
}
