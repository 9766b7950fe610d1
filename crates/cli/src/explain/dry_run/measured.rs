//! What the device does with one batch.

use std::time::Instant;

use backdraft_curvature::{Cost, Curvature, CurvatureError, LinearOperator};
use backdraft_influence::scores_many;
use backdraft_models::to_dtype;
use burn::{
    module::Module,
    tensor::{Tensor, TensorData},
};

use crate::{
    CliError,
    args::{Explain, Precision},
    bench::usage::{peak_memory, restart_peak_memory},
    inputs::Inputs,
};

/// Products of the power iteration.
const POWERS: usize = 10;

/// A batch of training examples.
pub(super) struct Batch {
    cost: Cost,
    curvature: Curvature,
}

/// Seconds that the batch took, each the second time, when all is traced and compiled.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchTimes {
    pub gradient: f64,
    /// A product with as many vectors as are solved for at once.
    pub products: f64,
    /// The scores of its examples by as many solutions.
    pub scores: f64,
    /// Bytes that the process held before, and most that it held meanwhile, where the system tells.
    pub memory: Option<[usize; 2]>,
}

impl Batch {
    /// The first training examples, as many as go through the network at once, at the weights that were given or the
    /// initial ones: how long they take does not depend on these.
    pub fn new(args: &Explain, inputs: &Inputs, pass: usize) -> Result<Self, CliError> {
        let device = &inputs.opened.device;
        let module = match &inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => inputs.network.init(device),
        };
        let module = match args.precision() {
            Precision::F32 => module,
            Precision::F64 => to_dtype(module.valid(), args.precision().dtype()),
        };
        let mut model = inputs.model(&module)?.recorded();
        if let Some(half) = args.products.half() {
            model = model.with_products(half);
        }
        let train = &inputs.dataset.train;
        let first: Vec<usize> = (0..pass.min(train.rows)).collect();
        let (examples, place) = (train.select(&first), (device, args.precision().dtype()));
        let objective = inputs.dataset.objective();
        let targets = objective.targets(&examples, place);
        let loss = objective.loss(&examples);
        let cost = Cost::of_any(model, loss, examples.inputs(place), targets)?;
        let cost = cost.with_batch_size(pass)?;
        let curvature = cost.gauss_newton();
        Ok(Self { cost, curvature })
    }

    pub fn examples(&self) -> usize {
        self.cost.len()
    }

    pub fn parameters(&self) -> usize {
        self.cost.model().dim()
    }

    /// Bytes of a number.
    pub fn number(&self) -> usize {
        self.cost.model().dtype().size()
    }

    pub fn outputs(&self) -> Option<usize> {
        let root = self.curvature.example_root()?;
        root.rows_per_example().ok()
    }

    pub fn dtype(&self) -> burn::tensor::DType {
        self.cost.model().dtype()
    }

    pub fn times(&self, at_once: usize) -> Result<BatchTimes, CliError> {
        let restarted = restart_peak_memory();
        let before = peak_memory();
        let vectors = self.vectors(at_once);
        let gradient = self.second(|| self.cost.gradient())?;
        let products = self.second(|| self.curvature.products(vectors.clone()))?;
        let scores = self.second(|| scores_many(&self.cost, vectors.clone()))?;
        let memory = before.zip(peak_memory()).filter(|_| restarted);
        Ok(BatchTimes {
            gradient,
            products,
            scores,
            memory: memory.map(|(before, peak)| [before, peak].map(|mib| (mib as usize + 1) << 20)),
        })
    }

    /// The largest eigenvalue of the batch's matrix, from below, by power iteration.
    pub fn largest_eigenvalue(&self) -> Result<f64, CliError> {
        let mut vector = self.vectors(1);
        let mut largest = 0.0;
        for _ in 0..POWERS {
            let product = self.curvature.products(vector)?;
            let square = product.clone().square().sum().into_data();
            largest = square.iter::<f64>().sum::<f64>().sqrt();
            if !(largest.is_finite() && largest > 0.0) {
                break;
            }
            vector = product / largest;
        }
        Ok(largest)
    }

    /// Vectors of length one, in which nothing repeats.
    fn vectors(&self, count: usize) -> Tensor<2> {
        let dim = self.parameters();
        let length = (dim as f64 / 2.0).sqrt();
        let number = |at: usize| ((1 + at % 1_000_003) as f64 * 1.618_034).sin() / length;
        let values: Vec<f32> = (0..count * dim).map(|at| number(at) as f32).collect();
        let place = (self.cost.model().device(), self.dtype());
        Tensor::from_data(TensorData::new(values, [count, dim]), place)
    }

    /// The seconds of the second of two runs, each waited for.
    fn second<const D: usize>(
        &self,
        run: impl Fn() -> Result<Tensor<D>, CurvatureError>,
    ) -> Result<f64, CliError> {
        let device = self.cost.model().device();
        let finished = || {
            let synced = device.sync();
            synced.map_err(|error| CliError::Execution(error.to_string()))
        };
        let mut seconds = 0.0;
        for _ in 0..2 {
            let start = Instant::now();
            let result = run()?;
            finished()?;
            seconds = start.elapsed().as_secs_f64();
            drop(result);
        }
        Ok(seconds)
    }
}
