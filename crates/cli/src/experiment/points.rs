//! One removal after another.

use std::collections::BTreeMap;

use backdraft_influence::Inverse;
use backdraft_models::{Zoo, quote};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    args::{Common, Shard},
    estimate::Estimate,
    lab::Lab,
    plan::Prepared,
    stage::{Stage, StageError},
    store::{EXPERIMENT, REPORT, Store, check_parts},
};
use crate::{
    CliError,
    inputs::{WRONG_LABELS, wrong_labels},
    progress::{say, warn},
};
use backdraft_report::experiment::FailedPoint;

/// What became of one removal, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome<T> {
    Done(T),
    Failed(FailedPoint),
}

/// The seconds of each stage.
pub(super) type Seconds = BTreeMap<String, f64>;

/// What was found, and the removals that failed.
pub(super) type Found<T> = (Vec<T>, Vec<FailedPoint>);

/// Opens the folder, with what other folders have done.
pub(super) fn open(args: &Common, prepared: &Prepared) -> Result<Store, CliError> {
    check_parts(&args.merge, &prepared.plan, &prepared.out)?;
    let store = Store::open(
        &prepared.out,
        EXPERIMENT,
        &prepared.plan,
        args.folder.overwrite,
    )?;
    prepared.announce();
    store.merge(&args.merge, &prepared.plan)?;
    if let Some(noise) = &prepared.noise {
        let table = wrong_labels(noise, &prepared.dataset)?;
        store.write(WRONG_LABELS, table.as_bytes())?;
    }
    Ok(store)
}

/// The networks of one removal, as a measurement asks for them.
pub(super) struct Answers<'a, 'b> {
    lab: &'a Lab<'b>,
    position: usize,
    solver: &'a dyn Inverse,
    pub seconds: Seconds,
    /// What is being computed.
    stage: Stage,
    /// The influence estimate, once it is known.
    estimate: Option<Estimate>,
}

impl<'b> Answers<'_, 'b> {
    pub fn lab(&self) -> &Lab<'b> {
        self.lab
    }

    /// The indices of the examples.
    pub fn removed(&self) -> Vec<usize> {
        self.lab.plan.removals[self.position].clone()
    }

    /// The influence estimate, which is solved for once.
    pub fn estimate(&mut self) -> Result<Estimate, StageError> {
        self.stage = Stage::Influence;
        if let Some(estimate) = &self.estimate {
            return Ok(estimate.clone());
        }
        let (estimate, seconds) = self.lab.estimate(self.position, self.solver)?;
        self.seconds.insert(self.stage.name().into(), seconds);
        self.estimate = Some(estimate.clone());
        Ok(estimate)
    }

    /// What a response finds, computed and not kept on the way.
    pub fn fresh(&mut self, stage: Stage) -> Result<Zoo, StageError> {
        self.stage = stage;
        self.lab.find(stage, self.position)
    }

    pub fn get(&mut self, stage: Stage) -> Result<Zoo, StageError> {
        if stage == Stage::Influence {
            let change = self.estimate()?.change;
            return Ok(self.lab.at(self.lab.theta() + change)?);
        }
        self.stage = stage;
        let (found, seconds) = self.lab.answer(stage, self.position)?;
        self.seconds.insert(stage.name().into(), seconds);
        Ok(found)
    }
}

impl Lab<'_> {
    /// Measures every removal that is not done and is in `shard`: what all that are done have come to.
    /// `None` if some are left to other parts.
    pub fn points<T: Serialize + DeserializeOwned>(
        &self,
        shard: Option<Shard>,
        solver: &dyn Inverse,
        measure: impl Fn(&mut Answers<'_, '_>) -> Result<T, StageError>,
    ) -> Result<Option<Found<T>>, CliError> {
        let all = 0..self.plan.removals.len();
        let mine = |position: &usize| shard.is_none_or(|shard| shard.has(*position));
        let mut open = Vec::new();
        for position in all.clone().filter(mine) {
            if self.store.point::<Outcome<T>>(position)?.is_none() {
                open.push(position);
            }
        }
        let count = all.clone().filter(mine).count();
        self.bars.points(count - open.len(), count);
        self.open.replace(open.clone());
        for position in open {
            let mut answers = Answers {
                lab: self,
                position,
                solver,
                seconds: Seconds::new(),
                stage: Stage::Influence,
                estimate: None,
            };
            let outcome = match measure(&mut answers) {
                Ok(found) => Outcome::Done(found),
                Err(StageError::Run(error)) => return Err(error),
                Err(StageError::Point(reason)) => {
                    let failed = FailedPoint {
                        removed: self.plan.removals[position].clone(),
                        stage: answers.stage.name().into(),
                        reason,
                    };
                    self.bars.aside(|| {
                        warn(format_args!(
                            "removal {position} is given up at {}: {}",
                            failed.stage, failed.reason
                        ));
                    });
                    Outcome::Failed(failed)
                }
            };
            self.store.finish(position, &outcome)?;
            self.bars.point();
        }
        self.bars.end();
        self.collect(all)
    }

    /// All outcomes as they were kept, so that an experiment in one go and one in pieces have the same digits.
    fn collect<T: DeserializeOwned>(
        &self,
        all: std::ops::Range<usize>,
    ) -> Result<Option<Found<T>>, CliError> {
        let (mut done, mut failed, mut left) = (Vec::new(), Vec::new(), 0);
        for position in all {
            match self.store.point(position)? {
                Some(Outcome::Done(found)) => done.push(found),
                Some(Outcome::Failed(point)) => failed.push(point),
                None => left += 1,
            }
        }
        if left > 0 {
            say(format_args!(
                "{} removals are done, {left} left to other parts; `--merge DIR,..` puts the parts together. In {}",
                done.len() + failed.len(),
                quote::path(self.store.path())
            ));
            return Ok(None);
        }
        self.store.tidy()?;
        if let (true, Some(first)) = (done.is_empty(), failed.first()) {
            return Err(CliError::Experiment {
                count: failed.len(),
                parts: "removals",
                stage: first.stage.clone(),
                reason: first.reason.clone(),
            });
        }
        Ok(Some((done, failed)))
    }
}

/// Puts the results in place, and shows them.
pub(super) fn show(
    store: &Store,
    name: &str,
    json: &[u8],
    report: &str,
    table: &str,
) -> Result<(), CliError> {
    store.write(REPORT, report.as_bytes())?;
    // Last: it says that the experiment is whole.
    store.write(name, json)?;
    say(format_args!("\n{}", table.trim_end()));
    say(format_args!(
        "\nwritten to {}; open {}",
        quote::path(store.path()),
        quote::path(&store.path().join(REPORT))
    ));
    Ok(())
}
