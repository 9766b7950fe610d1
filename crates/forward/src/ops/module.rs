//! Neural network modules and the operations of their reverse passes.

use burn_backend::ops::attention::attention_fallback;
use burn_backend::ops::ctc::ctc_loss_default;
use burn_backend::ops::{
    AttentionModuleOptions, BatchNormTrain, BatchNormTrainBackward, ConvOptions,
    ConvTransposeOptions, DeformConv2dBackward, DeformConvOptions, InterpolateOptions,
    MaxPool1dBackward, MaxPool1dWithIndices, MaxPool2dBackward, MaxPool2dWithIndices, ModuleOps,
    UnfoldOptions,
};
use burn_backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn_backend::{Backend, IntDType};

use super::delegate::delegate;
use super::{deform, normalization, pool};
use crate::rules::{affine, bilinear, int_dtype, linear, linear_beside, without_tangent};
use crate::{Dual, DualTensor};

/// A convolution of `$dims` dimensions, and its reverse pass: bilinear in the tensor and the weight.
macro_rules! convolution {
    (
        $dims:literal: $conv:ident, $x_backward:ident, $weight_backward:ident, $bias_backward:ident
    ) => {
        convolution!(@forward $conv, ConvOptions<$dims>);

        fn $x_backward(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            output_grad: FloatTensor<Self>,
            options: ConvOptions<$dims>,
        ) -> FloatTensor<Self> {
            bilinear(weight, output_grad, |weight, grad| {
                B::$x_backward(x.primal.clone(), weight, grad, options.clone())
            })
        }

        convolution!(@parameters $weight_backward, $bias_backward, ConvOptions<$dims>);
    };
    (
        transpose $dims:literal:
        $conv:ident, $x_backward:ident, $weight_backward:ident, $bias_backward:ident
    ) => {
        convolution!(@forward $conv, ConvTransposeOptions<$dims>);

        delegate! {
            bilinear (
                weight, output_grad; options: ConvTransposeOptions<$dims>
            ) -> FloatTensor<Self>:
                $x_backward;
        }

        convolution!(@parameters $weight_backward, $bias_backward, ConvTransposeOptions<$dims>);
    };
    (@forward $conv:ident, $options:ty) => {
        fn $conv(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            bias: Option<FloatTensor<Self>>,
            options: $options,
        ) -> FloatTensor<Self> {
            let conv = |x, weight, bias| B::$conv(x, weight, bias, options.clone());
            affine(x, weight, bias, |_| 1, conv)
        }
    };
    (@parameters $weight_backward:ident, $bias_backward:ident, $options:ty) => {
        fn $weight_backward(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            output_grad: FloatTensor<Self>,
            options: $options,
        ) -> FloatTensor<Self> {
            bilinear(x, output_grad, |x, grad| {
                B::$weight_backward(x, weight.primal.clone(), grad, options.clone())
            })
        }

        fn $bias_backward(
            x: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            output_grad: FloatTensor<Self>,
        ) -> FloatTensor<Self> {
            linear_beside(bias, output_grad, |bias, grad| {
                B::$bias_backward(x.primal.clone(), bias, grad)
            })
        }
    };
}

/// Pooling by mean and by maximum, with windows of the type `$size`, and the reverse passes.
macro_rules! pooling {
    (
        $size:ty: $average:ident, $average_backward:ident,
        $max:ident, $with_indices:ident -> $pooled:ident, $max_backward:ident -> $gradient:ident
    ) => {
        delegate! {
            linear (
                x; kernel_size: $size, stride: $size, padding: $size, count_include_pad: bool,
                ceil_mode: bool
            ) -> FloatTensor<Self>:
                $average;
            linear_beside (
                x, grad; kernel_size: $size, stride: $size, padding: $size, count_include_pad: bool,
                ceil_mode: bool
            ) -> FloatTensor<Self>:
                $average_backward;
        }

        fn $max(
            x: FloatTensor<Self>,
            size: $size,
            stride: $size,
            padding: $size,
            dilation: $size,
            ceil: bool,
        ) -> FloatTensor<Self> {
            if x.tangent.is_none() {
                let pooled = B::$max(x.primal, size, stride, padding, dilation, ceil);
                return DualTensor::constant(pooled);
            }
            let dtype = int_dtype::<B>(&x.primal);
            Self::$with_indices(x, size, stride, padding, dilation, ceil, dtype).output
        }

        fn $with_indices(
            x: FloatTensor<Self>,
            size: $size,
            stride: $size,
            padding: $size,
            dilation: $size,
            ceil: bool,
            dtype: IntDType,
        ) -> $pooled<Self> {
            let $pooled { output, indices } =
                B::$with_indices(x.primal, size, stride, padding, dilation, ceil, dtype);
            let tangent = x
                .tangent
                .map(|tangent| pool::taken::<B>(tangent, indices.clone()));
            $pooled::new(DualTensor::join(output, tangent), indices)
        }

        fn $max_backward(
            x: FloatTensor<Self>,
            size: $size,
            stride: $size,
            padding: $size,
            dilation: $size,
            ceil: bool,
            output_grad: FloatTensor<Self>,
            indices: IntTensor<Self>,
        ) -> $gradient<Self> {
            $gradient::new(linear_beside(x, output_grad, |x, grad| {
                let indices = indices.clone();
                B::$max_backward(x, size, stride, padding, dilation, ceil, grad, indices).x_grad
            }))
        }
    };
}

impl<B: Backend> ModuleOps<Self> for Dual<B> {
    delegate! {
        linear (weights; indices: IntTensor<Self>) -> FloatTensor<Self>: embedding;
        linear_beside (weights, output_grad; indices: IntTensor<Self>) -> FloatTensor<Self>:
            embedding_backward;
        linear (output_grad;) -> FloatTensor<Self>: linear_bias_backward;
        bilinear (lhs, output_grad;) -> FloatTensor<Self>:
            linear_x_backward, linear_weight_backward;
        linear (x; kernel_size: [usize; 2], options: UnfoldOptions) -> FloatTensor<Self>: unfold4d;
        linear (
            x; output_size: [usize; 2], kernel_size: [usize; 2], options: UnfoldOptions
        ) -> FloatTensor<Self>:
            fold4d;
        linear (x; output_size: usize) -> FloatTensor<Self>: adaptive_avg_pool1d;
        linear (x; output_size: [usize; 2]) -> FloatTensor<Self>: adaptive_avg_pool2d;
        linear (x; output_size: [usize; 3]) -> FloatTensor<Self>: adaptive_avg_pool3d;
        linear_beside (x, grad;) -> FloatTensor<Self>:
            adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward,
            adaptive_avg_pool3d_backward;
        linear (x; output_size: [usize; 2], options: InterpolateOptions) -> FloatTensor<Self>:
            interpolate;
        linear_beside (
            x, grad; output_size: [usize; 2], options: InterpolateOptions
        ) -> FloatTensor<Self>:
            interpolate_backward;
    }

    convolution! {
        1: conv1d, conv1d_x_backward, conv1d_weight_backward, conv1d_bias_backward
    }
    convolution! {
        2: conv2d, conv2d_x_backward, conv2d_weight_backward, conv2d_bias_backward
    }
    convolution! {
        3: conv3d, conv3d_x_backward, conv3d_weight_backward, conv3d_bias_backward
    }
    convolution! {
        transpose 1:
        conv_transpose1d, conv_transpose1d_x_backward,
        conv_transpose1d_weight_backward, conv_transpose1d_bias_backward
    }
    convolution! {
        transpose 2:
        conv_transpose2d, conv_transpose2d_x_backward,
        conv_transpose2d_weight_backward, conv_transpose2d_bias_backward
    }
    convolution! {
        transpose 3:
        conv_transpose3d, conv_transpose3d_x_backward,
        conv_transpose3d_weight_backward, conv_transpose3d_bias_backward
    }
    pooling! {
        usize: avg_pool1d, avg_pool1d_backward,
        max_pool1d, max_pool1d_with_indices -> MaxPool1dWithIndices,
        max_pool1d_with_indices_backward -> MaxPool1dBackward
    }
    pooling! {
        [usize; 2]: avg_pool2d, avg_pool2d_backward,
        max_pool2d, max_pool2d_with_indices -> MaxPool2dWithIndices,
        max_pool2d_with_indices_backward -> MaxPool2dBackward
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        if x.tangent.is_none()
            && gamma.tangent.is_none()
            && beta.tangent.is_none()
            && mean.tangent.is_none()
            && variance.tangent.is_none()
        {
            let out = B::batch_norm(
                x.primal,
                gamma.primal,
                beta.primal,
                mean.primal,
                variance.primal,
                epsilon,
            );
            return DualTensor::constant(out);
        }
        normalization::batch_norm::<Self>(x, gamma, beta, mean, variance, epsilon)
    }

    fn batch_norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> BatchNormTrain<Self> {
        if x.tangent.is_none() && gamma.tangent.is_none() && beta.tangent.is_none() {
            let train = B::batch_norm_train(x.primal, gamma.primal, beta.primal, epsilon);
            return BatchNormTrain::new(
                DualTensor::constant(train.output),
                DualTensor::constant(train.mean),
                DualTensor::constant(train.variance),
            );
        }
        normalization::batch_norm_train::<Self>(x, gamma, beta, epsilon)
    }

    fn batch_norm_train_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
        output_grad: FloatTensor<Self>,
    ) -> BatchNormTrainBackward<Self> {
        if x.tangent.is_none()
            && gamma.tangent.is_none()
            && mean.tangent.is_none()
            && variance.tangent.is_none()
            && output_grad.tangent.is_none()
        {
            let grads = B::batch_norm_train_backward(
                x.primal,
                gamma.primal,
                mean.primal,
                variance.primal,
                epsilon,
                output_grad.primal,
            );
            return BatchNormTrainBackward::new(
                DualTensor::constant(grads.x_grad),
                DualTensor::constant(grads.gamma_grad),
                DualTensor::constant(grads.beta_grad),
            );
        }
        normalization::batch_norm_train_backward::<Self>(
            x,
            gamma,
            mean,
            variance,
            epsilon,
            output_grad,
        )
    }

    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        affine(x, weight, bias, |shape| shape.num_dims() - 1, B::linear)
    }

    fn deform_conv2d(
        x: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        mask: Option<FloatTensor<Self>>,
        bias: Option<FloatTensor<Self>>,
        options: DeformConvOptions<2>,
    ) -> FloatTensor<Self> {
        deform::deform_conv2d(x, offset, weight, mask, bias, options)
    }

    fn deform_conv2d_backward(
        x: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        mask: Option<FloatTensor<Self>>,
        bias: Option<FloatTensor<Self>>,
        output_grad: FloatTensor<Self>,
        options: DeformConvOptions<2>,
    ) -> DeformConv2dBackward<Self> {
        deform::deform_conv2d_backward(x, offset, weight, mask, bias, output_grad, options)
    }

    fn attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        mask: Option<BoolTensor<Self>>,
        attn_bias: Option<FloatTensor<Self>>,
        options: AttentionModuleOptions,
    ) -> FloatTensor<Self> {
        if query.tangent.is_none()
            && key.tangent.is_none()
            && value.tangent.is_none()
            && attn_bias.as_ref().is_none_or(|bias| bias.tangent.is_none())
        {
            let attn_bias = attn_bias.map(|bias| bias.primal);
            let out = B::attention(
                query.primal,
                key.primal,
                value.primal,
                mask,
                attn_bias,
                options,
            );
            return DualTensor::constant(out);
        }
        attention_fallback::<Self>(query, key, value, mask, attn_bias, options)
    }

    fn layer_norm(
        tensor: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: Option<FloatTensor<Self>>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        if tensor.tangent.is_none()
            && gamma.tangent.is_none()
            && beta.as_ref().is_none_or(|beta| beta.tangent.is_none())
        {
            let beta = beta.map(|beta| beta.primal);
            return DualTensor::constant(B::layer_norm(tensor.primal, gamma.primal, beta, epsilon));
        }
        normalization::layer_norm::<Self>(tensor, gamma, beta, epsilon)
    }

    fn ctc_loss(
        log_probs: FloatTensor<Self>,
        targets: IntTensor<Self>,
        input_lengths: IntTensor<Self>,
        target_lengths: IntTensor<Self>,
        blank: usize,
    ) -> FloatTensor<Self> {
        if log_probs.tangent.is_none() {
            let loss = B::ctc_loss(
                log_probs.primal,
                targets,
                input_lengths,
                target_lengths,
                blank,
            );
            return DualTensor::constant(loss);
        }
        ctc_loss_default::<Self>(log_probs, targets, input_lengths, target_lengths, blank)
    }

    fn has_ctc_loss_backward() -> bool {
        B::has_ctc_loss_backward()
    }

    fn ctc_loss_backward(
        log_probs: FloatTensor<Self>,
        targets: IntTensor<Self>,
        input_lengths: IntTensor<Self>,
        target_lengths: IntTensor<Self>,
        grad_loss: FloatTensor<Self>,
        blank: usize,
    ) -> FloatTensor<Self> {
        let log_probs = without_tangent(log_probs, "ctc_loss_backward");
        linear(grad_loss, |grad| {
            B::ctc_loss_backward(
                log_probs.clone(),
                targets.clone(),
                input_lengths.clone(),
                target_lengths.clone(),
                grad,
                blank,
            )
        })
    }
}
