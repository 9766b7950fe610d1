//! Random programs of tensors: what holds for all of them. `PROGRAMS=500` takes so many of each kind, `SEED=7` others.

mod choices;
mod devices;
mod elementwise;
mod identities;
mod kind;
mod moves;
mod pictures;
mod reductions;
mod sequences;
mod steps;
