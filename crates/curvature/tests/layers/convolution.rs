//! Convolutions and their transposes, strided, dilated, padded and grouped, and what takes patches apart and together.

use burn::{
    nn::{
        Fold4dConfig, PaddingConfig1d, PaddingConfig2d, PaddingConfig3d, PixelShuffleConfig,
        PixelUnshuffleConfig, Unfold4dConfig,
        conv::{
            Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvTranspose1d,
            ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig, ConvTranspose3d,
            ConvTranspose3dConfig, DeformConv2d, DeformConv2dConfig,
        },
    },
    tensor::{
        Tensor,
        activation::{sigmoid, tanh},
    },
};

use crate::{
    check,
    row::{N, Row, device, inputs, tensor},
};

/// Two layers with a tanh between, so that the second one's input depends on parameters.
fn conv1d(name: &str, first: Conv1dConfig, second: Conv1dConfig) -> Row {
    let module = (first.init(&device()), second.init(&device()));
    Row::new(
        name,
        module,
        inputs([N, 2, 7]),
        |m: &(Conv1d, Conv1d), x: Tensor<3>| m.1.forward(tanh(m.0.forward(x))),
    )
}

fn conv2d(name: &str, first: Conv2dConfig, second: Conv2dConfig) -> Row {
    let module = (first.init(&device()), second.init(&device()));
    Row::new(
        name,
        module,
        inputs([N, 2, 5, 6]),
        |m: &(Conv2d, Conv2d), x: Tensor<4>| m.1.forward(tanh(m.0.forward(x))),
    )
}

fn conv3d(name: &str, first: Conv3dConfig, second: Conv3dConfig) -> Row {
    let module = (first.init(&device()), second.init(&device()));
    Row::new(
        name,
        module,
        inputs([N, 2, 3, 4, 3]),
        |m: &(Conv3d, Conv3d), x: Tensor<5>| m.1.forward(tanh(m.0.forward(x))),
    )
}

fn transpose1d(name: &str, second: ConvTranspose1dConfig) -> Row {
    let first = ConvTranspose1dConfig::new([2, 2], 2);
    let module = (first.init(&device()), second.init(&device()));
    let forward =
        |m: &(ConvTranspose1d, ConvTranspose1d), x: Tensor<3>| m.1.forward(tanh(m.0.forward(x)));
    Row::new(name, module, inputs([N, 2, 3]), forward)
}

fn transpose2d(name: &str, second: ConvTranspose2dConfig) -> Row {
    let first = ConvTranspose2dConfig::new([2, 2], [2, 1]);
    let module = (first.init(&device()), second.init(&device()));
    let forward =
        |m: &(ConvTranspose2d, ConvTranspose2d), x: Tensor<4>| m.1.forward(tanh(m.0.forward(x)));
    Row::new(name, module, inputs([N, 2, 2, 3]), forward)
}

fn transpose3d(name: &str, second: ConvTranspose3dConfig) -> Row {
    let first = ConvTranspose3dConfig::new([2, 2], [1, 2, 1]);
    let module = (first.init(&device()), second.init(&device()));
    let forward =
        |m: &(ConvTranspose3d, ConvTranspose3d), x: Tensor<5>| m.1.forward(tanh(m.0.forward(x)));
    Row::new(name, module, inputs([N, 2, 2, 2, 2]), forward)
}

/// A convolution to four channels, then `f`.
fn image<const E: usize>(name: &str, f: fn(Tensor<4>) -> Tensor<E>) -> Row {
    let module = Conv2dConfig::new([2, 4], [2, 3]).init(&device());
    Row::new(
        name,
        module,
        inputs([N, 2, 5, 6]),
        move |m: &Conv2d, x: Tensor<4>| f(tanh(m.forward(x))),
    )
}

fn convolutions() -> Vec<Row> {
    let one = Conv1dConfig::new;
    let two = Conv2dConfig::new;
    let three = Conv3dConfig::new;
    vec![
        conv1d("conv1d", one(2, 3, 3), one(3, 2, 2).with_bias(false)),
        conv1d(
            "conv1d, strided, dilated and grouped",
            one(2, 4, 3)
                .with_dilation(2)
                .with_padding(PaddingConfig1d::Explicit(2, 2)),
            one(4, 2, 3).with_stride(2).with_groups(2),
        ),
        conv1d(
            "conv1d, padded unevenly",
            one(2, 2, 3).with_padding(PaddingConfig1d::Explicit(0, 2)),
            one(2, 2, 2).with_padding(PaddingConfig1d::Same),
        ),
        conv2d(
            "conv2d",
            two([2, 3], [3, 2]),
            two([3, 2], [2, 3]).with_bias(false),
        ),
        conv2d(
            "conv2d, strided and dilated",
            two([2, 3], [2, 3]).with_dilation([2, 1]),
            two([3, 2], [2, 2]).with_stride([2, 3]),
        ),
        conv2d(
            "conv2d, grouped",
            two([2, 4], [2, 2]).with_groups(2),
            two([4, 4], [3, 2]).with_groups(4).with_stride([1, 2]),
        ),
        conv2d(
            "conv2d, padded unevenly",
            two([2, 2], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 0, 2, 1)),
            two([2, 2], [2, 3]).with_padding(PaddingConfig2d::Same),
        ),
        conv3d("conv3d", three([2, 3], [2, 2, 1]), three([3, 2], [1, 2, 2])),
        conv3d(
            "conv3d, strided, dilated, padded and grouped",
            three([2, 4], [2, 2, 2])
                .with_dilation([1, 2, 1])
                .with_padding(PaddingConfig3d::Explicit(1, 0, 1)),
            three([4, 2], [2, 1, 2])
                .with_stride([2, 1, 2])
                .with_groups(2)
                .with_bias(false),
        ),
    ]
}

fn transposes() -> Vec<Row> {
    vec![
        transpose1d("conv_transpose1d", ConvTranspose1dConfig::new([2, 3], 3)),
        transpose1d(
            "conv_transpose1d, strided, dilated, padded and grouped",
            ConvTranspose1dConfig::new([2, 4], 3)
                .with_stride(3)
                .with_dilation(2)
                .with_padding(1)
                .with_padding_out(2)
                .with_groups(2),
        ),
        transpose2d(
            "conv_transpose2d",
            ConvTranspose2dConfig::new([2, 3], [2, 3]).with_bias(false),
        ),
        transpose2d(
            "conv_transpose2d, strided, dilated, padded and grouped",
            ConvTranspose2dConfig::new([2, 4], [3, 2])
                .with_stride([2, 3])
                .with_dilation([2, 1])
                .with_padding([1, 1])
                .with_padding_out([1, 2])
                .with_groups(2),
        ),
        transpose3d(
            "conv_transpose3d",
            ConvTranspose3dConfig::new([2, 2], [2, 1, 2]),
        ),
        transpose3d(
            "conv_transpose3d, strided, padded and grouped",
            ConvTranspose3dConfig::new([2, 2], [2, 2, 1])
                .with_stride([2, 1, 3])
                .with_padding([1, 0, 0])
                .with_padding_out([1, 0, 2])
                .with_groups(2),
        ),
    ]
}

fn patches() -> Vec<Row> {
    vec![
        image("unfold4d", |x| {
            let unfold = Unfold4dConfig::new([2, 2])
                .with_stride([2, 1])
                .with_padding([0, 1]);
            unfold.init().forward(x)
        }),
        image("unfold4d, dilated", |x| {
            Unfold4dConfig::new([2, 2])
                .with_dilation([2, 1])
                .init()
                .forward(x)
        }),
        // 4 x 4 positions, four channels: one channel of 2 x 2 patches.
        image("fold4d", |x| {
            Fold4dConfig::new([5, 5], [2, 2])
                .init()
                .forward(x.flatten(2, 3))
        }),
        image("pixel shuffle", |x| {
            PixelShuffleConfig::new(2).init().forward(x)
        }),
        image("pixel unshuffle", |x| {
            PixelUnshuffleConfig::new(2).init().forward(x)
        }),
    ]
}

fn deformables() -> Vec<Row> {
    let device = &device();
    let given = DeformConv2dConfig::new([2, 2], [2, 2])
        .with_offset_groups(2)
        .init(device);
    let learned = DeformConv2dConfig::new([2, 4], [2, 3])
        .with_weight_groups(2)
        .with_stride([2, 1])
        .with_dilation([1, 2])
        .with_padding(PaddingConfig2d::Explicit(1, 2, 1, 2))
        .with_bias(false)
        .init(device);
    let offsets = Conv2dConfig::new([2, 12], [2, 1]).init(device);
    let mask = Conv2dConfig::new([2, 6], [2, 1]).init(device);
    vec![
        Row::new(
            "deformable conv2d with given offsets",
            (given, Conv2dConfig::new([2, 2], [2, 2]).init(device)),
            inputs([N, 2, 4, 5]),
            |m: &(DeformConv2d, Conv2d), x: Tensor<4>| {
                let [batch, ..] = x.dims();
                let device = x.device();
                let given = |channels| {
                    let one = tensor([1, channels, 3, 4], 63).to_device(&device);
                    one.expand([batch, channels, 3, 4])
                };
                m.1.forward(tanh(m.0.forward(x, given(16), Some(given(8)))))
            },
        )
        // Burn differentiates it in f32.
        .burn_within(1e-6),
        Row::new(
            "deformable conv2d with learned offsets and mask",
            (learned, offsets, mask),
            inputs([N, 2, 4, 5]),
            |m: &(DeformConv2d, Conv2d, Conv2d), x: Tensor<4>| {
                // Offsets and mask of 3 x 5 positions, by convolutions that see the same cells.
                let (offsets, mask) = (m.1.forward(x.clone()), sigmoid(m.2.forward(x.clone())));
                m.0.forward(x, offsets * 0.9, Some(mask))
            },
        )
        .burn_within(1e-6),
    ]
}

#[test]
fn convolution_layers() {
    check::all(convolutions());
}

#[test]
fn transposed_convolutions() {
    check::all(transposes());
}

#[test]
fn patches_apart_and_together() {
    check::all(patches());
}

#[test]
fn deformable_convolutions() {
    check::all(deformables());
}
