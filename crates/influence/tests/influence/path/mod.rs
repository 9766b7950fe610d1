//! Paths through the parameters.

mod flow;
mod flow_failures;
mod response;
