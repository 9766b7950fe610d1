//! A model's weights, from a file and as one.

use std::path::{Path, PathBuf};

use backdraft_models::{
    Zoo, ZooConfig,
    weights::{self, NameMap},
};
use burn::tensor::Device;
use clap::Args;

use super::{CliError, fingerprint::Fingerprint, progress::say};
use crate::output::WeightsFile;

/// The name of the file in a run's folder.
pub(super) const FILE: &str = "model.safetensors";

/// The bytes of the file `name` with the parameters and running statistics of `module`, in PyTorch's names and layouts.
pub(super) fn encode(module: &Zoo, name: &str) -> Result<Vec<u8>, CliError> {
    weights::encode(module, name).map_err(|error| CliError::Weights(error.to_string()))
}

/// Options for weights from a file.
#[derive(Clone, Debug, Args)]
pub(super) struct WeightsArgs {
    /// Weights to begin with: what `train` or `explain` wrote, or a PyTorch state dictionary as safetensors or `.pt`. `train` goes on
    /// from them; `explain` explains them as they are, and trains nothing.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,

    /// Rename the file's tensors to the model's; may be repeated, and the first rule that fits counts. OLD and NEW are the first
    /// parts of names: `--map conv1=first`, `--map =layers` puts layers. before all, `--map optimizer=-` leaves out. `/REGEX/=NEW`
    /// replaces what the regular expression finds.
    #[arg(long, value_name = "OLD=NEW", requires = "weights")]
    pub map: Vec<String>,
}

/// A model with weights from a file.
pub(super) struct Loaded {
    pub model: Zoo,
    pub file: WeightsFile,
}

impl WeightsArgs {
    /// The model with the weights of the file, if one was given.
    pub fn load(&self, network: &ZooConfig, device: &Device) -> Result<Option<Loaded>, CliError> {
        self.weights
            .as_deref()
            .map(|path| self.read(path, network, device))
            .transpose()
    }

    fn read(&self, path: &Path, network: &ZooConfig, device: &Device) -> Result<Loaded, CliError> {
        let names = NameMap::parse(&self.map).map_err(|error| CliError::Option {
            option: "--map",
            problem: error.to_string(),
        })?;
        let model = weights::load_into(network.init(device), path, &names)?;
        say(format_args!("weights from {}", path.display()));
        // Of the weights as the model has them: the same whatever file they come in.
        let mut fingerprint = Fingerprint::new();
        fingerprint.feed(&weights::encode(&model, path)?);
        Ok(Loaded {
            model,
            file: WeightsFile {
                file: path.display().to_string(),
                map: self.map.clone(),
                fingerprint: fingerprint.to_string(),
            },
        })
    }
}
