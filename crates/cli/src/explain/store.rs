//! The folder of `explain`: what is done stays done.

use burn::tensor::TensorData;

use super::{dampings, stored::STORE};
use crate::{
    CliError,
    inputs::WRONG_LABELS,
    run_folder::{
        CHECKSUMS, Kind, MODEL, PARTS, PartsFolder, SECONDS, SOLVE, STATE, seconds, solve_json,
        solve_record,
    },
    tensors::Texts,
    weights,
};
use backdraft_report::{
    CLOSED_FORM_FILE, Contents, GROUPS_FILE, LEVERAGE_FILE, Record, Report, RunRecord,
    SELF_INFLUENCE_FILE, ScoreRecord, SolveRecord, TOKENS_FILE,
};

/// What was asked.
const ASKED: &str = "explain.json";
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

pub(super) const KIND: Kind = Kind {
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
            CLOSED_FORM_FILE,
            LEVERAGE_FILE,
            GROUPS_FILE,
            TOKENS_FILE,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
            DAMPINGS,
            STORE,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &[
        "parts/solution-",
        "parts/scores-",
        "parts/tokens-",
        "parts/newton-",
        "parts/groups",
        "parts/factors-",
        "parts/response-",
    ],
};

/// What a row of scores holds.
const SCORES: &str = "scores";
const BOUNDS: &str = "bounds";
/// What is told beside a row of scores.
const SOLVING: &str = "solving";

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

impl PartsFolder {
    /// Puts the record in place, with the digests of all, also of the scores of `further` dampings.
    pub(super) fn finish_scores(&self, record: &[u8], further: &[f64]) -> Result<(), CliError> {
        let mut files = WHOLE.map(String::from).to_vec();
        let further_files = [
            SELF_INFLUENCE_FILE,
            LEVERAGE_FILE,
            CLOSED_FORM_FILE,
            GROUPS_FILE,
            TOKENS_FILE,
        ];
        files.extend(further_files.map(String::from));
        for damping in further {
            let names = [ScoreRecord::FILE, ScoreRecord::TOP_FILE];
            files.extend(names.map(|name| format!("{}/{name}", dampings::folder(*damping))));
        }
        self.finish(record, &files)
    }

    /// The scores of a system's query, if they are known.
    pub(super) fn scored(&self, system: usize) -> Result<Option<QueryScores>, CliError> {
        let name = scores(system);
        let Some((mut tensors, texts)) = self.folder().tensors(&name)? else {
            return Ok(None);
        };
        let mut numbers = |name: &str| {
            let place = tensors.iter().position(|it| it.0 == name)?;
            tensors.swap_remove(place).1.try_into_vec::<f64>().ok()
        };
        let (values, bounds) = (numbers(SCORES), numbers(BOUNDS));
        let (Some(record), Some(values)) = (solve_record(&texts), values) else {
            return Err(self.folder().damaged(&name, "it holds no scores"));
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
            (SOLVE.to_owned(), solve_json(&scored.record)?),
        ]);
        self.folder()
            .write_tensors(&scores(system), &values, texts)?;
        match needed {
            true => Ok(()),
            false => self.folder().remove_solved(system),
        }
    }
}

fn scores(system: usize) -> String {
    format!("{PARTS}/scores-{system}.safetensors")
}
