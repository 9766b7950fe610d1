//! Deformable convolution: differentiated in the input, the weight and the bias. It has no rule for
//! the offsets and the mask.

use burn_backend::Backend;
use burn_backend::ops::{DeformConv2dBackward, DeformConvOptions};
use burn_backend::tensor::FloatTensor;

use crate::rules::{affine, without_tangent};
use crate::{Dual, DualTensor};

pub(super) fn deform_conv2d<B: Backend>(
    x: DualTensor<B>,
    offset: DualTensor<B>,
    weight: DualTensor<B>,
    mask: Option<DualTensor<B>>,
    bias: Option<DualTensor<B>>,
    options: DeformConvOptions<2>,
) -> DualTensor<B> {
    let fixed = |x| without_tangent::<B>(x, "deform_conv2d");
    let (offset, mask) = (fixed(offset), mask.map(fixed));
    affine(
        x,
        weight,
        bias,
        |_| 1,
        |x, weight, bias| {
            let (offset, mask) = (offset.clone(), mask.clone());
            B::deform_conv2d(x, offset, weight, mask, bias, options.clone())
        },
    )
}

/// Differentiated in the output's gradient alone.
pub(super) fn deform_conv2d_backward<B: Backend>(
    x: DualTensor<B>,
    offset: DualTensor<B>,
    weight: DualTensor<B>,
    mask: Option<DualTensor<B>>,
    bias: Option<DualTensor<B>>,
    output_grad: DualTensor<B>,
    options: DeformConvOptions<2>,
) -> DeformConv2dBackward<Dual<B>> {
    let fixed = |x| without_tangent::<B>(x, "deform_conv2d_backward");
    let (x, offset, weight) = (fixed(x), fixed(offset), fixed(weight));
    let (mask, bias) = (mask.map(fixed), bias.map(fixed));
    let gradients = |grad: FloatTensor<B>| {
        B::deform_conv2d_backward(
            x.clone(),
            offset.clone(),
            weight.clone(),
            mask.clone(),
            bias.clone(),
            grad,
            options.clone(),
        )
    };

    let primals = gradients(output_grad.primal);
    let Some(tangent) = output_grad.tangent else {
        return DeformConv2dBackward::new(
            DualTensor::constant(primals.x_grad),
            DualTensor::constant(primals.offset_grad),
            DualTensor::constant(primals.weight_grad),
            primals.mask_grad.map(DualTensor::constant),
            primals.bias_grad.map(DualTensor::constant),
        );
    };
    let tangents = gradients(tangent);
    let both = |(primal, tangent)| DualTensor::new(primal, tangent);
    DeformConv2dBackward::new(
        both((primals.x_grad, tangents.x_grad)),
        both((primals.offset_grad, tangents.offset_grad)),
        both((primals.weight_grad, tangents.weight_grad)),
        primals.mask_grad.zip(tangents.mask_grad).map(both),
        primals.bias_grad.zip(tangents.bias_grad).map(both),
    )
}
