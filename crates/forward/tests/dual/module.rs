//! Linear layers, embeddings, pooling, interpolation, normalization, attention and CTC.

use burn_backend::IntDType;
use burn_backend::ops::{
    ActivationOps, AttentionModuleOptions, InterpolateMode, InterpolateOptions, ModuleOps,
    UnfoldOptions,
};
use burn_flex::FlexTensor;

use crate::support::{Outer, Tensor, bools, check, ints, spread};

#[test]
fn linear() {
    let (weight, bias) = (spread([4, 3], -1.0, 1.0), spread([3], -1.0, 1.0));
    check_linear([2, 4], [2, 3], &weight, &bias);
    check_linear([2, 5, 4], [2, 5, 3], &weight, &bias);
}

fn check_linear<const D: usize>(
    x: [usize; D],
    grad: [usize; D],
    weight: &FlexTensor,
    bias: &FlexTensor,
) {
    let (x, grad) = (spread(x, -2.0, 2.0), spread(grad, -1.0, 1.5));
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("linear", all, |[x, w, b]| Outer::linear(x, w, Some(b)));
    check("linear, no bias", [x.clone(), weight.clone()], |[x, w]| {
        Outer::linear(x, w, None)
    });
    let pair = [weight.clone(), grad.clone()];
    check("linear_x_backward", pair, |[w, g]| {
        Outer::linear_x_backward(w, g)
    });
    check("linear_weight_backward", [x, grad.clone()], |[x, g]| {
        Outer::linear_weight_backward(x, g)
    });
    check("linear_bias_backward", [grad], |[g]| {
        Outer::linear_bias_backward(g)
    });
}

#[test]
fn embedding() {
    let words = ints(vec![3, 1, 1, 0, 4, 3], [2, 3]);
    let weights = spread([5, 2], -2.0, 2.0);
    check("embedding", [weights.clone()], |[w]| {
        Outer::embedding(w, words.clone())
    });
    let pair = [weights, spread([2, 3, 2], -1.0, 1.0)];
    check("embedding_backward", pair, |[w, g]| {
        Outer::embedding_backward(w, g, words.clone())
    });
}

#[test]
fn blocks() {
    let plain = UnfoldOptions::new([1, 1], [0, 0], [1, 1]);
    let padded = UnfoldOptions::new([2, 1], [1, 0], [1, 2]);
    for options in [plain, padded] {
        check("unfold4d", [spread([1, 2, 4, 5], -2.0, 2.0)], |[x]| {
            Outer::unfold4d(x, [2, 2], options.clone())
        });
    }
    check("fold4d", [spread([1, 8, 12], -2.0, 2.0)], |[x]| {
        let options = UnfoldOptions::new([1, 1], [0, 0], [1, 1]);
        Outer::fold4d(x, [4, 5], [2, 2], options)
    });
}

#[test]
fn average_pooling() {
    check("avg_pool1d", [spread([2, 2, 7], -2.0, 2.0)], |[x]| {
        Outer::avg_pool1d(x, 3, 2, 1, true, false)
    });
    let pair = [spread([2, 2, 7], -2.0, 2.0), spread([2, 2, 4], -1.0, 1.0)];
    check("avg_pool1d_backward", pair, |[x, g]| {
        Outer::avg_pool1d_backward(x, g, 3, 2, 1, true, false)
    });
    for include in [true, false] {
        check("avg_pool2d", [plane()], |[x]| {
            Outer::avg_pool2d(x, [3, 2], [2, 2], [1, 0], include, false)
        });
        let pair = [plane(), spread([2, 2, 3, 3], -1.0, 1.0)];
        check("avg_pool2d_backward", pair, |[x, g]| {
            Outer::avg_pool2d_backward(x, g, [3, 2], [2, 2], [1, 0], include, false)
        });
    }
}

#[test]
fn adaptive_pooling() {
    let line = || spread([2, 2, 7], -2.0, 2.0);
    check("adaptive_avg_pool1d", [line()], |[x]| {
        Outer::adaptive_avg_pool1d(x, 3)
    });
    let pair = [line(), spread([2, 2, 3], -1.0, 1.0)];
    check("adaptive_avg_pool1d_backward", pair, |[x, g]| {
        Outer::adaptive_avg_pool1d_backward(x, g)
    });
    check("adaptive_avg_pool2d", [plane()], |[x]| {
        Outer::adaptive_avg_pool2d(x, [2, 3])
    });
    let pair = [plane(), spread([2, 2, 2, 3], -1.0, 1.0)];
    check("adaptive_avg_pool2d_backward", pair, |[x, g]| {
        Outer::adaptive_avg_pool2d_backward(x, g)
    });
    let solid = || spread([1, 2, 3, 4, 3], -2.0, 2.0);
    check("adaptive_avg_pool3d", [solid()], |[x]| {
        Outer::adaptive_avg_pool3d(x, [2, 2, 2])
    });
    let pair = [solid(), spread([1, 2, 2, 2, 2], -1.0, 1.0)];
    check("adaptive_avg_pool3d_backward", pair, |[x, g]| {
        Outer::adaptive_avg_pool3d_backward(x, g)
    });
}

#[test]
fn max_pooling_of_lines() {
    let line = || spread([2, 2, 7], -2.0, 2.0);
    check("max_pool1d", [line()], |[x]| {
        Outer::max_pool1d(x, 3, 2, 1, 1, false)
    });
    check("max_pool1d_with_indices", [line()], |[x]| {
        Outer::max_pool1d_with_indices(x, 2, 2, 0, 2, false, IntDType::I64).output
    });
    let pair = [line(), spread([2, 2, 4], -1.0, 1.0)];
    check("max_pool1d_with_indices_backward", pair, |[x, g]| {
        let indices = IntDType::I64;
        let pooled = Outer::max_pool1d_with_indices(x.clone(), 3, 2, 1, 1, false, indices);
        let indices = pooled.indices;
        Outer::max_pool1d_with_indices_backward(x, 3, 2, 1, 1, false, g, indices).x_grad
    });
}

#[test]
fn max_pooling_of_planes() {
    for ceil in [false, true] {
        check("max_pool2d", [plane()], |[x]| {
            Outer::max_pool2d(x, [3, 2], [2, 2], [1, 0], [1, 1], ceil)
        });
        check("max_pool2d_with_indices", [plane()], |[x]| {
            let indices = IntDType::I32;
            Outer::max_pool2d_with_indices(x, [2, 2], [1, 2], [0, 1], [2, 1], ceil, indices).output
        });
    }
    let pair = [plane(), spread([2, 2, 4, 5], -1.0, 1.0)];
    check("max_pool2d_with_indices_backward", pair, |[x, g]| {
        let (kernel, one, zero) = ([2, 2], [1, 1], [0, 0]);
        let indices = IntDType::I64;
        let pooled =
            Outer::max_pool2d_with_indices(x.clone(), kernel, one, zero, one, false, indices);
        let indices = pooled.indices;
        let grads =
            Outer::max_pool2d_with_indices_backward(x, kernel, one, zero, one, false, g, indices);
        grads.x_grad
    });
}

#[test]
fn interpolation() {
    let modes = [
        InterpolateMode::Nearest,
        InterpolateMode::Bilinear,
        InterpolateMode::Bicubic,
    ];
    for mode in modes {
        let options = || InterpolateOptions::new(mode.clone());
        check(&format!("interpolate {mode:?}"), [plane()], |[x]| {
            Outer::interpolate(x, [7, 4], options())
        });
        let pair = [plane(), spread([2, 2, 7, 4], -1.0, 1.0)];
        check(&format!("interpolate_backward {mode:?}"), pair, |[x, g]| {
            Outer::interpolate_backward(x, g, [7, 4], options())
        });
    }
}

#[test]
fn layer_norm() {
    let x = || spread([2, 3, 4], -2.0, 2.0);
    let (gamma, beta) = (|| spread([4], 0.5, 1.5), || spread([4], -1.0, 1.0));
    check("layer_norm", [x(), gamma(), beta()], |[x, g, b]| {
        Outer::layer_norm(x, g, Some(b), 1e-5)
    });
    check("layer_norm, no shift", [x(), gamma()], |[x, g]| {
        Outer::layer_norm(x, g, None, 1e-5)
    });
}

#[test]
fn batch_norm() {
    let x = || spread([3, 2, 4], -2.0, 2.0);
    let (gamma, beta) = (|| spread([2], 0.5, 1.5), || spread([2], -1.0, 1.0));
    let (mean, variance) = (|| spread([2], -0.2, 0.3), || spread([2], 0.8, 1.6));
    let all = [x(), gamma(), beta(), mean(), variance()];
    check("batch_norm", all, |[x, gamma, beta, mean, variance]| {
        Outer::batch_norm(x, gamma, beta, mean, variance, 1e-5)
    });
    type Row = (&'static str, fn(Tensor, Tensor, Tensor) -> Tensor);
    let table: [Row; 3] = [
        ("output", |x, g, b| {
            Outer::batch_norm_train(x, g, b, 1e-5).output
        }),
        ("mean", |x, g, b| {
            Outer::batch_norm_train(x, g, b, 1e-5).mean
        }),
        ("variance", |x, g, b| {
            Outer::batch_norm_train(x, g, b, 1e-5).variance
        }),
    ];
    for (name, f) in table {
        let name = format!("batch_norm_train {name}");
        check(&name, [x(), gamma(), beta()], |[x, g, b]| f(x, g, b));
    }
}

#[test]
fn batch_norm_backward() {
    let inputs = || {
        [
            spread([3, 2, 4], -2.0, 2.0),
            spread([2], 0.5, 1.5),
            spread([2], -0.2, 0.3),
            spread([2], 0.8, 1.6),
            spread([3, 2, 4], -1.0, 1.5),
        ]
    };
    let grads = |[x, gamma, mean, variance, grad]: [Tensor; 5]| {
        Outer::batch_norm_train_backward(x, gamma, mean, variance, 1e-5, grad)
    };
    check("batch_norm_train_backward x", inputs(), |all| {
        grads(all).x_grad
    });
    check("batch_norm_train_backward gamma", inputs(), |all| {
        grads(all).gamma_grad
    });
    check("batch_norm_train_backward beta", inputs(), |all| {
        grads(all).beta_grad
    });
}

#[test]
fn attention() {
    let inputs = || {
        [
            spread([1, 2, 3, 2], -1.0, 1.0),
            spread([1, 2, 4, 2], -1.5, 1.0),
            spread([1, 2, 4, 3], -1.0, 1.5),
            spread([1, 2, 3, 4], -0.5, 0.5),
        ]
    };
    check("attention", inputs(), |[q, k, v, bias]| {
        Outer::attention(q, k, v, None, Some(bias), Default::default())
    });
    let mask = bools((0..24).map(|i| i % 7 == 2).collect(), [1, 2, 3, 4]);
    let [q, k, v, _] = inputs();
    check("attention, masked", [q, k, v], |[q, k, v]| {
        let options = AttentionModuleOptions {
            scale: Some(0.8),
            softcap: Some(2.0),
            is_causal: true,
        };
        Outer::attention(q, k, v, Some(mask.clone()), None, options)
    });
}

#[test]
fn ctc() {
    let targets = ints(vec![1, 2, 2, 1], [2, 2]);
    let (lengths, target_lengths) = (ints(vec![5, 4], [2]), ints(vec![2, 1], [2]));
    check("ctc_loss", [spread([5, 2, 3], -1.0, 1.0)], |[x]| {
        let (lengths, target_lengths) = (lengths.clone(), target_lengths.clone());
        let log_probs = Outer::log_softmax(x, 2);
        Outer::ctc_loss(log_probs, targets.clone(), lengths, target_lengths, 0)
    });
}

fn plane() -> FlexTensor {
    spread([2, 2, 5, 6], -2.0, 2.0)
}
