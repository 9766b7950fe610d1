//! The same quantities on every device: same weights, same data, f32.

use backdraft::{
    curvature::{
        BatchOperator, BinaryCrossEntropy, Cost, CrossEntropy, LinearOperator, Loss, Model,
        SquaredError,
    },
    influence::{ConjugateGradientConfig, scores},
    models::{Activation, Mlp, MlpConfig},
    program::{grad, jvp},
};
use backdraft_test_support::{Outcome, host, ndarray, numbers, relative_error, wgpu};
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{
        Linear,
        conv::{Conv2d, Conv2dConfig, DeformConv2d, DeformConv2dConfig},
        interpolate::{Interpolate2dConfig, InterpolateMode},
    },
    tensor::{DType, Device, Int, Tensor, TensorData, activation},
};

use Quantities::{All, Derivatives};

/// A quantity's name and its elements.
type Named = (&'static str, Vec<f64>);

const N: usize = 50;
const INPUTS: usize = 12;
const OUTPUTS: usize = 3;
const DAMPING: f64 = 0.1;

/// Both devices round to 2^-24 and sum in other orders. What is compared are sums of at most a few hundred products,
/// through three layers and back.
const TOLERANCE: f64 = 1e-5;

/// A solve stops at a residual of 1e-5, on one device perhaps a few iterations before the other; its matrix has a
/// condition number of about ten.
const SOLVE_TOLERANCE: f64 = 1e-4;

fn matrix(values: Vec<f64>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn classes(device: &Device) -> Tensor<1, Int> {
    let classes: Vec<i64> = (0..N as i64).map(|i| i * i % OUTPUTS as i64).collect();
    Tensor::from_data(TensorData::new(classes, [N]), device)
}

fn values(device: &Device) -> Tensor<2> {
    let values = numbers(N * OUTPUTS, 12).into_iter();
    matrix(values.map(|x| (x + 1.0) / 2.0).collect(), OUTPUTS, device)
}

/// The same network with its weights on `device`.
fn network(activation: Activation, device: &Device) -> Mlp {
    let config = MlpConfig::new(INPUTS, OUTPUTS)
        .with_hidden(vec![16, 8])
        .with_activation(activation)
        .with_seed(7);
    config.init(&Device::flex()).fork(device)
}

/// What is computed from a network and its data.
#[derive(Clone, Copy, PartialEq)]
enum Quantities {
    /// Values and derivatives.
    Derivatives,
    /// These, and what is made of them whatever the loss and the activation are.
    All,
}

/// What is computed from a network and its data, by name.
fn quantities<L: Loss>(
    asked: Quantities,
    activation: Activation,
    loss: L,
    targets: L::Targets,
    device: &Device,
) -> Outcome<Vec<Named>> {
    let model = Model::new(&network(activation, device), Mlp::forward)?;
    assert_eq!(model.device(), device);
    let inputs = matrix(numbers(N * INPUTS, 11), INPUTS, device);
    // Batches of 32 and 18.
    let cost = Cost::new(model, loss, inputs, targets)?.with_batch_size(32)?;
    let theta = host(cost.model().theta());
    let v = numbers(theta.len(), 5);
    let v = || Tensor::<1>::from_data(v.as_slice(), device);

    let (value, gradient) = cost.value_and_gradient()?;
    let (gauss_newton, hessian) = (cost.gauss_newton(), cost.hessian());
    let product = host(gauss_newton.apply(v())?);
    let mut found = vec![
        ("theta", theta),
        ("outputs", host(cost.outputs()?)),
        ("losses", host(cost.losses()?)),
        ("cost", host(value)),
        ("gradient", host(gradient)),
        ("Hessian product", host(hessian.apply(v())?)),
        (
            "directional derivatives",
            host(cost.directional_derivatives(v())?),
        ),
    ];
    if asked == Quantities::All {
        // The second product runs on kept activations.
        let kept = host(gauss_newton.apply(v())?);
        assert!(relative_error(&kept, &product) < 1e-6);
        let batch = host(gauss_newton.apply_batch(&[49, 0, 7, 7], v())?);
        let damped = cost.gauss_newton().damped(DAMPING);
        let query = cost.select(&[3, 3, 41])?;
        let solver = ConjugateGradientConfig::default().init()?;
        let solution = solver.solve(&damped, query.gradient()?)?;
        assert!(solution.info.converged);
        found.extend([
            ("output gradients", host(cost.output_gradients()?)),
            ("gradient of a query", host(query.gradient()?)),
            ("Gauss-Newton product of a batch", batch),
            ("solution", host(solution.vector.clone())),
            ("scores", host(scores(&cost, solution.vector)?)),
        ]);
    }
    found.push(("Gauss-Newton product", product));
    Ok(found)
}

fn assert_agree<L: Loss>(
    device: &Device,
    asked: Quantities,
    activations: &[Activation],
    loss: L,
    targets: fn(&Device) -> L::Targets,
) -> Outcome {
    let flex = Device::flex();
    for &activation in activations {
        let expected = quantities(asked, activation, loss.clone(), targets(&flex), &flex)?;
        let found = quantities(asked, activation, loss.clone(), targets(device), device)?;
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            let tolerance = match *name {
                "solution" | "scores" => SOLVE_TOLERANCE,
                _ => TOLERANCE,
            };
            let error = relative_error(found, expected);
            assert!(error < tolerance, "{activation:?} {name}: {error:.1e}");
        }
    }
    Ok(())
}

#[test]
fn wgpu_agrees_with_flex_on_classes() -> Outcome {
    wgpu().map_or(Ok(()), |device| {
        assert_agree(&device, All, &[Activation::Tanh], CrossEntropy, classes)?;
        assert_agree(
            &device,
            Derivatives,
            &[Activation::Relu],
            CrossEntropy,
            classes,
        )
    })
}

#[test]
fn wgpu_agrees_with_flex_on_logits() -> Outcome {
    wgpu().map_or(Ok(()), |device| {
        assert_agree(
            &device,
            Derivatives,
            &[Activation::Sigmoid],
            BinaryCrossEntropy,
            values,
        )
    })
}

#[test]
fn ndarray_agrees_with_flex() -> Outcome {
    let activations = [Activation::Tanh, Activation::Relu, Activation::Sigmoid];
    assert_agree(&ndarray(), All, &activations, CrossEntropy, classes)?;
    assert_agree(&ndarray(), All, &activations, BinaryCrossEntropy, values)?;
    assert_agree(&ndarray(), All, &activations, SquaredError, values)
}

/// Squared errors. Burn's own derivative of gelu is exact on flex, and elsewhere that of an approximation, wrong from
/// the fourth digit on.
#[test]
fn the_derivative_of_gelu_is_exact_on_every_device() -> Outcome {
    let gpu = wgpu();
    for device in [&ndarray()].into_iter().chain(gpu.as_deref()) {
        assert_agree(
            device,
            Derivatives,
            &[Activation::Gelu],
            SquaredError,
            values,
        )?;
    }
    Ok(())
}

/// What a network on images computes from them.
type Images = (Conv2d, Conv2d, DeformConv2d);

/// A convolution that moves where the next one looks, by offsets and a mask, and an interpolation: none of which has a
/// reverse mode of its own on every device.
fn images(device: &Device) -> Outcome<Vec<Named>> {
    struct Fill(u64);
    impl ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            param.map(|old| {
                let shape = old.shape();
                let data = TensorData::new(numbers(shape.num_elements(), self.0), shape);
                Tensor::from_data(data, &old.device()) * 0.4
            })
        }
    }
    let module: Images = (
        Conv2dConfig::new([2, 8], [2, 2]).init(device),
        Conv2dConfig::new([2, 4], [2, 2]).init(device),
        DeformConv2dConfig::new([2, 2], [2, 2]).init(device),
    );
    let model = Model::new(
        &module.map(&mut Fill(20)),
        |(offsets, mask, layer): &Images, x: Tensor<4>| {
            let mask = activation::sigmoid(mask.forward(x.clone()));
            let moved = layer.forward(x.clone(), offsets.forward(x), Some(mask));
            let resize = Interpolate2dConfig::new().with_output_size(Some([5, 2]));
            let resized = resize
                .with_mode(InterpolateMode::Linear)
                .init()
                .forward(moved);
            activation::tanh(resized).flatten::<2>(1, 3)
        },
    )?;
    let data = TensorData::new(numbers(6 * 2 * 4 * 5, 13), [6, 2, 4, 5]);
    let targets = matrix(numbers(6 * 20, 14), 20, device);
    let cost = Cost::new(
        model,
        SquaredError,
        Tensor::<4>::from_data(data, device),
        targets,
    )?;
    let v = numbers(cost.model().dim(), 5);
    let v = || Tensor::<1>::from_data(v.as_slice(), device);
    Ok(vec![
        ("outputs", host(cost.outputs()?)),
        ("gradient", host(cost.gradient()?)),
        ("Gauss-Newton", host(cost.gauss_newton().apply(v())?)),
        ("Hessian", host(cost.hessian().apply(v())?)),
    ])
}

#[test]
fn layers_without_a_reverse_mode_on_every_device() -> Outcome {
    let expected = images(&Device::flex())?;
    let gpu = wgpu();
    for device in [&ndarray()].into_iter().chain(gpu.as_deref()) {
        for ((name, found), (_, expected)) in images(device)?.iter().zip(&expected) {
            let error = relative_error(found, expected);
            assert!(error < TOLERANCE, "{name}: {error:.1e} on {device:?}");
        }
    }
    Ok(())
}

/// Losses, gradients and second derivatives of logits that are sure, one by one: they differ by many orders of
/// magnitude, so that a norm over all would see the largest alone. Devices' exponentials are right to about `2 |x|`
/// units in the last place.
fn sure(device: &Device) -> Outcome<Vec<Named>> {
    let logits = [15.0, 16.25, 17.0, 21.75, 30.0, 40.5, 60.0];
    let mut found = Vec::new();
    for y in logits.into_iter().flat_map(|y| [y, -y]) {
        for t in [0, 1] {
            let weight = matrix(vec![1.0], 1, device);
            let linear = Linear {
                weight: Param::from_tensor(weight),
                bias: None,
            };
            let model = Model::new(&linear, |l: &Linear, x: Tensor<2>| l.forward(x))?;
            let x = matrix(vec![y], 1, device);
            let binary = Cost::new(
                model,
                BinaryCrossEntropy,
                x.clone(),
                matrix(vec![f64::from(t)], 1, device),
            )?;
            let model = Model::new(&linear, |l: &Linear, x: Tensor<2>| {
                let y = l.forward(x);
                Tensor::cat(vec![y.zeros_like(), y], 1)
            })?;
            let label = Tensor::<1, Int>::from_data([t], device);
            let classes = Cost::new(model, CrossEntropy, x, label)?;
            let v = || Tensor::<1>::from_data([1.0], device);
            found.push(("binary", host(binary.losses()?)));
            found.push(("binary gradient", host(binary.gradient()?)));
            found.push((
                "binary Gauss-Newton",
                host(binary.gauss_newton().apply(v())?),
            ));
            found.push(("binary Hessian", host(binary.hessian().apply(v())?)));
            found.push(("classes", host(classes.losses()?)));
            found.push(("classes' gradient", host(classes.gradient()?)));
            found.push((
                "classes' Gauss-Newton",
                host(classes.gauss_newton().apply(v())?),
            ));
            found.push(("classes' Hessian", host(classes.hessian().apply(v())?)));
        }
        let outputs = matrix(vec![y], 1, device);
        let one = matrix(vec![1.0], 1, device);
        let losses = BinaryCrossEntropy.per_example(outputs.clone(), one);
        found.push(("a loss in training", host(losses)));
        let outputs = Tensor::cat(vec![outputs.zeros_like(), outputs], 1);
        let losses = CrossEntropy.per_example(outputs, Tensor::from_data([1], device));
        found.push(("a loss of classes in training", host(losses)));
        let x = || Tensor::<1>::from_data([y], device);
        let small = |x: Tensor<1>| (x * 1e-9).log1p();
        found.push(("log1p", host(jvp(small, x(), x())?.0)));
        let softplus = |x: Tensor<1>| activation::softplus(x, 1.0);
        found.push(("softplus", host(jvp(softplus, x(), x())?.0)));
        found.push(("tanh", host(grad(activation::tanh, x())?)));
    }
    Ok(found)
}

/// `docs/upstream.md`: the way round is no longer needed once this fails.
#[test]
fn burn_still_takes_log1p_literally() {
    if let Some(device) = wgpu() {
        let small = Tensor::<1>::from_data([1e-9], &*device);
        assert_eq!(host(small.log1p()), [0.0]);
    }
}

/// `docs/upstream.md`: a way round is no longer needed once its line fails.
#[test]
fn burn_still_rounds_on_ndarray() {
    let at = |x: f64| {
        let x = TensorData::new(vec![x], [1]);
        Tensor::<1>::from_data(x, (&ndarray(), DType::F64))
    };
    let off = |found: Tensor<1>, exact: f64| (host(found)[0] - exact).abs();
    let sigmoid = 1.0 / (1.0 + (-1.0_f64).exp());
    assert!(off(activation::sigmoid(at(1.0)), sigmoid) > 1e-12);
    assert!(off(activation::hard_sigmoid(at(0.3), 0.7, 0.1), 0.31) > 1e-12);
    assert!(off(at(2.0).powf_scalar(0.1), 2.0_f64.powf(0.1)) > 1e-12);
    assert_eq!(host(activation::log_sigmoid(at(40.0))), [0.0]);
    let x = Tensor::<1>::from_floats([1.0], &ndarray().autodiff()).require_grad();
    let gradients = activation::gelu(x.clone()).backward();
    let slope = x.grad(&gradients).expect("it is tracked");
    assert!(off(slope, 1.083_315_470_587_686) > 1e-5);
}

/// `docs/upstream.md`: the way round is no longer needed once this fails.
#[test]
fn burn_still_does_not_resize_backwards() {
    let resized = std::panic::catch_unwind(|| {
        let x = Tensor::<4>::ones([1, 1, 2, 2], &ndarray().autodiff()).require_grad();
        let resize = Interpolate2dConfig::new().with_output_size(Some([3, 3]));
        let resize = resize.with_mode(InterpolateMode::Linear).init();
        resize.forward(x).sum().backward();
    });
    assert!(resized.is_err());
}

#[test]
fn sure_logits_on_every_device() -> Outcome {
    let expected = sure(&Device::flex())?;
    let gpu = wgpu();
    for device in [&ndarray()].into_iter().chain(gpu.as_deref()) {
        for (i, ((name, found), (_, expected))) in sure(device)?.iter().zip(&expected).enumerate() {
            let error = (found[0] - expected[0]).abs();
            assert!(
                error <= 2e-5 * expected[0].abs(),
                "{name}, {i}: {:e}, not {:e} on {device:?}",
                found[0],
                expected[0]
            );
        }
    }
    Ok(())
}
