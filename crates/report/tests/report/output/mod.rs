//! A run's folder: its files' contents, and that they are complete or absent.

mod closed_form;
mod figure;
mod folder;
mod groups;
mod measure;
mod paths;
mod perturbation;
mod record;
mod report;
mod samples;
mod scores;
mod unlearning;
mod valuation;

use crate::{Outcome, page};
