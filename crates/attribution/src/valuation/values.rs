//! What was found.

/// A value for each player, in the units of the performance; positive: it helps.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapleyValues {
    /// One a player. They add up to `all - empty`, but for rounding.
    pub values: Vec<f64>,
    /// The standard error of each, of what was drawn: permutations, or for nearest neighbours measured examples. None
    /// where nothing was drawn, or once only.
    pub standard_errors: Option<Vec<f64>>,
    /// The performance without any player.
    pub empty: f64,
    /// The performance with all players; of permutations the mean of where they ended.
    pub all: f64,
}

/// What one of several processes comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Sharded<T> {
    /// All of it.
    Whole(T),
    /// A part: the others' parts are still to be put beside it.
    Part {
        /// Parts that are done.
        done: usize,
        /// Parts that are left to others.
        left: usize,
    },
}

impl<T> Sharded<T> {
    /// The whole, if it is there.
    pub fn whole(self) -> Option<T> {
        match self {
            Self::Whole(found) => Some(found),
            Self::Part { .. } => None,
        }
    }

    /// The same of something else.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Sharded<U> {
        match self {
            Self::Whole(found) => Sharded::Whole(of(found)),
            Self::Part { done, left } => Sharded::Part { done, left },
        }
    }
}
