//! Solutions of queries' systems, among the parts of a run.

use backdraft_curvature::LinearOperator;
use backdraft_report::{OutputError, SolveRecord};
use burn::tensor::Tensor;

use super::{RunFolder, SECONDS, seconds};
use crate::{CliError, tensors::Texts};

/// The folder of what is known so far, until the run is whole.
pub(crate) const PARTS: &str = "parts";
/// How a system was solved, as it is told beside what came of it.
pub(crate) const SOLVE: &str = "solve";

/// A solved system, and the seconds that it took.
pub(crate) struct Solved {
    pub vector: Tensor<1>,
    pub record: SolveRecord,
    pub seconds: f64,
}

impl RunFolder {
    /// The solution of a system, in the place of `matrix`. Systems are those of all queries for the first damping, and
    /// so on.
    pub fn solved(
        &self,
        system: usize,
        matrix: &dyn LinearOperator,
    ) -> Result<Option<Solved>, CliError> {
        let name = solution(system);
        let Some((mut tensors, texts)) = self.tensors(&name)? else {
            return Ok(None);
        };
        let (Some(record), Some((_, vector))) = (solve_record(&texts), tensors.pop()) else {
            return Err(self.damaged(&name, "it holds no solution"));
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
            (SOLVE.to_owned(), solve_json(&solved.record)?),
        ]);
        self.write_tensors(&solution(system), &vector, texts)
    }

    /// Lets go of the solution of a system.
    pub fn remove_solved(&self, system: usize) -> Result<(), CliError> {
        self.remove(&solution(system))
    }
}

fn solution(system: usize) -> String {
    format!("{PARTS}/solution-{system}.safetensors")
}

pub(crate) fn solve_record(texts: &Texts) -> Option<SolveRecord> {
    serde_json::from_str(texts.get(SOLVE)?).ok()
}

pub(crate) fn solve_json(record: &SolveRecord) -> Result<String, CliError> {
    serde_json::to_string(record).map_err(|error| OutputError::encode("a solution", error).into())
}
