//! What fails is listed with the reason, and what makes no sense is refused.

use std::cell::Cell;

use backdraft_attribution::{
    Estimator, RetrainError, SolverConfig,
    evaluate::{EstimatorOutcome, EvaluateError, Refit, ValidationConfig},
};
use backdraft_influence::{DirectConfig, DualConfig, LissaConfig, NystroemConfig, Scale};
use burn::Tensor;

use super::{
    config, done, estimators, evaluation, minimum,
    softmax::{Known, N},
    untrained,
};

#[test]
fn an_estimator_that_fails_is_listed_with_the_reason() {
    let (cost, query) = Known::new().costs();
    let evaluation = evaluation().init(&cost, &untrained).unwrap();
    let direct = DirectConfig {
        limit: 3,
        ..Default::default()
    };
    let dual = DualConfig {
        memory: 1_000,
        ..Default::default()
    };
    let lissa = LissaConfig {
        scale: Scale::Fixed(1e-3),
        ..Default::default()
    };
    let config = ValidationConfig {
        points: 3,
        estimators: vec![
            Estimator::new("direct", SolverConfig::Direct(direct)),
            Estimator::new("dual", SolverConfig::Dual(dual)),
            Estimator::new("lissa", SolverConfig::Lissa(lissa)),
            Estimator::new("cg", SolverConfig::default()).only(["nothing"]),
            Estimator::gradients("gradients"),
        ],
        newton: vec![Estimator::gradients("newton")],
        refit: config().refit,
    };
    let found = evaluation.validate(&query, &config).unwrap();
    let EstimatorOutcome::Failed(told) = &found.estimators[5].outcome else {
        panic!("{:?}", found.estimators[5]);
    };
    assert!(told.contains("corrects an inverse"), "{told}");
    let reasons = [
        "its limit is 3",
        "its limit is 1000",
        "diverged",
        "no parameter matches",
    ];
    for (it, reason) in found.estimators.iter().zip(reasons) {
        let EstimatorOutcome::Failed(told) = &it.outcome else {
            panic!("{it:?}");
        };
        assert!(told.contains(reason), "{told}");
    }
    assert_eq!(done(&found, 4).predicted.len(), 3);
    assert_eq!(found.changes.len(), 3);
}

#[test]
fn a_refit_that_fails_is_listed_and_the_others_go_on() {
    let (cost, query) = Known::new().costs();
    let broken = Cell::new(usize::MAX);
    let retrain = |weights: &[f64], _: u64| -> Result<Tensor<1>, RetrainError> {
        match weights.iter().position(|&weight| weight == 0.0) {
            Some(example) if example == broken.get() => Err(RetrainError::of("the power went out")),
            _ => Ok(cost.model().theta()),
        }
    };
    let evaluation = evaluation().init(&cost, &retrain).unwrap();
    let config = ValidationConfig {
        points: 4,
        refit: Refit::Training,
        estimators: estimators()[..1].to_vec(),
        newton: Vec::new(),
    };
    let whole = evaluation.validate(&query, &config).unwrap();
    broken.set(whole.points[1]);
    let found = evaluation.validate(&query, &config).unwrap();
    assert_eq!((found.changes.len(), found.failed.len()), (3, 1));
    assert!(found.failed[0].reason.contains("the power went out"));
    // What is left keeps its own predictions.
    let pairs = found.pairs(done(&found, 0));
    let predicted = &done(&found, 0).predicted;
    let kept = [predicted[0], predicted[2], predicted[3]].map(|it| (it.unwrap(), 0.0));
    assert_eq!(pairs, kept);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (cost, query) = Known::new().costs();
    let evaluation = evaluation().init(&cost, &untrained).unwrap();
    let refused = |config: ValidationConfig| {
        let error = evaluation.validate(&query, &config).unwrap_err();
        assert!(matches!(error, EvaluateError::Setting { .. }), "{error:?}");
        error.to_string()
    };
    for points in [0, N + 1] {
        let told = refused(ValidationConfig { points, ..config() });
        assert!(told.contains(&format!("`points` are {points}")), "{told}");
    }
    let told = refused(ValidationConfig {
        estimators: Vec::new(),
        newton: Vec::new(),
        ..config()
    });
    assert!(told.contains("`estimators` are none"), "{told}");
    let twice = vec![Estimator::gradients("same"), Estimator::gradients("same")];
    let told = refused(ValidationConfig {
        estimators: twice,
        ..config()
    });
    assert!(told.contains("`same` twice"), "{told}");
    let inverse = SolverConfig::Nystroem(NystroemConfig {
        rank: 0,
        ..Default::default()
    });
    let config = ValidationConfig {
        refit: minimum(inverse),
        ..config()
    };
    let error = evaluation.validate(&query, &config).unwrap_err();
    assert!(matches!(error, EvaluateError::Solve(_)), "{error}");
}
