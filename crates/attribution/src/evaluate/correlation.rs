//! What influence estimates predict.

use backdraft_curvature::Cost;
use backdraft_influence::{
    response::Removal,
    statistics::{pearson, spearman},
};
use burn::tensor::Tensor;
use serde::Serialize;

use super::{
    DamagedEntry, EvaluateError, Evaluation, FailedRemoval, Stage,
    answers::Answers,
    error::StageError,
    evaluation::examined,
    run::{Found, Measured},
};
use crate::store::Digest;

/// The responses that estimates are held against, in the order of [`Changes`].
const RESPONSES: [Stage; 4] = [
    Stage::Pbrf,
    Stage::WarmStart,
    Stage::TwoStage,
    Stage::ColdStart,
];

/// What one removal does to the queries' losses: `loss(without) - loss(with)`, one number a query, in the units of the
/// loss. Positive: removing raises the loss, the examples helped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// What was removed.
    pub removal: Removal,
    /// As the influence estimate predicts, to first order: `eps sum over z of <grad L(z), A^-1 grad loss>`, with `eps
    /// = 1/N` for a plain removal (Bae et al. 2022, Eqn 5).
    pub influence: Vec<f64>,
    /// As the proximal Bregman response does (Eqn 8).
    pub pbrf: Vec<f64>,
    /// As training on from the trained parameters does.
    pub warm_start: Vec<f64>,
    /// As the difference of training on without and with the examples does (F.2).
    pub two_stage: Vec<f64>,
    /// As training again does.
    pub cold_start: Vec<f64>,
    /// The relative residual of the estimate's linear system.
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
}

/// How well influence estimates predict a response, each from -1 to 1. None where a list does not vary, or has fewer
/// than two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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
    /// With the proximal Bregman response.
    pub pbrf: Correlation,
    /// With training on from the trained parameters.
    pub warm_start: Correlation,
    /// With the difference of training on without and with the examples.
    pub two_stage: Correlation,
    /// With training again.
    pub cold_start: Correlation,
    /// Each removal's changes, in the order asked for.
    pub removals: Vec<Changes>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

impl Correlation {
    /// Of what each removal is predicted to do and does, one number a query each.
    pub fn of(removals: &[(&[f64], &[f64])]) -> Self {
        let predicted: Vec<f64> = removals.iter().flat_map(|(x, _)| *x).copied().collect();
        let actual: Vec<f64> = removals.iter().flat_map(|(_, y)| *y).copied().collect();
        let queries = removals.first().map_or(0, |(x, _)| x.len());
        let of_query = |query: usize| -> (Vec<f64>, Vec<f64>) {
            let pair = |(x, y): &(&[f64], &[f64])| Some((*x.get(query)?, *y.get(query)?));
            removals.iter().filter_map(pair).unzip()
        };
        let within = |statistic: fn(&[f64], &[f64]) -> Option<f64>| {
            let each = (0..queries).map(of_query);
            let each: Vec<f64> = each.filter_map(|(x, y)| statistic(&x, &y)).collect();
            (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
        };
        Self {
            pearson: pearson(&predicted, &actual),
            spearman: spearman(&predicted, &actual),
            pearson_within: within(pearson),
            spearman_within: within(spearman),
        }
    }
}

impl Changes {
    /// As each response does, in the order of [`RESPONSES`].
    fn responses(&self) -> [&[f64]; 4] {
        [
            &self.pbrf,
            &self.warm_start,
            &self.two_stage,
            &self.cold_start,
        ]
    }
}

impl Measured for Changes {
    fn numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.residual, f64::from(u8::from(self.solved))];
        numbers.extend(&self.influence);
        numbers.extend(self.responses().into_iter().flatten());
        numbers
    }

    fn of(removal: &Removal, numbers: &[f64]) -> Option<Self> {
        let (&[residual, solved], rest) = numbers.split_first_chunk()?;
        let queries = rest.len() / 5;
        if queries == 0 || !rest.len().is_multiple_of(5) {
            return None;
        }
        let mut parts = rest.chunks_exact(queries).map(<[f64]>::to_vec);
        Some(Self {
            removal: removal.clone(),
            influence: parts.next()?,
            pbrf: parts.next()?,
            warm_start: parts.next()?,
            two_stage: parts.next()?,
            cold_start: parts.next()?,
            residual,
            solved: solved == 1.0,
        })
    }
}

impl Evaluation<'_> {
    /// What each of `removals` does to the losses of `queries`, as the influence estimate predicts and as the proximal
    /// Bregman response, training on, its two stages and training again do, with the correlations (Bae et al. 2022,
    /// Section 5 and F.2).
    ///
    /// `queries` is of the same network: [`Cost::with_examples`] of the training cost makes it for losses, and
    /// [`Measurement::cost`](crate::Measurement::cost) for whatever else is measured of them, in its own units then. One
    /// number an example is measured, without an L2 term.
    ///
    /// # Errors
    /// As [`gaps`](Self::gaps); [`EvaluateError::Curvature`] for queries of a network with another number of
    /// parameters.
    pub fn correlations(
        &self,
        removals: &[Removal],
        queries: &Cost,
    ) -> Result<Correlations, EvaluateError> {
        let queries = queries.clone().with_l2(0.0).at(self.theta().clone())?;
        let digest = examined(Digest::default(), &queries)?.name();
        let before = losses(&queries)?;
        let changes = |answers: &mut Answers<'_, '_>| changes(answers, &queries, &before);
        let Found {
            done,
            failed,
            damaged,
        } = self.run(|run| run.over(removals, &format!("changes-{digest}"), changes))?;
        let correlation = |response: usize| {
            let pairs: Vec<_> = done
                .iter()
                .map(|it| (it.influence.as_slice(), it.responses()[response]))
                .collect();
            Correlation::of(&pairs)
        };
        let [pbrf, warm_start, two_stage, cold_start] = std::array::from_fn(correlation);
        Ok(Correlations {
            pbrf,
            warm_start,
            two_stage,
            cold_start,
            removals: done,
            failed,
            damaged,
        })
    }
}

/// What a removal does to the losses of `queries`, which were `before`.
fn changes(
    answers: &mut Answers<'_, '_>,
    queries: &Cost,
    before: &[f64],
) -> Result<Changes, StageError> {
    let estimate = answers.estimate()?;
    let influence = host(queries.directional_derivatives(estimate.change)?);
    let mut change = |stage| -> Result<Vec<f64>, StageError> {
        let after = losses(&queries.at(answers.get(stage)?)?)?;
        let pairs = after.iter().zip(before);
        Ok(pairs.map(|(after, before)| after - before).collect())
    };
    let [pbrf, warm_start, two_stage, cold_start] = RESPONSES.map(&mut change);
    Ok(Changes {
        removal: answers.removal().clone(),
        influence,
        pbrf: pbrf?,
        warm_start: warm_start?,
        two_stage: two_stage?,
        cold_start: cold_start?,
        residual: estimate.residual,
        solved: estimate.solved,
    })
}

/// The losses, all finite.
pub(super) fn losses(cost: &Cost) -> Result<Vec<f64>, EvaluateError> {
    Ok(host(cost.losses()?))
}

fn host(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
