//! Runs that several processes share out: which part a folder is of, and what others have done.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use backdraft::attribution::Shard;
use backdraft_models::quote;
use backdraft_report::{OutputError, WorkFolder};
use serde::Serialize;

use super::{
    Kind, PARTS, PartsFolder,
    others::{check_parts, refused},
};
use crate::{CliError, args::ShardArgs, progress::say};

/// How the files begin that tell which parts a folder is of.
const SHARD: &str = "shard-";

/// The parts of a run that there are folders of.
#[derive(Debug, Default)]
pub(crate) struct Shards {
    found: Vec<(Shard, PathBuf)>,
}

impl PartsFolder {
    /// Takes what is done in `others`, folders of the same run ([`Shards::of`]), and is not here; says what was taken.
    pub fn merge(&self, others: &[PathBuf]) -> Result<(), CliError> {
        for other in others {
            self.take_network(other)?;
        }
        let bound = !others.is_empty() && self.folder().bind()?;
        for other in others {
            let path = quote::path(other);
            match bound {
                true => say(format_args!(
                    "taken from {path}: {}",
                    files(self.take(other)?)
                )),
                // Without the network nothing is known to be of it.
                false => say(format_args!(
                    "nothing is taken from {path}: its network is not there"
                )),
            }
        }
        Ok(())
    }

    /// Notes which part this folder is of.
    pub fn mark_shard(&self, args: &ShardArgs) -> Result<(), CliError> {
        match args.shard {
            Some(shard) => self.folder().write_json(&name_of(shard), &shard),
            None => Ok(()),
        }
    }

    /// Copies the network of another folder, if there is none here.
    fn take_network(&self, other: &Path) -> Result<(), CliError> {
        let (folder, name) = (self.folder(), self.folder().kind.network);
        if folder.whole(name)?.is_none()
            && let Some(network) = folder.whole_of(other, name)?
        {
            folder.write_marked(name, network)?;
        }
        Ok(())
    }

    /// Copies what was computed from the network and is not here; how many files that are.
    fn take(&self, other: &Path) -> Result<usize, CliError> {
        let folder = self.folder();
        let mut taken = 0;
        for name in names(&other.join(PARTS))? {
            let name = format!("{PARTS}/{name}");
            let computed = folder.kind.computed.iter();
            if !computed.clone().any(|it| name.starts_with(it)) || folder.holds(&name) {
                continue;
            }
            if let Some(bytes) = folder.whole_of(other, &name)? {
                folder.write_marked(&name, bytes)?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

impl Shards {
    /// Those in the folders `parts`, to be merged into `out`, if that is named.
    ///
    /// # Errors
    /// [`CliError::Option`] as [`check_parts`], and for a folder that holds a whole run, or the same part as another.
    pub fn of(
        parts: &[PathBuf],
        kind: Kind,
        settings: &impl Serialize,
        out: Option<&Path>,
    ) -> Result<Self, CliError> {
        check_parts(parts, kind, settings, out)?;
        let mut shards = Self::default();
        for part in parts {
            if WorkFolder::is_whole(part, kind.contents) {
                return Err(refused(format!(
                    "{} holds the whole run: there is nothing to merge",
                    quote::path(part)
                )));
            }
            shards.add(part)?;
        }
        Ok(shards)
    }

    fn add(&mut self, folder: &Path) -> Result<(), CliError> {
        for name in names(&folder.join(PARTS))? {
            let Some(shard) = shard_of(&name) else {
                continue;
            };
            if let Some((_, other)) = self.at(shard) {
                return Err(refused(format!(
                    "{} and {} are both part {shard}: give the folder of every part once",
                    quote::path(other),
                    quote::path(folder)
                )));
            }
            self.found.push((shard, folder.to_path_buf()));
        }
        Ok(())
    }

    fn at(&self, shard: Shard) -> Option<&(Shard, PathBuf)> {
        self.found.iter().find(|(known, _)| *known == shard)
    }

    /// The error of units that no folder has, by their positions and names.
    pub fn missing(&self, positions: &[usize], names: &[String]) -> CliError {
        let mut counts: Vec<usize> = self.found.iter().map(|(it, _)| it.count).collect();
        counts.sort_unstable();
        counts.dedup();
        let mut lacking = Vec::new();
        if let [count] = counts[..] {
            let all = (1..=count).map(|index| Shard { index, count });
            for shard in all.filter(|it| positions.iter().any(|&at| it.has(at))) {
                lacking.push(match self.at(shard) {
                    Some((_, folder)) => {
                        format!("part {shard}, which {} has not done", quote::path(folder))
                    }
                    None => format!("part {shard}, which is in none of the folders"),
                });
            }
        }
        let names = quote::some(names.iter().cloned());
        let lacking = match lacking.is_empty() {
            true => names,
            false => format!("{} ({names})", quote::some(lacking.into_iter())),
        };
        refused(format!(
            "lacks {lacking}: run that by --shard and name its folder too, or add --shard 1/1 to compute it here"
        ))
    }
}

fn files(count: usize) -> String {
    match count {
        1 => "1 result".into(),
        _ => format!("{count} results"),
    }
}

fn name_of(shard: Shard) -> String {
    format!("{PARTS}/{SHARD}{}-of-{}.json", shard.index, shard.count)
}

/// The part that a file tells of.
fn shard_of(name: &str) -> Option<Shard> {
    let (index, count) = name
        .strip_prefix(SHARD)?
        .strip_suffix(".json")?
        .split_once("-of-")?;
    let (index, count) = (index.parse().ok()?, count.parse().ok()?);
    Some(Shard { index, count })
}

/// The files in a folder, in order; none if there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>, CliError> {
    let io = |source| OutputError::Io {
        path: folder.to_path_buf(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(
            entry
                .map_err(io)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    found.sort();
    Ok(found)
}
