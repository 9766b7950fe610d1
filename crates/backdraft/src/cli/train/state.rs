//! A stopped training as a file: safetensors, with all but the tensors as JSON in its metadata.

use backdraft_models::{Checkpoint, TrainState};

use super::journal::Journal;
use crate::cli::tensors::{self, Texts};

const STATE: &str = "state";
const JOURNAL: &str = "journal";

/// The file's bytes.
pub(in crate::cli) fn encode(
    checkpoint: &Checkpoint,
    journal: &Journal,
) -> Result<Vec<u8>, String> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
    let texts = Texts::from([
        (
            STATE.to_owned(),
            json(serde_json::to_string(&checkpoint.state))?,
        ),
        (JOURNAL.to_owned(), json(serde_json::to_string(journal))?),
    ]);
    tensors::encode(&checkpoint.tensors, texts)
}

/// What [`encode`] made.
pub(in crate::cli) fn decode(bytes: &[u8]) -> Result<(Checkpoint, Journal), String> {
    let (tensors, texts) = tensors::decode(bytes)?;
    let text = |key: &str| texts.get(key).ok_or(format!("it has no `{key}`"));
    let words = |error: serde_json::Error| error.to_string();
    let state: TrainState = serde_json::from_str(text(STATE)?).map_err(words)?;
    let journal: Journal = serde_json::from_str(text(JOURNAL)?).map_err(words)?;
    Ok((Checkpoint { state, tensors }, journal))
}
