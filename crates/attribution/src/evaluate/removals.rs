//! Whether removals can be made.

use backdraft_influence::response::Removal;

use super::EvaluateError;

/// Whether the removals can be made from `n` examples.
pub(super) fn check(removals: &[Removal], n: usize) -> Result<(), EvaluateError> {
    let refuse = |problem| Err(EvaluateError::setting("removals", problem));
    if removals.is_empty() {
        return refuse("are none: give at least one".to_owned());
    }
    for (position, removal) in removals.iter().enumerate() {
        if removal.is_none() {
            return refuse(format!("have one that changes nothing, at {position}"));
        }
        if !removal.weights().all(|(_, taken)| taken.is_finite()) {
            let epsilon = removal.epsilon;
            return refuse(format!("have the epsilon {epsilon} at {position}"));
        }
        if let Some(example) = removal.examples.iter().find(|it| **it >= n) {
            return refuse(format!(
                "name the example {example} at {position}: there are {n}, counted from 0"
            ));
        }
        let mut sorted = removal.examples.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse(format!("name the example {} twice at {position}", pair[0]));
        }
        if removal.takes_all(n) {
            return refuse(format!(
                "take away all of {n} examples at {position}: at least one must stay"
            ));
        }
    }
    Ok(())
}
