//! Dampings as they are asked for.

use std::fmt::{self, Display, Formatter};

use backdraft_report::brief;
use serde::{Serialize, Serializer};

use super::number::positive;

/// What is added to the curvature's diagonal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Damping {
    /// What a rule says, once the network is trained.
    Auto,
    /// These, at least one, each once.
    Given(Vec<f64>),
}

impl Damping {
    /// As it is written: `auto`, or numbers with commas between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let mut given: Vec<f64> = Vec::new();
        for part in text.split(',') {
            if part.trim() == "auto" {
                return Err("auto stands by itself: name it, or numbers".into());
            }
            let damping = positive(part)?;
            if given.contains(&damping) {
                return Err(format!("it has {} twice: name each once", brief(damping)));
            }
            given.push(damping);
        }
        Ok(Self::Given(given))
    }

    /// Those that are known before the network is.
    pub fn given(&self) -> &[f64] {
        match self {
            Self::Auto => &[],
            Self::Given(given) => given,
        }
    }
}

impl Display for Damping {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Given(given) => {
                let given: Vec<_> = given.iter().map(|damping| brief(*damping)).collect();
                f.write_str(&given.join(","))
            }
        }
    }
}

/// A number where there is one, as ever; several as a list.
impl Serialize for Damping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Given(given) => match given.as_slice() {
                [damping] => serializer.serialize_f64(*damping),
                several => serializer.collect_seq(several),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dampings_are_read_as_they_are_written() {
        assert_eq!(Damping::parse("auto"), Ok(Damping::Auto));
        assert_eq!(Damping::parse("0.1"), Ok(Damping::Given(vec![0.1])));
        let several = Damping::parse("0.1, 1e-3,2");
        assert_eq!(several, Ok(Damping::Given(vec![0.1, 1e-3, 2.0])));
        for (text, problem) in [
            ("", "positive"),
            ("0.1,", "positive"),
            ("0.1,-1", "positive"),
            ("0.1,0.10", "twice"),
            ("0.1,auto", "by itself"),
        ] {
            let refused = Damping::parse(text).unwrap_err();
            assert!(refused.contains(problem), "{text}: {refused}");
        }
    }
}
