//! What fails is told, with the stage and what to do; the rest goes on.

use backdraft_attribution::{
    EvaluateError, EvaluationConfig, Progress, RankBy, Retrain, RetrainError, Stage,
};
use backdraft_influence::response::Removal;
use burn::Tensor;

use crate::common::{DAMPING, N, fit, network, removals, steps};
use backdraft_test_support::vector;

fn config() -> EvaluationConfig {
    EvaluationConfig {
        retraining: steps(),
        bregman: steps(),
        ..EvaluationConfig::new(DAMPING)
    }
}

/// Training that comes to `broken` without example 2.
fn breaking(
    broken: impl Fn() -> Result<Tensor<1>, RetrainError>,
) -> impl Fn(&[f64], u64) -> Result<Tensor<1>, RetrainError> {
    let fit = fit();
    move |weights, seed| match weights[2] {
        0.0 => broken(),
        _ => fit.retrain(weights, seed),
    }
}

#[test]
fn training_that_fails_is_listed_and_the_rest_goes_on() {
    let cost = network();
    let dim = cost.model().dim();
    let failed = || Err(RetrainError::of("the power went out"));
    let lost = || Ok(vector(&vec![f64::NAN; dim]));
    let infinite = || {
        let mut theta = vec![0.0; dim];
        theta[dim - 1] = f64::INFINITY;
        Ok(vector(&theta))
    };
    let cases: [(&dyn Fn() -> _, &str); 3] = [
        (&failed, "the power went out"),
        (&lost, "NaN or infinite"),
        (&infinite, "NaN or infinite"),
    ];
    for (broken, reason) in cases {
        let retrain = breaking(broken);
        let told = std::cell::RefCell::new(Vec::new());
        let evaluation = config().init(&cost, &retrain).unwrap();
        let evaluation = evaluation.with_progress(|progress| {
            if let Progress::Failed { failed, .. } = progress {
                told.borrow_mut().push(failed.clone());
            }
        });
        let asked = removals(&[&[0], &[2], &[5]]);
        let found = evaluation.gaps(&asked).unwrap();
        assert_eq!(found.removals.len(), 2);
        let [failed] = found.failed.as_slice() else {
            panic!("{:?}", found.failed);
        };
        assert_eq!(failed.removed, asked[1].examples);
        assert_eq!(failed.stage, Stage::ColdStart);
        assert!(failed.reason.contains(reason), "{}", failed.reason);
        assert_eq!(*told.borrow(), found.failed);
        let all = evaluation.gaps(&asked[1..2]).unwrap_err();
        let EvaluateError::AllFailed { count: 1, .. } = all else {
            panic!("{all}");
        };
        assert!(all.to_string().contains(reason));
    }
}

#[test]
fn parameters_of_another_model_stop_everything() {
    let cost = network();
    let retrain = |_: &[f64], _: u64| Ok::<_, RetrainError>(vector(&[1.0, 2.0]));
    let evaluation = config().init(&cost, &retrain).unwrap();
    let error = evaluation.gaps(&removals(&[&[0], &[1]])).unwrap_err();
    let EvaluateError::Retrain(RetrainError::Dimension { expected, found: 2 }) = error else {
        panic!("{error}");
    };
    assert_eq!(expected, cost.model().dim());
    let single = |_: &[f64], _: u64| {
        let theta = vector(&vec![0.5; cost.model().dim()]);
        Ok::<_, RetrainError>(theta.cast(burn::tensor::DType::F32))
    };
    let evaluation = config().init(&cost, &single).unwrap();
    let error = evaluation.gaps(&removals(&[&[0], &[1]])).unwrap_err();
    assert!(error.to_string().contains("F32"), "{error}");
}

#[test]
fn responses_that_do_not_converge_are_listed() {
    let cost = network();
    let fit = fit();
    let mut config = config();
    // No step lowers a gradient by 1e13.
    config.bregman =
        backdraft_attribution::Respond::Minimize(backdraft_influence::response::Stop {
            tolerance: 1e-13,
            decrease: 0.0,
            max_steps: 1,
        });
    let evaluation = config.init(&cost, &fit).unwrap();
    let error = evaluation.gaps(&removals(&[&[0]])).unwrap_err();
    let EvaluateError::AllFailed { stage, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(stage, Stage::Pbrf);
    assert!(reason.contains("Raise the number of steps"), "{reason}");
    let error = evaluation.mislabel(&[1], &[RankBy::Pbrf]).unwrap_err();
    assert!(matches!(
        error,
        EvaluateError::AllFailed {
            count: N,
            stage: Stage::Pbrf,
            ..
        }
    ));
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_computed() {
    let cost = network();
    let retrain = |_: &[f64], _: u64| -> Result<Tensor<1>, RetrainError> {
        unreachable!("nothing is to be trained")
    };
    let evaluation = config().init(&cost, &retrain).unwrap();
    let all: Vec<usize> = (0..N).collect();
    for (removal, words) in [
        (Removal::of(vec![0, N], N), "example 12 at 1: there are 12"),
        (Removal::of(vec![3, 4, 3], N), "example 3 twice at 1"),
        (Removal::of(all, N), "all of 12 examples at 1"),
        (Removal::none(), "changes nothing, at 1"),
        (Removal::downweight(vec![1], f64::NAN), "epsilon NaN at 1"),
    ] {
        let asked = [Removal::of(vec![0], N), removal];
        let error = evaluation.gaps(&asked).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let error = evaluation.correlations(&asked, &cost).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = evaluation.gaps(&[]).unwrap_err();
    assert!(error.to_string().contains("give at least one"), "{error}");
    for (wrong, rankings, words) in [
        (vec![], RankBy::ALL.as_slice(), "nothing to find"),
        (vec![N], &RankBy::ALL, "example 12: there are 12"),
        (vec![1, 1], &RankBy::ALL, "example 1 twice"),
        (vec![1], &[], "`rankings` are none"),
    ] {
        let error = evaluation.mislabel(&wrong, rankings).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    for damping in [-1.0, 0.0, f64::NAN] {
        assert!(
            EvaluationConfig::new(damping)
                .init(&cost, &retrain)
                .is_err()
        );
    }
    let none = EvaluationConfig {
        together: 0,
        ..config()
    };
    assert!(none.init(&cost, &retrain).is_err());
}
