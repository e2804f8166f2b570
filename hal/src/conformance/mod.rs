//! What every platform must keep, as a suite that anybody's platform can be put through.

pub mod actuating;
pub mod sensing;
