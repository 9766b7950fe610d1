//! A graphics device whose memory does not suffice.

use backdraft::curvature::{BatchOperator, CurvatureError, LinearOperator};
use backdraft::influence::{ConjugateGradientConfig, LissaConfig, Scale, SolveError, Solver};
use burn::tensor::{DType, Device, DeviceType, Tensor};

/// The identity, by way of 16 TiB that no device has.
struct Greedy(Device);

const ROWS: usize = 1 << 21;

impl LinearOperator for Greedy {
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

/// An error that names the batches to try, and the device goes on.
#[test]
fn memory_that_does_not_suffice_is_an_error() {
    let Some(device) = Device::enumerate(DeviceType::Wgpu).into_iter().next() else {
        println!("skipped: no wgpu adapter on this machine");
        return;
    };
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
