//! How to read an audit.

pub(super) const ENTRIES: [(&str, &str); 6] = [
    (
        "What the network would say without it",
        "A network often repeats the label that it was trained with, right or wrong. What counts is what it would answer had \
         it not seen the example. That is predicted by one Newton step for each example, without training again; for least \
         squares it is exact.",
    ),
    (
        "Margin",
        "How sure the network is of the label: log(p / (1 - p)) of its probability p. Below 0 another class is likelier. Of \
         a number it is minus the distance between answer and target.",
    ),
    (
        "Self-influence",
        "The predicted rise of an example's own loss when it is removed. Large where the network has to learn an example by \
         heart, as it must those whose labels are wrong, and rare right ones.",
    ),
    (
        "Harm",
        "The predicted change of the mean test loss when the example is removed. Negative: the example harms.",
    ),
    (
        "Fitted by itself alone",
        "Nothing else in the data says what the answer should be (a leverage close to 1). The network cannot judge such a \
         label; look yourself.",
    ),
    (
        "What to do",
        "Write labels, or remove, into the column fix of audit.csv, and give the table to backdraft audit --fix: it trains \
         again on the corrected data and shows what that changes. A suspect is not wrong before someone has looked.",
    ),
];

pub(super) const TEXT_ENTRIES: [(&str, &str); 5] = [
    (
        "The least likely word",
        "Every word of a sequence is to be predicted from those before it. The least likely is the one with the lowest margin, \
         log(p / (1 - p)) of the probability p that the network gives it. It is framed; the greyer a word, the higher its loss, \
         -log p. What the network says in its place is no correction: a language has many words that can follow, and rare \
         right ones look like wrong ones.",
    ),
    (
        "Answers are those of the network as it is",
        "It was trained on these very sequences, and may repeat a wrong word that it has learnt by heart. What it would say \
         without a sequence would take a linear system for each word of the vocabulary at each place, and is not predicted.",
    ),
    (
        "Self-influence",
        "The predicted rise of a sequence's own loss when it is removed: large where the network has learnt it by heart. Of a \
         word it is the part that its loss has in that. Computed with --by self-influence.",
    ),
    (
        "Harm",
        "The predicted change of the mean test loss when the sequence is removed. Negative: it harms.",
    ),
    (
        "What to do",
        "Correct the text in its file, at the line that is named, and train again. Or write remove into the column fix of \
         audit.csv, and give the table to backdraft audit --fix: it trains again without those sequences and shows what that \
         changes. A suspect is not wrong before someone has looked.",
    ),
];
