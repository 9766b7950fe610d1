//! What other processes have done of the same experiment.

use std::path::{Path, PathBuf};

use backdraft_models::quote;
use serde::Serialize;

use super::{BASE, CHOICES, LISSA, RECORD, Store, point};
use crate::{
    CliError,
    experiment::plan::Plan,
    progress::say,
    run_folder::{SETTINGS, VERSIONS, differences, unmarked, versions},
};
use backdraft_report::Seal;

/// Refuses folders to be merged into `out` that hold anything but the experiment of `plan`, made by the same programs
/// from the same base network.
pub(in crate::experiment) fn check_parts(
    parts: &[PathBuf],
    plan: &impl Serialize,
    out: &Path,
) -> Result<(), CliError> {
    let seal = Seal::of(plan)?;
    // A damaged one is dealt with where it is read.
    let base_of = |folder: &Path| {
        let bytes = std::fs::read(folder.join(BASE)).ok()?;
        seal.check(BASE, bytes).ok()
    };
    let mut base: Option<(&Path, Vec<u8>)> = base_of(out).map(|bytes| (out, bytes));
    for part in parts {
        let refuse = |problem: String| {
            let problem = format!("{} {problem}", quote::path(part));
            Err(CliError::Option {
                option: "--merge",
                problem,
            })
        };
        let Ok(record) = std::fs::read(part.join(RECORD)) else {
            return refuse(format!("holds no experiment: there is no {RECORD}"));
        };
        let Ok(record) = unmarked(RECORD, record) else {
            return refuse(format!(
                "holds a damaged {RECORD}, without which nobody knows of which experiment its removals are; leave that folder out, and \
                 they are computed here, or restore the file"
            ));
        };
        let found = differences(plan, &record[SETTINGS])?;
        if !found.is_empty() {
            return refuse(format!("holds another experiment: {}", found.join(", ")));
        }
        let found = differences(&versions(), &record[VERSIONS])?;
        if !found.is_empty() {
            return refuse(format!(
                "was made by another version: {}; make all parts by the same",
                found.join(", ")
            ));
        }
        match (&base, base_of(part)) {
            // Not trained yet: it has no removals either.
            (_, None) => {}
            (Some((other, known)), Some(bytes)) if *known != bytes => {
                return refuse(format!(
                    "has another base network than {}: machines differ in the last bits. Begin each part with --merge of \
                     one folder in which the network is trained",
                    quote::path(other)
                ));
            }
            (Some(_), Some(_)) => {}
            (None, Some(bytes)) => base = Some((part, bytes)),
        }
    }
    Ok(())
}

impl Store {
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
        let all = plan.removals.len();
        for other in others {
            if let (None, Some(settled)) = (
                self.folder.whole(LISSA)?,
                self.folder.whole_of(other, LISSA)?,
            ) {
                self.folder.write(LISSA, &settled)?;
            }
            let mut taken = 0;
            for position in 0..all {
                let name = point(position);
                if let (None, Some(bytes)) = (
                    self.folder.whole(&name)?,
                    self.folder.whole_of(other, &name)?,
                ) {
                    self.folder.write(&name, &bytes)?;
                    taken += 1;
                }
            }
            let path = quote::path(other);
            say(format_args!(
                "{taken} of {all} removals are taken from {path}"
            ));
        }
        let mut missing = Vec::new();
        for position in 0..all {
            if !self.is_done(position)? {
                missing.push(position.to_string());
            }
        }
        if !missing.is_empty() {
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
            self.folder.write(CHOICES, &choices)?;
            self.folder.write(BASE, &base)?;
        }
        Ok(())
    }
}
