//! What other processes have done of the same experiment.

use std::path::{Path, PathBuf};

use backdraft::attribution::evaluate::{merge, merge_estimators, missing};
use backdraft_models::quote;

use super::{BASE, CHOICES, ExperimentFolder};
use crate::{CliError, experiment::plan::Plan, progress::say, run_folder::Other};

impl ExperimentFolder {
    /// Copies the removals that are done in other folders, which are known to be of the same experiment, and the base
    /// if there is none here; says what was taken, and what is nowhere.
    pub fn merge(&self, others: &[PathBuf], plan: &Plan) -> Result<(), CliError> {
        for other in others {
            self.take_base(other)?;
        }
        if others.is_empty() || !self.folder.bind()? {
            // Without its base network no removal is known to be of it.
            return others.iter().try_for_each(|other| {
                let path = quote::path(other);
                say(format_args!(
                    "nothing is taken from {path}: its base network is not there"
                ));
                Ok(())
            });
        }
        let all = plan.removals();
        for path in others {
            let other = Other::new(&self.folder, path);
            let path = quote::path(path);
            if let Some(validation) = &plan.validation {
                let estimators = validation.estimators();
                let taken = merge_estimators(self, &other, estimators)?;
                say(format_args!(
                    "{taken} of {estimators} estimators are taken from {path}"
                ));
            }
            let taken = merge(self, &other, all)?;
            say(format_args!(
                "{taken} of {all} removals are taken from {path}"
            ));
        }
        let missing = missing(self, all)?;
        if !missing.is_empty() {
            let missing: Vec<String> = missing.iter().map(usize::to_string).collect();
            say(format_args!(
                "{} are in none of the folders, and still to be computed: {}",
                missing.len(),
                quote::list(&missing)
            ));
        }
        Ok(())
    }

    /// Copies the base network of another folder, and what was settled with it, if there is none here.
    fn take_base(&self, other: &Path) -> Result<(), CliError> {
        if self.folder.whole(BASE)?.is_some() && self.folder.whole(CHOICES)?.is_some() {
            return Ok(());
        }
        if let (Some(base), Some(choices)) = (
            self.folder.whole_of(other, BASE)?,
            self.folder.whole_of(other, CHOICES)?,
        ) {
            self.folder.write_marked(CHOICES, choices)?;
            self.folder.write_marked(BASE, base)?;
        }
        Ok(())
    }
}
