//! A graphics device whose memory does not suffice.

use backdraft::curvature::{
    BatchOperator, Cost, CurvatureError, LinearOperator, Model, SquaredError,
};
use backdraft::influence::{
    ConjugateGradientConfig, LissaConfig, ResponseError, Scale, SolveError, Solver,
    response::{Descent, Removal, ResponseKind, Responses, Step, Stop},
};
use backdraft_test_support::wgpu_alone;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor};

/// The identity, by way of 16 TiB that no device has.
struct Greedy(Device);

const ROWS: usize = 1 << 21;

impl LinearOperator for Greedy {
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn dim(&self) -> usize {
        4
    }

    fn device(&self) -> Device {
        self.0.clone()
    }

    fn dtype(&self) -> DType {
        DType::F32
    }

    fn batch_size(&self) -> Option<usize> {
        Some(250)
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let zeros = Tensor::<2>::zeros([ROWS, ROWS], &self.0);
        Ok(v + zeros.sum())
    }
}

impl BatchOperator for Greedy {
    fn examples(&self) -> usize {
        1000
    }

    fn apply_batch(&self, _: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply(v)
    }
}

/// A layer whose outputs have a sum of 16 TiB in them.
fn greedy(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    let all = Tensor::<2>::zeros([ROWS, ROWS], &x.device());
    layer.forward(x) + all.sum().reshape([1, 1])
}

/// An error that names the batches to try, and the device goes on.
#[test]
fn memory_that_does_not_suffice_is_an_error() {
    let Some(device) = wgpu_alone() else { return };
    let rhs = || Tensor::<1>::from_floats([1.0, 2.0, 3.0, 4.0], &device);
    let lissa = LissaConfig {
        scale: Scale::Fixed(2.0),
        ..Default::default()
    };
    let solvers: [Box<dyn Solver>; 2] = [
        Box::new(ConjugateGradientConfig::default().init().unwrap()),
        Box::new(lissa.init().unwrap()),
    ];
    for solver in solvers {
        let error = solver.solve(&Greedy(device.clone()), rhs()).unwrap_err();
        assert!(
            matches!(error, SolveError::OutOfMemory { batch: Some(250) }),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("batches of 250") && text.contains("try 125"),
            "{text}"
        );
        let sum: f64 = rhs().sum().into_scalar();
        assert_eq!(sum, 10.0);
    }
}

/// The same of response functions, however they are minimised.
#[test]
fn responses_say_so_too() {
    let Some(device) = wgpu_alone() else { return };
    let layer = LinearConfig::new(3, 1).init(&device);
    let model = Model::new(&layer, greedy).unwrap();
    let x = Tensor::<2>::ones([8, 3], &*device);
    let cost = Cost::new(model, SquaredError, x, Tensor::<2>::ones([8, 1], &*device)).unwrap();
    let responses = Responses::new(&cost.with_batch_size(6).unwrap(), 0.1).unwrap();
    let removal = || Removal::of(vec![0], 8);
    let steps = || {
        let examples = (0..8).collect();
        [Step {
            rate: 0.1,
            examples,
        }]
    };
    let sgd = Descent::Sgd { momentum: 0.0 };
    let stop = Stop {
        tolerance: 1e-4,
        decrease: 0.0,
        max_steps: 3,
    };
    let theta = || responses.theta().clone();
    let removing = responses.objective(ResponseKind::Proximal, removal());
    // Without removed examples nothing is looked at before it is computed.
    let objective = responses
        .objective(ResponseKind::Proximal, Removal::none())
        .unwrap();
    let errors = [
        removing.err().unwrap(),
        objective.value(&theta()).unwrap_err(),
        objective.value_and_gradient(&theta()).unwrap_err(),
        objective.minimize(theta(), stop).unwrap_err(),
        objective
            .descend(theta(), sgd, steps(), |_| {})
            .unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error, ResponseError::OutOfMemory { batch: 6 }),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("batches of 6") && text.contains("try 3"),
            "{text}"
        );
        let sum: f64 = theta().ones_like().sum().into_scalar();
        assert_eq!(sum, 4.0);
    }
}
