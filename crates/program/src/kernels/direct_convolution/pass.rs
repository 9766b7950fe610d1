//! Operations that are convolutions.

use burn_backend::ops::{ConvOptions, ConvTransposeOptions};
use burn_ir::{ModuleOperationIr as Module, OperationIr, TensorIr};

use crate::kernels::direct_convolution::{axis::AxisSizes, convolution::Convolution};

/// Which of a convolution's three tensors an operation computes from the other two.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Output,
    Input,
    Weight,
}

/// An operation that computes one of a convolution's tensors. A transposed convolution computes the input from the
/// output.
pub(super) struct Pass<'a> {
    pub wanted: Wanted,
    /// Which operands it computes it from, the weight last.
    pub factors: [usize; 2],
    /// Which operand is added.
    pub bias: Option<usize>,
    pub convolution: Convolution,
    pub out: &'a TensorIr,
}

impl<'a> Pass<'a> {
    /// What `op` computes, if it is a convolution in one or two dimensions of tensors that are not empty.
    pub fn of(op: &'a OperationIr) -> Option<Self> {
        use Wanted::*;
        let OperationIr::Module(op) = op else {
            return None;
        };
        let bias = |bias: &Option<TensorIr>| bias.is_some().then_some(2);
        let (wanted, factors, bias, convolution, out) = match op {
            Module::Conv1d(d) => {
                let convolution = convolution([&d.x, &d.weight, &d.out], d.options.clone().into());
                (Output, [0, 1], bias(&d.bias), convolution, &d.out)
            }
            Module::Conv2d(d) => {
                let convolution = convolution([&d.x, &d.weight, &d.out], d.options.clone().into());
                (Output, [0, 1], bias(&d.bias), convolution, &d.out)
            }
            Module::Conv1dXBackward(d) => {
                let tensors = [&d.out, &d.weight, &d.output_grad];
                let convolution = convolution(tensors, d.options.clone().into());
                (Input, [2, 1], None, convolution, &d.out)
            }
            Module::Conv2dXBackward(d) => {
                let tensors = [&d.out, &d.weight, &d.output_grad];
                let convolution = convolution(tensors, d.options.clone().into());
                (Input, [2, 1], None, convolution, &d.out)
            }
            Module::Conv1dWeightBackward(d) => {
                let tensors = [&d.x, &d.out, &d.output_grad];
                let convolution = convolution(tensors, d.options.clone().into());
                (Weight, [0, 2], None, convolution, &d.out)
            }
            Module::Conv2dWeightBackward(d) => {
                let tensors = [&d.x, &d.out, &d.output_grad];
                let convolution = convolution(tensors, d.options.clone().into());
                (Weight, [0, 2], None, convolution, &d.out)
            }
            Module::ConvTranspose1d(d) => {
                let convolution = transposed([&d.out, &d.weight, &d.x], d.options.clone().into());
                (Input, [0, 1], bias(&d.bias), convolution, &d.out)
            }
            Module::ConvTranspose2d(d) => {
                let convolution = transposed([&d.out, &d.weight, &d.x], d.options.clone().into());
                (Input, [0, 1], bias(&d.bias), convolution, &d.out)
            }
            Module::ConvTranspose1dWeightBackward(d) => {
                let tensors = [&d.output_grad, &d.out, &d.x];
                let convolution = transposed(tensors, d.options.clone().into());
                (Weight, [2, 0], None, convolution, &d.out)
            }
            Module::ConvTranspose2dWeightBackward(d) => {
                let tensors = [&d.output_grad, &d.out, &d.x];
                let convolution = transposed(tensors, d.options.clone().into());
                (Weight, [2, 0], None, convolution, &d.out)
            }
            _ => return None,
        };
        Some(Self {
            wanted,
            factors,
            bias,
            convolution: convolution?,
            out,
        })
    }
}

fn transposed<const D: usize>(
    tensors: [&TensorIr; 3],
    options: ConvTransposeOptions<D>,
) -> Option<Convolution> {
    let ConvTransposeOptions {
        stride,
        padding,
        dilation,
        groups,
        ..
    } = options;
    convolution(tensors, ConvOptions::new(stride, padding, dilation, groups))
}

/// The convolution of these tensors: input, weight and output.
fn convolution<const D: usize>(
    tensors: [&TensorIr; 3],
    options: ConvOptions<D>,
) -> Option<Convolution> {
    let [input, weight, output] = tensors.map(|tensor| &tensor.shape);
    let all = [input, weight, output]
        .into_iter()
        .flat_map(|shape| shape.iter());
    if all.into_iter().any(|&size| size == 0) {
        return None;
    }
    let padding = options.padding_begin();
    // One dimension is a row.
    let mut axes = [AxisSizes::POINT; 2];
    for (i, axis) in axes.iter_mut().skip(2 - D).enumerate() {
        *axis = AxisSizes {
            input: input[2 + i],
            kernel: weight[2 + i],
            output: output[2 + i],
            stride: options.stride[i],
            padding: padding[i],
            dilation: options.dilation[i],
        };
    }
    Some(Convolution {
        batch: input[0],
        groups: options.groups,
        inputs: weight[1],
        outputs: weight[0] / options.groups,
        axes,
    })
}
