//! Pools and interpolations behind a convolution. Maxima are away from ties.

use burn::{
    nn::{
        PaddingConfig1d, PaddingConfig2d,
        conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig},
        interpolate::{Interpolate1dConfig, Interpolate2dConfig, InterpolateMode},
        pool::{
            AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig,
            AvgPool1dConfig, AvgPool2dConfig, MaxPool1dConfig, MaxPool2dConfig,
        },
    },
    tensor::{Tensor, activation::tanh},
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

/// A convolution to two channels of length 7, then `f`.
fn signal(name: &str, f: impl Fn(Tensor<3>) -> Tensor<3> + Send + Sync + 'static) -> Row {
    let module = Conv1dConfig::new(1, 2, 2).init(&device());
    Row::new(
        name,
        module,
        inputs([N, 1, 8]),
        move |m: &Conv1d, x: Tensor<3>| f(tanh(m.forward(x))),
    )
}

/// A convolution to two channels of 5 x 6, then `f`.
fn image(name: &str, f: impl Fn(Tensor<4>) -> Tensor<4> + Send + Sync + 'static) -> Row {
    let module = Conv2dConfig::new([1, 2], [2, 2]).init(&device());
    Row::new(
        name,
        module,
        inputs([N, 1, 6, 7]),
        move |m: &Conv2d, x: Tensor<4>| f(tanh(m.forward(x))),
    )
}

fn pools() -> Vec<Row> {
    let max1 = MaxPool1dConfig::new;
    let max2 = MaxPool2dConfig::new;
    let avg1 = AvgPool1dConfig::new;
    let avg2 = AvgPool2dConfig::new;
    let uneven = || PaddingConfig2d::Explicit(1, 0, 0, 1);
    vec![
        signal("max_pool1d", move |x| max1(2).init().forward(x)),
        signal("max_pool1d, overlapping and dilated", move |x| {
            max1(2).with_stride(1).with_dilation(3).init().forward(x)
        }),
        signal("max_pool1d, padded, rounding up", move |x| {
            let padding = PaddingConfig1d::Explicit(1, 1);
            max1(3)
                .with_stride(3)
                .with_padding(padding)
                .with_ceil_mode(true)
                .init()
                .forward(x)
        }),
        signal("max_pool1d, padded unevenly", move |x| {
            max1(2)
                .with_padding(PaddingConfig1d::Explicit(0, 1))
                .init()
                .forward(x)
        }),
        image("max_pool2d", move |x| max2([2, 3]).init().forward(x)),
        image("max_pool2d, overlapping and dilated", move |x| {
            max2([2, 2])
                .with_strides([1, 2])
                .with_dilation([2, 1])
                .init()
                .forward(x)
        }),
        image("max_pool2d, padded, rounding up", move |x| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            max2([3, 3])
                .with_strides([3, 3])
                .with_padding(padding)
                .with_ceil_mode(true)
                .init()
                .forward(x)
        })
        .near_a_kink(),
        image("max_pool2d, padded unevenly", move |x| {
            max2([2, 2]).with_padding(uneven()).init().forward(x)
        })
        .near_a_kink(),
        signal("avg_pool1d", move |x| {
            avg1(3).with_stride(2).init().forward(x)
        }),
        signal("avg_pool1d, padded, rounding up", move |x| {
            let padding = PaddingConfig1d::Explicit(1, 1);
            avg1(3)
                .with_stride(3)
                .with_padding(padding)
                .with_ceil_mode(true)
                .init()
                .forward(x)
        }),
        signal("avg_pool1d, padding not counted", move |x| {
            let padding = PaddingConfig1d::Explicit(1, 1);
            avg1(3)
                .with_padding(padding)
                .with_count_include_pad(false)
                .init()
                .forward(x)
        }),
        image("avg_pool2d", move |x| {
            avg2([2, 3]).with_strides([1, 3]).init().forward(x)
        }),
        image("avg_pool2d, padded, rounding up", move |x| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            avg2([3, 3])
                .with_padding(padding)
                .with_ceil_mode(true)
                .init()
                .forward(x)
        }),
        image("avg_pool2d, padding not counted", move |x| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            avg2([3, 3])
                .with_padding(padding)
                .with_count_include_pad(false)
                .init()
                .forward(x)
        }),
        image("avg_pool2d, padded unevenly", move |x| {
            avg2([2, 2]).with_padding(uneven()).init().forward(x)
        }),
        signal("adaptive_avg_pool1d", |x| {
            AdaptiveAvgPool1dConfig::new(3).init().forward(x)
        }),
        image("adaptive_avg_pool2d", |x| {
            AdaptiveAvgPool2dConfig::new([2, 4]).init().forward(x)
        }),
        Row::new(
            "adaptive_avg_pool3d",
            Conv3dConfig::new([1, 2], [1, 2, 1]).init(&device()),
            inputs([N, 1, 3, 4, 3]),
            |m: &Conv3d, x: Tensor<5>| {
                let pool = AdaptiveAvgPool3dConfig::new([2, 2, 2]).init();
                pool.forward(tanh(m.forward(x)))
            },
        ),
    ]
}

/// All modes that flex has in f64: exact nearest it has not.
fn interpolations() -> Vec<Row> {
    let along = |mode: InterpolateMode, corners: bool| {
        move |x| {
            let config = Interpolate1dConfig::new().with_output_size(Some(10));
            config
                .with_mode(mode.clone())
                .with_align_corners(corners)
                .init()
                .forward(x)
        }
    };
    let plane = |mode: InterpolateMode, corners: bool, size: [usize; 2]| {
        move |x| {
            let config = Interpolate2dConfig::new().with_output_size(Some(size));
            config
                .with_mode(mode.clone())
                .with_align_corners(corners)
                .init()
                .forward(x)
        }
    };
    use InterpolateMode::{Cubic, Lanczos, Linear, Nearest};
    vec![
        signal("interpolate1d, nearest", along(Nearest, true)),
        signal("interpolate1d, linear", along(Linear, false)),
        signal("interpolate1d, cubic", along(Cubic, true)),
        image("interpolate2d, nearest", plane(Nearest, true, [7, 4])),
        image("interpolate2d, linear", plane(Linear, true, [7, 4])),
        image(
            "interpolate2d, linear, no corners",
            plane(Linear, false, [3, 8]),
        ),
        image("interpolate2d, cubic", plane(Cubic, true, [7, 8])),
        image(
            "interpolate2d, cubic, no corners",
            plane(Cubic, false, [7, 8]),
        ),
        image("interpolate2d, Lanczos", plane(Lanczos, true, [7, 8]))
            // Burn has no reverse mode of it.
            .without_burn(),
        image(
            "interpolate2d, Lanczos, no corners",
            plane(Lanczos, false, [3, 8]),
        )
        .without_burn(),
    ]
}

#[test]
fn pooling() {
    check::all(pools());
}

#[test]
fn interpolation() {
    check::all(interpolations());
}
