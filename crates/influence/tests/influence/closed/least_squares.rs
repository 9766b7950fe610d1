//! Least squares and ridge regression against refits.

use backdraft_dense::DenseMatrix;
use backdraft_influence::closed::{ClosedFormError, DesignConfig, LeastSquaresFit};
use backdraft_test_support::{dot, numbers, solve};

pub(crate) const N: usize = 24;
pub(crate) const INPUTS: usize = 4;

/// With and without a constant, with and without a ridge, on the constant or not.
pub(crate) fn configs() -> [DesignConfig; 5] {
    let config = |intercept, ridge, penalise_intercept| DesignConfig {
        intercept,
        ridge,
        penalise_intercept,
    };
    [
        config(false, 0.0, true),
        config(true, 0.0, true),
        config(false, 1.7, true),
        config(true, 1.7, true),
        config(true, 1.7, false),
    ]
}

/// Made-up data, with its fit by elimination for any weights of the examples.
pub(crate) struct Known {
    pub x: DenseMatrix,
    pub y: Vec<f64>,
    pub config: DesignConfig,
}

impl Known {
    pub fn new(config: DesignConfig) -> Self {
        Self {
            x: DenseMatrix::new(N, INPUTS, numbers(N * INPUTS, 5)),
            y: numbers(N, 6).iter().map(|y| 3.0 * y + 1.0).collect(),
            config,
        }
    }

    pub fn fit(&self) -> LeastSquaresFit {
        LeastSquaresFit::new(&self.x, &self.y, self.config).unwrap()
    }

    pub fn row(&self, input: &[f64]) -> Vec<f64> {
        let mut row = input.to_vec();
        row.extend(self.config.intercept.then_some(1.0));
        row
    }

    pub fn of(&self, i: usize) -> Vec<f64> {
        self.row(self.x.row(i))
    }

    /// `X' W X + R`.
    pub fn matrix(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let rows: Vec<_> = (0..N).map(|i| self.of(i)).collect();
        let dim = rows[0].len();
        let penalty = |j| match j == INPUTS && !self.config.penalise_intercept {
            true => 0.0,
            false => self.config.ridge,
        };
        let entry = |j: usize, k: usize| -> f64 {
            let terms = rows.iter().zip(weights);
            let sum: f64 = terms.map(|(x, w)| w * x[j] * x[k]).sum();
            sum + f64::from(u8::from(j == k)) * penalty(j)
        };
        (0..dim)
            .map(|j| (0..dim).map(|k| entry(j, k)).collect())
            .collect()
    }

    /// The minimum with a weight an example.
    pub fn refit(&self, weights: &[f64]) -> Vec<f64> {
        let dim = self.of(0).len();
        let entry = |j: usize| (0..N).map(|i| weights[i] * self.of(i)[j] * self.y[i]).sum();
        solve(self.matrix(weights), (0..dim).map(entry).collect())
    }

    pub fn without(&self, index: usize) -> Vec<f64> {
        let mut weights = [1.0; N];
        weights[index] = 0.0;
        self.refit(&weights)
    }
}

/// Condition numbers are below 100 here, so that 1e-10 is all but rounding.
#[track_caller]
pub(crate) fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error < 1e-10, "{found} rather than {expected}");
    }
}

pub(crate) fn less(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[test]
fn the_fit_and_its_leverage_are_those_of_the_normal_equations() {
    for config in configs() {
        let known = Known::new(config);
        let fit = known.fit();
        assert_eq!((fit.len(), fit.is_empty()), (N, false));
        let theta = known.refit(&[1.0; N]);
        close(fit.parameters(), &theta);
        let residual = |i| known.y[i] - dot(&known.of(i), &theta);
        close(fit.residuals(), &(0..N).map(residual).collect::<Vec<_>>());
        let leverage = |i| dot(&known.of(i), &solve(known.matrix(&[1.0; N]), known.of(i)));
        let leverage: Vec<f64> = (0..N).map(leverage).collect();
        close(fit.leverage(), &leverage);
        let sum: f64 = leverage.iter().sum();
        match config.ridge > 0.0 {
            true => assert!(sum < theta.len() as f64 - 0.1),
            false => assert!((sum - theta.len() as f64).abs() < 1e-10),
        }
    }
}

#[test]
fn leaving_an_example_out_is_fitting_the_others() {
    for config in configs() {
        let known = Known::new(config);
        let fit = known.fit();
        let theta = known.refit(&[1.0; N]);
        let input = numbers(INPUTS, 9);
        let (row, target) = (known.row(&input), 0.7);
        let outputs = fit.output_changes(&input).unwrap();
        let losses = fit.loss_changes(&input, target).unwrap();
        let deleted = fit.deleted_residuals();
        let loss = |theta: &[f64]| 0.5 * (dot(&row, theta) - target).powi(2);
        for i in 0..N {
            let refit = known.without(i);
            close(&fit.leave_one_out(i).unwrap(), &less(&refit, &theta));
            let output = dot(&row, &refit) - dot(&row, &theta);
            close(&[outputs[i].unwrap()], &[output]);
            close(&[losses[i].unwrap()], &[loss(&refit) - loss(&theta)]);
            close(
                &[deleted[i].unwrap()],
                &[known.y[i] - dot(&known.of(i), &refit)],
            );
        }
    }
}

/// More weight, too.
#[test]
fn any_change_of_a_weight_is_fitting_with_it() {
    for config in configs() {
        let known = Known::new(config);
        let (fit, theta) = (known.fit(), known.refit(&[1.0; N]));
        for (i, off) in [(0, 0.3), (5, -1.0), (11, -40.0), (23, 1.0)] {
            let mut weights = [1.0; N];
            weights[i] -= off;
            let change = less(&known.refit(&weights), &theta);
            close(&fit.downweighted(i, off).unwrap(), &change);
        }
    }
}

/// Influence is the derivative: `leave_one_out` without its denominator.
#[test]
fn influence_is_leave_one_out_times_one_less_the_leverage() {
    for config in configs() {
        let fit = Known::new(config).fit();
        let input = numbers(INPUTS, 9);
        let (output, loss) = (
            fit.output_influence(&input).unwrap(),
            fit.loss_influence(&input, 0.7).unwrap(),
        );
        let exact = fit.output_changes(&input).unwrap();
        let slope = fit.output(&input).unwrap() - 0.7;
        for i in 0..N {
            let left = 1.0 - fit.leverage()[i];
            let change = fit.leave_one_out(i).unwrap();
            let change: Vec<f64> = change.iter().map(|it| left * it).collect();
            close(&fit.influence(i).unwrap(), &change);
            close(&[output[i]], &[left * exact[i].unwrap()]);
            close(&[loss[i]], &[slope * output[i]]);
            // Of a weight of 1e-6 alone, whose square is left out.
            let little = fit.downweighted(i, 1e-6).unwrap();
            let little: Vec<f64> = little.iter().map(|it| 1e6 * it).collect();
            for (a, b) in little.iter().zip(fit.influence(i).unwrap()) {
                assert!((a - b).abs() < 1e-5);
            }
        }
    }
}

/// `1/N sum of 1/2 (x (theta - theta_s))^2 - eps/2 (x_i theta - y_i)^2 + lambda/2 ||theta - theta_s||^2` by its normal
/// equations; the ridge stands beside `lambda`.
#[test]
fn the_proximal_bregman_response_is_the_minimum_of_its_objective() {
    let (damping, n) = (0.05, N as f64);
    for config in configs() {
        let known = Known::new(config);
        let fit = known.fit();
        let pbrf = fit.pbrf(damping).unwrap();
        for (i, epsilon) in [(3, 1.0 / n), (8, 0.4 / n), (8, -2.0 / n)] {
            let row = known.of(i);
            let mut matrix = known.matrix(&[1.0; N]);
            for (j, line) in matrix.iter_mut().enumerate() {
                for (k, entry) in line.iter_mut().enumerate() {
                    *entry = *entry / n - epsilon * row[j] * row[k];
                }
                line[j] += damping;
            }
            let pull = epsilon * (dot(&row, fit.parameters()) - known.y[i]);
            let right = row.iter().map(|x| pull * x).collect();
            close(&pbrf.response(i, epsilon).unwrap(), &solve(matrix, right));
        }
        // Without a proximal term there is nothing but the fit.
        let bare = fit.pbrf(0.0).unwrap();
        close(bare.leverage(), fit.leverage());
        let response = bare.response(2, 1.0 / n).unwrap();
        close(&response, &fit.leave_one_out(2).unwrap());
        // A weight that outweighs everything else.
        let outweighed = pbrf.response(3, 1e3);
        let alone = ClosedFormError::FittedAlone { example: 3 };
        assert_eq!(outweighed.unwrap_err(), alone);
    }
}

/// Two columns that differ by 1e-5: the normal equations would leave six digits.
#[test]
fn nearly_dependent_columns_keep_their_digits() {
    let base = Known::new(DesignConfig::default());
    let near = DenseMatrix::from_fn(N, INPUTS, |i, j| match j {
        3 => base.x.get(i, 0) + 1e-5 * base.x.get(i, 3),
        _ => base.x.get(i, j),
    });
    let (plain, fit) = (
        base.fit(),
        LeastSquaresFit::new(&near, &base.y, base.config).unwrap(),
    );
    // The same column space: fitted values, leverage and deleted residuals are the same.
    let deleted = |fit: &LeastSquaresFit| -> Vec<f64> {
        fit.deleted_residuals().into_iter().flatten().collect()
    };
    let off = |a: &[f64], b: &[f64]| {
        let pairs = a.iter().zip(b);
        pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
    };
    // 1e5 times 1e-16, times sizes about 10.
    assert!(off(fit.residuals(), plain.residuals()) < 1e-10);
    assert!(off(fit.leverage(), plain.leverage()) < 1e-10);
    assert!(off(&deleted(&fit), &deleted(&plain)) < 1e-9);
}
