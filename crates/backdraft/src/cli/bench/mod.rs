//! `backdraft bench products`: how long derivatives of one batch take.

mod args;
mod floor;
mod measure;
mod usage;

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, LinearOperator, Loss, Model,
    TokenCrossEntropy,
};
use backdraft_models::{
    Autoencoder, AutoencoderConfig, LeNet, LeNetConfig, Mlp, MlpConfig, ResNet20, ResNet20Config,
    Transformer, TransformerConfig,
};
use burn::tensor::{Device, Distribution, Int, Tensor};
use serde_json::{Value, json};

pub(super) use self::args::Products;
use self::{
    args::{QuantityName, WorkloadName},
    floor::floor,
    measure::{Limits, Measured, measure},
};
use super::{CliError, progress::say};

/// Runs `backdraft bench products`.
pub(super) fn products(args: &Products) -> Result<(), CliError> {
    start_threads(args.threads.get())?;
    let opened = args.device.open()?;
    let device = &opened.device;
    let limits = Limits {
        runs: args.min_runs.max(1),
        seconds: args.max_seconds,
    };
    if !args.json {
        say(format_args!(
            "device {}, {} threads, seed {}",
            opened.name, args.threads, args.seed
        ));
        say(
            "workload     quantity        median      least  runs  to grad  to floor  others  peak MiB",
        );
    }
    for &workload in &args.workloads {
        device.seed(args.seed);
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

/// The threads of rayon's pool, which flex, its matrix products and programs share. To be called before anything computes.
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
        let (device, seed) = (self.device, self.args.seed);
        match self.workload {
            WorkloadName::Mlp => {
                let config = MlpConfig::new(784, 10).with_hidden(vec![1024, 1024]);
                let module = config.with_seed(seed).init(device);
                let model = Model::new(&module, Mlp::forward)?;
                let x = pixels([128, 784], device);
                self.run(Cost::new(model, CrossEntropy, x, classes(128, device))?)
            }
            WorkloadName::Lenet => {
                let module = LeNetConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, LeNet::forward)?;
                let x = pixels([128, 1, 28, 28], device);
                self.run(Cost::new(model, CrossEntropy, x, classes(128, device))?)
            }
            WorkloadName::Autoencoder => {
                let module = AutoencoderConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, Autoencoder::forward)?;
                let x = pixels([1024, 784], device);
                self.run(Cost::new(model, BinaryCrossEntropy, x.clone(), x)?)
            }
            WorkloadName::Transformer => {
                let module = TransformerConfig::new().with_seed(seed).init(device);
                let model = Model::new(&module, Transformer::forward)?;
                let words = || {
                    let distribution = Distribution::Uniform(0.0, 10_000.0);
                    Tensor::<2, Int>::random([20, 35], distribution, device)
                };
                let (x, next) = (words(), words());
                self.run(Cost::new(model, TokenCrossEntropy::default(), x, next)?)
            }
            WorkloadName::Resnet20 => {
                let module = ResNet20Config::new().with_seed(seed).init(device);
                let model = Model::new(&module, ResNet20::forward)?;
                let x = pixels([128, 3, 32, 32], device);
                self.run(Cost::new(model, CrossEntropy, x, classes(128, device))?)
            }
        }
    }

    fn run<L: Loss>(&self, cost: Cost<L>) -> Result<(), CliError> {
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
            self.report(&cost, quantity, &measured, to_grad, floor);
        }
        Ok(())
    }

    fn measure<L: Loss>(
        &self,
        cost: &Cost<L>,
        quantity: QuantityName,
        v: &Tensor<1>,
    ) -> Result<Measured, CliError> {
        let v = || v.clone();
        let (limits, device) = (self.limits, self.device);
        let timed = |f: &dyn Fn() -> Result<(), CurvatureError>| measure(limits, device, f);
        match quantity {
            QuantityName::Grad => timed(&|| cost.gradient().map(drop)),
            QuantityName::Jvp => timed(&|| cost.outputs_along(v()).map(drop)),
            QuantityName::Scores => timed(&|| cost.directional_derivatives(v()).map(drop)),
            QuantityName::Gnvp => {
                let operator = cost.gauss_newton().with_memory(0);
                timed(&|| operator.apply(v()).map(drop))
            }
            QuantityName::GnvpLinear => {
                let operator = cost.gauss_newton();
                timed(&|| operator.apply(v()).map(drop))
            }
            QuantityName::Hvp => {
                let operator = cost.hessian().with_memory(0);
                timed(&|| operator.apply(v()).map(drop))
            }
            QuantityName::HvpLinear => {
                let operator = cost.hessian();
                timed(&|| operator.apply(v()).map(drop))
            }
        }
    }

    fn report<L: Loss>(
        &self,
        cost: &Cost<L>,
        quantity: QuantityName,
        measured: &Measured,
        to_grad: Option<f64>,
        floor: f64,
    ) {
        let per_second = cost.len() as f64 / measured.median;
        let to_floor = measured.median / floor;
        if !self.args.json {
            let to_grad = known(to_grad.map(|ratio| format!("{ratio:.2}")));
            let others = known(measured.others.map(|others| format!("{others:.0}%")));
            let peak = known(measured.peak);
            let speed = match quantity {
                QuantityName::Scores => format!("  {per_second:.0} examples/s"),
                _ => String::new(),
            };
            say(format_args!(
                "{:12} {:12} {:7.2} ms {:7.2} ms {:5}  {to_grad:>7}  {to_floor:8.2}  {others:>6}  {peak:>8}{speed}",
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
