//! `auriga sim car`: the simulated car on a CAN bus, in a process of its own.

use crate::configuration::locate;
use crate::platform::read_profile;
use crate::run::{self, println_line};
use anyhow::{Context, Result, bail};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::can::{BusFault, CanBus, Endpoint, UnixBus};
use auriga_hal::{HalError, SensorRig};
use auriga_sim_bridge::bus::{CarReport, CarSetup, Fault, Pace, SimCar, Start};
use auriga_sim_bridge::plant::PlantParameters;
use clap::{Args, Subcommand};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// The simulated car on a CAN bus. It runs by the clock, or, while `auriga drive --platform can` drives it, in step with
    /// that drive
    #[command(after_help = EXAMPLES)]
    Car(Box<CarArguments>),
}

const EXAMPLES: &str = "\
Faults: KIND[=VALUE][:MESSAGE]@FROM[-UNTIL], in seconds of the drive. Without a message, all messages both ways.
  drop:COMMAND@5-6        what the stack says is lost
  delay=0.08:STATE@5      what the car says comes 80 ms late
  duplicate@5             everything comes twice
  corrupt:STATE@5         bits are flipped
  replay=1:COMMAND@5      after each frame comes the one of a second ago
  forge:COMMAND@5         after each frame comes one with another content, sealed as it should be
  counter-jump=9:STATE@5  the counter jumps
  bus-off@5               the car's controller takes no part in the bus any more

Examples:
  auriga sim car --can unix:/tmp/car                                   # one terminal
  auriga drive --platform can --can unix:/tmp/car                      # another one
  auriga can decode --profile auriga-sim unix:/tmp/car                 # a third one
  auriga sim car --can unix:/tmp/car --fault bus-off@5 --once          # it stops by itself";

#[derive(Args)]
struct CarArguments {
    /// The bus: unix:PATH (is made), slcan:DEVICE[@KBIT] or socketcan:INTERFACE
    #[arg(long, value_name = "ENDPOINT")]
    can: Endpoint,
    /// What the car says and hears, by name or file
    #[arg(long, value_name = "NAME", default_value = "auriga-sim")]
    profile: String,
    /// Its body, drive, brakes, steering and control unit
    #[arg(long, value_name = "FILE", default_value = "configs/vehicles/auriga-sedan-plant.toml")]
    plant: PathBuf,
    /// The sensors that it carries: the noise of its wheels
    #[arg(long, value_name = "FILE", default_value = "configs/sensors/default.toml")]
    sensors: PathBuf,
    /// Its speed at the start, m/s, as long as no drive says another
    #[arg(long, default_value_t = 0.0)]
    speed: f64,
    /// Something that goes wrong on its bus; may be given several times
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// A drive that is silent for so many seconds on the wall is gone; the car goes on by the clock
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    patience: f64,
    /// End when the drive has ended, or, when it is gone, when the car stands
    #[arg(long)]
    once: bool,
    /// Write how it went to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Be the car of a drive: Ctrl-C is for the drive to hear
    #[arg(long, hide = true)]
    of_drive: bool,
}

/// Runs a part of the simulator; always true when it ended well.
pub fn run(arguments: &Arguments) -> Result<bool> {
    match &arguments.part {
        Part::Car(arguments) => car(arguments),
    }
}

fn car(arguments: &CarArguments) -> Result<bool> {
    if !(arguments.patience > 0.0 && arguments.patience < 1e6 && (0.0..100.0).contains(&arguments.speed)) {
        bail!("--patience must be above 0, --speed from 0 to 100");
    }
    let stop = run::stop_flag(false)?;
    let read = |path: &Path| {
        let path = locate(path);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()));
        text.map(|text| (text, path.display().to_string()))
    };
    let ((plant, plant_file), (sensors, sensors_file)) = (read(&arguments.plant)?, read(&arguments.sensors)?);
    let (profile, database) = read_profile(&arguments.profile)?;
    let setup = CarSetup {
        plant: PlantParameters::from_toml(&plant, &plant_file)?,
        wheels: SensorRig::from_toml(&sensors, &sensors_file)?.wheels,
        profile,
        database,
        faults: arguments.fault.clone(),
    };
    let mut car = SimCar::new(setup, Start { speed: arguments.speed, ..Start::default() })?;
    let mut bus = arguments.can.host()?;
    if !arguments.of_drive {
        println_line(&format!("the simulated car is on {}", bus.name()));
    }
    let served = Server::new(arguments).serve(&mut *bus, &mut car, &stop);
    let report = car.report();
    if let Some(path) = &arguments.report {
        let text = serde_json::to_string_pretty(&json(&report))?;
        std::fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    if !arguments.of_drive {
        println_line(&summary(&report));
    }
    served?;
    Ok(true)
}

fn json(report: &CarReport) -> serde_json::Value {
    let seconds = |time: Option<LogicalTime>| time.map(LogicalTime::as_secs_f64);
    serde_json::json!({
        "seconds": report.now.as_secs_f64(),
        "commands": {
            "obeyed": report.commands.obeyed,
            "repeated": report.commands.repeated,
            "corrupted": report.commands.corrupted,
            "distrusted": report.commands.distrusted,
            "refused": report.commands.refused,
            "too_late": report.commands.too_late,
        },
        "last_obeyed_s": seconds(report.last_obeyed),
        "own_stop": report.stop.map(|(at, why, speed)| serde_json::json!({
            "began_s": at.as_secs_f64(),
            "why": why.name(),
            "speed_mps": speed,
            "distance_m": report.stopping_distance_m,
        })),
        "standing_since_s": seconds(report.standing),
    })
}

fn summary(report: &CarReport) -> String {
    let counts = &report.commands;
    let mut text = format!(
        "{:.2} s; commands: {} obeyed, {} repeated, {} corrupted, {} distrusted, {} refused, {} too late",
        report.now.as_secs_f64(),
        counts.obeyed,
        counts.repeated,
        counts.corrupted,
        counts.distrusted,
        counts.refused,
        counts.too_late
    );
    if let Some((at, why, speed)) = report.stop {
        text.push_str(&format!(
            "\nstopped by itself from {:.2} s on, at {speed:.2} m/s, in {:.2} m: {}",
            at.as_secs_f64(),
            report.stopping_distance_m,
            why.name()
        ));
    }
    if let Some(at) = report.standing {
        text.push_str(&format!("\nstands since {:.2} s", at.as_secs_f64()));
    }
    text
}

/// By the clock, the car says what is due so often.
const BEAT: Duration = Duration::from_millis(2);
/// In step with a drive, a look at Ctrl-C and at the drive's silence so often.
const LOOK: Duration = Duration::from_millis(50);
/// A bus that failed is opened again so often.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps a car going on its bus.
struct Server {
    patience: Duration,
    once: bool,
    /// By the clock: what the car's time was when the clock began.
    since: (LogicalTime, Instant),
    heard: Instant,
    /// The drive is gone.
    alone: bool,
}

#[allow(clippy::disallowed_methods, reason = "a car that nobody drives in step lives by the clock")]
fn clock() -> Instant {
    Instant::now()
}

impl Server {
    fn new(arguments: &CarArguments) -> Self {
        Self {
            patience: Duration::from_secs_f64(arguments.patience),
            once: arguments.once || arguments.of_drive,
            since: (LogicalTime::ZERO, clock()),
            heard: clock(),
            alone: false,
        }
    }

    fn now(&self) -> LogicalTime {
        let (began, clock) = self.since;
        began + LogicalDuration::from_nanos(i64::try_from(clock.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    fn serve(mut self, bus: &mut dyn CanBus, car: &mut SimCar, stop: &AtomicBool) -> Result<()> {
        let mut stopped: Option<Instant> = None;
        loop {
            let by_clock = car.pace() == Pace::Clock;
            match bus.receive(if by_clock { BEAT } else { LOOK }) {
                Ok(Some(frame)) => {
                    if by_clock {
                        car.advance(self.now())?;
                    }
                    car.hear(&frame)?;
                    self.heard = clock();
                }
                Ok(None) => {}
                Err(error) => self.mend(bus, error)?,
            }
            if car.pace() == Pace::Bench {
                self.alone = false;
                if self.heard.elapsed() > self.patience {
                    eprintln!("the drive is gone; the car goes on by the clock");
                    self.go_on_alone(car);
                    self.alone = true;
                }
            }
            if car.pace() == Pace::Clock {
                car.advance(self.now())?;
            }
            for frame in car.said() {
                match bus.send(&frame) {
                    Ok(()) | Err(HalError::Bus { fault: BusFault::Full, .. }) => {}
                    Err(error) => {
                        self.mend(bus, error)?;
                        break;
                    }
                }
            }
            if car.pace() == Pace::Ended {
                if self.once {
                    return Ok(());
                }
                self.go_on_alone(car);
            }
            let stands = car.report().standing.is_some();
            if self.once && self.alone && stands {
                return Ok(());
            }
            // A drive hears Ctrl-C too, and ends the test in order.
            if stop.load(Ordering::Relaxed) {
                let since = *stopped.get_or_insert_with(clock);
                if car.pace() == Pace::Clock || since.elapsed() > self.patience {
                    return Ok(());
                }
            }
        }
    }

    fn go_on_alone(&mut self, car: &mut SimCar) {
        car.go_on_alone();
        self.since = (car.now(), clock());
    }

    /// What is no frame is passed over; a bus that is gone is waited for.
    fn mend(&mut self, bus: &mut dyn CanBus, error: HalError) -> Result<()> {
        match error {
            HalError::Bus { fault: BusFault::Malformed | BusFault::Full, .. } => Ok(()),
            HalError::Bus { fault: BusFault::BusOff | BusFault::Unplugged, .. } => {
                eprintln!("{error}; trying again");
                std::thread::sleep(AGAIN);
                match bus.recover() {
                    Ok(()) | Err(HalError::Bus { .. }) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            error => Err(error.into()),
        }
    }
}

/// The car of a drive has so long to be there.
const START: Duration = Duration::from_secs(20);
/// How often it is looked for.
const START_LOOK: Duration = Duration::from_millis(10);

/// A car that was started for a drive, in a folder that nobody else may enter; ended when this is dropped.
pub struct CarProcess {
    child: Child,
    folder: PathBuf,
}

impl CarProcess {
    /// Starts this program again as the car.
    pub fn start(profile: &Path, sensors: &Path, faults: &[Fault]) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("auriga-car-{}", std::process::id()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("{}: cannot be created", folder.display()))?;
        let program = std::env::current_exe().context("this program's own file is not to be found")?;
        let mut command = Command::new(&program);
        command.args(["sim", "car", "--of-drive", "--can"]).arg(format!("unix:{}/bus", folder.display()));
        command.arg("--profile").arg(profile).arg("--sensors").arg(locate(sensors));
        for fault in faults {
            command.arg("--fault").arg(fault.to_string());
        }
        let child = command.stdin(Stdio::null()).spawn();
        match child {
            Ok(child) => Ok(Self { child, folder }),
            Err(error) => {
                let _ = std::fs::remove_dir_all(&folder);
                Err(error).with_context(|| format!("{}: the car cannot be started", program.display()))
            }
        }
    }

    /// The bus that it is on.
    pub fn bus(&mut self) -> Result<Box<dyn CanBus>> {
        let path = self.folder.join("bus");
        let looks = START.as_millis() / START_LOOK.as_millis();
        for _ in 0..looks {
            match UnixBus::connect(&path) {
                Ok(bus) => return Ok(Box::new(bus)),
                Err(HalError::Bus { fault: BusFault::Unavailable, .. }) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the car ended with {status} before the drive began");
            }
            std::thread::sleep(START_LOOK);
        }
        bail!("the car is not there after {} s", START.as_secs())
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Result<()> {
        for _ in 0..100 {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the car ended with {status}"),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        bail!("the car does not end; it is stopped")
    }
}

impl Drop for CarProcess {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
