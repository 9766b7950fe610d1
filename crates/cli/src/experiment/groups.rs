//! `backdraft sweep --over removed --groups`: what the removal of groups does, beside what is predicted of it.

use std::path::PathBuf;

use backdraft::attribution::evaluate::{GroupKind, GroupSource, RetrainFrom, sweep};
use backdraft_models::{data::Targets, quote};
use serde::Serialize;

use super::{
    args::{Common, Group, RemovalArgs, Sweeping},
    draw::Removed,
    folder::{ExperimentFolder, GROUPS, SWEEP, check_parts},
    output::{open, show},
    plan::{PreparedExperiment, Question, prepare},
    subject::Subject,
};
use crate::{
    CliError,
    args::SolverName,
    progress::{say, warn},
};
use backdraft_report::{
    brief,
    experiment::{GroupsPointRecord, GroupsRecord},
};

/// The residual to which both predictions are solved for, unless an option says otherwise.
const TOLERANCE: f64 = 1e-8;
/// Test examples unless an option says otherwise.
pub(super) const TESTS: usize = 10;

/// What decides it, beside what decides each part.
#[derive(Serialize)]
struct GroupSettings<'a> {
    command: &'static str,
    over: &'static str,
    values: &'a [f64],
    groups: &'a [GroupKind],
    l2: &'a [f64],
}

/// Effects of groups of several sizes and kinds, for several strengths of the L2 term.
pub(super) struct GroupSweep<'a> {
    args: &'a Sweeping,
    out: PathBuf,
    /// Percentages of the training examples.
    values: &'a [f64],
    kinds: Vec<GroupKind>,
    l2: Vec<f64>,
}

impl<'a> GroupSweep<'a> {
    /// Into the folder `out`.
    pub fn new(args: &'a Sweeping, values: &'a [f64], out: PathBuf) -> Result<Self, CliError> {
        let twice = |option, what: String| {
            let problem = format!("has {what} twice");
            Err(CliError::Option { option, problem })
        };
        let mut kinds: Vec<GroupKind> = Vec::new();
        for name in &args.groups {
            let kind = name.kind();
            if kinds.contains(&kind) {
                return twice("--groups", kind.name().to_owned());
            }
            kinds.push(kind);
        }
        for (place, l2) in args.l2.iter().enumerate() {
            if args.l2[..place].contains(l2) {
                return twice("--l2", brief(*l2));
            }
        }
        let mut found = Self {
            args,
            out,
            values,
            kinds,
            l2: args.l2.clone(),
        };
        if found.l2.is_empty() {
            let (_, prepared) = found.prepared(None)?;
            found.l2 = vec![prepared.plan.training.weight_decay];
        }
        Ok(found)
    }

    /// Computes and shows it all, or says what is left to other parts.
    pub fn run(&self) -> Result<(), CliError> {
        let folder = self.open()?;
        let told = |l2: f64| {
            self.effects(l2).inspect_err(|error| {
                if error.concerns_one_value() {
                    warn(format_args!("l2 {} is given up: {error}", brief(l2)));
                }
            })
        };
        let found = sweep(&self.l2, told, CliError::concerns_one_value)?;
        if found.iter().any(|it| matches!(it.found, Ok(None))) {
            say(format_args!(
                "\nsome groups are left to other parts; `--merge DIR,..` puts the parts together. In {}",
                quote::path(&self.out)
            ));
            return Ok(());
        }
        let (mut points, mut failures) = (Vec::new(), Vec::new());
        for it in found {
            match it.found {
                Ok(point) => points.extend(point),
                Err(failure) => failures.push((it.value, failure)),
            }
        }
        if let (true, Some((l2, reason))) = (points.is_empty(), failures.first()) {
            return Err(CliError::Experiment {
                count: failures.len(),
                parts: "values of --l2",
                stage: format!("l2 {}", brief(*l2)),
                reason: reason.clone(),
            });
        }
        let record = GroupsRecord { points, failures };
        folder.write(GroupsRecord::CSV, &record.to_csv()?)?;
        show(&folder, &record)
    }

    /// Opens the folder, once everything is known to be possible.
    fn open(&self) -> Result<ExperimentFolder, CliError> {
        let Common { merge, folder, .. } = &self.args.common;
        let settings = GroupSettings {
            command: "groups",
            over: self.args.over.name(),
            values: self.values,
            groups: &self.kinds,
            l2: &self.l2,
        };
        check_parts(merge, &settings, &self.out)?;
        for &l2 in &self.l2 {
            let (common, prepared) = self.prepared(Some(l2))?;
            check_parts(&common.merge, &prepared.plan, &prepared.out)?;
        }
        ExperimentFolder::open(&self.out, SWEEP, &settings, folder.overwrite)
    }

    /// The effects with one strength of the L2 term; none if groups are left to other parts.
    fn effects(&self, l2: f64) -> Result<Option<GroupsPointRecord>, CliError> {
        let (common, prepared) = self.prepared(Some(l2))?;
        say(format_args!("\nl2 {}", brief(l2)));
        let folder = open(&common, &prepared)?;
        let subject = Subject::new(&prepared, &folder)?;
        let nothing = || CliError::Option {
            option: "--tests",
            problem: "is 0: there is nothing to predict".to_owned(),
        };
        let (groups, tests) = (subject.removals(), subject.tests()?.ok_or_else(nothing)?);
        let from = match prepared.plan.lbfgs() {
            true => RetrainFrom::Trained,
            false => RetrainFrom::Initial,
        };
        let found = subject.evaluate(&common, |it| it.group_effects(&groups, &tests, from))?;
        if !subject.is_whole(found.effects.len() + found.failed.len(), found.left)? {
            return Ok(None);
        }
        let plan = &prepared.plan;
        let kind = |removed: &[usize]| {
            let place = plan.removals.iter().position(|it| it == removed);
            plan.groups[place.expect("it is one of those asked for")]
        };
        Ok(Some(GroupsPointRecord::new(
            l2,
            subject.setup(),
            plan.tests.clone(),
            found.effects.into_iter().map(|it| (kind(&it.removed), it)),
            found.failed,
        )))
    }

    /// The experiment with one strength of the L2 term, with its options; with the training's own if none is told.
    fn prepared(&self, l2: Option<f64>) -> Result<(Common, PreparedExperiment), CliError> {
        let mut common = self.args.common.clone();
        common.training.weight_decay = l2.or(common.training.weight_decay);
        let folder = format!("{GROUPS}-{}", brief(l2.unwrap_or(0.0)));
        let parts = common.merge.iter().map(|part| part.join(&folder));
        common.merge = parts.filter(|part| part.exists()).collect();
        common.folder.out = Some(self.out.join(folder));
        // The sweep's folder is cleared with all that is in it.
        common.folder.overwrite = false;
        // For a convex cost the L2 term is all the damping that there is, as it is for Koh et al.
        if self.is_convex()? && l2.is_none_or(|it| it > 0.0) {
            common.damping = Some(common.damping.unwrap_or(0.0));
        }
        let question = Question {
            command: "groups",
            tests: self.args.tests.unwrap_or(TESTS),
            corrupt_labels: None,
            removed: Removed::Drawn(RemovalArgs {
                points: 1,
                group: Group::Count(1),
            }),
            solver: SolverName::Cg,
            tolerance: Some(TOLERANCE),
            sweep: true,
        };
        let prepared = prepare(&common, question);
        let mut prepared = prepared.map_err(|error| match error {
            CliError::Option {
                option: "--weight-decay",
                problem,
            } if l2.is_some() => CliError::Option {
                option: "--l2",
                problem,
            },
            error => error,
        })?;
        self.draw(&mut prepared)?;
        Ok((common, prepared))
    }

    fn is_convex(&self) -> Result<bool, CliError> {
        Ok(self.args.common.model.kind()? == backdraft_models::Architecture::LogisticRegression)
    }

    /// Draws the groups, each once.
    fn draw(&self, prepared: &mut PreparedExperiment) -> Result<(), CliError> {
        let train = &prepared.dataset.train;
        let source = GroupSource {
            examples: train.rows,
            classes: match &train.targets {
                Targets::Classes(classes) => Some(classes),
                _ => None,
            },
            inputs: &train.features,
            seed: prepared.plan.seed,
        };
        let (mut removals, mut kinds) = (Vec::new(), Vec::new());
        for &kind in &self.kinds {
            for &value in self.values {
                let size = Group::Share(value / 100.0).of(train.rows);
                let count = self.args.removed.points;
                let groups = source.groups(kind, size, count);
                let groups = groups.map_err(|error| CliError::Option {
                    option: "--groups",
                    problem: format!("{}: {error}", kind.name()),
                })?;
                for group in groups.into_iter().flatten() {
                    if !removals.contains(&group.examples) {
                        removals.push(group.examples);
                        kinds.push(kind);
                    }
                }
            }
        }
        if removals.is_empty() {
            return Err(CliError::Option {
                option: "--values",
                problem: "has no size of which there is a group: no class has so many examples"
                    .to_owned(),
            });
        }
        prepared.plan.removals = removals;
        prepared.plan.groups = kinds;
        Ok(())
    }
}
