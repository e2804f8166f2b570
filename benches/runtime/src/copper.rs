//! Source → task → sink on Copper (cu29).

use crate::probe;
use std::error::Error;
use std::path::Path;

/// What the configurations in `copper/` name.
pub mod tasks {
    use crate::probe;
    use bincode::{Decode, Encode};
    use cu29::prelude::*;
    use serde::{Deserialize, Serialize};

    /// 64 bytes.
    #[derive(Clone, Debug, Default, Encode, Decode, Serialize, Deserialize, Reflect)]
    pub struct Payload {
        pub words: [u64; 8],
    }

    #[derive(Reflect)]
    pub struct Source;
    impl Freezable for Source {}
    impl CuSrcTask for Source {
        type Resources<'r> = ();
        type Output<'m> = output_msg!(Payload);
        fn new(_: Option<&ComponentConfig>, _: Self::Resources<'_>) -> CuResult<Self> {
            Ok(Self)
        }
        fn process(&mut self, _: &CuContext, output: &mut Self::Output<'_>) -> CuResult<()> {
            let number = probe::tick();
            super::end_after(number);
            output.set_payload(Payload { words: probe::payload(number as u64) });
            Ok(())
        }
    }

    #[derive(Reflect)]
    pub struct Task;
    impl Freezable for Task {}
    impl CuTask for Task {
        type Resources<'r> = ();
        type Input<'m> = input_msg!(Payload);
        type Output<'m> = output_msg!(Payload);
        fn new(_: Option<&ComponentConfig>, _: Self::Resources<'_>) -> CuResult<Self> {
            Ok(Self)
        }
        fn process(
            &mut self,
            _: &CuContext,
            input: &Self::Input<'_>,
            output: &mut Self::Output<'_>,
        ) -> CuResult<()> {
            if let Some(input) = input.payload() {
                output.set_payload(Payload { words: input.words.map(|word| word.wrapping_add(1)) });
            }
            Ok(())
        }
    }

    #[derive(Reflect)]
    pub struct Sink;
    impl Freezable for Sink {}
    impl CuSinkTask for Sink {
        type Resources<'r> = ();
        type Input<'m> = input_msg!(Payload);
        fn new(_: Option<&ComponentConfig>, _: Self::Resources<'_>) -> CuResult<Self> {
            Ok(Self)
        }
        fn process(&mut self, _: &CuContext, input: &Self::Input<'_>) -> CuResult<()> {
            std::hint::black_box(input.payload());
            Ok(())
        }
    }
}

thread_local! {
    /// A paced run ends the process from within its source: (iterations, period in nanoseconds).
    static END: std::cell::Cell<Option<(usize, u64)>> = const { std::cell::Cell::new(None) };
}

fn end_after(number: usize) {
    if let Some((iterations, period)) = END.get()
        && number >= iterations
    {
        crate::print_jitter(&probe::end(), period);
        std::process::exit(0);
    }
}

const SLAB: Option<usize> = Some(64 * 1024 * 1024);

/// When the iterations of an application began that runs as fast as it can, nanoseconds.
macro_rules! free {
    ($app:ty) => {
        pub fn ticks(
            iterations: usize,
            log: &std::path::Path,
        ) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
            let application = <$app>::builder().with_log_path(log, super::SLAB)?.build()?;
            crate::machine::pin()?;
            let mut running = application.start()?;
            crate::probe::begin(iterations);
            for _ in 0..iterations {
                running.run_one_iteration()?;
            }
            let ticks = crate::probe::end();
            running.stop()?;
            Ok(ticks)
        }
    };
}

/// An application at its own rate; its source prints, and ends the process.
macro_rules! paced {
    ($app:ty) => {
        pub fn run(iterations: usize, log: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
            let application = <$app>::builder().with_log_path(log, super::SLAB)?.build()?;
            crate::machine::pin()?;
            crate::machine::fifo()?;
            crate::probe::begin(iterations);
            application.run_until_shutdown()?;
            Ok(())
        }
    };
}

mod unlogged {
    use super::tasks;
    use cu29::prelude::*;
    #[copper_runtime(config = "copper/unlogged.ron")]
    struct App {}
    free!(App);
}

mod logged {
    use super::tasks;
    use cu29::prelude::*;
    #[copper_runtime(config = "copper/logged.ron")]
    struct App {}
    free!(App);
}

mod hz100 {
    use super::tasks;
    use cu29::prelude::*;
    #[copper_runtime(config = "copper/hz100.ron")]
    struct App {}
    paced!(App);
}

mod hz1000 {
    use super::tasks;
    use cu29::prelude::*;
    #[copper_runtime(config = "copper/hz1000.ron")]
    struct App {}
    paced!(App);
}

/// When its iterations began, nanoseconds.
pub fn ticks(iterations: usize, log: &Path, logs: bool) -> Result<Vec<u64>, Box<dyn Error>> {
    if logs { logged::ticks(iterations, log) } else { unlogged::ticks(iterations, log) }
}

/// Runs at 100 or 1000 Hz; prints, and ends the process.
pub fn paced(iterations: usize, hz: u64, log: &Path) -> Result<(), Box<dyn Error>> {
    END.set(Some((iterations, 1_000_000_000 / hz)));
    if hz == 100 { hz100::run(iterations, log) } else { hz1000::run(iterations, log) }
}
