//! Sequences of tokens in the form in which a run's files show them.

use backdraft::attribution::{PredictedToken, TokenTargets};
use backdraft_curvature::Cost;
use backdraft_models::data::{Dataset, Source, Split, Targets};
use backdraft_report::{At, Place, Sequence};

use crate::CliError;

/// The tokens that each example is to be followed by, place by place: so many; none where examples have one target.
pub(super) fn places(split: &Split) -> Option<usize> {
    match split.targets {
        Targets::Tokens { length, .. } => Some(length),
        Targets::Classes(_) | Targets::Values(_) => None,
    }
}

/// Where the target at a place of an example stands: on its own line of a text, else where the example does.
pub(super) fn target_place(source: &Source, split: &Split, row: usize, place: usize) -> Place {
    let origin = split.origin[row];
    let stands = source.place(origin);
    match source.next_token_line(origin, place) {
        Some(line) => Place {
            at: Some(At::Line(line)),
            ..stands
        },
        None => stands,
    }
}

/// The token that is read at a place of an example, and the one that follows.
pub(super) fn tokens_at(split: &Split, row: usize, place: usize) -> [i64; 2] {
    let next = match &split.targets {
        Targets::Tokens { length, ids } => ids[row * length + place],
        Targets::Classes(_) | Targets::Values(_) => unreachable!("text was asked for"),
    };
    [split.row(row)[place] as i64, next]
}

/// The words of an example, from the first that is read to the last that follows.
pub(super) fn text(dataset: &Dataset, split: &Split, row: usize) -> String {
    let vocabulary = dataset.task.classes();
    let word = |token: i64| vocabulary[token as usize].as_str();
    let places = 0..places(split).unwrap_or(0);
    let first = places.clone().take(1).map(|_| split.row(row)[0] as i64);
    let next = places.map(|place| tokens_at(split, row, place)[1]);
    first.chain(next).map(word).collect::<Vec<_>>().join(" ")
}

/// The targets of the examples of `split` for a cost of theirs.
pub(super) fn targets(split: &Split, cost: &Cost) -> TokenTargets {
    TokenTargets {
        next: split.next_tokens(cost.model().device()),
        padding: None,
    }
}

/// The examples `rows` of a part, whose cost is that of `rows` alone, in this order: their tokens, where these stand,
/// and what the network says of them.
pub(super) fn sequences(
    (split, source): (&Split, &Source),
    rows: &[usize],
    cost: &Cost,
) -> Result<Vec<Sequence>, CliError> {
    let mut found = Vec::with_capacity(rows.len());
    for (start, few) in rows.chunks(cost.batch_size()).enumerate() {
        let start = start * cost.batch_size();
        let here: Vec<usize> = (start..start + few.len()).collect();
        let cost = cost.select(&here)?;
        let predicted = PredictedToken::of(&cost, &targets(&split.select(few), &cost))?;
        for (&row, tokens) in few.iter().zip(predicted) {
            let inputs = split.row(row).iter().map(|&token| token as i64);
            let places = 0..places(split).unwrap_or(0);
            let places = places.map(|place| target_place(source, split, row, place));
            found.push(Sequence {
                inputs: inputs.collect(),
                tokens,
                places: places.collect(),
            });
        }
    }
    Ok(found)
}
