//! The example runs.

#[path = "../../examples/own_model.rs"]
mod own_model;

#[test]
fn the_example_of_a_model_of_ones_own_runs() {
    own_model::main().unwrap();
}
