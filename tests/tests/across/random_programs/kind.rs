//! Kinds of random programs.

use std::{
    cell::Cell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_test_support::host;
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::{
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use super::{
    choices::Choices,
    pictures, sequences,
    steps::{Step, steps},
};

const STEPS: usize = 16;
const OUTPUTS: usize = 8;
/// Elements of a tensor, at most: larger ones are cut.
const LARGEST: usize = 2000;

/// The numbers that one step of a program is chosen by.
type Numbers = [u16; 8];

/// Programs of tensors with `D` dimensions.
pub(crate) struct Kind<const D: usize> {
    /// Shapes of the arguments.
    shapes: [[usize; D]; 6],
    steps: Vec<Step<D>>,
}

pub(crate) fn matrices() -> Kind<2> {
    let shapes = [[6, 8], [6, 1], [1, 8], [6, 3], [8, 3], [6, 8]];
    Kind::new(shapes, &[])
}

pub(crate) fn sequences() -> Kind<3> {
    let shapes = [
        [2, 6, 4],
        [2, 1, 4],
        [4, 6, 3],
        [2, 6, 1],
        [1, 4, 6],
        [2, 6, 4],
    ];
    Kind::new(shapes, &sequences::STEPS)
}

pub(crate) fn pictures() -> Kind<4> {
    let shapes = [
        [2, 3, 6, 4],
        [2, 1, 6, 4],
        [4, 3, 3, 3],
        [1, 3, 1, 1],
        [3, 1, 2, 2],
        [1, 1, 6, 4],
    ];
    Kind::new(shapes, &pictures::STEPS)
}

impl<const D: usize> Kind<D> {
    fn new(shapes: [[usize; D]; 6], further: &[Step<D>]) -> Self {
        let mut steps = steps();
        steps.extend(further);
        Self { shapes, steps }
    }

    /// The last tensors that the steps make.
    fn made(&self, program: &[Numbers], arguments: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
        let mut there: Vec<Tensor<D>> = arguments.into_iter().map(Tensor::from_dispatch).collect();
        for numbers in program {
            let mut choices = Choices::of(numbers);
            let step = choices.of_slice(&self.steps);
            let next = step(&mut choices, &there);
            there.push(cut(next));
        }
        let arguments = self.shapes.len();
        let made = there.split_off(arguments.max(there.len().saturating_sub(OUTPUTS)));
        made.into_iter().map(Tensor::into_dispatch).collect()
    }

    /// Holds so many random programs, the same ones each time, to what `differences` says is wrong with them: nothing.
    pub(crate) fn check(
        &self,
        programs: u32,
        dtype: DType,
        differences: impl Fn(&Steps<D>) -> Result<String, ProgramError>,
    ) {
        let config = Config {
            cases: asked("PROGRAMS", programs),
            failure_persistence: None,
            max_shrink_iters: 256,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&asked("SEED", 0).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let programs = proptest::collection::vec(any::<Numbers>(), 1..=STEPS);
        // A device where something stopped gives nothing but errors from then on, which says nothing of smaller
        // programs.
        let stopped = Cell::new(false);
        let outcome = TestRunner::new_with_rng(config, rng).run(&programs, |steps| {
            if stopped.get() {
                return Ok(());
            }
            let steps = Steps {
                kind: self,
                steps: &steps,
                dtype,
            };
            let differences = match catch_unwind(AssertUnwindSafe(|| differences(&steps))) {
                Ok(differences) => differences?,
                Err(_) => {
                    stopped.set(true);
                    format!("stopped in\n{}", steps.program(&Device::flex())?)
                }
            };
            match differences.is_empty() {
                true => Ok(()),
                false => Err(TestCaseError::fail(differences)),
            }
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}

/// The steps of one program.
pub(crate) struct Steps<'a, const D: usize> {
    kind: &'a Kind<D>,
    steps: &'a [Numbers],
    dtype: DType,
}

impl<const D: usize> Steps<'_, D> {
    /// The program for a device.
    pub(crate) fn program(&self, device: &Device) -> Result<Program, ProgramError> {
        let specs = self.kind.shapes.map(|shape| Spec::new(shape, self.dtype));
        Program::trace(&device.settings(), &specs, |x| {
            Ok(self.kind.made(self.steps, x))
        })
    }
}

/// The beginning of what has too many elements.
fn cut<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let mut dims = x.dims();
    for i in 0..D {
        if dims.iter().product::<usize>() > LARGEST {
            dims[i] = dims[i].min(2);
        }
    }
    if dims == x.dims() {
        x
    } else {
        x.slice(dims.map(|len| 0..len))
    }
}

fn asked(name: &str, default: u32) -> u32 {
    let value = env::var(name).ok().and_then(|it| it.parse().ok());
    value.unwrap_or(default)
}

/// A tensor of two to five dimensions.
pub(crate) fn tensor(elements: &[f64], spec: &Spec, device: &Device) -> DispatchTensor {
    fn of<const D: usize>(data: TensorData, dtype: DType, device: &Device) -> DispatchTensor {
        Tensor::<D>::from_data(data, (device, dtype)).into_dispatch()
    }
    let data = TensorData::new(elements.to_vec(), spec.shape.clone());
    match spec.shape.rank() {
        2 => of::<2>(data, spec.dtype, device),
        3 => of::<3>(data, spec.dtype, device),
        4 => of::<4>(data, spec.dtype, device),
        _ => of::<5>(data, spec.dtype, device),
    }
}

/// The elements of such a tensor.
pub(crate) fn elements(tensor: DispatchTensor) -> Vec<f64> {
    match Spec::of(&tensor).shape.rank() {
        2 => host(Tensor::<2>::from_dispatch(tensor)),
        3 => host(Tensor::<3>::from_dispatch(tensor)),
        4 => host(Tensor::<4>::from_dispatch(tensor)),
        _ => host(Tensor::<5>::from_dispatch(tensor)),
    }
}
