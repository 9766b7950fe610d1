//! Influence functions: solvers, scores and response functions.
