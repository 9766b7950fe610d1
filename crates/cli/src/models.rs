//! `backdraft models`: the zoo.

use backdraft_models::{Architecture, ZooConfig, trainable_parameters};

use clap::Args;

use super::{CliError, device::DeviceName, progress::say};
use backdraft_report::count;

/// Settings of `models`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Models {
    /// Where to make the models, to count their parameters.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,
}

/// Prints every model with its number of parameters.
pub(super) fn list(args: &Models) -> Result<(), CliError> {
    let device = args.device.open()?.device;
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
