//! The networks of the benchmarks have the sizes that they are known by.

use backdraft_models::{AutoencoderConfig, LeNetConfig, MlpConfig};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

#[test]
fn parameters_are_counted_as_published() {
    let device = Device::flex();
    assert_eq!(LeNetConfig::new().init(&device).num_params(), 61_706);
    assert_eq!(
        AutoencoderConfig::new().init(&device).num_params(),
        2_837_314
    );
    let mlp = MlpConfig::new(784, 10)
        .with_hidden(vec![1024, 1024])
        .init(&device);
    assert_eq!(mlp.num_params(), 1_863_690);
}

#[test]
fn outputs_have_a_row_for_each_example() {
    let device = Device::flex();
    let logits = LeNetConfig::new()
        .init(&device)
        .forward(Tensor::ones([3, 1, 28, 28], &device));
    assert_eq!(logits.dims(), [3, 10]);
    let small = AutoencoderConfig::new()
        .with_widths(vec![6, 4, 2])
        .init(&device);
    assert_eq!(
        small.num_params(),
        6 * 4 + 4 + 4 * 2 + 2 + 2 * 4 + 4 + 4 * 6 + 6
    );
    assert_eq!(small.forward(Tensor::ones([5, 6], &device)).dims(), [5, 6]);
}
