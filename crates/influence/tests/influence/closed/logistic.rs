//! Logistic regression against dense systems and refits.

use backdraft_dense::DenseMatrix;
use backdraft_influence::{
    Leverage,
    closed::{DesignConfig, LogisticConfig, LogisticFit},
};
use backdraft_test_support::{dot, numbers, relative_error, solve};

pub(crate) const N: usize = 30;
pub(crate) const INPUTS: usize = 3;

/// A problem of two classes by one logit without and with a ridge, and of three by the softmax.
pub(crate) fn problems() -> Vec<(LogisticConfig, DenseMatrix, Vec<usize>)> {
    let x = DenseMatrix::new(N, INPUTS, numbers(N * INPUTS, 12));
    let of = |classes: usize, outputs, ridge| {
        let noise = numbers(N, 13);
        let class = |i: usize| {
            let score = x.get(i, 0) - 0.5 * x.get(i, 1) + noise[i];
            ((score + 1.0) * classes as f64 / 2.0).clamp(0.0, classes as f64 - 0.1) as usize
        };
        let design = DesignConfig {
            ridge,
            ..DesignConfig::default()
        };
        let config = LogisticConfig {
            design,
            ..LogisticConfig::new(outputs)
        };
        (config, x.clone(), (0..N).map(class).collect())
    };
    vec![of(2, 1, 0.0), of(2, 1, 0.3), of(3, 3, 0.3)]
}

fn rows(matrix: &DenseMatrix) -> Vec<Vec<f64>> {
    (0..matrix.rows()).map(|i| matrix.row(i).to_vec()).collect()
}

/// `A - H_i`, from the fit without the example at the same coefficients.
fn rest(
    config: LogisticConfig,
    x: &DenseMatrix,
    classes: &[usize],
    fit: &LogisticFit,
    i: usize,
) -> DenseMatrix {
    let others: Vec<usize> = (0..N).filter(|&j| j != i).collect();
    let kept: Vec<usize> = others.iter().map(|&j| classes[j]).collect();
    let without = config
        .at(&x.pick(&others), &kept, fit.parameters())
        .unwrap();
    without.hessian()
}

#[test]
fn the_minimum_has_no_gradient() {
    for (config, x, classes) in problems() {
        let fit = config.fit(&x, &classes).unwrap();
        assert!(fit.gradient_norm() < 1e-12, "{:e}", fit.gradient_norm());
        assert_eq!((fit.len(), fit.is_empty()), (N, false));
        // Gradients of the examples and of the ridge, added up.
        let mut sum: Vec<f64> = fit.parameters().to_vec();
        sum.iter_mut().for_each(|it| *it *= config.design.ridge);
        for i in 0..N {
            let gradient = fit.gradient(i).unwrap();
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
        assert!(sum.iter().all(|it| it.abs() < 1e-11));
        let elsewhere: Vec<f64> = fit.parameters().iter().map(|it| it + 0.1).collect();
        let there = config.at(&x, &classes, &elsewhere).unwrap();
        assert!(there.gradient_norm() > 1e-3);
    }
}

#[test]
fn influence_and_the_newton_step_are_solutions_of_their_systems() {
    for (config, x, classes) in problems() {
        let fit = config.fit(&x, &classes).unwrap();
        let input = numbers(INPUTS, 15);
        let mut row = input.clone();
        row.push(1.0);
        let outputs = config.outputs;
        let logits = |change: &[f64]| -> Vec<f64> {
            let at = |c: usize| {
                let column: Vec<f64> = change[c..].iter().step_by(outputs).copied().collect();
                dot(&row, &column)
            };
            (0..outputs).map(at).collect()
        };
        let by_influence = fit.output_influence(&input).unwrap();
        let by_newton = fit.output_changes(&input).unwrap();
        for i in [0, 7, 29] {
            let gradient = fit.gradient(i).unwrap();
            let influence = solve(rows(&fit.hessian()), gradient.clone());
            assert!(relative_error(&fit.influence(i).unwrap(), &influence) < 1e-10);
            assert!(relative_error(&by_influence[i], &logits(&influence)) < 1e-10);
            let step = solve(rows(&rest(config, &x, &classes, &fit, i)), gradient);
            assert!(relative_error(&fit.newton(i).unwrap(), &step) < 1e-10);
            let found = by_newton[i].as_ref().unwrap();
            assert!(relative_error(found, &logits(&step)) < 1e-10);
        }
    }
}

#[test]
fn leverages_add_up_to_the_parameters_that_the_data_settle() {
    for (config, x, classes) in problems() {
        let fit = config.fit(&x, &classes).unwrap();
        let leverage = fit.leverage().unwrap();
        assert!(leverage.iter().all(|h| h.largest() < 1.0));
        let sum: f64 = leverage.iter().map(Leverage::total).sum();
        // The trace of `A^-1 (A - ridge)`.
        let parameters = fit.parameters().len();
        let unit = |j: usize| {
            (0..parameters)
                .map(|k| f64::from(u8::from(j == k)))
                .collect()
        };
        let trace = (0..parameters).map(|j| solve(rows(&fit.hessian()), unit(j))[j]);
        let settled = parameters as f64 - config.design.ridge * trace.sum::<f64>();
        assert!((sum - settled).abs() < 1e-9, "{sum} {settled}");
        if config.outputs > 1 {
            // One of the three directions moves no probability.
            assert!(
                leverage
                    .iter()
                    .all(|h| h.values[2] < 1e-12 && h.values[1] > 1e-3)
            );
            continue;
        }
        // `p (1 - p) x' A^-1 x`.
        let mut row = x.row(4).to_vec();
        row.push(1.0);
        let p = fit.probabilities().get(4, 0);
        let along = dot(&row, &solve(rows(&fit.hessian()), row.clone()));
        assert!((leverage[4].largest() - p * (1.0 - p) * along).abs() < 1e-12);
    }
}

/// The step is nearer to the refit than influence is, in the parameters and in the loss of a query.
#[test]
fn one_newton_step_is_nearer_to_the_refit_than_influence() {
    for (config, x, classes) in problems() {
        let fit = config.fit(&x, &classes).unwrap();
        let (input, class) = (numbers(INPUTS, 15), 1);
        let influence = fit.loss_influence(&input, class).unwrap();
        let newton = fit.loss_changes(&input, class).unwrap();
        let loss = |fit: &LogisticFit| {
            let logits = fit.outputs(&input).unwrap();
            match logits.as_slice() {
                [logit] => (-logit).exp().ln_1p(),
                all => all.iter().map(|it| it.exp()).sum::<f64>().ln() - all[class],
            }
        };
        let (mut apart, mut off) = ([0.0; 2], [0.0; 2]);
        for i in 0..N {
            let others: Vec<usize> = (0..N).filter(|&j| j != i).collect();
            let kept: Vec<usize> = others.iter().map(|&j| classes[j]).collect();
            let refit = config.fit(&x.pick(&others), &kept).unwrap();
            let change = |v: &[f64]| -> f64 {
                let pairs = refit.parameters().iter().zip(fit.parameters()).zip(v);
                pairs.map(|((a, b), v)| (a - b - v).powi(2)).sum()
            };
            let both = [fit.influence(i).unwrap(), fit.newton(i).unwrap()];
            for (sum, vector) in apart.iter_mut().zip(&both) {
                *sum += change(vector);
            }
            let actual = loss(&refit) - loss(&fit);
            off[0] += (influence[i] - actual).powi(2);
            off[1] += (newton[i].unwrap() - actual).powi(2);
        }
        assert!(apart[1] < 0.3 * apart[0], "{apart:?}");
        assert!(off[1] < 0.3 * off[0], "{off:?}");
    }
}
