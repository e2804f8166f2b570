//! The gate behind a C interface, for stacks and test suites in other languages. The header is `include/auriga_gate.h`.
//!
//! A crate of its own, so that `auriga-safety` keeps no unsafe code. All unsafe code is in the functions of this file that
//! take a pointer; each checks it for null and trusts the caller for the rest, as its `# Safety` says.
//!
//! ```
//! use auriga_safety_c::*;
//!
//! let mut config = AurigaGateConfig::default();
//! let mut field = [0; 64];
//! unsafe {
//!     auriga_gate_defaults(&SEDAN, &mut config);
//!     let gate = auriga_gate_new(&config, field.as_mut_ptr(), field.len());
//!     let mut command = AurigaSafeCommand::default();
//!     assert_eq!(auriga_gate_step(gate, 1, &AurigaGateInputs::default(), &mut command), AURIGA_OK);
//!     assert_eq!(command.active, 0);
//!     auriga_gate_free(gate);
//! }
//! # const SEDAN: AurigaVehicleLimits = AurigaVehicleLimits {
//! #     wheelbase_m: 2.8, front_m: 3.7, rear_m: 1.0, width_m: 1.9, max_steering_angle_rad: 0.6,
//! #     max_steering_rate_rad_s: 0.8, max_deceleration_mps2: 8.0, max_acceleration_mps2: 3.0,
//! # };
//! ```
#![allow(unsafe_code, reason = "a C interface takes pointers")]

mod config;
mod exchange;

pub use config::{AurigaEnvelope, AurigaGateConfig, AurigaSpeedTable, AurigaVehicleLimits};
pub use exchange::{AurigaCounters, AurigaGateInputs, AurigaSafeCommand};

use auriga_safety::{Gate, GateState, Reason};
use core::ffi::{c_char, c_int};

/// The layout of the structs and the meaning of the functions; changes with them.
pub const AURIGA_GATE_ABI: u32 = 1;
/// Done.
pub const AURIGA_OK: c_int = 0;
/// A pointer was null.
pub const AURIGA_NULL: c_int = -1;

/// A gate; made and freed here, opaque to C.
pub struct AurigaGate(Gate);

/// The version that the library was built with; a caller compares it with its header's.
#[unsafe(no_mangle)]
pub extern "C" fn auriga_gate_abi() -> u32 {
    AURIGA_GATE_ABI
}

/// Writes the default configuration for a vehicle.
///
/// # Safety
/// Each pointer is null or points to one such struct.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auriga_gate_defaults(
    vehicle: *const AurigaVehicleLimits,
    config: *mut AurigaGateConfig,
) -> c_int {
    // SAFETY: as above.
    let (Some(vehicle), Some(config)) = (unsafe { vehicle.as_ref() }, unsafe { config.as_mut() }) else {
        return AURIGA_NULL;
    };
    *config = AurigaGateConfig::of(vehicle);
    AURIGA_OK
}

/// A new, silent gate; null when the configuration cannot be meant. Then the name of the field at fault is written to
/// `field` (always ended by a zero, cut to `field_size` bytes), unless that is null.
///
/// # Safety
/// `config` is null or points to one; `field` is null or points to `field_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auriga_gate_new(
    config: *const AurigaGateConfig,
    field: *mut c_char,
    field_size: usize,
) -> *mut AurigaGate {
    // SAFETY: as above.
    let made = match unsafe { config.as_ref() } {
        Some(config) => config.parse().and_then(Gate::new).map_err(|error| error.field),
        None => Err("config"),
    };
    match made {
        Ok(gate) => Box::into_raw(Box::new(AurigaGate(gate))),
        Err(name) => {
            if !field.is_null() && field_size > 0 {
                // SAFETY: as above; a `c_char` is a byte.
                let text = unsafe { core::slice::from_raw_parts_mut(field.cast::<u8>(), field_size) };
                let length = name.len().min(field_size - 1);
                text[..length].copy_from_slice(&name.as_bytes()[..length]);
                text[length] = 0;
            }
            core::ptr::null_mut()
        }
    }
}

/// Ends a gate. Null is permitted.
///
/// # Safety
/// `gate` is null or came from [`auriga_gate_new`] and was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auriga_gate_free(gate: *mut AurigaGate) {
    if !gate.is_null() {
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(gate) });
    }
}

/// One tick; see [`Gate::step`]. On [`AURIGA_NULL`] nothing happened, and `command`, if there is one, is inactive.
///
/// # Safety
/// Each pointer is null or points to one such object; `gate` came from [`auriga_gate_new`], and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auriga_gate_step(
    gate: *mut AurigaGate,
    now_ns: i64,
    inputs: *const AurigaGateInputs,
    command: *mut AurigaSafeCommand,
) -> c_int {
    // SAFETY: as above.
    let Some(command) = (unsafe { command.as_mut() }) else { return AURIGA_NULL };
    *command = AurigaSafeCommand::default();
    // SAFETY: as above.
    let (Some(gate), Some(inputs)) = (unsafe { gate.as_mut() }, unsafe { inputs.as_ref() }) else {
        return AURIGA_NULL;
    };
    *command = gate.0.step(now_ns, &inputs.parse()).record().into();
    AURIGA_OK
}

/// How often the gate cut, refused and stepped in.
///
/// # Safety
/// As [`auriga_gate_step`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auriga_gate_counters(
    gate: *const AurigaGate,
    counters: *mut AurigaCounters,
) -> c_int {
    // SAFETY: as above.
    let (Some(gate), Some(counters)) = (unsafe { gate.as_ref() }, unsafe { counters.as_mut() }) else {
        return AURIGA_NULL;
    };
    *counters = (*gate.0.counters()).into();
    AURIGA_OK
}

/// A state's name, ended by a zero; `unknown` for no such code.
#[unsafe(no_mangle)]
pub extern "C" fn auriga_gate_state_name(code: u8) -> *const c_char {
    let name = match code {
        code if code == GateState::Silent.code() => c"silent",
        code if code == GateState::Engaged.code() => c"engaged",
        code if code == GateState::EmergencyBraking.code() => c"emergency braking",
        code if code == GateState::EmergencyHold.code() => c"emergency hold",
        code if code == GateState::MinimalRiskStop.code() => c"minimal-risk stop",
        code if code == GateState::StandstillHold.code() => c"standstill hold",
        _ => c"unknown",
    };
    name.as_ptr()
}

/// A reason's name, ended by a zero; `unknown` for no such code.
#[unsafe(no_mangle)]
pub extern "C" fn auriga_gate_reason_name(code: u8) -> *const c_char {
    const NAMES: [(Reason, &core::ffi::CStr); 17] = [
        (Reason::StartUp, c"start-up"),
        (Reason::EngageRequested, c"engage requested"),
        (Reason::DisengageRequested, c"disengage requested"),
        (Reason::DriverSteering, c"driver steers"),
        (Reason::DriverBrake, c"driver brakes"),
        (Reason::DriverGas, c"driver accelerates"),
        (Reason::ClockWentBack, c"clock went back"),
        (Reason::VehicleStateStale, c"vehicle state missing"),
        (Reason::VehicleStateImplausible, c"vehicle state implausible"),
        (Reason::ObstacleStale, c"obstacle channel missing"),
        (Reason::ObstacleImplausible, c"obstacle channel implausible"),
        (Reason::CommandStale, c"heartbeat missing"),
        (Reason::CommandImplausible, c"command implausible"),
        (Reason::RollingBack, c"rolling back"),
        (Reason::ObstacleInTheWay, c"obstacle in the way"),
        (Reason::ObstacleGone, c"obstacle gone"),
        (Reason::Standstill, c"standstill"),
    ];
    let name = NAMES.iter().find(|(reason, _)| reason.code() == code).map_or(c"unknown", |&(_, name)| name);
    name.as_ptr()
}
