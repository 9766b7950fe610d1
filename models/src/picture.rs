use burn::tensor::Tensor;

/// The mean of each channel of `[batch, channels, height, width]`: `[batch, channels]`.
pub(crate) fn mean(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    match height * width {
        1 => x.reshape([batch, channels]),
        pixels => x
            .reshape([batch, channels, pixels])
            .mean_dim(2)
            .reshape([batch, channels]),
    }
}
