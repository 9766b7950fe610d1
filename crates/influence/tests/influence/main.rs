//! Solvers, scores and responses.

mod bayes;
mod bounds;
mod closed;
mod damping;
mod input_scores;
mod laws;
mod newton;
mod path;
mod replacements;
mod response;
mod send;
mod solvers;
mod steps;
mod sure_queries;
mod unlearn;
