//! What influence estimates predict.

use backdraft_curvature::Cost;
use backdraft_influence::{
    response::Removal,
    statistics::{pearson, spearman},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{
    ByResponse, DamagedEntry, EvaluateError, Evaluation, FailedRemoval, Seconds, Spread, Stage,
    answers::Answers,
    error::StageError,
    json,
    run::{RemovalResult, RemovalResults},
};

/// What one removal does to the queries' losses: `loss(without) - loss(with)`, one number a query, in the units of the
/// loss. Positive: removing raises the loss, the examples helped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// The training examples removed.
    pub removed: Vec<usize>,
    /// As the influence estimate predicts, to first order: `eps sum over z of <grad L(z), A^-1 grad loss>`, with `eps
    /// = 1/N` for a plain removal (Bae et al. 2022, Eqn 5).
    #[serde(deserialize_with = "json::numbers")]
    pub influence: Vec<f64>,
    /// As each response does.
    #[serde(deserialize_with = "json::responses")]
    pub responses: ByResponse<Vec<f64>>,
    /// The relative residual of the estimate's linear system.
    #[serde(deserialize_with = "json::number")]
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
    /// What each stage took.
    pub seconds: Seconds,
}

/// What one removal does to the queries' losses: as influence predicts, and as one response says.
pub type Pairs<'a> = (&'a [f64], &'a [f64]);

/// How well influence estimates predict a response, each from -1 to 1. None where a list does not vary, or has fewer
/// than two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// Pearson's, over all pairs of a removal and a query.
    pub pearson: Option<f64>,
    /// Spearman's of the same.
    pub spearman: Option<f64>,
    /// Pearson's over the removals, for each query by itself, on average.
    pub pearson_within: Option<f64>,
    /// Spearman's of the same.
    pub spearman_within: Option<f64>,
}

/// How well influence estimates predict what removals do to queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Correlations {
    /// With each response.
    pub correlations: ByResponse<Correlation>,
    /// Each removal's changes, in the order asked for.
    pub removals: Vec<Changes>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// How many are left to other shards.
    pub left: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

impl Correlation {
    /// Of what each removal is predicted to do and does, one number a query each.
    pub fn of(removals: &[Pairs<'_>]) -> Self {
        let predicted: Vec<f64> = removals.iter().flat_map(|(x, _)| *x).copied().collect();
        let actual: Vec<f64> = removals.iter().flat_map(|(_, y)| *y).copied().collect();
        let queries = removals.first().map_or(0, |(x, _)| x.len());
        let of_query = |query: usize| -> (Vec<f64>, Vec<f64>) {
            let pair = |(x, y): &Pairs<'_>| Some((*x.get(query)?, *y.get(query)?));
            removals.iter().filter_map(pair).unzip()
        };
        let within = |statistic: fn(&[f64], &[f64]) -> Option<f64>| {
            let each = (0..queries).map(of_query);
            let each: Vec<f64> = each.filter_map(|(x, y)| statistic(&x, &y)).collect();
            (!each.is_empty()).then(|| Spread::of(&each).mean)
        };
        Self {
            pearson: pearson(&predicted, &actual),
            spearman: spearman(&predicted, &actual),
            pearson_within: within(pearson),
            spearman_within: within(spearman),
        }
    }
}

impl ByResponse<Correlation> {
    /// How well influence predicts each response; none of a response that was not computed.
    pub fn of(removals: &[Changes]) -> Self {
        Changes::pairs(removals).map(|pairs| Correlation::of(&pairs))
    }
}

impl Changes {
    /// For each response the removals that have it.
    pub fn pairs(removals: &[Self]) -> ByResponse<Vec<Pairs<'_>>> {
        ByResponse::from_array(std::array::from_fn(|response| {
            let pair = |changes| {
                let Self {
                    influence,
                    responses,
                    ..
                }: &Self = changes;
                let actual = responses.as_ref().into_array()[response];
                let there = !actual.is_empty() && actual.len() == influence.len();
                there.then_some((influence.as_slice(), actual.as_slice()))
            };
            removals.iter().filter_map(pair).collect()
        }))
    }
}

impl RemovalResult for Changes {
    fn is_finite(&self) -> bool {
        let responses = self.responses.as_ref().into_array();
        let mut all = self.influence.iter().chain(responses.into_iter().flatten());
        all.all(|it| it.is_finite())
    }
}

impl Correlations {
    pub(super) fn new(found: RemovalResults<Changes>) -> Self {
        Self {
            correlations: ByResponse::<Correlation>::of(&found.done),
            removals: found.done,
            failed: found.failed,
            left: found.left,
            damaged: found.damaged,
        }
    }
}

impl Evaluation<'_> {
    /// What each of `removals` does to the losses of `queries`, as the influence estimate predicts and as the proximal
    /// Bregman response, training on, its two stages and training again do, with the correlations (Bae et al. 2022,
    /// Section 5 and F.2).
    ///
    /// `queries` is of the same network: [`Cost::with_examples`] of the training cost makes it for losses, and
    /// [`Measurement::cost`](crate::Measurement::cost) for whatever else is measured of them, in its own units then.
    /// One number an example is measured, without an L2 term.
    ///
    /// # Errors
    /// As [`gaps`](Self::gaps); [`EvaluateError::Curvature`] for queries of a network with another number of
    /// parameters.
    pub fn correlations(
        &self,
        removals: &[Removal],
        queries: &Cost,
    ) -> Result<Correlations, EvaluateError> {
        let queries = Queries::of(self, queries)?;
        let name = self.named("changes", &queries.cost)?;
        let changes = |answers: &mut Answers<'_, '_>| queries.changes(answers);
        let found = self.run(removals, false, |run| run.over(removals, &name, changes))?;
        Ok(Correlations::new(found))
    }
}

/// What is measured, and what it is at the trained parameters.
pub(super) struct Queries {
    pub cost: Cost,
    before: Vec<f64>,
}

impl Queries {
    pub fn of(evaluation: &Evaluation<'_>, queries: &Cost) -> Result<Self, EvaluateError> {
        let theta = evaluation.theta().clone();
        let cost = queries.clone().with_l2(0.0).at(theta)?;
        let before = losses(&cost)?;
        Ok(Self { cost, before })
    }

    /// The losses less those at the trained parameters.
    pub fn change(&self, after: Vec<f64>) -> Vec<f64> {
        let pairs = after.iter().zip(&self.before);
        pairs.map(|(after, before)| after - before).collect()
    }

    /// What a removal does to the losses.
    pub fn changes(&self, answers: &mut Answers<'_, '_>) -> Result<Changes, StageError> {
        let estimate = answers.estimate()?;
        let influence = host(self.cost.directional_derivatives(estimate.change)?);
        let mut change = |stage| -> Result<Vec<f64>, StageError> {
            Ok(self.change(losses(&self.cost.at(answers.get(stage)?)?)?))
        };
        let responses = ByResponse {
            warm_start: change(Stage::WarmStart)?,
            pbrf: change(Stage::Pbrf)?,
            two_stage: change(Stage::TwoStage)?,
            cold_start: change(Stage::ColdStart)?,
        };
        Ok(Changes {
            removed: answers.removed().to_vec(),
            influence,
            responses,
            residual: estimate.residual,
            solved: estimate.solved,
            seconds: answers.seconds.clone(),
        })
    }
}

/// The losses, all finite.
pub(super) fn losses(cost: &Cost) -> Result<Vec<f64>, EvaluateError> {
    Ok(host(cost.losses()?))
}

pub(super) fn host(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
