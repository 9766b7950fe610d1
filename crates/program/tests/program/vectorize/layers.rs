//! Layers and the operations of their reverse passes.

use burn::{
    Tensor,
    backend::DispatchTensor,
    module::Module,
    nn::{
        EmbeddingConfig, GateController, Initializer, LayerNormConfig, LinearConfig,
        attention::{MhaInput, MultiHeadAttentionConfig},
        conv::Conv2dConfig,
        pool::MaxPool2dConfig,
    },
    tensor::{
        activation, module,
        ops::{
            AttentionModuleOptions, AvgPoolOptions, ConvOptions, ConvTransposeOptions,
            DeformConvOptions, GridSampleOptions, InterpolateMode, InterpolateOptions,
            MaxPoolOptions, UnfoldOptions,
        },
    },
};

use super::common::*;
use crate::common::widened;

fn one<const D: usize>(tensor: Tensor<D>) -> Vec<DispatchTensor> {
    vec![tensor.into_dispatch()]
}

#[test]
fn linear() {
    check_derivatives(&[float([4, 3]), float([3, 2]), float([2])], |x| {
        one(module::linear(f::<2>(&x[0]), f(&x[1]), Some(f(&x[2]))))
    });
    check_derivatives(&[float([2, 4, 3]), float([3, 2])], |x| {
        one(module::linear(f::<3>(&x[0]), f(&x[1]), None))
    });
    check(&[float([3]), float([3, 2]), float([2])], |x| {
        one(module::linear(f::<1>(&x[0]), f(&x[1]), Some(f(&x[2]))))
    });
}

#[test]
fn convolution_in_one_dimension() {
    for groups in [1, 2] {
        let inputs = [float([2, 4, 6]), float([6, 4 / groups, 3]), float([6])];
        check_derivatives(&inputs, |x| {
            let options = ConvOptions::new([2], [1], [1], groups);
            one(module::conv1d(f(&x[0]), f(&x[1]), Some(f(&x[2])), options))
        });
    }
}

#[test]
fn convolution_in_two_dimensions() {
    for groups in [1, 2] {
        let inputs = [
            float([2, 4, 5, 4]),
            float([6, 4 / groups, 3, 2]),
            float([6]),
        ];
        check_derivatives(&inputs, |x| {
            let options = ConvOptions::new([2, 1], [1, 0], [1, 2], groups);
            one(module::conv2d(f(&x[0]), f(&x[1]), Some(f(&x[2])), options))
        });
    }
    let asymmetric = ConvOptions::new_with_padding([1, 1], [(0, 1), (2, 1)], [1, 1], 1);
    check_derivatives(&[float([2, 2, 3, 3]), float([3, 2, 2, 2])], |x| {
        one(module::conv2d(f(&x[0]), f(&x[1]), None, asymmetric))
    });
}

#[test]
fn convolution_in_three_dimensions() {
    let inputs = [float([2, 2, 3, 3, 3]), float([2, 1, 2, 2, 2]), float([2])];
    check_derivatives(&inputs, |x| {
        let options = ConvOptions::new([1, 1, 1], [0, 1, 0], [1, 1, 1], 2);
        one(module::conv3d(f(&x[0]), f(&x[1]), Some(f(&x[2])), options))
    });
}

#[test]
fn transposed_convolution() {
    for groups in [1, 2] {
        let inputs = [float([2, 4, 3]), float([4, 6 / groups, 2]), float([6])];
        check_derivatives(&inputs, |x| {
            let options = ConvTransposeOptions::new([2], [1], [1], [1], groups);
            let (x, weight, bias) = (f(&x[0]), f(&x[1]), f(&x[2]));
            one(module::conv_transpose1d(x, weight, Some(bias), options))
        });
        let inputs = [
            float([2, 4, 3, 2]),
            float([4, 2 / groups, 2, 2]),
            float([2]),
        ];
        check_derivatives(&inputs, |x| {
            let options = ConvTransposeOptions::new([1, 2], [0, 1], [0, 1], [1, 1], groups);
            let (x, weight, bias) = (f(&x[0]), f(&x[1]), f(&x[2]));
            one(module::conv_transpose2d(x, weight, Some(bias), options))
        });
    }
    let inputs = [float([1, 2, 2, 2, 2]), float([2, 2, 2, 2, 2])];
    check_derivatives(&inputs, |x| {
        let options = ConvTransposeOptions::new([1; 3], [0; 3], [0; 3], [1; 3], 1);
        one(module::conv_transpose3d(f(&x[0]), f(&x[1]), None, options))
    });
}

#[test]
fn deformable_convolution() {
    let inputs = [
        float([1, 2, 4, 4]),
        float([1, 8, 3, 3]),
        float([3, 2, 2, 2]),
        positive([1, 4, 3, 3]),
        float([3]),
    ];
    // Flex computes these in f32.
    let program = trace(&inputs, |x| {
        let options = DeformConvOptions::new([1, 1], [0, 0], [1, 1], 1, 1);
        let (mask, bias) = (Some(f(&x[3])), Some(f(&x[4])));
        let (input, offset, weight) = (f(&x[0]), f(&x[1]), f(&x[2]));
        one(module::deform_conv2d(
            input, offset, weight, mask, bias, options,
        ))
    });
    check_program_to(1e-6, &program, &inputs);
}

#[test]
fn average_pools() {
    check_derivatives(&[float([2, 3, 6])], |x| {
        let options = AvgPoolOptions::new([3]).with_stride([2]).with_padding([1]);
        one(module::avg_pool1d(f(&x[0]), options))
    });
    check_derivatives(&[float([2, 3, 6, 5])], |x| {
        let x = f::<4>(&x[0]);
        let options = AvgPoolOptions::new([3, 2])
            .with_stride([2, 1])
            .with_padding([1, 0]);
        vec![
            module::avg_pool2d(x.clone(), options).into_dispatch(),
            module::adaptive_avg_pool2d(x, [3, 2]).into_dispatch(),
        ]
    });
    check_derivatives(&[float([2, 3, 6])], |x| {
        one(module::adaptive_avg_pool1d(f(&x[0]), 4))
    });
    check_derivatives(&[float([2, 2, 3, 4, 3])], |x| {
        one(module::adaptive_avg_pool3d(f(&x[0]), [2, 2, 2]))
    });
}

#[test]
fn maximum_pools() {
    check_derivatives(&[float([2, 3, 6])], |x| {
        let options = MaxPoolOptions::new([2]).with_stride([2]).with_padding([1]);
        one(module::max_pool1d(f(&x[0]), options))
    });
    check_derivatives(&[float([2, 3, 6, 5])], |x| {
        let options = MaxPoolOptions::new([3, 2])
            .with_stride([2, 1])
            .with_padding([1, 0]);
        one(module::max_pool2d(f(&x[0]), options))
    });
    check(&[float([2, 3, 6, 5])], |x| {
        let (values, places) =
            module::max_pool2d_with_indices(f(&x[0]), MaxPoolOptions::new([2, 2]));
        vec![values.into_dispatch(), places.into_dispatch()]
    });
}

#[test]
fn resampling() {
    for mode in [
        InterpolateMode::Nearest,
        InterpolateMode::Bilinear,
        InterpolateMode::Bicubic,
    ] {
        check_derivatives(&[float([2, 2, 3, 4])], |x| {
            let options = InterpolateOptions::new(mode).with_output_size([5, 6]);
            one(module::interpolate(f(&x[0]), options))
        });
    }
    check_derivatives(&[float([2, 2, 4, 4]), float([2, 3, 3, 2])], |x| {
        let options = GridSampleOptions::new(InterpolateMode::Bilinear);
        one(f::<4>(&x[0]).grid_sample_2d(f(&x[1]), options))
    });
    check(&[float([2, 2, 4, 4])], |x| {
        let options = UnfoldOptions::new([1, 1], [1, 0], [1, 1]);
        one(module::unfold4d(f(&x[0]), [2, 3], options))
    });
}

#[test]
fn normalization() {
    check_derivatives(&[float([2, 3, 4]), float([4]), float([4])], |x| {
        one(module::layer_norm(
            f::<3>(&x[0]),
            f(&x[1]),
            Some(f(&x[2])),
            1e-5,
        ))
    });
    check(&[float([2, 3, 4]), float([4])], |x| {
        one(module::layer_norm(f::<3>(&x[0]), f(&x[1]), None, 1e-5))
    });
    let channels = || float([3]);
    check(
        &[
            float([2, 3, 4]),
            channels(),
            channels(),
            channels(),
            positive([3]),
        ],
        |x| {
            let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| f(&x[i]));
            one(module::batch_norm(
                f::<3>(&x[0]),
                gamma,
                beta,
                mean,
                variance,
                1e-5,
            ))
        },
    );
    check_derivatives(&[float([4, 3, 2]), channels(), channels()], |x| {
        one(module::batch_norm_train(f::<3>(&x[0]), f(&x[1]), f(&x[2]), 1e-5).output)
    });
}

#[test]
fn attention() {
    let sequence = || float([2, 2, 4, 3]);
    for batch in [1, 2] {
        let mask = boolean([batch, 1, 4, 4]);
        let inputs = [
            sequence(),
            sequence(),
            sequence(),
            mask,
            float([batch, 2, 4, 4]),
        ];
        check(&inputs, |x| {
            let options = AttentionModuleOptions {
                scale: Some(0.7),
                ..Default::default()
            };
            let (mask, bias) = (Some(b(&x[3])), Some(f(&x[4])));
            one(module::attention(
                f(&x[0]),
                f(&x[1]),
                f(&x[2]),
                mask,
                bias,
                options,
            ))
        });
    }
    check_derivatives(&[sequence(), sequence(), sequence()], |x| {
        let options = AttentionModuleOptions {
            is_causal: true,
            ..Default::default()
        };
        one(module::attention(
            f(&x[0]),
            f(&x[1]),
            f(&x[2]),
            None,
            None,
            options,
        ))
    });
}

#[test]
fn sequences_without_alignment() {
    let inputs = [float([6, 2, 4]), int([2, 2], 3)];
    let program = trace(&inputs, |x| {
        let log = activation::log_softmax(f::<3>(&x[0]), 2);
        let targets = i::<2>(&x[1]) + 1;
        let lengths = targets
            .clone()
            .slice([0..2, 0..1])
            .reshape([2])
            .clamp_max(0);
        one(module::ctc_loss(
            log,
            targets,
            lengths.clone() + 6,
            lengths + 2,
            0,
        ))
    });
    check_program(&program, &inputs);
    let vjp = program.vjp(&[0]).unwrap();
    check_program(&vjp, &[float([6, 2, 4]), int([2, 2], 3), float([2])]);
}

/// The module with its parameters in f64 on the device of `like`.
fn double<M: Module>(module: M, like: &DispatchTensor) -> M {
    widened(module).to_device(&f::<1>(like).device())
}

/// Modules of burn-nn, their parameters constants; first the step of a long short-term memory.
#[test]
fn modules() {
    let device = device();
    let gate = || {
        GateController::new(
            3,
            4,
            true,
            Initializer::Normal {
                mean: 0.0,
                std: 0.5,
            },
            &device,
        )
    };
    let gates = [gate(), gate(), gate(), gate()];
    check_derivatives(&[float([2, 3]), float([2, 4]), float([2, 4])], |x| {
        let (input, hidden, cell) = (f::<2>(&x[0]), f::<2>(&x[1]), f::<2>(&x[2]));
        let [take, keep, show, new] =
            gates.map(|gate| double(gate, &x[0]).gate_product(input.clone(), hidden.clone()));
        let kept = activation::sigmoid(keep) * cell;
        let cell = kept + activation::sigmoid(take) * activation::tanh(new);
        let hidden = activation::sigmoid(show) * activation::tanh(cell.clone());
        vec![hidden.into_dispatch(), cell.into_dispatch()]
    });
    let attention = MultiHeadAttentionConfig::new(4, 2).init(&device);
    let norm = LayerNormConfig::new(4).init(&device);
    check_derivatives(&[float([2, 3, 4])], |x| {
        let y = double(attention, &x[0])
            .forward(MhaInput::self_attn(f(&x[0])))
            .context;
        one(double(norm, &x[0]).forward(y + f(&x[0])))
    });
    let convolution = Conv2dConfig::new([2, 4], [3, 3])
        .with_groups(2)
        .init(&device);
    let pool = MaxPool2dConfig::new([2, 2]).init();
    let head = LinearConfig::new(4, 2).init(&device);
    check_derivatives(&[float([2, 2, 6, 6])], |x| {
        let y = pool.forward(double(convolution, &x[0]).forward(f(&x[0])));
        one(double(head, &x[0]).forward(y.mean_dim(3).mean_dim(2).flatten::<2>(1, 3)))
    });
    let table = EmbeddingConfig::new(5, 4).init(&device);
    check(&[int([2, 3], 5), float([2, 3, 4])], |x| {
        one(double(table, &x[1]).forward(i(&x[0])) * f(&x[1]))
    });
}
