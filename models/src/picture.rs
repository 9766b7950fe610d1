//! What the networks for pictures share.

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

/// Rows of pixels, channel by channel, as pictures of `[channels, height, width]`.
pub(crate) fn pictures(rows: Tensor<2>, [channels, height, width]: [usize; 3]) -> Tensor<4> {
    let [batch, _] = rows.dims();
    rows.reshape([batch, channels, height, width])
}
