//! What was measured of a network as it was trained, in the record's own units.

use backdraft_attribution::evaluate::{Changes, Gaps, RemovalGaps, Spread};

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
