//! Groups of training examples that are removed together.

use rand::{Rng, SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// Which examples a group is made of (Koh et al. 2019, Section 3). All are drawn by a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// Any.
    Random,
    /// Any of one class, which is drawn among those that have enough.
    Class,
    /// A random example and those whose inputs are nearest to its own, by Euclidean distance.
    Similar,
}

impl GroupKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Random, Self::Class, Self::Similar];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Class => "class",
            Self::Similar => "similar",
        }
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleGroup {
    /// What it is made of.
    pub kind: GroupKind,
    /// The training examples, in order.
    pub examples: Vec<usize>,
}

/// What groups are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct GroupSource<'a> {
    /// Number of training examples.
    pub examples: usize,
    /// The class of each; none where the targets are no classes.
    pub classes: Option<&'a [i64]>,
    /// Their inputs as the network reads them, row by row.
    pub inputs: &'a [f32],
    /// The seed.
    pub seed: u64,
}

impl GroupSource<'_> {
    /// `count` groups of `size` examples, each by random numbers of its own, so that it stays the same whatever others
    /// are asked for. None where no class has `size` examples.
    ///
    /// # Errors
    /// [`EvaluateError::Setting`] for a size of 0 or of all examples, for groups of a class where there are none, and
    /// for classes or inputs that are not those of the examples.
    pub fn groups(
        &self,
        kind: GroupKind,
        size: usize,
        count: usize,
    ) -> Result<Option<Vec<ExampleGroup>>, EvaluateError> {
        let n = self.examples;
        if size == 0 || size >= n {
            let problem = format!("has {size} of {n} examples: at least one, and not all");
            return Err(EvaluateError::setting("group", problem));
        }
        if !self.inputs.len().is_multiple_of(n) || self.classes.is_some_and(|it| it.len() != n) {
            let problem = "has inputs or classes of another number of examples";
            return Err(EvaluateError::setting("group", problem));
        }
        let class = match (kind, self.classes) {
            (GroupKind::Class, None) => {
                let problem =
                    "is of one class, and the targets are none: take `random` or `similar`";
                return Err(EvaluateError::setting("group", problem));
            }
            (GroupKind::Class, Some(classes)) => match large(classes, size) {
                all if all.is_empty() => return Ok(None),
                all => all,
            },
            _ => Vec::new(),
        };
        let draw = |place: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(stream(kind, size, place));
            let mut examples = match kind {
                GroupKind::Random => index::sample(&mut rng, n, size).into_vec(),
                GroupKind::Class => {
                    let members = &class[rng.random_range(0..class.len())];
                    let places = index::sample(&mut rng, members.len(), size);
                    places.iter().map(|it| members[it]).collect()
                }
                GroupKind::Similar => self.nearest(rng.random_range(0..n), size),
            };
            examples.sort_unstable();
            ExampleGroup { kind, examples }
        };
        Ok(Some((0..count).map(draw).collect()))
    }

    /// The `size` examples whose inputs are nearest to those of one, itself among them; equal ones in order.
    fn nearest(&self, to: usize, size: usize) -> Vec<usize> {
        let columns = self.inputs.len() / self.examples;
        let row = |i: usize| &self.inputs[i * columns..][..columns];
        let distance = |i: usize| -> f64 {
            let pairs = row(i).iter().zip(row(to));
            pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let distances: Vec<f64> = (0..self.examples).map(distance).collect();
        let mut order: Vec<usize> = (0..self.examples).collect();
        order.sort_by(|&a, &b| distances[a].total_cmp(&distances[b]));
        order.truncate(size);
        if !order.contains(&to) {
            // Others have the very same inputs.
            order[size - 1] = to;
        }
        order
    }
}

/// A stream of random numbers of one's own.
fn stream(kind: GroupKind, size: usize, place: usize) -> u64 {
    // Far from those of other choices that the same seed makes.
    (1 << 62)
        | ((kind as u64) << 56)
        | ((size as u64 & 0xFFFF_FFFF) << 20)
        | (place as u64 & 0xF_FFFF)
}

/// The members of each class that has `size` or more.
fn large(classes: &[i64], size: usize) -> Vec<Vec<usize>> {
    let mut names: Vec<i64> = classes.to_vec();
    names.sort_unstable();
    names.dedup();
    let members = names.into_iter().map(|name| {
        let all = classes.iter().enumerate();
        all.filter(|(_, class)| **class == name)
            .map(|(i, _)| i)
            .collect::<Vec<_>>()
    });
    members.filter(|it| it.len() >= size).collect()
}
