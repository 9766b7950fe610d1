//! Estimators held against what removals really do, on a small logistic regression.

mod changes;
mod failures;
mod softmax;
mod stores;

use backdraft_attribution::{
    Estimator, EvaluationConfig, Matrix, RetrainError, Shard, SolverConfig, Store,
    evaluate::{
        EstimatorOutcome, EstimatorPrediction, EvaluateError, Refit, Validation, ValidationConfig,
    },
};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DirectConfig, DualConfig, KfacConfig, LanczosConfig,
    LissaConfig, NystroemConfig, response::Stop,
};
use burn::Tensor;

use self::softmax::Known;

const POINTS: usize = 12;

/// Nobody trains again.
fn untrained(_: &[f64], _: u64) -> Result<Tensor<1>, RetrainError> {
    Err(RetrainError::of("nobody asked for this"))
}

fn exact() -> ConjugateGradientConfig {
    ConjugateGradientConfig {
        tolerance: Some(1e-12),
        ..Default::default()
    }
}

fn evaluation() -> EvaluationConfig {
    EvaluationConfig {
        solver: SolverConfig::ConjugateGradient(exact()),
        ..EvaluationConfig::new(0.0)
    }
}

fn estimators() -> Vec<Estimator> {
    let cg = Estimator::new("cg", SolverConfig::ConjugateGradient(exact()));
    let lissa = LissaConfig {
        depth: 60,
        repeats: 2,
        tolerance: f64::INFINITY,
        ..Default::default()
    };
    let kfac = KfacConfig {
        corrected: false,
        ..Default::default()
    };
    let rank = 5;
    vec![
        Estimator::new("direct", SolverConfig::Direct(DirectConfig::default())),
        Estimator::new("dual", SolverConfig::Dual(DualConfig::default())),
        Estimator::new("lissa", SolverConfig::Lissa(lissa)),
        cg.clone()
            .with_name("outer product")
            .with_matrix(Matrix::EmpiricalFisher),
        Estimator::new(
            "diagonal",
            SolverConfig::Diagonal(DiagonalConfig::default()),
        ),
        cg.clone().with_name("biases").only(["bias"]),
        Estimator::new("kfac", SolverConfig::Kfac(kfac)),
        Estimator::new("ekfac", SolverConfig::Kfac(KfacConfig::default())),
        Estimator::new(
            "nystroem",
            SolverConfig::Nystroem(NystroemConfig {
                rank,
                ..Default::default()
            }),
        ),
        Estimator::new(
            "lanczos",
            SolverConfig::Lanczos(LanczosConfig {
                rank,
                ..Default::default()
            }),
        ),
        Estimator::gradients("gradients"),
        cg,
    ]
}

fn newton() -> Estimator {
    Estimator::new("newton", SolverConfig::ConjugateGradient(exact()))
}

/// To gradients of 1e-12 of the first.
fn minimum(inverse: SolverConfig) -> Refit {
    let stop = Stop {
        tolerance: 1e-9,
        decrease: 0.0,
        max_steps: 100,
    };
    Refit::Minimum { stop, inverse }
}

fn config() -> ValidationConfig {
    ValidationConfig {
        points: POINTS,
        estimators: estimators(),
        newton: vec![newton()],
        refit: minimum(SolverConfig::Nystroem(NystroemConfig::default())),
    }
}

fn done(found: &Validation, place: usize) -> &EstimatorPrediction {
    match &found.estimators[place].outcome {
        EstimatorOutcome::Done(prediction) => prediction,
        EstimatorOutcome::Failed(reason) => panic!("{reason}"),
    }
}

/// Without what the clock gives.
fn timeless(mut found: Validation) -> Validation {
    found.changes.iter_mut().for_each(|it| it.seconds = 0.0);
    for it in &mut found.estimators {
        if let EstimatorOutcome::Done(prediction) = &mut it.outcome {
            prediction.seconds = 0.0;
        }
    }
    found
}

fn validated(store: &dyn Store, shard: Shard) -> Result<Validation, EvaluateError> {
    let (cost, query) = Known::new().costs();
    let evaluation = evaluation().init(&cost, &untrained)?;
    let evaluation = evaluation.with_own_store(store).with_shard(shard);
    evaluation.validate(&query, &config()).map(timeless)
}
