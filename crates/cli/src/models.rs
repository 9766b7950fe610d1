//! `backdraft models`: the zoo, or the parameters of an ONNX file.

use std::path::{Path, PathBuf};

use backdraft_curvature::Model;
use backdraft_models::{
    Architecture, OnnxConfig, OnnxModel, ZooConfig, quote, trainable_parameters,
};
use burn::module::Module;

use clap::Args;

use super::{CliError, device::DeviceName, progress::say};
use backdraft_report::{aligned, count};

/// Settings of `models`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Models {
    /// Where to make the models, to count their parameters.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,

    /// List what the network of an ONNX file reads and gives, and its parameters, by the names that --only takes.
    #[arg(long, value_name = "FILE")]
    pub onnx: Option<PathBuf>,
}

/// Prints every model with its number of parameters, or those of a file.
pub(super) fn list(args: &Models) -> Result<(), CliError> {
    let device = args.device.open()?.device;
    if let Some(path) = &args.onnx {
        return describe(&OnnxConfig::open(path, &device)?, path);
    }
    say("model        parameters  what it is; what it reads");
    for model in Architecture::ALL {
        let network = ZooConfig::published(model).init(&device);
        let count = count(trainable_parameters(&network));
        let (what, reads) = (model.description(), model.reads());
        say(format_args!(
            "{:12} {count:>10}  {what}; {reads}",
            model.name()
        ));
    }
    say(
        "\nParameters of lr, mlp and autoencoder are for 784 inputs, of lenet for 28x28 grey pixels, of the other pictures' models",
    );
    say(
        "for 32x32 coloured ones, all with ten classes, and of the transformer for 10,000 words. Other data change them.",
    );
    Ok(())
}

/// Prints what the network of a file reads, gives and is made of.
fn describe(network: &OnnxConfig, path: &Path) -> Result<(), CliError> {
    let found = network.model();
    let model = Model::new(&found.clone().train(), OnnxModel::forward)?;
    let ports = found.inputs().iter().map(ToString::to_string);
    say(format_args!(
        "{}: {} parameters; reads {}, gives {}{}",
        quote::path(path),
        count(model.dim()),
        ports.collect::<Vec<_>>().join(", "),
        found.output(),
        found
            .cut()
            .map_or_else(String::new, |it| format!(", without {it} at its end"))
    ));
    let mut rows = vec![["parameter", "shape", "numbers"].map(String::from).to_vec()];
    rows.extend(model.parameters().iter().map(|it| {
        let shape = it.shape.iter().map(ToString::to_string);
        let shape = shape.collect::<Vec<_>>().join(" x ");
        vec![it.name.clone(), shape, count(it.len())]
    }));
    say(aligned(&rows, &[0, 1]).trim_end());
    Ok(())
}
