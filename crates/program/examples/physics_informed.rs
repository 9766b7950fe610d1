//! Solves Poisson's equation with a network: a physics-informed loss holds a second derivative by the network's input,
//! and is itself differentiated by the network's parameters.
//!
//! ```text
//! u''(x) = -pi^2 sin(pi x) on [0, 1],   u(0) = u(1) = 0,   with the solution u(x) = sin(pi x)
//! ```
//!
//! Run it with `cargo run --release --package backdraft-program --example physics_informed`.

use std::f32::consts::PI;

use backdraft_program::{
    Constant, Function, Parameters, ProgramError, Tensors, grad, value_and_grad,
};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, activation},
};

const STEPS: i32 = 3000;
const RATE: f64 = 5e-3;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
    last: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        Self {
            first: LinearConfig::new(1, 24).init(device),
            second: LinearConfig::new(24, 24).init(device),
            last: LinearConfig::new(24, 1).init(device),
        }
    }

    /// The solution at points `x` of shape `[points, 1]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = activation::tanh(self.first.forward(x));
        let x = activation::tanh(self.second.forward(x));
        self.last.forward(x)
    }
}

/// `u''` at `x`. Every point depends on its own row alone, so the gradient of the sum holds the derivatives of all
/// points.
fn second_derivative(net: &Net, x: Tensor<2>) -> Result<Tensor<2>, ProgramError> {
    let slope = |x| grad(|x| net.forward(x).sum(), x);
    grad(|x| Ok(slope(x)?.sum()), x)
}

/// The mean squared residual of the equation inside, and the squared values at the boundary.
fn loss(net: &Net, x: Tensor<2>, boundary: Tensor<2>) -> Result<Tensor<1>, ProgramError> {
    let source = (x.clone() * PI).sin() * (PI * PI);
    let residual = second_derivative(net, x)? + source;
    Ok(residual.square().mean() + net.forward(boundary).square().sum() * 100.0)
}

fn main() -> Result<(), ProgramError> {
    let device = Device::flex();
    device.seed(0);
    let points = |count: i64| {
        let steps = Tensor::arange(0..count + 1, &device).float();
        (steps / count as f64).reshape([-1, 1])
    };
    let inside: Tensor<2> = points(40);
    let boundary = Tensor::<2>::from_floats([[0.0], [1.0]], &device);

    // Traced once: each call runs the simplified program of the loss and its gradient.
    type Argument = (Parameters<Net>, Constant<(Tensor<2>, Tensor<2>)>);
    let step = Function::new(|argument: Argument| {
        let loss = |(net, Constant((x, boundary))): Argument| loss(&net, x, boundary);
        value_and_grad(loss, argument)
    });

    // Adam, on the flat vector of parameters.
    let mut net = Parameters::new(Net::new(&device));
    let mut theta = net.ravel()?;
    let (mut mean, mut square) = (theta.zeros_like(), theta.zeros_like());
    for i in 1..=STEPS {
        let constants = Constant((inside.clone(), boundary.clone()));
        let (value, (gradient, _)) = step.call((net.clone(), constants))?;
        let gradient = gradient.ravel()?;
        mean = mean * 0.9 + gradient.clone() * 0.1;
        square = square * 0.999 + gradient.square() * 0.001;
        let (first, second) = (1.0 - 0.9_f64.powi(i), 1.0 - 0.999_f64.powi(i));
        let rate = RATE * (1.0 - f64::from(i - 1) / f64::from(STEPS));
        let denominator = (square.clone() / second).sqrt() + 1e-8;
        theta = theta - mean.clone() / first / denominator * rate;
        net = net.unravel(theta.clone())?;
        if i == 1 || i % 500 == 0 {
            println!("step {i:4}   loss {:.3e}", value.into_scalar::<f32>());
        }
    }

    println!("\n   x      network   sin(pi x)");
    let x: Tensor<2> = points(8);
    let (solution, exact) = (net.forward(x.clone()), (x.clone() * PI).sin());
    let rows = |t: Tensor<2>| t.into_data().iter::<f32>().collect::<Vec<_>>();
    for ((x, u), e) in rows(x).iter().zip(rows(solution)).zip(rows(exact)) {
        println!("{x:.3}   {u:8.5}   {e:8.5}");
    }
    let x: Tensor<2> = points(200);
    let error = (net.forward(x.clone()) - (x * PI).sin()).abs().max();
    println!("\nlargest error {:.1e}", error.into_scalar::<f32>());
    Ok(())
}
