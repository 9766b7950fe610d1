//! Where a run's files go.

use std::path::{Path, PathBuf};

use clap::Args;

/// The folder of a run.
#[derive(Clone, Debug, Args)]
pub(crate) struct FolderArgs {
    /// The run's own folder. Stopped, the same command goes on in it. Default:
    /// runs/<command>-<model>-<data>-<preset>-<seed>, which the same command finds again; for explain a new one,
    /// runs/<model>-<data>-<number>, for perturb and flow runs/<command>-<model>-<data>-<number>, and for illustrate
    /// runs/illustrate-<picture>-<number>.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Begin anew and replace the earlier run in the folder; for commands that take a new one by default, one
    /// that is named with --out.
    #[arg(long)]
    pub overwrite: bool,
}

impl FolderArgs {
    /// The folder named, or else the one below `runs` of this name.
    pub fn out_or(&self, name: impl AsRef<Path>) -> PathBuf {
        let default = || Path::new("runs").join(name);
        self.out.clone().unwrap_or_else(default)
    }
}
