//! Derivatives of modules by their parameters, and through every layer twice. In f64 on flex.

use crate::common::*;
use backdraft_program::{
    Constant, Parameters, ProgramError, Tensors, grad, hvp, jacobian, jvp, value_and_grad,
};
use backdraft_test_support::*;
use burn::{
    Tensor,
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNormConfig, Linear,
        LinearConfig, PaddingConfig2d,
        conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig},
        pool::{AdaptiveAvgPool2dConfig, AvgPool2dConfig, MaxPool1dConfig, MaxPool2dConfig},
    },
    tensor::{
        Int, activation,
        module::interpolate,
        ops::{InterpolateMode, InterpolateOptions},
    },
};

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    fn new() -> Self {
        double(Self {
            first: LinearConfig::new(2, 5).init(&device()),
            second: LinearConfig::new(5, 1).init(&device()),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }
}

/// A module whose parameters are the same in every run.
fn fixed<M: Module>(module: M) -> Parameters<M> {
    let parameters = Parameters::new(double(module));
    let len = flat(&parameters).len();
    parameters.unravel(random([len], 37)).unwrap()
}

#[test]
fn a_gradient_by_a_module_is_a_module() {
    let net = fixed(Net::new());
    let x = Constant(random([6, 2], 2));
    type Argument = (Parameters<Net>, Constant<Tensor<2>>);
    let loss = |(net, Constant(x)): Argument| net.forward(x).square().sum();
    let argument = (net.clone(), x.clone());
    let (value, (gradient, _)) = value_and_grad(loss, argument.clone()).unwrap();
    assert_eq!(host(value), host(net.forward(x.0).square().sum()));
    assert_eq!(gradient.first.weight.dims(), [2, 5]);
    assert_eq!(gradient.second.bias.as_ref().unwrap().dims(), [1]);
    assert_close(
        &flat(&gradient),
        &central(|x| host(loss(x))[0], &argument),
        1e-9,
    );
    let order = [
        host(gradient.first.weight.val()),
        host(gradient.first.bias.as_ref().unwrap().val()),
    ];
    assert_eq!(flat(&gradient)[..15], order.concat());
    // The module that comes out can be used.
    let net = gradient.into_module();
    assert_eq!(net.forward(random([1, 2], 1)).dims(), [1, 1]);
}

#[test]
fn mixed_partial_derivatives_by_inputs_and_parameters() {
    // A physics-informed loss: the parameters' gradient of sum (u_xx + u_t)^2 with u = net(x, t).
    let net = fixed(Net::new());
    let points = random([6, 2], 2);
    let residual = |net: &Parameters<Net>, points: Tensor<2>| {
        let slopes = |points| grad(|points| net.forward(points).sum(), points);
        let curve = grad(
            |points| Ok(slopes(points)?.slice([0..6, 0..1]).sum()),
            points.clone(),
        )?;
        let time = slopes(points)?.slice([0..6, 1..2]);
        Ok::<_, ProgramError>(curve.slice([0..6, 0..1]) + time)
    };
    type Argument = (Parameters<Net>, Constant<Tensor<2>>);
    let loss = |(net, Constant(points)): Argument| {
        Ok::<_, ProgramError>(residual(&net, points)?.square().sum())
    };
    let argument = (net, Constant(points));
    let (value, gradient) = value_and_grad(loss, argument.clone()).unwrap();
    assert!(host(value)[0] > 0.0);
    // The loss itself, by derivatives in x by hand: u = b' tanh(W z + a) + c.
    let by_hand = |(net, Constant(points)): Argument| {
        let hidden = activation::tanh(net.first.forward(points));
        let slope = hidden.clone().square().neg() + 1.0;
        let (along, time) = {
            let weight = net.first.weight.val();
            (
                weight.clone().slice([0..1, 0..5]),
                weight.slice([1..2, 0..5]),
            )
        };
        let second = hidden * slope.clone() * -2.0 * along.square();
        let residual = (second + slope * time).matmul(net.second.weight.val());
        host(residual.square().sum())[0]
    };
    assert_close(
        &[by_hand(argument.clone())],
        &host(value_and_grad(loss, argument.clone()).unwrap().0),
        1e-14,
    );
    assert_close(&flat(&gradient), &central(by_hand, &argument), 1e-9);
    // And its Hessian along a direction, a derivative of the fourth order.
    let v = argument.unravel(random([21], 9)).unwrap();
    let product = hvp(loss, argument.clone(), v.clone()).unwrap();
    let along = |x: Argument| dot(&flat(&grad(loss, x).unwrap()), &flat(&v));
    assert_close(&flat(&product), &central(along, &argument), 1e-8);
}

#[derive(Module, Debug)]
struct Tied {
    encode: Linear,
    decode: Linear,
    norm: BatchNorm,
}

#[test]
fn shared_parameters_count_once_and_frozen_ones_are_constant() {
    let linear = LinearConfig::new(3, 3).with_bias(false).init(&device());
    let frozen = LinearConfig::new(3, 3).init(&device()).no_grad();
    let mut norm = BatchNormConfig::new(3).init(&device());
    norm.running_mean = burn::module::RunningState::new(random([3], 5));
    let module = Tied {
        decode: linear.clone(),
        encode: linear,
        norm: widened(norm.no_grad()),
    };
    let module = (widened(module), widened(frozen));
    let net = Parameters::new(module);
    assert_eq!(flat(&net).len(), 9);
    let net = net.unravel(random([9], 4)).unwrap();
    type Argument = (Parameters<(Tied, Linear)>, Constant<Tensor<2>>);
    let loss = |(net, Constant(x)): Argument| {
        let (tied, frozen) = &*net;
        let hidden = tied.norm.forward(tied.encode.forward(x)).tanh();
        frozen.forward(tied.decode.forward(hidden)).square().sum()
    };
    let argument = (net.clone(), Constant(random([4, 3], 2)));
    let (gradient, _) = grad(loss, argument.clone()).unwrap();
    assert_close(
        &flat(&gradient),
        &central(|x| host(loss(x))[0], &argument),
        1e-9,
    );
    let ((tied, frozen), (kept, same)) = (&*gradient, &*net);
    assert_eq!(
        host(tied.encode.weight.val()),
        host(tied.decode.weight.val())
    );
    assert_eq!(host(frozen.weight.val()), host(same.weight.val()));
    // Tracing leaves the running statistics of the user's module where they were.
    assert_eq!(host(kept.norm.running_mean.value()), numbers(3, 5));
    assert_eq!(host(tied.norm.running_mean.value()), numbers(3, 5));
}

#[test]
fn the_jacobian_by_a_module_has_a_column_for_each_parameter() {
    let net = fixed(Net::new());
    let x = random([3, 2], 2);
    let f = |(net, Constant(x)): (Parameters<Net>, Constant<Tensor<2>>)| net.forward(x);
    let argument = (net.clone(), Constant(x));
    let matrix = jacobian(f, argument.clone()).unwrap();
    assert_eq!(matrix.dims(), [3, 21]);
    let rows = (0..3).flat_map(|i| central(|x| host(f(x))[i], &argument));
    assert_close(&host(matrix), &rows.collect::<Vec<_>>(), 1e-9);
}

/// A module with a tensor that is no parameter.
#[derive(Module, Debug)]
struct Scaled {
    linear: Linear,
    scale: Tensor<2>,
}

#[test]
fn a_module_may_hold_tensors_that_are_no_parameters() {
    let net = fixed(Scaled {
        linear: LinearConfig::new(2, 2).init(&device()),
        scale: random([1, 2], 6),
    });
    assert_eq!(flat(&net).len(), 6);
    type Argument = (Parameters<Scaled>, Constant<Tensor<2>>);
    let loss =
        |(net, Constant(x)): Argument| (net.linear.forward(x) * net.scale.clone()).square().sum();
    let argument = (net, Constant(random([3, 2], 2)));
    let (gradient, x) = grad(loss, argument.clone()).unwrap();
    assert_close(
        &flat(&gradient),
        &central(|x| host(loss(x))[0], &argument),
        1e-9,
    );
    // It comes back from the trace with the module, as a result too.
    assert_eq!(host(gradient.scale.clone()), numbers(2, 6));
    let same = |(net, _): Argument| net;
    let (net, tangent) = jvp(same, argument.clone(), (gradient.clone(), x)).unwrap();
    assert_eq!(flat(&net), flat(&argument));
    assert_eq!(flat(&tangent), flat(&gradient));
    assert_eq!(host(net.scale.clone()), numbers(2, 6));
}

/// Checks that reverse over reverse mode is forward over reverse mode, and that it is not zero.
#[track_caller]
fn assert_twice_differentiable<X: Tensors>(f: impl Fn(X) -> Tensor<1> + Copy, x: X) {
    let v = x.unravel(random([flat(&x).len()], 83)).unwrap();
    let forward = hvp(f, x.clone(), v.clone()).unwrap();
    let along = |(x, Constant(v)): (X, Constant<X>)| Ok((grad(f, x)?.ravel()? * v.ravel()?).sum());
    let (reverse, _) = grad(along, (x.clone(), Constant(v.clone()))).unwrap();
    // Rounding of sums in another order.
    assert_close(&flat(&reverse), &flat(&forward), 1e-13);
    let value = |x: X| dot(&flat(&grad(f, x).unwrap()), &flat(&v));
    assert_close(&flat(&reverse), &central(value, &x), 1e-7);
}

#[test]
fn reverse_mode_goes_through_linear_layers_twice() {
    let net = fixed(LinearConfig::new(3, 4).init(&device()));
    let f = |(net, x): (Parameters<Linear>, Tensor<3>)| net.forward(x).tanh().powi_scalar(3).sum();
    assert_twice_differentiable(f, (net.clone(), random([2, 5, 3], 2)));
    let f = |(net, x): (Parameters<Linear>, Tensor<2>)| net.forward(x).powi_scalar(3).sum();
    assert_twice_differentiable(f, (net, random([5, 3], 2)));
}

#[test]
fn reverse_mode_goes_through_embeddings_twice() {
    let net = fixed(EmbeddingConfig::new(5, 3).init(&device()));
    let tokens = Tensor::<2, Int>::from_ints([[4, 0, 4], [1, 4, 2]], &device());
    let f = |(net, tokens): (Parameters<Embedding>, Tensor<2, Int>)| {
        net.forward(tokens).powi_scalar(3).sum()
    };
    assert_twice_differentiable(f, (net, tokens));
}

#[test]
fn reverse_mode_goes_through_convolutions_and_pools_twice() {
    let conv = Conv2dConfig::new([2, 3], [3, 3])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init(&device());
    type Argument = (Parameters<Conv2d>, Tensor<4>);
    let x = random([2, 2, 6, 6], 2);
    let argument = (fixed(conv), x);
    let f = |(conv, x): Argument| {
        let y = conv.forward(x).tanh();
        MaxPool2dConfig::new([2, 2])
            .init()
            .forward(y)
            .powi_scalar(3)
            .sum()
    };
    assert_twice_differentiable(f, argument.clone());
    let f = |(conv, x): Argument| {
        let y = conv.forward(x).tanh();
        AvgPool2dConfig::new([3, 3])
            .with_strides([2, 2])
            .init()
            .forward(y)
            .powi_scalar(3)
            .sum()
    };
    assert_twice_differentiable(f, argument.clone());
    let f = |(conv, x): Argument| {
        let y = conv.forward(x).tanh();
        AdaptiveAvgPool2dConfig::new([4, 2])
            .init()
            .forward(y)
            .powi_scalar(3)
            .sum()
    };
    assert_twice_differentiable(f, argument.clone());
    let f = |(conv, x): Argument| {
        let y = conv.forward(x).tanh();
        let options = InterpolateOptions::new(InterpolateMode::Nearest);
        interpolate(y, options.with_output_size([9, 12]))
            .powi_scalar(3)
            .sum()
    };
    assert_twice_differentiable(f, argument);

    let conv = Conv1dConfig::new(2, 3, 3).init(&device());
    let f = |(conv, x): (Parameters<Conv1d>, Tensor<3>)| {
        let y = conv.forward(x).tanh();
        MaxPool1dConfig::new(2)
            .init()
            .forward(y)
            .powi_scalar(3)
            .sum()
    };
    assert_twice_differentiable(f, (fixed(conv), random([2, 2, 9], 2)));
}

#[test]
fn reverse_mode_goes_through_norms_and_activations_twice() {
    let norm = LayerNormConfig::new(4).init(&device());
    let f = |(norm, x): (Parameters<burn::nn::LayerNorm>, Tensor<2>)| {
        let y = activation::gelu(norm.forward(x.clone())) + activation::sigmoid(x.clone());
        let y =
            activation::softmax(y, 1) * activation::silu(x.clone()) + activation::log_sigmoid(x);
        y.powi_scalar(3).sum()
    };
    assert_twice_differentiable(f, (fixed(norm), random([3, 4], 2)));
}

/// Burn trains clones apart, whatever their ids: then they are two parameters, and before that one.
#[test]
fn clones_are_one_parameter_while_they_are_equal() {
    let mut net = double(Net::new());
    let layer: Linear = double(LinearConfig::new(2, 2).init(&device()));
    net.first = layer.clone();
    net.second = layer;
    let forward =
        |(net, Constant(x)): (Parameters<Net>, Constant<Tensor<2>>)| net.forward(x).square().sum();
    let x = Constant(random([4, 2], 2));
    let gradient = |net: &Net| {
        grad(forward, (Parameters::new(net.clone()), x.clone()))
            .unwrap()
            .0
    };
    let tied = flat(&gradient(&net));
    assert_eq!(tied.len(), 6);

    let mut other = net.clone();
    other.second.weight = other.second.weight.map(|w| w * 2.0);
    other.second.bias = other.second.bias.map(|b| b.map(|b| b * 2.0));
    assert_eq!(other.first.weight.id, other.second.weight.id);
    let found = Parameters::new(other.clone());
    assert_eq!(flat(&found).len(), 12);
    let argument = (found, x.clone());
    assert_close(
        &flat(&gradient(&other)),
        &central(|x| host(forward(x))[0], &argument),
        1e-8,
    );
    let moved = argument
        .0
        .unravel(argument.0.ravel().unwrap() * 0.5)
        .unwrap();
    assert_eq!(
        host(moved.second.weight.val() * 2.0),
        host(other.second.weight.val())
    );
}
