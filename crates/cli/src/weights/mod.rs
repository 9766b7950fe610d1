//! A model's weights, from a file and as one.

pub(super) mod scaling;

use std::{
    fs,
    path::{Path, PathBuf},
};

use backdraft::attribution::Digest;
use backdraft_models::{
    Metrics, Zoo, ZooConfig,
    data::{Dataset, Split, Task},
    quote,
    weights::{self, MeasuredMetrics, NameMap, WeightsError, WeightsRecord},
};
use burn::tensor::Device;
use clap::Args;

use super::{CliError, progress::say};
use backdraft_report::{Broken, Seal, WeightsFile};

/// The file's name in the folder of `explain`, and in that of `train` those of the weights that did best on the
/// examples held out, and of the latest.
pub(super) const FILE: &str = "model.safetensors";
pub(super) const BEST: &str = "best.safetensors";
pub(super) const LAST: &str = "last.safetensors";
/// That of a network trained on corrected data.
pub(super) const CORRECTED: &str = "corrected.safetensors";
pub(super) const FILES: [&str; 4] = [FILE, BEST, LAST, CORRECTED];

/// What the digest of weights is of, beside them: they may be moved and renamed.
const SEALED: &str = "weights";

/// The bytes of the file `name` with the parameters and running statistics of `module`, in PyTorch's names and layouts,
/// what is kept with them, and a digest.
pub(super) fn encode(
    module: &Zoo,
    name: &str,
    record: &WeightsRecord,
) -> Result<Vec<u8>, CliError> {
    let bytes = weights::encode_with(module, name, record);
    let bytes = bytes.map_err(|error| CliError::Weights(error.to_string()))?;
    Ok(Seal::unbound().mark(SEALED, bytes)?)
}

/// Whether a file is to the bit what [`encode`] made. What bears no digest may be anybody's, and what cannot be read is
/// told where its weights are.
fn digest_of(path: &Path) -> Option<Result<(), Broken>> {
    let bytes = path.is_file().then(|| fs::read(path).ok()).flatten()?;
    Some(Seal::unbound().check(SEALED, bytes).map(|_| ()))
}

fn damaged(path: &Path, reason: &str) -> CliError {
    CliError::Option {
        option: "--weights",
        problem: format!(
            "{} is damaged: {reason}; restore the file, or make it anew. If another program changed it on purpose, let that leave out the \
             metadata",
            quote::path(path)
        ),
    }
}

/// What is kept with the weights of a network for `dataset` that does so well on `part`.
pub(super) fn record(
    dataset: &Dataset,
    part: &str,
    split: &Split,
    metrics: &Metrics,
) -> WeightsRecord {
    let measured = metrics.loss.is_finite().then(|| MeasuredMetrics {
        part: part.to_owned(),
        rows: split.rows,
        metrics: *metrics,
    });
    WeightsRecord::of(dataset, measured)
}

/// Options for weights from a file.
#[derive(Clone, Debug, Args)]
pub(super) struct WeightsArgs {
    /// Weights to begin with: what `train` or `explain` wrote, or a PyTorch state dictionary as safetensors or `.pt`.
    /// `train` goes on from them; `explain` explains them as they are, and trains nothing.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,

    /// Rename the file's tensors to the model's; may be repeated, and the first rule that fits counts. OLD and NEW are
    /// the first parts of names: `--map conv1=first`, `--map =layers` puts layers. before all, `--map optimizer=-`
    /// leaves out. `/REGEX/=NEW` replaces what the regular expression finds.
    #[arg(long, value_name = "OLD=NEW", requires = "weights")]
    pub map: Vec<String>,
}

/// A model with weights from a file.
pub(super) struct LoadedModel {
    pub model: Zoo,
    pub file: WeightsFile,
    /// What was kept with them, of weights that we wrote.
    pub record: Option<WeightsRecord>,
}

impl WeightsArgs {
    /// Whether a file was named.
    pub fn is_given(&self) -> bool {
        self.weights.is_some()
    }

    /// What is kept with the weights of the file, if one was given and somebody kept something.
    pub fn record(&self) -> Result<Option<WeightsRecord>, CliError> {
        let Some(path) = self.weights.as_deref() else {
            return Ok(None);
        };
        let digest = digest_of(path);
        if digest == Some(Err(Broken::Differs)) {
            return Err(damaged(path, "its digest is not that of its contents"));
        }
        let record = WeightsRecord::read(path)?;
        match (&record, digest) {
            (Some(_), Some(Err(_))) => Err(damaged(
                path,
                "it does not begin with a digest, as what Backdraft writes does",
            )),
            _ => Ok(record),
        }
    }

    /// The network for the data, and the model with the weights of the file if one was given. Where two classes have
    /// two logits in the file, so they have in `dataset`.
    pub fn load(
        &self,
        record: Option<WeightsRecord>,
        dataset: &mut Dataset,
        device: &Device,
        network: impl Fn(&mut Dataset) -> Result<ZooConfig, CliError>,
    ) -> Result<(ZooConfig, Option<LoadedModel>), CliError> {
        let asked = network(dataset)?;
        let Some(path) = self.weights.as_deref() else {
            let loaded = own_weights(&asked, device)?;
            return Ok((asked, loaded));
        };
        let narrow = match self.read(path, &asked, device, record.clone()) {
            Ok(loaded) => return Ok((asked, Some(loaded))),
            Err(error) => error,
        };
        if !matches!(narrow, CliError::Load(WeightsError::Mismatch { .. }))
            || !matches!(dataset.task, Task::Binary { .. })
        {
            return Err(narrow);
        }
        let task = dataset.task.clone();
        dataset.task = task.clone().with_logit_for_each();
        let asked = network(dataset)?;
        if let Ok(loaded) = self.read(path, &asked, device, record) {
            say("the weights have a logit for each of the two classes: softmax over both");
            return Ok((asked, Some(loaded)));
        }
        dataset.task = task;
        Err(narrow)
    }

    fn read(
        &self,
        path: &Path,
        network: &ZooConfig,
        device: &Device,
        record: Option<WeightsRecord>,
    ) -> Result<LoadedModel, CliError> {
        let names = NameMap::parse(&self.map).map_err(|error| CliError::Option {
            option: "--map",
            problem: error.to_string(),
        })?;
        let model = weights::load_into(network.init(device), path, &names)?;
        say(format_args!("weights from {}", quote::path(path)));
        loaded(model, path, self.map.clone(), record)
    }
}

/// The network of an ONNX file, whose weights are in it.
fn own_weights(network: &ZooConfig, device: &Device) -> Result<Option<LoadedModel>, CliError> {
    match network {
        ZooConfig::Onnx(config) => {
            let model = network.init(device);
            loaded(model, config.path(), Vec::new(), None).map(Some)
        }
        _ => Ok(None),
    }
}

fn loaded(
    model: Zoo,
    path: &Path,
    map: Vec<String>,
    record: Option<WeightsRecord>,
) -> Result<LoadedModel, CliError> {
    // Of the weights as the model has them: the same whatever file they come in.
    let fingerprint = Digest::of(&weights::encode(&model, path)?).short();
    Ok(LoadedModel {
        model,
        file: WeightsFile {
            file: path.display().to_string(),
            map,
            fingerprint,
        },
        record,
    })
}
