//! The columns of a table: what they are called, and what each is for.

use std::collections::HashSet;

use super::options::LoadOptions;
use super::problem::TableProblem;
use super::table::number;

/// What a column is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnRole {
    Feature,
    /// A feature whose values are categories, whatever they look like.
    Category,
    Target,
    Part,
    Id,
    Ignored,
}

impl ColumnRole {
    pub(crate) fn is_feature(self) -> bool {
        matches!(self, Self::Feature | Self::Category)
    }

    /// What was asked of a column, in an error.
    fn asked(self) -> &'static str {
        match self {
            Self::Feature => "to read",
            Self::Category => "to take for categories",
            Self::Target => "to predict",
            Self::Part => "to tell the parts by",
            Self::Id => "to name the examples by",
            Self::Ignored => "to leave out",
        }
    }
}

/// The columns of a table.
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
    pub(crate) roles: Vec<ColumnRole>,
}

impl Header {
    /// Of the names in a file's head, each of which must be there and different from all others.
    pub(crate) fn of<'a>(
        names: impl Iterator<Item = &'a str>,
        options: &LoadOptions,
    ) -> Result<Self, TableProblem> {
        let names: Vec<String> = names.map(str::to_owned).collect();
        check(&names)?;
        let roles = roles(&names, options)?;
        Ok(Self { names, roles })
    }

    /// The columns of a role.
    pub(crate) fn with(&self, is: impl Fn(ColumnRole) -> bool) -> impl Iterator<Item = &String> {
        let named = self.names.iter().zip(&self.roles);
        named.filter(move |it| is(*it.1)).map(|it| it.0)
    }
}

fn check(names: &[String]) -> Result<(), TableProblem> {
    if names.is_empty() {
        return Err(TableProblem::Empty);
    }
    if names.iter().all(|name| number(name).is_ok()) {
        return Err(TableProblem::NoHeader);
    }
    if let Some(unnamed) = names.iter().position(String::is_empty) {
        return Err(TableProblem::UnnamedColumn {
            column: unnamed + 1,
        });
    }
    let mut seen = HashSet::new();
    match names.iter().find(|&name| !seen.insert(name)) {
        Some(column) => Err(TableProblem::DuplicateColumn {
            column: column.clone(),
        }),
        None => Ok(()),
    }
}

/// What each column is for.
fn roles(names: &[String], options: &LoadOptions) -> Result<Vec<ColumnRole>, TableProblem> {
    let Some(target) = &options.target else {
        let columns = names.to_vec();
        return Err(TableProblem::TargetNeeded { columns });
    };
    let table = &options.table;
    let mut roles = vec![ColumnRole::Feature; names.len()];
    let position = |name: &String| names.iter().position(|column| column == name);
    let Some(place) = position(target) else {
        return Err(TableProblem::UnknownTarget {
            target: target.clone(),
            columns: names.to_vec(),
        });
    };
    roles[place] = ColumnRole::Target;
    if let Some(split) = &options.split {
        match position(split) {
            Some(place) if roles[place] == ColumnRole::Feature => roles[place] = ColumnRole::Part,
            _ => {
                return Err(TableProblem::UnknownSplit {
                    column: split.clone(),
                    columns: names.to_vec(),
                });
            }
        }
    }
    let asked = [
        (ColumnRole::Id, table.id.as_slice()),
        (ColumnRole::Ignored, table.ignore.as_slice()),
        (ColumnRole::Category, table.categorical.as_slice()),
    ];
    for (role, columns) in asked {
        for column in columns {
            let Some(place) = position(column) else {
                return Err(TableProblem::UnknownColumn {
                    column: column.clone(),
                    asked: role.asked(),
                    columns: names.to_vec(),
                });
            };
            if roles[place] != ColumnRole::Feature && roles[place] != role {
                return Err(TableProblem::TwoRoles {
                    column: column.clone(),
                    asked: [roles[place].asked(), role.asked()],
                });
            }
            roles[place] = role;
        }
    }
    for known in &table.categories {
        if let Some(place) = position(&known.column)
            && roles[place] == ColumnRole::Feature
        {
            roles[place] = ColumnRole::Category;
        }
    }
    if !roles.iter().any(|role| role.is_feature()) {
        let target = target.clone();
        return Err(TableProblem::NoFeatures { target });
    }
    Ok(roles)
}
