//! The rankings of a search for wrong labels, by name.

use backdraft_attribution::evaluate::{Name, RankBy, Ranking};

use super::MislabelRecord;

impl MislabelRecord {
    /// The rankings' names: the two that need a response first, then what they are held against.
    pub const RANKINGS: [Name; 4] = [
        Name {
            key: RankBy::Influence.name(),
            title: "self-influence",
        },
        Name {
            key: RankBy::Pbrf.name(),
            title: "PBRF",
        },
        Name {
            key: RankBy::Loss.name(),
            title: "loss",
        },
        Name {
            key: RankBy::Random.name(),
            title: "random",
        },
    ];

    /// The rankings that there are, in the order of [`RANKINGS`](Self::RANKINGS).
    pub fn ordered(&self) -> Vec<(Name, &Ranking)> {
        let named = |name: Name| Some((name, self.rankings.get(name.key)?));
        Self::RANKINGS.into_iter().filter_map(named).collect()
    }
}
