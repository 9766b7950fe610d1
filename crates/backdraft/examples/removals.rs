//! Times descents for several removals, one after another and together, in f32 on flex:
//!
//! ```text
//! cargo run --release --example removals -- [networks ..] [--counts 1,2,5,10,20] [--rounds 3]
//! ```
//!
//! Milliseconds a step and removal, of the quickest of all steps, and the ratio of processor times over all steps, which says more while
//! the machine does other things. Both ways take turns.

use std::{env, error::Error, fs, time::Instant};

use backdraft_curvature::{Cost, CrossEntropy, Loss, Model, SquaredError};
use backdraft_influence::response::{Descent, Removal, ResponseKind, Responses, Step};
use backdraft_models::{LeNet, LeNetConfig, Mlp, MlpConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Training examples, as many as the concrete data have.
const N: usize = 824;
const BATCH: usize = 128;
/// Steps of a descent; the first traces the programs.
const STEPS: usize = 21;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let (mut networks, mut counts, mut rounds) = (Vec::new(), vec![1, 2, 5, 10, 20], 3);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--counts" => {
                let parsed = value()?.split(',').map(str::parse).collect();
                counts = Result::<_, _>::map_err(parsed, |_| "--counts takes numbers")?;
            }
            "--rounds" => rounds = value()?.parse()?,
            _ => networks.push(argument),
        }
    }
    if networks.is_empty() {
        networks = ["tiny", "concrete", "mlp", "wide", "lenet"]
            .map(String::from)
            .into();
    }
    println!("network   kind         removals      alone   together   ratio  processor");
    for network in &networks {
        match network.as_str() {
            "tiny" => time(network, regression(&[16, 16])?, &counts, rounds)?,
            "concrete" => time(network, regression(&[128, 128])?, &counts, rounds)?,
            "mlp" => time(network, classifier(&[128, 128])?, &counts, rounds)?,
            "wide" => time(network, classifier(&[1024, 1024])?, &counts, rounds)?,
            "lenet" => time(network, pictures()?, &counts, rounds)?,
            other => return Err(format!("there is no network `{other}`").into()),
        }
    }
    Ok(())
}

fn time<L: Loss>(name: &str, cost: Cost<L>, counts: &[usize], rounds: usize) -> Outcome<()> {
    let responses = Responses::new(&cost, 0.1)?;
    let steps: Vec<Step> = (0..STEPS)
        .map(|step| Step {
            rate: 1e-4,
            examples: (0..BATCH).map(|i| (37 * i + 61 * step) % N).collect(),
        })
        .collect();
    let descent = Descent::Sgd { momentum: 0.9 };
    for kind in [ResponseKind::Retraining, ResponseKind::Linearized] {
        for &count in counts {
            let removals: Vec<_> = (0..count).map(|i| Removal::of(vec![5 * i], N)).collect();
            let from = responses.theta();
            let rows = from
                .clone()
                .unsqueeze_dim::<2>(0)
                .expand([count, from.dims()[0]]);
            let (mut alone, mut together) = (Watch::new(), Watch::new());
            for _ in 0..rounds {
                alone.start();
                for removal in &removals {
                    let objective = responses.objective(kind, removal.clone())?;
                    let step = |made| alone.step(made);
                    objective.descend(from.clone(), descent, steps.clone(), step)?;
                }
                alone.stop();
                together.start();
                let step = |made| together.step(made);
                let (rows, steps) = (rows.clone(), steps.clone());
                let found = responses.descend_all(kind, &removals, rows, descent, steps, step)?;
                found.into_iter().collect::<Result<Vec<_>, _>>()?;
                together.stop();
            }
            let [a, b] = [&alone, &together].map(|watch| watch.least / count as f64);
            let processor = together.processor / alone.processor;
            println!(
                "{name:9} {:12} {count:8} {a:10.3} {b:10.3} {:7.2} {processor:10.2}",
                format!("{kind:?}"),
                b / a
            );
        }
    }
    Ok(())
}

/// Time between steps.
struct Watch {
    last: Instant,
    busy: f64,
    /// Milliseconds of each step, summed over the descents of a round, the first one left out.
    round: [f64; STEPS],
    /// The least of them in any round.
    least: f64,
    /// Seconds of processor time in all steps but the first.
    processor: f64,
}

impl Watch {
    fn new() -> Self {
        Self {
            last: Instant::now(),
            busy: 0.0,
            round: [0.0; STEPS],
            least: f64::INFINITY,
            processor: 0.0,
        }
    }

    fn start(&mut self) {
        self.round = [0.0; STEPS];
    }

    fn step(&mut self, made: usize) {
        let now = Instant::now();
        match made {
            1 => self.busy = processor_seconds(),
            _ => self.round[made - 1] += (now - self.last).as_secs_f64() * 1e3,
        }
        if made == STEPS {
            self.processor += processor_seconds() - self.busy;
        }
        self.last = Instant::now();
    }

    fn stop(&mut self) {
        self.least = self.round[1..].iter().copied().fold(self.least, f64::min);
    }
}

/// Processor time of this process so far, in hundredths of a second; nothing where the system does not say (Linux does).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: &str| field.parse().unwrap_or(0.0);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).map(ticks).sum();
    ticks / 100.0
}

/// Numbers between -1 and 1 that are the same everywhere.
fn numbers<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|i: usize| (i as f64 * 1.7 + 0.3).sin() as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn labels(device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i64> = (0..N as i64).map(|i| i * i % 10).collect();
    Tensor::from_data(TensorData::new(labels, [N]), device)
}

fn regression(hidden: &[usize]) -> Outcome<Cost<SquaredError>> {
    let device = Device::flex();
    let module = MlpConfig::new(8, 1)
        .with_hidden(hidden.to_vec())
        .init(&device);
    let model = Model::new(&module, Mlp::forward)?;
    let (x, t) = (numbers([N, 8], &device), numbers([N, 1], &device));
    Ok(Cost::new(model, SquaredError, x, t)?)
}

fn classifier(hidden: &[usize]) -> Outcome<Cost<CrossEntropy>> {
    let device = Device::flex();
    let module = MlpConfig::new(784, 10)
        .with_hidden(hidden.to_vec())
        .init(&device);
    let model = Model::new(&module, Mlp::forward)?;
    let x = numbers([N, 784], &device);
    Ok(Cost::new(model, CrossEntropy, x, labels(&device))?)
}

fn pictures() -> Outcome<Cost<CrossEntropy>> {
    let device = Device::flex();
    let module = LeNetConfig::new().init(&device);
    let model = Model::new(&module, LeNet::forward)?;
    let x = numbers([N, 1, 28, 28], &device);
    Ok(Cost::new(model, CrossEntropy, x, labels(&device))?)
}
