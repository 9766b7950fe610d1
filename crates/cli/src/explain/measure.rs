//! What is measured of the queries of a run.

use backdraft::Measurement;
use backdraft_models::{
    Objective,
    data::{Dataset, Split, Task},
};
use burn::tensor::{DType, Device, Tensor, TensorData};

use backdraft_report::{Measure, Rise, Unit};

use crate::args::MeasureName;

/// What is measured, in words and in its unit, of each query or in the mean over so many; losses and outputs are in
/// `unit`.
pub(crate) fn described(
    name: MeasureName,
    dataset: &Dataset,
    unit: &Unit,
    mean_over: Option<usize>,
) -> Measure {
    let class = |class: usize| {
        let number = class.to_string();
        match dataset.task.classes().get(class) {
            Some(name) if *name != number => format!("class {number} (`{name}`)"),
            _ => format!("class {number}"),
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
            "margin of its own class".into(),
            "logits, log(p / (1 - p))",
            Rise::Better,
        ),
        MeasureName::Probability(None) => {
            of("probability of its own class".into(), SHARE, Rise::Better)
        }
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
