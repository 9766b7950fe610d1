//! How to read a report of response paths.

pub(super) const ENTRIES: [(&str, &str); 9] = [
    (
        "The path",
        "The minimum of the objective as the weight eps of the training example goes from 1, where it counts like any other, to \
         0, where it is gone; of a group, as all its weights go from 1 to theirs together. It is followed by prediction and \
         correction: a step along its own second-order Taylor polynomial, then Newton's method to a gradient of next to \
         nothing. Each system is solved with the objective's exact Hessian, and its true residual is kept.",
    ),
    (
        "Influence at 1 and at 0",
        "The path's tangents at its two ends. At 1 it needs the trained network alone: this is what influence functions \
         compute. At 0 it needs the network without the example. Neither is where the path leads unless it is straight and \
         run through evenly.",
    ),
    (
        "Newton estimate",
        "One Newton step of the objective without the example, from the trained network: influence whose curvature is that of \
         the rest.",
    ),
    (
        "How far the tangents differ",
        "The norm of the difference of the tangents at the two ends. It is no more than the integral of the norm of the second \
         derivative along the path, and that no more than its largest value: the bound. The second derivative is exact, by \
         one more forward mode, at every point; between points it is not looked at. At a kink (ReLU, max pooling) the tangent \
         jumps, which no second derivative tells.",
    ),
    (
        "Straightness",
        "The distance between the ends over the length of the path: 1 is a straight line. A straight line may be run through \
         unevenly, as that of least squares is: then the tangents differ in length alone.",
    ),
    (
        "Landing",
        "How far a straight line from the first point lands from the last, relative to the distance between them: 0 is \
         exact, 1 no better than to stay. The path itself is exact to its tolerance.",
    ),
    (
        "The plane",
        "The path seen in the plane of its chord (across) and of the direction at right angles to it in which it bends most \
         (up). Where lines land is seen in the same plane; how far off it they land besides, the table of landings has.",
    ),
    (
        "Folds",
        "Where the curvature loses positive definiteness, there is no minimum near by with less weight: the path ends, and what \
         retraining would lead to is elsewhere. It is not jumped over. Of a network with kinks the minimum may lie at one, where \
         no gradient vanishes: there the path is followed within the tolerance, or lost.",
    ),
    (
        "Scale",
        "The cost is a mean over all training examples. Of sums, R_j + eps l_j, the path and its derivatives are the same; \
         `taken`, the derivative of the least value in eps, is l_j over the number of examples.",
    ),
];
