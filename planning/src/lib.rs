//! Route, behavior and motion planning: from where the car is, who is around it and what the lights show, to a trajectory.
//!
//! One step lays the path of `base_link` along the route's lanes ([`Planner`] keeps which ones), finds when and where others
//! are in its way, lets the rules of the road ask for stops, and rolls out the motion that obeys all of it. Lanes are only
//! changed where the map allows it and the neighbours leave a gap. Every decision carries the name of its [`Rule`] and what it
//! is because of.
//!
//! ```
//! use auriga_geometry::LogicalTime;
//! use auriga_map::{LanePosition, Map};
//! use auriga_messages::autoware_perception_msgs::PredictedObjects;
//! use auriga_messages::{auriga_msgs::BehaviorDecision, autoware_planning_msgs::Trajectory, nav_msgs::Odometry};
//! use auriga_planning::{Planner, PlannerConfig};
//! use auriga_vehicle::VehicleParameters;
//!
//! let map = Map::from_opendrive(r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
//!   <road id="1" length="200" junction="-1">
//!     <planView><geometry s="0" x="0" y="0" hdg="0" length="200"><line/></geometry></planView>
//!     <lanes><laneSection s="0">
//!       <center><lane id="0" type="none"/></center>
//!       <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
//!     </laneSection></lanes>
//!   </road></OpenDRIVE>"#)?;
//! let from = map.nearest_lane([5.0, -1.75].into(), Some(0.0)).unwrap();
//! let to = LanePosition { s: 150.0, ..from };
//! let route = map.route(from, to).unwrap();
//! let mut planner = Planner::new(PlannerConfig::default(), VehicleParameters::default(), &map, &route)?;
//!
//! let mut ego = Odometry::default();
//! (ego.pose.pose.position.x, ego.pose.pose.position.y) = (5.0, -1.75);
//! ego.pose.pose.orientation.w = 1.0;
//! let (mut trajectory, mut decision) = (Trajectory::default(), BehaviorDecision::default());
//! let nobody = PredictedObjects::default();
//! planner.step(LogicalTime::ZERO, &ego, Some(&nobody), None, &map, &mut trajectory, &mut decision)?;
//! assert_eq!(decision.rule, "cruise");
//! assert!(trajectory.points.len() > 60 && trajectory.points[20].longitudinal_velocity_mps > 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod encounter;
mod error;
mod lane_choice;
mod objects;
mod output;
mod path;
mod planner;
mod profile;
mod right_of_way;
mod route_line;
mod rule;
mod signals;

pub use config::PlannerConfig;
pub use error::PlanningError;
pub use planner::Planner;
pub use rule::{Cause, Rule};
