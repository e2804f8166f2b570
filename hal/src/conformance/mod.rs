//! What every platform must do, whatever is behind it: a suite that their tests run.

pub mod actuating;
