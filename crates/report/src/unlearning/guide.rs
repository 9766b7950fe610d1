//! How to read a report of unlearning.

pub(super) const ENTRIES: [(&str, &str); 8] = [
    (
        "Retrained",
        "The network trained again from the same initial parameters, by the same steps in the same order, with a weight of \
         0 on the forgotten examples. The mean of a batch counts all its examples, so that forgetting leaves the mean loss \
         less 1/N of theirs. Everything is held against it.",
    ),
    (
        "Descent-to-delete (d2d)",
        "Further steps from the trained network without the examples (Neel, Roth and Sharifi-Malvajerdi, 2021). Where the \
         objective is strongly convex, they lead to its minimum from wherever they begin.",
    ),
    (
        "Rewind-to-delete (r2d)",
        "Back to an earlier checkpoint of the training, and on from there without the examples (Mu and Klabjan, 2024). By \
         all steps it is retraining itself.",
    ),
    (
        "Influence, Newton",
        "One step with the inverse curvature: with the examples' own part still in it, or taken out.",
    ),
    (
        "Distances",
        "Euclidean, of all parameters, and of the outputs for an example, on average. Two networks may answer alike with \
         parameters that are far apart.",
    ),
    (
        "AUC",
        "The probability that a forgotten example has a lower loss than a test example: 0.5 if losses tell nothing, more if \
         the network still knows it. Calibrated: losses as logits of the right class where there are classes, less their \
         mean over networks that were retrained without the examples from other seeds (Carlini et al., 2022), so that \
         examples that are easy for every network count for nothing. Where retraining comes to the same network from every \
         seed, the least difference is told: that is what the noise of a certificate hides.",
    ),
    (
        "Certificate",
        "A bound of the distance from the retrained parameters that follows from bounds of the losses' derivatives, and the \
         normal noise on each parameter that makes both alike in the sense of differential privacy (Dwork and Roth, 2014). \
         It is told only where what it assumes holds, for exact arithmetic and the order of examples as it was drawn.",
    ),
    (
        "Time",
        "Of the method by itself, beside that of retraining. Rewinding asks for the checkpoint to have been kept.",
    ),
];
