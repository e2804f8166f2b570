//! Everything about Rerun, off the hot path.
//!
//! A [`Viewer`] writes what flows between the nodes to an `.rrd` file, to a running Rerun viewer, or to both. It works on a
//! thread of its own behind a bounded channel: when it can't keep up it loses pictures, never time (see
//! [`ViewerHandle::try_send`]). Nothing that it does reaches a recording's digest.
//!
//! Data in space stand at the instant that they are *about* (their header's stamp; a lidar scan at its end), so that boxes,
//! points and car coincide; commands and decisions stand at the instant of their publication. The one timeline is
//! `logical_time`; there is no wall clock in the file.
//!
//! ```no_run
//! use auriga_geometry::LogicalTime;
//! use auriga_messages::nav_msgs::Odometry;
//! use auriga_viewer::{Shows, Viewer, ViewerOptions};
//! use std::sync::Arc;
//!
//! let options =
//!     ViewerOptions { rrd: Some("drive.rrd".into()), connect: None, thin: 4, shows: Shows::default() };
//! let viewer = Viewer::new(&options)?;
//! let handle = viewer.handle();
//! handle.try_send(LogicalTime::ZERO, Arc::new(Odometry::default()).into());
//! let summary = viewer.finish()?;
//! println!("{} bytes, {} dropped", summary.bytes, summary.dropped);
//! # Ok::<(), auriga_viewer::ViewerError>(())
//! ```

mod camera;
mod cloud;
mod error;
mod item;
mod layout;
mod live;
mod map_layer;
mod objects;
mod palette;
mod plan;
mod plots;
mod radar;
mod rrd_file;
mod scribe;
mod stage;
mod viewer;

pub use error::ViewerError;
pub use item::ViewItem;
pub use live::find;
pub use viewer::{DEFAULT_CONNECT_URL, Shows, Viewer, ViewerHandle, ViewerOptions, ViewerSummary};
