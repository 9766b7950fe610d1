//! How to read the report.

use crate::{
    Measure,
    measure::did,
    page::{self, Html},
};

/// What the numbers are, for someone who meets them for the first time.
pub(super) fn guide(measure: &Measure) -> Html {
    let (words, subject) = (measure.quantity(), measure.subject());
    let [positive, negative] = measure.kinds().map(did);
    let first = [
        (
            "What a score is",
            format!(
                "The predicted change of the {subject} if one training example were removed: what it is without the example, \
                 less what it is with it."
            ),
        ),
        (
            "Sign",
            format!(
                "Positive: removing the example raises the {words}, so the example {positive}. Negative: removing it lowers the \
                 {words}, so the example {negative}."
            ),
        ),
        (
            "Scale",
            format!(
                "The units of the {words}: {}. The factor 1/N of the mean over N training examples is included, so a score is the \
                 change itself, to first order in 1/N. Scores of small groups add up.",
                measure.unit
            ),
        ),
        (
            "How it is computed",
            format!(
                "s solves (C + damping I) s = g, where g is the gradient of the {subject} and C the curvature of the mean \
                 training loss at the trained weights. The score of an example is the derivative of its loss along s, divided by N. \
                 The true residual is the size of what the solution leaves over, relative to g."
            ),
        ),
    ];
    let first = first.iter().map(|(title, text)| (*title, text.as_str()));
    let entries: Vec<(&str, &str)> = first.chain(ENTRIES).collect();
    page::guide(&entries)
}

const ENTRIES: [(&str, &str); 4] = [
    (
        "What it is checked against",
        "The proximal Bregman response function (PBRF): the same network, started from its trained \
         weights and trained on an objective that keeps its outputs and weights near where they are \
         while the example's loss is taken away. That, and not retraining from scratch, is what \
         influence functions of a neural network approximate (Bae et al., 2022).",
    ),
    (
        "Gradient",
        "The norm of the gradient of the mean training loss at the weights, without an L2 term: 0 at a \
         minimum. Scores predict the PBRF wherever the weights are. What training to the end without \
         the example would do, they can only tell near a minimum.",
    ),
    (
        "Newton estimate and leverage",
        "Influence takes the curvature with the removed example still in it; the Newton estimate takes the example's own \
         part out, with a linear system for each of its outputs. Leverage, from 0 to 1, is that part's share: where it is \
         small the two agree, where it comes close to 1 the example is fitted by itself alone, and what the network would \
         be without it is an extrapolation. For least squares the Newton estimate is exact.",
    ),
    (
        "How far to trust it",
        "Pearson is close to 1 if predicted and actual changes lie on a line, Spearman if they agree \
         in order; the slope is close to 1 if the size is right too. This report trusts the order \
         from a Pearson of 0.95 on, the size too with a slope between 0.8 and 1.25, and reads no more \
         than a tendency from 0.8 on. The pairs are the strongest examples and some random ones: \
         agreement on the strongest says little about weak ones.",
    ),
];
