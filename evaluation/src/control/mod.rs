//! How well a controller follows paths: closed loop on the simulator's own vehicle.
//!
//! A [`Follower`] drives a [`Course`] under a [`Condition`]; [`Drive::run`] says how far it was off. The plant shares no code
//! with any controller. The follower is a trait: nothing here knows the stack's controller.
//!
//! ```
//! use auriga_evaluation::control::{Condition, Drive, TEST_CURVES, Textbook};
//! use auriga_hal::SensorRig;
//! use auriga_sim_bridge::plant::PlantParameters;
//!
//! let read = |path: &str| std::fs::read_to_string(format!("{}/../configs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
//! let plant = PlantParameters::from_toml(&read("vehicles/auriga-sedan-plant.toml"), "plant")?;
//! let rig = SensorRig::from_toml(&read("sensors/default.toml"), "rig").unwrap();
//! let (course, motion) = TEST_CURVES[3].build(2.0);
//! let drive = Drive {
//!     course: &course, motion: &motion, plant: &plant, rig: &rig, condition: &Condition::PLAIN, seed: 1,
//! };
//! let tracking = drive.run(&mut Textbook::PurePursuit { time: 0.5 }, None);
//! assert!(!tracking.is_lost && tracking.lateral_m.rms.unwrap() < 0.5);
//! # Ok::<(), auriga_sim_bridge::SimError>(())
//! ```

mod closed_loop;
mod course;
mod curves;
mod follower;
mod picture;
mod recorded;
mod report;
mod suite;

pub use closed_loop::{Condition, Drive, Knowledge, Tracking};
pub use course::{Beside, Course, Motion};
pub use curves::{TEST_CURVES, TestCurve};
pub use follower::{Estimator, Follower, Textbook};
pub use report::{ControlReport, Part, Row};
pub use suite::{Entrant, RecordedPath, Suite};
