//! Dampings that a rule chooses.

use backdraft_curvature::{CurvatureError, LinearOperator};
use backdraft_influence::{DampingRule, SolveError};
use burn::tensor::{DType, Device, Tensor};

/// `diag(values)` and ones beside the diagonal, so that probes differ.
struct Known(Tensor<1>);

impl LinearOperator for Known {
    fn dim(&self) -> usize {
        self.0.dims()[0]
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let beside = v.clone().roll(&[1], &[0]) + v.clone().roll(&[-1], &[0]);
        Ok(v * self.0.clone() + beside)
    }
}

fn known(value: f64) -> Known {
    let values: Vec<f64> = (0..50).map(|i| value * f64::from(1 + i % 3)).collect();
    Known(Tensor::from_data(
        values.as_slice(),
        (&Device::flex(), DType::F64),
    ))
}

#[test]
fn the_larger_of_two_rules_is_taken() {
    let operator = known(2.0);
    let trace: f64 = (0..50).map(|i| 2.0 * f64::from(1 + i % 3)).sum();
    let rule = DampingRule::default();
    let found = rule.choose(&operator, None).unwrap();
    // The diagonal is exact for every probe; what is beside it has the variance 4 n of each quadratic form.
    let off = (found.mean_eigenvalue - trace / 50.0).abs();
    assert!(off < 4.0 * found.standard_error && off > 0.0, "{found:?}");
    let expected = (4.0_f64 / 50.0 / 32.0).sqrt();
    assert!(
        (0.5..2.0).contains(&(found.standard_error / expected)),
        "{found:?}"
    );
    assert_eq!(found.damping, 0.1 * found.mean_eigenvalue);
    assert!(!found.is_by_training());
    assert_eq!(found, rule.choose(&operator, None).unwrap());
    let short = rule.choose(&operator, Some(0.5)).unwrap();
    assert_eq!((short.damping, short.is_by_training()), (2.0, true));
    let long = rule.choose(&operator, Some(1e6)).unwrap();
    assert_eq!((long.damping, long.training), (found.damping, Some(1e-6)));
}

#[test]
fn rules_that_give_no_damping_are_refused() {
    let refused = |rule: DampingRule, value: f64, steps: Option<f64>, expected: &str| match rule
        .choose(&known(value), steps)
    {
        Err(SolveError::Setting { name, .. }) => assert_eq!(name, expected),
        other => panic!("{other:?}"),
    };
    let rule = DampingRule::default;
    refused(
        DampingRule {
            share: 0.0,
            ..rule()
        },
        1.0,
        None,
        "share",
    );
    refused(
        DampingRule {
            probes: 1,
            ..rule()
        },
        1.0,
        None,
        "probes",
    );
    refused(rule(), 1.0, Some(f64::NAN), "steps");
    refused(rule(), -5.0, None, "damping");
}
