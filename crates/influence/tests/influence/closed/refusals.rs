//! Designs and data of which there is no closed form.

use backdraft_dense::DenseMatrix;
use backdraft_influence::closed::{ClosedFormError, DesignConfig, LeastSquaresFit, LogisticConfig};
use backdraft_test_support::numbers;

const N: usize = 10;

fn inputs() -> DenseMatrix {
    DenseMatrix::new(N, 3, numbers(N * 3, 2))
}

fn refused(inputs: &DenseMatrix, targets: &[f64], config: DesignConfig) -> ClosedFormError {
    LeastSquaresFit::new(inputs, targets, config).unwrap_err()
}

#[test]
fn columns_that_settle_no_coefficients_are_named() {
    let x = inputs();
    let double = DenseMatrix::from_fn(N, 3, |i, j| match j {
        2 => 3.0 * x.get(i, 0) - x.get(i, 1),
        _ => x.get(i, j),
    });
    let plain = DesignConfig::default();
    let error = refused(&double, &numbers(N, 3), plain);
    let words = "column 2, counted from 0, is a combination of the columns before it";
    assert!(error.to_string().starts_with(words), "{error}");
    assert!(error.to_string().contains("give a ridge"));
    // One-hot columns, which sum to the constant.
    let classes = DenseMatrix::from_fn(N, 3, |i, j| f64::from(i % 3 == j));
    let error = refused(&classes, &numbers(N, 3), plain);
    assert!(error.to_string().starts_with("the constant is"), "{error}");
    // Fewer examples than coefficients.
    let few = x.pick(&[0, 1, 2]);
    let error = refused(&few, &[1.0, 2.0, 3.0], plain);
    assert!(error.to_string().contains("over 3 examples"), "{error}");
    let ridge = DesignConfig {
        ridge: 1e-3,
        ..plain
    };
    for inputs in [&double, &classes] {
        LeastSquaresFit::new(inputs, &numbers(N, 3), ridge).unwrap();
    }
    LeastSquaresFit::new(&few, &[1.0, 2.0, 3.0], ridge).unwrap();
}

/// Only one example has a value in the last column.
#[test]
fn an_example_fitted_by_itself_alone_is_not_divided_by_nothing() {
    let x = inputs();
    let alone = DenseMatrix::from_fn(N, 3, |i, j| match (i, j) {
        (4, 2) => 1.0,
        (_, 2) => 0.0,
        _ => x.get(i, j),
    });
    let plain = DesignConfig::default();
    let fit = LeastSquaresFit::new(&alone, &numbers(N, 3), plain).unwrap();
    assert!((fit.leverage()[4] - 1.0).abs() < 1e-12);
    let error = fit.leave_one_out(4).unwrap_err();
    assert_eq!(error, ClosedFormError::FittedAlone { example: 4 });
    assert!(error.to_string().contains("fitted by itself alone"));
    let changes = fit.output_changes(&[0.1, 0.2, 0.3]).unwrap();
    let missing: Vec<usize> = (0..N).filter(|&i| changes[i].is_none()).collect();
    assert_eq!(missing, [4]);
    assert!(fit.leave_one_out(3).is_ok() && fit.influence(4).is_ok());
    let ridge = DesignConfig {
        ridge: 0.01,
        ..plain
    };
    let fit = LeastSquaresFit::new(&alone, &numbers(N, 3), ridge).unwrap();
    assert!(fit.leave_one_out(4).is_ok());
}

#[test]
fn what_is_no_data_is_refused() {
    let (x, y, plain) = (inputs(), numbers(N, 3), DesignConfig::default());
    let error = refused(&x, &y[..N - 1], plain);
    assert_eq!(error.to_string(), "targets are 9, and must be 10");
    let mut broken = y.clone();
    broken[7] = f64::NAN;
    let error = refused(&x, &broken, plain);
    assert!(error.to_string().starts_with("the target of example 7"));
    let hole = DenseMatrix::from_fn(N, 3, |i, j| match (i, j) {
        (6, 1) => f64::INFINITY,
        _ => x.get(i, j),
    });
    let error = refused(&hole, &y, plain);
    assert!(error.to_string().starts_with("the input of example 6"));
    for ridge in [-1.0, f64::NAN, f64::INFINITY] {
        let error = refused(&x, &y, DesignConfig { ridge, ..plain });
        let named = matches!(error, ClosedFormError::Setting { name: "ridge", .. });
        assert!(named, "{error}");
    }
    let none = DenseMatrix::new(0, 3, Vec::new());
    let error = refused(&none, &[], plain);
    assert_eq!(error, ClosedFormError::Empty { what: "examples" });
    let bare = DesignConfig {
        intercept: false,
        ..plain
    };
    let error = refused(&DenseMatrix::new(N, 0, Vec::new()), &y, bare);
    assert_eq!(error, ClosedFormError::Empty { what: "columns" });
    let huge = DenseMatrix::from_fn(N, 3, |i, j| 1e200 * x.get(i, j));
    let large: Vec<f64> = y.iter().map(|y| 1e200 * y).collect();
    let error = refused(&huge, &large, plain);
    assert!(matches!(error, ClosedFormError::Overflow { .. }), "{error}");
    let fit = LeastSquaresFit::new(&x, &y, plain).unwrap();
    let index = ClosedFormError::Index { index: N, len: N };
    assert_eq!(fit.influence(N).unwrap_err(), index);
    assert_eq!(fit.leave_one_out(N).unwrap_err(), index);
    assert!(fit.output(&[1.0]).is_err() && fit.loss_changes(&[1.0; 4], 0.0).is_err());
    assert!(fit.pbrf(-1.0).is_err() && fit.pbrf(f64::NAN).is_err());
    // The constant alone is a model: the mean.
    let mean = LeastSquaresFit::new(&DenseMatrix::new(N, 0, Vec::new()), &y, plain).unwrap();
    assert!((mean.parameters()[0] - y.iter().sum::<f64>() / N as f64).abs() < 1e-15);
}

#[test]
fn classes_without_a_minimum_are_refused() {
    let line = DenseMatrix::from_fn(N, 1, |i, _| i as f64);
    let halves: Vec<usize> = (0..N).map(|i| usize::from(i >= 5)).collect();
    let binary = LogisticConfig::new(1);
    let error = binary.fit(&line, &halves).unwrap_err();
    assert!(
        matches!(error, ClosedFormError::Separable { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("give a ridge"));
    // Only one column tells some of them apart, the others are mixed.
    let mixed: Vec<usize> = (0..N).map(|i| usize::from(i % 2 == 0 || i > 7)).collect();
    let flag = DenseMatrix::from_fn(N, 2, |i, j| match j {
        0 => numbers(N, 8)[i],
        _ => f64::from(i > 7),
    });
    let error = binary.fit(&flag, &mixed).unwrap_err();
    assert!(
        matches!(error, ClosedFormError::Separable { .. }),
        "{error}"
    );
    let ridge = |penalise_intercept| DesignConfig {
        ridge: 1e-3,
        penalise_intercept,
        ..DesignConfig::default()
    };
    let held = LogisticConfig {
        design: ridge(true),
        ..binary
    };
    held.fit(&line, &halves).unwrap();
    held.fit(&flag, &mixed).unwrap();
    let softmax = LogisticConfig {
        design: ridge(false),
        ..LogisticConfig::new(3)
    };
    let thirds: Vec<usize> = (0..N).map(|i| i % 3).collect();
    let error = softmax.fit(&line, &thirds).unwrap_err();
    assert_eq!(error, ClosedFormError::Shift { outputs: 3 });
    let same = DenseMatrix::from_fn(N, 2, |i, _| i as f64);
    let error = binary.fit(&same, &thirds.iter().map(|c| c % 2).collect::<Vec<_>>());
    let error = error.unwrap_err();
    assert!(error.to_string().starts_with("column 1"), "{error}");
    let error = binary.fit(&line, &thirds).unwrap_err();
    let (class, classes) = (2, 2);
    let expected = ClosedFormError::Class {
        example: 2,
        class,
        classes,
    };
    assert_eq!(error, expected);
    assert!(LogisticConfig::new(0).fit(&line, &halves).is_err());
    assert!(binary.fit(&line, &halves[..4]).is_err());
    assert!(held.at(&line, &halves, &[1.0]).is_err());
    let once = LogisticConfig {
        max_steps: 1,
        ..held
    };
    let error = once.fit(&line, &halves).unwrap_err();
    let stopped = matches!(error, ClosedFormError::NotConverged { steps: 1, .. });
    assert!(stopped, "{error}");
}
