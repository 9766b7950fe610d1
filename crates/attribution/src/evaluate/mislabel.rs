//! How soon influence finds wrong labels.

use std::collections::BTreeMap;

use backdraft_curvature::CurvatureError;
use backdraft_influence::response::Removal;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{
    DamagedEntry, EvaluateError, Evaluation, FailedRemoval, RankBy, Ranking, Stage,
    answers::Answers,
    correlation::losses,
    error::StageError,
    run::{Found, Measured},
};

/// How soon each ranking finds the wrong labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mislabel {
    /// Those asked for.
    pub rankings: BTreeMap<RankBy, Ranking>,
    /// Examples without a score in a ranking, with the reason; they are inspected last.
    pub failed: Vec<FailedRemoval>,
    /// Examples whose influence estimate has a residual above the solver's tolerance.
    pub unsolved: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

/// The change of an example's own loss when it is removed.
struct Suspicion {
    example: usize,
    change: f64,
    /// Whether the estimate that it is by, if any, has a residual within the solver's tolerance.
    solved: bool,
}

impl Measured for Suspicion {
    fn numbers(&self) -> Vec<f64> {
        vec![self.change, f64::from(u8::from(self.solved))]
    }

    fn of(removal: &Removal, numbers: &[f64]) -> Option<Self> {
        match (removal.examples.as_slice(), numbers) {
            (&[example], &[change, solved]) => Some(Self {
                example,
                change,
                solved: solved == 1.0,
            }),
            _ => None,
        }
    }
}

impl Evaluation<'_> {
    /// How soon the training examples of wrong labels, `wrong`, are found by inspecting the examples in the order of
    /// each of `rankings` (Bae et al. 2022, F.3 and Figure 6; Koh & Liang 2017, Section 5.4). By influence and by the
    /// PBRF every training example is removed by itself; what is under neither takes a pass over the data alone.
    ///
    /// # Errors
    /// [`EvaluateError::Setting`] for no wrong labels or no ranking, or an example that does not exist or is named
    /// twice; otherwise as [`gaps`](Self::gaps).
    pub fn mislabel(
        &self,
        wrong: &[usize],
        rankings: &[RankBy],
    ) -> Result<Mislabel, EvaluateError> {
        let n = self.cost().len();
        check(wrong, rankings, n)?;
        let losses = losses(self.cost())?;
        let removals: Vec<_> = (0..n).map(|i| Removal::of(vec![i], n)).collect();
        self.run(|run| {
            let mut result = Mislabel {
                rankings: BTreeMap::new(),
                failed: Vec::new(),
                unsolved: 0,
                damaged: Vec::new(),
            };
            for by in rankings {
                let ranking = match by {
                    RankBy::Influence => {
                        let found = run.over(&removals, "self-influence", self_influence)?;
                        result.unsolved = found.done.iter().filter(|it| !it.solved).count();
                        result.ranked(found, n, wrong)
                    }
                    RankBy::Pbrf => {
                        let change =
                            |answers: &mut Answers<'_, '_>| self_response(answers, &losses);
                        let found = run.over(&removals, "self-response", change)?;
                        result.ranked(found, n, wrong)
                    }
                    RankBy::Loss => Ranking::of(losses.iter().copied().map(Some).collect(), wrong),
                    RankBy::Random => {
                        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
                        let mut order: Vec<usize> = (0..n).collect();
                        order.shuffle(&mut rng);
                        Ranking::ordered(order, wrong)
                    }
                };
                result.rankings.insert(*by, ranking);
            }
            Ok(result)
        })
    }
}

impl Mislabel {
    /// The ranking by what was found of `n` examples.
    fn ranked(&mut self, found: Found<Suspicion>, n: usize, wrong: &[usize]) -> Ranking {
        let mut scores = vec![None; n];
        for it in found.done {
            scores[it.example] = Some(it.change);
        }
        self.failed.extend(found.failed);
        self.damaged = found.damaged;
        Ranking::of(scores, wrong)
    }
}

/// The predicted change of an example's own loss when it is removed.
fn self_influence(answers: &mut Answers<'_, '_>) -> Result<Suspicion, StageError> {
    let example = answers.removal().examples[0];
    let estimate = answers.estimate()?;
    let own = answers.run.evaluation.cost().select(&[example])?;
    let change = own.directional_derivatives(estimate.change)?;
    Ok(Suspicion {
        example,
        change: change.try_into_scalar().map_err(CurvatureError::from)?,
        solved: estimate.solved,
    })
}

/// The change of an example's own loss under the proximal Bregman response to its removal; `before` are all losses.
fn self_response(answers: &mut Answers<'_, '_>, before: &[f64]) -> Result<Suspicion, StageError> {
    let example = answers.removal().examples[0];
    let theta = answers.get(Stage::Pbrf)?;
    let own = answers.run.evaluation.cost().select(&[example])?;
    let after = losses(&own.at(theta)?)?;
    Ok(Suspicion {
        example,
        change: after[0] - before[example],
        solved: true,
    })
}

/// Whether wrong labels can be looked for among `n` examples.
fn check(wrong: &[usize], rankings: &[RankBy], n: usize) -> Result<(), EvaluateError> {
    let refuse = |problem| Err(EvaluateError::setting("wrong", problem));
    if rankings.is_empty() {
        let problem = "are none: give at least one";
        return Err(EvaluateError::setting("rankings", problem));
    }
    if wrong.is_empty() {
        return refuse("is empty: there is nothing to find".to_owned());
    }
    let mut seen = vec![false; n];
    for &example in wrong {
        match seen.get_mut(example) {
            None => {
                return refuse(format!(
                    "names the example {example}: there are {n}, counted from 0"
                ));
            }
            Some(true) => return refuse(format!("names the example {example} twice")),
            Some(seen) => *seen = true,
        }
    }
    Ok(())
}
