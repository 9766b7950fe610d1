//! Values that make no sense are refused on every device alike: not all of them tell by themselves.

use backdraft::curvature::{Cause, Cost, CrossEntropy, CurvatureError, LinearOperator, Model};
use backdraft_test_support::{Outcome, numbers, wgpu};
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{Device, Int, Tensor, TensorData},
};

const WORDS: usize = 5;
const CLASSES: usize = 3;
const N: usize = 6;

#[derive(Module, Debug)]
struct Words {
    embedding: Embedding,
    output: Linear,
}

fn integers(changed: usize, value: i64, device: &Device) -> Tensor<1, Int> {
    let mut values: Vec<i64> = (0..N as i64).map(|i| i % CLASSES as i64).collect();
    values[changed] = value;
    Tensor::from_data(TensorData::new(values, [N]), device)
}

fn cost(words: Tensor<1, Int>, labels: Tensor<1, Int>, device: &Device) -> Outcome<Cost> {
    let net = Words {
        embedding: EmbeddingConfig::new(WORDS, 4).init(device),
        output: LinearConfig::new(4, CLASSES).init(device),
    };
    let forward = |net: &Words, x: Tensor<1, Int>| {
        let x = net.embedding.forward(x.unsqueeze_dim::<2>(1));
        net.output.forward(x.squeeze_dim::<2>(1))
    };
    let cost = Cost::new(Model::new(&net, forward)?, CrossEntropy, words, labels)?;
    Ok(cost.with_batch_size(4)?)
}

#[test]
fn on_every_device() -> Outcome {
    let gpu = wgpu();
    for device in [&Device::flex()].into_iter().chain(gpu.as_deref()) {
        let fine = || integers(0, 0, device);
        cost(fine(), fine(), device)?.gradient()?;
        for value in [CLASSES as i64, -1, 1 << 20] {
            let found = cost(fine(), integers(4, value, device), device)?.gradient();
            assert!(
                matches!(found, Err(CurvatureError::Target { example: 4, value: v, .. }) if v == value as f64),
                "{found:?} on {device:?}"
            );
        }
        for value in [WORDS as i64, -1, 1 << 20] {
            let found = cost(integers(4, value, device), fine(), device)?.losses();
            assert!(
                matches!(found, Err(CurvatureError::Lookup { example: 4, value: v, len: WORDS, .. }) if v == value),
                "{found:?} on {device:?}"
            );
        }
        let whole = cost(fine(), fine(), device)?;
        let mut theta = numbers(whole.model().dim(), 3);
        // Infinite in f32.
        theta[2 * 4] = f64::MAX;
        let theta = Tensor::<1>::from_data(theta.as_slice(), device);
        let v = theta.ones_like();
        let broken = whole.at(theta)?;
        let found = broken.hessian().apply(v);
        assert!(
            matches!(
                found,
                Err(CurvatureError::NotFinite {
                    cause: Cause::Parameter { .. },
                    ..
                })
            ),
            "{found:?} on {device:?}"
        );
    }
    Ok(())
}
