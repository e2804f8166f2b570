//! The gate: the last check before a command leaves. The part that must be right when everything else is wrong.
//!
//! It reads the car's own state straight from the bus, the nearest obstacle from a geometric channel without network,
//! tracker or planner, the driver's button, and the controller's command. Every tick it gives one [`SafeCommand`], which
//! nobody else can make and which whoever actuates consumes. No clock, no allocation, no panic, no unsafe; constant work.
//!
//! ```
//! use auriga_safety::{Command, Engage, EngageRequest, Gate, GateConfig, GateInputs, NearestObstacle, VehicleLimits,
//!     VehicleState};
//!
//! let mut gate = Gate::new(GateConfig::of(VehicleLimits {
//!     wheelbase_m: 2.8,
//!     front_m: 3.7,
//!     rear_m: 1.0,
//!     width_m: 1.9,
//!     max_steering_angle_rad: 0.6,
//!     max_steering_rate_rad_s: 0.8,
//!     max_deceleration_mps2: 8.0,
//!     max_acceleration_mps2: 3.0,
//! }))?;
//! let stamp_ns = 1_000_000_000;
//! let inputs = GateInputs {
//!     vehicle: Some(VehicleState {
//!         stamp_ns, speed_mps: 10.0, steering_angle_rad: 0.0, driver_torque_nm: 0.0, driver_brake: 0.0, driver_gas: 0.0,
//!     }),
//!     obstacle: Some(NearestObstacle { stamp_ns, distance_m: f64::INFINITY, closing_speed_mps: None }),
//!     engage: None,
//!     command: Some(Command { stamp_ns, steering_angle_rad: 0.0, acceleration_mps2: 1.0 }),
//! };
//! assert!(!gate.step(stamp_ns, &inputs).active(), "silent until engaged");
//!
//! let engage = Some(EngageRequest { stamp_ns, request: Engage::Automated });
//! let command = gate.step(stamp_ns, &GateInputs { engage, ..inputs });
//! assert!(command.active());
//! assert!(command.acceleration_mps2() <= 1.0);
//! # Ok::<(), auriga_safety::ConfigError>(())
//! ```
//!
//! # The states
//!
//! ```text
//!                        engage (new; all inputs good; way free)
//!    ┌────────┐ ───────────────────────────────────────────────▶ ┌──────────────────────┐
//!    │ SILENT │                                                  │ ENGAGED              │◀──┐ engage: the other envelope
//!    └────────┘ ◀─────────────────────────────────────────────── │ supervised/automated │───┘
//!        ▲       driver (steers, gas, brake) or disengage        └──────────────────────┘
//!        │                                                         │   ▲    │        ▲
//!        │                             stopping distance not free  │   │gone│ doubt  │ engage
//!        │                                                         ▼   │    ▼        │
//!        │                                      ┌───────────────────┐ threat ┌───────────────────┐
//!        │                                      │ EMERGENCY BRAKING │◀───────│ MINIMAL-RISK STOP │
//!        │                                      │                   │───────▶│                   │
//!        │ driver¹, disengage                   └───────────────────┘ gone²  └───────────────────┘
//!        ├───────────────────────────────────────────── │ │ ────────────────────── │
//!        │                                  standstill  │ │ standstill²            │ standstill
//!        │                                              ▼ └──────────────┐         ▼
//!        │                                      ┌────────────────┐       │   ┌─────────────────┐
//!        │                                      │ EMERGENCY HOLD │       └──▶│ STANDSTILL HOLD │
//!        │                                      └────────────────┘           └─────────────────┘
//!        │ driver, disengage                            │ │ ENGAGED: automated: way free and        │ ENGAGED:
//!        └──────────────────────────────────────────────┘ ▼ a command to go; both: engage           ▼ engage
//! ```
//! ¹ A foot on the brake does not end emergency braking: it would brake less. ² When the emergency began within a
//! minimal-risk stop, or when an input is in doubt: a stop that has begun is finished.
//!
//! - *Doubt*: an input missing for longer than its time-out (vehicle state, obstacle, the controller's heartbeat),
//!   implausible (not finite, out of range, stamped in the future or out of order), time running backwards, the car
//!   rolling back. One implausible snapshot is as if it had not come; the time-out decides.
//! - *Minimal-risk stop*: the last safe steering and the envelope's deceleration, or the braking already under way where
//!   that is harder. It ends in a hold, not in silence: a car that nobody holds rolls away. The driver, or a request to
//!   disengage, ends the hold.
//! - *Emergency braking*: see [`EmergencyBrake`]. It passes by comfort and jerk limits. After it the automated envelope
//!   goes on by itself once there is room and the controller wants to go; the supervised one asks the driver to engage
//!   again, because the driver is in charge. It is ready whenever the gate is not silent.
//! - *Gone*: more is free than the distance that set the emergency off, for a while; a standing obstacle only comes nearer.
//!
//! # What is never exceeded
//!
//! Magnitudes and rates come from the envelope in force, by wheel speed ([`Envelope`], [`SpeedTable`]). Rates hold twice:
//! in real time, because a step is reckoned from the logical time since the last call, whatever the number of calls; and
//! per call, because no call reckons with more than 50 ms, however long the loop stalled. A second call at one instant
//! changes nothing.
//!
//! [`Counters`] say how often the gate cut, refused and stepped in.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::panic,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod command;
mod config;
mod counters;
mod emergency;
mod gate;
mod input;
mod limit;
mod state;

pub use command::{SafeCommand, SafeCommandRecord};
pub use config::{
    ConfigError, DriverOverride, EmergencyBrake, Envelope, GateConfig, SPEED_TABLE_ROWS_MAX, SpeedTable,
    Timeouts, VehicleLimits,
};
pub use counters::Counters;
pub use gate::Gate;
pub use input::{Command, Engage, EngageRequest, GateInputs, Nanos, NearestObstacle, VehicleState};
pub use state::{GateState, Mode, Reason};
