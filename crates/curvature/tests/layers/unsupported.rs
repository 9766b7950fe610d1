//! What is no function of its inputs says so, by name.

use backdraft_curvature::{Cost, CurvatureError, Model, SquaredError};
use backdraft_program::ProgramError;
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Distribution, Tensor},
};

use crate::row::{N, device, inputs, tensor};

#[test]
fn random_numbers_in_a_network() {
    let module = LinearConfig::new(3, 2).init(&device());
    let model = Model::new(&module, |m: &Linear, x: Tensor<2>| {
        let noise = x.random_like(Distribution::Default);
        m.forward(x + noise)
    })
    .unwrap();
    let cost = Cost::new(model, SquaredError, inputs([N, 3]), tensor([N, 2], 66)).unwrap();
    let Err(CurvatureError::Program(ProgramError::Unsupported { operation, .. })) = cost.gradient()
    else {
        panic!("a network with random numbers was differentiated");
    };
    assert_eq!(operation, "Random");
}
