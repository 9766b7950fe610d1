//! Normalizations, composed of operations that have rules. Generic over the backend: they run on
//! [`Dual`](crate::Dual) when something moves.

use burn_backend::ops::{BatchNormTrain, BatchNormTrainBackward};
use burn_backend::tensor::FloatTensor;
use burn_backend::{Backend, Shape, TensorMetadata};

/// Normalizes the last dimension, then scales and shifts it.
pub(super) fn layer_norm<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: Option<FloatTensor<B>>,
    epsilon: f64,
) -> FloatTensor<B> {
    let shape = x.shape();
    let last = shape.num_dims() - 1;
    let along_last = along(last, &shape);

    let centered = B::float_sub(x.clone(), B::float_mean_dim(x, last));
    let variance = B::float_mean_dim(square::<B>(centered.clone()), last);
    let normalized = B::float_div(centered, std_dev::<B>(variance, epsilon));
    let scaled = B::float_mul(normalized, B::float_reshape(gamma, along_last.clone()));
    match beta {
        Some(beta) => B::float_add(scaled, B::float_reshape(beta, along_last)),
        None => scaled,
    }
}

/// Normalizes each channel (dimension 1) with a given mean and variance, then scales and shifts it.
pub(super) fn batch_norm<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    let channels = along(1, &x.shape());
    let per_channel = |vector| B::float_reshape(vector, channels.clone());

    let std_dev = std_dev::<B>(per_channel(variance), epsilon);
    let normalized = B::float_div(B::float_sub(x, per_channel(mean)), std_dev);
    let scaled = B::float_mul(normalized, per_channel(gamma));
    B::float_add(scaled, per_channel(beta))
}

/// [`batch_norm`] with the batch's own mean and biased variance.
pub(super) fn batch_norm_train<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    epsilon: f64,
) -> BatchNormTrain<B> {
    let shape = x.shape();
    let channels = Shape::new([shape[1]]);

    let mean = B::float_mean_dim(by_channel::<B>(x.clone()), 1);
    let centered = B::float_sub(x.clone(), B::float_reshape(mean.clone(), along(1, &shape)));
    let variance = B::float_mean_dim(by_channel::<B>(square::<B>(centered)), 1);
    let mean = B::float_reshape(mean, channels.clone());
    let variance = B::float_reshape(variance, channels);
    let output = B::batch_norm(x, gamma, beta, mean.clone(), variance.clone(), epsilon);
    BatchNormTrain::new(output, mean, variance)
}

/// The gradients of [`batch_norm_train`].
pub(super) fn batch_norm_train_backward<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
    output_grad: FloatTensor<B>,
) -> BatchNormTrainBackward<B> {
    let shape = x.shape();
    let channels = along(1, &shape);
    let per_channel = |vector| B::float_reshape(vector, channels.clone());

    let std_dev = std_dev::<B>(per_channel(variance), epsilon);
    let normalized = B::float_div(B::float_sub(x, per_channel(mean)), std_dev.clone());
    let grads = by_channel::<B>(output_grad.clone());
    let projections = by_channel::<B>(B::float_mul(output_grad.clone(), normalized.clone()));

    // The part of the gradient that the batch's mean and variance absorb.
    let absorbed = B::float_add(
        per_channel(B::float_mean_dim(grads.clone(), 1)),
        B::float_mul(
            normalized,
            per_channel(B::float_mean_dim(projections.clone(), 1)),
        ),
    );
    let scale = B::float_div(per_channel(gamma), std_dev);
    let x_grad = B::float_mul(scale, B::float_sub(output_grad, absorbed));

    let total = |grads| B::float_reshape(B::float_sum_dim(grads, 1), Shape::new([shape[1]]));
    BatchNormTrainBackward::new(x_grad, total(projections), total(grads))
}

fn std_dev<B: Backend>(variance: FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    B::float_sqrt(B::float_add_scalar(variance, epsilon.into()))
}

fn square<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_powi_scalar(x, 2.into())
}

/// `[batch, channels, ...]` as `[channels, samples]`.
fn by_channel<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let shape = x.shape();
    let samples = shape.num_elements() / shape[1];
    B::float_reshape(B::float_swap_dims(x, 0, 1), Shape::new([shape[1], samples]))
}

/// The shape of a vector along dimension `dim` that broadcasts against `shape`.
fn along(dim: usize, shape: &Shape) -> Shape {
    let mut dims = vec![1; shape.num_dims()];
    dims[dim] = shape[dim];
    Shape::from(dims)
}
