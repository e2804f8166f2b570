//! A network that is ready to run: session, tensors and run options made once, warmed up, and its provider attested.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs};

use ort::memory::Allocator;
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder};
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ort::value::{Outlet, Tensor, TensorElementType, ValueType};

use crate::card::{DataType, ModelCard, TensorCard};
use crate::error::ModelError;
use crate::provider::{Attestation, Provider};
use crate::runtime::Runtime;
use crate::store::StoredModel;

/// How a network is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    /// Tried in this order. A list without [`Provider::Cpu`] demands an accelerator.
    pub providers: Vec<Provider>,
    /// Threads within an operator. Fixed, so that sums are made in the same order on every machine.
    pub threads: usize,
}

impl Default for NetworkOptions {
    /// One thread on the processor.
    fn default() -> Self {
        Self { providers: vec![Provider::Cpu], threads: 1 }
    }
}

/// A loaded network. Fill the inputs, run, read the outputs. A run makes no Rust allocation.
pub struct Network {
    card: ModelCard,
    session: Session,
    run_options: RunOptions<HasSelectedOutputs>,
    inputs: Vec<Tensor<f32>>,
    outputs: Vec<Vec<f32>>,
    attestation: Attestation,
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Network")
            .field("card", &self.card)
            .field("attestation", &self.attestation)
            .finish()
    }
}

impl Network {
    /// Makes the session with the first provider that works, compares the network with its card, runs it once on zeros, and
    /// attests what executed it.
    ///
    /// # Errors
    /// No demanded provider works; the network is not what its card says.
    pub fn load(
        runtime: &Runtime,
        model: &StoredModel,
        options: &NetworkOptions,
    ) -> Result<Self, ModelError> {
        let mut problems = String::new();
        for (place, &provider) in options.providers.iter().enumerate() {
            let rest = options.providers.get(place..).unwrap_or_default();
            match Self::with_provider(runtime, model, rest, options.threads) {
                Ok(network) => {
                    let Attestation { provider, nodes } = &network.attestation;
                    tracing::info!("model {}: runs on {provider} ({nodes:?})", model.card.name);
                    return Ok(network);
                }
                Err(Attempt::Provider(problem)) => {
                    tracing::warn!("model {}: {provider} does not run here: {problem}", model.card.name);
                    problems.push_str(&format!("\n  {provider}: {problem}"));
                }
                Err(Attempt::Model(error)) => return Err(error),
            }
        }
        if options.providers.is_empty() {
            problems.push_str(" the list is empty");
        }
        Err(ModelError::NoProvider { model: model.card.name.clone(), problems })
    }

    /// With the first of these providers; an accelerator's leftovers may go to the accelerators after it.
    fn with_provider(
        runtime: &Runtime,
        model: &StoredModel,
        providers: &[Provider],
        threads: usize,
    ) -> Result<Self, Attempt> {
        let card = &model.card;
        let provider = providers.first().copied().unwrap_or(Provider::Cpu);
        let wrong =
            |problem: String| Attempt::Model(ModelError::Network { model: card.name.clone(), problem });
        // Dropped after the session, which may write to it until its end.
        let profile = ProfileFolder::new().map_err(wrong)?;
        let builder = Session::builder(runtime.environment()).map_err(|error| wrong(error.to_string()))?;
        let builder = configure(builder, threads, &profile.path.join("profile"))
            .map_err(|error| wrong(error.to_string()))?;
        let registrations: Vec<_> = match provider {
            Provider::Cpu => Vec::new(),
            _ => providers.iter().filter_map(|provider| provider.registration()).collect(),
        };
        let mut builder = builder
            .with_execution_providers(registrations)
            .map_err(|error| Attempt::Provider(error.to_string()))?;
        let session = builder.commit_from_memory(&model.weights).map_err(|error| match provider {
            Provider::Cpu => wrong(error.to_string()),
            _ => Attempt::Provider(error.to_string()),
        })?;
        compare(&card.inputs, session.inputs(), "input").map_err(wrong)?;
        compare(&card.outputs, session.outputs(), "output").map_err(wrong)?;
        let mut network =
            Self::assemble(card, session, provider).map_err(|error| wrong(error.to_string()))?;
        let warm_up = network.run();
        let attested = network.attest(provider);
        warm_up.map_err(Attempt::Model)?;
        network.attestation = attested.map_err(wrong)?;
        if network.attestation.nodes_on(provider) == 0 {
            let nodes = &network.attestation.nodes;
            return Err(Attempt::Provider(format!("it was registered, but executed no node: {nodes:?}")));
        }
        Ok(network)
    }

    fn assemble(card: &ModelCard, session: Session, provider: Provider) -> ort::Result<Self> {
        let allocator = Allocator::default();
        let mut inputs = Vec::with_capacity(card.inputs.len());
        for input in &card.inputs {
            let mut tensor = Tensor::<f32>::new(&allocator, input.shape.clone())?;
            tensor.extract_tensor_mut().1.fill(0.0);
            inputs.push(tensor);
        }
        let mut selector = OutputSelector::default();
        for output in &card.outputs {
            let tensor = Tensor::<f32>::new(&allocator, output.shape.clone())?;
            selector = selector.preallocate(output.name.as_str(), tensor);
        }
        Ok(Self {
            card: card.clone(),
            session,
            run_options: RunOptions::new()?.with_outputs(selector),
            inputs,
            outputs: card.outputs.iter().map(|output| vec![0.0; output.elements()]).collect(),
            attestation: Attestation { provider, nodes: Default::default() },
        })
    }

    /// Ends the profile that the session began with, and reads it.
    fn attest(&mut self, provider: Provider) -> Result<Attestation, String> {
        let file = PathBuf::from(self.session.end_profiling().map_err(|error| error.to_string())?);
        let profile = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()));
        Attestation::from_profile(provider, &profile?)
    }

    /// The card it was loaded by.
    #[must_use]
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Which provider really runs it.
    #[must_use]
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// The shape of an input, from the card.
    ///
    /// # Panics
    /// There is no such input; the card says how many there are.
    #[must_use]
    pub fn input_shape(&self, index: usize) -> &[usize] {
        &self.card.inputs[index].shape
    }

    /// An input's elements, row-major, to be filled before a run. They keep their values from run to run.
    ///
    /// # Panics
    /// There is no such input; the card says how many there are.
    #[must_use]
    pub fn input_mut(&mut self, index: usize) -> &mut [f32] {
        self.inputs[index].extract_tensor_mut().1
    }

    /// Executes the network on its inputs. Does not return before the outputs are there.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub fn run(&mut self) -> Result<(), ModelError> {
        let (session, options) = (&mut self.session, &self.run_options);
        let outcome = match self.inputs.as_slice() {
            [a] => session.run_with_options(ort::inputs![a], options),
            [a, b] => session.run_with_options(ort::inputs![a, b], options),
            [a, b, c] => session.run_with_options(ort::inputs![a, b, c], options),
            [a, b, c, d] => session.run_with_options(ort::inputs![a, b, c, d], options),
            _ => Err(ort::Error::new("a network has 1 to 4 inputs here")),
        };
        let copied = outcome.and_then(|results| {
            for ((_, value), output) in results.iter().zip(&mut self.outputs) {
                let (_, elements) = value.try_extract_tensor::<f32>()?;
                if elements.len() != output.len() {
                    return Err(ort::Error::new("an output has another size than the card says"));
                }
                output.copy_from_slice(elements);
            }
            Ok(())
        });
        copied.map_err(|error| ModelError::Inference {
            model: self.card.name.clone(),
            problem: error.to_string(),
        })
    }

    /// The shape of an output, from the card.
    ///
    /// # Panics
    /// There is no such output; the card says how many there are.
    #[must_use]
    pub fn output_shape(&self, index: usize) -> &[usize] {
        &self.card.outputs[index].shape
    }

    /// An output's elements of the last run, row-major.
    ///
    /// # Panics
    /// There is no such output; the card says how many there are.
    #[must_use]
    pub fn output(&self, index: usize) -> &[f32] {
        &self.outputs[index]
    }
}

/// The tensors of an ONNX file, inputs and outputs, as a card has them: a dimension that the file leaves open is 1.
///
/// # Errors
/// A file that is not to be read or is no network, or a tensor that is not of 32-bit floating point.
pub fn tensors_of(runtime: &Runtime, file: &Path) -> Result<(Vec<TensorCard>, Vec<TensorCard>), ModelError> {
    let wrong = |problem: String| ModelError::Network { model: file.display().to_string(), problem };
    let bytes = fs::read(file).map_err(|error| ModelError::file(file, &error))?;
    let session = Session::builder(runtime.environment())
        .map_err(|error| wrong(error.to_string()))?
        .commit_from_memory(&bytes)
        .map_err(|error| wrong(error.to_string()))?;
    let card = |outlet: &Outlet| {
        let ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } = outlet.dtype() else {
            return Err(wrong(format!("`{}` is {:?}, not a tensor of f32", outlet.name(), outlet.dtype())));
        };
        let shape = shape.iter().map(|&dimension| usize::try_from(dimension).unwrap_or(1).max(1)).collect();
        Ok(TensorCard { name: outlet.name().to_owned(), dtype: DataType::F32, shape, layout: None })
    };
    let all = |outlets: &[Outlet]| outlets.iter().map(card).collect::<Result<Vec<_>, _>>();
    Ok((all(session.inputs())?, all(session.outputs())?))
}

/// Whether another provider may be tried.
enum Attempt {
    Provider(String),
    Model(ModelError),
}

/// What every session of the process has in common.
fn configure(builder: SessionBuilder, threads: usize, profile: &Path) -> ort::Result<SessionBuilder> {
    Ok(builder
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads.max(1))?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_deterministic_compute(true)?
        // Spinning threads under SCHED_FIFO meet the kernel's limit on real-time tasks.
        .with_intra_op_spinning(false)?
        .with_profiling(profile)?)
}

/// A folder for the profile of one session, gone when dropped.
struct ProfileFolder {
    path: PathBuf,
}

impl ProfileFolder {
    fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("auriga-profile-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for ProfileFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path); // What stays behind does no harm.
    }
}

/// The card's tensors against the file's: names, types and every dimension that the file fixes.
fn compare(cards: &[TensorCard], outlets: &[Outlet], what: &str) -> Result<(), String> {
    if cards.len() != outlets.len() {
        return Err(format!("the card has {} {what}s, the file {}", cards.len(), outlets.len()));
    }
    for (card, outlet) in cards.iter().zip(outlets) {
        if card.name != outlet.name() {
            return Err(format!("the card's {what} `{}` is `{}` in the file", card.name, outlet.name()));
        }
        let ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } = outlet.dtype() else {
            return Err(format!("{what} `{}` is {:?} in the file, not f32", card.name, outlet.dtype()));
        };
        let fits = shape.len() == card.shape.len()
            && shape
                .iter()
                .zip(&card.shape)
                .all(|(&file, &card)| file < 0 || usize::try_from(file) == Ok(card));
        if !fits {
            return Err(format!(
                "{what} `{}` has shape {:?} in the card, {:?} in the file",
                card.name,
                card.shape,
                &shape[..]
            ));
        }
    }
    Ok(())
}
