//! Scores for queries that the network is sure of: their losses' gradients are small, and right, so the scores are too.
//! In f32 on flex, against closed forms in f64.

use backdraft_curvature::{BinaryCrossEntropy, Cost, Model};
use backdraft_influence::{ConjugateGradientConfig, DirectConfig, Inverse, scores};
use backdraft_test_support::host;
use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};

const WEIGHT: f64 = 12.0;
const DAMPING: f64 = 0.01;
const X: [f64; 6] = [-1.5, -0.25, -0.125, 0.0625, 0.5, 1.75];
const T: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0];

fn column(values: &[f64]) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [values.len(), 1]);
    Tensor::from_data(data.convert::<f32>(), &Device::flex())
}

fn sigmoid(x: f64) -> f64 {
    match x >= 0.0 {
        true => 1.0 / (1.0 + (-x).exp()),
        false => x.exp() / (1.0 + x.exp()),
    }
}

/// Of the loss of an example, by the weight.
fn gradient(x: f64, t: f64) -> f64 {
    let y = WEIGHT * x;
    x * ((1.0 - t) * sigmoid(y) - t * sigmoid(-y))
}

#[test]
fn a_row_of_scores_is_right_however_sure_the_query_is() {
    let linear = Linear {
        weight: Param::from_tensor(column(&[WEIGHT])),
        bias: None,
    };
    let model = Model::new(&linear, |linear: &Linear, x: Tensor<2>| linear.forward(x)).unwrap();
    let cost = Cost::new(model, BinaryCrossEntropy, column(&X), column(&T)).unwrap();
    let curvature = X.map(|x| x * x * sigmoid(WEIGHT * x) * sigmoid(-WEIGHT * x));
    let curvature = curvature.iter().sum::<f64>() / X.len() as f64 + DAMPING;

    let damped = cost.gauss_newton().damped(DAMPING);
    let direct = DirectConfig::default().init().unwrap();
    let factored = direct.factor(&damped).unwrap();
    let gradients = ConjugateGradientConfig::default().init().unwrap();
    // Logits of about 16.2 and 21.8, and more; a quarter is exact in f32.
    for logit in [15.0, 16.2, 18.0, 21.8, 45.0, 84.0] {
        let x = (logit / WEIGHT * 1024.0_f64).round() / 1024.0;
        for (x, t) in [(x, 1.0), (-x, 0.0), (x, 0.0), (-x, 1.0)] {
            let query = cost.with_examples(column(&[x]), column(&[t])).unwrap();
            let right_hand_side = query.gradient().unwrap();
            let solution = gradient(x, t) / curvature;
            let expected = (0..X.len()).map(|i| gradient(X[i], T[i]) * solution / X.len() as f64);
            let solutions = [
                factored.solve(right_hand_side.clone()).unwrap().vector,
                gradients.solve(&damped, right_hand_side).unwrap().vector,
            ];
            for solution in solutions {
                let found = host(scores(&cost, solution).unwrap());
                for (i, (found, expected)) in found.iter().zip(expected.clone()).enumerate() {
                    // A dozen roundings to 6e-8, or to the least number there is.
                    let error = (found - expected).abs();
                    assert!(
                        error <= 1e-6 * expected.abs() + 1e-44,
                        "{i} for {x}, {t}: {found:e}, not {expected:e}"
                    );
                }
            }
        }
    }
}
