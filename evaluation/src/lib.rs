//! Metrics, infractions and reports of a drive.
