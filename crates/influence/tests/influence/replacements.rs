//! Replaced training examples: predictions against dense matrices and against one prediction at a time, small changes
//! against central differences. In f64 on flex.

use backdraft_curvature::{
    Cost, CrossEntropy, CurvatureError, IntoRows, LinearOperator, Model, Rows, SquaredError,
};
use backdraft_influence::{
    DirectConfig, SolveError, Solver, input_scores, replacement_changes, replacement_scores,
    target_scores,
};
use backdraft_test_support::{
    assert_close, classes, device, dot, double, host, matrix, numbers, random, solve, vector,
};
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{Int, Tensor, TensorData, activation},
};

const N: usize = 10;
const INPUTS: usize = 3;
const CLASSES: usize = 3;
const DAMPING: f64 = 0.05;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

fn labels() -> Vec<i64> {
    (0..N as i64)
        .map(|i| (i * i + 1) % CLASSES as i64)
        .collect()
}

fn network() -> Cost {
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let net = double(Net {
        first: layer(INPUTS, 4),
        second: layer(4, CLASSES),
    });
    let forward =
        |net: &Net, x: Tensor<2>| net.second.forward(activation::tanh(net.first.forward(x)));
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(
        model,
        CrossEntropy,
        random([N, INPUTS], 31),
        classes(&labels()),
    );
    cost.unwrap().with_batch_size(4).unwrap()
}

/// `(G + damping)^-1` on the host.
fn inverse_times(cost: &Cost, b: &[f64]) -> Vec<f64> {
    let (dim, matrix) = (b.len(), cost.gauss_newton());
    let column = |at: usize| {
        let mut unit = vec![0.0; dim];
        unit[at] = 1.0;
        let mut column = host(matrix.apply(vector(&unit)).unwrap());
        column[at] += DAMPING;
        column
    };
    // Symmetric.
    solve((0..dim).map(column).collect(), b.to_vec())
}

/// Queries of another label each.
fn queries(cost: &Cost) -> Cost {
    cost.with_examples(random([2, INPUTS], 77), classes(&[1, 2]))
        .unwrap()
}

/// The solutions of the queries' systems as rows, and on the host.
fn solutions(cost: &Cost) -> (Tensor<2>, Vec<Vec<f64>>) {
    let gradients = queries(cost).gradients().unwrap().split(1, 0);
    let rows = gradients
        .into_iter()
        .map(|it| inverse_times(cost, &host(it)));
    let rows: Vec<Vec<f64>> = rows.collect();
    (matrix(&rows.concat(), cost.model().dim()), rows)
}

/// Four other examples: other inputs, another label, both, and the same.
fn others(cost: &Cost) -> ([usize; 4], Cost) {
    let indices = [3, 0, 9, 3];
    let own = numbers(N * INPUTS, 31);
    let mut x: Vec<f64> = indices
        .iter()
        .flat_map(|&i| own[INPUTS * i..][..INPUTS].to_vec())
        .collect();
    for (x, d) in x.iter_mut().take(INPUTS).zip([0.3, -2.0, 0.1]) {
        *x += d;
    }
    for (x, d) in x[2 * INPUTS..]
        .iter_mut()
        .take(INPUTS)
        .zip([1.0, 0.0, -0.4])
    {
        *x += d;
    }
    let mut y: Vec<i64> = indices.iter().map(|&i| labels()[i]).collect();
    y[1] = (y[1] + 1) % 3;
    y[2] = (y[2] + 2) % 3;
    let replacements = cost.with_examples(matrix(&x, INPUTS), classes(&y)).unwrap();
    (indices, replacements)
}

#[test]
fn they_are_those_of_dense_matrices() {
    let cost = network();
    let (indices, replacements) = others(&cost);
    let dim = cost.model().dim();
    let rows = |cost: &Cost| -> Vec<Vec<f64>> {
        let all = host(cost.gradients().unwrap());
        all.chunks(dim).map(<[f64]>::to_vec).collect()
    };
    let (own, new) = (rows(&cost), rows(&replacements));
    let (solutions, by_host) = solutions(&cost);
    let found = replacement_scores(&cost, solutions, &indices, &replacements).unwrap();
    assert_eq!(found.dims(), [2, 4]);
    let found = host(found);
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = DirectConfig::default().init().unwrap();
    let ready = solver.prepare(&matrix).unwrap();
    let changes = replacement_changes(&cost, &*ready, &indices, &replacements).unwrap();
    let query = rows(&queries(&cost));
    for (place, (&index, change)) in indices.iter().zip(changes).enumerate() {
        let pull: Vec<f64> = own[index]
            .iter()
            .zip(&new[place])
            .map(|(old, new)| (old - new) / N as f64)
            .collect();
        for row in 0..2 {
            let expected = dot(&by_host[row], &pull);
            assert!((found[4 * row + place] - expected).abs() < 1e-13 * expected.abs().max(1e-2));
        }
        let change = host(change.unwrap().vector);
        if place == 3 {
            // The same example in its own place, but for the sums' order.
            assert!(change.iter().all(|it| it.abs() < 1e-15));
            continue;
        }
        assert_close(&change, &inverse_times(&cost, &pull), 1e-12);
        for (row, query) in query.iter().enumerate() {
            // What they do to a query is what their change of the parameters does.
            assert!((dot(query, &change) - found[4 * row + place]).abs() < 1e-13);
        }
    }
}

#[test]
fn every_label_is_scored_as_if_alone() {
    let cost = network();
    let (solutions, _) = solutions(&cost);
    let alternatives: Vec<Vec<Rows>> = (0..CLASSES as i64)
        .map(|class| classes(&[class; N]).rows())
        .collect();
    for solution in solutions.split(1, 0) {
        let table = target_scores(&cost, solution.clone().squeeze_dim(0), &alternatives).unwrap();
        assert_eq!(table.dims(), [CLASSES, N]);
        let table = host(table);
        let all: Vec<usize> = (0..N).collect();
        for (class, targets) in alternatives.iter().enumerate() {
            let one = cost.with_targets(targets.clone()).unwrap();
            let one = replacement_scores(&cost, solution.clone(), &all, &one).unwrap();
            assert_close(&table[N * class..][..N], &host(one), 1e-13);
        }
        // Its own label changes nothing.
        for (example, label) in labels().into_iter().enumerate() {
            assert!(table[N * label as usize + example].abs() < 1e-16);
        }
    }
}

/// The target of least squares enters its gradient in proportion, whatever the change.
#[test]
fn other_numbers_for_targets_act_in_proportion() {
    let net = double(LinearConfig::new(INPUTS, 1).init(&device()));
    let model = Model::new(&net, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let targets = numbers(N, 19);
    let cost = Cost::new(
        model,
        SquaredError,
        random([N, INPUTS], 31),
        matrix(&targets, 1),
    );
    let cost = cost.unwrap();
    let s = random([cost.model().dim()], 5);
    let (_, along) = cost.outputs_along(s.clone()).unwrap();
    let along = host(along);
    let moved = |by: f64| {
        let moved: Vec<f64> = targets.iter().map(|it| it + by).collect();
        matrix(&moved, 1).rows()
    };
    let steps = [1.0, -2.0, 50.0];
    let table = target_scores(&cost, s, &steps.map(moved)).unwrap();
    for (row, by) in table.split(1, 0).into_iter().zip(steps) {
        let expected: Vec<f64> = along.iter().map(|it| it * by / N as f64).collect();
        assert_close(&host(row), &expected, 1e-13);
    }
}

#[test]
fn small_changes_are_the_mixed_derivative() {
    let cost = network();
    let (solutions, _) = solutions(&cost);
    let x = numbers(N * INPUTS, 31);
    // Truncation is h^2, rounding 1e-16 / h.
    let h = 1e-5;
    for solution in solutions.split(1, 0) {
        let by: Tensor<2> = input_scores(&cost, solution.clone().squeeze_dim(0)).unwrap();
        let by = host(by);
        for (element, slope) in by.iter().enumerate() {
            let example = element / INPUTS;
            let at = |sign: f64| {
                let mut x = x[INPUTS * example..][..INPUTS].to_vec();
                x[element % INPUTS] += sign * h;
                let moved = cost.with_examples(matrix(&x, INPUTS), classes(&[labels()[example]]));
                let moved = moved.unwrap();
                host(replacement_scores(&cost, solution.clone(), &[example], &moved).unwrap())[0]
            };
            let central = (at(1.0) - at(-1.0)) / (2.0 * h);
            assert!((slope - central).abs() < 1e-9, "{slope}, not {central}");
        }
    }
}

#[derive(Module, Debug)]
struct Reader {
    embedding: Embedding,
    output: Linear,
}

/// A word in place of another, beside a number: inputs of two kinds.
#[test]
fn words_are_replaced_too() {
    const WORDS: usize = 4;
    let net = double(Reader {
        embedding: EmbeddingConfig::new(6, 3).init(&device()),
        output: LinearConfig::new(4, CLASSES).init(&device()),
    });
    let forward = |net: &Reader, (words, x): (Tensor<2, Int>, Tensor<2>)| {
        let mean = net.embedding.forward(words).mean_dim(1).squeeze_dim(1);
        net.output
            .forward(activation::tanh(Tensor::cat(vec![mean, x], 1)))
    };
    let words = |rows: &[[i64; WORDS]]| -> Tensor<2, Int> {
        let data = TensorData::new(rows.concat(), [rows.len(), WORDS]);
        Tensor::from_data(data, &device())
    };
    let text: Vec<[i64; WORDS]> = (0..N as i64)
        .map(|i| std::array::from_fn(|at| (3 * i + 2 * at as i64) % 6))
        .collect();
    let x = numbers(N, 4);
    let model = Model::new(&net, forward).unwrap();
    let inputs = (words(&text), matrix(&x, 1));
    let cost = Cost::new(model, CrossEntropy, inputs, classes(&labels())).unwrap();
    let mut other = text[6];
    other[2] = (other[2] + 1) % 6;
    let inputs = (words(&[other]), matrix(&[x[6]], 1));
    let replacement = cost.with_examples(inputs, classes(&[labels()[6]])).unwrap();
    let s = numbers(cost.model().dim(), 9);
    let found = replacement_scores(&cost, matrix(&s, s.len()), &[6], &replacement).unwrap();
    let gradient = |cost: &Cost| host(cost.gradient().unwrap());
    let (old, new) = (
        gradient(&cost.select(&[6]).unwrap()),
        gradient(&replacement),
    );
    let expected = (dot(&s, &old) - dot(&s, &new)) / N as f64;
    assert!((host(found)[0] - expected).abs() < 1e-15 && expected.abs() > 1e-4);
}

#[test]
fn replacements_that_do_not_fit_are_refused() {
    let cost = network();
    let (indices, replacements) = others(&cost);
    let (solutions, _) = solutions(&cost);
    let few = replacement_scores(&cost, solutions.clone(), &indices[1..], &replacements);
    assert!(matches!(
        few,
        Err(SolveError::Setting {
            name: "indices",
            ..
        })
    ));
    let beyond = replacement_scores(&cost, solutions, &[3, 0, N, 3], &replacements);
    let Err(SolveError::Curvature(CurvatureError::Index { index: N, len: N })) = beyond else {
        panic!("{:?}", beyond.map(|_| ()));
    };
}
