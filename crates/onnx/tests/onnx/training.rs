//! Training a network from a file with Burn's optimizers, and saving it.

use backdraft_attribution::{FitConfig, Retrain};
use backdraft_curvature::{CrossEntropy, Loss};
use backdraft_onnx::OnnxModel;
use backdraft_test_support::{host, parameters};
use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Int, Tensor},
};

use crate::common::{Fixture, path};

fn loss(model: &OnnxModel, x: Tensor<2>, t: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropy.per_example(model.forward(x), t).mean()
}

fn lowers(name: &str) {
    let fixture = Fixture::load(name);
    let (x, t) = (fixture.tensor::<2>("inputs"), fixture.ints::<1>("targets"));
    let before = host(loss(&fixture.model, x.clone(), t.clone()))[0];
    let mut model = fixture.model.clone().train();
    let mut adam = AdamConfig::new().init();
    for _ in 0..5 {
        let gradients = loss(&model, x.clone(), t.clone()).backward();
        let gradients = GradientsParams::from_grads(gradients, &model);
        model = adam.step(0.02, model, gradients);
    }
    let after = host(loss(&model.valid(), x, t))[0];
    assert!(after < 0.9 * before, "{name}: {after} after {before}");
    let kept = fixture.model.tensors().len();
    let changed = parameters(&fixture.model)
        .into_iter()
        .zip(parameters(&model.valid()));
    let changed = changed.filter(|(before, after)| before != after).count();
    // Running statistics stay as they are.
    assert_eq!(
        changed,
        kept - if name.starts_with("residual") { 2 } else { 0 }
    );
}

#[test]
fn steps_of_adam_lower_the_loss() {
    lowers("perceptron_dynamo");
    lowers("residual_dynamo");
    lowers("encoder_torchscript");
}

#[test]
fn it_is_retrained_without_an_example() {
    let fixture = Fixture::load("perceptron_f64");
    let (x, t) = (fixture.tensor::<2>("inputs"), fixture.ints::<1>("targets"));
    let config = FitConfig {
        epochs: 3,
        batch_size: 2,
        learning_rate: 0.01,
    };
    let fit = config
        .init(
            |_| fixture.model.clone(),
            || AdamConfig::new().init(),
            |model: &OnnxModel, batch: Tensor<1, Int>| {
                let outputs = model.forward(x.clone().select(0, batch.clone()));
                CrossEntropy.per_example(outputs, t.clone().select(0, batch))
            },
        )
        .unwrap();
    let weights = vec![1.0; x.dims()[0]];
    let all = host(fit.retrain(&weights, 1).unwrap());
    assert_eq!(all, host(fit.retrain(&weights, 1).unwrap()));
    let mut without = weights.clone();
    without[0] = 0.0;
    assert_ne!(all, host(fit.retrain(&without, 1).unwrap()));
}

#[test]
fn its_record_is_loaded_by_names() {
    let fixture = Fixture::load("residual_dynamo");
    let changed = fixture.model.clone().map(&mut Doubled);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.bpk");
    changed.clone().save_file(&file).unwrap();
    let fresh = OnnxModel::load(path("residual_dynamo.onnx"), &Device::flex()).unwrap();
    let loaded = fresh.try_load_file(&file).unwrap();
    assert_eq!(parameters(&loaded), parameters(&changed));
    assert_ne!(parameters(&loaded), parameters(&fixture.model));
}

struct Doubled;

impl burn::module::ModuleMapper for Doubled {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        param.map(|tensor| tensor * 2.0)
    }
}
