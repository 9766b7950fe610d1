//! The transformer language model.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Embedding, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Bool, Device, Int, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::layers::{embedding, linear};

/// Standard deviation of the initial vectors of words and places (Radford et al. 2019).
const EMBEDDING_STD: f64 = 0.02;

/// Configuration of a [`Transformer`].
#[derive(Config, Debug)]
pub struct TransformerConfig {
    /// Number of different words.
    #[config(default = 10_000)]
    pub vocabulary: usize,
    /// Most words in a sequence.
    #[config(default = 35)]
    pub length: usize,
    /// Number of layers.
    #[config(default = 2)]
    pub layers: usize,
    /// Numbers that stand for a word between layers; a multiple of `heads`.
    #[config(default = 256)]
    pub width: usize,
    /// Number of attention heads.
    #[config(default = 2)]
    pub heads: usize,
    /// Units in the middle of a layer's perceptron.
    #[config(default = 1024)]
    pub hidden: usize,
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// A language model: predicts each next word from the words before it (Vaswani et al. 2017, the decoder alone), with
/// the normalisation before each part of a layer, GELU, and learned places. Words in and words out have weights of
/// their own. 6,718,992 parameters with the defaults.
#[derive(Module, Debug)]
pub struct Transformer {
    words: Embedding,
    places: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    output: Linear,
}

impl TransformerConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a size is zero, or the width is not a multiple of the number of heads.
    pub fn init(&self, device: &Device) -> Transformer {
        assert!(
            self.heads > 0 && self.width.is_multiple_of(self.heads),
            "the width must be a multiple of the number of heads, got {} and {}",
            self.width,
            self.heads
        );
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let rng = &mut rng;
        Transformer {
            words: embedding(self.vocabulary, self.width, EMBEDDING_STD, rng, device),
            places: embedding(self.length, self.width, EMBEDDING_STD, rng, device),
            layers: (0..self.layers)
                .map(|_| Layer::new(self, rng, device))
                .collect(),
            norm: LayerNormConfig::new(self.width).init(device),
            output: linear(self.width, self.vocabulary, rng, device),
        }
    }
}

impl Transformer {
    /// From words `[batch, sequence]` to the logits of each word's successor, `[batch, sequence * vocabulary]`: one row
    /// a sequence, place by place.
    ///
    /// # Panics
    ///
    /// If the sequence is longer than the configured length.
    pub fn forward(&self, words: Tensor<2, Int>) -> Tensor<2> {
        self.predict(words).flatten(1, 2)
    }

    /// The same with a dimension for places: `[batch, sequence, vocabulary]`.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn predict(&self, words: Tensor<2, Int>) -> Tensor<3> {
        let [_, sequence] = words.dims();
        let places = self.places.weight.val();
        assert!(
            sequence <= places.dims()[0],
            "a sequence of {sequence} words is longer than the {} places of the model",
            places.dims()[0]
        );
        let device = words.device();
        let places = places.slice(0..sequence).unsqueeze_dim(0);
        let later = Tensor::<2, Bool>::tril_mask([sequence, sequence], 0, &device);
        let x = self.words.forward(words) + places;
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| layer.forward(x, &later));
        self.output.forward(self.norm.forward(x))
    }
}

/// Attention and a perceptron, each added to its input.
#[derive(Module, Debug)]
struct Layer {
    attention_norm: LayerNorm,
    attention: Attention,
    perceptron_norm: LayerNorm,
    up: Linear,
    down: Linear,
}

impl Layer {
    fn new(config: &TransformerConfig, rng: &mut impl Rng, device: &Device) -> Self {
        let width = config.width;
        Self {
            attention_norm: LayerNormConfig::new(width).init(device),
            attention: Attention {
                inputs: linear(width, 3 * width, rng, device),
                output: linear(width, width, rng, device),
                heads: config.heads,
            },
            perceptron_norm: LayerNormConfig::new(width).init(device),
            up: linear(width, config.hidden, rng, device),
            down: linear(config.hidden, width, rng, device),
        }
    }

    fn forward(&self, x: Tensor<3>, later: &Tensor<2, Bool>) -> Tensor<3> {
        let attended = self
            .attention
            .forward(self.attention_norm.forward(x.clone()), later);
        let x = x + attended;
        let hidden = gelu(self.up.forward(self.perceptron_norm.forward(x.clone())));
        x + self.down.forward(hidden)
    }
}

/// Causal self-attention with several heads.
#[derive(Module, Debug)]
struct Attention {
    /// Queries, keys and values of all heads in one.
    inputs: Linear,
    output: Linear,
    heads: usize,
}

impl Attention {
    fn forward(&self, x: Tensor<3>, later: &Tensor<2, Bool>) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        let size = width / self.heads;
        let all = self.inputs.forward(x);
        // [batch, heads, sequence, size]
        let part = |index: usize| {
            let (from, to) = (index * width, (index + 1) * width);
            all.clone()
                .slice([0..batch, 0..sequence, from..to])
                .reshape([batch, sequence, self.heads, size])
                .swap_dims(1, 2)
        };
        let [queries, keys, values] = [0, 1, 2].map(part);
        let agreement = (queries * (1.0 / (size as f64).sqrt())).matmul(keys.swap_dims(2, 3));
        let mask = later
            .clone()
            .unsqueeze::<4>()
            .expand([batch, self.heads, sequence, sequence]);
        let weights = softmax(agreement.mask_fill(mask, f32::NEG_INFINITY), 3);
        let attended = weights
            .matmul(values)
            .swap_dims(1, 2)
            .reshape([batch, sequence, width]);
        self.output.forward(attended)
    }
}
