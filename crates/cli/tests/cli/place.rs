//! A folder to run the command line in, and what its runs leave there.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use backdraft_report::{Record, RunRecord, ScoreRecord};
pub use backdraft_test_support::Outcome;
use backdraft_test_support::relative_error;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, which is removed in the end.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> io::Result<Self> {
        TempDir::new().map(Self)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command line in this folder, with arguments that hold no spaces.
    pub fn backdraft(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
        command
            .current_dir(self.path())
            .args(arguments.split_whitespace())
            // Without it some graphics drivers complain on standard error.
            .env("XDG_RUNTIME_DIR", self.path())
            // Of a graphics device's kernels the first that serves, not the fastest: fewer are compiled.
            .env("CUBECL_AUTOTUNE_LEVEL", "minimal");
        command
    }

    /// Starts the command line in this folder, unheard.
    pub fn start(&self, arguments: &str) -> io::Result<Child> {
        self.start_into(arguments, Stdio::null())
    }

    /// The same with its errors and warnings in the file `heard`.
    pub fn start_heard(&self, arguments: &str) -> io::Result<Child> {
        let heard = fs::File::create(self.path().join("heard"))?;
        self.start_into(arguments, heard.into())
    }

    fn start_into(&self, arguments: &str, errors: Stdio) -> io::Result<Child> {
        std::process::Command::new(env!("CARGO_BIN_EXE_backdraft"))
            .current_dir(self.path())
            .args(arguments.split_whitespace())
            .env("XDG_RUNTIME_DIR", self.path())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
    }

    /// Starts the command line and kills it, without a chance to tidy up, once `reached`. False if it ended first.
    pub fn kill_when(&self, arguments: &str, reached: impl Fn() -> bool) -> io::Result<bool> {
        let mut child = self.start(arguments)?;
        let began = Instant::now();
        while !reached() {
            if child.try_wait()?.is_some() {
                return Ok(false);
            }
            assert!(began.elapsed() < Duration::from_secs(120), "never reached");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill()?;
        Ok(!child.wait()?.success())
    }

    /// Runs the command line until it comes to `file`, where it ends, for a folder has that name.
    pub fn stop_at(&self, arguments: &str, file: &str) -> io::Result<()> {
        let path = self.path().join(file);
        fs::create_dir_all(&path)?;
        let stopped = self.backdraft(arguments).assert().failure();
        let said = String::from_utf8_lossy(&stopped.get_output().stderr).into_owned();
        assert!(said.contains(file), "{said}");
        fs::remove_dir(&path)
    }

    /// Runs `explain` to its good end and reads what it left in `out`.
    pub fn explain(&self, arguments: &str, out: &str) -> Result<Run, Box<dyn Error>> {
        let mut command = self.backdraft(&format!("explain {arguments} --out {out}"));
        let done = command.assert().success();
        let stdout = String::from_utf8(done.get_output().stdout.clone())?;
        Run::read(self.path().join(out), stdout)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)
    }

    /// Every file with its bytes and every folder, below this one.
    pub fn contents(&self) -> io::Result<BTreeMap<PathBuf, Option<Vec<u8>>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path.clone());
                    found.insert(path, None);
                } else {
                    let bytes = fs::read(&path)?;
                    found.insert(path, Some(bytes));
                }
            }
        }
        Ok(found)
    }
}

/// What a run said and wrote.
pub struct Run {
    pub stdout: String,
    pub folder: PathBuf,
    pub record: Value,
    pub queries: Vec<i64>,
    /// One row a query, or one for their mean.
    pub scores: Vec<Vec<f64>>,
    pub top: Vec<Top>,
}

/// A row of `top.csv`: query or `mean`, rank, kind, training example, its label and its score.
pub type Top = (String, usize, String, usize, String, f64);

/// Queries, and a row of scores for each.
pub type Scores = (Vec<i64>, Vec<Vec<f64>>);

/// The scores in a folder.
pub fn scores(folder: &Path) -> Result<Scores, Box<dyn Error>> {
    let bytes = fs::read(folder.join(ScoreRecord::FILE))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let queries = file.tensor("queries")?;
    let queries = queries.data().chunks_exact(8);
    let queries = queries.map(|bytes| Ok(i64::from_le_bytes(bytes.try_into()?)));
    let scores = file.tensor("scores")?;
    let [rows, train] = scores.shape() else {
        return Err(format!("scores of shape {:?}", scores.shape()).into());
    };
    let bytes = scores.data();
    let values: Vec<f64> = match scores.dtype() {
        Dtype::F32 => {
            let (values, _) = bytes.as_chunks();
            values
                .iter()
                .map(|it| f32::from_le_bytes(*it).into())
                .collect()
        }
        _ => {
            let (values, _) = bytes.as_chunks();
            values.iter().map(|it| f64::from_le_bytes(*it)).collect()
        }
    };
    assert_eq!(values.len(), rows * train);
    let rows = values.chunks_exact(*train).map(<[f64]>::to_vec).collect();
    Ok((queries.collect::<Result<_, Box<dyn Error>>>()?, rows))
}

impl Run {
    fn read(folder: PathBuf, stdout: String) -> Result<Self, Box<dyn Error>> {
        let record = serde_json::from_slice(&fs::read(folder.join(RunRecord::FILE))?)?;
        let (queries, scores) = scores(&folder)?;
        let top = csv::Reader::from_path(folder.join(ScoreRecord::TOP_FILE))?
            .deserialize()
            .collect::<Result<_, _>>()?;
        Ok(Self {
            stdout,
            record,
            queries,
            scores,
            top,
            folder,
        })
    }

    /// The bytes of one of the run's files.
    pub fn file(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name))
    }

    /// A number of the record, by its path such as `/verification/pearson`; NaN where there is none.
    pub fn number(&self, path: &str) -> f64 {
        let value = self.record.pointer(path);
        value.and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// `|a - b| / |b|` of two runs' scores in the Euclidean norm, the worst of their queries.
    pub fn difference(&self, other: &Self) -> f64 {
        assert_eq!(self.queries, other.queries);
        let rows = self.scores.iter().zip(&other.scores);
        let differences = rows.map(|(a, b)| relative_error(a, b));
        differences.fold(0.0, f64::max)
    }
}
