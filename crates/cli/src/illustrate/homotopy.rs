//! `backdraft illustrate homotopy`.

use backdraft::illustration::{Homotopy, HomotopyConfig, HomotopyPoint, UnitParameters};
use backdraft_report::{
    figure::{Colour, Drawing, Layer, Panel, Shape, figure_csv},
    short,
};

use super::{
    args::HomotopyArgs,
    drawn::{DATA, Drawn, drawn},
};
use crate::CliError;

pub(super) fn run(args: &HomotopyArgs) -> Result<(), CliError> {
    let config = args.config();
    config.check()?;
    let compute = HomotopyConfig::compute;
    drawn("homotopy", &args.place, &config, compute, |found| {
        describe(&config, found)
    })
}

fn describe(config: &HomotopyConfig, found: &Homotopy) -> Result<Drawn, CliError> {
    let sections = found.points.iter().map(|point| {
        let noise = found.targets[point.example] - found.truth[point.example];
        let title = format!("Example {}, with noise of {}", point.example, short(noise));
        let panels = vec![fit(found, point), path(point), flows(config, found, point)];
        (title, panels)
    });
    Ok(Drawn {
        title: "Where does the minimum go as an example's weight falls?",
        question: "The question: how do the parameters that training ends in move while one example's weight goes from 1 to 0, \
                   and is influence, which goes straight on, a good guide?",
        answer: answer(found),
        sections: sections.collect(),
        table: table(found),
        guide: guide(),
        csv: csv(found)?,
    })
}

fn answer(found: &Homotopy) -> String {
    let told = found.points.iter().map(|point| {
        let noise = found.targets[point.example] - found.truth[point.example];
        format!(
            "Example {} (noise {}): {}, and influence is off by {} of the way.",
            point.example,
            short(noise),
            shape(point),
            short(point.prediction_error)
        )
    });
    told.collect::<Vec<_>>().join(" ")
}

/// How the minima move, in words.
fn shape(point: &HomotopyPoint) -> String {
    match point.jumps.as_slice() {
        [] => format!("the way bends by {} of its length", short(point.bend)),
        [first, ..] => format!("the minimum jumps to another at weight {}", short(*first)),
    }
}

fn table(found: &Homotopy) -> Vec<Vec<String>> {
    let head = [
        "example",
        "noise",
        "bend",
        "jumps",
        "influence off by",
        "largest gradient left",
    ];
    let rows = found.points.iter().map(|point| {
        let left = point.path.iter().map(|it| it.gradient_norm);
        vec![
            point.example.to_string(),
            short(found.targets[point.example] - found.truth[point.example]),
            short(point.bend),
            point.jumps.len().to_string(),
            short(point.prediction_error),
            short(left.fold(0.0, f64::max)),
        ]
    });
    [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect()
}

fn zip(x: &[f64], y: &[f64]) -> Vec<(f64, f64)> {
    x.iter().copied().zip(y.iter().copied()).collect()
}

/// The examples, the target function, and the network with and without the example.
fn fit(found: &Homotopy, point: &HomotopyPoint) -> Panel {
    let example = |it: usize| (found.inputs[it], found.targets[it]);
    let others = (0..found.inputs.len()).filter(|it| *it != point.example);
    let curve = |values: &[f64]| zip(&found.curve_inputs, values);
    let layer = Layer::new;
    Panel {
        title: "The fit".into(),
        caption: "The network trained on all examples, and at the minimum without the one that the star marks.".into(),
        drawing: Drawing {
            name: format!("Examples and fits with and without example {}", point.example),
            titles: ["input".into(), "output".into()],
            log: [false; 2],
            layers: vec![
                layer("target function", Shape::Line, Colour::Series(2), curve(&found.curve_truth)),
                layer("all examples", Shape::Line, Colour::Series(0), curve(&found.curve_fit)),
                layer("without it", Shape::Line, Colour::Series(1), curve(&point.curve_without)),
                layer("examples", Shape::Dots, Colour::Grey, others.map(example).collect()),
                layer("the example", Shape::Stars, Colour::Series(1), vec![example(point.example)]),
            ],
        },
    }
}

fn place(unit: &UnitParameters) -> (f64, f64) {
    (unit.input_weight, unit.bias)
}

/// The minima by weight, and what influence predicts.
fn path(point: &HomotopyPoint) -> Panel {
    let minima: Vec<_> = point.path.iter().map(|it| place(&it.unit)).collect();
    let (first, last) = (minima[0], minima[minima.len() - 1]);
    let straight = vec![first, place(&point.predicted)];
    let layer = Layer::new;
    Panel {
        title: "Minima by weight".into(),
        caption: format!(
            "A unit's parameters at the minimum, for weights of the example from 1 to 0: {}. Influence, straight on from weight 1, \
             is off by {} of the way, in all parameters.",
            shape(point),
            short(point.prediction_error)
        ),
        drawing: Drawing {
            name: format!(
                "A unit's parameters by the weight of example {}",
                point.example
            ),
            titles: ["weight of the input".into(), "bias".into()],
            log: [false; 2],
            layers: vec![
                layer("influence", Shape::Thin, Colour::Ink, straight),
                Layer {
                    key: "minima".into(),
                    shape: Shape::Line,
                    colour: Colour::Series(0),
                    parts: pieces(point, &minima),
                },
                layer("", Shape::Dots, Colour::Series(0), minima),
                layer("weight 1", Shape::Rings, Colour::Ink, vec![first]),
                layer("weight 0", Shape::Stars, Colour::Series(1), vec![last]),
            ],
        },
    }
}

/// The minima in pieces without jumps.
fn pieces(point: &HomotopyPoint, minima: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for (state, at) in point.path.iter().zip(minima) {
        if point.jumps.contains(&state.weight) {
            pieces.push(Vec::new());
        }
        pieces.last_mut().expect("there is one").push(*at);
    }
    pieces
}

/// The ways of training for each weight, `theta(t, eps)`.
fn flows(config: &HomotopyConfig, found: &Homotopy, point: &HomotopyPoint) -> Panel {
    let lines = point.flows.iter().zip(&config.flow_weights).enumerate();
    let mut layers: Vec<Layer> = lines
        .map(|(at, (states, weight))| {
            let states = states.iter().map(place).collect();
            Layer::new(
                format!("weight {}", short(*weight)),
                Shape::Thin,
                Colour::Series(at),
                states,
            )
        })
        .collect();
    // What has the same time lies across.
    let across = |time: usize| {
        point
            .flows
            .iter()
            .map(move |states| place(&states[time]))
            .collect()
    };
    let every = (found.times.len() / 12).max(1);
    layers.push(Layer {
        key: "equal times".into(),
        shape: Shape::Thin,
        colour: Colour::Grey,
        parts: (0..found.times.len()).step_by(every).map(across).collect(),
    });
    if let Some(start) = point.flows.iter().find_map(|states| states.first()) {
        layers.push(Layer::new(
            "start",
            Shape::Rings,
            Colour::Ink,
            vec![place(start)],
        ));
    }
    let end = found.times.last().copied().unwrap_or_default();
    Panel {
        title: "Ways of training".into(),
        caption: format!(
            "The same parameters along gradient flow until time {} for some weights of the example, from common initial ones.",
            short(end)
        ),
        drawing: Drawing {
            name: format!("Gradient flows by the weight of example {}", point.example),
            titles: ["weight of the input".into(), "bias".into()],
            log: [false; 2],
            layers,
        },
    }
}

fn csv(found: &Homotopy) -> Result<Vec<u8>, CliError> {
    let head = [
        "example",
        "weight",
        "input_weight",
        "bias",
        "output_weight",
        "gradient_norm",
    ];
    let rows = found.points.iter().flat_map(|point| {
        point.path.iter().map(|it| {
            let unit = it.unit;
            let unit = [unit.input_weight, unit.bias, unit.output_weight];
            let [a, b, c] = unit;
            vec![point.example as f64, it.weight, a, b, c, it.gradient_norm]
        })
    });
    Ok(figure_csv(DATA, &head, rows)?)
}

fn guide() -> Vec<(String, String)> {
    let entries = [
        (
            "Weight",
            "What the loss of the example counts, 1 as it is and 0 without it. For each weight there is a minimum of the cost; \
             together they are a curve in the space of parameters, of which one hidden unit's two are shown.",
        ),
        (
            "Influence",
            "The direction in which the curve leaves the minimum with all examples, by the exact Hessian there, followed to \
             weight 0.",
        ),
        (
            "Jump",
            "Each minimum is looked for from the one before. Where it vanishes, the search falls to another one: the way has a gap \
             there, and influence can say nothing about what lies beyond.",
        ),
        (
            "Bend",
            "The largest distance of a minimum from the straight line between the first and the last, over that line's length.",
        ),
    ];
    entries
        .map(|(word, meaning)| (word.into(), meaning.into()))
        .to_vec()
}
