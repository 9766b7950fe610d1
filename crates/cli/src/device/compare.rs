//! `backdraft compare`: how far devices are apart.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use backdraft_curvature::Half;
use backdraft_models::{Architecture, OnnxConfig, quote};
use burn::tensor::Device;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{DeviceName, found};
use crate::{CliError, args::number::seed, progress::say};
use backdraft::comparison::{Quantity, Sample, measure};
use backdraft_report::aligned;

const EXAMPLES: &str = "\
Examples:
  backdraft compare
      All devices of this build and this machine against the first.
  backdraft compare --devices flex,wgpu --models lenet,transformer
      A GPU against the CPU, two models.
  backdraft compare --onnx model.onnx
      A network of one's own.
  backdraft compare --devices wgpu,wgpu:f16,wgpu:bf16
      What matrix products in 16 bits cost in precision.

Small variants of the models, with random data, in 32 bits. The error is ||a - b|| / ||b|| over all elements, b being the first
device's. It ends with exit code 1 if one is above its bound; products in 16 bits have none.";

/// Settings of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Compare {
    /// What is compared with the first: devices, with `:f16` or `:bf16` for matrix products in 16 bits. Default: all
    /// there are.
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    pub devices: Vec<ComparedDevice>,

    /// The models, of `backdraft models`. Default: all.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub models: Vec<Architecture>,

    /// The network of an ONNX file in place of them.
    #[arg(long, value_name = "FILE", conflicts_with = "models")]
    pub onnx: Option<PathBuf>,

    /// What is compared: outputs, gradient, jvp, gnvp, hvp, solution, scores, lissa, pbrf. Default: all.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub quantities: Vec<Quantity>,

    /// The seed of weights, data and vectors.
    #[arg(long, default_value_t = 0, value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,

    /// One line of JSON a number instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// A device, and what matrix products are computed in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ComparedDevice {
    device: DeviceName,
    products: Option<Half>,
}

impl FromStr for ComparedDevice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (device, products) = match text.split_once(':') {
            None => (text, None),
            Some((device, "f16")) => (device, Some(Half::F16)),
            Some((device, "bf16")) => (device, Some(Half::BF16)),
            Some((_, other)) => {
                return Err(format!(
                    "no matrix products in `{other}`: take f16 or bf16, or leave it out for f32"
                ));
            }
        };
        let device = DeviceName::from_str(device, false).map_err(|_| {
            let names = DeviceName::value_variants().iter().map(|it| it.name());
            format!(
                "no device `{device}`, there are {}",
                names.collect::<Vec<_>>().join(", ")
            )
        })?;
        Ok(Self { device, products })
    }
}

impl ComparedDevice {
    /// Whether Burn multiplies f32 matrices in TF32 there, where the card has it.
    fn is_tf32(&self) -> bool {
        self.device == DeviceName::Cuda && self.products.is_none()
    }
}

impl fmt::Display for ComparedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.device.name())?;
        match self.products {
            Some(Half::F16) => f.write_str(":f16"),
            Some(Half::BF16) => f.write_str(":bf16"),
            None => Ok(()),
        }
    }
}

/// Runs `backdraft compare`.
pub(crate) fn compare(args: &Compare) -> Result<(), CliError> {
    let quantities = match args.quantities.as_slice() {
        [] => &Quantity::ALL,
        chosen => chosen,
    };
    let places = match args.devices.as_slice() {
        [] => here(),
        places => places.to_vec(),
    };
    let [reference, others @ ..] = places.as_slice() else {
        return Err(too_few(0));
    };
    if others.is_empty() {
        return Err(too_few(1));
    }
    let opened = places.iter().map(|place| place.device.open());
    let opened = opened.collect::<Result<Vec<_>, _>>()?;

    let tf32 = places.iter().any(ComparedDevice::is_tf32);
    let mut errors = Errors {
        args,
        reference: *reference,
        others,
        tf32,
        rows: vec![head(others, tf32)],
        count: 0,
        above: 0,
    };
    if !args.json {
        say(format_args!(
            "relative errors against {reference}, seed {}",
            args.seed
        ));
    }
    for sample in samples(args, &opened[0].device)? {
        let measured = places.iter().zip(&opened);
        let measured =
            measured.map(|(place, it)| measure(&sample, &it.device, place.products, quantities));
        let measured = measured.collect::<Result<Vec<_>, _>>()?;
        let [expected, found @ ..] = measured.as_slice() else {
            unreachable!("there is a first device");
        };
        let found: Vec<_> = found.iter().map(|it| it.compare(expected)).collect();
        for (row, &quantity) in quantities.iter().enumerate() {
            errors.add(
                sample.model(),
                quantity,
                found.iter().map(|errors| errors[row].1),
            );
        }
    }
    if !args.json {
        say(aligned(&errors.rows, &[0, 1]).trim_end());
    }
    match errors.above {
        0 => Ok(()),
        above => Err(CliError::Apart {
            above,
            count: errors.count,
        }),
    }
}

/// What is computed on each device.
fn samples(args: &Compare, device: &Device) -> Result<Vec<Sample>, CliError> {
    let of = |models: &[Architecture]| {
        let samples = models.iter().map(|it| Sample::of(*it, args.seed));
        Ok(samples.collect())
    };
    match (&args.onnx, args.models.as_slice()) {
        (Some(path), _) => Ok(vec![onnx(path, args.seed, device)?]),
        (None, []) => of(&Architecture::ALL),
        (None, models) => of(models),
    }
}

fn onnx(path: &Path, seed: u64, device: &Device) -> Result<Sample, CliError> {
    let config = OnnxConfig::open(path, device)?;
    let columns = config.columns().ok_or_else(|| CliError::Option {
        option: "--onnx",
        problem: format!(
            "{} leaves open how many numbers an example has: export it with that fixed, and the batch alone free",
            quote::path(path)
        ),
    })?;
    Ok(Sample::of_onnx(config, columns, seed)?)
}

/// The errors of all devices against the first.
struct Errors<'a> {
    args: &'a Compare,
    reference: ComparedDevice,
    others: &'a [ComparedDevice],
    /// Whether one of them multiplies in TF32.
    tf32: bool,
    rows: Vec<Vec<String>>,
    /// How many have a bound, and are above it.
    count: usize,
    above: usize,
}

impl Errors<'_> {
    /// Adds those of a quantity, one for each of the other devices.
    fn add(&mut self, model: Architecture, quantity: Quantity, errors: impl Iterator<Item = f64>) {
        let reference = self.reference;
        let mut cells = vec![model.name().to_owned(), quantity.name().to_owned()];
        for (place, error) in self.others.iter().zip(errors) {
            // 16 bits on either side have no bound.
            let exact = place.products.or(reference.products).is_none();
            let bound = exact.then(|| match place.is_tf32() || reference.is_tf32() {
                true => quantity.bound_in_tf32(),
                false => quantity.bound(),
            });
            let within = bound.is_none_or(|bound| error <= bound);
            self.count += usize::from(exact);
            self.above += usize::from(!within);
            cells.push(format!("{error:.1e}{}", if within { "" } else { " !" }));
            if self.args.json {
                say(json!({
                    "model": model.name(),
                    "quantity": quantity.name(),
                    "reference": reference.to_string(),
                    "device": place.to_string(),
                    "error": error,
                    "bound": bound,
                    "seed": self.args.seed,
                }));
            }
        }
        cells.push(format!("{:.0e}", quantity.bound()));
        if self.tf32 {
            cells.push(format!("{:.0e}", quantity.bound_in_tf32()));
        }
        self.rows.push(cells);
    }
}

fn head(others: &[ComparedDevice], tf32: bool) -> Vec<String> {
    let mut head = vec!["model".to_owned(), "quantity".to_owned()];
    head.extend(others.iter().map(ComparedDevice::to_string));
    head.push("bound".to_owned());
    if tf32 {
        head.push("through cuda".to_owned());
    }
    head
}

/// All devices of this build and this machine.
fn here() -> Vec<ComparedDevice> {
    let here = |name: &DeviceName| found(*name).is_some_and(|devices| !devices.is_empty());
    let names = DeviceName::BACKENDS.into_iter().filter(here);
    let places = names.map(|device| ComparedDevice {
        device,
        products: None,
    });
    places.collect()
}

fn too_few(found: usize) -> CliError {
    CliError::Option {
        option: "--devices",
        problem: format!(
            "needs two devices or more, and there is {found}: `backdraft devices` lists them"
        ),
    }
}
