//! Training by Burn's optimizers, from weights and a seed.

use backdraft_attribution::{FitConfig, Retrain, RetrainError};
use burn::{
    nn::{Linear, LinearConfig},
    optim::SgdConfig,
    tensor::{Device, Int, Tensor},
};

use crate::common::{INPUTS, LeastSquares, N, fit};
use backdraft_test_support::{double, host, matrix};

const FIT: FitConfig = FitConfig {
    epochs: 1,
    batch_size: N,
    learning_rate: 0.1,
};

fn linear() -> Linear {
    let config = LinearConfig::new(INPUTS, 1).with_bias(false);
    double(config.init(&Device::flex()))
}

#[test]
fn weights_multiply_losses_and_batches_count_all_examples() {
    let problem = LeastSquares::new(N, 4);
    let (x, t) = (matrix(&problem.x.concat(), INPUTS), matrix(&problem.t, 1));
    let config = FitConfig {
        epochs: 300,
        learning_rate: 1.0,
        ..FIT
    };
    let losses = |linear: &Linear, batch: Tensor<1, Int>| {
        let t = t.clone().select(0, batch.clone());
        let residuals = linear.forward(x.clone().select(0, batch)) - t;
        residuals.square().squeeze_dim(1) * 0.5
    };
    let long = config.init(|_| linear(), || SgdConfig::new().init(), losses);
    let mut weights = [1.0; N];
    weights[3] = 0.0;
    weights[8] = 1.7;
    let found = long.unwrap().retrain(&weights, 0).unwrap();
    let expected = problem.minimum(&weights);
    for (found, expected) in host(found).iter().zip(&expected) {
        // 300 steps of 1 with curvatures from 0.2 to 1.
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    // One step on all examples is one of the gradient of `1/N sum of w_i L_i`.
    let once = FIT.init(|_| linear(), || SgdConfig::new().init(), losses);
    let found = host(once.unwrap().retrain(&weights, 0).unwrap());
    let start = host(linear().weight.val().reshape([INPUTS]));
    for (j, (found, start_j)) in found.iter().zip(&start).enumerate() {
        let slope = |i: usize| weights[i] * problem.residual(i, &start) * problem.x[i][j];
        let gradient = (0..N).map(slope).sum::<f64>() / N as f64;
        // Burn's optimizers take the step size as it is: in f64.
        assert!((found - (start_j - 0.1 * gradient)).abs() < 1e-15);
    }
}

#[test]
fn a_seed_settles_the_order() {
    let weights = [1.0; N];
    let theta = |seed| host(fit().retrain(&weights, seed).unwrap());
    assert_eq!(theta(3), theta(3));
    assert_ne!(theta(3), theta(4));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let losses = |linear: &Linear, batch: Tensor<1, Int>| {
        let ones = Tensor::<2>::ones([batch.dims()[0], INPUTS], &Device::flex());
        let ones = ones.cast(linear.weight.val().dtype());
        linear.forward(ones).mean()
    };
    let init = |config: FitConfig| config.init(|_| linear(), || SgdConfig::new().init(), losses);
    for (config, setting) in [
        (
            FitConfig {
                batch_size: 0,
                ..FIT
            },
            "batch_size",
        ),
        (
            FitConfig {
                learning_rate: 0.0,
                ..FIT
            },
            "learning_rate",
        ),
        (
            FitConfig {
                learning_rate: f64::NAN,
                ..FIT
            },
            "learning_rate",
        ),
    ] {
        let Err(RetrainError::Setting { name, .. }) = init(config) else {
            panic!("{setting} was taken");
        };
        assert_eq!(name, setting);
    }
    let mean = init(FIT).unwrap().retrain(&[1.0; N], 0);
    let Err(RetrainError::Losses {
        expected: N,
        found: 1,
    }) = mean
    else {
        panic!("{mean:?}");
    };
    let none = init(FIT).unwrap().retrain(&[], 0);
    assert!(matches!(
        none,
        Err(RetrainError::Setting {
            name: "weights",
            ..
        })
    ));
}

#[test]
fn training_that_diverges_is_told_of() {
    let x = matrix(&LeastSquares::new(N, 4).x.concat(), INPUTS);
    let steep = FitConfig {
        epochs: 400,
        learning_rate: 100.0,
        ..FIT
    };
    let losses = |linear: &Linear, batch: Tensor<1, Int>| {
        let outputs = linear.forward(x.clone().select(0, batch));
        outputs.square().squeeze_dim(1)
    };
    let fit = steep.init(|_| linear(), || SgdConfig::new().init(), losses);
    let lost = fit.unwrap().retrain(&[1.0; N], 0);
    assert!(matches!(lost, Err(RetrainError::NotFinite)), "{lost:?}");
}
