//! Least squares in f64, whose posterior is normal: covariances of its losses in closed form.

use backdraft_curvature::{Cost, Model, SquaredError};
use backdraft_influence::bayes::{BayesianInfluence, BayesianScores, SgldConfig};
use backdraft_test_support::{device, dot, double, matrix, numbers, solve, vector};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::Tensor,
};

pub(crate) const INPUTS: usize = 3;

/// `1/N sum of w_i/2 (x_i theta - t_i)^2 + l2/2 ||theta||^2`.
pub(crate) struct LeastSquares {
    pub x: Vec<Vec<f64>>,
    pub t: Vec<f64>,
    pub l2: f64,
}

/// A normal distribution of the parameters.
pub(crate) struct Posterior {
    pub mean: Vec<f64>,
    /// Its precision.
    pub precision: Vec<Vec<f64>>,
}

impl LeastSquares {
    pub fn new(count: usize, inputs: usize, l2: f64) -> Self {
        let x = numbers(count * inputs, 7);
        let x: Vec<Vec<f64>> = x.chunks(inputs).map(<[f64]>::to_vec).collect();
        let noise = numbers(count, 8);
        let target = |(x, noise): (&Vec<f64>, f64)| x.iter().sum::<f64>() + 0.8 * noise;
        let t = x.iter().zip(noise).map(target).collect();
        Self { x, t, l2 }
    }

    fn inputs(&self) -> usize {
        self.x[0].len()
    }

    /// The Hessian `1/N sum of w_i x_i x_i' + extra I`.
    pub fn hessian(&self, weights: &[f64], extra: f64) -> Vec<Vec<f64>> {
        let n = self.t.len() as f64;
        let entry = |j: usize, k: usize| {
            let terms = self.x.iter().zip(weights);
            let sum: f64 = terms.map(|(x, w)| w * x[j] * x[k] / n).sum();
            sum + if j == k { extra } else { 0.0 }
        };
        let all = 0..self.inputs();
        all.clone()
            .map(|j| all.clone().map(|k| entry(j, k)).collect())
            .collect()
    }

    /// The minimum of the cost and `damping/2 ||theta - about||^2`, with the weights.
    pub fn minimum(&self, weights: &[f64], damping: f64, about: &[f64]) -> Vec<f64> {
        let n = self.t.len() as f64;
        let entry = |j: usize| {
            let terms = self.x.iter().zip(&self.t).zip(weights);
            let sum: f64 = terms.map(|((x, t), w)| w * x[j] * t / n).sum();
            sum + damping * about[j]
        };
        let right = (0..self.inputs()).map(entry).collect();
        solve(self.hessian(weights, self.l2 + damping), right)
    }

    /// The cost at `theta`.
    pub fn cost(&self, theta: &[f64]) -> Cost {
        let linear = LinearConfig::new(self.inputs(), 1).with_bias(false);
        let linear: Linear = double(linear.init(&device()));
        let model = Model::new(&linear, |it: &Linear, x: Tensor<2>| it.forward(x)).unwrap();
        let model = model.at(vector(theta)).unwrap();
        let x = matrix(&self.x.concat(), self.inputs());
        let cost = Cost::new(model, SquaredError, x, matrix(&self.t, 1)).unwrap();
        cost.with_l2(self.l2)
    }

    /// The posterior at the inverse temperature `nbeta` and the localisation `damping nbeta` about `about`.
    pub fn posterior(&self, weights: &[f64], damping: f64, nbeta: f64, about: &[f64]) -> Posterior {
        let precision = self.hessian(weights, self.l2 + damping);
        Posterior {
            mean: self.minimum(weights, damping, about),
            precision: scaled(precision, nbeta),
        }
    }

    /// `nbeta/N Cov(L_i, L_q)` for all examples `q` and `i`, row by row. With the gradients `g` and the curvatures
    /// `x x'` of two quadratics and the covariance `S` of a normal distribution it is `g_i' S g_q + 1/2 tr(x_i x_i' S
    /// x_q x_q' S)`.
    pub fn scores(&self, of: &Posterior, nbeta: f64) -> Vec<f64> {
        let n = self.t.len();
        let residual = |i: usize| dot(&self.x[i], &of.mean) - self.t[i];
        let mut scores = Vec::new();
        for q in 0..n {
            let pulled = solve(of.precision.clone(), self.x[q].clone());
            scores.extend((0..n).map(|i| {
                let s = dot(&self.x[i], &pulled);
                nbeta / n as f64 * (residual(i) * residual(q) * s + 0.5 * s * s)
            }));
        }
        scores
    }

    /// The mean of the losses over the posterior.
    pub fn means(&self, of: &Posterior) -> Vec<f64> {
        let mean = |(x, t): (&Vec<f64>, &f64)| {
            let spread = dot(x, &solve(of.precision.clone(), x.clone()));
            0.5 * ((dot(x, &of.mean) - t).powi(2) + spread)
        };
        self.x.iter().zip(&self.t).map(mean).collect()
    }
}

pub(crate) fn scaled(matrix: Vec<Vec<f64>>, factor: f64) -> Vec<Vec<f64>> {
    let row = |row: Vec<f64>| row.into_iter().map(|it| factor * it).collect();
    matrix.into_iter().map(row).collect()
}

/// The scores of the training examples for their own losses.
pub(crate) fn sampled(cost: &Cost, config: &SgldConfig) -> BayesianScores {
    let influence = BayesianInfluence::new(cost, cost, false, config).unwrap();
    influence.run().unwrap()
}

/// That the scores are `expected` within their standard errors, of which the largest of all may be five times that, and
/// which themselves are neither too small nor too large, and small beside the scores.
#[track_caller]
pub(crate) fn assert_sampled(scores: &BayesianScores, expected: &[f64]) {
    assert!(scores.has_mixed(), "{:?}", scores.loss_convergence);
    let largest = expected
        .iter()
        .fold(0.0, |most: f64, it| most.max(it.abs()));
    let found = scores.values().iter().zip(scores.all_standard_errors());
    let (mut squares, mut worst) = (0.0, 0.0_f64);
    for ((score, error), expected) in found.zip(expected) {
        assert!(
            *error < 0.1 * largest,
            "an error of {error}, scores to {largest}"
        );
        let apart = (score - expected) / error;
        squares += apart * apart;
        worst = worst.max(apart.abs());
    }
    let typical = (squares / expected.len() as f64).sqrt();
    // They are not independent: no narrower bounds than these.
    assert!(
        worst < 5.0 && (0.2..2.0).contains(&typical),
        "{worst} {typical}"
    );
}
