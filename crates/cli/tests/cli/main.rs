//! The command line end to end, with real files.

mod audit;
mod bench;
mod closed_form;
mod compare;
mod dampings;
mod data;
mod experiment;
mod files;
mod groups;
mod inputs;
mod mean;
mod measure;
mod options;
mod perturb;
mod place;
mod preconditioners;
mod refusals;
mod runs;
mod shapley;
mod solves;
mod stops;
mod task;
mod terminal;
mod train;
mod units;
mod weights;
