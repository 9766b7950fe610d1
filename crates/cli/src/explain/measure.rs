//! What is measured of the queries of a run.

use backdraft::Measurement;
use backdraft_curvature::CrossEntropy;
use backdraft_models::{
    Objective,
    data::{Dataset, Split, Task},
};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use backdraft_report::{Measure, Rise, Unit};

use crate::{args::MeasureName, words};

/// What is measured, in words and in its unit, of each query or in the mean over so many; losses and outputs are in
/// `unit`.
pub(crate) fn described(
    name: MeasureName,
    dataset: &Dataset,
    unit: &Unit,
    mean_over: Option<usize>,
) -> Measure {
    let kind = match dataset.task {
        Task::NextToken { .. } => "token",
        _ => "class",
    };
    let class = |class: usize| {
        let number = class.to_string();
        match dataset.task.classes().get(class) {
            Some(name) if *name != number => format!("{kind} {number} (`{name}`)"),
            _ => format!("{kind} {number}"),
        }
    };
    let of = |words: String, unit: &str, rise| Measure {
        name: name.to_string(),
        words,
        unit: unit.into(),
        factor: 1.0,
        rise,
        mean_over,
    };
    const SHARE: &str = "probability, from 0 to 1";
    match name {
        MeasureName::Loss => Measure {
            mean_over,
            ..Measure::loss(unit)
        },
        MeasureName::Logit(k) => of(format!("logit of {}", class(k)), "logits", Rise::Neither),
        MeasureName::Margin => of(
            format!("margin of its own {kind}"),
            "logits, log(p / (1 - p))",
            Rise::Better,
        ),
        MeasureName::Probability(None) => of(
            format!("probability of its own {kind}"),
            SHARE,
            Rise::Better,
        ),
        MeasureName::Probability(Some(k)) => {
            of(format!("probability of {}", class(k)), SHARE, Rise::Neither)
        }
        MeasureName::Output(_) => Measure {
            factor: unit.output_factor,
            ..of("prediction".into(), &unit.output, Rise::Neither)
        },
    }
}

/// What is measured of the examples of `split`.
pub(crate) fn measurement(
    name: MeasureName,
    (task, objective): (&Task, Objective),
    split: &Split,
    place: (&Device, DType),
) -> Measurement {
    let own = || split.classes(place.0);
    let all = |class: usize| {
        let classes = vec![class as i64; split.rows];
        Tensor::from_data(TensorData::new(classes, [split.rows]), place.0)
    };
    match name {
        MeasureName::Loss => Measurement::loss(objective.targets(split, place)),
        // A network of one logit has that of class 1.
        MeasureName::Logit(_) if matches!(task, Task::Binary { .. }) => Measurement::output(0),
        MeasureName::Logit(k) | MeasureName::Output(k) => Measurement::output(k),
        MeasureName::Margin => Measurement::margin(own()),
        MeasureName::Probability(None) => Measurement::probability(own()),
        MeasureName::Probability(Some(k)) => Measurement::probability(all(k)),
    }
}

/// The same of one place of each query, if one was named.
pub(super) fn at_token(measure: Measure, token: Option<usize>) -> Measure {
    let Some(token) = token else {
        return measure;
    };
    Measure {
        name: format!("{} at token {token}", measure.name),
        words: format!("{} at token {token}", measure.words),
        ..measure
    }
}

/// What is measured of one place of the examples of `split`, which are sequences.
pub(super) fn token_measurement(
    name: MeasureName,
    split: &Split,
    token: usize,
    device: &Device,
) -> Measurement {
    let ids = |ids: Vec<i64>| -> Tensor<1, Int> { Tensor::from_data(ids.as_slice(), device) };
    let all = |id: usize| ids(vec![id as i64; split.rows]);
    let own = || {
        let next = (0..split.rows).map(|row| words::tokens_at(split, row, token)[1]);
        ids(next.collect())
    };
    let measured = match name {
        MeasureName::Loss => Measurement::other_loss(CrossEntropy, own()),
        MeasureName::Logit(k) | MeasureName::Output(k) => Measurement::output(k),
        MeasureName::Margin => Measurement::margin(own()),
        MeasureName::Probability(None) => Measurement::probability(own()),
        MeasureName::Probability(Some(k)) => Measurement::probability(all(k)),
    };
    let places = words::places(split).unwrap_or(1);
    measured.at_place(all(token), places)
}
