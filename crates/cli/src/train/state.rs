//! A stopped training as a file: safetensors, with all but the tensors as JSON in its metadata.

use backdraft_models::{
    Checkpoint, Objective, TrainConfig, TrainError, TrainState, Training, Zoo, data::Split,
};
use burn::tensor::TensorData;
use serde::{Serialize, de::DeserializeOwned};

use super::journal::Journal;
use crate::{
    CliError,
    run_folder::RunFolder,
    tensors::{self, Texts},
};

/// The file, which is there until training has ended.
pub(crate) const FILE: &str = "training.safetensors";

const STATE: &str = "state";
const JOURNAL: &str = "journal";
/// The file of the best weights, as bytes.
const BEST: &str = "best";

/// All that a training between two steps has come to.
pub(crate) struct Stored {
    pub checkpoint: Checkpoint,
    pub journal: Journal,
    /// The file with the weights of the best pass, if there is one. The file beside may be that of a later pass, which
    /// comes again.
    pub best: Option<Vec<u8>>,
}

impl Stored {
    /// Of a training without a journal.
    pub fn of(checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint,
            journal: Journal::default(),
            best: None,
        }
    }

    /// Puts it into the folder.
    pub fn write(self, folder: &RunFolder) -> Result<(), CliError> {
        let texts = Texts::from([
            (STATE.to_owned(), text(&self.checkpoint.state)?),
            (JOURNAL.to_owned(), text(&self.journal)?),
        ]);
        let mut tensors = self.checkpoint.tensors;
        tensors.extend(self.best.map(|best| {
            let length = best.len();
            (BEST.to_owned(), TensorData::new(best, [length]))
        }));
        folder.write_tensors(FILE, &tensors, texts)
    }

    /// What an earlier run stored, if it is whole.
    pub fn read(folder: &RunFolder) -> Result<Option<Self>, CliError> {
        let Some(bytes) = folder.whole_or(FILE, "the training begins anew, at its first step")?
        else {
            return Ok(None);
        };
        let stored = Self::decode(&bytes).map_err(|reason| folder.damaged(FILE, reason))?;
        Ok(Some(stored))
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (mut tensors, texts) = tensors::decode(bytes)?;
        let state: TrainState = value(&texts, STATE)?;
        let journal: Journal = value(&texts, JOURNAL)?;
        let best = tensors.iter().position(|(name, _)| name == BEST);
        let best = best.map(|place| tensors.swap_remove(place).1);
        Ok(Self {
            checkpoint: Checkpoint { state, tensors },
            journal,
            best: best.map(|best| best.as_bytes().to_vec()),
        })
    }
}

/// A training with these settings that goes on from a checkpoint of the folder.
pub(crate) fn resume(
    folder: &RunFolder,
    mut checkpoint: Checkpoint,
    model: Zoo,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
) -> Result<Training<Zoo>, CliError> {
    // The record's settings were compared, as text; these went through it.
    checkpoint.state.config = config.clone();
    let training = Training::resume(model, split, objective, config, checkpoint);
    training.map_err(|error| match error {
        TrainError::Checkpoint(error) => folder.damaged(FILE, error),
        error => error.into(),
    })
}

fn text(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(value).map_err(|error| CliError::Weights(error.to_string()))
}

fn value<T: DeserializeOwned>(texts: &Texts, key: &str) -> Result<T, String> {
    let text = texts.get(key).ok_or(format!("it has no `{key}`"))?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}
