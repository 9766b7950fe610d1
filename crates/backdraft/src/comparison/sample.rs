//! Small networks with data, the same numbers on every device.

use backdraft_models::{
    AlexNetConfig, Architecture, AutoencoderConfig, LeNetConfig, LogisticRegressionConfig,
    MlpConfig, Objective, OnnxConfig, OnnxError, ResNet20Config, TransformerConfig, Vgg13Config,
    ZooConfig,
    data::{Split, Targets},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Training examples: two batches. Everything is computed of so many at once, for graphics devices take longer to
/// compile a shape than to compute with it.
const EXAMPLES: usize = 2 * BATCH;
pub(super) const BATCH: usize = 12;

const CLASSES: usize = 3;
const WORDS: usize = 11;

/// A small variant of a model, with examples to train on.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The model's sizes, and the seed of its initial weights.
    pub config: ZooConfig,
    /// The examples.
    pub train: Split,
    /// The loss.
    pub objective: Objective,
    /// The seed of everything random.
    pub seed: u64,
}

impl Sample {
    /// The small variant of `model`, with examples drawn from `seed`.
    ///
    /// # Panics
    ///
    /// For [`Architecture::Onnx`], which is no model of the zoo: [`of_onnx`](Self::of_onnx).
    pub fn of(model: Architecture, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (config, columns) = small(model);
        let mut classes = |count| -> Vec<i64> {
            let below = count as i64;
            (0..EXAMPLES).map(|_| rng.random_range(0..below)).collect()
        };
        let targets = Targets::Classes(classes(CLASSES));
        let (features, targets, objective) = match model {
            Architecture::Transformer => {
                let mut words =
                    || -> Vec<i64> { (0..columns).flat_map(|_| classes(WORDS)).collect() };
                let features = words().into_iter().map(|word| word as f32).collect();
                let targets = Targets::Tokens {
                    length: columns,
                    ids: words(),
                };
                (features, targets, Objective::CrossEntropy)
            }
            Architecture::Autoencoder => (
                uniform(&mut rng, EXAMPLES * columns, 0.0),
                targets,
                Objective::Reconstruction,
            ),
            _ => (
                uniform(&mut rng, EXAMPLES * columns, -1.0),
                targets,
                Objective::CrossEntropy,
            ),
        };
        Self {
            config: config.with_seed(seed),
            train: Split {
                rows: EXAMPLES,
                columns,
                features,
                targets,
                origin: (0..EXAMPLES).collect(),
                weights: None,
            },
            objective,
            seed,
        }
    }

    /// The network of an ONNX file, which reads `columns` numbers an example, with examples drawn from `seed`: classes
    /// to be told by all of its outputs, or a number if it has one.
    ///
    /// # Errors
    ///
    /// [`OnnxError`] if the network cannot be run on them.
    pub fn of_onnx(config: OnnxConfig, columns: usize, seed: u64) -> Result<Self, OnnxError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let outputs = config.outputs(columns)?;
        let features = match config.reads_tokens() {
            // Every vocabulary has two words.
            true => (0..EXAMPLES * columns)
                .map(|_| f32::from(rng.random_range(0..2_u8)))
                .collect(),
            false => uniform(&mut rng, EXAMPLES * columns, -1.0),
        };
        let (targets, objective) = match outputs {
            1 => (
                Targets::Values(uniform(&mut rng, EXAMPLES, -1.0)),
                Objective::SquaredError,
            ),
            _ => {
                let classes = (0..EXAMPLES).map(|_| rng.random_range(0..outputs as i64));
                (Targets::Classes(classes.collect()), Objective::CrossEntropy)
            }
        };
        Ok(Self {
            config: ZooConfig::Onnx(config),
            train: Split {
                rows: EXAMPLES,
                columns,
                features,
                targets,
                origin: (0..EXAMPLES).collect(),
                weights: None,
            },
            objective,
            seed,
        })
    }

    /// Which model it is a variant of.
    pub fn model(&self) -> Architecture {
        self.config.model()
    }

    /// Numbers in (-1, 1), the same for the same `stream`.
    pub(super) fn numbers(&self, count: usize, stream: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        uniform(&mut rng, count, -1.0)
    }
}

/// Numbers from `from` to 1.
fn uniform(rng: &mut ChaCha8Rng, count: usize, from: f32) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(from..1.0)).collect()
}

/// The model with few units, and the numbers of one input.
fn small(model: Architecture) -> (ZooConfig, usize) {
    const CHANNELS: usize = 2;
    let pixels = |side: usize| CHANNELS * side * side;
    match model {
        Architecture::LogisticRegression => {
            let config = LogisticRegressionConfig::new(12, CLASSES);
            (ZooConfig::LogisticRegression(config), 12)
        }
        Architecture::Mlp => {
            let config = MlpConfig::new(12, CLASSES).with_hidden(vec![16, 8]);
            (ZooConfig::Mlp(config), 12)
        }
        Architecture::Autoencoder => {
            let config = AutoencoderConfig::new().with_widths(vec![20, 12, 6]);
            (ZooConfig::Autoencoder(config), 20)
        }
        Architecture::LeNet => {
            let config = LeNetConfig::new()
                .with_channels(CHANNELS)
                .with_height(12)
                .with_width(12)
                .with_outputs(CLASSES);
            (ZooConfig::LeNet(config), pixels(12))
        }
        Architecture::AlexNet => {
            let config = AlexNetConfig::new()
                .with_channels(CHANNELS)
                .with_height(12)
                .with_width(12)
                .with_widths([3, 4, 5, 4, 3])
                .with_outputs(CLASSES);
            (ZooConfig::AlexNet(config), pixels(12))
        }
        Architecture::Vgg13 => {
            let config = Vgg13Config::new()
                .with_channels(CHANNELS)
                .with_height(8)
                .with_width(8)
                .with_widths([2, 3, 3, 4, 4])
                .with_outputs(CLASSES);
            (ZooConfig::Vgg13(config), pixels(8))
        }
        Architecture::ResNet20 => {
            let config = ResNet20Config::new()
                .with_channels(CHANNELS)
                .with_height(8)
                .with_width(8)
                .with_widths([2, 3, 5])
                .with_outputs(CLASSES);
            (ZooConfig::ResNet20(config), pixels(8))
        }
        Architecture::Transformer => {
            let config = TransformerConfig::new()
                .with_vocabulary(WORDS)
                .with_length(6)
                .with_width(8)
                .with_hidden(12);
            (ZooConfig::Transformer(config), 6)
        }
        Architecture::Onnx => panic!("a network of an ONNX file is no variant of a model"),
    }
}
