//! What makes no sense is refused, and says why.

use backdraft_dense::DenseMatrix;
use backdraft_influence::{
    response::{Descent, Removal, Step},
    unlearn::{
        Checkpoints, DescentConfig, DescentState, LinearLoss, Regularity, ShuffledBatches,
        StepPlan, UnlearnError, WeightedDescent, rewind_to_delete,
    },
};
use backdraft_test_support::vector;

use super::common::{N, at, config, curved, logistic, plan};

fn setting<T>(found: Result<T, UnlearnError>) -> &'static str {
    match found {
        Err(UnlearnError::Setting { name, .. }) => name,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn removals_that_are_none() {
    let (cost, _) = logistic(1, 0.1);
    let made = |removal: Removal| WeightedDescent::new(&cost, &removal, config(None));
    assert_eq!(setting(made(Removal::of((0..N).collect(), N))), "examples");
    assert_eq!(setting(made(Removal::of(vec![4, 4], N))), "examples");
    assert_eq!(
        setting(made(Removal::downweight(vec![4], f64::NAN))),
        "epsilon"
    );
    let missing = made(Removal::of(vec![0, N], N)).err().unwrap().to_string();
    assert_eq!(
        missing,
        format!("example {N} is to be forgotten, of {N}, counted from 0")
    );
}

#[test]
fn settings_that_are_none() {
    let (cost, _) = logistic(1, 0.1);
    let made = |config| WeightedDescent::new(&cost, &Removal::none(), config);
    for momentum in [-0.1, 1.0, f64::NAN] {
        let descent = Descent::Sgd { momentum };
        let config = DescentConfig {
            descent,
            radius: None,
        };
        assert_eq!(setting(made(config)), "momentum");
    }
    for radius in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(setting(made(config(Some(radius)))), "radius");
    }
    let l2 = cost.clone().with_l2(-1.0);
    assert_eq!(
        setting(WeightedDescent::new(&l2, &Removal::none(), config(None))),
        "l2"
    );
    assert_eq!(setting(ShuffledBatches::new(0, 1, 0.1, 0)), "examples");
    assert_eq!(setting(ShuffledBatches::new(3, 0, 0.1, 0)), "batch_size");
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(setting(ShuffledBatches::new(3, 1, rate, 0)), "rate");
    }
}

#[test]
fn steps_that_are_none() {
    let (cost, _) = logistic(1, 0.1);
    let all = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let run = |rate: f64, examples: Vec<usize>| {
        let start = DescentState::start(cost.model().theta());
        all.run(start, [Step { rate, examples }], |_| {})
    };
    assert_eq!(setting(run(-0.1, vec![0])), "rate");
    assert_eq!(setting(run(f64::NAN, vec![0])), "rate");
    assert_eq!(setting(run(0.1, vec![])), "steps");
    assert!(matches!(run(0.1, vec![N]), Err(UnlearnError::Curvature(_))));
    // Parameters of another model.
    let start = DescentState::start(vector(&[1.0]));
    let found = all.run(start, first(&plan(N, 0.1), 1), |_| {});
    assert!(matches!(found, Err(UnlearnError::Curvature(_))));
}

/// The first of a plan.
fn first(plan: &ShuffledBatches, count: usize) -> Vec<Step> {
    plan.steps(0..count).collect()
}

#[test]
fn numbers_that_are_none() {
    // Steps that grow eightfold each.
    let cost = curved(&[(1.0, 9.0), (1.0, 9.0)], 0.0);
    let all = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let plan = ShuffledBatches::new(2, 2, 1.0, 0).unwrap();
    let found = all.run(at(1.0), first(&plan, 1_000), |_| {});
    match found {
        Err(UnlearnError::NotFinite { step }) => assert!(step < 1_000),
        other => panic!("{other:?}"),
    }
    let nan = all.run(at(f64::NAN), first(&plan, 1), |_| {});
    assert!(matches!(nan, Err(UnlearnError::NotFinite { step: 1 })));
    // Examples that are no numbers, forgotten or not.
    let broken = curved(&[(1.0, 1.0), (f64::NAN, 1.0)], 0.0);
    let found = WeightedDescent::new(&broken, &Removal::of(vec![1], 2), config(None));
    assert!(matches!(found, Err(UnlearnError::Curvature(_))));
}

#[test]
fn checkpoints_that_are_none() {
    let cost = curved(&[(1.0, 1.0), (2.0, 1.0)], 0.0);
    let all = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let plan = ShuffledBatches::new(2, 2, 0.1, 0).unwrap();
    let kept = Checkpoints::train(&all, at(1.0), &plan, 4, &[]).unwrap();
    assert_eq!(setting(rewind_to_delete(&all, &kept, &plan, 5)), "rewind");
    assert!(matches!(
        rewind_to_delete(&all, &kept, &plan, 2),
        Err(UnlearnError::NoCheckpoint { step: 2, .. })
    ));
    let none = rewind_to_delete(&all, &Checkpoints::new(), &plan, 0).unwrap_err();
    assert!(none.to_string().ends_with("the training kept none"));
    let ahead = kept.trained().unwrap().clone();
    assert_eq!(
        setting(Checkpoints::train(&all, ahead, &plan, 3, &[])),
        "steps"
    );
}

#[test]
fn designs_that_are_none() {
    let of = |values: Vec<f64>, loss, most| {
        let design = DenseMatrix::new(values.len() / 2, 2, values);
        Regularity::of_linear(&design, loss, true, most)
    };
    assert_eq!(setting(of(vec![], LinearLoss::Softmax, 1.0)), "examples");
    assert_eq!(
        setting(of(vec![1.0, f64::NAN], LinearLoss::Softmax, 1.0)),
        "examples"
    );
    assert_eq!(
        setting(of(vec![1.0, 1.0], LinearLoss::Softmax, f64::NAN)),
        "weight"
    );
    let endless = LinearLoss::Squares {
        radius: f64::INFINITY,
        target: 1.0,
    };
    assert_eq!(setting(of(vec![1.0, 1.0], endless, 1.0)), "radius");
    // Zeros are a design.
    let zero = of(vec![0.0, 0.0], LinearLoss::Logistic, 1.0).unwrap();
    assert_eq!((zero.curvature, zero.gradient), ([0.0, 0.0], 0.0));
}
