//! What a weights file keeps about its network.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::WeightsError;
use crate::data::{
    Categories, Dataset, ExampleShape, Moments, MomentsOf, Scaling, ScalingRule, Task, contents,
};
use crate::metrics::Metrics;
use crate::objective::Objective;

/// What is kept with weights in the metadata of their safetensors file: what the network reads, what it tells, and how
/// well it did.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsRecord {
    /// How inputs are scaled; none for tokens.
    pub inputs: Option<Scaling>,
    /// How a regression's targets are.
    pub targets: Option<Scaling>,
    /// Names of a table's input columns, in order; empty for others.
    pub columns: Vec<String>,
    /// `binary` (one logit for two classes), `classification` (a logit for each class), `regression` or `next-token`.
    pub task: String,
    /// Names of the classes, in order; empty for a regression and for tokens.
    pub classes: Vec<String>,
    /// The columns of a table that stand as one input for each of their categories.
    pub categorical: Vec<Categories>,
    /// The loss that the network was trained with, if it is not that of the task.
    pub loss: Option<Objective>,
    /// What the losses of each class's training examples were multiplied by, if classes had weights.
    pub class_weights: Option<Vec<f32>>,
    /// How well the network does, if that was measured.
    pub measured: Option<MeasuredMetrics>,
}

/// How well a network does on a part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMetrics {
    /// `train`, `valid` or `test`.
    pub part: String,
    /// Number of examples.
    pub rows: usize,
    /// The measurements.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// The record as JSON. Moments are texts, as options take them: numbers that go through JSON need not come back to the
/// bit.
#[derive(Serialize, Deserialize)]
struct StoredRecord {
    inputs: Option<StoredScaling>,
    targets: Option<StoredScaling>,
    columns: Vec<String>,
    task: String,
    classes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    categorical: Vec<Categories>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<Objective>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class_weights: Option<Vec<f32>>,
    measured: Option<MeasuredMetrics>,
}

#[derive(Serialize, Deserialize)]
struct StoredScaling {
    rule: ScalingRule,
    #[serde(default)]
    of: MomentsOf,
    mean: String,
    std: String,
}

impl WeightsRecord {
    /// The name of the entry in a file's metadata.
    pub const KEY: &str = "backdraft";

    /// The record of a network for a data set.
    pub fn of(dataset: &Dataset, measured: Option<MeasuredMetrics>) -> Self {
        let (task, classes) = match &dataset.task {
            Task::Binary { names } => ("binary", names.to_vec()),
            Task::Classification { names } => ("classification", names.clone()),
            Task::Regression => ("regression", Vec::new()),
            Task::NextToken { .. } => ("next-token", Vec::new()),
        };
        Self {
            inputs: dataset.input_scaling.clone(),
            targets: dataset.target_scaling.clone(),
            columns: match dataset.shape {
                ExampleShape::Flat { .. } => dataset.features.clone(),
                _ => Vec::new(),
            },
            task: task.to_owned(),
            classes,
            categorical: dataset.reading.categorical.clone(),
            loss: dataset.loss,
            class_weights: dataset.class_weights.clone(),
            measured,
        }
    }

    /// The record that a file has; none if it is not safetensors, or nobody wrote one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or its record is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Option<Self>, WeightsError> {
        let path = path.as_ref();
        let bytes = contents(path).map_err(|source| WeightsError::Read {
            path: path.to_owned(),
            source,
        })?;
        let Some(text) = entry(&bytes) else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text)
            .map_err(|error| error.to_string())
            .and_then(Self::from_kept);
        record.map(Some).map_err(|reason| WeightsError::Malformed {
            path: path.to_owned(),
            reason: format!("its record of inputs and classes is damaged ({reason})"),
        })
    }

    pub(super) fn encode(&self) -> serde_json::Result<String> {
        serde_json::to_string(&StoredRecord {
            inputs: self.inputs.as_ref().map(StoredScaling::of),
            targets: self.targets.as_ref().map(StoredScaling::of),
            columns: self.columns.clone(),
            task: self.task.clone(),
            classes: self.classes.clone(),
            categorical: self.categorical.clone(),
            loss: self.loss,
            class_weights: self.class_weights.clone(),
            measured: self.measured.clone(),
        })
    }

    fn from_kept(kept: StoredRecord) -> Result<Self, String> {
        Ok(Self {
            inputs: kept.inputs.map(StoredScaling::scaling).transpose()?,
            targets: kept.targets.map(StoredScaling::scaling).transpose()?,
            columns: kept.columns,
            task: kept.task,
            classes: kept.classes,
            categorical: kept.categorical,
            loss: kept.loss,
            class_weights: kept.class_weights,
            measured: kept.measured,
        })
    }
}

impl StoredScaling {
    fn of(scaling: &Scaling) -> Self {
        let list = |of: fn(&Moments) -> f64| {
            let numbers = scaling.moments.iter().map(|it| of(it).to_string());
            numbers.collect::<Vec<_>>().join(",")
        };
        Self {
            rule: scaling.rule,
            of: scaling.of,
            mean: list(|it| it.mean),
            std: list(|it| it.std),
        }
    }

    fn scaling(self) -> Result<Scaling, String> {
        let list = |text: &str| -> Result<Vec<f64>, String> {
            let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
            text.split(',').map(number).collect()
        };
        let (mean, std) = (list(&self.mean)?, list(&self.std)?);
        if mean.len() != std.len() {
            return Err(format!("{} means and {} deviations", mean.len(), std.len()));
        }
        let moments = mean.into_iter().zip(std);
        Ok(Scaling {
            rule: self.rule,
            of: self.of,
            moments: moments.map(|(mean, std)| Moments { mean, std }).collect(),
        })
    }
}

/// The text of the entry in a safetensors header, if there is one.
fn entry(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header: Value = serde_json::from_slice(rest.get(..length)?).ok()?;
    let text = header["__metadata__"][WeightsRecord::KEY].as_str()?;
    Some(text.to_owned())
}
