//! Which tensors of a module are one parameter, and writing parameters into modules. In f64.

use backdraft_curvature::{Cost, CurvatureError, LinearOperator, Model, SquaredError, to_dense};
use backdraft_test_support::*;
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig},
    optim::{GradientsParams, SgdConfig},
    tensor::{DType, Tensor, activation},
};

const N: usize = 5;

#[derive(Module, Debug)]
struct Twins {
    first: Linear,
    second: Linear,
}

impl Twins {
    /// Of one layer and its clone, which have the same ids.
    fn new() -> Self {
        let first: Linear = double(LinearConfig::new(2, 2).init(&device()));
        let second = first.clone();
        Self { first, second }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }

    /// The same values with ids of their own.
    fn apart(&self) -> Self {
        let fresh = |layer: &Linear| Linear {
            weight: Param::from_tensor(layer.weight.val()),
            bias: layer.bias.as_ref().map(|b| Param::from_tensor(b.val())),
        };
        Self {
            first: fresh(&self.first),
            second: fresh(&self.second),
        }
    }
}

fn inputs() -> Tensor<2> {
    random([N, 2], 1)
}

fn targets() -> Tensor<2> {
    random([N, 2], 2)
}

fn cost(net: &Twins) -> Cost {
    let model = Model::new(net, Twins::forward).unwrap();
    Cost::new(model, SquaredError, inputs(), targets()).unwrap()
}

/// Up to rounding.
fn close<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>) {
    let [found, expected] = [found, expected].map(|tensor| host(tensor.clone()));
    assert!(relative_error(&found, &expected) < 1e-14);
}

/// One step of Burn's gradient descent, which trains clones apart.
fn trained(net: Twins) -> Twins {
    let net = net.train();
    let error = net.forward(inputs().autodiff()) - targets().autodiff();
    let gradients = GradientsParams::from_grads(error.square().sum().backward(), &net);
    SgdConfig::new().init().step(0.1, net, gradients).valid()
}

#[test]
fn clones_that_were_trained_apart_are_two() {
    let net = trained(Twins::new());
    assert_eq!(net.first.weight.id, net.second.weight.id);
    let values = |layer: &Linear| host(layer.weight.val());
    assert_ne!(values(&net.first), values(&net.second));

    let (found, expected) = (cost(&net), cost(&net.apart()));
    assert_eq!(found.model().dim(), 12);
    let names: Vec<_> = found.model().parameters().iter().map(|p| &p.name).collect();
    let all = ["first.weight", "first.bias", "second.weight", "second.bias"];
    assert_eq!(names, all);
    close(&found.outputs().unwrap(), &net.forward(inputs()));
    close(&found.gradient().unwrap(), &expected.gradient().unwrap());
    let dense = |cost: &Cost| to_dense(&cost.hessian()).unwrap();
    assert!(relative_error(&dense(&found), &dense(&expected)) < 1e-14);
    // And written back, each is where it was.
    let moved = found.model().theta() * 2.0;
    let there = found.model().write(net.clone(), moved.clone()).unwrap();
    let outputs = found.at(moved).unwrap().outputs().unwrap();
    close(&there.forward(inputs()), &outputs);
}

#[test]
fn clones_that_are_equal_are_one() {
    let net = Twins::new();
    let tied = cost(&net);
    assert_eq!(tied.model().dim(), 6);
    close(&tied.outputs().unwrap(), &net.forward(inputs()));
    // The gradient of one is the sum of both.
    let apart = host(cost(&net.apart()).gradient().unwrap());
    let sum: Vec<f64> = apart[..6]
        .iter()
        .zip(&apart[6..])
        .map(|(a, b)| a + b)
        .collect();
    assert!(relative_error(&host(tied.gradient().unwrap()), &sum) < 1e-14);
    let moved = tied.model().theta() * 2.0;
    let there = tied.model().write(net, moved.clone()).unwrap();
    assert_eq!(
        host(there.first.weight.val()),
        host(there.second.weight.val())
    );
    let outputs = tied.at(moved).unwrap().outputs().unwrap();
    close(&there.forward(inputs()), &outputs);
}

#[test]
fn a_frozen_clone_is_a_constant() {
    let mut net = Twins::new();
    net.second = net.second.no_grad();
    let (found, mut apart) = (cost(&net), net.apart());
    assert_eq!(found.model().dim(), 6);
    apart.second = apart.second.no_grad();
    close(
        &found.gradient().unwrap(),
        &cost(&apart).gradient().unwrap(),
    );

    // Frozen clones that differ are two constants.
    let mut net = trained(Twins::new()).no_grad();
    net.first.bias = net.first.bias.map(|b| Param::from_tensor(b.val()));
    close(&cost(&net).outputs().unwrap(), &net.forward(inputs()));
}

#[derive(Module, Debug)]
struct Normed {
    linear: Linear,
    first: BatchNorm,
    second: BatchNorm,
}

/// All numbers in f64, and so much larger.
struct Shifted(f64);

impl ModuleMapper for Shifted {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(DType::F64) + self.0)
    }
}

#[test]
fn running_statistics_of_clones_are_their_own() {
    let norm: BatchNorm = BatchNormConfig::new(2).init(&device());
    let norm = norm.map(&mut Shifted(0.0));
    let net = Normed {
        linear: double(LinearConfig::new(2, 2).init(&device())),
        // `valid` gives a clone statistics of its own, with the ids that they had.
        second: norm.valid(),
        first: norm.map(&mut Shifted(0.5)),
    };
    let forward =
        |net: &Normed, x: Tensor<2>| net.second.forward(net.first.forward(net.linear.forward(x)));
    let outputs = forward(&net.valid(), inputs());
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(model, SquaredError, inputs(), targets()).unwrap();
    close(&cost.outputs().unwrap(), &outputs);
}

#[test]
fn parameters_are_written_by_path_and_shape() {
    let net = Twins::new().apart();
    let model = Model::new(&net, Twins::forward).unwrap();
    let theta = vector(&numbers(12, 7));
    let expected = model.at(theta.clone()).unwrap().theta();
    // Into a module of other ids.
    let other = model.write(Twins::new().apart(), theta.clone()).unwrap();
    let found = Model::new(&other, Twins::forward).unwrap().theta();
    assert_eq!(host(found), host(expected));
    // Only those chosen.
    let last = model.only(&["second"]).unwrap();
    let other = last.write(net.clone(), vector(&numbers(6, 8))).unwrap();
    assert_eq!(host(other.first.weight.val()), host(net.first.weight.val()));
    assert_eq!(host(other.second.weight.val()), numbers(6, 8)[..4]);
}

#[test]
fn what_requires_gradients_requires_them_still() {
    let mut net = Twins::new().apart();
    net.second = net.second.no_grad();
    let model = Model::new(&net, Twins::forward).unwrap();
    let theta = vector(&numbers(6, 7));
    let there = model.write(net.clone().train(), theta.clone()).unwrap();
    assert!(there.first.weight.val().is_require_grad());
    assert!(!there.second.weight.val().is_require_grad());
    let gradients = there.forward(inputs().autodiff()).sum().backward();
    assert!(there.first.weight.val().grad(&gradients).is_some());
    // Not in training it does so later.
    let there = model.write(net, theta).unwrap().train();
    assert!(there.first.weight.val().is_require_grad());
    assert!(!there.second.weight.val().is_require_grad());
}

#[test]
fn what_does_not_fit_is_refused() {
    let net = Twins::new().apart();
    let model = Model::new(&net, Twins::forward).unwrap();
    let cost = cost(&net);
    for len in [0, 11, 13, 24] {
        let other = vector(&numbers(len, 1));
        let errors = [
            model
                .write(net.clone(), other.clone())
                .map(|_| ())
                .unwrap_err(),
            model.at(other.clone()).map(|_| ()).unwrap_err(),
            cost.at(other.clone()).map(|_| ()).unwrap_err(),
            cost.gauss_newton().apply(other).map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            match error {
                CurvatureError::Dimension { expected, found } => {
                    assert_eq!((expected, found), (12, len))
                }
                error => panic!("{error}"),
            }
        }
    }
    let single = model.theta().cast(DType::F32);
    for error in [
        model
            .write(net.clone(), single.clone())
            .map(|_| ())
            .unwrap_err(),
        model.at(single.clone()).map(|_| ()).unwrap_err(),
        cost.hessian().apply(single).map(|_| ()).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(matches!(error, CurvatureError::Placement { .. }), "{text}");
        assert!(text.contains("F32") && text.contains("F64"), "{text}");
    }

    let layer = |inputs, outputs| double(LinearConfig::new(inputs, outputs).init(&device()));
    let wide = Twins {
        first: layer(2, 3),
        second: layer(3, 2),
    };
    let error = model.write(wide, model.theta()).map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, CurvatureError::Module(_)), "{text}");
    assert!(
        text.contains("`first.weight` is F64[2, 3], and the model's F64[2, 2]"),
        "{text}"
    );
    let error = model
        .write(layer(2, 2), model.theta())
        .map(|_| ())
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("no `second.weight` of F64[2, 2]"), "{text}");
    let single = net.clone().map(&mut Single);
    let text = model
        .write(single, model.theta())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(text.contains("F32[2, 2]"), "{text}");
}

struct Single;

impl ModuleMapper for Single {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(DType::F32))
    }
}
