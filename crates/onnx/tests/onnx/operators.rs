//! Operators in the forms of several versions, against what they are by definition. In f64.

use backdraft_curvature::{Cost, LinearOperator, Model, SquaredError};
use backdraft_onnx::OnnxModel;
use backdraft_test_support::{assert_close, host, matrix, numbers, random};
use burn::tensor::{Device, Tensor};

use crate::writer::{NodeWriter, Writer};

pub fn load(writer: &Writer) -> OnnxModel {
    let folder = tempfile::tempdir().unwrap();
    OnnxModel::load(writer.write(folder.path()), &Device::flex()).unwrap()
}

pub fn outputs(writer: &Writer, x: &[f64], rows: usize) -> Vec<f64> {
    host(load(writer).forward(matrix(x, x.len() / rows)))
}

/// `x [batch, shape..]` times a parameter that is 1.
pub fn start(version: u64, shape: &[usize]) -> Writer {
    let all: Vec<usize> = [0].iter().chain(shape).copied().collect();
    let last = shape[shape.len() - 1];
    Writer::new(version, &all)
        .floats("one", &[last], &vec![1.0; last])
        .node("Mul", &["x", "one"], &["h"])
}

/// A plane of 1, 2, .. in rows.
fn plane(rows: usize, columns: usize) -> Vec<f64> {
    (1..=rows * columns).map(|n| n as f64).collect()
}

#[test]
fn greatest_of_windows() {
    let pool = |node: NodeWriter| outputs(&start(17, &[1, 3, 3]).with(node), &plane(3, 3), 1);
    let node = || NodeWriter::new("MaxPool", &["h"], &["y"]).ints("kernel_shape", &[2, 2]);
    assert_eq!(pool(node()), [5.0, 6.0, 8.0, 9.0]);
    let two = || node().ints("strides", &[2, 2]);
    assert_eq!(pool(two()), [5.0]);
    assert_eq!(pool(two().int("ceil_mode", 1)), [5.0, 6.0, 8.0, 9.0]);
    assert_eq!(
        pool(two().text("auto_pad", "SAME_UPPER")),
        [5.0, 6.0, 8.0, 9.0]
    );
    assert_eq!(
        pool(two().text("auto_pad", "SAME_LOWER")),
        [1.0, 3.0, 7.0, 9.0]
    );
    assert_eq!(
        pool(two().ints("pads", &[1, 0, 0, 1])),
        [2.0, 3.0, 8.0, 9.0]
    );
}

#[test]
fn means_of_windows() {
    let pool = |node: NodeWriter| outputs(&start(19, &[1, 3, 3]).with(node), &plane(3, 3), 1);
    let node = || {
        let node = NodeWriter::new("AveragePool", &["h"], &["y"]);
        node.ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2])
    };
    assert_eq!(pool(node()), [3.0]);
    // The last window of an axis has one row or column of numbers.
    assert_eq!(pool(node().int("ceil_mode", 1)), [3.0, 4.5, 7.5, 9.0]);
    let beside = || node().ints("pads", &[1, 0, 0, 1]);
    assert_close(&pool(beside()), &[1.5, 3.0, 6.0, 7.5], 1e-15);
    let counted = pool(beside().int("count_include_pad", 1));
    assert_close(&counted, &[0.75, 0.75, 6.0, 3.75], 1e-15);
    let line = NodeWriter::new("AveragePool", &["h"], &["y"]).ints("kernel_shape", &[3]);
    assert_eq!(
        outputs(&start(11, &[1, 4]).with(line), &plane(1, 4), 1),
        [2.0, 3.0]
    );
}

#[test]
fn softmax_of_old_versions_takes_all_later_axes_together() {
    let node = || NodeWriter::new("Softmax", &["h"], &["p"]).int("axis", 1);
    let after = |writer: Writer| {
        writer
            .node("Exp", &["p"], &["q"])
            .node("Log", &["q"], &["y"])
    };
    let x = numbers(6, 1);
    let exp: Vec<f64> = x.iter().map(|x| x.exp()).collect();
    let together = outputs(&after(start(11, &[2, 3]).with(node())), &x, 1);
    let sum: f64 = exp.iter().sum();
    assert_close(
        &together,
        &exp.iter().map(|e| e / sum).collect::<Vec<_>>(),
        1e-14,
    );
    let alone = outputs(&after(start(13, &[2, 3]).with(node())), &x, 1);
    let columns: Vec<f64> = (0..6)
        .map(|at| exp[at] / (exp[at % 3] + exp[at % 3 + 3]))
        .collect();
    assert_close(&alone, &columns, 1e-14);
}

/// What attributes gave in old versions, inputs give in new ones.
#[test]
fn forms_of_several_versions_are_one() {
    let x = numbers(24, 2);
    let check = |old: Writer, new: Writer, expected: usize| {
        let (old, new) = (outputs(&old, &x, 2), outputs(&new, &x, 2));
        assert_eq!(old, new);
        assert_eq!(old.len(), expected);
    };
    let shape = &[3, 4];
    check(
        start(9, shape).with(
            NodeWriter::new("Clip", &["h"], &["y"])
                .float("min", -0.5)
                .float("max", 0.25),
        ),
        start(13, shape)
            .floats("min", &[], &[-0.5])
            .floats("max", &[], &[0.25])
            .node("Clip", &["h", "min", "max"], &["y"]),
        24,
    );
    check(
        start(11, shape).with(NodeWriter::new("ReduceSum", &["h"], &["y"]).ints("axes", &[-1])),
        start(13, shape)
            .ints("axes", &[1], &[2])
            .node("ReduceSum", &["h", "axes"], &["y"]),
        6,
    );
    check(
        start(9, shape).with(
            NodeWriter::new("Slice", &["h"], &["y"])
                .ints("starts", &[1, -3])
                .ints("ends", &[99, -1])
                .ints("axes", &[1, 2]),
        ),
        start(13, shape)
            .ints("starts", &[2], &[1, 1])
            .ints("ends", &[2], &[i64::MAX, 3])
            .ints("axes", &[2], &[1, -1])
            .node("Slice", &["h", "starts", "ends", "axes"], &["y"]),
        8,
    );
    check(
        start(11, shape)
            .with(NodeWriter::new("Unsqueeze", &["h"], &["u"]).ints("axes", &[0, -1]))
            .with(NodeWriter::new("Squeeze", &["u"], &["y"]).ints("axes", &[0])),
        start(13, shape)
            .ints("both", &[2], &[0, 4])
            .ints("first", &[1], &[0])
            .node("Unsqueeze", &["h", "both"], &["u"])
            .node("Squeeze", &["u", "first"], &["y"]),
        24,
    );
    check(
        start(10, shape).with(
            NodeWriter::new("Pad", &["h"], &["y"])
                .ints("pads", &[0, 0, 1, 0, -1, 0])
                .float("value", 0.5),
        ),
        start(18, shape)
            .ints("pads", &[4], &[0, 1, -1, 0])
            .ints("axes", &[2], &[1, 2])
            .floats("value", &[], &[0.5])
            .node("Pad", &["h", "pads", "value", "axes"], &["y"]),
        20,
    );
    check(
        start(11, shape)
            .with(
                NodeWriter::new("Split", &["h"], &["a", "b"])
                    .int("axis", 2)
                    .ints("split", &[1, 3]),
            )
            .node("Mul", &["a", "b"], &["y"]),
        start(13, shape)
            .ints("sizes", &[2], &[1, 3])
            .with(NodeWriter::new("Split", &["h", "sizes"], &["a", "b"]).int("axis", -1))
            .node("Mul", &["a", "b"], &["y"]),
        18,
    );
}

#[test]
fn entries_are_looked_up() {
    let x = numbers(12, 3);
    let rows = |indices: &[i64], shape: &[usize]| {
        let writer = start(13, &[3, 4]).ints("i", shape, indices);
        outputs(
            &writer.with(NodeWriter::new("Gather", &["h", "i"], &["y"]).int("axis", 1)),
            &x,
            1,
        )
    };
    assert_eq!(rows(&[1], &[]), x[4..8]);
    assert_eq!(rows(&[-1, 0], &[2]), [&x[8..], &x[..4]].concat());
    assert_eq!(rows(&[0, 1, 2, 0], &[2, 2]), [&x[..], &x[..4]].concat());
}

#[test]
fn matrices_are_multiplied_as_in_numpy() {
    let x = numbers(12, 4);
    let w = numbers(4, 5);
    let vector = start(13, &[3, 4])
        .floats("w", &[4], &w)
        .node("MatMul", &["h", "w"], &["y"]);
    let expected: Vec<f64> = x
        .chunks(4)
        .map(|row| row.iter().zip(&w).map(|(a, b)| a * b).sum())
        .collect();
    assert_close(&outputs(&vector, &x, 1), &expected, 1e-14);
    // alpha A' B + beta C, with A a constant of the graph: [2, 3]' [2, batch]' ..
    let (w, c) = (numbers(8, 6), numbers(2, 7));
    let gemm = NodeWriter::new("Gemm", &["h", "w", "c"], &["y"])
        .float("alpha", 0.5)
        .float("beta", 2.0)
        .int("transB", 1);
    let gemm = start(13, &[4])
        .floats("w", &[2, 4], &w)
        .floats("c", &[1, 2], &c)
        .with(gemm);
    let expected = x.chunks(4).flat_map(|row| {
        let products = w
            .chunks(4)
            .map(|w| row.iter().zip(w).map(|(a, b)| a * b).sum::<f64>());
        products
            .zip(&c)
            .map(|(product, c)| 0.5 * product + 2.0 * c)
            .collect::<Vec<_>>()
    });
    assert_close(&outputs(&gemm, &x, 3), &expected.collect::<Vec<_>>(), 1e-14);
}

/// A bias and a running mean that are equal are stored once: the bias is a parameter, the mean is not.
#[test]
fn what_is_a_parameter_and_a_constant_is_both() {
    let a = [0.5, 1.5];
    let node = NodeWriter::new("BatchNormalization", &["h", "a", "a", "a", "a"], &["y"]);
    let writer = Writer::new(15, &[0, 2])
        .floats("a", &[2], &a)
        .node("Neg", &["x"], &["h"]);
    let network = load(&writer.with(node.float("epsilon", 0.5)));
    let x = random::<2>([3, 2], 5);
    let forward = |it: &OnnxModel, x: Tensor<2>| it.forward(x);
    let model = Model::new(&network, forward).unwrap();
    let t = random::<2>([3, 2], 6);
    let cost = Cost::new(model, SquaredError, x.clone(), t.clone()).unwrap();
    // y = (h - mean) a / sqrt(variance + 1/2) + a
    let slopes: Vec<f64> = host(x)
        .iter()
        .enumerate()
        .map(|(at, x)| (-x - a[at % 2]) / (a[at % 2] + 0.5).sqrt() + 1.0)
        .collect();
    let errors = host(t)
        .into_iter()
        .enumerate()
        .map(|(at, t)| slopes[at] * a[at % 2] - t);
    let terms: Vec<f64> = errors
        .zip(&slopes)
        .map(|(error, slope)| error * slope / 3.0)
        .collect();
    let expected = [0, 1].map(|at| terms[at] + terms[at + 2] + terms[at + 4]);
    assert_close(&host(cost.gradient().unwrap()), &expected, 1e-13);
}

/// Each function of one number, against its definition, and its derivative along the parameter against a difference.
#[test]
fn functions_of_one_number() {
    let x = numbers(10, 8).iter().map(|x| 3.0 * x).collect::<Vec<_>>();
    type Function = fn(f64) -> f64;
    let sigmoid: Function = |x| 1.0 / (1.0 + (-x).exp());
    let plain: [(&str, Function); 12] = [
        ("Relu", |x| x.max(0.0)),
        ("Sigmoid", sigmoid),
        ("Tanh", f64::tanh),
        ("Softplus", |x| x.exp().ln_1p()),
        ("Softsign", |x| x / (1.0 + x.abs())),
        ("Mish", |x| x * x.exp().ln_1p().tanh()),
        ("HardSwish", |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        ("HardSigmoid", |x| (0.2 * x + 0.5).clamp(0.0, 1.0)),
        ("Elu", |x| if x > 0.0 { x } else { x.exp_m1() }),
        ("Celu", |x| if x > 0.0 { x } else { x.exp_m1() }),
        ("Selu", |x| {
            1.050_700_987_355_480_5
                * if x > 0.0 {
                    x
                } else {
                    1.673_263_242_354_377_3 * x.exp_m1()
                }
        }),
        ("LeakyRelu", |x| if x > 0.0 { x } else { 0.01 * x }),
    ];
    for (operator, function) in plain {
        let writer =
            start(24, &[5])
                .node(operator, &["h"], &["z"])
                .node("Identity", &["z"], &["w"]);
        let writer = writer
            .floats("half", &[5], &[0.5; 5])
            .node("Mul", &["w", "half"], &["y"]);
        let expected: Vec<f64> = x.iter().map(|&x| 0.5 * function(x)).collect();
        let found = outputs(&writer, &x, 2);
        let error = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(error < 1e-7, "{operator}: {found:?}, not {expected:?}");
    }
}

#[test]
fn attention_is_what_it_is_made_of() {
    let (q, k, v) = (numbers(24, 10), numbers(24, 11), numbers(24, 12));
    let start = || {
        Writer::new(23, &[0, 4, 6])
            .floats("wq", &[6, 6], &[&q[..], &q[..12]].concat())
            .floats("wk", &[6, 6], &[&k[..], &k[..12]].concat())
            .floats("wv", &[6, 6], &[&v[..], &v[..12]].concat())
            .node("MatMul", &["x", "wq"], &["q"])
            .node("MatMul", &["x", "wk"], &["k"])
            .node("MatMul", &["x", "wv"], &["v"])
    };
    let node = NodeWriter::new("Attention", &["q", "k", "v"], &["y"])
        .int("q_num_heads", 2)
        .int("kv_num_heads", 2)
        .int("is_causal", 1);
    let split = |writer: Writer, name: &str, order: &[i64]| {
        let (heads, turned) = (format!("{name} heads"), format!("{name} turned"));
        let node = NodeWriter::new("Transpose", &[&heads], &[&turned]).ints("perm", order);
        writer
            .node("Reshape", &[name, "shape"], &[&heads])
            .with(node)
    };
    let mut parts = start()
        .ints("shape", &[4], &[0, 0, 2, 3])
        .ints("back", &[3], &[0, 0, 6]);
    parts = split(
        split(split(parts, "q", &[0, 2, 1, 3]), "k", &[0, 2, 3, 1]),
        "v",
        &[0, 2, 1, 3],
    );
    let mask: Vec<f64> = (0..16)
        .map(|at| {
            if at % 4 <= at / 4 {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        })
        .collect();
    let parts = parts
        .node("MatMul", &["q turned", "k turned"], &["scores"])
        .floats("scale", &[1], &[3.0_f64.sqrt().recip()])
        .floats("mask", &[4, 4], &mask)
        .node("Mul", &["scores", "scale"], &["scaled"])
        .node("Add", &["scaled", "mask"], &["masked"])
        .with(NodeWriter::new("Softmax", &["masked"], &["p"]).int("axis", -1))
        .node("MatMul", &["p", "v turned"], &["found"])
        .with(NodeWriter::new("Transpose", &["found"], &["places"]).ints("perm", &[0, 2, 1, 3]))
        .node("Reshape", &["places", "back"], &["y"]);
    let (one, many) = (load(&start().with(node)), load(&parts));
    let (x, t) = (random::<2>([3, 24], 13), random::<2>([3, 24], 14));
    let products = [&one, &many].map(|network| {
        let forward = |it: &OnnxModel, x: Tensor<2>| it.forward(x);
        let model = Model::new(network, forward).unwrap();
        let cost = Cost::new(model, SquaredError, x.clone(), t.clone()).unwrap();
        let product = cost.hessian().apply(random::<1>([108], 15)).unwrap();
        (host(network.forward(x.clone())), host(product))
    });
    assert_close(&products[0].0, &products[1].0, 1e-13);
    assert_close(&products[0].1, &products[1].1, 1e-12);
}
