//! What a run has computed so far, as its folder keeps it: computed once, and read as a later run reads it.

use std::time::Instant;

use backdraft::{AttributionError, attribution::Store};
use backdraft_report::OutputError;
use burn::tensor::TensorData;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    CliError,
    run_folder::{PartsFolder, SECONDS},
    tensors::{self, NamedTensors, Texts},
};

/// A result, and the seconds that it took when it was computed.
#[derive(Deserialize, Serialize)]
pub(super) struct Timed<T> {
    pub seconds: f64,
    pub result: T,
}

/// The result under `key`, or what `compute` comes to.
pub(super) fn json<T: Serialize + DeserializeOwned>(
    store: &PartsFolder,
    key: &str,
    compute: impl FnOnce() -> Result<T, CliError>,
) -> Result<Timed<T>, CliError> {
    let unencoded = |error| OutputError::encode("a part of the run", error);
    let kept = store.get(key).map_err(AttributionError::from)?;
    // What is damaged is computed anew.
    if let Some(found) = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(found);
    }
    let start = Instant::now();
    let result = compute()?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = serde_json::to_vec(&Timed { seconds, result }).map_err(unencoded)?;
    store.put(key, &bytes).map_err(AttributionError::from)?;
    Ok(serde_json::from_slice(&bytes).map_err(unencoded)?)
}

/// The same for tensors.
pub(super) fn tensors(
    store: &PartsFolder,
    key: &str,
    compute: impl FnOnce() -> Result<NamedTensors, CliError>,
) -> Result<Timed<NamedTensors>, CliError> {
    let kept = store.get(key).map_err(AttributionError::from)?;
    if let Some((result, texts)) = kept.and_then(|bytes| tensors::decode(&bytes).ok()) {
        let seconds = texts.get(SECONDS).and_then(|text| text.parse().ok());
        let seconds = seconds.unwrap_or(0.0);
        return Ok(Timed { seconds, result });
    }
    let start = Instant::now();
    let result = compute()?;
    let seconds = start.elapsed().as_secs_f64();
    let texts = Texts::from([(SECONDS.to_owned(), seconds.to_string())]);
    let bytes = tensors::encode(&result, texts).map_err(CliError::Weights)?;
    store.put(key, &bytes).map_err(AttributionError::from)?;
    Ok(Timed { seconds, result })
}

/// The tensor of a name.
pub(super) fn named(tensors: &NamedTensors, name: &str) -> Result<TensorData, CliError> {
    let found = tensors.iter().find(|(of, _)| of == name);
    let missing = || CliError::Weights(format!("a part of the run has no `{name}`"));
    Ok(found.ok_or_else(missing)?.1.clone())
}
