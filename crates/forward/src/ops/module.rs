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

use super::{deform, normalization, pool};
use crate::rules::{affine, bilinear, int_dtype, linear, linear_beside, without_tangent};
use crate::{Dual, DualTensor};

impl<B: Backend> ModuleOps<Self> for Dual<B> {
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

    fn embedding(weights: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        linear(weights, |weights| B::embedding(weights, indices.clone()))
    }

    fn embedding_backward(
        weights: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        indices: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(weights, output_grad, |weights, grad| {
            B::embedding_backward(weights, grad, indices.clone())
        })
    }

    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        affine(x, weight, bias, |shape| shape.num_dims() - 1, B::linear)
    }

    fn linear_x_backward(
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, B::linear_x_backward)
    }

    fn linear_weight_backward(
        x: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, B::linear_weight_backward)
    }

    fn linear_bias_backward(output_grad: FloatTensor<Self>) -> FloatTensor<Self> {
        linear(output_grad, B::linear_bias_backward)
    }

    fn conv1d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvOptions<1>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv1d(x, weight, bias, options.clone()),
        )
    }

    fn conv1d_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<1>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv1d_x_backward(x.primal.clone(), weight, grad, options.clone())
        })
    }

    fn conv1d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<1>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv1d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv1d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv1d_bias_backward(x.primal.clone(), bias, grad)
        })
    }

    fn conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv2d(x, weight, bias, options.clone()),
        )
    }

    fn conv2d_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv2d_x_backward(x.primal.clone(), weight, grad, options.clone())
        })
    }

    fn conv2d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv2d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv2d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv2d_bias_backward(x.primal.clone(), bias, grad)
        })
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

    fn conv3d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv3d(x, weight, bias, options.clone()),
        )
    }

    fn conv3d_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv3d_x_backward(x.primal.clone(), weight, grad, options.clone())
        })
    }

    fn conv3d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv3d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv3d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv3d_bias_backward(x.primal.clone(), bias, grad)
        })
    }

    fn conv_transpose1d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvTransposeOptions<1>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv_transpose1d(x, weight, bias, options.clone()),
        )
    }

    fn conv_transpose1d_x_backward(
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<1>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv_transpose1d_x_backward(weight, grad, options.clone())
        })
    }

    fn conv_transpose1d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<1>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv_transpose1d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv_transpose1d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv_transpose1d_bias_backward(x.primal.clone(), bias, grad)
        })
    }

    fn conv_transpose2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvTransposeOptions<2>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv_transpose2d(x, weight, bias, options.clone()),
        )
    }

    fn conv_transpose2d_x_backward(
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<2>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv_transpose2d_x_backward(weight, grad, options.clone())
        })
    }

    fn conv_transpose2d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<2>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv_transpose2d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv_transpose2d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv_transpose2d_bias_backward(x.primal.clone(), bias, grad)
        })
    }

    fn conv_transpose3d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvTransposeOptions<3>,
    ) -> FloatTensor<Self> {
        affine(
            x,
            weight,
            bias,
            |_| 1,
            |x, weight, bias| B::conv_transpose3d(x, weight, bias, options.clone()),
        )
    }

    fn conv_transpose3d_x_backward(
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<3>,
    ) -> FloatTensor<Self> {
        bilinear(weight, output_grad, |weight, grad| {
            B::conv_transpose3d_x_backward(weight, grad, options.clone())
        })
    }

    fn conv_transpose3d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
        options: ConvTransposeOptions<3>,
    ) -> FloatTensor<Self> {
        bilinear(x, output_grad, |x, grad| {
            B::conv_transpose3d_weight_backward(x, weight.primal.clone(), grad, options.clone())
        })
    }

    fn conv_transpose3d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        output_grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(bias, output_grad, |bias, grad| {
            B::conv_transpose3d_bias_backward(x.primal.clone(), bias, grad)
        })
    }

    fn unfold4d(
        x: FloatTensor<Self>,
        kernel_size: [usize; 2],
        options: UnfoldOptions,
    ) -> FloatTensor<Self> {
        linear(x, |x| B::unfold4d(x, kernel_size, options.clone()))
    }

    fn fold4d(
        x: FloatTensor<Self>,
        output_size: [usize; 2],
        kernel_size: [usize; 2],
        options: UnfoldOptions,
    ) -> FloatTensor<Self> {
        linear(x, |x| {
            B::fold4d(x, output_size, kernel_size, options.clone())
        })
    }

    fn avg_pool1d(
        x: FloatTensor<Self>,
        kernel_size: usize,
        stride: usize,
        padding: usize,
        count_include_pad: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        linear(x, |x| {
            B::avg_pool1d(
                x,
                kernel_size,
                stride,
                padding,
                count_include_pad,
                ceil_mode,
            )
        })
    }

    fn avg_pool1d_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        kernel_size: usize,
        stride: usize,
        padding: usize,
        count_include_pad: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, |x, grad| {
            B::avg_pool1d_backward(
                x,
                grad,
                kernel_size,
                stride,
                padding,
                count_include_pad,
                ceil_mode,
            )
        })
    }

    fn avg_pool2d(
        x: FloatTensor<Self>,
        kernel_size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        count_include_pad: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        linear(x, |x| {
            B::avg_pool2d(
                x,
                kernel_size,
                stride,
                padding,
                count_include_pad,
                ceil_mode,
            )
        })
    }

    fn avg_pool2d_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        kernel_size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        count_include_pad: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, |x, grad| {
            B::avg_pool2d_backward(
                x,
                grad,
                kernel_size,
                stride,
                padding,
                count_include_pad,
                ceil_mode,
            )
        })
    }

    fn adaptive_avg_pool2d(x: FloatTensor<Self>, output_size: [usize; 2]) -> FloatTensor<Self> {
        linear(x, |x| B::adaptive_avg_pool2d(x, output_size))
    }

    fn adaptive_avg_pool2d_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, B::adaptive_avg_pool2d_backward)
    }

    fn adaptive_avg_pool3d(x: FloatTensor<Self>, output_size: [usize; 3]) -> FloatTensor<Self> {
        linear(x, |x| B::adaptive_avg_pool3d(x, output_size))
    }

    fn adaptive_avg_pool3d_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, B::adaptive_avg_pool3d_backward)
    }

    fn adaptive_avg_pool1d(x: FloatTensor<Self>, output_size: usize) -> FloatTensor<Self> {
        linear(x, |x| B::adaptive_avg_pool1d(x, output_size))
    }

    fn adaptive_avg_pool1d_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, B::adaptive_avg_pool1d_backward)
    }

    fn max_pool1d(
        x: FloatTensor<Self>,
        kernel_size: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        if x.tangent.is_none() {
            return DualTensor::constant(B::max_pool1d(
                x.primal,
                kernel_size,
                stride,
                padding,
                dilation,
                ceil_mode,
            ));
        }
        let dtype = int_dtype::<B>(&x.primal);
        Self::max_pool1d_with_indices(x, kernel_size, stride, padding, dilation, ceil_mode, dtype)
            .output
    }

    fn max_pool1d_with_indices(
        x: FloatTensor<Self>,
        kernel_size: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
        ceil_mode: bool,
        indices_dtype: IntDType,
    ) -> MaxPool1dWithIndices<Self> {
        let pooled = B::max_pool1d_with_indices(
            x.primal,
            kernel_size,
            stride,
            padding,
            dilation,
            ceil_mode,
            indices_dtype,
        );
        let tangent = x
            .tangent
            .map(|tangent| pool::taken::<B>(tangent, pooled.indices.clone()));
        MaxPool1dWithIndices::new(DualTensor::join(pooled.output, tangent), pooled.indices)
    }

    fn max_pool1d_with_indices_backward(
        x: FloatTensor<Self>,
        kernel_size: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
        ceil_mode: bool,
        output_grad: FloatTensor<Self>,
        indices: IntTensor<Self>,
    ) -> MaxPool1dBackward<Self> {
        MaxPool1dBackward::new(linear_beside(x, output_grad, |x, output_grad| {
            B::max_pool1d_with_indices_backward(
                x,
                kernel_size,
                stride,
                padding,
                dilation,
                ceil_mode,
                output_grad,
                indices.clone(),
            )
            .x_grad
        }))
    }

    fn max_pool2d(
        x: FloatTensor<Self>,
        kernel_size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        if x.tangent.is_none() {
            return DualTensor::constant(B::max_pool2d(
                x.primal,
                kernel_size,
                stride,
                padding,
                dilation,
                ceil_mode,
            ));
        }
        let dtype = int_dtype::<B>(&x.primal);
        Self::max_pool2d_with_indices(x, kernel_size, stride, padding, dilation, ceil_mode, dtype)
            .output
    }

    fn max_pool2d_with_indices(
        x: FloatTensor<Self>,
        kernel_size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        ceil_mode: bool,
        indices_dtype: IntDType,
    ) -> MaxPool2dWithIndices<Self> {
        let pooled = B::max_pool2d_with_indices(
            x.primal,
            kernel_size,
            stride,
            padding,
            dilation,
            ceil_mode,
            indices_dtype,
        );
        let tangent = x
            .tangent
            .map(|tangent| pool::taken::<B>(tangent, pooled.indices.clone()));
        MaxPool2dWithIndices::new(DualTensor::join(pooled.output, tangent), pooled.indices)
    }

    fn max_pool2d_with_indices_backward(
        x: FloatTensor<Self>,
        kernel_size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        ceil_mode: bool,
        output_grad: FloatTensor<Self>,
        indices: IntTensor<Self>,
    ) -> MaxPool2dBackward<Self> {
        MaxPool2dBackward::new(linear_beside(x, output_grad, |x, output_grad| {
            B::max_pool2d_with_indices_backward(
                x,
                kernel_size,
                stride,
                padding,
                dilation,
                ceil_mode,
                output_grad,
                indices.clone(),
            )
            .x_grad
        }))
    }

    fn interpolate(
        x: FloatTensor<Self>,
        output_size: [usize; 2],
        options: InterpolateOptions,
    ) -> FloatTensor<Self> {
        linear(x, |x| B::interpolate(x, output_size, options.clone()))
    }

    fn interpolate_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        output_size: [usize; 2],
        options: InterpolateOptions,
    ) -> FloatTensor<Self> {
        linear_beside(x, grad, |x, grad| {
            B::interpolate_backward(x, grad, output_size, options.clone())
        })
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
