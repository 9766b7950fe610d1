//! The engine's estimates for linear modules are the closed forms.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Huber, LinearOperator, Model, SquaredError, to_dense,
};
use backdraft_dense::DenseMatrix;
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, Inverse, Pbrf, PbrfConfig, Solver,
    closed::{DesignConfig, LeastSquaresFit, LinearFit},
    newton_estimates, newton_scores, newton_step, parameter_change,
    response::Removal,
    scores, self_influence,
};
use backdraft_test_support::{assert_close, classes, host, matrix, numbers, vector};
use burn::{nn::Linear, tensor::Tensor};

use super::{
    least_squares::{INPUTS, Known, N},
    logistic,
};
use crate::response::common::layer;

/// The L2 term of the cost, which is a mean.
const L2: f64 = 0.05;

/// Of linear regression with a bias at the minimum with the L2 term, which the cost itself is without: damping takes
/// its place.
fn least_squares() -> (Known, LeastSquaresFit, Cost) {
    let known = Known::new(DesignConfig {
        ridge: L2 * N as f64,
        ..DesignConfig::default()
    });
    let fit = known.fit();
    let model = Model::new(&layer(INPUTS, 1), |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let model = model.at(vector(fit.parameters())).unwrap();
    let (x, y) = (matrix(known.x.values(), INPUTS), matrix(&known.y, 1));
    let cost = Cost::new(model, SquaredError, x, y).unwrap();
    (known, fit, cost)
}

/// Both solvers end at rounding: condition numbers are below 100.
const TIGHT: f64 = 1e-12;

#[test]
fn scores_of_least_squares_are_the_closed_form() {
    let (_, fit, cost) = least_squares();
    let (input, target) = (numbers(INPUTS, 9), 0.7);
    let query = cost
        .with_examples(matrix(&input, INPUTS), matrix(&[target], 1))
        .unwrap();
    let damped = cost.gauss_newton().damped(L2);
    let direct = DirectConfig::default().init().unwrap();
    let gradients = ConjugateGradientConfig {
        tolerance: Some(1e-14),
        ..Default::default()
    };
    let gradients = gradients.init().unwrap();
    let inverses: [Box<dyn Inverse>; 2] = [
        direct.prepare(&damped).unwrap(),
        gradients.prepare(&damped).unwrap(),
    ];
    for inverse in inverses {
        let solution = inverse.solve(query.gradient().unwrap()).unwrap().vector;
        let found = host(scores(&cost, solution).unwrap());
        assert_close(&found, &fit.loss_influence(&input, target).unwrap(), TIGHT);
        for i in [0, 11] {
            let change = host(parameter_change(&cost, &*inverse, i).unwrap());
            assert_close(&change, &fit.influence(i).unwrap(), TIGHT);
        }
        let all: Vec<usize> = (0..N).collect();
        let found = self_influence(&cost, &*inverse, &all).unwrap();
        assert_close(&found, &fit.self_influence(), TIGHT);
    }
}

/// One Newton step is all there is to go: the objective is quadratic.
#[test]
fn newton_estimates_of_least_squares_are_leaving_out() {
    let (_, fit, cost) = least_squares();
    let damped = cost.gauss_newton().damped(L2);
    let direct = DirectConfig::default().init().unwrap();
    let inverse = direct.prepare(&damped).unwrap();
    let removals: Vec<Removal> = (0..N).map(|i| Removal::of(vec![i], N)).collect();
    let found = newton_estimates(&cost, &damped, &*inverse, &removals).unwrap();
    for (i, estimate) in found.into_iter().enumerate() {
        let estimate = estimate.unwrap();
        assert_close(
            &host(estimate.vector),
            &fit.leave_one_out(i).unwrap(),
            TIGHT,
        );
        assert_close(&estimate.leverage.values, &[fit.leverage()[i]], TIGHT);
        let step = newton_step(&cost, &damped, &direct, &removals[i]).unwrap();
        assert_close(&host(step.vector), &fit.leave_one_out(i).unwrap(), TIGHT);
    }
    let input = numbers(INPUTS, 9);
    // The gradient of the output in weights and bias.
    let row = [&input[..], &[1.0]].concat();
    let solution = inverse.solve(vector(&row)).unwrap().vector;
    let scores = newton_scores(&cost, &damped, &*inverse, &solution.unsqueeze_dim(0)).unwrap();
    let found: Vec<f64> = scores.values[0].iter().map(|it| it.unwrap()).collect();
    let expected: Vec<f64> = fit
        .output_changes(&input)
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    assert_close(&found, &expected, TIGHT);
}

/// The influence loss difference of an example is its leverage times its squared residual, up to what is left of the
/// model's own second derivative, which a linear one has not: with residuals of size one, it is the leverage.
#[test]
fn the_influence_loss_difference_over_the_squared_residual_is_the_leverage() {
    let (known, _, cost) = least_squares();
    let config = DesignConfig {
        ridge: 0.0,
        ..known.config
    };
    let fit = LeastSquaresFit::new(&known.x, &known.y, config).unwrap();
    let cost = cost.at(vector(fit.parameters())).unwrap();
    let hessian = cost.hessian();
    let direct = DirectConfig::default().init().unwrap();
    let inverse = direct.prepare(&hessian).unwrap();
    let all: Vec<usize> = (0..N).collect();
    let found = self_influence(&cost, &*inverse, &all).unwrap();
    let residuals = fit.residuals().iter();
    let leverage: Vec<f64> = found
        .iter()
        .zip(residuals)
        .map(|(q, e)| q / (e * e))
        .collect();
    assert_close(&leverage, fit.leverage(), 1e-10);
    let sum: f64 = leverage.iter().sum();
    assert!((sum - (INPUTS + 1) as f64).abs() < 1e-9);
}

/// A damping beside the L2 term, which both hold in the proximal term.
#[test]
fn the_proximal_bregman_response_is_the_closed_form() {
    let (_, fit, cost) = least_squares();
    let (damping, epsilon) = (0.02, 1.0 / N as f64);
    let closed = fit.pbrf(damping).unwrap();
    let config = PbrfConfig {
        tolerance: 1e-12,
        ..PbrfConfig::new(damping)
    };
    let pbrf = Pbrf::new(&cost.clone().with_l2(L2), config).unwrap();
    for i in [2, 19] {
        let found = pbrf.remove(i).unwrap().theta - cost.model().theta();
        let expected = closed.response(i, epsilon).unwrap();
        // Where gradients are lowered to 1e-12.
        assert_close(&host(found), &expected, 1e-10);
    }
}

#[test]
fn scores_of_logistic_regression_are_the_closed_form() {
    for (config, x, labels) in logistic::problems() {
        let fit = config.fit(&x, &labels).unwrap();
        let (outputs, count) = (config.outputs, labels.len());
        let inputs = || matrix(x.values(), logistic::INPUTS);
        let layer = layer(logistic::INPUTS, outputs);
        let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
        let model = model.at(vector(fit.parameters())).unwrap();
        let values: Vec<f64> = labels.iter().map(|it| *it as f64).collect();
        let indices: Vec<i64> = labels.iter().map(|it| *it as i64).collect();
        let cost = match outputs {
            1 => Cost::new(model, BinaryCrossEntropy, inputs(), matrix(&values, 1)),
            _ => Cost::new(model, CrossEntropy, inputs(), classes(&indices)),
        };
        let cost = cost.unwrap();
        let damping = config.design.ridge / count as f64;
        // The Hessian of the mean is that of the sum over N, by both of the engine's matrices.
        let expected: Vec<f64> = fit
            .hessian()
            .values()
            .iter()
            .map(|it| it / count as f64)
            .collect();
        let found = [cost.gauss_newton(), cost.hessian()].map(|it| it.damped(damping));
        for matrix in &found {
            assert_close(&to_dense(matrix).unwrap(), &expected, TIGHT);
        }
        let [damped, _] = found;
        let input = numbers(logistic::INPUTS, 15);
        let point = matrix(&input, logistic::INPUTS);
        let query = match outputs {
            1 => cost.with_examples(point, matrix(&[1.0], 1)),
            _ => cost.with_examples(point, classes(&[1])),
        };
        let direct = DirectConfig::default().init().unwrap();
        let inverse = direct.prepare(&damped).unwrap();
        let solution = inverse.solve(query.unwrap().gradient().unwrap()).unwrap();
        let found = host(scores(&cost, solution.vector).unwrap());
        assert_close(&found, &fit.loss_influence(&input, 1).unwrap(), 1e-11);
        let change = host(parameter_change(&cost, &*inverse, 3).unwrap());
        assert_close(&change, &fit.influence(3).unwrap(), 1e-11);
        let removals: Vec<Removal> = (0..count).map(|i| Removal::of(vec![i], count)).collect();
        // With a ridge alone: the engine's damping is what it tells directions by that are none.
        if damping > 0.0 {
            let estimates = newton_estimates(&cost, &damped, &*inverse, &removals).unwrap();
            let leverage = fit.leverage().unwrap();
            for (i, estimate) in estimates.into_iter().enumerate() {
                let estimate = estimate.unwrap();
                // Directions of curvature below 1e-9 of the damping are left out there.
                assert_close(&host(estimate.vector), &fit.newton(i).unwrap(), 1e-8);
                let off = estimate.leverage.total() - leverage[i].total();
                assert!(off.abs() < 1e-8);
            }
        }
        let gradient = host(cost.select(&[3]).unwrap().gradient().unwrap());
        assert_close(&gradient, &fit.gradient(3).unwrap(), 1e-13);
        assert_eq!(damped.dim(), fit.parameters().len());
    }
}

/// A measurement other than the loss, through the refitted outputs.
#[test]
fn what_is_measured_without_each_example_is_that_of_a_refit() {
    let (known, fit, cost) = least_squares();
    let input = numbers(INPUTS, 9);
    let huber = Huber { delta: 0.3 };
    let query = cost.with_examples(matrix(&input, INPUTS), matrix(&[0.7], 1));
    let query = query.unwrap().with_loss(huber, matrix(&[0.7], 1)).unwrap();
    let loss = |theta: &[f64]| {
        let error: f64 = (backdraft_test_support::dot(&known.row(&input), theta) - 0.7).abs();
        match error <= 0.3 {
            true => 0.5 * error * error,
            false => 0.3 * (error - 0.15),
        }
    };
    let fit = LinearFit::LeastSquares(fit);
    let found = fit.measured_changes(&input, &query).unwrap();
    let own = fit.own_loss_changes().unwrap();
    assert!(fit.is_exact() && fit.len() == N && !fit.is_empty());
    for i in 0..N {
        let refit = known.without(i);
        let expected = loss(&refit) - loss(fit.parameters());
        assert!((found[i].unwrap() - expected).abs() < 1e-12);
        let residual =
            |theta: &[f64]| known.y[i] - backdraft_test_support::dot(&known.of(i), theta);
        let expected = 0.5 * (residual(&refit).powi(2) - residual(fit.parameters()).powi(2));
        assert!((own[i].unwrap() - expected).abs() < 1e-10);
    }
}

#[test]
fn what_is_measured_of_logistic_regression_is_that_after_the_step() {
    for (config, x, labels) in logistic::problems() {
        let fit = config.fit(&x, &labels).unwrap();
        let input = x.row(5).to_vec();
        let layer = layer(logistic::INPUTS, config.outputs);
        let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
        let point = matrix(&input, logistic::INPUTS);
        let class = labels[5];
        let query = match config.outputs {
            1 => Cost::new(model, BinaryCrossEntropy, point, matrix(&[class as f64], 1)),
            _ => Cost::new(model, CrossEntropy, point, classes(&[class as i64])),
        };
        let expected = fit.loss_changes(&input, class).unwrap();
        let (own, first) = (fit.own_loss_changes().unwrap(), fit.self_influence());
        let by_query = fit.loss_influence(&input, class).unwrap();
        let fit = LinearFit::Logistic(fit);
        let found = fit.measured_changes(&input, &query.unwrap()).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found.unwrap() - expected.unwrap()).abs() < 1e-12);
        }
        // The query is example 5 itself.
        assert!((own[5].unwrap() - expected[5].unwrap()).abs() < 1e-12);
        assert!((first[5] - by_query[5]).abs() < 1e-12);
        assert!(!fit.is_exact() && fit.leverage().unwrap().iter().all(|h| h.largest() < 1.0));
    }
}

/// Kept where both crates are in use, so that its shape is looked at too.
#[test]
fn probabilities_are_those_of_the_outputs() {
    for (config, x, labels) in logistic::problems() {
        let fit = config.fit(&x, &labels).unwrap();
        let probabilities: &DenseMatrix = fit.probabilities();
        assert_eq!(probabilities.columns(), config.outputs);
        for i in 0..labels.len() {
            let row = probabilities.row(i);
            let logits = fit.outputs(x.row(i)).unwrap();
            match config.outputs {
                1 => assert!((row[0] - 1.0 / (1.0 + (-logits[0]).exp())).abs() < 1e-15),
                _ => assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-15),
            }
        }
    }
}
