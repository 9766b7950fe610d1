//! Convolutions as programs compute them on a processor, with their gradients, against their definition.

use backdraft_program::{DispatchTensor, Program, Spec, value_and_grad};
use backdraft_test_support::{host, numbers};
use burn::tensor::{
    DType, Device, Tensor, TensorData,
    module::{conv_transpose2d, conv1d, conv2d},
    ops::{ConvOptions, ConvTransposeOptions},
};

/// Sizes of a convolution from `[batch, groups * inputs, height, width]`.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    groups: usize,
    /// Channels of a group, read and written.
    channels: [usize; 2],
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
}

const PLAIN: Case = Case {
    batch: 2,
    groups: 1,
    channels: [3, 4],
    size: [9, 11],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [0, 0],
    dilation: [1, 1],
};

fn cases() -> Vec<Case> {
    let it = PLAIN;
    vec![
        it,
        // One channel, as grey pictures have, and more examples than cores.
        Case {
            batch: 7,
            channels: [1, 6],
            size: [28, 28],
            kernel: [5, 5],
            padding: [2, 2],
            ..it
        },
        // Many channels, not a multiple of any block.
        Case {
            channels: [17, 21],
            size: [6, 5],
            padding: [1, 1],
            ..it
        },
        Case {
            stride: [2, 3],
            padding: [1, 2],
            ..it
        },
        // A stride over the whole picture: only the padding is read, and the picture's gradient is zero.
        Case {
            size: [3, 1],
            kernel: [2, 1],
            stride: [1, 2],
            padding: [0, 1],
            ..it
        },
        // A stride that leaves the end of the picture out.
        Case {
            size: [10, 8],
            kernel: [2, 3],
            stride: [3, 2],
            ..it
        },
        Case {
            dilation: [2, 3],
            padding: [2, 3],
            ..it
        },
        Case {
            stride: [2, 2],
            dilation: [2, 1],
            padding: [3, 0],
            size: [13, 7],
            ..it
        },
        Case {
            groups: 3,
            channels: [2, 5],
            padding: [1, 1],
            ..it
        },
        // Each channel by itself.
        Case {
            groups: 8,
            channels: [1, 1],
            padding: [1, 1],
            stride: [2, 1],
            ..it
        },
        Case {
            kernel: [1, 1],
            channels: [5, 7],
            ..it
        },
        Case {
            kernel: [1, 1],
            stride: [2, 2],
            channels: [5, 7],
            ..it
        },
        // A kernel as large as the picture, and a frame wider than the kernel.
        Case {
            size: [4, 5],
            kernel: [4, 5],
            ..it
        },
        Case {
            size: [3, 2],
            kernel: [2, 2],
            padding: [3, 4],
            ..it
        },
        Case {
            batch: 1,
            channels: [1, 1],
            size: [1, 1],
            kernel: [1, 1],
            ..it
        },
        Case {
            kernel: [1, 4],
            padding: [0, 3],
            size: [1, 19],
            ..it
        },
    ]
}

impl Case {
    fn out(&self) -> [usize; 2] {
        std::array::from_fn(|i| {
            let reach = self.dilation[i] * (self.kernel[i] - 1) + 1;
            (self.size[i] + 2 * self.padding[i] - reach) / self.stride[i] + 1
        })
    }

    fn shapes(&self) -> [[usize; 4]; 3] {
        let ([from, to], [height, width]) = (self.channels, self.size);
        let [h, w] = self.out();
        [
            [self.batch, self.groups * from, height, width],
            [self.groups * to, from, self.kernel[0], self.kernel[1]],
            [self.batch, self.groups * to, h, w],
        ]
    }

    /// Calls `visit` with the places of input, weight and output of each product in the sums.
    fn terms(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [input, weight, output] = self.shapes();
        let at = |shape: [usize; 4], i: [usize; 4]| {
            ((i[0] * shape[1] + i[1]) * shape[2] + i[2]) * shape[3] + i[3]
        };
        let [_, to] = self.channels;
        for n in 0..self.batch {
            for o in 0..output[1] {
                for place in 0..output[2] * output[3] {
                    let (y, x) = (place / output[3], place % output[3]);
                    for term in 0..weight[1] * weight[2] * weight[3] {
                        let c = term / (weight[2] * weight[3]);
                        let (i, j) = (term / weight[3] % weight[2], term % weight[3]);
                        let row = y * self.stride[0] + i * self.dilation[0];
                        let column = x * self.stride[1] + j * self.dilation[1];
                        let inside = (self.padding[0]..self.padding[0] + input[2]).contains(&row)
                            && (self.padding[1]..self.padding[1] + input[3]).contains(&column);
                        if inside {
                            let channel = o / to * weight[1] + c;
                            let (row, column) = (row - self.padding[0], column - self.padding[1]);
                            visit(
                                at(input, [n, channel, row, column]),
                                at(weight, [o, c, i, j]),
                                at(output, [n, o, y, x]),
                            );
                        }
                    }
                }
            }
        }
    }

    fn options(&self) -> ConvOptions<2> {
        ConvOptions::new(self.stride, self.padding, self.dilation, self.groups)
    }
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], dtype: DType) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, (&Device::flex(), dtype))
}

/// Sums of some hundred products of numbers below one, in another order: rounding alone.
fn close(found: &[f64], expected: &[f64], dtype: DType, what: &str) {
    let precision = if dtype == DType::F64 { 1e-12 } else { 1e-3 };
    let scale = expected.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= precision * scale, "{what}: {a} {b}");
    }
}

#[test]
fn they_are_their_sums_and_so_are_their_gradients() {
    for case in cases() {
        let [input, weight, output] = case.shapes();
        let len = |shape: [usize; 4]| shape.iter().product::<usize>();
        let (x, w) = (numbers(len(input), 71), numbers(len(weight), 137));
        let bias = numbers(weight[0], 211);
        let plane = output[2] * output[3];
        let mut y: Vec<f64> = (0..len(output))
            .map(|i| bias[i / plane % weight[0]])
            .collect();
        case.terms(|i, k, o| y[o] += x[i] * w[k]);
        // Of half the sum of squares, whose gradient in the outputs is the outputs.
        let (mut dx, mut dw, mut db) = (
            vec![0.0; x.len()],
            vec![0.0; w.len()],
            vec![0.0; bias.len()],
        );
        case.terms(|i, k, o| {
            dx[i] += y[o] * w[k];
            dw[k] += y[o] * x[i];
        });
        y.iter()
            .enumerate()
            .for_each(|(i, y)| db[i / plane % weight[0]] += y);
        for dtype in [DType::F64, DType::F32] {
            let options = case.options();
            let half = move |(x, w, b): (Tensor<4>, Tensor<4>, Tensor<1>)| {
                conv2d(x, w, Some(b), options.clone()).square().sum() * 0.5
            };
            let arguments = (
                tensor(&x, input, dtype),
                tensor(&w, weight, dtype),
                tensor(&bias, [weight[0]], dtype),
            );
            let (value, (gx, gw, gb)) = value_and_grad(half, arguments).unwrap();
            let what = format!("{case:?} {dtype:?}");
            let expected = 0.5 * y.iter().map(|y| y * y).sum::<f64>();
            close(&host(value), &[expected], dtype, &format!("value, {what}"));
            close(&host(gx), &dx, dtype, &format!("input, {what}"));
            close(&host(gw), &dw, dtype, &format!("weight, {what}"));
            close(&host(gb), &db, dtype, &format!("bias, {what}"));
        }
    }
}

#[test]
fn one_dimension_is_a_row() {
    let rows = cases()
        .into_iter()
        .filter(|case| case.size[0] == 1 && case.kernel[0] == 1);
    let more = Case {
        size: [1, 23],
        kernel: [1, 3],
        stride: [1, 4],
        padding: [0, 1],
        groups: 2,
        ..PLAIN
    };
    for case in rows.chain([more]) {
        let [input, weight, output] = case.shapes();
        let flat = |[a, b, _, c]: [usize; 4]| [a, b, c];
        let (x, w) = (
            numbers(input.iter().product(), 71),
            numbers(weight.iter().product(), 137),
        );
        let mut y = vec![0.0; output.iter().product()];
        case.terms(|i, k, o| y[o] += x[i] * w[k]);
        let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        case.terms(|i, k, o| {
            dx[i] += y[o] * w[k];
            dw[k] += y[o] * x[i];
        });
        let (stride, padding) = (case.stride[1], case.padding[1]);
        let options = ConvOptions::new([stride], [padding], [case.dilation[1]], case.groups);
        let half = move |(x, w): (Tensor<3>, Tensor<3>)| {
            conv1d(x, w, None, options.clone()).square().sum() * 0.5
        };
        let (x, w) = (
            tensor(&x, flat(input), DType::F64),
            tensor(&w, flat(weight), DType::F64),
        );
        let (_, (gx, gw)) = value_and_grad(half, (x, w)).unwrap();
        close(&host(gx), &dx, DType::F64, &format!("input, {case:?}"));
        close(&host(gw), &dw, DType::F64, &format!("weight, {case:?}"));
    }
}

#[test]
fn transposed_ones_are_the_transpose() {
    for case in cases() {
        // From the convolution's output to its input, as far as the stride reaches.
        let [mut input, weight, output] = case.shapes();
        let mut case = case;
        for i in 0..2 {
            let reach = case.dilation[i] * (case.kernel[i] - 1) + 1;
            input[2 + i] = (output[2 + i] - 1) * case.stride[i] + reach - 2 * case.padding[i];
            // As much more at the end as the stride leaves open.
            input[2 + i] += case.stride[i] - 1;
            case.size[i] = input[2 + i];
        }
        let (x, w) = (
            numbers(output.iter().product(), 71),
            numbers(weight.iter().product(), 137),
        );
        let (plane, bias) = (input[2] * input[3], numbers(input[1], 211));
        let bias_of = |i: usize| bias[i / plane % bias.len()];
        let mut y: Vec<f64> = (0..input.iter().product()).map(bias_of).collect();
        case.terms(|i, k, o| y[i] += x[o] * w[k]);
        let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        case.terms(|i, k, o| {
            dx[o] += y[i] * w[k];
            dw[k] += y[i] * x[o];
        });
        let options = ConvTransposeOptions::new(
            case.stride,
            case.padding,
            case.stride.map(|stride| stride - 1),
            case.dilation,
            case.groups,
        );
        let half = move |(x, w, b): (Tensor<4>, Tensor<4>, Tensor<1>)| {
            conv_transpose2d(x, w, Some(b), options.clone())
                .square()
                .sum()
                * 0.5
        };
        let arguments = (
            tensor(&x, output, DType::F64),
            tensor(&w, weight, DType::F64),
            tensor(&bias, [bias.len()], DType::F64),
        );
        let (value, (gx, gw, _)) = value_and_grad(half, arguments).unwrap();
        let expected = 0.5 * y.iter().map(|y| y * y).sum::<f64>();
        close(
            &host(value),
            &[expected],
            DType::F64,
            &format!("value, {case:?}"),
        );
        close(&host(gx), &dx, DType::F64, &format!("input, {case:?}"));
        close(&host(gw), &dw, DType::F64, &format!("weight, {case:?}"));
    }
}

#[test]
fn views_are_read_as_they_are() {
    // A transposed picture and a slice of a weight are not laid out in order.
    let (x, w) = (
        tensor(&numbers(2 * 3 * 8 * 6, 71), [2, 3, 8, 6], DType::F64),
        tensor(&numbers(9 * 3 * 3 * 3, 137), [9, 3, 3, 3], DType::F64),
    );
    let apply = |inputs: Vec<DispatchTensor>| {
        let [x, w] = [0, 1].map(|i| Tensor::<4>::from_dispatch(inputs[i].clone()));
        let y = conv2d(
            x.swap_dims(2, 3),
            w.slice(2..7),
            None,
            ConvOptions::new([1, 1], [1, 1], [1, 1], 1),
        );
        Ok(vec![y.into_dispatch()])
    };
    let specs = [
        Spec::new([2, 3, 8, 6], DType::F64),
        Spec::new([9, 3, 3, 3], DType::F64),
    ];
    let program = Program::trace(&Device::flex().settings(), &specs, apply).unwrap();
    let found = program
        .call(vec![x.clone().into_dispatch(), w.clone().into_dispatch()])
        .unwrap()
        .remove(0);
    let expected = conv2d(
        x.swap_dims(2, 3),
        w.slice(2..7),
        None,
        ConvOptions::new([1, 1], [1, 1], [1, 1], 1),
    );
    close(
        &host(Tensor::<4>::from_dispatch(found)),
        &host(expected),
        DType::F64,
        "views",
    );
}
