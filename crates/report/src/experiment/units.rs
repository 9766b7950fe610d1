//! What was measured of a network as it was trained, in the record's own units.

use backdraft_attribution::evaluate::{
    ActualChange, Changes, EstimatorOutcome, Gaps, RemovalGaps, Spread, ValidatedEstimator,
};

use crate::Unit;
use crate::number::short;

impl Unit {
    /// The gaps of a removal.
    pub(super) fn gaps(&self, trained: RemovalGaps) -> RemovalGaps {
        RemovalGaps {
            gaps: trained.gaps.map(|gap| self.output_factor * gap),
            ..trained
        }
    }

    /// The changes of losses by a removal.
    pub(super) fn changes(&self, trained: Changes) -> Changes {
        let losses = |losses: Vec<f64>| -> Vec<f64> {
            let losses = losses.into_iter();
            losses.map(|loss| self.loss_factor * loss).collect()
        };
        Changes {
            influence: losses(trained.influence),
            responses: trained.responses.map(losses),
            ..trained
        }
    }

    /// The change of a loss by one removal.
    pub(super) fn change(&self, trained: ActualChange) -> ActualChange {
        let loss = |it: f64| self.loss_factor * it;
        ActualChange {
            change: loss(trained.change),
            gradient: trained.gradient.map(loss),
            error: trained.error.map(loss),
            ..trained
        }
    }

    /// The changes of a loss that an estimator predicts.
    pub(super) fn estimator(&self, mut trained: ValidatedEstimator) -> ValidatedEstimator {
        if let EstimatorOutcome::Done(it) = &mut trained.outcome {
            let predicted = it.predicted.iter_mut().flatten();
            predicted.for_each(|it| *it *= self.loss_factor);
        }
        trained
    }

    /// The gaps that the paper prints, whose targets are standardised.
    pub(super) fn printed(&self, paper: Gaps<Spread>) -> Gaps<Spread> {
        paper.map(|Spread { mean, std }| Spread {
            mean: self.output_factor * mean,
            std: self.output_factor * std,
        })
    }

    /// One of them: as it is printed there, where 0.000 is not zero, or times the factor.
    pub(super) fn digits(&self, paper: f64) -> String {
        match self.is_plain() {
            true => format!("{paper:.3}"),
            false => short(paper),
        }
    }
}
