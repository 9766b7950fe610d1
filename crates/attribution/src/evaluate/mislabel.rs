//! How soon influence finds wrong labels.

use std::collections::BTreeMap;

use backdraft_curvature::CurvatureError;
use backdraft_influence::response::Removal;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    DamagedEntry, EvaluateError, Evaluation, FailedRemoval, RankBy, Ranking, Stage,
    answers::Answers,
    correlation::losses,
    error::StageError,
    run::{RemovalResult, RemovalResults},
};

/// The stream of random numbers of the order at random.
const STREAM: u64 = 4;

/// How soon each ranking finds the wrong labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mislabel {
    /// Those asked for.
    pub rankings: BTreeMap<RankBy, Ranking>,
    /// Examples without a score of influence and PBRF, with the reason; they are inspected last.
    pub failed: Vec<FailedRemoval>,
    /// Examples whose influence estimate has a residual above the solver's tolerance.
    pub unsolved: usize,
    /// How many examples are left to other shards.
    pub left: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

/// The change of an example's own loss when it is removed, by what was asked for.
#[derive(Serialize, Deserialize)]
struct Suspicion {
    example: usize,
    /// As it is predicted.
    influence: Option<f64>,
    /// Under the proximal Bregman response.
    pbrf: Option<f64>,
    /// Whether the estimate, if any, has a residual within the solver's tolerance.
    solved: bool,
}

impl RemovalResult for Suspicion {
    fn is_finite(&self) -> bool {
        let mut both = [self.influence, self.pbrf].into_iter().flatten();
        both.all(f64::is_finite)
    }
}

impl Evaluation<'_> {
    /// How soon the training examples of wrong labels, `wrong`, are found by inspecting the examples in the order of
    /// each of `rankings` (Bae et al. 2022, F.3 and Figure 6; Koh & Liang 2017, Section 5.4). By influence and by the
    /// PBRF every training example is removed by itself; what is under neither takes a pass over the data alone.
    ///
    /// Conjugate gradients solve for as many as 128 examples beside each other as one block, whose numbers, which
    /// depend on it within the tolerance, are the same however the evaluation is stopped or divided.
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
        let found = self.suspicions(&losses, rankings)?;
        let scores = |of: fn(&Suspicion) -> Option<f64>| {
            let mut scores = vec![None; n];
            for it in &found.done {
                scores[it.example] = of(it);
            }
            scores
        };
        let ranking = |by: &RankBy| match by {
            RankBy::Influence => Ranking::of(scores(|it| it.influence), wrong),
            RankBy::Pbrf => Ranking::of(scores(|it| it.pbrf), wrong),
            RankBy::Loss => Ranking::of(losses.iter().copied().map(Some).collect(), wrong),
            RankBy::Random => {
                let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
                rng.set_stream(STREAM);
                let mut order: Vec<usize> = (0..n).collect();
                order.shuffle(&mut rng);
                Ranking::ordered(order, wrong)
            }
        };
        Ok(Mislabel {
            rankings: rankings.iter().map(|by| (*by, ranking(by))).collect(),
            unsolved: found.done.iter().filter(|it| !it.solved).count(),
            failed: found.failed,
            left: found.left,
            damaged: found.damaged,
        })
    }

    /// The changes of every example's own loss, which is `before`, as far as `rankings` ask for them.
    fn suspicions(
        &self,
        before: &[f64],
        rankings: &[RankBy],
    ) -> Result<RemovalResults<Suspicion>, EvaluateError> {
        let [influence, pbrf] = [RankBy::Influence, RankBy::Pbrf].map(|by| rankings.contains(&by));
        let name = match (influence, pbrf) {
            (false, false) => return Ok(RemovalResults::default()),
            (true, false) => "self-influence",
            (false, true) => "self-response",
            (true, true) => "self-influence-and-response",
        };
        let n = before.len();
        let removals: Vec<_> = (0..n).map(|i| Removal::of(vec![i], n)).collect();
        let measure = |answers: &mut Answers<'_, '_>| {
            let example = answers.removed()[0];
            let own = answers.run.evaluation.cost().select(&[example])?;
            let (mut predicted, mut found, mut solved) = (None, None, true);
            if influence {
                let estimate = answers.estimate()?;
                let change = own.directional_derivatives(estimate.change)?;
                predicted = Some(change.try_into_scalar().map_err(CurvatureError::from)?);
                solved = estimate.solved;
            }
            if pbrf {
                let response = answers.fresh(Stage::Pbrf)?;
                found = Some(losses(&own.at(response)?)?[0] - before[example]);
            }
            Ok::<_, StageError>(Suspicion {
                example,
                influence: predicted,
                pbrf: found,
                solved,
            })
        };
        self.run(&removals, influence, |run| {
            run.over(&removals, name, measure)
        })
    }
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
