//! The folder of a run that can be taken up again: what it was asked, and what it has kept so far.

use std::path::{Path, PathBuf};

use backdraft_models::{Zoo, numbers, with_numbers};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    BURN, CliError,
    differences::differences,
    tensors::{self, Tensors, Texts},
};
use crate::output::{Contents, OutputError, WorkFolder};

/// The keys of a record.
pub(super) const SETTINGS: &str = "settings";
pub(super) const VERSIONS: &str = "versions";

/// What is told beside a network.
pub(super) const SECONDS: &str = "seconds";

/// What makes a run's numbers, beside its settings.
pub(super) fn versions() -> Value {
    json!({ "backdraft": env!("CARGO_PKG_VERSION"), "burn": BURN })
}

/// Where a run goes.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A folder that may hold an earlier part of it.
    Named(PathBuf),
    /// A new folder below `runs`, of this name and a number.
    Fresh(String),
}

/// What a run of one kind is called, and keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// With its article.
    pub name: &'static str,
    pub contents: Contents,
}

/// A folder that this process alone works in, with the settings of the run.
pub(super) struct RunFolder {
    folder: WorkFolder,
}

impl RunFolder {
    /// Opens the folder for `settings`: an earlier run of the same goes on, one of others is refused unless it is to be overwritten.
    pub fn open(
        place: &Place,
        kind: Kind,
        settings: &impl Serialize,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        let Kind { name, contents } = kind;
        let folder = match place {
            Place::Named(path) => WorkFolder::open(path, contents)?,
            Place::Fresh(name) => WorkFolder::numbered("runs", name, contents)?,
        };
        let folder = Self { folder };
        if overwrite {
            folder.folder.clear()?;
        }
        match folder.json::<Value>(contents.record)? {
            None => {
                let record = json!({ SETTINGS: settings, VERSIONS: versions() });
                folder.folder.begin(&pretty(&record)?)?;
            }
            Some(record) => refuse_others(folder.path(), name, settings, &record[SETTINGS])?,
        }
        Ok(folder)
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

    pub fn remove(&self, name: &str) -> Result<(), CliError> {
        Ok(self.folder.remove(name)?)
    }

    pub fn remove_folder(&self, name: &str) -> Result<(), CliError> {
        Ok(self.folder.remove_folder(name)?)
    }

    /// What a file of JSON holds, if there is one.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CliError> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes);
        Ok(Some(value.map_err(|error| self.damaged(name, error))?))
    }

    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), CliError> {
        self.write(name, &pretty(value)?)
    }

    /// The tensors and texts of a file, if there is one.
    pub fn tensors(&self, name: &str) -> Result<Option<(Tensors, Texts)>, CliError> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        let found = tensors::decode(&bytes);
        Ok(Some(found.map_err(|reason| self.damaged(name, reason))?))
    }

    pub fn write_tensors(
        &self,
        name: &str,
        tensors: &Tensors,
        texts: Texts,
    ) -> Result<(), CliError> {
        let bytes = tensors::encode(tensors, texts).map_err(CliError::Weights)?;
        self.write(name, &bytes)
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

    /// The error of a file that is not what it was.
    pub fn damaged(&self, name: &str, reason: impl ToString) -> CliError {
        let (path, reason) = (self.path().join(name), reason.to_string());
        OutputError::Damaged { path, reason }.into()
    }
}

/// The seconds that something took, as they are told beside it.
pub(super) fn seconds(texts: &Texts) -> f64 {
    let told = texts.get(SECONDS).and_then(|text| text.parse().ok());
    told.unwrap_or(0.0)
}

/// Refuses a folder whose record holds other settings.
pub(super) fn refuse_others(
    path: &Path,
    what: &str,
    own: &impl Serialize,
    record: &Value,
) -> Result<(), CliError> {
    let found = differences(own, record)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(CliError::Option {
        option: "--out",
        problem: format!(
            "{} holds {what} with other settings: {}; give the same to go on, --overwrite to begin anew, or another folder",
            path.display(),
            found.join(", ")
        ),
    })
}

fn pretty(value: &impl Serialize) -> Result<Vec<u8>, CliError> {
    let json = serde_json::to_vec_pretty(value);
    let mut json = json.map_err(|error| OutputError::encode("a part of the run", error))?;
    json.push(b'\n');
    Ok(json)
}
