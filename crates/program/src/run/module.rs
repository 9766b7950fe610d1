//! Layers and activations, and the operations of their reverse passes.

use burn_backend::Backend;
use burn_ir::{ActivationOperationIr, ModuleOperationIr};

use crate::{
    ir::{
        environment::Env,
        error::ProgramError,
        value::Value::{self, *},
    },
    quirks::{
        deformable_convolution::deform_conv2d, gelu_slope::gelu_backward,
        grouped_convolution::grouped_weight_backward, hard_sigmoid_in_f32::hard_sigmoid,
        interpolation::interpolate,
    },
};

/// Layers.
pub(crate) fn module<B: Backend>(
    e: &mut Env<B>,
    op: &ModuleOperationIr,
) -> Result<Value<B>, ProgramError> {
    use ModuleOperationIr as Op;
    Ok(match op {
        Op::BatchNorm(d) => Float(B::batch_norm(
            e.float(&d.x),
            e.float(&d.gamma),
            e.float(&d.beta),
            e.float(&d.mean),
            e.float(&d.variance),
            d.epsilon.elem(),
        )),
        Op::Embedding(d) => Float(B::embedding(e.float(&d.weights), e.int(&d.indices))),
        Op::EmbeddingBackward(d) => Float(B::embedding_backward(
            e.float(&d.weights),
            e.float(&d.out_grad),
            e.int(&d.indices),
        )),
        Op::Linear(d) => Float(B::linear(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
        )),
        Op::LinearXBackward(d) => Float(B::linear_x_backward(
            e.float(&d.weight),
            e.float(&d.output_grad),
        )),
        Op::LinearWeightBackward(d) => Float(B::linear_weight_backward(
            e.float(&d.x),
            e.float(&d.output_grad),
        )),
        Op::LinearBiasBackward(d) => Float(B::linear_bias_backward(e.float(&d.output_grad))),
        Op::Conv1d(d) => Float(B::conv1d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.clone().options.into(),
        )),
        Op::Conv1dXBackward(d) => Float(B::conv1d_x_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv1dWeightBackward(d) if d.options.groups > 1 => {
            let (x, weight, grad) = (&d.x, &d.weight, &d.output_grad);
            let [x, weight, grad] = [x, weight, grad].map(|t| e.float(t));
            Float(grouped_weight_backward::<B>(x, weight, grad, &d.options))
        }
        Op::Conv1dWeightBackward(d) => Float(B::conv1d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv1dBiasBackward(d) => Float(B::conv1d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
        Op::Conv2d(d) => Float(B::conv2d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.clone().options.into(),
        )),
        Op::Conv2dXBackward(d) => Float(B::conv2d_x_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv2dWeightBackward(d) => Float(B::conv2d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv2dBiasBackward(d) => Float(B::conv2d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
        Op::Conv3d(d) => Float(B::conv3d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
        )),
        Op::Conv3dXBackward(d) => Float(B::conv3d_x_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv3dWeightBackward(d) => Float(B::conv3d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.clone().options.into(),
        )),
        Op::Conv3dBiasBackward(d) => Float(B::conv3d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
        Op::DeformableConv2d(d) => Float(deform_conv2d::<B>(
            e.float(&d.x),
            e.float(&d.offset),
            e.float(&d.weight),
            d.mask.as_ref().map(|t| e.float(t)),
            d.bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
            e.device,
        )),
        Op::DeformableConv2dBackward(_) => return Err(ProgramError::not_replayed(op)),
        Op::ConvTranspose1d(d) => Float(B::conv_transpose1d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
        )),
        Op::ConvTranspose2d(d) => Float(B::conv_transpose2d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
        )),
        Op::ConvTranspose3d(d) => Float(B::conv_transpose3d(
            e.float(&d.x),
            e.float(&d.weight),
            d.bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
        )),
        Op::AvgPool1d(d) => Float(B::avg_pool1d(
            e.float(&d.x),
            d.kernel_size,
            d.stride,
            d.padding,
            d.count_include_pad,
            d.ceil_mode,
        )),
        Op::AvgPool2d(d) => Float(B::avg_pool2d(
            e.float(&d.x),
            d.kernel_size,
            d.stride,
            d.padding,
            d.count_include_pad,
            d.ceil_mode,
        )),
        Op::AvgPool1dBackward(d) => Float(B::avg_pool1d_backward(
            e.float(&d.x),
            e.float(&d.grad),
            d.kernel_size,
            d.stride,
            d.padding,
            d.count_include_pad,
            d.ceil_mode,
        )),
        Op::AvgPool2dBackward(d) => Float(B::avg_pool2d_backward(
            e.float(&d.x),
            e.float(&d.grad),
            d.kernel_size,
            d.stride,
            d.padding,
            d.count_include_pad,
            d.ceil_mode,
        )),
        Op::AdaptiveAvgPool1d(d) => Float(B::adaptive_avg_pool1d(e.float(&d.x), d.output_size)),
        Op::AdaptiveAvgPool2d(d) => Float(B::adaptive_avg_pool2d(e.float(&d.x), d.output_size)),
        Op::AdaptiveAvgPool1dBackward(d) => Float(B::adaptive_avg_pool1d_backward(
            e.float(&d.x),
            e.float(&d.grad),
        )),
        Op::AdaptiveAvgPool2dBackward(d) => Float(B::adaptive_avg_pool2d_backward(
            e.float(&d.x),
            e.float(&d.grad),
        )),
        Op::AdaptiveAvgPool3d(d) => Float(B::adaptive_avg_pool3d(e.float(&d.x), d.output_size)),
        Op::AdaptiveAvgPool3dBackward(d) => Float(B::adaptive_avg_pool3d_backward(
            e.float(&d.x),
            e.float(&d.grad),
        )),
        Op::MaxPool1d(d) => Float(B::max_pool1d(
            e.float(&d.x),
            d.kernel_size,
            d.stride,
            d.padding,
            d.dilation,
            d.ceil_mode,
        )),
        Op::MaxPool1dWithIndices(d) => {
            let pooled = B::max_pool1d_with_indices(
                e.float(&d.x),
                d.kernel_size,
                d.stride,
                d.padding,
                d.dilation,
                d.ceil_mode,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(pooled.indices));
            Float(pooled.output)
        }
        Op::MaxPool1dWithIndicesBackward(d) => Float(
            B::max_pool1d_with_indices_backward(
                e.float(&d.x),
                d.kernel_size,
                d.stride,
                d.padding,
                d.dilation,
                d.ceil_mode,
                e.float(&d.grad),
                e.int(&d.indices),
            )
            .x_grad,
        ),
        Op::MaxPool2d(d) => Float(B::max_pool2d(
            e.float(&d.x),
            d.kernel_size,
            d.stride,
            d.padding,
            d.dilation,
            d.ceil_mode,
        )),
        Op::MaxPool2dWithIndices(d) => {
            let pooled = B::max_pool2d_with_indices(
                e.float(&d.x),
                d.kernel_size,
                d.stride,
                d.padding,
                d.dilation,
                d.ceil_mode,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(pooled.indices));
            Float(pooled.output)
        }
        Op::MaxPool2dWithIndicesBackward(d) => Float(
            B::max_pool2d_with_indices_backward(
                e.float(&d.x),
                d.kernel_size,
                d.stride,
                d.padding,
                d.dilation,
                d.ceil_mode,
                e.float(&d.grad),
                e.int(&d.indices),
            )
            .x_grad,
        ),
        Op::Interpolate(d) => Float(interpolate::<B>(
            e.float(&d.x),
            d.output_size,
            d.options.clone().into(),
            e.device,
        )),
        Op::InterpolateBackward(d) => Float(B::interpolate_backward(
            e.float(&d.x),
            e.float(&d.grad),
            d.output_size,
            d.options.clone().into(),
        )),
        Op::Attention(d) => Float(B::attention(
            e.float(&d.query),
            e.float(&d.key),
            e.float(&d.value),
            d.mask.as_ref().map(|t| e.bool(t)),
            d.attn_bias.as_ref().map(|t| e.float(t)),
            d.options.clone().into(),
        )),
        Op::CtcLoss(d) => Float(B::ctc_loss(
            e.float(&d.log_probs),
            e.int(&d.targets),
            e.int(&d.input_lengths),
            e.int(&d.target_lengths),
            d.blank,
        )),
        Op::CtcLossBackward(d) => Float(B::ctc_loss_backward(
            e.float(&d.log_probs),
            e.int(&d.targets),
            e.int(&d.input_lengths),
            e.int(&d.target_lengths),
            e.float(&d.grad_loss),
            d.blank,
        )),
        Op::LayerNorm(d) => Float(B::layer_norm(
            e.float(&d.input),
            e.float(&d.gamma),
            d.beta.as_ref().map(|t| e.float(t)),
            d.epsilon.elem(),
        )),
        Op::Unfold4d(d) => Float(B::unfold4d(
            e.float(&d.x),
            d.kernel_size,
            burn_backend::ops::UnfoldOptions::new(
                d.options.stride,
                d.options.padding,
                d.options.dilation,
            ),
        )),
        Op::ConvTranspose1dWeightBackward(d) => Float(B::conv_transpose1d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.options.clone().into(),
        )),
        Op::ConvTranspose1dBiasBackward(d) => Float(B::conv_transpose1d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
        Op::ConvTranspose2dWeightBackward(d) => Float(B::conv_transpose2d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.options.clone().into(),
        )),
        Op::ConvTranspose2dBiasBackward(d) => Float(B::conv_transpose2d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
        Op::ConvTranspose3dWeightBackward(d) => Float(B::conv_transpose3d_weight_backward(
            e.float(&d.x),
            e.float(&d.weight),
            e.float(&d.output_grad),
            d.options.clone().into(),
        )),
        Op::ConvTranspose3dBiasBackward(d) => Float(B::conv_transpose3d_bias_backward(
            e.float(&d.x),
            e.float(&d.bias),
            e.float(&d.output_grad),
        )),
    })
}

/// Activations.
pub(crate) fn activation<B: Backend>(
    e: &mut Env<B>,
    op: &ActivationOperationIr,
) -> Result<Value<B>, ProgramError> {
    use ActivationOperationIr as Op;
    Ok(match op {
        Op::Relu(d) => Float(B::relu(e.float(&d.input))),
        Op::ReluBackward(d) => Float(B::relu_backward(e.float(&d.lhs), e.float(&d.rhs))),
        Op::LeakyRelu(d) => Float(B::leaky_relu(e.float(&d.lhs), d.rhs.into())),
        Op::PRelu(d) => Float(B::prelu(e.float(&d.lhs), e.float(&d.rhs))),
        Op::Gelu(d) => Float(B::gelu(e.float(&d.input))),
        Op::GeluBackward(d) => Float(gelu_backward::<B>(e.float(&d.lhs), e.float(&d.rhs))),
        Op::Sigmoid(d) => Float(B::sigmoid(e.float(&d.input))),
        Op::SigmoidBackward(d) => Float(B::sigmoid_backward(e.float(&d.lhs), e.float(&d.rhs))),
        Op::HardSigmoid(d) => Float(hard_sigmoid::<B>(
            e.float(&d.tensor),
            d.alpha.into(),
            d.beta.into(),
        )),
        Op::LogSigmoid(d) => Float(B::log_sigmoid(e.float(&d.input))),
        Op::LogSigmoidBackward(d) => {
            Float(B::log_sigmoid_backward(e.float(&d.lhs), e.float(&d.rhs)))
        }
        Op::Softmax(d) => Float(B::softmax(e.float(&d.input), d.axis)),
        Op::LogSoftmax(d) => Float(B::log_softmax(e.float(&d.input), d.axis)),
        Op::Softmin(d) => Float(B::softmax(B::float_neg(e.float(&d.input)), d.axis)),
    })
}
