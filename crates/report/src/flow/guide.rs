//! What the report's words mean.

pub(super) const ENTRIES: [(&str, &str); 6] = [
    (
        "Flow and time",
        "Gradient flow is gradient descent in the limit of short steps, on the mean training loss with its L2 term. Time is step \
         size times number of steps.",
    ),
    (
        "Switch",
        "The flow has all examples until the time s, and is without the removed ones from s to T: theta(T, s). With s = 0 the \
         network never saw them; with s = T nothing is removed yet.",
    ),
    (
        "Minimum without",
        "Where the flow without the removed examples leads from the same start, found by L-BFGS from its end. If the cost has one \
         minimum, all switches lead there. If they stay apart from it, there are several.",
    ),
    (
        "Relative distance",
        "The Euclidean distance of parameters to the minimum without the removed examples, over that between the minima with and \
         without them: 1 is where training on all would end, 0 where training without them would.",
    ),
    (
        "Share that is not forgotten",
        "The distance to the flow that never had the removed examples, at the same time T, over that between this flow and the one \
         that has them all the time: 1 at s = T, 0 at s = 0.",
    ),
    (
        "Way of removal",
        "The direction from the minimum with all examples to that without the removed ones, and the share of the distance of the two \
         that a flow has gone along it from the flow with all examples at the same time.",
    ),
];
