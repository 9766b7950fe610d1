//! How to read a report of changed training examples.

pub(super) const ENTRIES: [(&str, &str); 7] = [
    (
        "What a prediction is",
        "The predicted change of the query's loss if one training example were another: the loss with it changed, less the \
         loss as it is. It is by the difference of the gradients of the example's loss before and after, times the query's \
         solution, over N (Koh and Liang, 2017), and holds for changes of any size, words and labels included.",
    ),
    (
        "Sign",
        "Negative: the change mends the query, its loss falls. Positive: it harms.",
    ),
    (
        "Where it matters",
        "The gradient of the prediction in the inputs of the training example. Blue: more there (brighter) lowers the \
         query's loss. Orange: more there raises it. White: it does not matter. Each picture goes to its own largest value.",
    ),
    (
        "Moved inputs",
        "The step of the size asked for that changes the query's loss most, to first order in the step. The examples are \
         ranked by the prediction for the moved example itself, which is not first order in the step.",
    ),
    (
        "Changed labels",
        "For every training example each other class, or the target moved up and down by what was asked.",
    ),
    (
        "Response",
        "The proximal Bregman response function with the changed example in the place of the old one: what predictions are \
         the first order of, found by minimising over all training examples.",
    ),
    (
        "Retrained",
        "The network trained again with the changed example. Where training ends at a minimum (logistic regression), this \
         is what the prediction is of. Elsewhere training again leads somewhere else anyway, by more than one example does: \
         then it tells little.",
    ),
];
