//! Attention, transformers and encodings of positions.

use burn::{
    nn::{
        Embedding, EmbeddingConfig, Linear, LinearConfig, PositionalEncoding,
        PositionalEncodingConfig, RotaryEncoding, RotaryEncodingConfig,
        activation::ActivationConfig,
        attention::{
            CrossAttention, CrossAttentionConfig, MhaInput, MultiHeadAttention,
            MultiHeadAttentionConfig, generate_autoregressive_mask,
        },
        transformer::{
            PositionWiseFeedForward, PositionWiseFeedForwardConfig, TransformerDecoder,
            TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
            TransformerEncoderConfig, TransformerEncoderInput,
        },
    },
    tensor::{Bool, Int, Tensor, TensorData, activation::tanh},
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

/// Sequences of three vectors of six features, in two heads.
const LENGTH: usize = 3;
const MODEL: usize = 6;
const HEADS: usize = 2;

type Attending = fn(&MultiHeadAttention, Tensor<3>) -> Tensor<3>;

fn attention(name: &str, config: MultiHeadAttentionConfig, forward: Attending) -> Row {
    let module = config.init(&device());
    // Scores are divided by the root of three.
    Row::new(name, module, inputs([N, LENGTH, MODEL]), forward).burn_divides_in_f32()
}

fn plain() -> MultiHeadAttentionConfig {
    MultiHeadAttentionConfig::new(MODEL, HEADS).with_dropout(0.0)
}

/// The last position of each sequence is padding.
fn padding(x: &Tensor<3>) -> Tensor<2, Bool> {
    let [batch, length, _] = x.dims();
    let last = (0..batch * length).map(|i| i % length == length - 1);
    let data = TensorData::new(last.collect::<Vec<bool>>(), [batch, length]);
    Tensor::from_data(data, &x.device())
}

fn causal(x: &Tensor<3>) -> Tensor<3, Bool> {
    let [batch, length, _] = x.dims();
    generate_autoregressive_mask(batch, length, &x.device())
}

fn attentions() -> Vec<Row> {
    vec![
        attention("multi-head attention", plain(), |m, x| {
            m.forward(MhaInput::self_attn(x)).context
        }),
        attention("multi-head attention, causal", plain(), |m, x| {
            let mask = causal(&x);
            m.forward(MhaInput::self_attn(x).mask_attn(mask)).context
        }),
        attention("multi-head attention, padded", plain(), |m, x| {
            let mask = padding(&x);
            m.forward(MhaInput::self_attn(x).mask_pad(mask)).context
        }),
        attention(
            "multi-head attention, quiet",
            plain().with_quiet_softmax(true),
            |m, x| m.forward(MhaInput::self_attn(x)).context,
        ),
        attention("multi-head attention across", plain(), |m, x| {
            let other = x.clone().slice([0..x.dims()[0], 0..2]) * 0.7;
            m.forward(MhaInput::new(x, other.clone(), tanh(other)))
                .context
        }),
        attention("multi-head attention, weights", plain(), |m, x| {
            m.forward(MhaInput::self_attn(x)).weights.flatten(1, 2)
        }), // The value and output layers do not matter, and Burn has no gradient of them.
        Row::new(
            "cross attention with shared heads",
            CrossAttentionConfig::new(MODEL, 4, 4, 2, 3)
                .with_dropout(0.0)
                .init(&device()),
            inputs([N, LENGTH, MODEL]),
            |m: &CrossAttention, x: Tensor<3>| {
                let [batch, length, _] = x.dims();
                let context = x.clone().slice([0..batch, 0..length, 1..5]);
                let mask = padding(&x);
                m.forward(x, context, Some(mask))
            },
        ),
    ]
}

fn encoder(name: &str, config: TransformerEncoderConfig, masked: bool) -> Row {
    let module = config.with_dropout(0.0).init(&device());
    let forward = move |m: &TransformerEncoder, x: Tensor<3>| {
        let (causal, padding) = (causal(&x), padding(&x));
        let input = TransformerEncoderInput::new(x);
        m.forward(if masked {
            input.mask_attn(causal).mask_pad(padding)
        } else {
            input
        })
    };
    // Scores are divided by the root of three.
    Row::new(name, module, inputs([N, LENGTH, MODEL]), forward).burn_divides_in_f32()
}

fn decoder(name: &str, config: TransformerDecoderConfig) -> Row {
    let module = config.with_dropout(0.0).init(&device());
    let forward = |m: &TransformerDecoder, x: Tensor<3>| {
        let memory = x.clone().slice([0..x.dims()[0], 0..2]) * 0.7;
        let (causal, padding) = (causal(&x), padding(&memory));
        let input = TransformerDecoderInput::new(x, memory);
        m.forward(input.target_mask_attn(causal).memory_mask_pad(padding))
    };
    // Scores are divided by the root of three.
    Row::new(name, module, inputs([N, LENGTH, MODEL]), forward).burn_divides_in_f32()
}

/// Burn's gradient of gelu, the default here, is an approximation.
fn transformers() -> Vec<Row> {
    let small = || TransformerEncoderConfig::new(MODEL, 5, HEADS, 1);
    let deep = || TransformerEncoderConfig::new(MODEL, 4, HEADS, 2);
    let decoding = || TransformerDecoderConfig::new(MODEL, 5, HEADS, 1);
    vec![
        encoder(
            "transformer encoder",
            small().with_activation(ActivationConfig::Tanh),
            false,
        ),
        encoder("transformer encoder with gelu", small(), false).burn_within(1e-2),
        encoder(
            "transformer encoder, norms first, masked",
            deep()
                .with_norm_first(true)
                .with_activation(ActivationConfig::Sigmoid),
            true,
        ),
        decoder(
            "transformer decoder",
            decoding().with_activation(ActivationConfig::Tanh),
        ),
        decoder(
            "transformer decoder, norms first",
            decoding().with_norm_first(true),
        )
        .burn_within(1e-2),
        Row::new(
            "position-wise feed-forward",
            PositionWiseFeedForwardConfig::new(MODEL, 4)
                .with_dropout(0.0)
                .init(&device()),
            inputs([N, LENGTH, MODEL]),
            |m: &PositionWiseFeedForward, x: Tensor<3>| m.forward(x),
        )
        .burn_within(1e-2),
    ]
}

fn positions() -> Vec<Row> {
    let device = &device();
    let tokens: Vec<i64> = (0..(LENGTH * N) as i64).map(|i| i * i % 5).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [N, LENGTH]), device);
    vec![
        Row::new(
            "positional encoding of an embedding",
            (
                EmbeddingConfig::new(5, 4).init(device),
                PositionalEncodingConfig::new(4)
                    .with_max_sequence_size(8)
                    .init(device),
                LinearConfig::new(4, 2).init(device),
            ),
            tokens,
            |m: &(Embedding, PositionalEncoding, Linear), x: Tensor<2, Int>| {
                m.2.forward(tanh(m.1.forward(m.0.forward(x))))
            },
        ),
        Row::new(
            "rotary encoding",
            (
                LinearConfig::new(MODEL, 4).init(device),
                LinearConfig::new(MODEL, 4).init(device),
                RotaryEncodingConfig::new(8, 4).init(device),
            ),
            inputs([N, LENGTH, MODEL]),
            |m: &(Linear, Linear, RotaryEncoding), x: Tensor<3>| {
                let (a, b) = (m.0.forward(x.clone()), m.1.forward(x));
                m.2.forward(a).matmul(m.2.forward(b).transpose())
            },
        ),
    ]
}

#[test]
fn attention_layers() {
    check::all(attentions());
}

#[test]
fn transformer_layers() {
    check::all(transformers());
}

#[test]
fn encodings_of_positions() {
    check::all(positions());
}
