//! How to read a report of Bayesian influence.

pub(super) const ENTRIES: [(&str, &str); 6] = [
    (
        "What a score is",
        "The predicted change of what is measured, in the mean over a posterior about the weights, if the training example \
         were not there: inverse temperature over N times the covariance of the example's loss with what is measured, along \
         chains of Langevin dynamics (Kreer et al., 2025). It is exact to first order in the example's weight, whatever the \
         network, but for what chains of a finite length and step size leave. A score of the other sign, and without the \
         factor, is what that paper has.",
    ),
    (
        "Matched damping",
        "Localisation over inverse temperature. Where the posterior is so narrow that the cost is a quadratic in it, the \
         scores are those of influence functions with the Hessian and this damping, at the posterior's mode. The colder it \
         is, the closer they come; hot, it tells of a wider neighbourhood.",
    ),
    (
        "Standard error",
        "How far a score may be off by chance, from the scatter between eight blocks of draws a chain. It knows nothing of \
         what a step that is too long leaves, nor of where no chain has been.",
    ),
    (
        "R-hat, bulk and tail ESS",
        "R-hat compares the halves of all chains, by ranks: 1 where they have one distribution. The effective sample sizes \
         are how many independent draws the chains are worth for the middle and for the tails (Vehtari et al., 2021). Well \
         mixed: at most 1.01, and at least 100 a chain. All chains begin at the weights: they cannot tell of places that \
         none has gone to.",
    ),
    (
        "Traces",
        "The mean training loss, or what is measured, at each draw, a line a chain. Chains that have mixed look like one \
         grey band about a level; a slope means that they are still on their way.",
    ),
    (
        "At weights and mean",
        "The value at the trained weights and its mean over all draws: how far the posterior is from the weights. A mean \
         training loss much above that at the weights is a hot posterior, or one that has left the minimum.",
    ),
];
