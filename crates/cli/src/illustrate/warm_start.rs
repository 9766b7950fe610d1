//! `backdraft illustrate warm-start`.

use backdraft::illustration::{DescentPath, WarmStart, WarmStartConfig};
use backdraft_report::{
    figure::{Colour, Drawing, Layer, Panel, Shape, contour, figure_csv},
    short,
};

use super::{
    args::WarmStartArgs,
    drawn::{DATA, Drawn, drawn},
};
use crate::CliError;

/// Contours of each cost.
const CONTOURS: i32 = 5;

pub(super) fn run(args: &WarmStartArgs) -> Result<(), CliError> {
    let config = args.config();
    config.check()?;
    let compute = WarmStartConfig::compute;
    drawn("warm-start", &args.place, &config, compute, describe)
}

fn describe(found: &WarmStart) -> Result<Drawn, CliError> {
    let cold = apart(found.without[0].end(), found.without[1].end());
    let moved = apart(found.with[0].end(), found.without[0].end());
    let panels = vec![
        panel(
            "All examples",
            "With all examples.",
            &found.grid,
            &found.cost_with,
            &found.with,
        ),
        panel(
            "Without one",
            "Without the removed example the floor of the valley has moved. The warm start begins where training on all ended.",
            &found.grid,
            &found.cost_without,
            &found.without,
        ),
    ];
    Ok(Drawn {
        title: "Which minimum does gradient descent come to?",
        question: "The question: where a cost has many minima, which does training again without an example come to, from the \
                   trained parameters and from initial ones?",
        answer: format!(
            "The removal of example {} moves the warm start by {}; the cold start ends {} away from there, though both are \
             minima of the same cost.",
            found.removed,
            short(moved),
            short(cold)
        ),
        sections: vec![("Descent".into(), panels)],
        table: table(found),
        guide: guide(),
        csv: csv(found)?,
    })
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn paths(found: &WarmStart) -> impl Iterator<Item = (&'static str, &DescentPath)> {
    let with = found.with.iter().map(|it| ("all", it));
    with.chain(found.without.iter().map(|it| ("without one", it)))
}

fn table(found: &WarmStart) -> Vec<Vec<String>> {
    let head = [
        "examples",
        "start",
        "end",
        "norm",
        "from the nearest minimum",
    ];
    let rows = paths(found).map(|(examples, path)| {
        let [x, y] = path.end();
        vec![
            examples.into(),
            path.start.into(),
            format!("{}, {}", short(x), short(y)),
            short(x.hypot(y)),
            short(apart(path.end(), path.nearest)),
        ]
    });
    [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect()
}

fn panel(
    title: &str,
    caption: &str,
    grid: &[f64],
    cost: &[Vec<f64>],
    paths: &[DescentPath],
) -> Panel {
    let mut layers = vec![Layer {
        key: "equal cost".into(),
        shape: Shape::Thin,
        colour: Colour::Grey,
        parts: contours(grid, cost),
    }];
    let floor = paths.iter().map(|it| (it.nearest[0], it.nearest[1]));
    let mut floor: Vec<(f64, f64)> = floor.collect();
    floor.sort_by(|a, b| a.0.total_cmp(&b.0));
    layers.push(Layer::new("minima", Shape::Thin, Colour::Ink, floor));
    for (place, path) in paths.iter().enumerate() {
        let points: Vec<(f64, f64)> = path.points.iter().map(|&[x, y]| (x, y)).collect();
        let (start, end) = (points[0], points[points.len() - 1]);
        let colour = Colour::Series(place);
        layers.push(Layer::new(path.start, Shape::Line, colour, points));
        layers.push(Layer::new("", Shape::Rings, colour, vec![start]));
        layers.push(Layer::new("", Shape::Stars, colour, vec![end]));
    }
    Panel {
        title: title.into(),
        caption: format!(
            "{caption} Rings: starts. Stars: where descent ends, the minimum nearest to the start."
        ),
        drawing: Drawing {
            name: format!("{title}: contours of the cost and gradient descent"),
            titles: ["first coefficient".into(), "second coefficient".into()],
            log: [false; 2],
            layers,
        },
    }
}

/// Contours that lie closer near the floor.
fn contours(grid: &[f64], cost: &[Vec<f64>]) -> Vec<Vec<(f64, f64)>> {
    let all = || cost.iter().flatten().copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(low, f64::max);
    let levels = (1..=CONTOURS).map(|it| (f64::from(it) / f64::from(CONTOURS + 1)).powi(3));
    let levels = levels.map(|share| low + share * (high - low));
    levels
        .flat_map(|level| contour(grid, grid, cost, level))
        .collect()
}

fn csv(found: &WarmStart) -> Result<Vec<u8>, CliError> {
    let head = ["all_examples", "start", "step", "first", "second"];
    let with = found.with.iter().enumerate().map(|it| (1.0, it));
    let without = found.without.iter().enumerate().map(|it| (0.0, it));
    let rows = with.chain(without).flat_map(|(all, (start, path))| {
        let points = path.points.iter().enumerate();
        points.map(move |(step, [x, y])| vec![all, start as f64, step as f64, *x, *y])
    });
    Ok(figure_csv(DATA, &head, rows)?)
}

fn guide() -> Vec<(String, String)> {
    let entries = [
        (
            "Minima",
            "All inputs lie on one line, so the cost does not depend on the coefficients across it: its minima are a straight \
             line, and without an example another beside it.",
        ),
        (
            "Nearest",
            "Gradients have no part along the line of minima, so gradient descent ends in the minimum nearest to its start: \
             theta - H^+ gradient, with the pseudo-inverse of the curvature. From zero that is the minimum of least norm.",
        ),
        (
            "Cold and warm start",
            "Training again from initial parameters, and from those that training on all examples came to. Influence is about \
             the warm start (Bae et al. 2022, Section 4.1, Figure 2).",
        ),
    ];
    entries
        .map(|(word, meaning)| (word.into(), meaning.into()))
        .to_vec()
}
