//! Groups of examples as players.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Game, ValuationError, game::players};

/// Groups of training examples, each of which plays as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerGroups {
    members: Vec<Vec<usize>>,
    examples: usize,
}

impl PlayerGroups {
    /// Groups of so many `examples`, by the indices of their members. An example of no group is in no coalition.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no groups; [`ValuationError::Setting`] for a group without members, and an example
    /// that does not exist or is named twice.
    pub fn new(members: Vec<Vec<usize>>, examples: usize) -> Result<Self, ValuationError> {
        let refuse = |problem: String| Err(ValuationError::setting("groups", problem));
        if members.is_empty() {
            return Err(ValuationError::Empty { what: "groups" });
        }
        let mut seen = vec![false; examples];
        for (group, members) in members.iter().enumerate() {
            if members.is_empty() {
                return refuse(format!("has no members in group {group}, counted from 0"));
            }
            for &example in members {
                match seen.get_mut(example) {
                    None => {
                        return refuse(format!(
                            "names example {example}: there are {examples}, counted from 0"
                        ));
                    }
                    Some(true) => {
                        return refuse(format!(
                            "names example {example} twice: a player is in one group"
                        ));
                    }
                    Some(seen) => *seen = true,
                }
            }
        }
        Ok(Self { members, examples })
    }

    /// All examples of a class in a group, by rising class.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no examples.
    pub fn of_classes(classes: &[usize]) -> Result<Self, ValuationError> {
        let mut names = classes.to_vec();
        names.sort_unstable();
        names.dedup();
        let of = |name: &usize| {
            (0..classes.len())
                .filter(|&i| classes[i] == *name)
                .collect()
        };
        Self::new(names.iter().map(of).collect(), classes.len())
    }

    /// `count` groups at random, of sizes that differ by one at most, their members in rising order.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no groups; [`ValuationError::Setting`] for more groups than examples.
    pub fn random(examples: usize, count: usize, seed: u64) -> Result<Self, ValuationError> {
        if count > examples {
            let problem = format!("are {count} of {examples} examples: take fewer");
            return Err(ValuationError::setting("groups", problem));
        }
        let mut order: Vec<usize> = (0..examples).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let members = (0..count).map(|group| {
            let mut members: Vec<usize> =
                order.iter().skip(group).step_by(count).copied().collect();
            members.sort_unstable();
            members
        });
        Self::new(members.collect(), examples)
    }

    /// Each example a group of its own.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no examples.
    pub fn singles(examples: usize) -> Result<Self, ValuationError> {
        Self::new((0..examples).map(|it| vec![it]).collect(), examples)
    }

    /// The examples of each group.
    pub fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    /// How many examples there are, in groups or not.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// Which examples a coalition of groups has.
    fn examples_of(&self, groups: &[bool]) -> Vec<bool> {
        let mut examples = vec![false; self.examples];
        let members = self.members.iter().zip(groups).filter(|it| *it.1);
        for &example in members.flat_map(|it| it.0) {
            examples[example] = true;
        }
        examples
    }
}

/// The game of groups: a coalition of groups is that of all their examples.
pub struct GroupGame<'a> {
    game: &'a dyn Game,
    groups: &'a PlayerGroups,
}

impl<'a> GroupGame<'a> {
    /// Of groups of the players of `game`.
    ///
    /// # Errors
    /// [`ValuationError::Length`] for groups of another number of examples than the game has players.
    pub fn new(game: &'a dyn Game, groups: &'a PlayerGroups) -> Result<Self, ValuationError> {
        ValuationError::check_len("the examples of groups", players(game)?, groups.examples)?;
        Ok(Self { game, groups })
    }
}

impl Game for GroupGame<'_> {
    fn players(&self) -> usize {
        self.groups.members.len()
    }

    fn value(&self, members: &[bool]) -> Result<f64, ValuationError> {
        self.game.value(&self.groups.examples_of(members))
    }

    fn noise(&self) -> Result<Option<f64>, ValuationError> {
        self.game.noise()
    }

    fn settings(&self) -> String {
        format!("{} {:?}", self.game.settings(), self.groups.members)
    }
}
