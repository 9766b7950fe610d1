//! The folder of a run that can be taken up again: what it was asked, and what it has kept so far.

mod checksums;
mod difference;
mod others;
mod parts;
mod record;
mod shards;
mod solutions;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use backdraft_models::{Zoo, numbers, quote, with_numbers};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    CliError,
    args::FolderArgs,
    progress::warn,
    tensors::{self, NamedTensors, Texts},
};
use backdraft_report::{Contents, OutputError, Seal, WorkFolder};

pub(super) use checksums::FILE as CHECKSUMS;
pub(super) use difference::differences;
pub(super) use others::{Other, check_folder, check_parts};
pub(super) use parts::{MODEL, PartsFolder, STATE};
pub(super) use record::{SETTINGS, VERSIONS, unmarked, versions};
pub(super) use shards::Shards;
pub(super) use solutions::{PARTS, SOLVE, Solved, solve_json, solve_record};

/// What is told beside a network.
pub(super) const SECONDS: &str = "seconds";

/// Where a run goes.
#[derive(Clone, Debug)]
pub(super) enum RunPlace {
    /// A folder that may hold an earlier part of it.
    Named(PathBuf),
    /// A new folder below `runs`, of this name and a number.
    Fresh(String),
}

impl RunPlace {
    /// The folder named, or a new one whose name begins so; refuses to replace what is not named.
    pub fn of(folder: &FolderArgs, name: impl FnOnce() -> String) -> Result<Self, CliError> {
        match &folder.out {
            Some(out) => Ok(Self::Named(out.clone())),
            None if folder.overwrite => Err(CliError::Option {
                option: "--overwrite",
                problem: "replaces the run in a folder: name it with --out, for without that this command takes a new one"
                    .to_owned(),
            }),
            None => Ok(Self::Fresh(name())),
        }
    }
}

/// What a run of one kind is called, and keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// With its article.
    pub name: &'static str,
    pub contents: Contents,
    /// The file of the network that the files whose names begin as told are computed from.
    pub network: &'static str,
    pub computed: &'static [&'static str],
}

/// A folder that this process alone works in, with the settings of the run. All that is read again bears a digest,
/// which binds it to these, and what is computed from a network to that network too: what is damaged, or of another, is
/// told of and made anew.
pub(super) struct RunFolder {
    folder: WorkFolder,
    kind: Kind,
    seal: Seal,
    /// Of what is computed from the network, once that is there.
    computed: Mutex<Seal>,
    /// The record of an earlier part of the run.
    earlier: Option<Value>,
}

impl RunFolder {
    /// Opens the folder for `settings`: an earlier run of the same goes on, one of others is refused unless it is to be
    /// overwritten.
    pub fn open(
        place: &RunPlace,
        kind: Kind,
        settings: &impl Serialize,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        let Kind { name, contents, .. } = kind;
        let folder = match place {
            RunPlace::Named(path) => WorkFolder::open(path, contents)?,
            RunPlace::Fresh(name) => WorkFolder::numbered("runs", name, contents)?,
        };
        let seal = Seal::of(settings)?;
        let mut folder = Self {
            folder,
            kind,
            computed: Mutex::new(seal.clone()),
            seal,
            earlier: None,
        };
        if overwrite {
            folder.folder.clear()?;
        }
        folder.earlier = folder.record(settings)?;
        match &folder.earlier {
            None => folder.folder.begin(&folder.encode(settings, None)?)?,
            Some(record) => {
                folder.refuse(
                    name,
                    &versions(),
                    &record[VERSIONS],
                    [
                        "begun by another version",
                        "go on with that one, --overwrite to begin anew, or take another folder",
                    ],
                )?;
                folder.refuse(
                    name,
                    settings,
                    &record[SETTINGS],
                    [
                        "with other settings",
                        "give the same to go on, --overwrite to begin anew, or another folder",
                    ],
                )?;
            }
        }
        Ok(folder)
    }

    /// Whether nothing was here before.
    pub fn is_new(&self) -> bool {
        self.earlier.is_none()
    }

    /// The results of an earlier run that came to its end, where the record tells them.
    pub fn results(&self) -> Option<&Value> {
        let earlier = self.earlier.as_ref()?;
        Some(&earlier[record::RESULTS]).filter(|results| !results.is_null())
    }

    /// Puts the record in place anew, with the results if there are any.
    pub fn write_record(
        &self,
        settings: &impl Serialize,
        results: Option<Value>,
    ) -> Result<(), CliError> {
        let record = self.encode(settings, results)?;
        self.write(self.kind.contents.record, &record)
    }

    /// Binds what is computed from the network to the one that is here; whether there is one.
    pub fn bind(&self) -> Result<bool, CliError> {
        let network = self.whole(self.kind.network)?;
        if let Some(file) = &network {
            *self.computed.lock().unwrap_or_else(PoisonError::into_inner) =
                self.seal.with(tensors::numbers(file));
        }
        Ok(network.is_some())
    }

    /// A file as it was before it was marked, if it is there and whole. A damaged one is told of and removed, to be
    /// made anew.
    pub fn whole(&self, name: &str) -> Result<Option<Vec<u8>>, CliError> {
        self.whole_or(name, "it is made anew")
    }

    /// The same; `consequence` is told of a damaged file.
    pub fn whole_or(&self, name: &str, consequence: &str) -> Result<Option<Vec<u8>>, CliError> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        match self.seal_of(name).check(name, bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(broken) => {
                warn(format_args!(
                    "{} is damaged ({broken}): {consequence}",
                    quote::path(&self.path().join(name))
                ));
                self.remove(name)?;
                Ok(None)
            }
        }
    }

    /// A file of another folder of the same run as it was before it was marked, if it is there and whole. A damaged one
    /// is told of.
    pub fn whole_of(&self, other: &Path, name: &str) -> Result<Option<Vec<u8>>, CliError> {
        let path = other.join(name);
        let broken = match fs::read(&path) {
            Ok(bytes) => match self.seal_of(name).check(name, bytes) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(broken) => broken.to_string(),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => error.to_string(),
        };
        warn(format_args!(
            "{} is damaged ({broken}): it is not taken",
            quote::path(&path)
        ));
        Ok(None)
    }

    /// Puts a file in place that is read again.
    pub fn write_marked(&self, name: &str, bytes: Vec<u8>) -> Result<(), CliError> {
        let bytes = self.seal_of(name).mark(name, bytes)?;
        self.write(name, &bytes)
    }

    fn seal_of(&self, name: &str) -> Seal {
        match self.kind.computed.iter().any(|it| name.starts_with(it)) {
            true => {
                let computed = self.computed.lock();
                computed.unwrap_or_else(PoisonError::into_inner).clone()
            }
            false => self.seal.clone(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder's name, which the report bears.
    pub fn title(&self) -> String {
        let name = self.path().file_name().unwrap_or(self.path().as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Whether there is a file or folder of that name.
    pub fn holds(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// Removes a run that came to nothing.
    pub fn abandon(self) -> Result<(), CliError> {
        Ok(self.folder.abandon()?)
    }

    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CliError> {
        Ok(self.folder.read(name)?)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        Ok(self.folder.write(name, bytes)?)
    }

    /// Adds a line to a file.
    pub fn append(&self, name: &str, line: &str) -> Result<(), CliError> {
        Ok(self.folder.append(name, line)?)
    }

    pub fn remove(&self, name: &str) -> Result<(), CliError> {
        Ok(self.folder.remove(name)?)
    }

    pub fn remove_folder(&self, name: &str) -> Result<(), CliError> {
        Ok(self.folder.remove_folder(name)?)
    }

    /// What a file of JSON holds, if there is one.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CliError> {
        let Some(bytes) = self.whole(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes);
        Ok(Some(value.map_err(|error| self.damaged(name, error))?))
    }

    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), CliError> {
        self.write_marked(name, pretty(value)?)
    }

    /// The tensors and texts of a file, if there is one.
    pub fn tensors(&self, name: &str) -> Result<Option<(NamedTensors, Texts)>, CliError> {
        let Some(bytes) = self.whole(name)? else {
            return Ok(None);
        };
        let found = tensors::decode(&bytes);
        Ok(Some(found.map_err(|reason| self.damaged(name, reason))?))
    }

    pub fn write_tensors(
        &self,
        name: &str,
        tensors: &NamedTensors,
        texts: Texts,
    ) -> Result<(), CliError> {
        let bytes = tensors::encode(tensors, texts).map_err(CliError::Weights)?;
        self.write_marked(name, bytes)
    }

    /// The network of a file, if there is one, and the seconds that it took.
    pub fn module(&self, name: &str, like: &Zoo) -> Result<Option<(Zoo, f64)>, CliError> {
        let Some((mut tensors, texts)) = self.tensors(name)? else {
            return Ok(None);
        };
        let module = with_numbers(like.clone(), |name| {
            let place = tensors.iter().position(|(of, _)| of == name)?;
            Some(tensors.swap_remove(place).1)
        })
        .map_err(|error| self.damaged(name, error))?;
        Ok(Some((module, seconds(&texts))))
    }

    pub fn keep_module(&self, name: &str, module: &Zoo, seconds: f64) -> Result<(), CliError> {
        let texts = Texts::from([(SECONDS.to_owned(), seconds.to_string())]);
        self.write_tensors(name, &numbers(module), texts)
    }

    /// The error of a file that is what was written, and yet of no use.
    pub fn damaged(&self, name: &str, reason: impl ToString) -> CliError {
        let (path, reason) = (self.path().join(name), reason.to_string());
        let lost = "it is not what such a run keeps there".to_owned();
        OutputError::Damaged { path, reason, lost }.into()
    }
}

/// The seconds that something took, as they are told beside it.
pub(super) fn seconds(texts: &Texts) -> f64 {
    let told = texts.get(SECONDS).and_then(|text| text.parse().ok());
    told.unwrap_or(0.0)
}

fn pretty(value: &impl Serialize) -> Result<Vec<u8>, CliError> {
    let json = serde_json::to_vec_pretty(value);
    let mut json = json.map_err(|error| OutputError::encode("a part of the run", error))?;
    json.push(b'\n');
    Ok(json)
}
