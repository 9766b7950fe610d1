//! `backdraft illustrate boundary`.

use backdraft::illustration::{Boundary, BoundaryConfig, BoundaryStage};
use backdraft_report::{
    figure::{Colour, Drawing, Layer, Panel, Shape, contour, figure_csv},
    short,
};

use super::{
    args::BoundaryArgs,
    drawn::{DATA, Drawn, drawn},
};
use crate::CliError;

pub(super) fn run(args: &BoundaryArgs) -> Result<(), CliError> {
    let config = args.config();
    config.check()?;
    let compute = BoundaryConfig::compute;
    drawn("boundary", &args.place, &config, compute, describe)
}

fn describe(found: &Boundary) -> Result<Drawn, CliError> {
    let (trained, changed) = found
        .stages
        .split_first()
        .expect("the trained network is a stage");
    let panels = changed.iter().map(|stage| panel(found, trained, stage));
    let told = changed.iter().map(|it| {
        format!(
            "{}: {} near the example, {} elsewhere",
            it.name,
            short(it.near),
            short(it.elsewhere)
        )
    });
    Ok(Drawn {
        title: "Where does a removal move the decision boundary?",
        question: "The question: a network is trained in part, and an example on the wrong side removed. What do influence, the \
                   response that it approximates and training again do to the boundary?",
        answer: format!(
            "The mean change of a class's probability, {}.",
            told.collect::<Vec<_>>().join("; ")
        ),
        sections: vec![("Decision boundaries".into(), panels.collect())],
        table: table(found),
        guide: guide(),
        csv: csv(found)?,
    })
}

fn table(found: &Boundary) -> Vec<Vec<String>> {
    let head = [
        "stage",
        "loss of the example",
        "of the others",
        "change near it",
        "elsewhere",
        "parameters moved",
    ];
    let rows = found.stages.iter().map(|it| {
        let numbers = [
            it.removed_loss,
            it.others_loss,
            it.near,
            it.elsewhere,
            it.distance,
        ];
        let cells = numbers.into_iter().map(short);
        [it.name.to_owned()].into_iter().chain(cells).collect()
    });
    [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect()
}

fn panel(found: &Boundary, trained: &BoundaryStage, stage: &BoundaryStage) -> Panel {
    let class = |class: u8| {
        let all = found.inputs.iter().zip(&found.classes).enumerate();
        let of_class = all.filter(|(place, it)| *place != found.removed && *it.1 == class);
        of_class
            .map(|(_, ([x, y], _))| (*x, *y))
            .collect::<Vec<_>>()
    };
    let boundary = |key: &str, colour, of: &BoundaryStage| Layer {
        key: key.into(),
        shape: Shape::Line,
        colour,
        parts: contour(&found.across, &found.up, &of.logits, 0.0),
    };
    let [x, y] = found.inputs[found.removed];
    Panel {
        title: stage.name.into(),
        caption: format!(
            "Mean change of the probability near the star {}, elsewhere {}.",
            short(stage.near),
            short(stage.elsewhere)
        ),
        drawing: Drawing {
            name: format!("Decision boundaries: trained, and {}", stage.name),
            titles: ["first input".into(), "second input".into()],
            log: [false; 2],
            layers: vec![
                Layer::new("class 0", Shape::Dots, Colour::Series(0), class(0)),
                Layer::new("class 1", Shape::Rings, Colour::Series(1), class(1)),
                boundary("trained in part", Colour::Grey, trained),
                boundary(stage.name, Colour::Ink, stage),
                Layer::new(
                    "removed, of class 0",
                    Shape::Stars,
                    Colour::Series(0),
                    vec![(x, y)],
                ),
            ],
        },
    }
}

/// The logits of all stages at every place.
fn csv(found: &Boundary) -> Result<Vec<u8>, CliError> {
    let stages = found.stages.iter().map(|it| it.name.replace(' ', "_"));
    let head: Vec<String> = ["first", "second"]
        .map(String::from)
        .into_iter()
        .chain(stages)
        .collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let places = found.up.iter().enumerate();
    let rows = places.flat_map(|(row, y)| {
        let across = found.across.iter().enumerate();
        across.map(move |(column, x)| {
            let logits = found.stages.iter().map(|it| it.logits[row][column]);
            [*x, *y].into_iter().chain(logits).collect()
        })
    });
    Ok(figure_csv(DATA, &head, rows)?)
}

fn guide() -> Vec<(String, String)> {
    let entries = [
        (
            "Trained in part",
            "The network after too few steps: the boundary has not yet found its way between the two classes.",
        ),
        (
            "Influence and response",
            "What the parameters become to first order without the example, by the damped Gauss-Newton matrix, and the \
             minimum of the proximal Bregman objective, which keeps the other outputs where they are. Both move the boundary \
             near the example.",
        ),
        (
            "Trained again without it",
            "Further steps from the trained parameters on the other examples: most of what changes is what more training \
             changes anyway (Bae et al. 2022, Section 4.3, Figure 3).",
        ),
        ("Near", "Within half a unit of the removed example."),
    ];
    entries
        .map(|(word, meaning)| (word.into(), meaning.into()))
        .to_vec()
}
