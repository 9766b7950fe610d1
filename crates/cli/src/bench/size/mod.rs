//! `backdraft bench size`: the memory and the time that derivatives of a language model of any size take.

mod args;

use std::{path::Path, sync::Arc, time::Instant};

use backdraft_curvature::{
    BatchFunction, Cost, KroneckerConfig, LinearOperator, Model, TokenCrossEntropy,
};
use backdraft_influence::{ConjugateGradientConfig, SolveError, Solver};
use backdraft_models::{Transformer, TransformerConfig, ZooConfig, data::ExampleFile};
use backdraft_report::count;
use burn::tensor::{DType, Device, Distribution, Int, Tensor};
use serde_json::json;

pub(crate) use self::args::Size;
use self::args::SizeQuantity;
use super::{
    known, start_threads,
    usage::{Processors, peak_memory, restart_peak_memory},
};
use crate::{CliError, memory::check_network, progress::say};

/// Steps of conjugate gradients.
const STEPS: usize = 10;
/// Of these steps' system: theirs is a fixed number, whatever the damping.
const DAMPING: f64 = 0.01;

/// Runs `backdraft bench size`.
pub(crate) fn size(args: &Size) -> Result<(), CliError> {
    if !args.width.is_multiple_of(args.heads) {
        let problem = format!(
            "is {}, of which the width of {} is no multiple",
            args.heads, args.width
        );
        let option = "--heads";
        return Err(CliError::Option { option, problem });
    }
    start_threads(args.threads.get())?;
    let opened = args.compute.device.open()?;
    let device = &opened.device;
    let network = ZooConfig::Transformer(network(args));
    check_network("--width", &network, &opened, DType::F32)?;
    device.seed(args.compute.seed);
    let cost = cost(args, device)?;
    if !args.json {
        say(format_args!(
            "{} parameters, {} sequences of {} words in batches of {}, {}; device {}, {} threads, seed {}",
            count(cost.model().dim() as u128),
            cost.len(),
            args.length,
            args.batch.min(cost.len()),
            match args.recompute {
                true => "activations computed again",
                false => "activations kept for the reverse pass",
            },
            opened.name,
            args.threads,
            args.compute.seed
        ));
        say("quantity   seconds  others  counted MiB  peak MiB");
    }
    let options = (device, DType::F32);
    let v = Tensor::<1>::random(
        [cost.model().dim()],
        Distribution::Normal(0.0, 1.0),
        options,
    );
    for &quantity in &args.quantities {
        let measured = measure(args, &cost, quantity, &v)?;
        report(args, &cost, quantity, &measured);
    }
    Ok(())
}

fn network(args: &Size) -> TransformerConfig {
    TransformerConfig::new()
        .with_vocabulary(args.vocabulary)
        .with_length(args.length)
        .with_layers(args.layers)
        .with_width(args.width)
        .with_heads(args.heads)
        .with_hidden(args.hidden.unwrap_or(4 * args.width))
        .with_seed(args.compute.seed)
}

/// The cost of sequences of words, at random or from a file.
fn cost(args: &Size, device: &Device) -> Result<Cost, CliError> {
    let module = network(args).init(device);
    let mut model = Model::new(&module, Transformer::forward)?;
    if !args.only.is_empty() {
        let patterns: Vec<&str> = args.only.iter().map(String::as_str).collect();
        model = model.only(&patterns)?;
    }
    if args.recompute {
        model = model.recomputing(0);
    }
    let words = || {
        let distribution = Distribution::Uniform(0.0, args.vocabulary as f64);
        Words::random([args.examples, args.length], distribution, device)
    };
    let loss = TokenCrossEntropy::default();
    let cost = match &args.from {
        Some(path) => {
            let (file, batch, place) = (opened(path)?, args.batch, device.clone());
            Cost::streamed(model, loss, file.len(), move || {
                file.batches::<Words, Words>(batch, &place)
            })?
        }
        None => Cost::of_any(model, Arc::new(loss), words(), words())?,
    };
    Ok(cost.unchecked().with_batch_size(args.batch)?)
}

/// Words, or those after them, `[examples, length]`.
type Words = Tensor<2, Int>;

/// The file of words.
fn opened(path: &Path) -> Result<ExampleFile, CliError> {
    let file = ExampleFile::open(path, "words", "next");
    let file = file.and_then(|file| file.check::<Words, Words>().map(|()| file));
    file.map_err(|error| CliError::Option {
        option: "--from",
        problem: error.to_string(),
    })
}

/// What a quantity took.
struct SizeMeasured {
    seconds: f64,
    others: Option<f64>,
    /// Bytes that a batch's results take at once, if they can be counted.
    counted: Option<usize>,
    /// In MiB.
    peak: Option<u64>,
}

fn measure(
    args: &Size,
    cost: &Cost,
    quantity: SizeQuantity,
    v: &Tensor<1>,
) -> Result<SizeMeasured, CliError> {
    let restarted = restart_peak_memory();
    let (before, start) = (Processors::now(), Instant::now());
    run(args, cost, quantity, v)?;
    let seconds = start.elapsed().as_secs_f64();
    let others = before
        .zip(Processors::now())
        .map(|(before, after)| after.others_since(before));
    let peak = peak_memory().filter(|_| restarted);
    let program = match quantity {
        SizeQuantity::Grad => Some(cost.program(BatchFunction::GRADIENT)?),
        SizeQuantity::Gnvp | SizeQuantity::Cg => Some(cost.gauss_newton().program()?),
        SizeQuantity::Hvp => Some(cost.hessian().program()?),
        SizeQuantity::Kfac | SizeQuantity::Ekfac => None,
    };
    Ok(SizeMeasured {
        seconds,
        others,
        counted: program.map(|program| program.peak_bytes()),
        peak,
    })
}

/// Computes `quantity` and waits for it.
fn run(args: &Size, cost: &Cost, quantity: SizeQuantity, v: &Tensor<1>) -> Result<(), CliError> {
    let result = match quantity {
        SizeQuantity::Grad => cost.gradient()?,
        SizeQuantity::Gnvp => cost.gauss_newton().with_memory(0).apply(v.clone())?,
        SizeQuantity::Hvp => cost.hessian().with_memory(0).apply(v.clone())?,
        SizeQuantity::Cg => steps(cost)?,
        SizeQuantity::Kfac | SizeQuantity::Ekfac => {
            let factors = cost.kronecker_factored(&KroneckerConfig {
                corrected: quantity == SizeQuantity::Ekfac,
                columns: args.columns,
                seed: args.compute.seed,
                ..KroneckerConfig::default()
            })?;
            factors.trace()?;
            return Ok(());
        }
    };
    // Reading one number of it waits for the device.
    let sum = result.sum().try_into_scalar::<f64>();
    sum.map_err(|error| CliError::Execution(error.to_string()))?;
    Ok(())
}

/// What ten steps come to, and the product with which the solver finds the true residual.
fn steps(cost: &Cost) -> Result<Tensor<1>, CliError> {
    let matrix = cost.gauss_newton().with_memory(0).damped(DAMPING);
    let solver = ConjugateGradientConfig {
        max_iterations: Some(STEPS),
        check_every: STEPS,
        block_size: Some(1),
        ..ConjugateGradientConfig::default()
    };
    let solved = solver.init()?.prepare(&matrix)?.solve(cost.gradient()?);
    match solved {
        Err(SolveError::NotConverged { solution, .. }) => Ok(solution.vector),
        other => Ok(other?.vector),
    }
}

fn report(args: &Size, cost: &Cost, quantity: SizeQuantity, measured: &SizeMeasured) {
    let mib = |bytes: usize| bytes >> 20;
    if args.json {
        return say(json!({
            "quantity": quantity.name(),
            "params": cost.model().dim(),
            "examples": cost.len(),
            "length": args.length,
            "batch": args.batch.min(cost.len()),
            "from": args.from,
            "recompute": args.recompute,
            "threads": args.threads,
            "seconds": measured.seconds,
            "others_cpu_pct": measured.others.map(|others| (10.0 * others).round() / 10.0),
            "counted_mib": measured.counted.map(mib),
            "peak_mib": measured.peak,
            "version": concat!("backdraft ", env!("CARGO_PKG_VERSION")),
        }));
    }
    say(format_args!(
        "{:8} {:9.2}  {:>6}  {:>11}  {:>8}",
        quantity.name(),
        measured.seconds,
        known(measured.others.map(|others| format!("{others:.0}%"))),
        known(measured.counted.map(mib)),
        known(measured.peak)
    ));
}
