//! How to read the report.

pub(super) const ENTRIES: [(&str, &str); 6] = [
    (
        "What a value is",
        "What a player, a training example or a group of them, adds to the performance of a network trained on those before \
         it, on average over all orders in which the players could come (Shapley 1953; Ghorbani and Zou 2019). All values \
         add up to the performance with all players less that without any.",
    ),
    (
        "Sign and scale",
        "Positive: the player helps. Values are in the units of the performance. Where that is minus the mean loss they have \
         the sign and units of influence scores of that loss, but are averages over coalitions of every size, not the \
         effect of a removal from all others: that is leave-one-out.",
    ),
    (
        "The columns",
        "exact: by the definition, over all coalitions. tmc: permutations of the players, each cut off where performance is \
         within the tolerance of that of all. g: one step of gradient descent an example, in one pass. knn: exact values of \
         a nearest-neighbour classifier or regression, whose own performance they are in units of. leave-one-out: the \
         performance with all less that without the player. influence: the predicted change of the mean loss when the \
         player is removed.",
    ),
    (
        "Standard errors",
        "Of the permutations that were drawn: what another seed would change. Of knn: of the measured examples. What \
         truncation leaves out, and what other measured examples would say of tmc and g, is none of them.",
    ),
    (
        "Convergence",
        "How much the values changed over the last 100 permutations, relative to themselves and on average. Values close to \
         0 have large relative changes.",
    ),
    (
        "The curves",
        "The performance of networks trained on what is left, on test examples that the values were not measured on. Good \
         values fall fast where the highest are taken first, and stay up where the lowest are. Adding the highest first is \
         removing the lowest first, read from the right.",
    ),
];
