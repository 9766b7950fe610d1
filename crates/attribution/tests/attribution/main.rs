//! Attributions and their evaluation, in f64 on flex.

mod audit;
mod bayes;
mod blocks;
mod common;
mod coverage;
mod example;
mod factor_cache;
mod failures;
mod fit;
mod groups;
mod influence;
mod least_squares;
mod measures;
mod newton;
mod perturb;
mod resumption;
mod score_store;
mod share_out;
mod tokens;
mod validation;
mod valuation;
mod weights;
mod words;
