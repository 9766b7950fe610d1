//! What a network says of the tokens of sequences.

use std::ops::Range;

use backdraft_curvature::{Cost, Loss};
use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::{AttributionError, measurement::Margin};

/// The tokens that sequences are to be followed by, place by place, of a network that has a logit at each place for
/// every token there is.
#[derive(Clone, Debug)]
pub struct TokenTargets {
    /// The tokens, `[N, places]`.
    pub next: Tensor<2, Int>,
    /// What stands for no token, if something does.
    pub padding: Option<i64>,
}

/// What a network says of one token of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedToken {
    /// Its place in the sequence, counted from 0.
    pub place: usize,
    /// The token that is there.
    pub token: usize,
    /// Its loss, `-log p`, in nats.
    pub loss: f64,
    /// `log(p / (1 - p))`.
    pub margin: f64,
    /// The token that the network takes for the likeliest there.
    pub predicted: usize,
    /// The probability of that.
    pub probability: f64,
}

impl PredictedToken {
    /// Of every token of the sequences that are the examples of `cost`, to which `targets` belong in this order;
    /// padding is left out. All outputs are held at once.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for targets that do not belong to the examples or to the network's outputs;
    /// [`AttributionError::Curvature`].
    pub fn of(cost: &Cost, targets: &TokenTargets) -> Result<Vec<Vec<Self>>, AttributionError> {
        let [len, places] = targets.next.dims();
        if len != cost.len() {
            let problem = format!("are of {len} sequences, and there are {}", cost.len());
            return Err(refused(problem));
        }
        let outputs = cost.outputs()?;
        let [_, width] = outputs.dims();
        if places == 0 || !width.is_multiple_of(places) {
            return Err(refused(format!(
                "are {places} tokens a sequence, and its {width} outputs are not so many places"
            )));
        }
        let next = targets.next.clone().try_into_vec_as::<i64>()?;
        let predictions = Predictions::of(outputs, &next, targets.padding, width / places)?;
        Ok((0..len)
            .map(|row| predictions.sequence(row * places..(row + 1) * places))
            .collect())
    }
}

pub(super) fn refused(problem: String) -> AttributionError {
    AttributionError::Setting {
        name: "targets",
        problem,
    }
}

/// Of tokens one after another.
struct Predictions {
    /// None for padding.
    tokens: Vec<Option<usize>>,
    losses: Vec<f64>,
    margins: Vec<f64>,
    predicted: Vec<i64>,
    probabilities: Vec<f64>,
}

impl Predictions {
    /// From outputs with so many logits a token.
    fn of(
        outputs: Tensor<2>,
        next: &[i64],
        padding: Option<i64>,
        logits: usize,
    ) -> Result<Self, AttributionError> {
        let tokens: Vec<Option<usize>> = next
            .iter()
            .map(|token| Some(*token as usize).filter(|_| Some(*token) != padding))
            .collect();
        // A negative one is larger than any.
        if let Some(token) = tokens.iter().flatten().find(|it| **it >= logits) {
            return Err(refused(format!(
                "have the token {}, and there are {logits}, counted from 0",
                *token as i64
            )));
        }
        let known: Vec<i64> = tokens.iter().map(|it| it.unwrap_or(0) as i64).collect();
        let known = Tensor::<1, Int>::from_data(known.as_slice(), &outputs.device());
        let outputs = outputs.reshape([next.len(), logits]);
        let log_p = activation::log_softmax(outputs.clone(), 1);
        let own = log_p.clone().gather(1, known.clone().unsqueeze_dim(1));
        let (largest, predicted) = log_p.max_dim_with_indices(1);
        let margins = Margin.per_example(outputs, known);
        Ok(Self {
            tokens,
            losses: own.neg().try_into_vec_as::<f64>()?,
            margins: margins.try_into_vec_as::<f64>()?,
            predicted: predicted.try_into_vec_as::<i64>()?,
            probabilities: largest.exp().try_into_vec_as::<f64>()?,
        })
    }

    fn sequence(&self, tokens: Range<usize>) -> Vec<PredictedToken> {
        let places = tokens.enumerate().filter_map(|(place, at)| {
            Some(PredictedToken {
                place,
                token: self.tokens[at]?,
                loss: self.losses[at],
                margin: self.margins[at],
                predicted: self.predicted[at] as usize,
                probability: self.probabilities[at],
            })
        });
        places.collect()
    }
}
