//! A small logistic regression whose minima, Hessian and influence are computed densely in f64.

use backdraft_curvature::{Cost, CrossEntropy, Model};
use backdraft_test_support::{classes, dot, double, matrix, numbers, solve, vector};
use burn::{
    Tensor,
    nn::{Linear, LinearConfig},
    tensor::Device,
};

pub(super) const N: usize = 120;
const INPUTS: usize = 4;
pub(super) const CLASSES: usize = 3;
pub(super) const DIM: usize = INPUTS * CLASSES + CLASSES;
pub(super) const L2: f64 = 0.01;

/// `1/N sum of w_i loss_i + L2/2 ||theta||^2`, with the parameters in the order of a linear layer: weights `[inputs,
/// classes]`, then biases.
pub(super) struct Softmax {
    pub x: Vec<f64>,
    pub y: Vec<i64>,
}

impl Softmax {
    pub fn new(count: usize, seed: u64) -> Self {
        let x = numbers(count * INPUTS, seed);
        // Classes that follow the inputs, but for some noise.
        let noise = numbers(count, seed + 1);
        let class = |(x, noise): (&[f64], &f64)| match (x[0] + 0.7 * noise, x[1]) {
            (first, _) if first > 0.2 => 0,
            (_, second) if second > 0.0 => 1,
            _ => 2,
        };
        let y = x.chunks(INPUTS).zip(&noise).map(class).collect();
        Self { x, y }
    }

    pub fn row(&self, example: usize) -> Vec<f64> {
        let inputs = &self.x[example * INPUTS..][..INPUTS];
        [inputs, &[1.0]].concat()
    }

    /// The probabilities of the classes.
    pub fn probabilities(&self, example: usize, theta: &[f64]) -> Vec<f64> {
        let row = self.row(example);
        let logit = |class: usize| -> f64 {
            let weights = (0..=INPUTS).map(|j| row[j] * theta[j * CLASSES + class]);
            weights.sum()
        };
        let logits: Vec<f64> = (0..CLASSES).map(logit).collect();
        let sum: f64 = logits.iter().map(|it| it.exp()).sum();
        logits.iter().map(|it| it.exp() / sum).collect()
    }

    pub fn loss(&self, example: usize, theta: &[f64]) -> f64 {
        -self.probabilities(example, theta)[self.y[example] as usize].ln()
    }

    pub fn gradient(&self, example: usize, theta: &[f64]) -> Vec<f64> {
        let (row, mut slopes) = (self.row(example), self.probabilities(example, theta));
        slopes[self.y[example] as usize] -= 1.0;
        row.iter()
            .flat_map(|x| slopes.iter().map(move |slope| x * slope))
            .collect()
    }

    /// The Hessian and the gradient of the cost with these weights.
    pub fn curved(&self, weights: &[f64], theta: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut hessian = vec![vec![0.0; DIM]; DIM];
        let mut slope: Vec<f64> = theta.iter().map(|it| L2 * it).collect();
        for (i, row) in hessian.iter_mut().enumerate() {
            row[i] = L2;
        }
        for (example, weight) in weights.iter().enumerate() {
            let (row, p) = (self.row(example), self.probabilities(example, theta));
            let share = weight / N as f64;
            for (sum, value) in slope.iter_mut().zip(self.gradient(example, theta)) {
                *sum += share * value;
            }
            for (a, entries) in hessian.iter_mut().enumerate() {
                for (b, entry) in entries.iter_mut().enumerate() {
                    let (j, c, k, d) = (a / CLASSES, a % CLASSES, b / CLASSES, b % CLASSES);
                    let same = if c == d { p[c] } else { 0.0 };
                    *entry += share * row[j] * row[k] * (same - p[c] * p[d]);
                }
            }
        }
        (hessian, slope)
    }

    /// By Newton's method from zero.
    pub fn minimum(&self, weights: &[f64]) -> Vec<f64> {
        let mut theta = vec![0.0; DIM];
        for _ in 0..40 {
            let (hessian, slope) = self.curved(weights, &theta);
            let step = solve(hessian, slope);
            theta
                .iter_mut()
                .zip(step)
                .for_each(|(it, step)| *it -= step);
        }
        theta
    }

    pub fn without(&self, example: usize) -> Vec<f64> {
        let mut weights = vec![1.0; N];
        weights[example] = 0.0;
        self.minimum(&weights)
    }

    pub fn cost(&self, theta: &[f64]) -> Cost {
        let linear: Linear = LinearConfig::new(INPUTS, CLASSES).init(&Device::flex());
        let model = Model::new(&double(linear), |it: &Linear, x: Tensor<2>| it.forward(x)).unwrap();
        let model = model.at(vector(theta)).unwrap();
        let x = matrix(&self.x, INPUTS);
        Cost::new(model, CrossEntropy, x, classes(&self.y)).unwrap()
    }
}

/// The trained regression, and a test example that it gets wrong.
pub(super) struct Known {
    pub problem: Softmax,
    pub trained: Vec<f64>,
    pub tests: Softmax,
    pub query: usize,
}

impl Known {
    pub fn new() -> Self {
        let problem = Softmax::new(N, 3);
        let trained = problem.minimum(&[1.0; N]);
        let tests = Softmax::new(20, 40);
        let wrong = |&it: &usize| tests.loss(it, &trained) > 1.0;
        let query = (0..20).find(wrong).unwrap();
        Self {
            problem,
            trained,
            query,
            tests,
        }
    }

    pub fn costs(&self) -> (Cost, Cost) {
        let cost = self.problem.cost(&self.trained).with_l2(L2);
        let query = self
            .tests
            .cost(&self.trained)
            .select(&[self.query])
            .unwrap();
        (cost, query)
    }

    /// What influence predicts of every example, with all parameters and the exact Hessian.
    pub fn influence(&self) -> Vec<f64> {
        let (hessian, _) = self.problem.curved(&[1.0; N], &self.trained);
        let s = solve(hessian, self.tests.gradient(self.query, &self.trained));
        let of = |i| dot(&self.problem.gradient(i, &self.trained), &s) / N as f64;
        (0..N).map(of).collect()
    }

    pub fn actual(&self, example: usize) -> f64 {
        let loss = |theta: &[f64]| self.tests.loss(self.query, theta);
        loss(&self.problem.without(example)) - loss(&self.trained)
    }
}
