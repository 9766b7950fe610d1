//! `backdraft bench products`: how long derivatives of one batch take.

mod args;
mod estimators;
mod floor;
mod measure;
mod size;
mod solves;
pub(crate) mod usage;

use std::sync::Arc;

use backdraft_curvature::{
    AnyLoss, BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Examples, IntoRows,
    LinearOperator, Model, TokenCrossEntropy,
};
use backdraft_models::{
    Autoencoder, AutoencoderConfig, LeNet, LeNetConfig, Mlp, MlpConfig, ResNet20, ResNet20Config,
    Transformer, TransformerConfig,
};
use burn::tensor::{Device, Distribution, Int, Tensor};
use serde_json::{Value, json};

pub(super) use self::args::Products;
pub(super) use self::estimators::{Estimators, estimators};
pub(super) use self::size::{Size, size};
pub(super) use self::solves::{Solves, solves};
use self::{
    args::{QuantityName, WorkloadName},
    floor::floor,
    measure::{Limits, ProductTimes, measure},
};
use super::{
    CliError,
    mixed_precision::{ProductsIn, relative_error},
    progress::say,
};

/// Runs `backdraft bench products`.
pub(super) fn products(args: &Products) -> Result<(), CliError> {
    start_threads(args.threads.get())?;
    let opened = args.compute.device.open()?;
    let device = &opened.device;
    let limits = Limits {
        runs: args.min_runs.max(1),
        seconds: args.max_seconds,
    };
    if !args.json {
        say(format_args!(
            "device {}, {} threads, seed {}",
            opened.name, args.threads, args.compute.seed
        ));
        say(
            "workload     quantity        median      least  runs  to grad  to floor  others  peak MiB",
        );
    }
    for &workload in &args.workloads {
        device.seed(args.compute.seed);
        let bench = Bench {
            args,
            workload,
            limits,
            device,
            name: opened.name,
        };
        bench.workload()?;
    }
    Ok(())
}

/// The threads of rayon's pool, which flex, its matrix products and programs share. To be called before anything
/// computes.
fn start_threads(threads: usize) -> Result<(), CliError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| CliError::Option {
            option: "--threads",
            problem: format!("cannot be {threads} here: {error}"),
        })
}

/// One workload.
struct Bench<'a> {
    args: &'a Products,
    workload: WorkloadName,
    limits: Limits,
    name: &'static str,
    device: &'a Device,
}

impl Bench<'_> {
    fn workload(&self) -> Result<(), CliError> {
        let (device, seed) = (self.device, self.args.compute.seed);
        match self.workload {
            WorkloadName::Mlp => {
                let config = MlpConfig::new(784, 10).with_hidden(vec![1024, 1024]);
                let module = config.with_seed(seed).init(device);
                let model = Model::new(&module, Mlp::forward)?;
                let x = pixels([128, 784], device);
                self.run(model, CrossEntropy, x, classes(128, device))
            }
            WorkloadName::Lenet => {
                let module = LeNetConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, LeNet::forward)?;
                let x = pixels([128, 1, 28, 28], device);
                self.run(model, CrossEntropy, x, classes(128, device))
            }
            WorkloadName::Autoencoder => {
                let module = AutoencoderConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, Autoencoder::forward)?;
                let x = pixels([1024, 784], device);
                self.run(model, BinaryCrossEntropy, x.clone(), x)
            }
            WorkloadName::Transformer => {
                let module = TransformerConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, Transformer::forward)?;
                let words = || {
                    let distribution = Distribution::Uniform(0.0, 10_000.0);
                    Tensor::<2, Int>::random([20, 35], distribution, device)
                };
                let (x, next) = (words(), words());
                self.run(model, TokenCrossEntropy::default(), x, next)
            }
            WorkloadName::Resnet20 => {
                let module = ResNet20Config::new().with_seed(seed).init(device);
                let model = Model::new(&module, ResNet20::forward)?;
                let x = pixels([128, 3, 32, 32], device);
                self.run(model, CrossEntropy, x, classes(128, device))
            }
        }
    }

    fn run(
        &self,
        model: Model,
        loss: impl AnyLoss + 'static,
        x: impl Examples,
        targets: impl Examples,
    ) -> Result<(), CliError> {
        let model = match self.args.eager {
            true => model,
            false => model.recorded(),
        };
        // As in a solver's loop, where nobody looks at the numbers of each product.
        let loss: Arc<dyn AnyLoss> = Arc::new(loss);
        let (x, targets) = (x.rows(), targets.rows());
        let exact =
            Cost::of_any(model.clone(), loss.clone(), x.clone(), targets.clone())?.unchecked();
        let cost = match self.args.products.half() {
            Some(half) => Cost::of_any(model.with_products(half), loss, x, targets)?.unchecked(),
            None => exact.clone(),
        };
        let dim = cost.model().dim();
        let v = Tensor::<1>::random([dim], Distribution::Normal(0.0, 1.0), self.device);
        // First of all, whatever the order, for the others are compared with it.
        let quantities = &self.args.quantities;
        let grad = match quantities.contains(&QuantityName::Grad) {
            true => Some(self.measure(&cost, QuantityName::Grad, &v)?),
            false => None,
        };
        for &quantity in quantities {
            let measured = match (quantity, grad) {
                (QuantityName::Grad, Some(grad)) => grad,
                _ => self.measure(&cost, quantity, &v)?,
            };
            let floor = floor(&cost, quantity, self.limits, self.device)?;
            let to_grad = grad.map(|grad| measured.median / grad.median);
            let error = match self.args.products {
                ProductsIn::F32 => None,
                ProductsIn::F16 | ProductsIn::Bf16 => {
                    let values = [&cost, &exact].map(|cost| once(cost, quantity, &v)());
                    let [found, expected] = values;
                    Some(relative_error(found?, expected?))
                }
            };
            self.report(&cost, quantity, &measured, to_grad, floor, error);
        }
        Ok(())
    }

    fn measure(
        &self,
        cost: &Cost,
        quantity: QuantityName,
        v: &Tensor<1>,
    ) -> Result<ProductTimes, CliError> {
        measure(self.limits, self.device, &*once(cost, quantity, v))
    }

    fn report(
        &self,
        cost: &Cost,
        quantity: QuantityName,
        measured: &ProductTimes,
        to_grad: Option<f64>,
        floor: f64,
        error: Option<f64>,
    ) {
        let per_second = cost.len() as f64 / measured.median;
        let to_floor = measured.median / floor;
        if !self.args.json {
            let to_grad = known(to_grad.map(|ratio| format!("{ratio:.2}")));
            let others = known(measured.others.map(|others| format!("{others:.0}%")));
            let peak = known(measured.peak);
            let mut more = error.map_or_else(String::new, |error| format!("  error {error:.1e}"));
            if quantity == QuantityName::Scores {
                more += &format!("  {per_second:.0} examples/s");
            }
            say(format_args!(
                "{:12} {:12} {:7.2} ms {:7.2} ms {:5}  {to_grad:>7}  {to_floor:8.2}  {others:>6}  {peak:>8}{more}",
                self.workload.name(),
                quantity.name(),
                1e3 * measured.median,
                1e3 * measured.least,
                measured.runs
            ));
            return;
        }
        let mut line = json!({
            "peer": "backdraft",
            "workload": self.workload.name(),
            "quantity": quantity.name(),
            "batch": cost.len(),
            "params": cost.model().dim(),
            "median_ms": 1e3 * measured.median,
            "min_ms": 1e3 * measured.least,
            "n": measured.runs,
            "others_cpu_pct": measured.others.map(|others| (10.0 * others).round() / 10.0),
            "device": self.name,
            "threads": self.args.threads,
            "products": self.args.products.name(),
            "recorded": !self.args.eager,
            "error": error,
            "version": concat!("backdraft ", env!("CARGO_PKG_VERSION")),
            "to_grad": to_grad,
            "floor_ms": 1e3 * floor,
            "to_floor": to_floor,
            "peak_mib": measured.peak,
        });
        if quantity == QuantityName::Scores {
            line["examples_per_s"] = Value::from(per_second);
        }
        say(line);
    }
}

/// What computes `quantity` as often as it is called, as one vector.
fn once<'a>(
    cost: &'a Cost,
    quantity: QuantityName,
    v: &'a Tensor<1>,
) -> Box<dyn Fn() -> Result<Tensor<1>, CurvatureError> + 'a> {
    let product =
        |operator: Box<dyn LinearOperator + 'a>| Box::new(move || operator.product(v.clone()));
    match quantity {
        QuantityName::Grad => Box::new(|| cost.gradient()),
        QuantityName::Jvp => Box::new(|| {
            let (_, along) = cost.outputs_along(v.clone())?;
            let count = along.shape().num_elements();
            Ok(along.reshape([count]))
        }),
        QuantityName::Scores => Box::new(|| cost.directional_derivatives(v.clone())),
        QuantityName::Gnvp => product(Box::new(cost.gauss_newton().with_memory(0))),
        QuantityName::GnvpLinear => product(Box::new(cost.gauss_newton())),
        QuantityName::Hvp => product(Box::new(cost.hessian().with_memory(0))),
        QuantityName::HvpLinear => product(Box::new(cost.hessian())),
        QuantityName::Gnvp16 | QuantityName::Gnvp64 => {
            many(Box::new(cost.gauss_newton()), quantity, v)
        }
        QuantityName::Hvp16 => many(Box::new(cost.hessian()), quantity, v),
    }
}

/// Products with several vectors at once, as one vector.
fn many<'a>(
    operator: Box<dyn LinearOperator + 'a>,
    quantity: QuantityName,
    v: &Tensor<1>,
) -> Box<dyn Fn() -> Result<Tensor<1>, CurvatureError> + 'a> {
    let shape = [quantity.vectors(), operator.dim()];
    let options = (&v.device(), v.dtype());
    let vectors = Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), options);
    let count = vectors.shape().num_elements();
    Box::new(move || Ok(operator.products(vectors.clone())?.reshape([count])))
}

/// What is known, or a dash.
fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn pixels<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(0.0, 1.0), device)
}

fn classes(examples: i64, device: &Device) -> Tensor<1, Int> {
    let classes: Vec<i64> = (0..examples).map(|i| i % 10).collect();
    Tensor::from_ints(classes.as_slice(), device)
}
