//! `backdraft completions` and `backdraft man`: what a shell and a reader of manual pages know of the command line.

use std::{fs, path::PathBuf};

use backdraft_models::quote;
use backdraft_report::{OutputError, StagedFile, plural};
use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{
    CliError,
    args::Args,
    progress::{say, say_bytes},
};

/// What completions are for, and what manual pages begin with.
const NAME: &str = "backdraft";

const INSTALLED: &str = "\
Where they go:
  bash        backdraft completions bash > ~/.local/share/bash-completion/completions/backdraft
  zsh         backdraft completions zsh > DIR/_backdraft, for a DIR in $fpath
  fish        backdraft completions fish > ~/.config/fish/completions/backdraft.fish
  elvish      backdraft completions elvish >> ~/.config/elvish/rc.elv
  powershell  backdraft completions powershell >> $PROFILE";

/// Settings of `completions`.
#[derive(Clone, Copy, Debug, ClapArgs)]
#[command(after_help = INSTALLED)]
pub(crate) struct Completions {
    /// The shell whose script is printed.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Settings of `man`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Manual {
    /// The folder that the pages are written to, one a command; it is made, and pages of these names are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Prints a script by which a shell completes commands and options.
pub(super) fn completions(args: &Completions) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), NAME, &mut script);
    say_bytes(&script);
    Ok(())
}

/// Writes a manual page for every command.
pub(super) fn man(args: &Manual) -> Result<(), CliError> {
    let unwritten = |error| CliError::from(OutputError::from_io(&args.out, error));
    fs::create_dir_all(&args.out).map_err(unwritten)?;
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    // All are written before the first has its name.
    let mut pages = Vec::new();
    stage(command, args, &mut pages)?;
    let many = plural(pages.len(), "manual page");
    for page in pages {
        page.publish()?;
    }
    let first = args.out.join(format!("{NAME}.1"));
    say(format_args!(
        "{many} written to {}; `man {}` shows the first",
        quote::path(&args.out),
        quote::path(&first)
    ));
    Ok(())
}

/// The page of `command`, and those of all below it.
fn stage(
    command: clap::Command,
    args: &Manual,
    pages: &mut Vec<StagedFile>,
) -> Result<(), CliError> {
    let below: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    let page = Man::new(command);
    let path = args.out.join(page.get_filename());
    pages.push(StagedFile::write(&path, |file| page.render(file))?);
    below
        .into_iter()
        .try_for_each(|command| stage(command, args, pages))
}
