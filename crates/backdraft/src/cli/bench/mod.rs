//! `backdraft bench products`: how long derivatives of one batch take.

mod floor;
mod measure;

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, LinearOperator, Loss, Model,
};
use backdraft_models::{Autoencoder, AutoencoderConfig, LeNet, LeNetConfig, Mlp, MlpConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use serde_json::{Value, json};

use self::{
    floor::floor,
    measure::{Limits, Measured, measure, peak_memory},
};
use super::{
    CliError,
    args::{Products, QuantityName, WorkloadName},
    progress::say,
};

/// Runs `backdraft bench products`.
pub(super) fn products(args: &Products) -> Result<(), CliError> {
    let device = args.device.open()?;
    let limits = Limits {
        runs: args.min_runs.max(1),
        seconds: args.max_seconds,
    };
    if !args.json {
        say(format_args!(
            "device {}, seed {}",
            args.device.name(),
            args.seed
        ));
        say("workload     quantity        median      least  runs  to grad  to floor");
    }
    for &workload in &args.workloads {
        device.seed(args.seed);
        let bench = Bench {
            args,
            workload,
            limits,
            device: &device,
        };
        match workload {
            WorkloadName::Mlp => {
                let mlp = MlpConfig::new(784, 10)
                    .with_hidden(vec![1024, 1024])
                    .with_seed(args.seed);
                let model = Model::new(&mlp.init(&device), Mlp::forward)?;
                bench.run(Cost::new(
                    model,
                    CrossEntropy,
                    pixels([128, 784], &device),
                    labels(&device),
                )?)?;
            }
            WorkloadName::Lenet => {
                let model = Model::new(&LeNetConfig::new().init(&device), LeNet::forward)?;
                let pictures = pixels([128, 1, 28, 28], &device);
                bench.run(Cost::new(model, CrossEntropy, pictures, labels(&device))?)?;
            }
            WorkloadName::Autoencoder => {
                let module = AutoencoderConfig::new().init(&device);
                let model = Model::new(&module, Autoencoder::forward)?;
                let x = pixels([1024, 784], &device);
                bench.run(Cost::new(model, BinaryCrossEntropy, x.clone(), x)?)?;
            }
        }
    }
    Ok(())
}

fn pixels<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(0.0, 1.0), device)
}

/// Classes of 128 examples.
fn labels(device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i64> = (0..128).map(|i| i % 10).collect();
    Tensor::from_ints(labels.as_slice(), device)
}

/// One workload.
struct Bench<'a> {
    args: &'a Products,
    workload: WorkloadName,
    limits: Limits,
    device: &'a Device,
}

impl Bench<'_> {
    fn run<L: Loss>(&self, cost: Cost<L>) -> Result<(), CliError> {
        let dim = cost.model().dim();
        let v = Tensor::<1>::random([dim], Distribution::Normal(0.0, 1.0), self.device);
        let mut grad = None;
        for &quantity in &self.args.quantities {
            let measured = self.measure(&cost, quantity, &v)?;
            if quantity == QuantityName::Grad {
                grad = Some(measured.median);
            }
            let floor = floor(&cost, quantity, self.limits, self.device)?;
            self.report(&cost, quantity, &measured, grad, floor);
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
        grad: Option<f64>,
        floor: f64,
    ) {
        let per_second = cost.len() as f64 / measured.median;
        if !self.args.json {
            let ratio = grad.map_or_else(
                || " ".repeat(7),
                |grad| format!("{:7.2}", measured.median / grad),
            );
            let above = measured.median / floor;
            let speed = match quantity {
                QuantityName::Scores => format!("  {per_second:.0} examples/s"),
                _ => String::new(),
            };
            say(format_args!(
                "{:12} {:12} {:7.2} ms {:7.2} ms {:5}  {ratio}  {above:8.2}{speed}",
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
            "floor_ms": 1e3 * floor,
            "to_floor": measured.median / floor,
            "n": measured.runs,
            "device": self.args.device.name(),
            "version": concat!("backdraft ", env!("CARGO_PKG_VERSION")),
            "peak_mib": peak_memory(),
        });
        if quantity == QuantityName::Scores {
            line["examples_per_s"] = Value::from(per_second);
        }
        say(line);
    }
}
