//! The folder of `explain`: what is done stays done.

use std::{fs, io::ErrorKind, path::Path};

use backdraft::attribution::{self, StoreError};
use backdraft_curvature::LinearOperator;
use backdraft_models::{Zoo, quote};
use burn::tensor::{Tensor, TensorData};

use super::{checksums, dampings, settings::ScoreSettings};
use crate::{
    CliError,
    inputs::WRONG_LABELS,
    progress::warn,
    run_folder::{Kind, RunFolder, RunPlace, SECONDS, seconds},
    tensors::Texts,
    train::state,
    weights,
};
use backdraft_report::{
    Contents, GROUPS_FILE, LEVERAGE_FILE, OutputError, Record, Report, RunRecord,
    SELF_INFLUENCE_FILE, ScoreRecord, SolveRecord, WorkFolder,
};

/// What was asked.
const ASKED: &str = "explain.json";
/// Where training stands, until it has ended.
const STATE: &str = state::FILE;
/// What is known so far, until the run is whole.
const PARTS: &str = "parts";
const MODEL: &str = "parts/model.safetensors";
/// The scores of further dampings, a folder each.
pub(super) const DAMPINGS: &str = "dampings";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 6] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    ScoreRecord::FILE,
    ScoreRecord::TOP_FILE,
    Report::FILE,
];

const KIND: Kind = Kind {
    name: "a run",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            ScoreRecord::FILE,
            ScoreRecord::TOP_FILE,
            SELF_INFLUENCE_FILE,
            LEVERAGE_FILE,
            GROUPS_FILE,
            Report::FILE,
            checksums::FILE,
            STATE,
            PARTS,
            DAMPINGS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &[
        "parts/solution-",
        "parts/scores-",
        "parts/newton-",
        "parts/groups",
        "parts/response-",
    ],
};

/// What a row of scores holds.
const SCORES: &str = "scores";
const BOUNDS: &str = "bounds";
/// What is told beside a solution and a row of scores.
const SOLVE: &str = "solve";
const SOLVING: &str = "solving";

/// The folder of one run.
pub(crate) struct ExplainFolder {
    folder: RunFolder,
}

/// A solved system, and the seconds that it took.
pub(crate) struct Solved {
    pub vector: Tensor<1>,
    pub record: SolveRecord,
    pub seconds: f64,
}

/// The scores of one query.
pub(super) struct QueryScores {
    /// One for each training example, in the units that the network is trained with.
    pub values: Vec<f64>,
    /// How far each can be from that of the exact solution, if that is known.
    pub bounds: Option<Vec<f64>>,
    pub record: SolveRecord,
    /// That the system took, and the scores.
    pub solving: f64,
    pub scoring: f64,
}

impl ExplainFolder {
    /// Opens the folder. A run that came to its end is kept unless it is to be overwritten, or a file of it is damaged:
    /// then it is made anew.
    pub(super) fn open(
        place: &RunPlace,
        asked: &ScoreSettings<'_>,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        if let (RunPlace::Named(path), false) = (place, overwrite)
            && WorkFolder::is_whole(path, KIND.contents)
        {
            // What a run leaves that is killed after its last file.
            if [PARTS, STATE].iter().any(|name| path.join(name).exists()) {
                let folder = WorkFolder::open(path, KIND.contents)?;
                folder.remove_folder(PARTS)?;
                folder.remove(STATE)?;
            }
            return Self::mend(path, asked);
        }
        let folder = RunFolder::open(place, KIND, asked, overwrite)?;
        if folder.read(RunRecord::FILE)?.is_some() {
            // Another process has just ended it.
            let path = folder.path().to_path_buf();
            return Err(OutputError::Exists { path }.into());
        }
        Ok(Self { folder })
    }

    /// A whole run of which a file is damaged, to be made anew.
    fn mend(path: &Path, asked: &ScoreSettings<'_>) -> Result<Self, CliError> {
        let broken = checksums::broken(|name| match fs::read(path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => {
                let path = path.join(name);
                Err(OutputError::Io { path, source }.into())
            }
        })?;
        if broken.is_empty() {
            let path = path.to_path_buf();
            return Err(OutputError::Exists { path }.into());
        }
        let folder = RunFolder::open(&RunPlace::Named(path.to_path_buf()), KIND, asked, false)?;
        for (name, reason) in broken {
            warn(format_args!(
                "{} is damaged ({reason}): the run is made anew",
                quote::path(&path.join(name))
            ));
        }
        // It said that the run is whole.
        folder.remove(RunRecord::FILE)?;
        Ok(Self { folder })
    }

    /// Puts the record in place, with the digests of all, also of the scores of `further` dampings.
    pub(super) fn finish(&self, record: &[u8], further: &[f64]) -> Result<(), CliError> {
        let mut files = WHOLE.map(String::from).to_vec();
        files.extend([SELF_INFLUENCE_FILE, LEVERAGE_FILE, GROUPS_FILE].map(String::from));
        for damping in further {
            let names = [ScoreRecord::FILE, ScoreRecord::TOP_FILE];
            files.extend(names.map(|name| format!("{}/{name}", dampings::folder(*damping))));
        }
        checksums::write(&self.folder, &files, record)?;
        self.folder.write(RunRecord::FILE, record)?;
        self.tidy()
    }

    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The network, if it is there, and the seconds that its training took.
    pub fn model(&self, like: &Zoo) -> Result<Option<(Zoo, f64)>, CliError> {
        let found = self.folder.module(MODEL, like)?;
        self.folder.bind()?;
        Ok(found)
    }

    /// Keeps the network; where training stood on the way to it is let go.
    pub fn keep_model(&self, model: &Zoo, seconds: f64) -> Result<(), CliError> {
        self.folder.keep_module(MODEL, model, seconds)?;
        self.folder.remove(STATE)
    }

    /// The solution of a system, in the place of `matrix`. Systems are those of all queries for the first damping, and
    /// so on.
    pub fn solved(
        &self,
        system: usize,
        matrix: &dyn LinearOperator,
    ) -> Result<Option<Solved>, CliError> {
        let name = solution(system);
        let Some((mut tensors, texts)) = self.folder.tensors(&name)? else {
            return Ok(None);
        };
        let (Some(record), Some((_, vector))) = (record(&texts), tensors.pop()) else {
            return Err(self.folder.damaged(&name, "it holds no solution"));
        };
        Ok(Some(Solved {
            vector: Tensor::from_data(vector, (&matrix.device(), matrix.dtype())),
            record,
            seconds: seconds(&texts),
        }))
    }

    pub fn keep_solved(&self, system: usize, solved: &Solved) -> Result<(), CliError> {
        let vector = vec![("solution".to_owned(), solved.vector.to_data())];
        let texts = Texts::from([
            (SECONDS.to_owned(), solved.seconds.to_string()),
            (SOLVE.to_owned(), json(&solved.record)?),
        ]);
        self.folder.write_tensors(&solution(system), &vector, texts)
    }

    /// The scores of a system's query, if they are known.
    pub(super) fn scored(&self, system: usize) -> Result<Option<QueryScores>, CliError> {
        let name = scores(system);
        let Some((mut tensors, texts)) = self.folder.tensors(&name)? else {
            return Ok(None);
        };
        let mut numbers = |name: &str| {
            let place = tensors.iter().position(|it| it.0 == name)?;
            tensors.swap_remove(place).1.try_into_vec::<f64>().ok()
        };
        let (values, bounds) = (numbers(SCORES), numbers(BOUNDS));
        let (Some(record), Some(values)) = (record(&texts), values) else {
            return Err(self.folder.damaged(&name, "it holds no scores"));
        };
        let solving = texts.get(SOLVING).and_then(|text| text.parse().ok());
        Ok(Some(QueryScores {
            values,
            bounds,
            record,
            solving: solving.unwrap_or(0.0),
            scoring: seconds(&texts),
        }))
    }

    /// Keeps the scores of a system's query; the solution that they come from is let go,
    /// unless it is needed later.
    pub(super) fn keep_scored(
        &self,
        system: usize,
        scored: QueryScores,
        needed: bool,
    ) -> Result<(), CliError> {
        let shape = [scored.values.len()];
        let numbers = |name: &str, values| (name.to_owned(), TensorData::new(values, shape));
        let mut values = vec![numbers(SCORES, scored.values)];
        values.extend(scored.bounds.map(|bounds| numbers(BOUNDS, bounds)));
        let texts = Texts::from([
            (SECONDS.to_owned(), scored.scoring.to_string()),
            (SOLVING.to_owned(), scored.solving.to_string()),
            (SOLVE.to_owned(), json(&scored.record)?),
        ]);
        self.folder.write_tensors(&scores(system), &values, texts)?;
        match needed {
            true => Ok(()),
            false => self.folder.remove(&solution(system)),
        }
    }

    /// After a failure: a run of which nothing is known yet leaves no folder that other settings would be refused in.
    pub fn abandon_if_empty(self) -> Result<(), CliError> {
        match [PARTS, STATE].iter().any(|name| self.folder.holds(name)) {
            true => Ok(()),
            false => self.folder.abandon(),
        }
    }

    /// Lets go of what was kept on the way, once the run is whole.
    fn tidy(&self) -> Result<(), CliError> {
        self.folder.remove(STATE)?;
        self.folder.remove_folder(PARTS)
    }
}

/// Of a verification, among the parts.
impl attribution::Store for ExplainFolder {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.folder.whole(&part(key)).map_err(CliError::in_store)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let marked = self.folder.write_marked(&part(key), value.to_vec());
        marked.map_err(CliError::in_store)
    }
}

fn part(key: &str) -> String {
    format!("{PARTS}/{key}")
}

fn solution(system: usize) -> String {
    format!("{PARTS}/solution-{system}.safetensors")
}

fn scores(system: usize) -> String {
    format!("{PARTS}/scores-{system}.safetensors")
}

fn record(texts: &Texts) -> Option<SolveRecord> {
    serde_json::from_str(texts.get(SOLVE)?).ok()
}

fn json(record: &SolveRecord) -> Result<String, CliError> {
    serde_json::to_string(record).map_err(|error| OutputError::encode("a solution", error).into())
}
