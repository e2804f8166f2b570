//! Auriga: perception, planning and control of an automated vehicle, in one binary.

mod attestation;
mod can;
mod comma2k19;
mod configuration;
mod diverge;
mod drift;
mod drive;
mod eval;
mod explain;
mod fault;
mod kitti;
mod map;
mod models;
mod nodes;
mod observers;
mod platform;
mod play;
mod recorded;
mod recover;
mod replay;
mod rerun;
mod rosbag;
mod run;
mod sim;
mod split;
mod stack;
mod store;
mod telemetry;
mod timing;
mod top;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Counts what each node allocates; with `AURIGA_ABORT_ON_ALLOCATION=1` the process ends when the executor does.
#[global_allocator]
static ALLOCATOR: auriga_allocations::Counted = auriga_allocations::Counted;

/// Drives a car: perception, planning and control, in simulation and on recorded drives.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Drives a scenario in the built-in simulator; exit status 1 when the car collides or does not arrive
    Drive(Box<drive::Arguments>),
    /// Runs the stack on a recorded drive; of our own recording, compares every byte (exit status 1 when one differs)
    Replay(replay::Arguments),
    /// Shows where two recordings part: the first message, its node, its inputs, its fields (exit status 1 when they do)
    Diverge(diverge::Arguments),
    /// Answers "why did it do that?": a command back along its causes, with the time each step took
    Explain(explain::Arguments),
    /// Computes from the configuration alone how old what the gate acts on can be (exit status 1 over the contract)
    Timing(timing::Arguments),
    /// Puts a part of the stack to the test, without a scenario (exit status 1 when it misses its aims)
    Eval(eval::Arguments),
    /// The networks: list, show, verify, pull, add
    Models(store::Arguments),
    /// Mends a recording that ends early, so that every reader opens it
    Recover(recover::Arguments),
    /// Shows how a running drive is doing: nodes, rates, budgets, misses, links, recorder
    Top(top::Arguments),
    /// Looks into a CAN bus and speaks on it: dump, decode, send, replay
    Can(can::Arguments),
    /// The parts of the simulator that run on their own: the car on a CAN bus
    Sim(sim::Arguments),
    /// Says what is in a map file and what is wrong with it; exit status 1 when a fault could not be mended
    Map(map::Arguments),
}

fn main() -> ExitCode {
    // Before anything else: there is one thread, and nothing has been done that would be done twice.
    if let Err(error) = telemetry::switch_off() {
        eprintln!("error: {error:#}");
        return ExitCode::from(2);
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("AURIGA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,zenoh=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .without_time()
        .init();
    let result = match Cli::parse().command {
        Command::Drive(arguments) => drive::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Diverge(arguments) => diverge::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Timing(arguments) => timing::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Recover(arguments) => recover::run(&arguments),
        Command::Models(arguments) => store::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Can(arguments) => can::run(&arguments),
        Command::Sim(arguments) => sim::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
