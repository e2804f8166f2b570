//! Execution providers: which are demanded, and which really ran.

use std::collections::BTreeMap;
use std::fmt;

use ort::ep::{self, ExecutionProviderDispatch};
use serde::{Deserialize, Serialize};

/// What executes a network.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// NVIDIA TensorRT.
    TensorRt,
    /// NVIDIA CUDA.
    Cuda,
    /// The processor.
    Cpu,
}

impl Provider {
    /// ONNX Runtime's name of it.
    #[must_use]
    pub const fn runtime_name(self) -> &'static str {
        match self {
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::Cpu => "CPUExecutionProvider",
        }
    }

    /// Its registration; `None` for the processor, which is always there. (Registering it would switch its arena off.)
    pub(crate) fn registration(self) -> Option<ExecutionProviderDispatch> {
        match self {
            Self::TensorRt => Some(ep::TensorRT::default().build().error_on_failure()),
            // The same convolution algorithm in every run, and no silent loss of precision.
            Self::Cuda => Some(
                ep::CUDA::default()
                    .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Default)
                    .with_tf32(false)
                    .build()
                    .error_on_failure(),
            ),
            Self::Cpu => None,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TensorRt => "tensorrt",
            Self::Cuda => "cuda",
            Self::Cpu => "cpu",
        })
    }
}

/// Which provider really ran, seen in a profiled warm-up run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// The provider that was registered and taken.
    pub provider: Provider,
    /// The number of nodes that each provider executed, by ONNX Runtime's names.
    pub nodes: BTreeMap<String, usize>,
}

impl Attestation {
    /// Counts the node events of ONNX Runtime's profile (Chrome trace format).
    pub(crate) fn from_profile(provider: Provider, profile: &str) -> Result<Self, String> {
        let events: Vec<Event> =
            serde_json::from_str(profile).map_err(|error| format!("the profile of the warm-up: {error}"))?;
        let mut nodes = BTreeMap::new();
        for name in
            events.into_iter().filter(|event| event.cat == "Node").filter_map(|event| event.args.provider)
        {
            *nodes.entry(name).or_insert(0) += 1;
        }
        Ok(Self { provider, nodes })
    }

    /// How many nodes a provider executed.
    #[must_use]
    pub fn nodes_on(&self, provider: Provider) -> usize {
        self.nodes.get(provider.runtime_name()).copied().unwrap_or(0)
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    args: Arguments,
}

#[derive(Default, Deserialize)]
struct Arguments {
    #[serde(default)]
    provider: Option<String>,
}
