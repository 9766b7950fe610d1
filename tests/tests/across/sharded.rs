//! Costs in parts on devices of different kinds, and on two of one kind: threads, and tensors that go between them.

use std::{panic::AssertUnwindSafe, sync::Mutex};

use backdraft::{
    curvature::{
        BatchOperator, Cost, CrossEntropy, CurvatureError, LinearOperator, Model, Sharded,
        ShardedCost,
    },
    influence::{ConjugateGradientConfig, LissaConfig, Solver, scores},
    models::{Mlp, MlpConfig, to_dtype},
};
use backdraft_test_support::{Outcome, host, ndarray, numbers, relative_error, wgpu_alone};
use burn::{
    module::Module,
    tensor::{DType, Device, Int, Tensor, TensorData},
};

/// Divided into parts of whole batches, so that few shapes have kernels of their own.
const N: usize = 48;
const INPUTS: usize = 6;

fn trained() -> Mlp {
    let config = MlpConfig::new(INPUTS, 4).with_hidden(vec![8]);
    config.init(&Device::flex())
}

/// The examples of a range, with the network `of` moved there.
fn cost(
    of: &Mlp,
    range: std::ops::Range<usize>,
    device: &Device,
    dtype: DType,
) -> Result<Cost, CurvatureError> {
    let module = to_dtype(of.clone().fork(device), dtype);
    let rows = range.len();
    let x = numbers(N * INPUTS, 5)[range.start * INPUTS..range.end * INPUTS].to_vec();
    let x: Tensor<2> = Tensor::from_data(TensorData::new(x, [rows, INPUTS]), (device, dtype));
    let classes: Vec<i64> = range.map(|i| (i * i % 4) as i64).collect();
    let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [rows]), device);
    let model = Model::new(&module, Mlp::forward)?.recorded();
    Cost::new(model, CrossEntropy, x, classes)?.with_batch_size(8)
}

/// In as many parts as devices.
fn parts(of: &Mlp, devices: &[Device], dtype: DType) -> Result<ShardedCost, CurvatureError> {
    ShardedCost::over(N, devices, |range, device| cost(of, range, device, dtype))
}

fn vector(like: &Cost, seed: u64) -> Tensor<1> {
    let model = like.model();
    let values = TensorData::new(numbers(model.dim(), seed), [model.dim()]);
    Tensor::from_data(values, (model.device(), model.dtype()))
}

#[test]
fn parts_on_two_backends_solve_as_one_does() -> Outcome {
    let net = trained();
    let whole = cost(&net, 0..N, &Device::flex(), DType::F64)?;
    let devices = [Device::flex(), ndarray(), ndarray(), Device::flex()];
    let parts = parts(&net, &devices, DType::F64)?;
    let (one, several) = (
        whole.gauss_newton().damped(0.01),
        parts.operator(|it| it.gauss_newton().damped(0.01))?,
    );
    let b = whole.select(&[3])?.gradient()?;
    let lissa = LissaConfig {
        depth: 60,
        batch_size: 8,
        tolerance: 1e3,
        ..LissaConfig::default()
    };
    let solvers: [Box<dyn Solver>; 2] = [
        Box::new(ConjugateGradientConfig::default().init()?),
        Box::new(lissa.init()?),
    ];
    for solver in solvers {
        let expected = solver.solve(&one, b.clone())?;
        let found = solver.solve(&several, b.clone())?;
        let again = solver.solve(&several, b.clone())?;
        let found = found.vector;
        assert_eq!(host(found.clone()), host(again.vector));
        // Conjugate gradients end at a residual of 1e-10.
        let off = relative_error(&host(found.clone()), &host(expected.vector.clone()));
        assert!(off < 1e-7, "{off}");
        let (found, expected) = (scores(&parts, found)?, scores(&whole, expected.vector)?);
        let off = relative_error(&host(found), &host(expected));
        assert!(off < 1e-7, "{off}");
    }
    let factors = Default::default();
    let [found, expected] = [
        parts.kronecker_factored(&factors)?,
        whole.kronecker_factored(&factors)?,
    ];
    let b = b.unsqueeze();
    let [found, expected] = [found, expected].map(|it| host(it.solve(&b, 0.01)));
    let off = relative_error(&found, &expected);
    assert!(off < 1e-9, "{off}");
    Ok(())
}

/// A copy is what is made there in the first place, and a copy back the original.
#[test]
fn a_cost_goes_to_another_device() -> Outcome {
    let net = trained();
    let [flex, other] = [Device::flex(), ndarray()];
    let here = cost(&net, 0..N, &flex, DType::F32)?;
    let there = here.to_device(&other)?;
    assert_eq!(*there.model().device(), other);
    let of = |cost: &Cost| -> Result<[Vec<f64>; 3], CurvatureError> {
        let v = vector(cost, 9);
        let product = cost.gauss_newton().apply(v.clone())?;
        Ok([
            product,
            scores(cost, v)?,
            cost.select(&[3, 40])?.gradient()?,
        ]
        .map(host))
    };
    assert_eq!(of(&there)?, of(&cost(&net, 0..N, &other, DType::F32)?)?);
    assert_eq!(of(&there.to_device(&flex)?)?, of(&here)?);
    // Of examples that are read anew, batch by batch.
    let classes = here.targets()?.remove(0).into_tensor::<1, Int>();
    let inputs = here
        .inputs()?
        .remove(0)
        .into_tensor::<2, burn::tensor::Float>();
    let pass = move || {
        (0..N).step_by(10).map({
            let (inputs, classes) = (inputs.clone(), classes.clone());
            move |start| {
                let rows = start..start + 10;
                let batch = (
                    inputs.clone().slice(rows.clone()),
                    classes.clone().slice(rows),
                );
                Ok::<_, CurvatureError>(batch)
            }
        })
    };
    let streamed = Cost::streamed(here.model().clone(), CrossEntropy, N, pass)?;
    let streamed = streamed.to_device(&other)?;
    let (found, expected) = (host(streamed.gradient()?), host(there.gradient()?));
    let off = relative_error(&found, &expected);
    assert!(off < 1e-5, "{off}");
    Ok(())
}

/// Bits do not depend on how many devices of a kind there are, nor on which was done first.
#[test]
fn two_devices_give_the_bits_of_one() -> Outcome {
    let Some(graphics) = wgpu_alone() else {
        return Ok(());
    };
    let [a, b] = [&graphics.all()[0], &graphics.all()[1]].map(Clone::clone);
    let net = trained();
    let on = |devices: [&Device; 3]| -> Result<[Vec<f64>; 3], CurvatureError> {
        let parts = parts(&net, &devices.map(Clone::clone), DType::F32)?;
        let v = vector(parts.first(), 9);
        let matrix = parts.gauss_newton()?;
        // The second is of what the first has recorded and kept.
        let _ = matrix.apply(v.clone())?;
        let product = matrix.apply(v.clone())?;
        let gradient = parts.gradient()?;
        Ok([product, gradient, scores(&parts, v)?].map(host))
    };
    let one = on([&a, &a, &a])?;
    assert_eq!(on([&a, &b, &a])?, one);
    assert_eq!(on([&b, &a, &a])?, one);
    // With the processor among them the numbers are another device's.
    let flex = Device::flex();
    let exact = on([&flex, &flex, &flex])?;
    for mixed in [on([&a, &flex, &b])?, one] {
        for (found, expected) in mixed.iter().zip(&exact) {
            let off = relative_error(found, expected);
            assert!(off < 1e-5, "{off}");
        }
    }
    Ok(())
}

/// An operator that fails as devices do.
struct Fails {
    device: Device,
    fails: bool,
    done: Mutex<usize>,
}

impl LinearOperator for Fails {
    fn dim(&self) -> usize {
        2
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn dtype(&self) -> DType {
        DType::F32
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        assert!(!self.fails, "the device was lost");
        *self.done.lock().unwrap() += 1;
        Ok(v * 3.0)
    }
}

impl BatchOperator for Fails {
    fn examples(&self) -> usize {
        1
    }

    fn apply_batch(&self, _: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply(v)
    }
}

/// A failure on another thread is one on this, and the threads go on.
#[test]
fn a_device_that_fails_does_so_where_it_was_asked() -> Outcome {
    let part = |device, fails| Fails {
        device,
        fails,
        done: Mutex::new(0),
    };
    let v = || Tensor::<1>::from_floats([1.0, 2.0], &Device::flex());
    let sound = Sharded::new(vec![part(Device::flex(), false), part(ndarray(), false)])?;
    assert_eq!(host(sound.apply(v())?), [3.0, 6.0]);
    for places in [[Device::flex(), ndarray()], [ndarray(), Device::flex()]] {
        let [first, second] = places;
        let v = Tensor::<1>::from_floats([1.0, 2.0], &first);
        let matrix = Sharded::new(vec![part(first, false), part(second, true)])?;
        for _ in 0..2 {
            let failed = std::panic::catch_unwind(AssertUnwindSafe(|| matrix.apply(v.clone())));
            let said = failed.err().ok_or("it did not fail")?;
            let said = said.downcast_ref::<&str>().copied();
            assert_eq!(said, Some("the device was lost"));
        }
    }
    Ok(())
}
