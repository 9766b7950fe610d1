//! Everything from one sample on one device.

use std::cell::OnceCell;

use backdraft_curvature::{Cost, CurvatureError, Half, LinearOperator, Model};
use backdraft_influence::{
    ConjugateGradientConfig, LissaConfig, ResponseError, Solution, SolveError, Solver,
    response::{Descent, Removal, ResponseKind, Responses, Step},
    scores,
};
use backdraft_models::{Zoo, to_dtype};
use burn::tensor::{DType, Device, Tensor, TensorReadError};

use super::{Quantity, Sample, sample::BATCH};

/// The damping of all that is solved, and the strength of the proximal term.
const DAMPING: f64 = 0.1;
/// What is taken off the weight of each of the removed examples, in parts of it.
const REMOVED: f64 = 0.1;
/// LiSSA's steps, and those of the response.
const LISSA_STEPS: usize = 100;
const PBRF_STEPS: usize = 20;
/// How far the parameters are from the initial ones: with biases of zero, rectifiers stand at their kinks.
const OFF: f64 = 0.05;

/// Why a device could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComparisonError {
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// A system could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The response could not be computed.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
    /// NaN or infinity.
    #[error("{quantity} of {model} is not finite on {device}")]
    NotFinite {
        /// What was computed.
        quantity: Quantity,
        /// The model's name.
        model: &'static str,
        /// The device.
        device: String,
    },
}

/// What was computed on one device.
#[derive(Clone, Debug)]
pub struct QuantityValues(Vec<(Quantity, Vec<f64>)>);

impl QuantityValues {
    /// The elements of `quantity`, if it was computed.
    pub fn get(&self, quantity: Quantity) -> Option<&[f64]> {
        let found = self.0.iter().find(|(it, _)| *it == quantity);
        found.map(|(_, values)| values.as_slice())
    }

    /// The relative errors against `reference`, of what was computed on both.
    pub fn compare(&self, reference: &Self) -> Vec<(Quantity, f64)> {
        let errors = self.0.iter().filter_map(|(quantity, values)| {
            let expected = reference.get(*quantity)?;
            Some((*quantity, apart(values, expected)))
        });
        errors.collect()
    }
}

/// `||a - b|| / ||b||`.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    match norm(&mut b.iter().copied()) {
        0.0 => difference,
        length => difference / length,
    }
}

/// Computes `quantities` of `sample` on `device` in 32 bits, with matrix products in `products` where that is given.
/// Runs are recorded where the device can, so no other thread may compute on it meanwhile.
///
/// # Errors
/// [`ComparisonError`]; what is not finite is one too.
pub fn measure(
    sample: &Sample,
    device: &Device,
    products: Option<Half>,
    quantities: &[Quantity],
) -> Result<QuantityValues, ComparisonError> {
    let module = to_dtype(sample.config.init(device), DType::F32);
    let mut model = Model::new(&module, Zoo::forward)?.recorded();
    if let Some(half) = products {
        model = model.with_products(half);
    }
    let numbers = |stream| -> Tensor<1> {
        let numbers = sample.numbers(model.dim(), stream);
        Tensor::from_data(numbers.as_slice(), (device, DType::F32))
    };
    let (off, v) = (numbers(1) * OFF, numbers(2));
    let model = model.at(model.theta() + off)?;
    let inputs = sample.train.inputs((device, DType::F32));
    let loss = sample.objective.loss(&sample.train);
    let targets = sample
        .objective
        .targets(&sample.train, (device, DType::F32));
    // What is not finite is told of all quantities alike, below.
    let cost = Cost::of_any(model, loss, inputs, targets)?.with_batch_size(BATCH)?;
    let cost = cost.unchecked();

    let subject = ComparedModel {
        cost,
        v,
        products,
        seed: sample.seed,
        solution: OnceCell::new(),
        lissa: OnceCell::new(),
    };
    let values = |&quantity: &Quantity| -> Result<(Quantity, Vec<f64>), ComparisonError> {
        let values = subject.compute(quantity)?;
        if values.iter().all(|value| value.is_finite()) {
            return Ok((quantity, values));
        }
        Err(ComparisonError::NotFinite {
            quantity,
            model: sample.model().name(),
            device: format!("{device:?}"),
        })
    };
    quantities
        .iter()
        .map(values)
        .collect::<Result<_, _>>()
        .map(QuantityValues)
}

/// What quantities are computed of.
struct ComparedModel {
    cost: Cost,
    v: Tensor<1>,
    products: Option<Half>,
    seed: u64,
    /// What several quantities need.
    solution: OnceCell<Tensor<1>>,
    lissa: OnceCell<Solution>,
}

impl ComparedModel {
    fn compute(&self, quantity: Quantity) -> Result<Vec<f64>, ComparisonError> {
        let Self { cost, v, .. } = self;
        let v = || v.clone();
        let vector = match quantity {
            Quantity::Outputs => return Ok(cost.outputs()?.try_into_vec_as()?),
            Quantity::Jvp => return Ok(cost.outputs_along(v())?.1.try_into_vec_as()?),
            Quantity::Losses => {
                let (value, _) = cost.value_and_gradient()?;
                Tensor::cat(vec![cost.losses()?, value], 0)
            }
            Quantity::Gradient => cost.gradient()?,
            Quantity::GaussNewton => cost.gauss_newton().product(v())?,
            Quantity::Hessian => cost.hessian().product(v())?,
            Quantity::Solution => self.solution()?.clone(),
            Quantity::Scores => scores(cost, self.solution()?.clone())?,
            Quantity::Lissa => self.lissa()?.vector.clone(),
            Quantity::Pbrf => {
                // The scale is twice the largest eigenvalue, so this is a fortieth of what that allows: networks are
                // far from quadratic before they are trained.
                let rate = 0.1 / self.lissa()?.info.scale.unwrap_or(1.0);
                response(cost, rate)?
            }
        };
        Ok(vector.try_into_vec_as()?)
    }

    /// The gradient of the query.
    fn query(&self) -> Result<Tensor<1>, ComparisonError> {
        Ok(self.cost.select(&chosen())?.gradient()?)
    }

    fn solution(&self) -> Result<&Tensor<1>, ComparisonError> {
        if let Some(found) = self.solution.get() {
            return Ok(found);
        }
        let solver = ConjugateGradientConfig {
            // Products in 16 bits allow no more.
            tolerance: self.products.map(|_| 1e-2),
            ..Default::default()
        };
        let curvature = self.cost.gauss_newton().damped(DAMPING);
        let found = solver.init()?.solve(&curvature, self.query()?)?;
        Ok(self.solution.get_or_init(|| found.vector))
    }

    fn lissa(&self) -> Result<&Solution, ComparisonError> {
        if let Some(found) = self.lissa.get() {
            return Ok(found);
        }
        let solver = LissaConfig {
            depth: LISSA_STEPS,
            repeats: 1,
            batch_size: BATCH,
            seed: self.seed,
            tolerance: f64::INFINITY,
            ..Default::default()
        };
        let curvature = self.cost.gauss_newton().damped(DAMPING);
        let found = solver.init()?.solve(&curvature, self.query()?)?;
        Ok(self.lissa.get_or_init(|| found))
    }
}

/// The examples that are the query, and are removed in part.
fn chosen() -> Vec<usize> {
    (0..BATCH).collect()
}

/// The change of the parameters that steps of size `rate` over all examples answer the removal with.
fn response(cost: &Cost, rate: f64) -> Result<Tensor<1>, ComparisonError> {
    let responses = Responses::new(cost, DAMPING)?;
    let removal = Removal::downweight(chosen(), REMOVED / cost.len() as f64);
    let objective = responses.objective(ResponseKind::Bregman, removal)?;
    let step = Step {
        rate,
        examples: (0..cost.len()).collect(),
    };
    let steps = std::iter::repeat_n(step, PBRF_STEPS);
    let start = responses.theta().clone();
    let end = objective.descend(start.clone(), Descent::Sgd { momentum: 0.0 }, steps, |_| {})?;
    Ok(end.theta - start)
}
