//! Who plays: training examples, or groups of them.

use std::path::Path;

use backdraft::attribution::valuation::{PlayerGroups, ValuationError};
use backdraft_models::{data::Targets, quote};
use backdraft_report::valuation::Player;

use crate::{
    CliError,
    args::{GroupsOf, Shapley},
    display::target,
    groups,
    inputs::Inputs,
};

/// The name of the group of those that no other has.
const OTHERS: &str = "others";

/// The players, each a group of one example or more.
pub(super) struct Players {
    groups: PlayerGroups,
    /// Of the groups; none where players are examples.
    names: Option<Vec<String>>,
}

impl Players {
    pub fn of(args: &Shapley, inputs: &Inputs) -> Result<Self, CliError> {
        let rows = inputs.dataset.train.rows;
        let refused = |error: ValuationError| CliError::Option {
            option: "--groups",
            problem: error.to_string(),
        };
        let Some(asked) = &args.groups else {
            return Ok(Self {
                groups: PlayerGroups::singles(rows)?,
                names: None,
            });
        };
        let (groups, names) = match asked {
            GroupsOf::Classes => by_class(inputs)?,
            GroupsOf::Random(count) => {
                let groups = PlayerGroups::random(rows, *count, args.run.compute.seed);
                let names = (1..=*count).map(|it| it.to_string());
                (groups.map_err(refused)?, names.collect())
            }
            GroupsOf::File(path) => {
                let (members, names) = of_file(path, inputs)?;
                (PlayerGroups::new(members, rows).map_err(refused)?, names)
            }
        };
        Ok(Self {
            groups,
            names: Some(names),
        })
    }

    pub fn groups(&self) -> &PlayerGroups {
        &self.groups
    }

    pub fn count(&self) -> usize {
        self.groups.members().len()
    }

    pub fn is_grouped(&self) -> bool {
        self.names.is_some()
    }

    /// What of examples adds up over a player.
    pub fn summed(&self, of_examples: &[f64]) -> Vec<f64> {
        let members = self.groups.members().iter();
        members
            .map(|members| members.iter().map(|&it| of_examples[it]).sum())
            .collect()
    }

    /// As the files tell them.
    pub fn told(&self, inputs: &Inputs) -> Vec<Player> {
        let wrong = inputs
            .noise
            .as_ref()
            .map(|it| it.mask(inputs.dataset.train.rows));
        let is_wrong = |example: &&usize| wrong.as_ref().is_some_and(|it| it[**example]);
        let members = self.groups.members().iter().enumerate();
        members
            .map(|(place, members)| {
                let example = self.names.is_none().then_some(members[0]);
                let name = match &self.names {
                    Some(names) => names[place].clone(),
                    None => members[0].to_string(),
                };
                let dataset = &inputs.dataset;
                Player {
                    name,
                    examples: members.len(),
                    label: example.map(|it| target(dataset, &dataset.train, it)),
                    source: example.map(|it| dataset.train_place(it)),
                    wrong: members.iter().filter(is_wrong).count(),
                }
            })
            .collect()
    }
}

fn by_class(inputs: &Inputs) -> Result<(PlayerGroups, Vec<String>), CliError> {
    let Targets::Classes(classes) = &inputs.dataset.train.targets else {
        return Err(CliError::Option {
            option: "--groups",
            problem: format!(
                "classes: {} has a number to predict; take random:K, or a file",
                inputs.dataset.name
            ),
        });
    };
    let classes: Vec<usize> = classes.iter().map(|&it| it as usize).collect();
    let groups = PlayerGroups::of_classes(&classes)?;
    let names = groups.members().iter();
    let names = names.map(|it| inputs.dataset.task.classes()[classes[it[0]]].clone());
    let names = names.collect();
    Ok((groups, names))
}

/// The groups of a file as `explain --group` reads it, and the rest.
fn of_file(path: &Path, inputs: &Inputs) -> Result<(Vec<Vec<usize>>, Vec<String>), CliError> {
    let found = groups::read(path, &inputs.dataset, "--groups")?;
    let (mut members, mut names) = (Vec::new(), Vec::new());
    let mut rest = vec![true; inputs.dataset.train.rows];
    for group in found {
        if group.changes.iter().any(|it| it.1 != -1.0) {
            return Err(CliError::Option {
                option: "--groups",
                problem: format!(
                    "{} changes weights in group {}: a player is there or not; leave out the column weight_change",
                    quote::path(path),
                    quote::text(&group.name)
                ),
            });
        }
        let examples: Vec<usize> = group.changes.iter().map(|it| it.0).collect();
        examples.iter().for_each(|&it| rest[it] = false);
        members.push(examples);
        names.push(group.name);
    }
    let rest: Vec<usize> = (0..rest.len()).filter(|&it| rest[it]).collect();
    if !rest.is_empty() {
        members.push(rest);
        names.push(OTHERS.to_owned());
    }
    Ok((members, names))
}
