//! Nothing between two looks at convergence waits for the device. Solvers' steps are recorded on a device that only
//! records: a value read back there is an error.

use backdraft_curvature::{BatchOperator, CurvatureError, LinearOperator};
use backdraft_optimize::norm;
use backdraft_program::{Program, ProgramError, Spec};
use burn::tensor::{DType, Device, Tensor};

use super::SolveError;
use super::conjugate_gradient::Iterate;
use super::lissa::{LissaConfig, Ready};

const DIM: usize = 4;

/// A matrix.
struct MatrixOperator(Tensor<2>);

impl LinearOperator for MatrixOperator {
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn dim(&self) -> usize {
        DIM
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.0.clone().matmul(v.reshape([DIM, 1])).reshape([DIM]))
    }
}

impl BatchOperator for MatrixOperator {
    fn examples(&self) -> usize {
        100
    }

    fn apply_batch(&self, _: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply(v)
    }
}

/// How many products `solve` records, given a matrix and a right-hand side.
fn products(
    solve: impl FnOnce(&MatrixOperator, Tensor<1>) -> Result<Tensor<1>, SolveError>,
) -> Result<usize, ProgramError> {
    let specs = [vec![DIM, DIM], vec![DIM]].map(|shape| Spec::new(shape, DType::F32));
    let program = Program::trace(&Device::flex().settings(), &specs, |inputs| {
        let matrix = MatrixOperator(Tensor::from_dispatch(inputs[0].clone()));
        let rhs = Tensor::from_dispatch(inputs[1].clone());
        let solution =
            solve(&matrix, rhs).map_err(|error| ProgramError::Trace(error.to_string()))?;
        Ok(vec![solution.into_dispatch()])
    })?;
    Ok(program.operations().filter(|it| it == "Matmul").count())
}

#[test]
fn iterations_of_conjugate_gradients_wait_for_nothing() -> Result<(), ProgramError> {
    let made = products(|matrix, rhs| {
        let mut iterate = Iterate::new(rhs.zeros_like(), rhs);
        for _ in 0..5 {
            (iterate, _) = iterate.advance(matrix)?;
        }
        Ok(iterate.s)
    })?;
    assert_eq!(made, 5);
    Ok(())
}

#[test]
fn steps_of_lissa_wait_for_nothing() -> Result<(), ProgramError> {
    let made = products(|operator, rhs| {
        let config = LissaConfig::default();
        let ready = Ready {
            config: &config,
            operator: Box::new(operator),
            scale: 2.0,
            probe_products: 0.0,
        };
        let rhs = rhs.unsqueeze_dim(0);
        let mut h = rhs.clone();
        for _ in 0..5 {
            h = ready.step(&rhs, h, &[0, 3])?;
        }
        Ok(h.squeeze_dim(0))
    })?;
    assert_eq!(made, 5);
    Ok(())
}

/// The recording notices: a norm is a number of the host.
#[test]
fn a_norm_is_waited_for() {
    let outcome = products(|_, rhs| {
        let norm = norm(&rhs)?;
        Ok(rhs / norm)
    });
    let error = outcome.map_err(|error| error.to_string());
    assert!(
        matches!(&error, Err(text) if text.contains("reads the values") || text.contains("read back")),
        "{error:?}"
    );
}
