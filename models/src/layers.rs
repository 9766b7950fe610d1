//! Layers with initial weights from a generator of one's own: a device's may be shared by the whole process, and then a
//! seed promises nothing.

use std::f64::consts::TAU;

use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Embedding, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand::seq::index;

/// A [`Linear`] layer whose weight and bias are uniform on `±1/sqrt(inputs)`, as burn-nn's default.
pub(crate) fn linear(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Linear {
    assert!(
        inputs > 0 && outputs > 0,
        "a layer needs at least one input and one output, got {inputs} and {outputs}"
    );
    Linear {
        weight: uniform([inputs, outputs], inputs, rng, device),
        bias: Some(uniform([outputs], inputs, rng, device)),
    }
}

/// A [`Linear`] layer with `connections` normal weights into each unit, the others zero, and a bias of zero: the sum
/// into a unit has the same size whatever the width, which keeps deep sigmoid networks from stalling (Martens 2010,
/// "Deep learning via Hessian-free optimization", section 5).
pub(crate) fn sparse_linear(
    inputs: usize,
    outputs: usize,
    connections: usize,
    rng: &mut impl Rng,
    device: &Device,
) -> Linear {
    assert!(
        inputs > 0 && outputs > 0,
        "a layer needs at least one input and one output, got {inputs} and {outputs}"
    );
    let connections = connections.min(inputs);
    let values = normals(outputs * connections, 1.0, rng);
    let mut weight = vec![0.0; inputs * outputs];
    for (unit, values) in values.chunks_exact(connections).enumerate() {
        let chosen = index::sample(rng, inputs, connections);
        for (input, value) in chosen.into_iter().zip(values) {
            weight[input * outputs + unit] = *value;
        }
    }
    Linear {
        weight: Param::from_data(TensorData::new(weight, [inputs, outputs]), device),
        bias: Some(zeros(outputs, device)),
    }
}

/// The shape of a convolution: square, with the same padding on all sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvolutionShape {
    /// Channels in and out.
    pub(crate) channels: [usize; 2],
    /// Side of the kernel.
    pub(crate) kernel: usize,
    /// Step between windows.
    pub(crate) stride: usize,
    /// Rows of zeros above and below.
    pub(crate) padding: [usize; 2],
    /// Whether there is a bias.
    pub(crate) bias: bool,
}

impl ConvolutionShape {
    /// A kernel of odd side that keeps the picture's size, with a bias.
    pub(crate) fn same(channels: [usize; 2], kernel: usize) -> Self {
        Self {
            channels,
            kernel,
            stride: 1,
            padding: [kernel / 2; 2],
            bias: true,
        }
    }

    fn fan_in(self) -> usize {
        self.channels[0] * self.kernel * self.kernel
    }

    fn shape(self) -> [usize; 4] {
        let [inputs, outputs] = self.channels;
        assert!(
            inputs > 0 && outputs > 0,
            "a convolution needs channels, got {inputs} and {outputs}"
        );
        [outputs, inputs, self.kernel, self.kernel]
    }

    /// Weight and bias uniform on `±1/sqrt(fan-in)`, as burn-nn's default.
    pub(crate) fn uniform(self, rng: &mut impl Rng, device: &Device) -> Conv2d {
        let weight = uniform(self.shape(), self.fan_in(), rng, device);
        let bias = self
            .bias
            .then(|| uniform([self.channels[1]], self.fan_in(), rng, device));
        self.with(weight, bias, device)
    }

    /// Normal weights with variance `2 / fan-in`, which keep the size of activations through many rectified layers (He
    /// et al. 2015, "Delving deep into rectifiers"), and a bias of zero.
    pub(crate) fn rectified(self, rng: &mut impl Rng, device: &Device) -> Conv2d {
        let std = (2.0 / self.fan_in() as f64).sqrt();
        let weight = normal(self.shape(), std, rng, device);
        let bias = self.bias.then(|| zeros(self.channels[1], device));
        self.with(weight, bias, device)
    }

    fn with(
        self,
        weight: Param<Tensor<4>>,
        bias: Option<Param<Tensor<1>>>,
        device: &Device,
    ) -> Conv2d {
        let [rows, columns] = self.padding;
        // Burn's own weights are drawn when they are asked for, which these never are.
        let layer = Conv2dConfig::new(self.channels, [self.kernel; 2])
            .with_stride([self.stride; 2])
            .with_padding(PaddingConfig2d::Explicit(rows, columns, rows, columns))
            .with_bias(self.bias)
            .init(device);
        Conv2d {
            weight,
            bias,
            ..layer
        }
    }
}

/// Batch normalisation of `channels` channels with burn-nn's constants (epsilon 1e-5, momentum 0.1), at the identity.
pub(crate) fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).init(device)
}

/// A table of `count` vectors, normal with standard deviation `std`.
pub(crate) fn embedding(
    count: usize,
    width: usize,
    std: f64,
    rng: &mut impl Rng,
    device: &Device,
) -> Embedding {
    assert!(
        count > 0 && width > 0,
        "a table of vectors needs at least one of at least one number, got {count} of {width}"
    );
    Embedding {
        weight: normal([count, width], std, rng, device),
    }
}

/// How many zeros to put on either side so that `side` becomes at least `least`.
pub(crate) fn margin(side: usize, least: usize) -> usize {
    least.saturating_sub(side).div_ceil(2)
}

fn uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut impl Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| rng.random_range(-bound..bound))
        .collect();
    Param::from_data(TensorData::new(values, shape), device)
}

fn zeros(count: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_data(TensorData::zeros::<f32, _>([count]), device)
}

fn normal<const D: usize>(
    shape: [usize; D],
    std: f64,
    rng: &mut impl Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let values = normals(shape.iter().product(), std, rng);
    Param::from_data(TensorData::new(values, shape), device)
}

/// So many normal numbers with mean 0 and standard deviation `std`.
pub fn normals(count: usize, std: f64, rng: &mut impl Rng) -> Vec<f64> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // Box and Muller: two normal numbers of two uniform ones, the first in (0, 1].
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        let radius = std * (-2.0 * u.ln()).sqrt();
        values.extend([radius * (TAU * v).cos(), radius * (TAU * v).sin()]);
    }
    values.truncate(count);
    values
}
