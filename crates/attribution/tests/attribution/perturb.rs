//! Changed training examples: predictions beside what training again and the response come to. In f64 on flex.

use backdraft_attribution::{
    AttributionError, Influence, InfluenceConfig, Measurement, SolverConfig,
    verify::{RemovalResponse, ResponseOutcome},
};
use backdraft_curvature::{Cost, CrossEntropy, CurvatureError, Model};
use backdraft_influence::{
    DirectConfig, InputStep, SolveError, StepGoal, StepNorm,
    response::{Removal, ResponseKind, Responses, Stop},
};
use backdraft_test_support::{assert_close, classes, device, dot, double, host, matrix, numbers};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Int, Tensor},
};

const N: usize = 300;
const INPUTS: usize = 4;
const CLASSES: usize = 3;
const L2: f64 = 0.01;
const STOP: Stop = Stop {
    tolerance: 1e-11,
    decrease: 0.0,
    max_steps: 1_000,
};

fn inputs() -> Vec<f64> {
    numbers(N * INPUTS, 7).iter().map(|x| 2.0 * x).collect()
}

/// By a rule, a tenth of them wrong.
fn labels() -> Vec<i64> {
    let (x, noise) = (inputs(), numbers(N, 70));
    let label = |i: usize| {
        let x = &x[INPUTS * i..][..INPUTS];
        let right = match (x[0] + x[1] > 0.0, x[2] - x[3] > 0.5) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        (right + i64::from(noise[i] > 0.8)) % CLASSES as i64
    };
    (0..N).map(label).collect()
}

fn untrained() -> Cost {
    let net: Linear = double(LinearConfig::new(INPUTS, CLASSES).init(&device()));
    let model = Model::new(&net, |net: &Linear, x: Tensor<2>| net.forward(x)).unwrap();
    let data = (matrix(&inputs(), INPUTS), classes(&labels()));
    let cost = Cost::new(model, CrossEntropy, data.0, data.1).unwrap();
    cost.with_batch_size(128).unwrap().with_l2(L2)
}

/// The parameters at the minimum of a logistic regression.
fn minimum(cost: &Cost) -> Tensor<1> {
    let responses = Responses::new(cost, 0.0).unwrap();
    let objective = responses.objective(ResponseKind::Retraining, Removal::none());
    let from = cost.model().theta();
    objective.unwrap().minimize(from, STOP).unwrap().theta
}

/// Logistic regression at its minimum: its Gauss-Newton matrix is its Hessian, the L2 term the only damping.
fn trained() -> Influence {
    let cost = untrained();
    let cost = cost.at(minimum(&cost)).unwrap();
    let config = InfluenceConfig::new()
        .with_damping(0.0)
        .with_solver(SolverConfig::Direct(DirectConfig::default()));
    config.over(cost).unwrap()
}

fn query() -> Tensor<2> {
    matrix(&[0.4, -0.9, 0.7, 0.1, 1.0, 0.2, -0.5, 0.6], INPUTS)
}

fn measurement() -> Measurement {
    Measurement::loss(classes(&[0, 1]))
}

/// The examples with the changes of the two queries' losses when the network is trained again with each replaced.
fn retrained(influence: &Influence, replaced: &[(usize, Vec<f64>, i64)]) -> Vec<[f64; 2]> {
    let train = influence.train();
    let queries = measurement().cost(train, query()).unwrap();
    let before = host(queries.losses().unwrap());
    let change = |(index, row, label): &(usize, Vec<f64>, i64)| {
        let (mut x, mut y) = (inputs(), labels());
        x[INPUTS * index..][..INPUTS].copy_from_slice(row);
        y[*index] = *label;
        let changed = train
            .with_examples(matrix(&x, INPUTS), classes(&y))
            .unwrap();
        let theta = minimum(&changed.with_l2(L2));
        let after = host(queries.at(theta).unwrap().losses().unwrap());
        [after[0] - before[0], after[1] - before[1]]
    };
    replaced.iter().map(change).collect()
}

/// Inputs moved, labels flipped, and both, of every thirtieth example.
fn replaced() -> Vec<(usize, Vec<f64>, i64)> {
    let (x, y) = (inputs(), labels());
    let of = |i: usize| {
        let mut row = x[INPUTS * i..][..INPUTS].to_vec();
        let (moves, flips) = [(true, false), (false, true), (true, true)][i / 30 % 3];
        if moves {
            row[i % INPUTS] += 0.8;
            row[(i + 1) % INPUTS] -= 0.5;
        }
        (i, row, (y[i] + i64::from(flips)) % CLASSES as i64)
    };
    (0..N).step_by(30).map(of).collect()
}

fn parts(replaced: &[(usize, Vec<f64>, i64)]) -> (Vec<usize>, Tensor<2>, Tensor<1, Int>) {
    let rows: Vec<f64> = replaced.iter().flat_map(|it| it.1.clone()).collect();
    let labels: Vec<i64> = replaced.iter().map(|it| it.2).collect();
    let indices = replaced.iter().map(|it| it.0).collect();
    (indices, matrix(&rows, INPUTS), classes(&labels))
}

fn changes(responses: Vec<RemovalResponse>) -> Vec<Vec<f64>> {
    let change = |response: RemovalResponse| match response.outcome {
        ResponseOutcome::Done { changes, .. } => changes,
        ResponseOutcome::Failed(reason) => panic!("{reason}"),
    };
    responses.into_iter().map(change).collect()
}

/// What first order leaves out: the share of the curvature that goes and comes with an example, in the mean the 15
/// parameters over 300 examples, 5%, and the curvature of the query's loss along the change.
#[test]
fn predictions_are_what_training_again_comes_to() {
    let influence = trained();
    let replaced = replaced();
    let found = retrained(&influence, &replaced);
    let of = influence.perturb(&measurement(), query()).unwrap();
    assert_eq!((of.rows(), of.solves().len()), (2, 2));
    let (indices, x, y) = parts(&replaced);
    let predicted = of.replaced(&indices, x.clone(), y.clone()).unwrap();
    assert_eq!(predicted.dims(), [2, replaced.len()]);
    let predicted = host(predicted);
    let (mut errors, mut sizes) = (0.0, 0.0);
    for (place, found) in found.iter().enumerate() {
        for (row, found) in found.iter().enumerate() {
            let predicted = predicted[row * replaced.len() + place];
            errors += (predicted - found).powi(2);
            sizes += found.powi(2);
        }
    }
    let error = (errors / sizes).sqrt();
    assert!(error < 0.1, "{error}");
    // At a minimum the Bregman divergence is the cost but for a constant, and the L2 term a proximal one: the response
    // is training again, to the gradient of 1e-4 at which it ends.
    let responses = influence.respond_to(&of, &indices, x.clone(), y.clone(), 1_000);
    for (found, response) in found.iter().zip(changes(responses.unwrap())) {
        assert_close(&response, found, 1e-3);
    }
    // What the parameters' change does to the first query, to first order.
    let moves = influence.parameter_changes(&indices, x, y).unwrap();
    let queries = measurement().cost(influence.train(), query()).unwrap();
    let slope = host(queries.select(&[0]).unwrap().gradient().unwrap());
    let along: Vec<f64> = moves.into_iter().map(|it| dot(&host(it), &slope)).collect();
    assert_close(&along, &predicted[..replaced.len()], 1e-10);
}

/// The table of labels, the best of which mends the query, held against training again.
#[test]
fn the_best_label_mends_the_query() {
    let influence = trained();
    let of = influence.perturb(&measurement(), query()).unwrap();
    let table = of.flipped(0, CLASSES).unwrap();
    assert_eq!(table.dims(), [CLASSES, N]);
    let table = host(table);
    let (x, y) = (inputs(), labels());
    for (example, label) in y.iter().enumerate() {
        assert!(table[N * *label as usize + example].abs() < 1e-15);
    }
    let indices: Vec<usize> = (0..N).collect();
    let ones = of.replaced(&indices, matrix(&x, INPUTS), classes(&[1; N]));
    let ones = host(ones.unwrap().narrow(0, 0, 1));
    assert_close(&table[N..2 * N], &ones, 1e-12);
    let best = (0..table.len()).min_by(|a, b| table[*a].total_cmp(&table[*b]));
    let best = best.unwrap();
    let (class, example) = (best / N, best % N);
    let row = x[INPUTS * example..][..INPUTS].to_vec();
    let found = retrained(&influence, &[(example, row, class as i64)])[0][0];
    let ratio = table[best] / found;
    // Of the most influential of all more curvature is its own.
    assert!(found < 0.0 && (ratio - 1.0).abs() < 0.15, "{ratio}");
}

#[test]
fn the_best_steps_are_found_and_do_what_they_say() {
    let influence = trained();
    let of = influence.perturb(&measurement(), query()).unwrap();
    let saliency: Tensor<2> = of.saliency(1).unwrap();
    assert_eq!(saliency.dims(), [N, INPUTS]);
    let saliency = host(saliency);
    for (goal, sign) in [(StepGoal::Lower, -1.0), (StepGoal::Raise, 1.0)] {
        let step = InputStep {
            norm: StepNorm::L2,
            goal,
            ..InputStep::new(0.05)
        };
        let ranked = of.ranked_changes(1, &step).unwrap();
        assert_eq!(ranked.len(), N);
        assert!(ranked.is_sorted_by(|a, b| sign * a.1 >= sign * b.1));
        let first: Vec<usize> = ranked.iter().take(3).map(|it| it.0).collect();
        let changes = of.best_changes(1, &first, &step).unwrap();
        let (x, y) = (inputs(), labels());
        for (change, (example, predicted)) in changes.iter().zip(&ranked) {
            assert_eq!(change.example, *example);
            // Other batches, so that sums are in another order.
            assert!((change.predicted - predicted).abs() < 1e-13);
            let own = &saliency[INPUTS * example..][..INPUTS];
            assert_close(&change.gradient, own, 1e-12);
            let gained = dot(own, &change.step);
            assert!((gained - change.first_order).abs() < 1e-15);
            // A small step: the second order is a few hundredths of the first.
            assert!((change.predicted / gained - 1.0).abs() < 0.1);
            let row: Vec<f64> = x[INPUTS * example..][..INPUTS]
                .iter()
                .zip(&change.step)
                .map(|(x, d)| x + d)
                .collect();
            let stepped = of.stepped(*example, &change.step).unwrap();
            assert_eq!(host(stepped.inputs().unwrap()[0].table()), row);
            let found = retrained(&influence, &[(*example, row, y[*example])])[0][1];
            let ratio = change.predicted / found;
            // The curvature changes as little as the example.
            assert!(found * sign > 0.0 && (ratio - 1.0).abs() < 0.01, "{ratio}");
        }
    }
}

/// Both a mean over queries and any other measurement are asked about alike.
#[test]
fn means_and_other_measurements() {
    let influence = trained();
    let each = influence.perturb(&measurement(), query()).unwrap();
    let mean = influence.perturb(&measurement().mean(), query()).unwrap();
    assert_eq!(mean.rows(), 1);
    let (indices, x, y) = parts(&replaced());
    let rows = host(each.replaced(&indices, x.clone(), y.clone()).unwrap());
    let one = host(mean.replaced(&indices, x.clone(), y.clone()).unwrap());
    let halves: Vec<f64> = (0..indices.len())
        .map(|at| 0.5 * (rows[at] + rows[indices.len() + at]))
        .collect();
    assert_close(&one, &halves, 1e-10);
    let responses = influence.respond_to(
        &mean,
        &indices[..1],
        x.narrow(0, 0, 1),
        y.narrow(0, 0, 1),
        500,
    );
    assert_eq!(changes(responses.unwrap())[0].len(), 1);
    let margin = influence.perturb(&Measurement::margin(classes(&[0, 1])), query());
    assert_eq!(margin.unwrap().flipped(1, CLASSES).unwrap().dims(), [3, N]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let influence = trained();
    let of = influence.perturb(&measurement(), query()).unwrap();
    let (indices, x, y) = parts(&replaced());
    let few = of.replaced(&indices[1..], x.clone(), y.clone());
    assert!(matches!(
        few,
        Err(AttributionError::Solve(SolveError::Setting {
            name: "indices",
            ..
        }))
    ));
    let few = influence.respond_to(&of, &indices[1..], x.clone(), y.clone(), 10);
    assert!(matches!(
        few,
        Err(AttributionError::Setting {
            name: "indices",
            ..
        })
    ));
    let beyond = of.flipped(0, CLASSES + 1);
    assert!(matches!(
        beyond,
        Err(AttributionError::Curvature(CurvatureError::Target { .. }))
    ));
    assert!(matches!(
        of.flipped(2, CLASSES),
        Err(AttributionError::NoSuchQuery { query: 2, len: 2 })
    ));
    let no_step = of.ranked_changes(0, &InputStep::new(0.0));
    assert!(matches!(
        no_step,
        Err(AttributionError::Solve(SolveError::Setting {
            name: "size",
            ..
        }))
    ));
    assert!(matches!(
        of.stepped(0, &[0.0; 3]),
        Err(AttributionError::Setting { name: "step", .. })
    ));
    let wide = of.replaced(&indices, matrix(&[0.0; 20], 2), y);
    assert!(wide.is_err());
}
