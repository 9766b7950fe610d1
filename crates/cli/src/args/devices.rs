//! Several devices for one command.

use clap::{Args, ValueEnum};

use super::Solving;
use crate::{
    CliError,
    device::{DeviceList, DeviceName, Opened},
};

/// The devices to compute on.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DevicesArgs {
    /// Compute on several devices of the kind that --device names: `all`, or places in the list of `backdraft devices`,
    /// such as `0,1,3`. A processor may be named several times. Training, the verification and what is made of all
    /// examples stay on the first. docs/scale.md says more. Default: 0.
    #[arg(long, value_name = "all|I,J,..", allow_hyphen_values = true)]
    pub devices: Option<DeviceList>,
}

/// What is divided among them.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct DivideArgs {
    /// What is divided among several devices: the `queries`, in whole blocks (--block), each device with all training
    /// examples, which gives the bits of one device; or the training `examples`, so that every product is split, which
    /// gives other last digits and is a setting of the run. `auto`: the queries, and the examples where there are fewer
    /// blocks than devices and the solver goes by products.
    #[arg(long, value_enum, default_value_t = DivideName::Auto, requires = "devices")]
    pub divide: DivideName,
}

/// What several devices divide among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DivideName {
    #[default]
    Auto,
    Queries,
    Examples,
}

impl DevicesArgs {
    /// Those that are named, of a kind; one, if none are.
    pub fn open(&self, kind: DeviceName) -> Result<Opened, CliError> {
        match &self.devices {
            Some(list) => kind.open_several(list),
            None => kind.open(),
        }
    }
}

impl DivideArgs {
    /// In how many parts the `examples` are: one for each of so many devices where products are split, and one where
    /// queries are dealt out, of which there are so many blocks.
    ///
    /// # Errors
    /// [`CliError::Option`] for a solver whose inverse is made of no products, and for more devices than examples.
    pub fn parts(
        &self,
        devices: usize,
        (blocks, examples): (usize, usize),
        solving: &Solving,
    ) -> Result<usize, CliError> {
        let refuse = |problem| CliError::Option {
            option: "--divide",
            problem,
        };
        match self.divide {
            DivideName::Queries => Ok(1),
            _ if devices == 1 => Ok(1),
            DivideName::Auto => Ok(match blocks < devices {
                true if solving.goes_by_products() && devices <= examples => devices,
                _ => 1,
            }),
            DivideName::Examples if !solving.goes_by_products() => Err(refuse(
                "examples splits products, and what is made of layers or rows takes none: leave out ekfac, kfac and \
                 dual, as solver and as preconditioner, or take --divide queries"
                    .to_owned(),
            )),
            DivideName::Examples if devices > examples => Err(refuse(format!(
                "examples needs one training example a device at least: there are {examples}, and {devices} devices"
            ))),
            DivideName::Examples => Ok(devices),
        }
    }
}
