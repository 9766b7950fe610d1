//! Normalizations between two layers.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, BatchNormConfig, GroupNorm, GroupNormConfig, Identity, InstanceNorm,
        InstanceNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
        LocalResponseNormConfig, RmsNorm, RmsNormConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Tensor, activation::tanh},
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

/// A dense layer, then `norm`.
fn features<M: Module + Sync + 'static>(
    name: &str,
    norm: M,
    forward: fn(&M, Tensor<2>) -> Tensor<2>,
) -> Row {
    let module = (LinearConfig::new(3, 6).init(&device()), norm);
    Row::new(
        name,
        module,
        inputs([N, 3]),
        move |m: &(Linear, M), x: Tensor<2>| tanh(forward(&m.1, m.0.forward(x))),
    )
}

/// A convolution to four channels, then `norm`.
fn image<M: Module + Sync + 'static>(
    name: &str,
    norm: M,
    forward: fn(&M, Tensor<4>) -> Tensor<4>,
) -> Row {
    let module = (Conv2dConfig::new([2, 4], [2, 2]).init(&device()), norm);
    Row::new(
        name,
        module,
        inputs([N, 2, 3, 4]),
        move |m: &(Conv2d, M), x: Tensor<4>| tanh(forward(&m.1, m.0.forward(x))),
    )
}

/// Batch norm that does not learn statistics, so that Burn differentiates what a model evaluates.
fn frozen(channels: usize) -> BatchNorm {
    let mut norm = BatchNormConfig::new(channels).init(&device());
    norm.training = Param::from_bool(false);
    norm
}

fn rows() -> Vec<Row> {
    let device = &device();
    vec![
        features("batch norm of features", frozen(6), |m: &BatchNorm, x| {
            m.forward(x)
        }),
        image("batch norm of images", frozen(4), |m: &BatchNorm, x| {
            m.forward(x)
        }),
        image(
            "batch norm in training, evaluated as in inference",
            BatchNormConfig::new(4).init(device),
            |m: &BatchNorm, x| m.forward(x),
        )
        // Burn takes the batch's own statistics.
        .without_burn(),
        features(
            "layer norm",
            LayerNormConfig::new(6).init(device),
            |m: &LayerNorm, x| m.forward(x),
        ),
        image(
            "layer norm without bias, of images",
            LayerNormConfig::new(3).with_bias(false).init(device),
            |m: &LayerNorm, x| m.forward(x),
        ),
        features(
            "rms norm",
            RmsNormConfig::new(6).init(device),
            |m: &RmsNorm, x| m.forward(x),
        )
        .in_f32(),
        image(
            "group norm",
            GroupNormConfig::new(2, 4).init(device),
            |m: &GroupNorm, x| m.forward(x),
        ),
        image(
            "group norm without parameters",
            GroupNormConfig::new(2, 4).with_affine(false).init(device),
            |m: &GroupNorm, x| m.forward(x),
        ),
        image(
            "instance norm",
            InstanceNormConfig::new(4).init(device),
            |m: &InstanceNorm, x| m.forward(x),
        ),
        image("local response norm", Identity::new(), |_: &Identity, x| {
            LocalResponseNormConfig::new(3)
                .with_alpha(0.5)
                .init()
                .forward(x)
        }),
    ]
}

#[test]
fn normalizations() {
    check::all(rows());
}
