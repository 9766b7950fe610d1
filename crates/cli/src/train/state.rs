//! A stopped training as a file: safetensors, with all but the tensors as JSON in its metadata.

use backdraft_models::{Checkpoint, TrainState};
use burn::tensor::TensorData;

use super::journal::Journal;
use crate::tensors::{self, Texts};

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
    /// The file's bytes.
    pub fn encode(self) -> Result<Vec<u8>, String> {
        let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
        let state = json(serde_json::to_string(&self.checkpoint.state))?;
        let journal = json(serde_json::to_string(&self.journal))?;
        let texts = Texts::from([(STATE.to_owned(), state), (JOURNAL.to_owned(), journal)]);
        let mut tensors = self.checkpoint.tensors;
        tensors.extend(self.best.map(|best| {
            let length = best.len();
            (BEST.to_owned(), TensorData::new(best, [length]))
        }));
        tensors::encode(&tensors, texts)
    }

    /// What [`encode`](Self::encode) made.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (mut tensors, texts) = tensors::decode(bytes)?;
        let text = |key: &str| texts.get(key).ok_or(format!("it has no `{key}`"));
        let words = |error: serde_json::Error| error.to_string();
        let state: TrainState = serde_json::from_str(text(STATE)?).map_err(words)?;
        let journal: Journal = serde_json::from_str(text(JOURNAL)?).map_err(words)?;
        let best = tensors.iter().position(|(name, _)| name == BEST);
        let best = best.map(|place| tensors.swap_remove(place).1);
        Ok(Self {
            checkpoint: Checkpoint { state, tensors },
            journal,
            best: best.map(|best| best.as_bytes().to_vec()),
        })
    }
}
