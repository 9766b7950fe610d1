//! `--query-data`: examples that are in neither part of the data, to ask about.

use std::path::Path;

use backdraft_models::quote;

use super::{CliError, args::DataArgs, inputs::Inputs, progress::say};
use backdraft_report::count;

const OPTION: &str = "--query-data";

/// Puts the examples of `path` in the place of the test part, prepared as the training part is.
///
/// # Errors
/// What cannot be read; [`CliError::Option`] for examples of other columns or classes than the data's.
pub(super) fn take(inputs: &mut Inputs, args: &DataArgs, path: &Path) -> Result<(), CliError> {
    let refuse = |problem: String| {
        Err(CliError::Option {
            option: OPTION,
            problem,
        })
    };
    if args.split.is_some() {
        return refuse(
            "goes with tables without a column of parts: leave out --split, or give the examples to ask about as --test".into(),
        );
    }
    let own = &mut inputs.dataset;
    let read = args.load_beside(path, own)?;
    let name = quote::path(path);
    if read.train.columns != own.train.columns || read.features != own.features {
        return refuse(format!("{name} has other columns than {}", own.name));
    }
    if read.task != own.task {
        let new = read.task.classes().iter();
        let new = new.filter(|class| !own.task.classes().contains(class));
        let new: Vec<String> = new.cloned().collect();
        return refuse(match new.is_empty() {
            true => format!("{name} has another kind of target than {}", own.name),
            false => format!(
                "{name} has classes that the network does not know: {}",
                quote::list(&new)
            ),
        });
    }
    own.test = read.test;
    own.test_source = read.test_source;
    say(format_args!(
        "queries from {name}: {} examples, which stand in the place of the test part",
        count(own.test.rows)
    ));
    Ok(())
}
