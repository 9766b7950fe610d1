//! Diagnostics against their definitions, by refits.

use backdraft_dense::DenseMatrix;
use backdraft_influence::closed::{ClosedFormError, DesignConfig, LeastSquaresFit};
use backdraft_test_support::{dot, numbers, solve};

use super::least_squares::{INPUTS, Known, N, close, configs, less};

/// The hat matrix of the examples `kept`, from all their outputs of one target after another.
fn hat(known: &Known, kept: &[usize]) -> Vec<Vec<f64>> {
    let mut weights = [0.0; N];
    kept.iter().for_each(|&i| weights[i] = 1.0);
    let matrix = known.matrix(&weights);
    let row = |&i: &usize| {
        let solved = solve(matrix.clone(), known.of(i));
        kept.iter().map(|&j| dot(&known.of(j), &solved)).collect()
    };
    kept.iter().map(row).collect()
}

/// The noise's variance by the examples `kept`.
fn variance(known: &Known, kept: &[usize], theta: &[f64]) -> f64 {
    let residual = |&i: &usize| (known.y[i] - dot(&known.of(i), theta)).powi(2);
    let squares: f64 = kept.iter().map(residual).sum();
    let hat = hat(known, kept);
    let trace: f64 = (0..kept.len()).map(|i| hat[i][i]).sum();
    squares / (kept.len() as f64 - trace)
}

#[test]
fn they_are_what_refits_say() {
    let all: Vec<usize> = (0..N).collect();
    for config in configs() {
        let known = Known::new(config);
        let (theta, hat) = (known.refit(&[1.0; N]), hat(&known, &all));
        let found = known.fit().diagnostics().unwrap();
        let parameters: f64 = (0..N).map(|i| hat[i][i]).sum();
        let whole = variance(&known, &all, &theta);
        close(
            &[found.effective_parameters, found.scale],
            &[parameters, whole.sqrt()],
        );
        for (i, row) in hat.iter().enumerate() {
            // `Var (I - P) noise` of the example, and that of its fitted value.
            let square: f64 = row.iter().map(|p| p * p).sum();
            let own = (1.0 - row[i]).powi(2) + square - row[i].powi(2);
            let residual = known.y[i] - dot(&known.of(i), &theta);
            let others: Vec<usize> = all.iter().copied().filter(|&j| j != i).collect();
            let refit = known.without(i);
            let without = variance(&known, &others, &refit);
            let moved = less(&theta, &refit);
            let fitted = |j: usize| dot(&known.of(j), &moved);
            let all_moved: f64 = (0..N).map(|j| fitted(j).powi(2)).sum();
            let values = [
                found.standardized[i],
                found.studentized[i],
                found.cook[i],
                found.dffits[i],
            ];
            let expected = [
                residual / (whole * own).sqrt(),
                residual / (without * own).sqrt(),
                all_moved / (parameters * whole),
                fitted(i) / (without * square).sqrt(),
            ];
            close(&values.map(Option::unwrap), &expected);
        }
    }
}

/// Where there is no ridge, they are the textbook's.
#[test]
fn without_a_ridge_they_are_the_textbooks() {
    let known = Known::new(DesignConfig::default());
    let fit = known.fit();
    let found = fit.diagnostics().unwrap();
    let (n, p) = (N as f64, INPUTS as f64 + 1.0);
    let squares = dot(fit.residuals(), fit.residuals());
    for i in 0..N {
        let (e, h) = (fit.residuals()[i], fit.leverage()[i]);
        let standardized = e / (squares / (n - p) * (1.0 - h)).sqrt();
        let without = (squares - e * e / (1.0 - h)) / (n - p - 1.0);
        let studentized = e / (without * (1.0 - h)).sqrt();
        let expected = [
            standardized,
            studentized,
            standardized.powi(2) / p * h / (1.0 - h),
            studentized * (h / (1.0 - h)).sqrt(),
        ];
        let values = [
            found.standardized[i],
            found.studentized[i],
            found.cook[i],
            found.dffits[i],
        ];
        close(&values.map(Option::unwrap), &expected);
        // Beckman and Trussell (1974): one is a function of the other.
        let other = standardized * ((n - p - 1.0) / (n - p - standardized.powi(2))).sqrt();
        close(&[found.studentized[i].unwrap()], &[other]);
    }
}

#[test]
fn an_example_fitted_by_itself_alone_has_none() {
    let mut x = numbers(N * 2, 3);
    x.chunks_exact_mut(2).skip(1).for_each(|row| row[1] = 0.0);
    let x = DenseMatrix::new(N, 2, x);
    let fit = LeastSquaresFit::new(&x, &numbers(N, 4), DesignConfig::default()).unwrap();
    let found = fit.diagnostics().unwrap();
    assert_eq!(found.standardized[0], None);
    assert_eq!(found.cook[0], None);
    assert!(found.cook[1..].iter().all(Option::is_some));
    assert!(found.dffits[1..].iter().all(Option::is_some));
}

#[test]
fn nothing_is_divided_by_a_scatter_that_is_not_there() {
    let line = DenseMatrix::from_fn(5, 1, |i, _| i as f64);
    let config = DesignConfig::default();
    let exact: Vec<f64> = (0..5).map(|i| 0.3 - 0.7 * i as f64).collect();
    let fit = LeastSquaresFit::new(&line, &exact, config).unwrap();
    assert_eq!(fit.diagnostics().unwrap_err(), ClosedFormError::ExactFit);
    let two = line.pick(&[0, 1]);
    let fit = LeastSquaresFit::new(&two, &[0.0, 3.0], config).unwrap();
    let refused = fit.diagnostics().unwrap_err();
    assert!(matches!(
        refused,
        ClosedFormError::NoFreedom { examples: 2, .. }
    ));
    // All but one on a line: nothing scatters without it.
    let mut bent = exact;
    bent[2] += 1.0;
    let fit = LeastSquaresFit::new(&line, &bent, config).unwrap();
    let found = fit.diagnostics().unwrap();
    assert_eq!((found.studentized[2], found.dffits[2]), (None, None));
    assert!(found.standardized[2].is_some() && found.studentized[1].is_some());
}
