//! Estimators of influence held against what removals really do.

use std::{cell::OnceCell, collections::HashSet, time::Instant};

use backdraft_curvature::{Cost, CurvatureError};
use backdraft_influence::{
    Inverse, Solver,
    response::{Removal, ResponseKind},
    scores,
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{
    ActualChange, EstimatorOutcome, EstimatorPrediction, EvaluateError, Evaluation, EvaluationTask,
    Progress, Refit, Stage, ValidatedEstimator, Validation, ValidationConfig, answers::Answers,
    correlation::losses, error::StageError, kept, run::EvaluationRun,
};
use crate::{Approach, Estimator, NewtonOutcome, NewtonPrediction, retrain::retrained};

/// The points, and what it takes to say how sure a change is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StrongestPoints {
    /// The largest influence in size first.
    examples: Vec<usize>,
    /// The norm of `A^-1 grad m`, as bits.
    sensitivity: u64,
}

/// What is measured before a removal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Baseline {
    /// As bits, and the norm of the gradient there.
    measured: u64,
    gradient: u64,
}

impl Evaluation<'_> {
    /// Removes, one by one, the training examples with the largest influence on what is measured of `query`, and holds
    /// what that really does against what each of the estimators predicts: how much an approximation of the inverse
    /// costs in truth (Koh & Liang 2017, Section 4.1 and Figure 2).
    ///
    /// `query` is of the same network, as for [`correlations`](Self::correlations); of several examples, the mean is
    /// measured. The examples are chosen by influence with the evaluation's own matrix, solver and damping, to be an
    /// exact one. An estimator that fails is listed with the reason, and the others go on; so is a removal.
    ///
    /// # Errors
    /// [`EvaluateError::Setting`] for no points or more than there are examples, no estimators, or two of one name;
    /// [`EvaluateError::Solve`] if the influence on the query cannot be solved for; [`EvaluateError::AllFailed`]; the
    /// store's.
    pub fn validate(
        &self,
        query: &Cost,
        config: &ValidationConfig,
    ) -> Result<Validation, EvaluateError> {
        check(config, self.cost().len())?;
        let query = query.clone().with_l2(0.0).at(self.theta().clone())?;
        let name = self.named("validation", &query)?;
        self.open(&[], false, |run| {
            let strongest = strongest(run, &query, &name, config.points)?;
            let points = &strongest.examples;
            let (estimators, estimators_left) = estimated(run, &query, &name, config, points)?;
            let refit = match &config.refit {
                Refit::Minimum { inverse, .. } => Some(inverse.init()?),
                Refit::Training => None,
            };
            let refits = Refits {
                run,
                query: &query,
                config,
                solver: refit.as_deref(),
                inverse: OnceCell::new(),
            };
            let before = refits.baseline(&name, points)?;
            let n = self.cost().len();
            let removals: Vec<_> = points.iter().map(|&i| Removal::of(vec![i], n)).collect();
            let sensitivity = f64::from_bits(strongest.sensitivity);
            let measure =
                |answers: &mut Answers<'_, '_>| refits.change(answers, before, sensitivity);
            let found = run.over(&removals, &name, measure)?;
            Ok(Validation {
                before: f64::from_bits(before.measured),
                points: strongest.examples,
                changes: found.done,
                estimators,
                failed: found.failed,
                left: found.left,
                estimators_left,
                damaged: found.damaged,
            })
        })
    }
}

fn check(config: &ValidationConfig, n: usize) -> Result<(), EvaluateError> {
    let points = config.points;
    if points == 0 || points > n {
        let problem =
            format!("are {points}: they must be at least 1, and at most the {n} examples");
        return Err(EvaluateError::setting("points", problem));
    }
    if n == 1 {
        let problem = "are all there are: at least one example must stay";
        return Err(EvaluateError::setting("points", problem));
    }
    if all(config).next().is_none() {
        return Err(EvaluateError::setting(
            "estimators",
            "are none: give at least one",
        ));
    }
    let mut names = HashSet::new();
    match all(config).find(|(it, _)| !names.insert(&it.name)) {
        Some((twice, _)) => {
            let problem = format!("have `{}` twice: name each once", twice.name);
            Err(EvaluateError::setting("estimators", problem))
        }
        None => Ok(()),
    }
}

/// The estimators, and whether their Newton estimates are meant.
fn all(config: &ValidationConfig) -> impl Iterator<Item = (&Estimator, bool)> {
    let scores = config.estimators.iter().map(|it| (it, false));
    scores.chain(config.newton.iter().map(|it| (it, true)))
}

/// The points of the largest influence on the query, from the store if an earlier run chose them.
fn strongest(
    run: &EvaluationRun<'_>,
    query: &Cost,
    name: &str,
    points: usize,
) -> Result<StrongestPoints, EvaluateError> {
    let key = run.entries.keys.strongest(name, points);
    if let Some(found) = run
        .entries
        .get(&key, kept::read_result::<StrongestPoints>)?
    {
        return Ok(found);
    }
    let steps = run.products.get();
    run.meter
        .begin(EvaluationTask::Stage(Stage::Influence), steps);
    let solution = run.solver()?.solve(query.gradient()?)?.vector;
    let sensitivity = norm(&solution)?;
    let scores = scores(run.evaluation.cost(), solution)?;
    let scores = scores
        .try_into_vec_as::<f64>()
        .map_err(CurvatureError::from)?;
    let found = StrongestPoints {
        examples: largest(&scores, points),
        sensitivity: sensitivity.to_bits(),
    };
    run.entries.put(&key, &kept::result(&found)?)?;
    Ok(found)
}

/// The indices of the `count` largest in size, the largest first; equal ones in order.
fn largest(scores: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].abs().total_cmp(&scores[a].abs()));
    order.truncate(count);
    order
}

/// What the estimators of the shard predict, and the others as far as the store has them; how many are left.
fn estimated(
    run: &EvaluationRun<'_>,
    query: &Cost,
    name: &str,
    config: &ValidationConfig,
    points: &[usize],
) -> Result<(Vec<ValidatedEstimator>, usize), EvaluateError> {
    let (mut found, mut left) = (Vec::new(), 0);
    for (place, (estimator, newton)) in all(config).enumerate() {
        let key = run
            .entries
            .keys
            .estimator(name, config.points, place, (estimator, newton));
        let outcome = match run
            .entries
            .get(&key, kept::read_result::<EstimatorOutcome>)?
        {
            Some(outcome) => outcome,
            None if run.evaluation.shard.has(place) => {
                run.meter.tell(Progress::Estimator {
                    name: &estimator.name,
                });
                let outcome = match newton {
                    true => corrected(run, query, estimator, points),
                    false => predicted(run, query, estimator, points),
                };
                let bytes = kept::result(&outcome)?;
                let failed = matches!(outcome, EstimatorOutcome::Failed(_));
                if !failed || run.evaluation.config.keep_failures {
                    run.entries.put(&key, &bytes)?;
                }
                // As a later run finds it.
                kept::read_result(&bytes)
                    .map_err(|reason| crate::StoreError::Other(reason.into()))?
            }
            None => {
                left += 1;
                continue;
            }
        };
        let estimator = estimator.clone();
        let it = ValidatedEstimator {
            estimator,
            newton,
            outcome,
        };
        run.meter.tell(Progress::Estimated(&it));
        found.push(it);
    }
    Ok((found, left))
}

/// What an estimator predicts of the points.
fn predicted(
    run: &EvaluationRun<'_>,
    query: &Cost,
    estimator: &Estimator,
    points: &[usize],
) -> EstimatorOutcome {
    let evaluation = run.evaluation;
    let scores = match estimator.scores(evaluation.cost(), query, evaluation.config.damping) {
        Ok(scores) => scores,
        Err(error) => return EstimatorOutcome::Failed(error.to_string()),
    };
    let queries = scores.values.len() as f64;
    let mean = |i: usize| scores.values.iter().map(|row| row[i]).sum::<f64>() / queries;
    let all: Vec<f64> = (0..evaluation.cost().len()).map(mean).collect();
    let own: HashSet<usize> = largest(&all, points.len()).into_iter().collect();
    let both = points.iter().filter(|&point| own.contains(point)).count();
    EstimatorOutcome::Done(EstimatorPrediction {
        predicted: points.iter().map(|&point| Some(all[point])).collect(),
        overlap: Some(both as f64 / points.len() as f64),
        seconds: scores.seconds,
        residual: scores.true_residual,
        described: scores.described,
        scale: scores.scale,
    })
}

/// The Newton estimates of the points by an estimator's matrix and solver.
fn corrected(
    run: &EvaluationRun<'_>,
    query: &Cost,
    estimator: &Estimator,
    points: &[usize],
) -> EstimatorOutcome {
    let start = Instant::now();
    let (cost, damping) = (run.evaluation.cost(), run.evaluation.config.damping);
    let found = match estimator.newton(cost, query, damping, points) {
        Ok(found) => found,
        Err(error) => return EstimatorOutcome::Failed(error.to_string()),
    };
    let residual = |it: &NewtonPrediction| match it.outcome {
        NewtonOutcome::Done { true_residual, .. } => Some(true_residual),
        NewtonOutcome::Failed(_) => None,
    };
    EstimatorOutcome::Done(EstimatorPrediction {
        predicted: found.iter().map(|it| it.change(0)).collect(),
        overlap: None,
        seconds: start.elapsed().as_secs_f64(),
        residual: found.iter().filter_map(residual).reduce(f64::max),
        described: None,
        scale: None,
    })
}

fn norm(v: &Tensor<1>) -> Result<f64, CurvatureError> {
    Ok(v.clone().square().sum().sqrt().try_into_scalar()?)
}

/// The network without one example or another.
struct Refits<'a, 'r> {
    run: &'a EvaluationRun<'r>,
    query: &'a Cost,
    config: &'a ValidationConfig,
    solver: Option<&'a dyn Solver>,
    /// Of the evaluation's matrix, when the first removal asks for it.
    inverse: OnceCell<Box<dyn Inverse + 'a>>,
}

/// Parameters, and for a minimum the gradient that is left and the steps that led there.
struct Refitted {
    theta: Tensor<1>,
    minimum: Option<(f64, usize)>,
}

impl<'a> Refits<'a, '_> {
    fn inverse(&self, solver: &'a dyn Solver) -> Result<&dyn Inverse, EvaluateError> {
        if self.inverse.get().is_none() {
            let _ = self.inverse.set(self.run.prepared(solver)?);
        }
        let ready = self.inverse.get().expect("it was just set");
        Ok(&**ready)
    }

    /// The change that a removal makes.
    fn change(
        &self,
        answers: &mut Answers<'_, '_>,
        before: Baseline,
        sensitivity: f64,
    ) -> Result<ActualChange, StageError> {
        let start = Instant::now();
        answers.stage = match self.config.refit {
            Refit::Minimum { .. } => Stage::WarmStart,
            Refit::Training => Stage::ColdStart,
        };
        let removal = answers.place.removal;
        let found = self.refitted(removal, None)?;
        let after = self.measured(&found.theta)?;
        let gradient = found.minimum.map(|(gradient, _)| gradient);
        let left = |gradient| sensitivity * (gradient + f64::from_bits(before.gradient));
        Ok(ActualChange {
            example: removal.examples[0],
            change: after - f64::from_bits(before.measured),
            gradient,
            error: gradient.map(left),
            steps: found.minimum.map(|(_, steps)| steps),
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// The network without a removal, to a gradient of `enough` if that is told.
    fn refitted(&self, removal: &Removal, enough: Option<f64>) -> Result<Refitted, EvaluateError> {
        let (run, evaluation) = (self.run, self.run.evaluation);
        let (Refit::Minimum { stop, .. }, Some(solver)) = (&self.config.refit, self.solver) else {
            run.meter.begin(EvaluationTask::Stage(Stage::ColdStart), 0);
            let n = evaluation.cost().len();
            let mut weights = vec![1.0; n];
            removal
                .examples
                .iter()
                .for_each(|&index| weights[index] = 0.0);
            let (model, seed) = (evaluation.cost().model(), evaluation.config.seed);
            let theta = retrained(evaluation.retrain, model, &weights, seed)?;
            return Ok(Refitted {
                theta,
                minimum: None,
            });
        };
        let objective = evaluation
            .responses
            .objective(ResponseKind::Retraining, removal.clone())?;
        let mut stop = *stop;
        let from = evaluation.theta().clone();
        if let Some(enough) = enough {
            let (_, gradient) = objective.value_and_gradient(&from)?;
            let gradient = norm(&gradient)?;
            if gradient <= enough {
                let minimum = Some((gradient, 0));
                return Ok(Refitted {
                    theta: from,
                    minimum,
                });
            }
            stop.tolerance = enough / gradient;
        }
        let inverse = self.inverse(solver)?;
        let mut way = Approach::new(stop.tolerance);
        let task = EvaluationTask::Stage(Stage::WarmStart);
        run.meter.begin(task, Approach::PARTS);
        let found = objective.minimize_preconditioned(from, stop, inverse, |_, gradient| {
            run.meter.set(way.at(gradient))
        })?;
        let gradient = found.gradient_norms.last().copied().unwrap_or_default();
        let steps = found.gradient_norms.len() - 1;
        Ok(Refitted {
            theta: found.theta,
            minimum: Some((gradient, steps)),
        })
    }

    /// What is measured before anything is removed, from the store if an earlier run has it: at the minimum, where
    /// there is one, as near to it as each removal will come.
    fn baseline(&self, name: &str, points: &[usize]) -> Result<Baseline, EvaluateError> {
        let entries = self.run.entries;
        let key = entries.keys.baseline(name);
        if let Some(found) = entries.get(&key, kept::read_result::<Baseline>)? {
            return Ok(found);
        }
        let cost = self.run.evaluation.cost();
        let enough = match &self.config.refit {
            Refit::Minimum { stop, .. } => {
                let first = cost.select(&points[..1])?.gradient()?;
                Some(stop.tolerance * norm(&first)? / cost.len() as f64)
            }
            Refit::Training => None,
        };
        let found = self.refitted(&Removal::none(), enough)?;
        let gradient = found.minimum.map_or(0.0, |(gradient, _)| gradient);
        let found = Baseline {
            measured: self.measured(&found.theta)?.to_bits(),
            gradient: gradient.to_bits(),
        };
        entries.put(&key, &kept::result(&found)?)?;
        Ok(found)
    }

    /// What is measured of the query at some parameters.
    fn measured(&self, theta: &Tensor<1>) -> Result<f64, EvaluateError> {
        let losses = losses(&self.query.at(theta.clone())?)?;
        Ok(losses.iter().sum::<f64>() / losses.len() as f64)
    }
}
