//! The paper's settings, whole or scaled down.

use backdraft_models::{
    Architecture, Preset, Schedule, TrainConfig, ZooConfig,
    data::{Dataset, Task},
};
use serde::Serialize;

/// Units in a hidden layer of the quick MLP for classes, an eighth of the paper's.
const WIDTH: usize = 128;

/// Settings of appendix E of Bae et al. (2022), divided by stated factors.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ScaledSettings {
    /// What the paper's passes over the data were divided by.
    pub epochs_divisor: usize,
    /// What the width of its hidden layers was divided by.
    pub width_divisor: usize,
    /// What the depth of LiSSA's recursion was divided by.
    pub depth_divisor: usize,
    #[serde(skip)]
    pub network: ZooConfig,
    #[serde(skip)]
    pub training: TrainConfig,
    /// The strength of the proximal term.
    #[serde(skip)]
    pub damping: f64,
    /// The most steps of LiSSA's recursion.
    #[serde(skip)]
    pub depth: usize,
}

impl ScaledSettings {
    /// Of the paper's network.
    pub fn paper(preset: Preset, model: Architecture, dataset: &Dataset) -> Self {
        Self::of(preset, Preset::Paper.network(model, dataset), dataset)
    }

    /// Of the paper's `network` for the data, or of one of an ONNX file.
    pub fn of(preset: Preset, mut network: ZooConfig, dataset: &Dataset) -> Self {
        let model = network.model();
        let mut training = Preset::Paper.training(model, dataset);
        let depth = match model {
            Architecture::LogisticRegression | Architecture::Mlp | Architecture::Transformer => {
                5_000
            }
            _ => 10_000,
        };
        let (epochs_divisor, depth_divisor) = match (preset, model) {
            (Preset::Paper, _) | (_, Architecture::LogisticRegression) => (1, 1),
            // Its training is not the paper's.
            (_, Architecture::Onnx) => (1, 20),
            (_, Architecture::Mlp) => (10, 10),
            (_, Architecture::Autoencoder) => (100, 20),
            (_, Architecture::Transformer) => (5, 50),
            _ => (20, 20),
        };
        let mut width_divisor = 1;
        if let ZooConfig::Mlp(config) = &mut network
            && preset == Preset::Quick
            && dataset.task != Task::Regression
        {
            width_divisor = config.hidden[0] / WIDTH;
            config.hidden.fill(WIDTH);
        }
        training.epochs /= epochs_divisor;
        if let Schedule::Steps { epochs, .. } = &mut training.schedule {
            epochs.iter_mut().for_each(|epoch| *epoch /= epochs_divisor);
        }
        Self {
            epochs_divisor,
            width_divisor,
            depth_divisor,
            network,
            training,
            damping: if model == Architecture::Transformer {
                0.01
            } else {
                0.001
            },
            depth: depth / depth_divisor,
        }
    }

    /// Units in a hidden layer, of an MLP.
    pub fn width(&self) -> Option<usize> {
        match &self.network {
            ZooConfig::Mlp(config) => config.hidden.first().copied(),
            _ => None,
        }
    }

    /// The factors, in words; none if there are none.
    pub fn describe(&self) -> Option<String> {
        let divided = |divisor, what| (divisor > 1).then(|| format!("{what} / {divisor}"));
        let parts: Vec<String> = [
            divided(self.epochs_divisor, "passes"),
            divided(self.width_divisor, "width"),
            divided(self.depth_divisor, "LiSSA's depth"),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!parts.is_empty())
            .then(|| format!("scaled from the paper's settings: {}", parts.join(", ")))
    }
}
